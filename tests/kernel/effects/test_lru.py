"""LRU lists, private lists and pagevecs: what each primitive moves, counts and costs."""

from __future__ import annotations

import pytest

from perfsim.kernel.constants import (
    L_HOLD,
    LRU_ACTIVE_FILE,
    LRU_FILE,
    LRU_INACTIVE_ANON,
    LRU_INACTIVE_FILE,
    LRU_LISTS,
    LRU_LOCK,
    LRU_UNEVICTABLE,
    NONE,
    PAGE_LIST,
    PAGEVEC_SIZE,
    PG_ACTIVE,
    PG_SWAPBACKED,
    PG_UNEVICTABLE,
    PRIVATE_LISTS,
    PVEC,
    RET_PAGES,
    STACK_VECTORS,
)
from perfsim.kernel.invariants import counters_equal_lengths, links_are_doubly_linked, pages_of_list
from perfsim.kernel.state import State
from perfsim.machine.costs import (
    DRAM_LOCAL,
    L1_HIT,
    LRU_ADD_PAGE,
    LRU_ISOLATE_PAGE,
    PREFETCH_HIDDEN,
    SOCKET_TRANSFER,
)
from tests.kernel.conftest import Do, StateMaker

LISTS = range(LRU_LISTS)


def isolate(s: State, do: Do, lru: int, count: int) -> list[int]:
    """Unlink pages from the tail of a list of zone 0."""
    pages = []
    for _ in range(count):
        page = do(s, "lru_to_page", 0, lru).value
        do(s, "del_page_from_lru_list", 0, page, lru)
        pages.append(page)
    return pages


def private(s: State, task: int, which: int) -> list[int]:
    """Pages of a task's private list, from the head."""
    head = s.settings.first_private + task * PRIVATE_LISTS + which
    pages = []
    node = s.pages.next[head]
    while node != head:
        pages.append(node)
        node = s.pages.next[node]
    return pages


@pytest.mark.parametrize("lru", LISTS)
def test_a_page_leaves_its_list_from_the_tail_and_comes_back_at_the_head(s: State, do: Do, lru: int) -> None:
    before = pages_of_list(s, 0, lru)
    (page,) = isolate(s, do, lru, 1)
    assert page == before[-1]
    assert pages_of_list(s, 0, lru) == before[:-1]
    assert s.zones.lru_length[lru] == len(before) - 1
    do(s, "add_page_to_lru_list", 0, page, lru)
    assert pages_of_list(s, 0, lru) == [page, *before[:-1]]
    assert s.zones.lru_length[lru] == len(before)
    assert links_are_doubly_linked(s) == counters_equal_lengths(s) == 0


@pytest.mark.parametrize("where", [0, 1, -1])
def test_a_page_can_leave_from_anywhere(s: State, do: Do, where: int) -> None:
    before = pages_of_list(s, 0, LRU_INACTIVE_FILE)
    page = before[where]
    do(s, "del_page_from_lru_list", 0, page, LRU_INACTIVE_FILE)
    assert pages_of_list(s, 0, LRU_INACTIVE_FILE) == [other for other in before if other != page]
    assert (s.pages.next[page], s.pages.before[page]) == (NONE, NONE)


def test_unlinking_costs_a_store_to_each_neighbour(s: State, do: Do) -> None:
    page = pages_of_list(s, 0, LRU_INACTIVE_FILE)[3]
    cost_ps = do(s, "del_page_from_lru_list", 0, page, LRU_INACTIVE_FILE).cost_ps
    assert cost_ps == s.m.cost_ps[LRU_ISOLATE_PAGE] + 2 * s.m.cost_ps[DRAM_LOCAL]


def test_linking_costs_a_store_to_page_neighbour_and_head(s: State, do: Do) -> None:
    (page,) = isolate(s, do, LRU_INACTIVE_FILE, 1)
    costs = s.m.cost_ps
    # The zone's line with the head is hot already, page and neighbour are not.
    first = do(s, "add_page_to_lru_list", 0, page, LRU_ACTIVE_FILE).cost_ps
    assert first == costs[LRU_ADD_PAGE] + 2 * costs[DRAM_LOCAL] + costs[L1_HIT]
    do(s, "del_page_from_lru_list", 0, page, LRU_ACTIVE_FILE)
    assert do(s, "add_page_to_lru_list", 0, page, LRU_ACTIVE_FILE).cost_ps == costs[LRU_ADD_PAGE] + 3 * costs[L1_HIT]


def test_the_only_page_of_a_list_writes_the_head_but_once(s: State, do: Do) -> None:
    count = s.zones.lru_length[LRU_UNEVICTABLE]
    page = isolate(s, do, LRU_UNEVICTABLE, count)[0]
    costs = s.m.cost_ps
    assert pages_of_list(s, 0, LRU_UNEVICTABLE) == []
    added = do(s, "add_page_to_lru_list", 0, page, LRU_UNEVICTABLE).cost_ps
    assert added == costs[LRU_ADD_PAGE] + costs[DRAM_LOCAL] + costs[L1_HIT]
    removed = do(s, "del_page_from_lru_list", 0, page, LRU_UNEVICTABLE).cost_ps
    assert removed == costs[LRU_ISOLATE_PAGE] + costs[L1_HIT]


def test_pollers_of_lru_lock_slow_a_store_to_the_head_beside_it(s: State, do: Do) -> None:
    do(s, "spin_lock", LRU_LOCK, 0)
    page = pages_of_list(s, 0, LRU_INACTIVE_FILE)[0]
    do(s, "spin_lock", LRU_LOCK, 0, task=2, now=10**6)
    removed = do(s, "del_page_from_lru_list", 0, page, LRU_INACTIVE_FILE, now=10**9).cost_ps
    costs = s.m.cost_ps
    assert removed == costs[LRU_ISOLATE_PAGE] + costs[SOCKET_TRANSFER] + costs[DRAM_LOCAL]


def test_the_tail_of_an_empty_list_is_no_page(s: State, do: Do) -> None:
    isolate(s, do, LRU_UNEVICTABLE, s.zones.lru_length[LRU_UNEVICTABLE])
    assert do(s, "lru_to_page", 0, LRU_UNEVICTABLE) == (NONE, s.m.cost_ps[L1_HIT])
    assert do(s, "list_last", L_HOLD) == (NONE, s.m.cost_ps[L1_HIT])


def test_a_page_that_is_being_freed_is_rotated_to_the_head(s: State, do: Do) -> None:
    before = pages_of_list(s, 0, LRU_INACTIVE_ANON)
    do(s, "list_move_to_lru_head", 0, before[-1], LRU_INACTIVE_ANON)
    assert pages_of_list(s, 0, LRU_INACTIVE_ANON) == [before[-1], *before[:-1]]
    assert counters_equal_lengths(s) == 0


def test_a_prefetch_hides_a_part_of_the_next_victims_miss(s: State, do: Do) -> None:
    page = pages_of_list(s, 0, LRU_INACTIVE_FILE)[-1]
    miss_ps = s.m.cost_ps[DRAM_LOCAL]
    hidden_ps = miss_ps * s.m.cost_ps[PREFETCH_HIDDEN] // 1000
    assert 0 < hidden_ps < miss_ps
    assert [do(s, "prefetchw_prev_lru_page", page).cost_ps for _ in range(2)] == [miss_ps - hidden_ps, 0]
    assert do(s, "test_flag", s.pages.before[page], PG_ACTIVE).cost_ps == s.m.cost_ps[L1_HIT]


def test_there_is_nothing_to_prefetch_before_the_first_page(s: State, do: Do) -> None:
    assert do(s, "prefetchw_prev_lru_page", pages_of_list(s, 0, LRU_INACTIVE_FILE)[0]).cost_ps == 0


def test_private_lists_are_their_tasks_own_and_hot(s: State, do: Do) -> None:
    first, second = isolate(s, do, LRU_INACTIVE_FILE, 2)
    do(s, "list_add", first, L_HOLD)
    do(s, "list_add", second, L_HOLD, task=1)
    assert (private(s, 0, L_HOLD), private(s, 1, L_HOLD), private(s, 0, PAGE_LIST)) == ([first], [second], [])
    costs = s.m.cost_ps
    assert do(s, "list_del", first).cost_ps == costs[L1_HIT]
    assert do(s, "list_add", first, PAGE_LIST).cost_ps == 2 * costs[L1_HIT]


def test_a_private_list_gives_its_pages_back_from_the_last(s: State, do: Do) -> None:
    pages = isolate(s, do, LRU_INACTIVE_FILE, 3)
    for page in pages:
        do(s, "list_add", page, L_HOLD)
    found = []
    while (page := do(s, "list_last", L_HOLD).value) != NONE:
        do(s, "list_del", page)
        found.append(page)
    assert found == pages


def test_splicing_moves_all_pages_in_order_before_those_that_are_there(s: State, do: Do) -> None:
    pages = isolate(s, do, LRU_INACTIVE_FILE, 4)
    for page, which in zip(pages, (PAGE_LIST, RET_PAGES, RET_PAGES, RET_PAGES), strict=True):
        do(s, "list_add", page, which)
    expected = [*private(s, 0, RET_PAGES), pages[0]]
    assert do(s, "list_splice", RET_PAGES, PAGE_LIST) == (0, s.m.cost_ps[L1_HIT])
    assert (private(s, 0, PAGE_LIST), private(s, 0, RET_PAGES)) == (expected, [])
    assert do(s, "list_splice", RET_PAGES, PAGE_LIST) == (0, 0)
    assert private(s, 0, PAGE_LIST) == expected


def test_a_pagevec_tells_the_room_left_and_keeps_its_order(s: State, do: Do) -> None:
    room = [do(s, "pagevec_add", PVEC, 100 + number).value for number in range(PAGEVEC_SIZE)]
    assert room == list(range(PAGEVEC_SIZE - 1, -1, -1))
    assert [do(s, "pagevec_page", PVEC, index).value for index in range(PAGEVEC_SIZE)] == list(range(100, 114))
    assert do(s, "pagevec_count", PVEC).value == PAGEVEC_SIZE
    do(s, "pagevec_reinit", PVEC)
    assert do(s, "pagevec_count", PVEC) == (0, 0)


@pytest.mark.parametrize("size", [1, 2, 15])
def test_a_pagevec_is_full_at_the_size_that_the_workload_says(make_state: StateMaker, do: Do, size: int) -> None:
    s = make_state(f"kernel.pagevec_size={size}")
    room = [do(s, "pagevec_add", PVEC, 100 + number).value for number in range(size)]
    assert room == list(range(size - 1, -1, -1))


def test_lru_add_pagevecs_are_the_cpus_and_the_others_the_tasks(s: State, do: Do) -> None:
    assert s.tasks.cpu[0] == s.tasks.cpu[4]
    do(s, "pagevec_add", LRU_INACTIVE_FILE, 7, task=0)
    do(s, "pagevec_add", PVEC, 8, task=0)
    counts = [
        [do(s, "pagevec_count", vector, task=task).value for vector in (LRU_INACTIVE_FILE, PVEC)] for task in (0, 4, 1)
    ]
    assert counts == [[1, 1], [1, 0], [0, 0]]


def test_no_two_vectors_share_their_slots(s: State, do: Do) -> None:
    devices = range(s.settings.first_device, s.settings.tasks)
    vectors = [(task, vector) for task in [*range(4), *devices] for vector in range(PVEC)]
    vectors += [(task, vector) for task in range(s.settings.tasks) for vector in range(PVEC, PVEC + STACK_VECTORS)]
    for number, (task, vector) in enumerate(vectors):
        for _ in range(PAGEVEC_SIZE + 2):
            do(s, "pagevec_add", vector, number, task=task)
    found = [do(s, "pagevec_page", vector, 15, task=task).value for task, vector in vectors]
    assert found == list(range(len(vectors)))
    assert len(s.vectors.pages) == 16 * len(vectors)


@pytest.mark.parametrize(
    "flags, file, lru",
    [
        (0, LRU_FILE, 2),
        (PG_ACTIVE, LRU_FILE, 3),
        (PG_SWAPBACKED, 0, 0),
        (PG_SWAPBACKED | PG_ACTIVE, 0, 1),
        (PG_UNEVICTABLE, LRU_FILE, LRU_UNEVICTABLE),
    ],
)
def test_a_pages_flags_name_its_list(s: State, do: Do, flags: int, file: int, lru: int) -> None:
    s.pages.flags[9] = flags
    assert (do(s, "page_is_file_cache", 9), do(s, "page_lru_list", 9)) == ((file, 0), (lru, 0))


def test_lengths_are_read_without_a_lock(s: State, do: Do) -> None:
    s.zones.lru_length[LRU_LISTS + LRU_INACTIVE_FILE] = 7
    assert do(s, "lru_length", 1, LRU_INACTIVE_FILE) == (7, 0)
