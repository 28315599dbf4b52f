"""A step goes on to where the next one begins, and keeps of a CPU what it will still read."""

from pathlib import Path

from perfsim.explore.columns import END
from perfsim.explore.question import Question
from perfsim.explore.search import explore
from perfsim.explore.step import pack, step, unpack
from perfsim.kernel.constants import NONE
from tests.explore.files import design_file, scenario_file
from tests.explore.searches import on_lists, primitive_at, shipped, steps_of

LOCALS = '''\
"""Locals of eight bits, and of more."""

from perfsim.kernel.cpu import Cpu

extends = "redo"


async def keep(cpu: Cpu, page: int, number: int) -> None:
    kept = number + 1
    if await cpu.test_flag(page, 1):
        kept = 1
    await cpu.test_flag(page, kept)
'''


def test_a_step_ends_before_the_next_shared_primitive() -> None:
    x = on_lists(*shipped("recheck", 0), Question())
    before = primitive_at(x, 0)
    unpack(x, 0)
    step(x, 0, 0)
    assert (before, primitive_at(x, 0)) == ("VM_BUG_ON", "test_and_clear")
    assert len(steps_of(x, 0)) > 5
    assert x.b.row[0] == END


def test_at_its_end_a_cpu_keeps_no_locals() -> None:
    x = on_lists(*shipped("recheck", 0), Question())
    steps_of(x, 0, until="spin_lock_irq")
    steps_of(x, 0)
    assert x.b.row[0] == END
    assert x.b.registers[: x.settings.registers] == [0] * x.settings.registers


def test_what_is_packed_is_what_is_unpacked() -> None:
    x = on_lists(*shipped("reclaim_reclaim", 1), Question())
    steps_of(x, 0, until="get_page_unless_zero")
    row, base = x.b.row[0], 0
    first, count = x.code.live_first[row], x.code.live_count[row]
    assert count > 0
    slots = x.code.live[first : first + count]
    for number, slot in enumerate(slots):
        x.values[base + slot] = number + 40
    pack(x, 0, row)
    for slot in slots:
        x.values[base + slot] = NONE
    unpack(x, 0)
    assert [x.values[base + slot] for slot in slots] == [number + 40 for number in range(count)]


def test_a_local_that_has_no_room_is_told_and_nothing_called_safe(tmp_path: Path) -> None:
    design = design_file(tmp_path, LOCALS)
    other = "lock_page(page), unlock_page(page)"
    fits = explore(scenario_file(tmp_path, ['"keep(page, 126)"', other]), design)
    assert fits.why == ""
    outcome = explore(scenario_file(tmp_path, ['"keep(page, 127)"', other]), design)
    assert outcome.verdict == "not_exhaustive"
    assert "keep() at" in outcome.why
    assert outcome.why.endswith("comes with a local of more than 8 bits")
