"""What one uncontended putback costs, counted from the trace: kernel-protocol §3.7 (memcg on) and §3.10 (memcg off).

And the static figures of the same putbacks beside a run: the same counts, and on hot lines the same time.
"""

from typing import NamedTuple

import pytest

from perfsim.kernel.constants import (
    LRU_ACTIVE_FILE,
    LRU_LOCK,
    MZ_LOCK,
    PG_ACTIVE,
    PG_LOCKED,
    PG_LRU,
    PG_MLOCKED,
    PG_UNEVICTABLE,
)
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.static.answers import SCENARIOS
from perfsim.kernel.static.source import path_texts
from perfsim.kernel.static.way import price_ps
from perfsim.kernel.static.ways import Ways
from perfsim.machine.coherence import EXCLUSIVE
from perfsim.machine.profile import load_profile
from tests.kernel.paths.conftest import StageMaker
from tests.kernel.paths.stage import Stage, gate, pages_on, play, until

Steps = list[tuple[str, tuple[int, ...]]]

FLAG_ATOMICS = {"test_and_set", "test_and_clear", "set_flag", "clear_flag"}
COUNT_ATOMICS = {"get_page", "get_page_unless_zero", "put_page_testzero"}
CGROUP_ATOMICS = {"trylock_page_cgroup", "unlock_page_cgroup"}
LOCKS = {"spin_lock_irq", "spin_lock_irqsave"}


class Cost(NamedTuple):
    """Atomics on page.flags but for the page lock's, of the page lock, on _count, on the cgroup bit; locks taken."""

    flags: int
    page_lock: int
    refcount: int
    cgroup: int
    lru_lock: int
    mz_lock: int


EVICTABLE = Cost(flags=2, page_lock=0, refcount=2, cgroup=2, lru_lock=0, mz_lock=1)
UNEVICTABLE = Cost(flags=4, page_lock=0, refcount=1, cgroup=2, lru_lock=1, mz_lock=1)
UNEVICTABLE_BY_CULL = UNEVICTABLE._replace(page_lock=2)


def cost_of(steps: Steps) -> Cost:
    """Count what a stretch of a trace does."""
    flags = [arguments[1] for name, arguments in steps if name in FLAG_ATOMICS]
    locks = [arguments[0] for name, arguments in steps if name in LOCKS]
    return Cost(
        flags=sum(flag != PG_LOCKED for flag in flags),
        page_lock=flags.count(PG_LOCKED),
        refcount=sum(name in COUNT_ATOMICS for name, _ in steps),
        cgroup=sum(name in CGROUP_ATOMICS for name, _ in steps),
        lru_lock=locks.count(LRU_LOCK),
        mz_lock=locks.count(MZ_LOCK),
    )


def one_putback(stage: Stage, path: str, unevictable: bool) -> Steps:
    """The shared steps of one path on a page just isolated, without what its caller does."""
    page = pages_on(stage, LRU_ACTIVE_FILE)[0]

    async def script(cpu: Cpu) -> Steps:
        await stage.paths["isolate_lru_page"](cpu, page)
        if unevictable:
            await cpu.test_and_set(page, PG_MLOCKED)
        if path == "putback_lru_page" and stage.design.name == "lock_page":
            await stage.paths["lock_page"](cpu, page)
        start = len(stage.rows)
        await stage.paths[path](cpu, page)
        return [(name, arguments) for _, _, name, arguments in stage.rows[start:]]

    return list(play(stage, script)[0])


def test_an_evictable_putback_costs_the_same_in_both_designs(stage: Stage) -> None:
    assert cost_of(one_putback(stage, "putback_lru_page", unevictable=False)) == EVICTABLE


def test_an_unevictable_putback_costs_the_page_lock_more_in_the_old_design(old: Stage, redo: Stage) -> None:
    assert cost_of(one_putback(old, "cull_unevictable_page", unevictable=True)) == UNEVICTABLE_BY_CULL
    assert cost_of(one_putback(redo, "putback_lru_page", unevictable=True)) == UNEVICTABLE


def test_old_unlock_reads_the_head_of_the_wait_queue_and_no_more(old: Stage) -> None:
    names = [name for name, _ in one_putback(old, "cull_unevictable_page", unevictable=True)]
    assert names[-2:] == ["test_and_clear", "waitqueue_active"]


def retried_putback(redo: Stage, mlocked_again: bool) -> Steps:
    """A putback whose page is munlocked while it is added to the list, and perhaps mlocked before the second turn."""
    page = pages_on(redo, LRU_ACTIVE_FILE)[0]
    adds, turns = gate(redo, 0, "set_flag"), gate(redo, 0, "put_page_testzero")

    async def putback(cpu: Cpu) -> Steps:
        await redo.paths["isolate_lru_page"](cpu, page)
        await cpu.test_and_set(page, PG_MLOCKED)
        start = len(redo.rows)
        await redo.paths["putback_lru_page"](cpu, page)
        return [(name, arguments) for _, cpu_, name, arguments in redo.rows[start:] if cpu_ == 0]

    async def toggle(cpu: Cpu) -> None:
        await until(adds.reached)
        await cpu.test_and_clear(page, PG_MLOCKED)
        adds.opened.succeed()
        await until(turns.reached)
        if mlocked_again:
            await cpu.test_and_set(page, PG_MLOCKED)
        turns.opened.succeed()

    return list(play(redo, putback, toggle)[0])


def difference(cost: Cost, other: Cost) -> Cost:
    """What one costs more than the other."""
    return Cost(*(a - b for a, b in zip(cost, other, strict=True)))


def test_a_retry_that_ends_evictable_costs_three_atomics_on_flags_and_three_on_count(redo: Stage) -> None:
    """clear PG_lru to isolate, test and clear PG_active, clear the stale PG_unevictable."""
    more = difference(cost_of(retried_putback(redo, mlocked_again=False)), UNEVICTABLE)
    assert more == Cost(flags=3, page_lock=0, refcount=3, cgroup=2, lru_lock=1, mz_lock=1)


def test_a_retry_that_ends_unevictable_costs_four_atomics_on_flags_and_two_on_count(redo: Stage) -> None:
    """clear PG_lru to isolate, test and clear PG_active, set PG_unevictable and PG_lru."""
    more = difference(cost_of(retried_putback(redo, mlocked_again=True)), UNEVICTABLE)
    assert more == Cost(flags=4, page_lock=0, refcount=2, cgroup=2, lru_lock=2, mz_lock=1)


# §3.10, with the shared steps of the model; linking and counters are local to the holder of lru_lock.
PREDICATE = ["page_mapping", "mapping_unevictable", "test_flag PG_mlocked"]
ADD = [
    "spin_lock_irq",
    "set_flag PG_unevictable",
    "set_flag PG_lru",
    "spin_unlock_irq",
]
TRACE = {
    "lock_page": [
        "test_and_set PG_locked",
        "test_and_clear PG_active",
        "test_and_clear PG_unevictable",
        "page_has_mapping",
        *PREDICATE,
        *ADD,
        "put_page_testzero",
        "test_and_clear PG_locked",
        "waitqueue_active",
    ],
    "redo": [
        "test_and_clear PG_unevictable",
        "test_and_clear PG_active",
        *PREDICATE,
        *ADD,
        *PREDICATE,
        "put_page_testzero",
    ],
}
NAMES = {
    PG_LOCKED: "PG_locked",
    PG_ACTIVE: "PG_active",
    PG_UNEVICTABLE: "PG_unevictable",
    PG_LRU: "PG_lru",
    PG_MLOCKED: "PG_mlocked",
}


@pytest.mark.parametrize("design,path", [("lock_page", "cull_unevictable_page"), ("redo", "putback_lru_page")])
def test_the_trace_of_one_cull_without_memcg_is_that_of_the_protocol(
    make_stage: StageMaker, design: str, path: str
) -> None:
    steps = one_putback(make_stage(design, "kernel.memcg=false"), path, unevictable=True)
    flagged = FLAG_ATOMICS | {"test_flag"}
    assert [f"{n} {NAMES[a[1]]}" if n in flagged else n for n, a in steps] == TRACE[design]


def hot_run_ps(stage: Stage, path: str, unevictable: bool) -> int:
    """How long a run of one path takes on a page just isolated, when its CPU owns every line."""
    page = pages_on(stage, LRU_ACTIVE_FILE)[1]
    machine = stage.s.m

    async def script(cpu: Cpu) -> int:
        await stage.paths["isolate_lru_page"](cpu, page)
        if unevictable:
            await cpu.test_and_set(page, PG_MLOCKED)
        await cpu.clear_flag(page, PG_ACTIVE)
        if path == "putback_lru_page" and stage.design.name == "lock_page":
            await stage.paths["lock_page"](cpu, page)
        for line in range(len(machine.line_holders)):
            machine.line_holders[line], machine.line_stamp[line] = EXCLUSIVE | 1, machine.misses[0]
        start_ps = int(stage.env.now) + machine.pending_ps[0]
        await stage.paths[path](cpu, page)
        return int(stage.env.now) + machine.pending_ps[0] - start_ps

    return int(play(stage, script)[0])


@pytest.mark.parametrize("unevictable", [False, True])
@pytest.mark.parametrize(
    "design,path",
    [("lock_page", "putback_lru_page"), ("lock_page", "cull_unevictable_page"), ("redo", "putback_lru_page")],
)
def test_the_price_of_a_way_on_one_cpu_is_the_time_that_a_run_takes(
    make_stage: StageMaker, design: str, path: str, unevictable: bool
) -> None:
    stage = make_stage(design)
    way = Ways(path_texts(stage.design), SCENARIOS[unevictable]).through(path)
    assert way is not None
    assert SCENARIOS[unevictable].name == ("unevictable" if unevictable else "evictable")
    assert hot_run_ps(stage, path, unevictable) == price_ps(way, load_profile("x86_64"))


@pytest.mark.parametrize("unevictable", [False, True])
def test_a_way_has_the_atomics_and_the_locks_of_a_trace(stage: Stage, unevictable: bool) -> None:
    way = Ways(path_texts(stage.design), SCENARIOS[unevictable]).through("putback_lru_page")
    traced = cost_of(one_putback(stage, "putback_lru_page", unevictable))
    assert way is not None
    assert way.atomics == traced.flags + traced.page_lock + traced.refcount + traced.cgroup
    assert way.locks == traced.lru_lock + traced.mz_lock
