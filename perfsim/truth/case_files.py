"""Truths as data: case files, YAML in, frozen values out. The shipped ones and those of users have the same form.

A case says what runs, and what must come out. Every error is one line: FILE:LINE:COLUMN, what was found, what was
expected.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from perfsim.engine import ENGINES
from perfsim.engine.prepare import check_fits
from perfsim.errors import quoted
from perfsim.scenario import fields
from perfsim.scenario.fields import Item, mapping, optional, refusal, required, section
from perfsim.scenario.locate import shipped_workloads
from perfsim.scenario.source import Node, earlier, read_document
from perfsim.scenario.validate import changed_scenario
from perfsim.truth.expectations import Expected, by_theory, expected_of, is_exact
from perfsim.truth.theory import Theory, is_lock_loop, main_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from perfsim.scenario.schema import Scenario

SHIPPED = ("queueing", "published", "bounds")
DEFAULT_WORKLOAD = "lock_contention"
REPLICATIONS = 5
REPLICATIONS_MAX = 1000
RUNS_MAX = 16

_FOLDER = Path(__file__).resolve().parent / "cases"
_SETTINGS = ("workload", "profile", "design", "set")
_TEXTS = ("about", "source", "inputs", "why", "not_run")
_KEYS = ("name", *_TEXTS, "exact", "replications", *_SETTINGS, "runs", "expect")


class CaseRun(NamedTuple):
    """One thing that runs. name: "" of a case that has no other. design: a name or the path of a .py file."""

    name: str
    scenario: Scenario
    design: str


class Case(NamedTuple):
    """One truth.

    about: in a few words. source: who says so. inputs: which cost figures it rests on. is_exact: whether a miss is a
    fault; else it is a finding, and `why` says what was found out about it. not_run: why nothing runs, "" if it does.
    theory: what is known of its only run, if it asks for that. is_sized: whether it runs for as long as its figures
    need; else as its workload says, `replications` times.
    """

    name: str
    about: str
    source: str
    inputs: str
    why: str
    not_run: str
    is_exact: bool
    replications: int
    runs: tuple[CaseRun, ...]
    expected: tuple[Expected, ...]
    theory: Theory | None
    is_sized: bool

    @property
    def locks(self) -> dict[str, str]:
        """The lock that X, U and W of each run are of."""
        return {run.name: main_lock(run.scenario) for run in self.runs}


class CaseFile(NamedTuple):
    """title: what its cases are, over their table. cases: those that were asked for. names: of all that it has."""

    title: str
    cases: tuple[Case, ...]
    names: tuple[str, ...]


def every_case(_: str) -> bool:
    """All cases of a file are wanted."""
    return True


def shipped_files(is_wanted: Callable[[str], bool] = every_case) -> tuple[CaseFile, ...]:
    """The truths that perfsim is shipped with. is_wanted: whether to read a case of this name."""
    return tuple(load_cases(_FOLDER / f"{name}.yaml", is_wanted) for name in SHIPPED)


def load_cases(path: str | Path, is_wanted: Callable[[str], bool] = every_case) -> CaseFile:
    """The truths in a YAML file; is_wanted: whether to read a case of this name.

    Raises InputError at FILE:LINE:COLUMN for the first thing that is wrong in those.
    """
    root = Item(read_document(path), "")
    keys = section(root, ("title", "cases"))
    title = optional(keys, "title", _text, Path(path).name)
    example = "[{name: mine, set: {machine.cpus: 8}, expect: theory}]"
    cases: list[Case] = []
    places: dict[str, str] = {}
    for entry in fields.items(required(root, keys, "cases", example), f"a list of cases such as {example}"):
        item = required(entry, mapping(entry, f"a case such as {example[1:-1]}"), "name", "mine")
        name = fields.name(item)
        if name in places:
            raise refusal(item, f"a second case {quoted(name)}; {earlier(places[name], item.node.place)}")
        places[name] = item.node.place
        if is_wanted(name):
            cases.append(_case(entry, name, Path(path).parent))
    return CaseFile(title, tuple(cases), tuple(places))


def _text(item: Item) -> str:
    return fields.text(item, "a sentence")


def _case(entry: Item, name: str, folder: Path) -> Case:
    item = Item(entry.node, name)
    keys = section(item, _KEYS)
    texts = {key: optional(keys, key, _text, "") for key in _TEXTS}
    is_strict = optional(keys, "exact", fields.boolean, default=True)
    if texts["why"] and is_strict:
        raise refusal(keys["why"], "a reason for a miss, where a miss is a fault; expected exact: false beside it")
    if texts["not_run"] and "expect" not in keys:
        return _not_run(name, texts)
    runs = _runs(keys, folder)
    expected, theory = _expected(required(item, keys, "expect", "theory"), runs)
    if texts["not_run"]:
        return _not_run(name, texts)
    can_size = all(is_lock_loop(run.scenario) for run in runs) and not _sets_measure(keys)
    return Case(
        name=name,
        **texts,
        is_exact=is_strict,
        replications=optional(keys, "replications", _replications, REPLICATIONS),
        runs=runs,
        expected=expected,
        theory=theory,
        is_sized=can_size and "replications" not in keys and any(map(is_exact, expected)),
    )


def _not_run(name: str, texts: Mapping[str, str]) -> Case:
    return Case(name, **texts, is_exact=False, replications=1, runs=(), expected=(), theory=None, is_sized=False)


def _replications(item: Item) -> int:
    return fields.integer(item, 2, REPLICATIONS_MAX)


def _sets_measure(keys: Mapping[str, Item]) -> bool:
    """Whether a case says how long it runs."""
    of_runs = mapping(keys["runs"], "").values() if "runs" in keys else ()
    settings = [keys, *(mapping(run, "") for run in of_runs)]
    return any(path.startswith("measure") for one in settings if "set" in one for path in mapping(one["set"], ""))


def _runs(keys: Mapping[str, Item], folder: Path) -> tuple[CaseRun, ...]:
    """The runs that a case names, each with the case's settings and its own over them, or its only one."""
    if "runs" not in keys:
        return (_run("", (keys,), folder),)
    named = mapping(keys["runs"], "runs by name: {few: {set: {machine.cpus: 4}}, many: {set: {machine.cpus: 32}}}")
    if not 2 <= len(named) <= RUNS_MAX:
        raise refusal(keys["runs"], f"{len(named)} runs; expected 2 to {RUNS_MAX}, or none for a case of a single run")
    runs = []
    for name, run in named.items():
        fields.identifier(Item(Node(name, keys["runs"].node.key_places[name], "plain"), run.path))
        runs.append(_run(name, (keys, section(run, _SETTINGS)), folder))
    return tuple(runs)


def _run(name: str, levels: tuple[Mapping[str, Item], ...], folder: Path) -> CaseRun:
    """One run. levels: the keys of the case, and those of the run, which win."""
    workload, design = DEFAULT_WORKLOAD, ""
    changes: dict[str, Node] = {}
    for keys in levels:
        if "workload" in keys:
            workload = _workload(keys["workload"], folder)
        if "profile" in keys:
            changes["machine.profile"] = _beside(keys["profile"], ".yaml", folder)
        if "design" in keys:
            node = _beside(keys["design"], ".py", folder)
            changes["kernel.designs"], design = Node((node,), node.place), str(node.value)
        for path, value in (_changes(keys["set"]) if "set" in keys else {}).items():
            changes.pop(path, None)  # a later one wins, whatever it changes a part of
            changes[path] = _beside(value, ".yaml", folder) if path == "machine.profile" else value.node
    scenario = changed_scenario(workload, changes.items())
    check_fits(scenario, scenario.kernel.designs, ENGINES[0])
    return CaseRun(name, scenario, design or scenario.kernel.designs[0])


def _changes(item: Item) -> dict[str, Item]:
    return mapping(item, "settings as with --set, such as {machine.cpus: 8}")


def _workload(item: Item, folder: Path) -> str:
    """A shipped workload's name, or a path from the folder of the case file."""
    name = fields.name_or_file(item, ".yaml")
    if not name.endswith(".yaml"):
        return fields.choice(item, shipped_workloads())
    try:
        is_there = (folder / name).is_file()
    except OSError:
        is_there = False
    if not is_there:
        known = ", ".join(shipped_workloads())
        raise refusal(item, f"{quoted(name, 80)} is no file beside the cases; expected one, or one of {known}")
    return str(folder / name)


def _beside(item: Item, suffix: str, folder: Path) -> Node:
    """A name as it is; the path of a file from the folder of the case file."""
    name = fields.name_or_file(item, suffix)
    return Node(str(folder / name) if name.endswith(suffix) else name, item.node.place, "quoted")


def _expected(item: Item, runs: tuple[CaseRun, ...]) -> tuple[tuple[Expected, ...], Theory | None]:
    """What must come out: what theory says, or figures of the case's own."""
    entries = item.node.value
    if entries == "theory" or (isinstance(entries, dict) and "theory" in entries):
        if len(runs) > 1:
            raise refusal(item, "theory is of one workload; expected a case of a single run, or figures")
        return by_theory(item, runs[0].scenario)
    return expected_of(item, tuple(run.name for run in runs)), None
