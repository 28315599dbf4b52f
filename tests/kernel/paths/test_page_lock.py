"""C: mm/filemap.c, lock_page() and unlock_page() with the hashed wait queues of kernel/wait.c."""

import pytest
import simpy

from perfsim.kernel.constants import BUG_UNLOCKED_PAGE, NONE, PAGE_LOCK, PAGE_LOCK_SLEEPS, PAGE_LOCK_STEALS, PG_LOCKED
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.state import bucket_of
from perfsim.machine.costs import CONTEXT_SWITCH, IDLE_EXIT, IPI, L1_HIT, WAKEUP
from tests.kernel.paths.stage import Script, Stage, broken, calls_of, gate, play, steps_of, until

PAGE = 40
HOLD_PS = 20_000_000


async def locked_and_unlocked(stage: Stage, cpu: Cpu) -> None:
    """What CPU 1 does: lock PAGE, unlock it."""
    await stage.paths["lock_page"](cpu, PAGE)
    await stage.paths["unlock_page"](cpu, PAGE)


def unlock_before(stage: Stage, primitive: str) -> None:
    """CPU 0 holds PAGE. CPU 1 wants it and stops before a primitive of the slow path; there CPU 0 unlocks, wholly."""
    held = simpy.Event(stage.env)
    window = gate(stage, 1, primitive)

    async def hold(cpu: Cpu) -> None:
        await stage.paths["lock_page"](cpu, PAGE)
        held.succeed()
        await until(window.reached)
        await stage.paths["unlock_page"](cpu, PAGE)
        await cpu.should_stop()  # the unlock's own cost has passed
        assert stage.s.run.head[1] == NONE, "a task that runs was put in its CPU's run queue"
        window.opened.succeed()

    async def want(cpu: Cpu) -> None:
        await until(held)
        await locked_and_unlocked(stage, cpu)

    play(stage, hold, want)


def unlock_of_a_sleeper(stage: Stage, barger_page: int = NONE) -> None:
    """CPU 0 unlocks PAGE while CPU 1 sleeps on it. CPU 2 takes barger_page before the woken CPU 1 tries again."""
    held = simpy.Event(stage.env)
    asleep = gate(stage, 1, "io_schedule")
    tries = gate(stage, 1, "test_and_set", 2)

    async def hold(cpu: Cpu) -> None:
        await stage.paths["lock_page"](cpu, PAGE)
        held.succeed()
        await until(asleep.reached)
        asleep.opened.succeed()
        await cpu.hold()
        await stage.paths["unlock_page"](cpu, PAGE)

    async def want(cpu: Cpu) -> None:
        await until(held)
        await locked_and_unlocked(stage, cpu)

    async def barge(cpu: Cpu) -> None:
        await until(tries.reached)
        if barger_page != NONE:
            assert await stage.paths["trylock_page"](cpu, barger_page)
        tries.opened.succeed()
        if barger_page != NONE:
            await cpu.hold()
            await cpu.hold()
            await stage.paths["unlock_page"](cpu, barger_page)

    play(stage, hold, want, barge)


def test_a_free_page_lock_is_taken_by_one_atomic(stage: Stage) -> None:
    async def script(cpu: Cpu) -> None:
        await stage.paths["lock_page"](cpu, PAGE)

    play(stage, script)
    assert steps_of(stage, 0)[1:-1] == [("test_and_set", (PAGE, PG_LOCKED))]
    assert stage.s.m.tally.acquisitions[PAGE_LOCK] == 1
    assert stage.s.m.tally.contentions[PAGE_LOCK] == 0


def test_unlock_without_waiters_reads_the_queue_and_takes_no_bucket_lock(stage: Stage) -> None:
    async def script(cpu: Cpu) -> None:
        await stage.paths["lock_page"](cpu, PAGE)
        await stage.paths["unlock_page"](cpu, PAGE)

    play(stage, script)
    bucket = bucket_of(stage.s, PAGE)
    assert steps_of(stage, 0)[2:-1] == [("test_and_clear", (PAGE, PG_LOCKED)), ("waitqueue_active", (bucket,))]
    assert broken(stage) == []


def test_unlock_of_an_unlocked_page_is_the_bug_of_filemap_575(stage: Stage) -> None:
    async def script(cpu: Cpu) -> None:
        await stage.paths["unlock_page"](cpu, PAGE)

    play(stage, script)
    assert stage.s.violations[BUG_UNLOCKED_PAGE] == 1


def test_trylock_of_a_locked_page_fails_and_does_not_wait(stage: Stage) -> None:
    async def script(cpu: Cpu) -> tuple[int, int]:
        return await stage.paths["trylock_page"](cpu, PAGE), await stage.paths["trylock_page"](cpu, PAGE)

    first, second = play(stage, script)[0]
    assert (first, second) == (1, 0)
    assert stage.s.events[PAGE_LOCK_SLEEPS] == 0


def test_a_waiter_sleeps_and_gets_the_lock_after_the_wake_up(stage: Stage) -> None:
    unlock_of_a_sleeper(stage)
    assert stage.s.events[PAGE_LOCK_SLEEPS] == 1
    assert stage.s.events[PAGE_LOCK_STEALS] == 0
    assert stage.s.m.tally.contentions[PAGE_LOCK] == 1
    assert stage.s.m.tally.wait_total_ps[PAGE_LOCK] > HOLD_PS
    assert broken(stage) == []


def test_a_sleeper_leaves_its_cpu_and_pays_for_both_switches(stage: Stage) -> None:
    unlock_of_a_sleeper(stage)
    costs = stage.s.m.cost_ps
    slept = next(row[0] for row in stage.rows if row[2] == "io_schedule")
    woken = next(row[0] for row in stage.rows if row[2] == "wake_up_bit")
    tried = [row[0] for row in stage.rows if row[1] == 1 and row[2] == "test_and_set"][1]
    assert slept + costs[CONTEXT_SWITCH] < woken
    dequeued_ps = costs[L1_HIT]
    assert tried - woken == dequeued_ps + costs[WAKEUP] + costs[IPI] + costs[IDLE_EXIT] + costs[CONTEXT_SWITCH]


def test_a_lock_freed_before_the_waiter_is_queued_is_seen_free(stage: Stage) -> None:
    """Lost wake-up (litmus C): the unlocker saw an empty queue, so the waiter must see the bit clear."""
    unlock_before(stage, "spin_lock_irqsave")
    assert calls_of(stage, "wake_up_bit", 0) == 0
    assert stage.s.events[PAGE_LOCK_SLEEPS] == 0
    assert stage.s.m.tally.acquisitions[PAGE_LOCK] == 2
    assert broken(stage) == []


@pytest.mark.parametrize("primitive", ["test_flag", "io_schedule"])
def test_a_wake_up_that_comes_before_the_sleep_is_not_lost(stage: Stage, primitive: str) -> None:
    """try_to_wake_up() of a task that still runs sets its state to running and does nothing else."""
    unlock_before(stage, primitive)
    assert calls_of(stage, "wake_up_bit", 0) == 1
    assert stage.s.events[PAGE_LOCK_SLEEPS] == 0
    assert stage.s.m.tally.acquisitions[PAGE_LOCK] == 2
    assert broken(stage) == []


def test_a_waiter_that_took_the_lock_without_a_wake_up_leaves_the_queue(stage: Stage) -> None:
    """The unlocker clears the bit, the queued waiter takes it at once, and the walk of the queue skips it."""
    held = simpy.Event(stage.env)
    looks = gate(stage, 1, "test_flag")
    wakes = gate(stage, 0, "wake_up_bit")
    has_it = gate(stage, 1, "wait_queued")

    async def hold(cpu: Cpu) -> None:
        await stage.paths["lock_page"](cpu, PAGE)
        held.succeed()
        await until(looks.reached)
        await stage.paths["unlock_page"](cpu, PAGE)

    async def want(cpu: Cpu) -> None:
        await until(held)
        await locked_and_unlocked(stage, cpu)

    async def interleave(cpu: Cpu) -> None:
        await until(wakes.reached)
        looks.opened.succeed()
        await until(has_it.reached)
        wakes.opened.succeed()
        has_it.opened.succeed()

    play(stage, hold, want, interleave)
    assert calls_of(stage, "wait_queued", 1) == 2
    assert stage.s.events[PAGE_LOCK_SLEEPS] == stage.s.events[PAGE_LOCK_STEALS] == 0
    assert broken(stage) == []


def test_a_barger_steals_the_lock_from_the_woken_waiter_who_sleeps_again(stage: Stage) -> None:
    unlock_of_a_sleeper(stage, barger_page=PAGE)
    assert stage.s.events[PAGE_LOCK_STEALS] == 1
    assert stage.s.events[PAGE_LOCK_SLEEPS] == 2
    assert stage.s.m.tally.acquisitions[PAGE_LOCK] == 3
    assert stage.s.m.tally.contentions[PAGE_LOCK] == 1
    assert broken(stage) == []


def test_a_lock_of_another_page_is_no_steal(stage: Stage) -> None:
    unlock_of_a_sleeper(stage, barger_page=PAGE + 1)
    assert stage.s.events[PAGE_LOCK_STEALS] == 0
    assert stage.s.events[PAGE_LOCK_SLEEPS] == 1
    assert broken(stage) == []


def queue_up(stage: Stage, pages: list[int]) -> list[int]:
    """CPU 0 holds the locks of all pages; CPU n sleeps on pages[n - 1], in this order. Returns the order of gain."""
    gained: list[int] = []
    held = simpy.Event(stage.env)
    asleep = [gate(stage, number + 1, "io_schedule") for number in range(len(pages))]

    async def hold(cpu: Cpu) -> None:
        for page in sorted(set(pages)):
            await stage.paths["lock_page"](cpu, page)
        held.succeed()
        for sleeper in asleep:
            await until(sleeper.reached)
            sleeper.opened.succeed()
        await cpu.hold()
        for page in sorted(set(pages), reverse=True):
            await stage.paths["unlock_page"](cpu, page)
            await cpu.hold()
            await cpu.hold()

    def sleeper_of(number: int) -> Script:
        async def sleep(cpu: Cpu) -> None:
            await until(held if number == 0 else asleep[number - 1].opened)
            await stage.paths["lock_page"](cpu, pages[number])
            gained.append(pages[number])
            await stage.paths["unlock_page"](cpu, pages[number])

        return sleep

    play(stage, hold, *(sleeper_of(number) for number in range(len(pages))))
    assert broken(stage) == []
    return gained


def test_sleepers_on_other_pages_of_the_bucket_are_passed_over(stage: Stage) -> None:
    bucket = bucket_of(stage.s, PAGE)
    other = next(page for page in range(PAGE + 1, 512) if bucket_of(stage.s, page) == bucket)
    assert queue_up(stage, [PAGE, other]) == [other, PAGE]  # the higher page is unlocked first
    assert stage.s.events[PAGE_LOCK_SLEEPS] == 2


def test_an_unlock_wakes_one_waiter_the_first_in_the_queue(stage: Stage) -> None:
    assert queue_up(stage, [PAGE, PAGE]) == [PAGE, PAGE]
    woken = [row for row in stage.rows if row[2] == "wake_up_bit"]
    assert [row[1] for row in woken] == [0, 1]
    assert stage.s.events[PAGE_LOCK_SLEEPS] == 2


def test_a_waiter_that_sleeps_again_goes_to_the_tail_of_the_queue(stage: Stage) -> None:
    unlock_of_a_sleeper(stage, barger_page=PAGE)
    rounds = [row for row in stage.rows if row[1] == 1 and row[2] == "spin_lock_irqsave"]
    assert len(rounds) == 2  # dequeued by its waker, queued anew: one turn under the bucket's lock for each sleep
