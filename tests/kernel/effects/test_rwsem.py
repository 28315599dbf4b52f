"""mmap_sem: who has it, who waits, in which order it is handed on, and what that costs."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfsim.kernel.boot import Seed, boot
from perfsim.kernel.constants import NONE, TASK_SLEEPING
from perfsim.kernel.effects.rwsem import line_of_mm
from perfsim.kernel.effects.sched import resume
from perfsim.kernel.invariants import no_lock_is_left
from perfsim.kernel.primitives import PRIMITIVES
from perfsim.kernel.state import State
from perfsim.machine.costs import ATOMIC_LOCAL, IPI_SEND, L1_HIT, WAKEUP
from perfsim.machine.profile import load_profile
from perfsim.machine.state import BLOCKED
from perfsim.scenario.schema import NO_TIME, MachineSpec, MemorySpec
from tests.kernel.conftest import Do
from tests.properties.test_small_workloads import BASE, group

TASKS = 5


@pytest.fixture
def running(s: State, do: Do) -> State:
    """Tasks 0 .. 3 run on their CPUs and know the line of mm 0."""
    for task in range(4):
        do(s, "task_begin", task=task)
        do(s, "down_read_trylock", 0, task=task)
        do(s, "up_read", 0, task=task)
    return s


def test_every_task_has_an_mm_of_its_own(s: State, do: Do) -> None:
    assert [do(s, "current_mm", task=task).value for task in range(7)] == list(range(7))
    assert len({line_of_mm(s, mm) for mm in range(7)}) == 7


def test_a_free_semaphore_is_one_atomic_on_its_line(running: State, do: Do) -> None:
    local_ps = running.m.cost_ps[ATOMIC_LOCAL]
    assert do(running, "down_write_or_queue", 0, task=3) == (1, local_ps)
    assert do(running, "up_write", 0, task=3) == (0, local_ps)
    assert do(running, "down_read_or_queue", 0, task=3) == (1, local_ps)
    assert do(running, "up_read", 0, task=3) == (0, local_ps)
    assert do(running, "down_write_or_queue", 0, task=2).cost_ps > local_ps


def test_readers_share_and_a_writer_shares_with_nobody(running: State, do: Do) -> None:
    s = running
    assert [do(s, "down_read_or_queue", 0, task=task).value for task in (0, 1)] == [1, 1]
    assert do(s, "down_write_or_queue", 0, task=2).value == 0
    assert (s.mms.activity[0], s.mms.waits_for[2]) == (2, 0)
    assert do(s, "down_write_or_queue", 1, task=1).value == 1, "another mm is another semaphore"
    assert do(s, "down_read_trylock", 1, task=0).value == 0


def test_who_comes_after_a_writer_that_waits_waits_too(running: State, do: Do) -> None:
    s = running
    do(s, "down_read_or_queue", 0, task=0)
    do(s, "down_write_or_queue", 0, task=1)
    assert do(s, "down_read_trylock", 0, task=2).value == 0
    assert do(s, "down_read_or_queue", 0, task=2).value == 0
    assert [s.mms.head[0], s.mms.next[1], s.mms.tail[0]] == [1, 2, 2]
    assert s.mms.activity[0] == 1


def test_a_release_grants_a_writer_or_all_readers_up_to_the_next_writer(running: State, do: Do) -> None:
    s = running
    do(s, "down_write_or_queue", 0, task=0)
    for task, name in ((1, "down_read_or_queue"), (2, "down_read_or_queue"), (3, "down_write_or_queue")):
        do(s, name, 0, task=task)
        assert do(s, "rwsem_schedule", task=task, now=1_000).value == BLOCKED
    released = do(s, "up_write", 0, task=0, now=9_000_000)
    costs = s.m.cost_ps
    assert released.cost_ps - 2 * (costs[WAKEUP] + costs[IPI_SEND]) > costs[ATOMIC_LOCAL]
    assert (s.mms.activity[0], s.mms.writer[0], s.mms.head[0]) == (2, NONE, 3)
    assert sorted(s.m.wakes.cpu[: s.m.wakes.length[0]]) == [1, 2]
    s.m.wakes.length[0] = 0
    do(s, "up_read", 0, task=1)
    assert s.tasks.state[3] == TASK_SLEEPING
    do(s, "up_read", 0, task=2)
    assert (s.mms.activity[0], s.mms.writer[0], s.mms.head[0]) == (-1, 3, NONE)
    assert resume(s, 3, s.m.wakes.at_ps[0]) == 0


def test_a_grant_that_comes_before_the_sleep_is_not_slept_over(running: State, do: Do) -> None:
    s = running
    do(s, "down_write_or_queue", 0, task=0)
    do(s, "down_write_or_queue", 0, task=1)
    do(s, "up_write", 0, task=0)
    assert s.m.wakes.length[0] == 0
    assert do(s, "rwsem_schedule", task=1) == (0, 0)
    assert s.mms.writer[0] == 1


def test_to_wait_costs_a_store_more_than_to_take(running: State, do: Do) -> None:
    s = running
    do(s, "down_write_or_queue", 0, task=0)
    do(s, "down_read_trylock", 0, task=1)
    assert do(s, "down_read_or_queue", 0, task=1).cost_ps == s.m.cost_ps[ATOMIC_LOCAL] + s.m.cost_ps[L1_HIT]


@pytest.mark.parametrize("name", ["up_read", "up_write"])
def test_to_release_what_nobody_holds_is_a_bug(running: State, do: Do, name: str) -> None:
    with pytest.raises(AssertionError, match="task 1 releases mmap_sem 0, which nobody"):
        do(running, name, 0, task=1)


def test_a_semaphore_that_is_held_at_the_end_is_a_lock_left(running: State, do: Do) -> None:
    assert no_lock_is_left(running) == 0
    do(running, "down_read_or_queue", 2, task=0)
    assert no_lock_is_left(running) == 1


class Model(NamedTuple):
    """What a semaphore must be: who holds it, as (task, writes), and who waits, in order."""

    holders: list[tuple[int, bool]]
    queue: list[tuple[int, bool]]

    def ask(self, task: int, writes: bool) -> None:
        """Join the queue, and go through it as far as it goes."""
        self.queue.append((task, writes))
        self.admit()

    def admit(self) -> None:
        """The first waiter enters if nobody is in, or only readers, and it is a reader."""
        while self.queue and not (self.holders and (self.queue[0][1] or self.holders[0][1])):
            self.holders.append(self.queue.pop(0))


@given(st.lists(st.tuples(st.integers(0, TASKS - 1), st.booleans()), max_size=60))
def test_it_is_first_come_first_served_whatever_comes(steps: list[tuple[int, bool]]) -> None:
    """A task that has nothing asks, one that holds releases, one that waits does nothing."""
    s = five_that_run()
    model = Model([], [])
    for task, writes in steps:
        held = [mode for holder, mode in model.holders if holder == task]
        if held:
            model.holders.remove((task, held[0]))
            model.admit()
            perform(s, "up_write" if held[0] else "up_read", task, 0)
        elif task not in [waiter for waiter, _ in model.queue]:
            model.ask(task, writes)
            if not perform(s, "down_write_or_queue" if writes else "down_read_or_queue", task, 0):
                perform(s, "rwsem_schedule", task)
        assert queued(s) == [waiter for waiter, _ in model.queue]
        writers = [holder for holder, mode in model.holders if mode]
        assert s.mms.activity[0] == (-1 if writers else len(model.holders))
        assert s.mms.writer[0] == (writers[0] if writers else NONE)


def five_that_run() -> State:
    """Tasks that run, each on a CPU of its own."""
    machine = MachineSpec("ideal", TASKS, 1)
    tasks = (group("fault", 0, {"per": "cpu"}, (NO_TIME, NO_TIME)),)
    scenario = replace(BASE, machine=machine, memory=MemorySpec(64), tasks=tasks)
    s = boot(scenario, load_profile("ideal"), Seed(1, 0))
    for task in range(TASKS):
        perform(s, "task_begin", task)
    return s


def perform(s: State, name: str, task: int, *arguments: int) -> int:
    """The value of a primitive; whom it wakes goes on at once."""
    value = PRIMITIVES[name].effect(s, task, 0, *arguments)
    s.m.pending_ps[s.tasks.cpu[task]] = 0
    for number in range(s.m.wakes.length[0]):
        resume(s, s.run.current[s.m.wakes.cpu[number]], s.m.wakes.at_ps[number])
    s.m.wakes.length[0] = 0
    return value


def queued(s: State) -> list[int]:
    """Tasks that wait for mm 0, in order."""
    tasks, task = [], s.mms.head[0]
    while task != NONE:
        tasks.append(task)
        task = s.mms.next[task]
    return tasks
