"""What a step touches: enough that steps which do not meet commute, and never less than it does touch."""

from itertools import product

import pytest

from perfsim.engine.program import FIRST_PRIMITIVE
from perfsim.explore.acts import ways
from perfsim.explore.columns import END, Search
from perfsim.explore.flow import after
from perfsim.explore.footprints import EVERYTHING, NOTHING, Footprint, footprints_of
from perfsim.explore.frontier import load
from perfsim.explore.locations import read
from perfsim.explore.prepare import known_of
from perfsim.explore.question import Question
from perfsim.explore.rows import ORDERED, Scripts, scripts_of
from perfsim.explore.scenario import PAGES_MAX
from perfsim.explore.small import small_state
from perfsim.explore.step import step, unpack
from perfsim.kernel.static.accesses import ACCESSES, Act
from tests.explore.searches import as_plain, on_lists, plain_search, shipped


def of(name: str, number: int) -> tuple[Scripts, list[Footprint], list[Footprint]]:
    scenario, design = shipped(name, number)
    scripts = scripts_of(scenario, design)
    s = small_state(scenario, unevictable_lru=design.unevictable_lru)
    return scripts, *footprints_of(s, scripts, known_of(scripts, ()))


def named(scripts: Scripts, footprints: list[Footprint], name: str) -> list[Footprint]:
    """The footprints of the rows of a primitive."""
    numbers = [number for number, row in enumerate(scripts.rows) if row.op >= FIRST_PRIMITIVE]
    return [footprints[number] for number in numbers if ORDERED[scripts.rows[number].op - FIRST_PRIMITIVE].name == name]


def test_a_look_at_a_page_writes_nothing_and_what_nobody_declares_touches_everything() -> None:
    scripts, steps, _ = of("reclaim_reclaim", 1)
    assert Footprint(1, NOTHING) in named(scripts, steps, "test_flag")
    assert all(one.writes for one in named(scripts, steps, "try_to_unmap"))
    scripts, steps, _ = of("migrate_exit", 1)
    assert set(named(scripts, steps, "rmqueue")) == {Footprint(EVERYTHING, EVERYTHING)}


def test_steps_at_two_pages_do_not_meet_where_the_page_is_known() -> None:
    scenario, design = shipped("reclaim_reclaim", 1)
    x = on_lists(scenario, design, Question(reduce=True))
    first, second = (x.code.step_writes[x.b.row[cpu]] for cpu in (0, 1))  # lock_page(a), lock_page(b)
    assert first & 3 == 1
    assert second & 3 == 2


def test_what_is_ahead_holds_what_every_step_on_the_way_touches() -> None:
    scripts, steps, ahead = of("putback_munlock", 1)
    for number, row in enumerate(scripts.rows):
        for follower in after(row):
            assert ahead[follower].reads & ~ahead[number].reads == NOTHING
            assert ahead[follower].writes & ~ahead[number].writes == NOTHING
    assert steps[scripts.begin[0]].reads & ~ahead[scripts.begin[0]].reads == NOTHING


def test_every_shared_primitive_touches_something_but_a_fence() -> None:
    for name, access in ACCESSES.items():
        if access.act not in (Act.LOCAL, Act.FENCE, Act.LOCKED, Act.SLEEP):
            assert access.cell, name


def changed(x: Search, cpu: int) -> tuple[int, int]:
    """What of the locations of pages a CPU's next step changes, as footprints have it, and what it says it writes."""
    before = [read(x.s, cell) for cell in x.cells]
    said = x.code.step_writes[x.b.row[cpu]]
    step(x, cpu, 0)
    bits = 0
    for cell, old in zip(x.cells, before, strict=True):
        kind, page = cell // 64, cell % 64
        if kind in (0, 1, 2, 3, 5) and read(x.s, cell) != old:
            bits |= 1 << (0, 1, 2, 3, 5).index(kind) * PAGES_MAX + page
    return bits, said


SMALL = [("recheck", 1), ("wait_queue", 0), ("munlock_pagevec", 0), ("putback_exit", 0), ("putback_shm_unlock", 1)]


@pytest.mark.parametrize("name, number", SMALL)
def test_no_step_of_any_state_changes_what_it_does_not_say(name: str, number: int) -> None:
    x = as_plain(plain_search(*shipped(name, number), Question(reduce=True)).x)
    looked_at = 0
    for state, cpu in product(range(x.turn.states[0]), range(x.settings.cpus)):
        load(x, state)
        unpack(x, cpu)
        if x.b.row[cpu] != END and ways(x, cpu, x.b.row[cpu]):
            bits, said = changed(x, cpu)
            assert bits & ~said == 0
            looked_at += bits != 0
        x.s.m.wakes.length[0] = 0
    assert looked_at > 10


def after_both(x: Search, state: int, cpus: tuple[int, int]) -> list[int] | None:
    """The words of a state after the next steps of two CPUs in this order; None if the second cannot be made."""
    load(x, state)
    for cpu in cpus:
        unpack(x, cpu)
        if x.b.row[cpu] == END or ways(x, cpu, x.b.row[cpu]) == 0:
            return None
        step(x, cpu, 0)
        x.s.m.wakes.length[0] = 0
    return [x.words[word] for word in range(x.settings.words)]


@pytest.mark.parametrize("name, number", [*SMALL[:2], *SMALL[3:], ("putback_truncate", 0), ("munlock_munlock", 1)])
def test_steps_that_do_not_meet_lead_to_one_state_in_either_order(name: str, number: int) -> None:
    x = as_plain(plain_search(*shipped(name, number), Question(reduce=True)).x)
    compared = 0
    for state in range(0, x.turn.states[0], 3):
        load(x, state)
        rows = x.b.row[0], x.b.row[1]
        if END in rows:
            continue
        reads, writes = ([column[row] for row in rows] for column in (x.code.step_reads, x.code.step_writes))
        if writes[0] & (reads[1] | writes[1]) or writes[1] & reads[0]:
            continue
        first, second = after_both(x, state, (0, 1)), after_both(x, state, (1, 0))
        assert first == second, f"state {state}, rows {rows}"
        compared += first is not None
    assert compared > 5
