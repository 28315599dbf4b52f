"""lru_add_drain_all(): every CPU's pagevecs, by a thread of its own, and the caller waits for all of them."""

from collections.abc import Generator

import pytest
import simpy

from perfsim.errors import StuckError
from perfsim.kernel.constants import MAPPED_ELSEWHERE, PG_LRU
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.designs import SHIPPED
from perfsim.machine.costs import CONTEXT_SWITCH, IPI_SEND, WAKEUP
from perfsim.machine.tally import CATEGORIES, USER
from tests.kernel.paths.conftest import StageMaker
from tests.kernel.paths.stage import Script, Stage, broken, calls_of, gate, play, range_with, steps_of

THINK_PS = 1_000_000_000


@pytest.fixture(params=["lock_page", "redo"])
def drained(request: pytest.FixtureRequest, make_stage: StageMaker) -> Stage:
    """A stage under each design, with keventd."""
    return make_stage(str(request.param), "kernel.drain_all=twice", "tasks.lockers.think=1ms")


def faulting(stage: Stage) -> Script:
    """Leave a page in this CPU's pagevec, then think."""

    async def script(cpu: Cpu) -> None:
        await stage.paths["handle_mm_fault"](cpu, MAPPED_ELSEWHERE)
        await cpu.think()

    return script


def in_pagevecs(stage: Stage) -> int:
    """Pages in the pagevecs of all CPUs."""
    return sum(stage.s.vectors.length[: stage.s.vectors.first_stack])


def test_a_drain_preempts_user_mode_and_takes_microseconds(drained: Stage) -> None:
    """§3.3 with preemption: nobody waits for a think time of a millisecond."""
    stage = drained
    seen: list[int] = []

    async def drain(cpu: Cpu) -> None:
        while in_pagevecs(stage) < 2:
            await cpu.cond_resched()
            await cpu.hold()
        await cpu.hold()  # until both are in user mode
        seen.append(int(stage.env.now))
        await stage.paths["lru_add_drain_all"](cpu)
        seen.extend([int(stage.env.now), in_pagevecs(stage)])

    play(stage, drain, faulting(stage), faulting(stage))
    began_ps, ended_ps, left = seen
    assert left == 0
    assert 0 < ended_ps - began_ps < 50_000_000
    ends = {row[1]: row[0] for row in stage.rows if row[2] == "task_exit"}
    costs = stage.s.m.cost_ps
    assert min(ends[1], ends[2]) > THINK_PS + 2 * costs[CONTEXT_SWITCH]
    times = stage.s.m.tally.cpu_ps
    assert [times[cpu * CATEGORIES + USER] for cpu in (1, 2)] == [THINK_PS] * 2, "and loses nothing of it"
    assert broken(stage) == []


def test_the_caller_pays_for_each_wake_up_and_runs_its_own_thread_first(drained: Stage) -> None:
    stage = drained
    times: list[int] = []

    async def drain(cpu: Cpu) -> None:
        await cpu.hold()  # until the others have ended
        await cpu.cond_resched()
        times.append(int(stage.env.now))
        await stage.paths["lru_add_drain_all"](cpu)
        await cpu.cond_resched()
        times.append(int(stage.env.now))

    play(stage, drain)
    costs = stage.s.m.cost_ps
    assert [calls_of(stage, "queue_work", cpu) for cpu in range(3)] == [3, 0, 0]
    assert [calls_of(stage, "work_done", cpu) for cpu in range(3)] == [1, 1, 1]
    own_thread_ps = 2 * costs[CONTEXT_SWITCH] + costs[WAKEUP]  # meanwhile the others are done
    least_ps = 3 * costs[WAKEUP] + 2 * costs[IPI_SEND] + own_thread_ps
    assert least_ps < times[1] - times[0] < least_ps + 2_000_000
    assert stage.s.work.inserted == stage.s.work.done == [1, 1, 1]
    assert broken(stage) == []


def test_several_drains_at_once_each_wait_for_their_own_work(drained: Stage) -> None:
    stage = drained

    async def drain(cpu: Cpu) -> None:
        await stage.paths["handle_mm_fault"](cpu, MAPPED_ELSEWHERE)
        for _ in range(3):
            await stage.paths["lru_add_drain_all"](cpu)

    play(stage, drain, drain, drain)
    assert stage.s.work.inserted == stage.s.work.done == [9, 9, 9]
    assert in_pagevecs(stage) == 0
    assert broken(stage) == []


@pytest.mark.parametrize("primitive", ["queue_work", "insert_wq_barrier", "wait_for_completion"])
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_work_done_between_any_two_steps_of_a_flush_is_no_lost_wake_up(
    drained: Stage, primitive: str, nth: int
) -> None:
    """The caller stands still before a step until no other CPU has anything left to do."""
    stage = drained
    window = gate(stage, 0, primitive, nth)

    def open_later() -> Generator[simpy.Event, None, None]:
        yield window.reached
        yield stage.env.timeout(THINK_PS)
        window.opened.succeed()

    async def drain(cpu: Cpu) -> None:
        await stage.paths["lru_add_drain_all"](cpu)

    stage.env.process(open_later())
    play(stage, drain)
    assert window.opened.triggered or (primitive, nth) in {("wait_for_completion", 2), ("wait_for_completion", 3)}
    assert stage.s.work.inserted == stage.s.work.done == [1, 1, 1]
    assert broken(stage) == []


def lru_flag_at_the_first_isolation(stage: Stage) -> int:
    """CPU 1 faults a page in and thinks; CPU 0 mlocks. Returns PG_lru of the page as get_user_pages() begins."""
    seen: list[int] = []
    faulted: list[int] = []
    window = gate(stage, 0, "follow_page")

    async def mlock(cpu: Cpu) -> None:
        await cpu.hold()
        await stage.paths["sys_mlock"](cpu, await cpu.pick_unlocked_range(), 16)

    def look() -> Generator[simpy.Event, None, None]:
        yield window.reached
        seen.append(stage.s.pages.flags[faulted[0]] & PG_LRU)
        window.opened.succeed()

    async def other(cpu: Cpu) -> None:
        faulted.append(stage.s.zones.free_head[await cpu.numa_zone()])
        await faulting(stage)(cpu)

    stage.env.process(look())
    play(stage, mlock, other)
    assert broken(stage) == []
    return seen[0]


def test_mlock_finds_pages_of_other_cpus_pagevecs_on_the_lru(drained: Stage, make_stage: StageMaker) -> None:
    """§5.1, step 1: without the drain mlock would fail to isolate such a page, and leave it to reclaim."""
    assert lru_flag_at_the_first_isolation(drained) == PG_LRU
    assert lru_flag_at_the_first_isolation(make_stage("redo", "tasks.lockers.think=1ms")) == 0


@pytest.mark.parametrize("design", [design for design in SHIPPED if design != "no_unevictable_lru"])
@pytest.mark.parametrize("word, drains", [("never", (0, 0)), ("once", (1, 0)), ("twice", (2, 2))])
def test_mlock_and_munlock_drain_as_often_as_the_workload_says(
    make_stage: StageMaker, design: str, word: str, drains: tuple[int, int]
) -> None:
    stage = make_stage(design, f"kernel.drain_all={word}")
    counts: list[int] = []

    async def script(cpu: Cpu) -> None:
        vma = await cpu.pick_unlocked_range()
        for path in ("sys_mlock", "sys_munlock"):
            await stage.paths[path](cpu, vma, 16)
            counts.append(calls_of(stage, "queue_work"))

    play(stage, script)
    assert counts == [3 * drains[0], 3 * sum(drains)]
    assert broken(stage) == []


def test_a_flusher_that_nobody_wakes_is_stuck_while_threads_without_work_are_at_rest(drained: Stage) -> None:
    stage = drained

    async def flush(cpu: Cpu) -> None:
        await cpu.hold()  # until the threads sleep
        await cpu.cond_resched()
        stage.s.work.inserted[2] += 1  # an item that no thread is woken for
        await stage.paths["flush_workqueue"](cpu)

    with pytest.raises(StuckError) as caught:
        play(stage, flush)
    _, *lines = str(caught.value).splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("script[0] on CPU 0 sleeps until script[5] has done 1 more since ")
    assert lines[1].startswith("script[5] on CPU 2 is asleep since 0 ps")


def test_migration_drains_all_cpus_under_mmap_sem(drained: Stage) -> None:
    """2.6.26: migrate_prep() is called where the range is walked; it came out from under the lock in 2.6.28."""
    range_ = range_with(drained, file=0, locked=0)
    play(drained, lambda cpu: drained.paths["do_migrate_pages"](cpu, range_, 1))
    named = ("down_read_or_queue", "queue_work", "up_read")
    steps = [name for name, _ in steps_of(drained, 0) if name in named]
    assert (steps[0], steps[-1]) == ("down_read_or_queue", "up_read")
    assert steps.count("queue_work") == drained.s.m.rules.cpus
