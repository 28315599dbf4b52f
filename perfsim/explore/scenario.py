"""Scenarios of the explorer: a few pages, and what a few CPUs do to them. YAML in, frozen values out.

A file names the pages and where they are at the start, and gives each CPU a script of calls of kernel paths. Every
error is one line, FILE:LINE:COLUMN and what was expected. Whether a design has the paths is known only with the design:
`check_calls`.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from perfsim.errors import InputError, did_you_mean, quoted
from perfsim.explore.calls import Call, call_of
from perfsim.explore.columns import MODELS
from perfsim.explore.pages import PageSpec, page_of
from perfsim.kernel.bounds import WORD_MAX
from perfsim.kernel.designs import SHIPPED, design_names
from perfsim.scenario import fields
from perfsim.scenario.fields import Item, key_refusal, mapping, optional, refusal, required, section
from perfsim.scenario.source import read_document
from perfsim.units import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perfsim.kernel.designs import Design

SUFFIX = ".yaml"
CPUS_MAX = 4
PAGES_MAX = 8
CALLS_MAX = 8
PAGEVEC_SIZE_MAX = 14
OTHERWISE = "otherwise"
SAFE = "safe"

_FOLDER = Path(__file__).resolve().parent / "scenarios"
_KEYS = ("name", "meaning", "kernel", "designs", "pages", "cpus", "exists", "expect")
_KERNEL_KEYS = ("memcg", "pagevec_size", "unlock_lock_barrier")
_MEANING_EXAMPLE = "a page goes back to the LRU while it is munlocked"


class CpuSpec(NamedTuple):
    """scripts: what the CPU does, by design; `otherwise` is for those that are not named. place: of the CPU's entry."""

    name: str
    scripts: dict[str, tuple[Call, ...]]
    place: str


class ExploreScenario(NamedTuple):
    """memcg, pagevec_size: of the kernel. unlock_lock_barrier: under `kernel`, is UNLOCK then LOCK a full barrier?

    pages: numbered in this order. designs: those of the matrix, names or paths of .py files. exists: an outcome that is
    asked for: the words (`mapping`) of pages at the end. expect: by design and memory model, `safe` or a
    property.
    """

    name: str
    meaning: str
    memcg: bool
    pagevec_size: int
    unlock_lock_barrier: bool
    designs: tuple[str, ...]
    pages: tuple[PageSpec, ...]
    cpus: tuple[CpuSpec, ...]
    exists: dict[str, int]
    expect: dict[str, dict[str, str]]
    file: str


def shipped_scenarios() -> list[str]:
    """The names of the scenarios shipped, in alphabetical order."""
    return sorted(path.stem for path in _FOLDER.glob(f"*{SUFFIX}"))


def load_explore_scenario(name_or_path: str) -> ExploreScenario:
    """A shipped scenario by its name, or the one in a YAML file.

    Raises InputError at SCENARIO for a name that nothing has, and at FILE:LINE:COLUMN for what the file has wrong.
    """
    path = _find(name_or_path)
    return _scenario(Item(read_document(path), ""), str(path))


def script_of(scenario: ExploreScenario, cpu: int, design: str) -> tuple[Call, ...]:
    """What a CPU does under a design. Raises InputError if the scenario does not say."""
    spec = scenario.cpus[cpu]
    if design in spec.scripts:
        return spec.scripts[design]
    if OTHERWISE in spec.scripts:
        return spec.scripts[OTHERWISE]
    known = ", ".join(spec.scripts)
    problem = f"CPU {quoted(spec.name)} does nothing under {design}; expected one of {known}, or a key {OTHERWISE}"
    raise InputError(spec.place, problem)


def check_calls(scenario: ExploreScenario, design: Design) -> None:
    """Raise InputError at the first call of a path that the design has not, or with too few or many arguments."""
    for cpu in range(len(scenario.cpus)):
        for call in script_of(scenario, cpu, design.name):
            if call.path not in design.paths:
                hint = did_you_mean(call.path, design.paths)
                problem = f"{design.name} has no path {quoted(call.path)}; expected a path of `designs show`{hint}"
                raise InputError(call.place, problem)
            _, *wanted = inspect.signature(inspect.unwrap(design.paths[call.path])).parameters
            if len(wanted) != len(call.arguments):
                given = counted(len(call.arguments), "argument")
                problem = f"{call.path} with {given}; expected {call.path}({', '.join(wanted)})"
                raise InputError(call.place, problem)


def _find(name_or_path: str) -> Path:
    """The file of a scenario; a bare word that is shipped means that, whatever else has this name here."""
    shipped = shipped_scenarios()
    if name_or_path in shipped:
        return _FOLDER / f"{name_or_path}{SUFFIX}"
    try:
        exists = bool(name_or_path) and Path(name_or_path).exists()
    except (OSError, ValueError):
        exists = False
    if exists:
        return Path(name_or_path)
    hint = did_you_mean(Path(name_or_path[-128:]).name.removesuffix(SUFFIX), shipped)
    expected = f"the path of a {SUFFIX} file or one of {', '.join(shipped)}"
    problem = f"{quoted(name_or_path, 80)} is no file and no shipped scenario; expected {expected}{hint}"
    raise InputError("SCENARIO", problem)


def _scenario(root: Item, file: str) -> ExploreScenario:
    keys = section(root, _KEYS)
    name = fields.name(required(root, keys, "name", "my_race"))
    meaning = fields.text(required(root, keys, "meaning", _MEANING_EXAMPLE), "one sentence")
    kernel = section(keys["kernel"], _KERNEL_KEYS) if "kernel" in keys else {}
    designs = _designs(keys["designs"], Path(file).parent) if "designs" in keys else SHIPPED
    cpu_items = _entries(required(root, keys, "cpus", "[{name: reclaim, does: [putback_lru_page(page)]}]"), CPUS_MAX)
    cpu_names = _names(cpu_items, "reclaim")
    page_items = _entries(required(root, keys, "pages", "[{name: page, where: off, mapping: anon}]"), PAGES_MAX)
    page_names = _names(page_items, "page")
    known = (*design_names(), *(Path(design).stem for design in designs))
    pages = tuple(page_of(item, name, cpu_names) for item, name in zip(page_items, page_names, strict=True))
    ranges = {page.name: page.has_range for page in pages}
    return ExploreScenario(
        name,
        meaning,
        optional(kernel, "memcg", fields.boolean, default=False),
        optional(kernel, "pagevec_size", lambda item: fields.integer(item, 1, PAGEVEC_SIZE_MAX), default=2),
        optional(kernel, "unlock_lock_barrier", fields.boolean, default=False),
        designs,
        pages,
        tuple(_cpu(item, name, ranges, known) for item, name in zip(cpu_items, cpu_names, strict=True)),
        _exists(keys["exists"], page_names) if "exists" in keys else {},
        _expect(keys["expect"], known) if "expect" in keys else {},
        file,
    )


def _entries(item: Item, entries_max: int) -> tuple[Item, ...]:
    found = fields.items(item, f"a list of 1 to {entries_max} mappings")
    if len(found) > entries_max:
        problem = f"{len(found)} entries; expected at most {entries_max}, for every interleaving of them is explored"
        raise refusal(found[entries_max], problem)
    return found


def _names(entries: tuple[Item, ...], example: str) -> tuple[str, ...]:
    """The names of the CPUs, or of the pages; no two alike."""
    names: list[str] = []
    for entry in entries:
        item = required(entry, mapping(entry, f"a mapping such as {{name: {example}, …}}"), "name", example)
        name = fields.identifier(item)
        if name in names:
            raise refusal(item, f"a second {quoted(name)}; expected another name")
        names.append(name)
    return tuple(names)


def _designs(item: Item, folder: Path) -> tuple[str, ...]:
    """Names, and paths of .py files from the folder of the scenario."""
    found: list[str] = []
    for entry in fields.items(item, "a list of designs: names, or .py files beside the scenario"):
        name = fields.name_or_file(entry, ".py")
        if name.endswith(".py"):
            name = str(folder / name)
            if not Path(name).is_file():
                raise refusal(entry, f"{quoted(name, 80)} is no file; expected the path of a design from {folder}")
        elif name not in design_names():
            known = ", ".join(design_names())
            hint = did_you_mean(name, design_names())
            raise refusal(entry, f"no design is called {quoted(name)}; expected one of {known}, or a .py file{hint}")
        if Path(name).stem in (Path(one).stem for one in found):
            raise refusal(entry, f"a second {quoted(Path(name).stem)}; expected each name once, be it of a file")
        found.append(name)
    return tuple(found)


def _cpu(item: Item, name: str, pages: Mapping[str, bool], designs: tuple[str, ...]) -> CpuSpec:
    keys = section(item, ("name", "does"))
    does = required(item, keys, "does", "[putback_lru_page(page)]")
    if not isinstance(does.node.value, dict):
        return CpuSpec(name, {OTHERWISE: _script(does, pages)}, item.node.place)
    scripts: dict[str, tuple[Call, ...]] = {}
    for design, script in mapping(does, "a list of calls, or one by design").items():
        if design not in (OTHERWISE, *designs):
            hint = did_you_mean(design, (OTHERWISE, *designs))
            problem = f"no design is called {quoted(design)}; expected a design's name or {OTHERWISE}{hint}"
            raise key_refusal(does, design, problem)
        # Under a design of its own a CPU may have nothing to do.
        scripts[design] = () if script.node.value == () else _script(script, pages)
    if not scripts:
        raise refusal(does, "an empty mapping; expected a list of calls, or one by design")
    return CpuSpec(name, scripts, item.node.place)


def _script(item: Item, pages: Mapping[str, bool]) -> tuple[Call, ...]:
    calls = fields.items(item, "a list of calls such as [putback_lru_page(page)], or one by design")
    if len(calls) > CALLS_MAX:
        raise refusal(calls[CALLS_MAX], f"{len(calls)} calls; expected at most {CALLS_MAX}")
    return tuple(call_of(call, pages) for call in calls)


def _exists(item: Item, pages: tuple[str, ...]) -> dict[str, int]:
    """The outcome that is asked for: the words of pages, those that tests take for registers included."""
    outcome: dict[str, int] = {}
    for key, wanted in mapping(item, "a mapping such as {r0: 1, x: 2}").items():
        if key not in pages:
            expected = f"expected one of {', '.join(pages)}{did_you_mean(key, pages)}"
            raise key_refusal(item, key, f"no page is called {quoted(key)}; {expected}")
        outcome[key] = fields.integer(wanted, 0, WORD_MAX)
    return outcome


def _expect(item: Item, designs: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """What the search is to find: by design, then by memory model. What a word means is for the search to say."""
    expected: dict[str, dict[str, str]] = {}
    for design, found in mapping(item, "a mapping such as {redo: {sc: safe, kernel: stranded}}").items():
        if design not in designs:
            problem = f"no design is called {quoted(design)}; expected a design's name{did_you_mean(design, designs)}"
            raise key_refusal(item, design, problem)
        expected[design] = _by_model(found)
    return expected


def _by_model(item: Item) -> dict[str, str]:
    """One word for all memory models, or one for each that is named."""
    expected = f"{SAFE} or a property"
    if isinstance(item.node.value, str):
        return dict.fromkeys(MODELS, fields.text(item, expected))
    words = mapping(item, "a word, or a mapping such as {sc: safe, kernel: stranded}")
    for model in words:
        if model not in MODELS:
            known = ", ".join(MODELS)
            raise key_refusal(item, model, f"no memory model is called {quoted(model)}; expected one of {known}")
    return {model: fields.text(word, expected) for model, word in words.items()}
