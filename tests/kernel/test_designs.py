"""Designs: found by name or in a file, bound late, kept apart; and files that are no design."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from perfsim.errors import InputError
from perfsim.kernel import designs
from perfsim.kernel.boot import Seed
from perfsim.kernel.constants import LRU_INACTIVE_ANON, LRU_UNEVICTABLE, PG_LRU, PUTBACK, PUTBACKS
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.designs import PROBES, SHIPPED, Design, design_names, load_design
from perfsim.kernel.invariants import pages_of_list
from perfsim.kernel.paths.shared.vmscan import ACTIVATE_LOCKED, CULL_MLOCKED
from perfsim.kernel.primitives import Primitive
from perfsim.kernel.state import State
from perfsim.measure.row import simulate
from perfsim.scenario.validate import load_scenario

# Says that every page is evictable, and leaves a trace: a fault counted, number 12.
EVERYTHING_IS_EVICTABLE = '''
"""Nothing is ever locked.

More than a line.
"""

async def page_evictable(cpu, page):
    await cpu.count_vm_event(12, 1)
    return 1
'''
TRACE = 12

CIRCLE = "async def page_evictable(cpu, page):\n    return await shrink_page(cpu, page)\n"

# A path that no reader of the source would find.
MADE = """\
def made():
    async def page_evictable(cpu, page): return 1
    return page_evictable
page_evictable = made()
"""


class ImmediateCpu(Cpu):
    """The Cpu of task 0: every primitive takes effect at once and no time passes."""

    def __init__(self, s: State) -> None:
        self.s = s

    async def perform(self, primitive: Primitive, *arguments: int) -> int:
        """See Cpu.perform."""
        return primitive.effect(self.s, 0, 0, *arguments)


def result_of(path: Coroutine[Any, Any, Any]) -> Any:
    """What a path returns that never has to wait."""
    with pytest.raises(StopIteration) as stopped:
        path.send(None)
    return stopped.value.value


def write(tmp_path: Path, text: str, name: str = "mine.py") -> str:
    """A design's file with this text."""
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return str(file)


def refusal(name_or_path: str, place: str = "--design") -> str:
    """The message for what is no design; one line."""
    with pytest.raises(InputError) as refused:
        load_design(name_or_path, place)
    text = str(refused.value)
    assert "\n" not in text
    return text


def test_the_shipped_designs_are_named_first() -> None:
    assert SHIPPED == ("lock_page", "redo", "redo_merged", "redo_barrier", "no_unevictable_lru")
    assert design_names()[:5] == SHIPPED
    assert len(set(design_names())) == len(design_names())


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_design_has_a_summary_and_every_path_that_tasks_begin_with(name: str) -> None:
    design = load_design(name)
    assert design.name == name
    assert design.summary.endswith(".")
    loops = {"kswapd", "direct_reclaim", "fault", "mlock", "lock_loop", "lru_add_drain"}
    assert loops | set(PROBES) - {"cull_unevictable_page"} <= set(design.paths)


def test_the_two_designs_differ_in_what_they_hold() -> None:
    old, new = load_design("lock_page"), load_design("redo")
    assert set(old.paths) - set(new.paths) == {"cull_unevictable_page"}
    assert set(new.paths) <= set(old.paths)
    assert old.source_sha256 != new.source_sha256


@pytest.mark.parametrize(
    "name, nearest",
    [("redoo", 'did you mean "redo"'), ("lockpage", 'did you mean "lock_page"'), ("REDO", 'did you mean "redo"')],
)
def test_an_unknown_name_is_refused_at_its_place_with_the_nearest(name: str, nearest: str) -> None:
    text = refusal(name, "w.yaml:3:4")
    assert text.startswith(f'w.yaml:3:4: no design is called "{name}"')
    assert nearest in text
    assert "known: lock_page, redo" in text


@pytest.mark.parametrize("name", ["", "../redo", "\0", "redo "])
def test_a_name_that_could_be_none_is_refused(name: str) -> None:
    assert refusal(name).startswith("--design: no design is called")


def test_a_file_that_is_not_there_is_refused_at_the_place_that_names_it() -> None:
    expected = 'w.yaml:5:7: "no/such.py" is no file; expected a design\'s name or a .py file'
    assert refusal("no/such.py", "w.yaml:5:7") == expected


def test_a_users_file_replaces_one_function_and_keeps_all_others(tmp_path: Path) -> None:
    mine, base = load_design(write(tmp_path, EVERYTHING_IS_EVICTABLE)), load_design("lock_page")
    assert (mine.name, mine.summary) == ("mine", "Nothing is ever locked.")
    assert set(mine.paths) == set(base.paths)
    assert mine.defects == base.defects
    codes = {name: path.__code__ for name, path in mine.paths.items() if name not in PROBES}
    changed = {name for name, code in codes.items() if code is not base.paths[name].__code__}
    assert changed == {"page_evictable"}


def test_a_users_function_really_runs(s: State, tmp_path: Path) -> None:
    page = pages_of_list(s, 0, LRU_UNEVICTABLE)[0]
    cpu = ImmediateCpu(s)
    assert result_of(load_design("lock_page").paths["page_evictable"](cpu, page)) == 0
    assert result_of(load_design(write(tmp_path, EVERYTHING_IS_EVICTABLE)).paths["page_evictable"](cpu, page)) == 1
    assert s.events[TRACE] == 1


@pytest.mark.parametrize("base", SHIPPED)
def test_a_users_function_is_called_by_the_paths_of_the_design_it_extends(s: State, tmp_path: Path, base: str) -> None:
    mine = load_design(write(tmp_path, f"extends = {base!r}\n{EVERYTHING_IS_EVICTABLE}"))
    result_of(mine.paths["shrink_active_list"](ImmediateCpu(s), 32, 0, LRU_INACTIVE_ANON))
    assert s.events[TRACE] >= 32


@pytest.mark.parametrize("base", SHIPPED)
def test_a_users_function_is_called_by_paths_that_all_designs_share(s: State, tmp_path: Path, base: str) -> None:
    page = pages_of_list(s, 0, LRU_UNEVICTABLE)[0]
    label = CULL_MLOCKED if load_design(base).unevictable_lru else ACTIVATE_LOCKED
    assert result_of(load_design(base).paths["shrink_page"](ImmediateCpu(s), page)) == label
    mine = load_design(write(tmp_path, f"extends = {base!r}\n{EVERYTHING_IS_EVICTABLE}"))
    result_of(mine.paths["shrink_page"](ImmediateCpu(s), page))
    assert s.events[TRACE] == 1


def test_designs_do_not_see_one_another(s: State, tmp_path: Path) -> None:
    before = load_design("lock_page")
    load_design(write(tmp_path, EVERYTHING_IS_EVICTABLE))
    page = pages_of_list(s, 0, LRU_UNEVICTABLE)[0]
    for design in (before, load_design("lock_page"), load_design("redo")):
        assert result_of(design.paths["page_evictable"](ImmediateCpu(s), page)) == 0
    assert s.events[TRACE] == 0


def test_a_file_that_has_the_name_of_a_shipped_design_is_a_users_and_its_arguments_are_checked(
    tmp_path: Path, engine: str
) -> None:
    text = (
        'extends = "redo"\nasync def page_evictable(cpu, page):\n    return await cpu.test_flag(page + 1_000_000, 1)\n'
    )
    path = write(tmp_path, text, "redo.py")
    scenario = load_scenario("quickstart", ["measure.warmup=0us", "measure.duration=200us"])
    with pytest.raises(
        InputError, match=r"redo\.py:3:1: the design fails when it runs: ValueError: test_flag\(\): page"
    ):
        simulate(scenario, path, Seed(1, 0), engine)
    assert [load_design(one).is_shipped for one in (path, "redo")] == [False, True]


def test_two_files_of_one_name_are_two_designs(s: State, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    first = load_design(write(tmp_path, EVERYTHING_IS_EVICTABLE))
    second = load_design(write(tmp_path, EVERYTHING_IS_EVICTABLE.replace("return 1", "return 7"), "a/mine.py"))
    answers = [result_of(design.paths["page_evictable"](ImmediateCpu(s), 0)) for design in (first, second)]
    assert answers == [1, 7]
    assert first.source_sha256 != second.source_sha256


def test_a_file_changed_between_two_loads_is_read_again(s: State, tmp_path: Path) -> None:
    load_design(write(tmp_path, EVERYTHING_IS_EVICTABLE))
    again = load_design(write(tmp_path, EVERYTHING_IS_EVICTABLE.replace("return 1", "return 1 + 6")))
    assert result_of(again.paths["page_evictable"](ImmediateCpu(s), 0)) == 7


@pytest.mark.parametrize("name", SHIPPED)
def test_a_putback_is_probed_by_its_name_alone(s: State, name: str) -> None:
    page = pages_of_list(s, 0, LRU_INACTIVE_ANON)[-1]
    cpu = ImmediateCpu(s)
    design = load_design(name)
    assert result_of(design.paths["isolate_lru_page"](cpu, page)) == 0
    if name == "lock_page":
        result_of(cpu.test_and_set(page, 1))  # type: ignore[arg-type]  # it is a coroutine here
    result_of(design.paths["putback_lru_page"](cpu, page))
    assert (s.events[PUTBACKS], s.m.tally.latency_count[PUTBACK]) == (1, 1)
    result_of(design.paths["lru_add_drain"](cpu))
    assert s.pages.flags[page] & PG_LRU


def test_the_hash_of_a_design_is_of_its_base_and_its_file(tmp_path: Path) -> None:
    path = write(tmp_path, EVERYTHING_IS_EVICTABLE)
    mine: Design = load_design(path)
    assert mine.files == (path,)
    own = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    expected = hashlib.sha256((load_design("lock_page").source_sha256 + own).encode()).hexdigest()
    assert mine.source_sha256 == expected
    assert load_design(write(tmp_path, f"extends = 'redo'\n{EVERYTHING_IS_EVICTABLE}")).source_sha256 != expected


@pytest.mark.parametrize(
    "text, place, problem",
    [
        ("async def page_evictable(cpu, page)\n    return 1\n", ":1:36", "expected ':'"),
        ("x = 1\n  y = 2\n", ":2:", "unexpected indent"),
        ("def page_evictable(cpu, page):\n    return 1\n", "", "defines no async function"),
        ("", "", "defines no async function"),
        ("\n\nasync def page_evictable(cpu):\n    return 1\n", ":3:1", "expected the arguments (cpu, page)"),
        ("async def putback_lru_page(cpu, page, lru):\n    return 1\n", ":1:1", "expected the arguments (cpu, page)"),
        ("async def page_evictable(cpu, page):\n    cpu.test_flag(page, 1)\n    return 1\n", ":2:5", "write await"),
        ("async def page_evictable(cpu, page):\n    return abs(page)\n", ":2:12", "abs() is not awaited"),
        ("extends = 'no'\nasync def page_evictable(cpu, page):\n    return 1\n", "", "expected one of lock_page, redo"),
        ("import nothing_of_that_name\n", "", "ModuleNotFoundError"),
        ("1 / 0\n", "", "ZeroDivisionError"),
        ("raise ValueError('two\\nlines')\n", "", "ValueError"),
        ("import sys; sys.exit(3)\n", "", "SystemExit"),
        ("if True:\n    async def lru_add_drain(cpu):\n        cpu.smp_mb()\n", ":3:9", "write await"),
        ("async def f(cpu):\n    break\n", ":2:", "'break' outside loop"),
        ("async def f(cpu, a):\n    return a / 2\n", ":2:12", "write //"),
        ("async def f(cpu, a):\n    return b\n", ":2:12", "b is no integer"),
        ("async def f(cpu):\n    await g(cpu)\n", ":2:11", "g() is no path of this design"),
        (
            "async def f(cpu):\n    await lock_page(cpu)\n",
            ":2:11",
            "lock_page(cpu, ...) is given 0; expected 1 argument",
        ),
        ("async def f(cpu, a):\n    return await lock_page(cpu, a)\n", ":2:18", "lock_page() returns no value"),
        ("async def f(cpu):\n    await cpu.smp_mv()\n", ":2:11", 'no primitive (did you mean "smp_mb"?)'),
        ("from asyncio import sleep\nasync def f(cpu):\n    await sleep(cpu, 1)\n", ":3:11", "sleep() is no path"),
        ("def lock_page(cpu, page): pass\nasync def f(cpu): pass\n", ":1:1", "write async def lock_page"),
        (MADE, ":2:1", "page_evictable is made, not written; write async def page_evictable(cpu, ...)"),
        (
            "if 0:\n    async def g(cpu): pass\nasync def f(cpu):\n    await g(cpu)\n",
            ":4:11",
            "g() is no path of this design",
        ),
        ("async def f(cpu): pass\ng = f\n", ":1:1", "g is made, not written"),
        ("async def page_evictable(cpu, page): pass\n", ":1:1", "page_evictable() returns no value, and "),
        (CIRCLE, ":2:18", "page_evictable() calls itself through shrink_page(); write a loop"),
        ("async def f(cpu, a):\n    return " + "(" * 90 + "a" + " + 1)" * 90 + " + b\n", ":2:", "b is no integer"),
        ("x = " + "-" * 200_000 + "1\n", "", "cannot be read"),
    ],
    ids=lambda value: value.splitlines()[-1][:40] if value else "empty",
)
def test_a_file_that_is_no_design_is_refused_with_its_place(
    tmp_path: Path, text: str, place: str, problem: str
) -> None:
    path = write(tmp_path, text)
    message = refusal(path)
    assert message.startswith(f"{path}{place}")
    assert problem in message


@pytest.mark.parametrize("content", [b"\xff\xfea\0s\0y\0n\0c\0", b"x = 1\0"], ids=["UTF-16", "a null byte"])
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "binary.py"
    path.write_bytes(content)
    assert refusal(str(path)).startswith(str(path))


def test_a_name_too_long_for_a_file_is_refused() -> None:
    assert "cannot be looked for" in refusal("a" * 300 + ".py")


def test_a_docstring_that_is_no_text_is_shown_as_it_is(tmp_path: Path) -> None:
    text = "__doc__ = 5\nasync def page_evictable(cpu, page):\n    return 1\n"
    assert load_design(write(tmp_path, text)).summary == "5"


def test_a_directory_is_no_design_however_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "folder.py").mkdir()
    assert "is no file" in refusal(str(tmp_path / "folder.py"))


def test_range_is_the_one_call_that_needs_no_await(tmp_path: Path) -> None:
    text = "async def lru_add_drain(cpu):\n    for lru in range(4):\n        await cpu.pagevec_count(lru)\n"
    assert "lru_add_drain" in load_design(write(tmp_path, text)).paths


def test_a_file_out_of_form_is_refused_before_any_of_it_runs(tmp_path: Path) -> None:
    trap = tmp_path / "was_run"
    text = f"open({str(trap)!r}, 'w')\nasync def lru_add_drain(cpu):\n    x = 1.5\n"
    assert "1.5 is no integer" in refusal(write(tmp_path, text))
    assert not trap.exists()


def test_a_file_may_hold_constants_functions_and_paths_of_its_own(tmp_path: Path) -> None:
    text = """
from perfsim.kernel.constants import (PG_LRU)
FLAGS = sum(1 << bit for bit in (PG_LRU, 3))
def describe():
    return [f"{FLAGS}"]
async def page_evictable(cpu, page):
    return await is_known(cpu, page, FLAGS)
async def is_known(cpu, page, flags):
    return await cpu.test_flag(page, PG_LRU) and flags
"""
    assert {"page_evictable", "is_known"} <= set(load_design(write(tmp_path, text)).paths)


def test_a_value_that_no_path_left_needs_may_be_left_out(tmp_path: Path) -> None:
    text = """
async def pageout(cpu, page):
    await cpu.bdi_write_congested(0)
async def shrink_page(cpu, page):
    await pageout(cpu, page)
    return 0
"""
    assert load_design(write(tmp_path, text)).name == "mine"
    needed = text.replace("shrink_page(", "page_mapping_inuse(")
    assert "pageout() returns no value, and shrink_page() uses it" in refusal(write(tmp_path, needed))


@pytest.mark.parametrize(
    "statement",
    ["x = " + "-" * 900 + "a", "x = a" + " + a" * 300, "if a: pass\n" + "    elif a: pass\n" * 300],
    ids=["signs", "a sum", "elif"],
)
def test_what_nests_too_deep_for_its_readers_is_refused(tmp_path: Path, statement: str) -> None:
    path = write(tmp_path, f"async def f(cpu, a):\n    {statement}\n")
    assert refusal(path) == f"{path}:1:1: f() nests more than 100 deep; give names to parts of it"


class Offer:
    """An entry point of an installed package."""

    def __init__(self, name: str, value: str) -> None:
        self.name = name
        self.value = value


@pytest.mark.parametrize(
    "body, problem",
    [
        ("return 1", ""),
        ("return 1.5", "offered_design.py:3:12: 1.5 is no integer"),
        ("return b", ":3:12: b is no integer"),
    ],
)
def test_a_design_of_a_package_is_checked_as_a_file_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, problem: str
) -> None:
    write(tmp_path, f'"""Offered."""\nasync def page_evictable(cpu, page):\n    {body}\n', "offered_design.py")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "offered_design", raising=False)
    monkeypatch.setattr(designs, "entry_points", lambda **_: [Offer("offered", "offered_design")])
    if problem:
        assert problem in refusal("offered")
    else:
        assert (load_design("offered").name, load_design("offered").summary) == ("offered", "Offered.")


@pytest.mark.parametrize("target", ["no_such_package.design", "math", "no_such_package:thing"])
def test_an_entry_point_without_a_source_is_refused(monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    monkeypatch.setattr(designs, "entry_points", lambda **_: [Offer("offered", target)])
    assert refusal("offered", "w.yaml:1:2").startswith(f"w.yaml:1:2: entry point {target!r} ")
