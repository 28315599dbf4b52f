"""A user's design that fails is told where and why, in the same words by both engines."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from perfsim.engine import compiled
from perfsim.engine.cache import engine_code
from perfsim.engine.fault import fault_of
from perfsim.engine.inline import ROWS_MAX
from perfsim.engine.load import linked
from perfsim.engine.prepare import profile_of, task_names
from perfsim.engine.program import FIRST_PRIMITIVE
from perfsim.engine.translate import translate
from perfsim.errors import InputError
from perfsim.kernel.boot import Seed, blueprint
from perfsim.kernel.constants import PAGES_TO_FREE
from perfsim.kernel.designs import load_design
from perfsim.measure.row import simulate
from perfsim.scenario.schema import Scenario
from tests.engine.conftest import ScenarioMaker
from tests.engine.test_reference import TWO_LOOPS

Write = Callable[[str], str]

HEAD = (
    "from perfsim.kernel.cpu import Cpu\n\n\nasync def lock_loop(cpu: Cpu, page_lock: int) -> None:\n"
    "    await cpu.think()\n"
)
"""All tasks begin before one fails: the reference engine leaves coroutines behind that nobody has begun to await."""
HELPED = (
    "from perfsim.kernel.cpu import Cpu\n\n\nasync def fails(cpu: Cpu, page: int) -> int:\n    await cpu.smp_mb()\n"
)
FAILS = "the design fails when it runs: "

BODIES = {
    "zone = 1 // (zone - zone)": (4, "ZeroDivisionError: "),
    "zone = 1 % (zone - zone)": (4, "ZeroDivisionError: "),
    "zone = 1 << (zone - 2)": (4, "ValueError: negative shift count"),
    "zone = 1 >> (zone - 2)": (4, "ValueError: negative shift count"),
    "await cpu.spin_unlock(0, zone)": (4, "AssertionError: CPU 0 releases spinlock 0 of CPU -1"),
    "await cpu.spin_unlock_irq(2, zone)": (4, "AssertionError: CPU 0 releases spinlock 2 of CPU -1"),
    "await cpu.list_del(40)\n    await cpu.list_del(40)": (5, "AssertionError: page 40 is on no list"),
    "await cpu.test_flag(zone + 128, 1)": (4, "ValueError: test_flag(): page is 128; expected 0 to 127"),
    "await cpu.page_zone(zone - 1)": (4, "ValueError: page_zone(): page is -1; expected 0 to 127"),
    "await cpu.pagevec_page(0, zone + 16)": (4, "ValueError: pagevec_page(): index is 16; expected 0 to 15"),
    "await cpu.pagevec_count(zone + 99)": (4, "ValueError: pagevec_count(): vector is 99; expected 0 to 11"),
    "await cpu.work(zone - 7)": (4, "ValueError: work(): cost is -7; expected 0 to "),
}


def refusal(scenario: Scenario, design: str, engine: str) -> str:
    """What a run is refused with."""
    with pytest.raises(InputError) as caught:
        simulate(scenario, design, Seed(1, 0), engine)
    return str(caught.value)


@pytest.mark.parametrize("body", BODIES)
def test_both_engines_tell_a_fault_with_its_line_and_in_the_same_words(
    body: str, scenario_of: ScenarioMaker, design_file: Write
) -> None:
    below_head, words = BODIES[body]
    text = HEAD + f"    zone = await cpu.numa_zone()\n    await cpu.smp_mb()\n    {body}\n"
    design = design_file(text)
    lines = Path(design).read_text(encoding="utf-8").splitlines()
    line = lines.index("async def lock_loop(cpu: Cpu, page_lock: int) -> None:") + 1 + below_head
    told = {engine: refusal(scenario_of(TWO_LOOPS), design, engine) for engine in ("simpy", "compiled")}
    assert told["compiled"] == told["simpy"]
    assert told["compiled"].startswith(f"{design}:{line}:1: {FAILS}{words}")


def test_a_fault_behind_the_users_last_line_is_told_of_the_file_alone(
    engine: str, scenario_of: ScenarioMaker, design_file: Write
) -> None:
    """A vector that is left full has no room for the page that the shipped drain at the task's end has to free."""
    body = f"    for _ in range(16):\n        await cpu.pagevec_add({PAGES_TO_FREE}, 50)\n"
    design = design_file(HEAD + body + "    await cpu.page_unfreeze_refs(40, 1)\n    await cpu.pagevec_add(0, 40)\n")
    expected = f"{design}: {FAILS}AssertionError: page 40 is added to a full vector, {PAGES_TO_FREE}"
    assert refusal(scenario_of(TWO_LOOPS), design, engine) == expected


def test_a_fault_below_a_call_is_told_at_the_innermost_line_of_the_users_file(
    engine: str, scenario_of: ScenarioMaker, design_file: Write
) -> None:
    tail = "    return 1 // (page - page)\n\n\n" + HEAD.split("\n\n\n")[1]
    design = design_file(HELPED + tail + "    await fails(cpu, await cpu.numa_zone())\n")
    lines = Path(design).read_text(encoding="utf-8").splitlines()
    line = lines.index("    return 1 // (page - page)") + 1
    assert refusal(scenario_of(TWO_LOOPS), design, engine).startswith(f"{design}:{line}:1: {FAILS}ZeroDivisionError: ")


@pytest.mark.parametrize("copies", [1, 40], ids=["inlined", "called"])
def test_a_fault_in_a_shipped_path_is_told_at_the_users_line_that_called_it(
    copies: int, engine: str, scenario_of: ScenarioMaker, design_file: Write
) -> None:
    head = HEAD.replace("\n\n\n", "\nfrom perfsim.kernel.paths.shared.swap import del_page_from_lru\n\n\n", 1)
    never = "".join("    if zone == 9:\n        await del_page_from_lru(cpu, zone, 1)\n" for _ in range(copies - 1))
    begin = "    zone = await cpu.numa_zone()\n    await cpu.list_del(zone + 40)\n"
    text = f"{head}{begin}{never}    await del_page_from_lru(cpu, zone, zone + 40)  # here\n"
    design = design_file(text)
    lines = Path(design).read_text(encoding="utf-8").splitlines()
    line = next(number for number, text in enumerate(lines, 1) if text.endswith("# here"))
    refused = refusal(scenario_of(TWO_LOOPS), design, engine)
    assert refused.startswith(f"{design}:{line}:1: {FAILS}AssertionError: page 40 is on no list")


@pytest.mark.parametrize("copies", [1, 2], ids=["inlined", "called"])
def test_a_fault_in_a_path_that_never_returns_is_told_at_its_line(
    copies: int, engine: str, scenario_of: ScenarioMaker, design_file: Write
) -> None:
    barriers = "        await cpu.smp_mb()\n" * ROWS_MAX
    loop = f"    while True:\n        await cpu.think()\n{barriers}        page = 1 // (page - page)  # here\n"
    calls = "    await for_ever(cpu, await cpu.numa_zone())\n" * copies
    tail = HEAD.split("\n\n\n")[1]
    text = f"{HELPED.split('async')[0]}async def for_ever(cpu: Cpu, page: int) -> None:\n{loop}\n\n{tail}{calls}"
    design = design_file(text)
    lines = Path(design).read_text(encoding="utf-8").splitlines()
    line = next(number for number, text in enumerate(lines, 1) if text.endswith("# here"))
    assert refusal(scenario_of(TWO_LOOPS), design, engine).startswith(f"{design}:{line}:1: {FAILS}ZeroDivisionError: ")


@pytest.mark.parametrize("symbol", ["+", "*", "<<", "-"])
def test_an_integer_beyond_64_bits_is_refused_by_compiled_code_at_its_line(
    symbol: str, scenario_of: ScenarioMaker, design_file: Write
) -> None:
    """Only there: the reference engine has Python's integers."""
    least = "-" if symbol == "-" else ""
    right = "(zone + 3)" if symbol == "<<" else f"({2**62} - zone + 3)"
    text = HEAD + f"    zone = await cpu.numa_zone()\n    page = ({least}{2**62} + zone) {symbol} {right}\n"
    design = design_file(text)
    assert refusal(scenario_of(TWO_LOOPS), design, "compiled").endswith(
        f":{len(Path(design).read_text().splitlines())}:1: {FAILS}OverflowError: an integer of more than 64 bits"
    )


def test_a_shipped_design_that_fails_raises_what_the_rule_raised(scenario_of: ScenarioMaker) -> None:
    """That is our bug, and has to look like one."""
    scenario, design = scenario_of(), load_design("redo")
    profile = profile_of(scenario)
    authored = compiled.Authored(design, translate(design), task_names(scenario, profile))
    running = compiled.start(blueprint(scenario, profile, Seed(1, 0)), authored, linked(engine_code()))
    row = next(number for number, row in enumerate(authored.program.rows) if row.op == FIRST_PRIMITIVE)
    running.run.control.row[0] = row
    running.run.values[authored.program.rows[row].a] = 10**9
    error = fault_of(running.run, authored.program, design)
    assert isinstance(error, ValueError)
    assert "page is 1000000000; expected 0 to 1023" in str(error)
    users = dataclasses.replace(design, is_shipped=False)
    assert isinstance(fault_of(running.run, authored.program, users), InputError)
