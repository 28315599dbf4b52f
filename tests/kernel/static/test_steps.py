"""The declared steps of every primitive against what its effect charges: hot, and with every line on another socket."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from perfsim.kernel.bounds import argument_names
from perfsim.kernel.constants import (
    L_HOLD,
    LRU_ACTIVE_FILE,
    LRU_LOCK,
    LRU_UNEVICTABLE,
    MZ_LOCK,
    NONE,
    PG_ACTIVE,
    PG_LOCKED,
    RET_PAGES,
    TASK_SLEEPING,
)
from perfsim.kernel.primitives import PRIMITIVES
from perfsim.kernel.state import State, cache_index, list_head, spinlock
from perfsim.kernel.static import steps
from perfsim.kernel.static.answers import Called
from perfsim.kernel.static.steps import STEPS, steps_of
from perfsim.kernel.static.way import Counts, after, contended_price_ps, price_ps
from perfsim.machine.coherence import EXCLUSIVE
from perfsim.machine.costs import CONTEXT_SWITCH, GUP_PAGE, IDLE_EXIT, IPI, LINE_SERVICE
from perfsim.machine.profile import load_profile
from perfsim.machine.state import BLOCKED
from tests.kernel.conftest import WORKLOAD, StateMaker

OWN_CPU, FAR_CPU = 0, 2
WITH_OBJECT = WORKLOAD.replace(
    "measure:", "  - {name: segments, kind: shm_lock, count: 1, hold: 1us, think: 1us, range_pages: 16}\nmeasure:"
)
Prepare = Callable[[State, int, int], None]
"""Called with a state, the page, and the CPU that is to hold all lines."""

LATER_PS = 10**9
"""An instant at which the refetches of those who wait for a lock are over."""

EMPTY_SLOT = 8 * 16
"""A pte of a range that test states have."""

ON_PTE = ("set_pte", "zap_pte", "get_migration_page", "pte_migration_page", "pte_lock_none", "pte_unlock")
ON_OBJECT = (
    "find_get_page",
    "page_cached_at",
    "add_to_page_cache",
    "i_size_write",
    "mapping_set_unevictable",
    "mapping_clear_unevictable",
)

# Time that the workload's file gives, no cost of the kernel's.
WORKLOADS_TIME = {"hold"}


def middle_of_list(s: State) -> int:
    """A mapped page between others on a list of zone 0, charged to another list of the memcg than LRU_UNEVICTABLE."""
    page = list_head(s, 0, LRU_ACTIVE_FILE)
    for _ in range(3):
        page = s.pages.next[page]
    s.pages.mapcount[page], s.pages.slot[page] = 1, NONE
    return page


def lock_held(lock_class: int) -> Prepare:
    """Let CPU 0 hold a spinlock of zone 0, and CPU 2 poll it if it is to hold the lines."""

    def prepare(s: State, page: int, holder: int) -> None:
        for task in {OWN_CPU, holder}:
            PRIMITIVES["spin_lock"].effect(s, task, 0, lock_class, 0)
        assert s.m.lock_waiters[spinlock(s, lock_class, 0)] == (holder != OWN_CPU)

    return prepare


def before(*calls: tuple[str, tuple[int, ...], int]) -> Prepare:
    """Let primitives take effect, each with further arguments behind the page, by a task."""

    def prepare(s: State, page: int, holder: int) -> None:
        for name, arguments, task in calls:
            given = (page, *arguments)[: PRIMITIVES[name].arguments]
            PRIMITIVES[name].effect(s, task, 0, *given)

    return prepare


def mmap_sem_taken(how: str) -> Prepare:
    """Let task 0 have mmap_sem 0."""

    def prepare(s: State, page: int, holder: int) -> None:
        PRIMITIVES[how].effect(s, 0, 0, 0)

    return prepare


def unlinked(s: State, page: int, holder: int) -> None:
    PRIMITIVES["list_del"].effect(s, 0, 0, page)


def on_private_list(s: State, page: int, holder: int) -> None:
    unlinked(s, page, holder)
    PRIMITIVES["list_add"].effect(s, 0, 0, page, L_HOLD)


def unlinked_with_lock(s: State, page: int, holder: int) -> None:
    unlinked(s, page, holder)
    lock_held(LRU_LOCK)(s, page, holder)


def one_page_to_pick(s: State, page: int, holder: int) -> None:
    s.tasks.page_count[0] = 1


def kswapd_asleep(s: State, page: int, holder: int) -> None:
    PRIMITIVES["kswapd_sleep"].effect(s, 5, 0)


def mapped_by_a_range(s: State, page: int, holder: int) -> None:
    s.pages.slot[page] = EMPTY_SLOT
    s.ranges.pte[EMPTY_SLOT] = page


def migrating(s: State, page: int, holder: int) -> None:
    mapped_by_a_range(s, page, holder)
    PRIMITIVES["set_migration_pte"].effect(s, 0, 0, page)


def cached(s: State, page: int, holder: int) -> None:
    s.objects.cached[cache_index(s, first_slot_of_object(s))] = page
    s.pages.slot[page] = first_slot_of_object(s)


def not_cached(s: State, page: int, holder: int) -> None:
    s.objects.cached[cache_index(s, first_slot_of_object(s))] = NONE


def first_slot_of_object(s: State) -> int:
    return s.settings.first_object_range * s.settings.range_pages


def thread_asleep(s: State, page: int, holder: int) -> None:
    s.tasks.state[s.work.thread[FAR_CPU]] = TASK_SLEEPING


def request_queued(s: State, page: int, holder: int) -> None:
    PRIMITIVES["submit_bio"].effect(s, 0, 0, page)


UNLOCKS = ("spin_unlock", "spin_unlock_irq", "spin_unlock_irqrestore")
BEFORE: dict[str, Prepare] = {
    **dict.fromkeys(UNLOCKS, lock_held(LRU_LOCK)),
    "list_move_to_lru_head": lock_held(LRU_LOCK),
    "list_move_to_lru_tail": lock_held(LRU_LOCK),
    "mem_cgroup_move": lock_held(MZ_LOCK),
    "add_page_to_lru_list": unlinked_with_lock,
    "list_add": unlinked,
    "list_del": on_private_list,
    "list_splice": on_private_list,
    "pick_page": one_page_to_pick,
    "remove_wait_queue": before(("prepare_to_wait_exclusive", (), 0)),
    "wake_up_bit": before(("prepare_to_wait_exclusive", (), 1), ("io_schedule", (), 1)),
    "wakeup_kswapd": kswapd_asleep,
    "up_read": mmap_sem_taken("down_read_or_queue"),
    "up_write": mmap_sem_taken("down_write_or_queue"),
    "list_prev": on_private_list,
    "zap_pte": mapped_by_a_range,
    "set_migration_pte": mapped_by_a_range,
    "remove_migration_pte": migrating,
    "get_migration_page": migrating,
    "find_get_page": cached,
    "replace_slot": cached,
    "add_to_page_cache": not_cached,
    "queue_work": thread_asleep,
    "complete_request": request_queued,
    "serve_request": request_queued,
}
"""What must be so for the case that the table declares; nothing for the others."""

ARGUMENTS = {"lru": LRU_ACTIVE_FILE, "flag": PG_ACTIVE, "mapping": 1, "expected": 2, "count": 2, "cost": GUP_PAGE}
ARGUMENTS |= {"newpage": 5, "on_cpu": FAR_CPU, "ticks": 1, "size": 1}
ARGUMENTS |= {"which": L_HOLD, "source": L_HOLD, "target": RET_PAGES, "vector": 7, "locked": 1, "delta": 1}


def arguments_of(name: str, s: State, page: int) -> tuple[int, ...]:
    """Arguments for a primitive, by their names; what has no value here is 0."""
    given = ARGUMENTS | {"page": page}
    if name == "mem_cgroup_move":
        given["lru"] = LRU_UNEVICTABLE
    if name in {"follow_page", "pte_page"}:
        given["slot"] = next(slot for slot, mapped in enumerate(s.ranges.pte) if mapped != NONE)
    if name in ON_PTE:
        given["slot"] = EMPTY_SLOT
    if name in ON_OBJECT:
        given |= {"slot": first_slot_of_object(s), "range_": s.settings.first_object_range}
    if name == "wake_up_bit":
        given["flag"] = PG_LOCKED
    return tuple(given.get(argument, 0) for argument in argument_names(PRIMITIVES[name]))


def charged_ps(s: State, name: str, holder: int) -> tuple[int, int, tuple[int, ...]]:
    """What a primitive answers and charges when one CPU owns all lines, and the arguments it was given."""
    page = middle_of_list(s)
    BEFORE.get(name, before())(s, page, holder)
    arguments = arguments_of(name, s, page)
    for line in range(len(s.m.line_holders)):
        s.m.line_holders[line], s.m.line_stamp[line] = EXCLUSIVE | holder + 1, s.m.misses[holder]
    task = FAR_CPU if name == "wakeup_kswapd" else OWN_CPU  # kswapd's CPU is another
    s.m.pending_ps[s.tasks.cpu[task]] = 0
    answer = PRIMITIVES[name].effect(s, task, LATER_PS, *arguments)
    return answer, s.m.pending_ps[s.tasks.cpu[task]], arguments


@pytest.mark.parametrize("profile", ["x86_64", "ia64"])
@pytest.mark.parametrize("holder", [OWN_CPU, FAR_CPU])
@pytest.mark.parametrize("name", [name for name in PRIMITIVES if name not in WORKLOADS_TIME])
def test_a_primitive_charges_what_its_steps_cost(make_state: StateMaker, name: str, holder: int, profile: str) -> None:
    steps_of(name)
    s = make_state(f"machine.profile={profile}", "kernel.drain_all=twice", workload=WITH_OBJECT)
    answer, cost_ps, arguments = charged_ps(s, name, holder)
    counts, _ = after(Called(name, arguments, "here"), answer, Counts(), {})
    costs = load_profile(profile)
    expected_ps = price_ps(counts, costs) if holder == OWN_CPU else contended_price_ps(counts, costs)
    if PRIMITIVES[name].before >= 0:
        expected_ps -= costs.best_ps[PRIMITIVES[name].before]
    if counts.sleeps:
        assert answer == BLOCKED
        expected_ps -= 2 * costs.best_ps[CONTEXT_SWITCH] + costs.best_ps[IPI] + costs.best_ps[IDLE_EXIT]
    if counts.locks and holder == FAR_CPU:  # the hand-off is the waiter's time, not a charge
        expected_ps -= costs.best_ps[LINE_SERVICE]
    assert cost_ps == expected_ps, f"STEPS has {expected_ps} ps for {name}, its effect charges {cost_ps} ps"


def test_every_primitive_says_what_it_does_and_nothing_else_does() -> None:
    missing = [name for name in PRIMITIVES if name not in STEPS]
    assert missing == [], f"add to ACCESSES in perfsim/kernel/static/accesses.py: {', '.join(missing)}"
    assert set(STEPS) == set(PRIMITIVES)


def test_a_primitive_that_is_not_declared_is_told_where_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "STEPS", {})
    with pytest.raises(
        LookupError, match=r"get_page has no static cost; add it to ACCESSES in perfsim/kernel/static/accesses"
    ):
        steps_of("get_page")


def test_a_lock_that_switches_interrupts_off_pays_for_that_too() -> None:
    assert [len(steps_of(name)) for name in ("spin_lock", "spin_lock_irq", "spin_lock_irqsave")] == [1, 2, 2]
