"""The ranges, ptes and pages that a task works on: chosen, locked, migrated (mm/mlock.c, mempolicy.c)."""

from __future__ import annotations

from perfsim.kernel.constants import NONE
from perfsim.kernel.effects.sched import choose
from perfsim.kernel.state import State


def pick_unlocked_range(s: State, task: int, now: int) -> int:
    """A range of the task's that is not locked, uniformly; it counts as locked from now on."""
    tasks = s.tasks
    unlocked = tasks.range_unlocked[task]
    return _swap_ranges(s, task, choose(s, task, unlocked), unlocked - 1, unlocked - 1)


def pick_locked_range(s: State, task: int, now: int) -> int:
    """A range of the task's that is locked, uniformly; it counts as unlocked from now on."""
    tasks = s.tasks
    unlocked = tasks.range_unlocked[task]
    chosen = unlocked + choose(s, task, tasks.range_count[task] - unlocked)
    return _swap_ranges(s, task, chosen, unlocked, unlocked + 1)


def vma_start(s: State, task: int, now: int, range_: int) -> int:
    """vma->vm_start as the number of the range's first pte."""
    return range_ * s.settings.range_pages


def set_vm_locked(s: State, task: int, now: int, range_: int, locked: int) -> int:
    """VM_LOCKED in vma->vm_flags, under mmap_sem held for write. Returns whether that is new of the range."""
    is_new = s.ranges.locked[range_] != locked
    s.ranges.locked[range_] = locked
    return int(is_new)


def slot_locked(s: State, task: int, now: int, slot: int) -> int:
    """is_mlocked_vma()'s question: does the pte belong to a VM_LOCKED range?"""
    return s.ranges.locked[slot // s.settings.range_pages] if slot >= 0 else 0


def pick_range(s: State, task: int, now: int) -> int:
    """A range of the task's, or of the task whose ranges it shares, uniformly."""
    chosen = choose(s, task, s.tasks.range_count[task]) if s.tasks.range_count[task] > 1 else 0
    return s.ranges.order[s.tasks.range_first[task] + chosen]


def pick_slot(s: State, task: int, now: int, range_: int, count: int) -> int:
    """One of the first `count` ptes of a range, uniformly."""
    return range_ * s.settings.range_pages + choose(s, task, count)


def pick_page(s: State, task: int, now: int) -> int:
    """lock_loop: one of K pages, uniformly, spread over the nodes."""
    number = choose(s, task, s.tasks.page_count[task])
    nodes = s.settings.nodes
    return number % nodes * s.settings.pages_per_node + number // nodes


def task_shares(s: State, task: int, now: int) -> int:
    """1 for a thread of the task whose ranges it shares."""
    return s.tasks.shares[task]


def migration_target(s: State, task: int, now: int) -> int:
    """The zone that a migrate task moves its range to: always the same, or the next one each time."""
    s.tasks.turns[task] += 1
    if s.tasks.target[task] != NONE:
        return s.tasks.target[task]
    return (s.tasks.zone[task] + s.tasks.turns[task]) % s.settings.nodes


def _swap_ranges(s: State, task: int, chosen: int, target: int, unlocked: int) -> int:
    """Move the chosen range to the border of the task's unlocked ranges and shift the border. Returns the range."""
    assert min(chosen, target) >= 0, f"task {task} has no range left for that"
    assert max(chosen, target) < s.tasks.range_count[task], f"task {task} has no range left for that"
    first = s.tasks.range_first[task]
    order = s.ranges.order
    range_ = order[first + chosen]
    order[first + chosen], order[first + target] = order[first + target], range_
    s.tasks.range_unlocked[task] = unlocked
    return range_
