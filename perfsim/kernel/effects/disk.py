"""Writeback: a disk a node with a queue of requests, and the pages that it has written (block/, mm/swap.c).

A disk is a device of its own: it serves one request after another, and its interrupt acts by itself. Only its rotate
pagevec is that of a CPU, the one that would take the interrupt.
"""

from __future__ import annotations

from perfsim.kernel.constants import (
    CONGESTION_OFF,
    CONGESTION_ON,
    HOLD,
    ROTATE_PVEC,
    ROTATED,
    VECTOR_SLOTS,
)
from perfsim.kernel.effects.lru import add_to_vector
from perfsim.kernel.effects.sched import draw_of
from perfsim.kernel.effects.timer import end_timer, rest, rouse, wait_as_device
from perfsim.kernel.state import State, cpu_vector, stack_vector, zone_of
from perfsim.machine.costs import L1_HIT
from perfsim.machine.state import work
from perfsim.numeric.random import EXPONENTIAL, duration


def bdi_write_congested(s: State, task: int, now: int, zone: int) -> int:
    """bdi_write_congested(): is the queue of the zone's disk as long as reclaim shall make it?"""
    work(s.m, s.tasks.cpu[task], L1_HIT)
    return s.disks.congested[zone]


def submit_bio(s: State, task: int, now: int, page: int) -> int:
    """submit_bio(WRITE) of one page to the disk of its node. A disk that rests begins with it."""
    disk, slots = zone_of(s, page), s.settings.disk_slots
    length = s.disks.length[disk]
    assert length < slots, f"the queue of disk {disk} is full"
    s.disks.page[disk * slots + (s.disks.head[disk] + length) % slots] = page
    s.disks.length[disk] = length + 1
    if length + 1 >= CONGESTION_ON:
        s.disks.congested[disk] = 1
    rouse(s, s.settings.first_device + 1 + disk, now, now)
    return 0


def wait_for_request(s: State, task: int, now: int) -> int:
    """A disk rests until its queue holds a request."""
    return 0 if s.disks.length[s.tasks.zone[task]] else rest(s, task, now)


def requests_queued(s: State, task: int, now: int) -> int:
    """Requests in a disk's queue."""
    return s.disks.length[s.tasks.zone[task]]


def serve_request(s: State, task: int, now: int) -> int:
    """The time until the request at the head of a disk's queue is done.

    Each takes the figure io from when it is queued, on average, as all of them are under way together: the elevator
    merges neighbours, and a disk reorders its commands. So n requests end n times as often as one.
    """
    high = draw_of(s, task, HOLD)
    low = draw_of(s, task, HOLD)
    mean_ps = s.tasks.hold[3 * task + 1] // s.disks.length[s.tasks.zone[task]]
    length_ps = duration(EXPONENTIAL, mean_ps, 0, high, low)
    return wait_as_device(s, task, now, now + length_ps) if length_ps else 0


def complete_request(s: State, task: int, now: int) -> int:
    """The request at the head is done: returns its page. Who waits for congestion to end need not, if it has."""
    disk, slots = s.tasks.zone[task], s.settings.disk_slots
    head = s.disks.head[disk]
    s.disks.head[disk] = (head + 1) % slots
    s.disks.length[disk] -= 1
    if s.disks.length[disk] < CONGESTION_OFF:
        s.disks.congested[disk] = 0
        for waiter in range(s.settings.tasks):
            if s.timers.congestion[waiter]:
                end_timer(s, task, now, waiter)
    return s.disks.page[disk * slots + head]


def rotate_pagevec_add(s: State, task: int, now: int, page: int) -> int:
    """pagevec_add(&__get_cpu_var(lru_rotate_pvecs), page), interrupts off. Returns the room left."""
    place = _rotate_pagevec(s, task)
    assert s.vectors.length[place] < VECTOR_SLOTS, f"page {page} is added to a full rotate pagevec"
    return add_to_vector(s, task, place, page)


def take_rotate_pagevec(s: State, task: int, now: int) -> int:
    """What interrupts off are for in C: the rotate pagevec, emptied at one instant into a vector of the task's own.

    Returns the number of pages.
    """
    vector = _rotate_pagevec(s, task)
    count = s.vectors.length[vector]
    own = stack_vector(s, task, ROTATED)
    assert s.vectors.length[own] == 0, f"task {task} has not moved what it took"
    for slot in range(count):
        s.vectors.pages[own * VECTOR_SLOTS + slot] = s.vectors.pages[vector * VECTOR_SLOTS + slot]
    s.vectors.length[own] = count
    s.vectors.length[vector] = 0
    work(s.m, s.tasks.cpu[task], L1_HIT)
    return count


def _rotate_pagevec(s: State, task: int) -> int:
    """The CPU's own; a disk's, that of the CPU it interrupts."""
    cpu = s.tasks.cpu[task]
    if cpu >= s.m.rules.cpus:
        cpu = s.disks.irq_cpu[s.tasks.zone[task]]
    return cpu_vector(cpu, ROTATE_PVEC)
