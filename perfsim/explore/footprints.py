"""Which rows touch what: the steps of one CPU that commute with all that the others can still do.

A footprint is two sets of resources as bits, those read and those written. What a row's own step touches is known from
the declared accesses; what a CPU can still touch is the union over all rows that it can reach.

Why a single CPU may go first (a persistent set; Godefroid 1996, chapter 4): let the next step of CPU c touch nothing
that another CPU writes from where it stands on, and write nothing that another one reads. Then whatever the others do
before c makes that step leaves it possible and of the same effect, and the step leaves theirs so: every way to a state
at rest, to a state in which nobody can go on, or to a step that breaks something, has a permutation that begins with
c's step, which ends in the same state and makes the same steps. So it is enough to follow c here. No step is put off
for ever: where c's step leads to no state that is new, the state is expanded in full (the cycle proviso for
breadth-first search, Bosnacki and Holzmann 2005). A CPU with accesses of its own under way is never chosen, as these
are actions too, and may overtake the step.

What is lost is the shortest way: a breach is searched for again without this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from perfsim.engine.program import FIRST_PRIMITIVE, RETURN, Row
from perfsim.explore.acts import LOCAL
from perfsim.explore.flow import after, fixpoint, union
from perfsim.explore.prepare import Known
from perfsim.explore.rows import ORDERED, Scripts
from perfsim.explore.scenario import PAGES_MAX
from perfsim.kernel.bounds import argument_names
from perfsim.kernel.constants import VECTOR_SLOTS
from perfsim.kernel.primitives import PRIMITIVES
from perfsim.kernel.state import State
from perfsim.kernel.static.accesses import Access, Act

_CELLS = ("flags", "refcount", "mapcount", "mapping", "cgroup")
_OTHERS = (
    *("mapping_flags", "queue", "lists", "zone", "memcg", "pte", "cache", "mm"),
    *("lock 0", "lock 1", "lock 2", "lock 3"),
)
"""lists: links and heads of all lists; zone: free pages; pte: ptes, ranges and which pte a page has; cache: the page
caches of objects.
"""
EVERYTHING = (1 << len(_CELLS) * PAGES_MAX + len(_OTHERS)) - 1
NOTHING = 0

_OWN = (
    *("page_zone", "page_waitqueue", "memcg_enabled", "drain_all", "numa_zone", "current_mm", "vma_start", "observe"),
    *("pagevec_add", "pagevec_count", "pagevec_page", "pagevec_reinit", "page_lock_contended", "cond_resched", "work"),
    *("count_vm_event", "prefetchw_prev_lru_page", "current_is_kswapd", "swap_cluster_max", "mapped_object", "nr_cpus"),
    *("pages_scanned", "add_recent_scanned", "add_recent_rotated", "page_referenced", "smp_mb"),
    *("take_rotate_pagevec", "sc_scanned", "task_kind"),
)
"""Primitives that touch what is their CPU's own, or never changes, or decides nothing here."""

_LISTS = ("", "lists")
_TOUCHED: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("page_is_file_cache", "page_lru_list"), ("flags", "")),
    **dict.fromkeys(("list_add", "list_del", "list_last", "list_prev", "list_splice"), _LISTS),
    **dict.fromkeys(("lru_length", "lru_to_page", "add_page_to_lru_list", "del_page_from_lru_list"), _LISTS),
    **dict.fromkeys(("list_move_to_lru_head", "list_move_to_lru_tail"), _LISTS),
    "mem_cgroup_move": ("", "cgroup memcg"),
    "free_page_to_zone": ("", "flags refcount mapcount mapping cgroup memcg lists zone pte"),
    "zone_watermark_ok": ("zone", ""),
    **dict.fromkeys(("pte_page", "pte_migration_page", "slot_locked", "page_index"), ("pte mapping", "")),
    **dict.fromkeys(("pte_lock_none", "pte_unlock", "set_vm_locked"), ("", "pte")),
    "follow_page": ("pte", "refcount"),
    "get_migration_page": ("pte", "refcount"),
    "set_pte": ("", "pte mapcount"),
    "zap_pte": ("mapping", "pte mapcount"),
    "try_to_unmap": ("mapping", "pte mapcount refcount mm"),
    "try_to_munlock": ("pte", "mm"),
    "set_migration_pte": ("", "pte mapcount refcount"),
    "find_get_page": ("cache", "refcount"),
    "page_cached_at": ("cache mapping", ""),
    "remove_from_page_cache": ("", "cache mapping pte"),
    "wait_queued": ("queue", ""),
    "io_schedule": ("queue", ""),
    **dict.fromkeys(("prepare_to_wait", "prepare_to_wait_exclusive", "remove_wait_queue"), ("", "queue")),
    "wake_up_bit": ("flags", "queue"),
    **dict.fromkeys(("down_read_or_queue", "down_read_trylock", "down_write_or_queue", "rwsem_schedule"), ("", "mm")),
    **dict.fromkeys(("up_read", "up_write"), ("", "mm")),
}
"""What primitives without one location of their own read, and write: cells of their page, and others.

tests/explore/test_footprints.py holds it against what the effects do. What is not here touches everything.
"""


_BY_PTE = ("pte_page", "follow_page", "zap_pte", "pte_migration_page", "get_migration_page")
_MAPS = ("set_pte", "remove_migration_pte", "set_migration_pte", "pte_lock_none", "add_to_page_cache", "replace_slot")
_FINDS = ("lru_to_page", "rmqueue", "find_get_page", "prefetchw_prev_lru_page", "pick_page")
"""Primitives by which a CPU comes by the number of a page: through a pte; what changes ptes; and from anywhere."""


class Footprint(NamedTuple):
    """What is read, and what is written, as bits."""

    reads: int
    writes: int


def footprints_of(s: State, scripts: Scripts, known: Known) -> tuple[list[Footprint], list[Footprint]]:
    """Of each row, what the step that begins there touches, and what its CPU can touch from there on. s: at first."""
    pages = pages_in_hand(s, scripts)
    own = [_own(scripts, known, row, pages[scripts.cpus[row]]) for row in range(len(scripts.rows))]
    reads, writes = [one.reads for one in own], [one.writes for one in own]

    def of_step(touched: list[int]) -> list[int]:
        def and_locals(row: int, found: list[int]) -> int:
            behind = (one for one in after(scripts.rows[row]) if known.act[one] == LOCAL)
            return touched[row] | union(found[one] for one in behind)

        return fixpoint(scripts, and_locals)

    def ahead(touched: list[int]) -> list[int]:
        def and_all(row: int, found: list[int]) -> int:
            return touched[row] | union(found[one] for one in after(scripts.rows[row]))

        return fixpoint(scripts, and_all)

    def both(what: Callable[[list[int]], list[int]]) -> list[Footprint]:
        return [Footprint(*one) for one in zip(what(reads), what(writes), strict=True)]

    return both(of_step), both(ahead)


def pages_in_hand(s: State, scripts: Scripts) -> list[tuple[int, ...]]:
    """Of each CPU, the pages whose numbers it can ever hold: those that its script names, those that are in pagevecs
    and on private lists at the start, and those of the ptes that it looks at, while nobody maps a page. Every page for
    a CPU that takes pages off an LRU list or the free list, or out of a page cache.
    """
    everyone = tuple(range(s.settings.pages))
    called = [[(name, row) for name, row in _calls(scripts, cpu)] for cpu in range(s.settings.tasks)]
    maps = any(name in _MAPS for calls in called for name, _ in calls)
    found = []
    for cpu, calls in enumerate(called):
        constants = scripts.constants[cpu]
        slots = {_constant(row.a, constants) for name, row in calls if name in _BY_PTE}
        if any(name in _FINDS for name, _ in calls) or (slots and maps):
            found.append(everyone)
            continue
        named = {_page_of(name, row, constants) for name, row in calls}
        mapped = set(s.ranges.pte) if None in slots else {s.ranges.pte[slot] for slot in slots if slot is not None}
        held = {page for page in everyone if s.pages.before[page] >= s.settings.first_private or _is_in_vector(s, page)}
        found.append(tuple(sorted(page for page in named | mapped | held if page is not None and page >= 0)))
    return found


def _calls(scripts: Scripts, cpu: int) -> Iterator[tuple[str, Row]]:
    for row, owner in zip(scripts.rows, scripts.cpus, strict=True):
        if owner == cpu and row.op >= FIRST_PRIMITIVE:
            yield ORDERED[row.op - FIRST_PRIMITIVE].name, row


def _is_in_vector(s: State, page: int) -> bool:
    first = (vector * VECTOR_SLOTS for vector in range(len(s.vectors.length)))
    return any(page in s.vectors.pages[at : at + s.vectors.length[at // VECTOR_SLOTS]] for at in first)


def _own(scripts: Scripts, known: Known, number: int, pages: tuple[int, ...]) -> Footprint:
    row = scripts.rows[number]
    if row.op < FIRST_PRIMITIVE or row.op == RETURN:
        return Footprint(NOTHING, NOTHING)
    name = ORDERED[row.op - FIRST_PRIMITIVE].name
    access = known.access[number]
    constants = scripts.constants[scripts.cpus[number]]
    if name in _OWN:
        return Footprint(NOTHING, NOTHING)
    if name in _TOUCHED:
        page = _page_of(name, row, constants)
        hands = pages if page is None else (page,)
        return Footprint(*(union(_resource(one, hands) for one in words.split()) for words in _TOUCHED[name]))
    if name == "copy_mapping" or access.act in (Act.LOCKED, Act.SLEEP, Act.LOCAL):  # PG_swapbacked goes with a mapping
        return Footprint(EVERYTHING, EVERYTHING)
    return _of_access(row, access, constants, pages)


def _page_of(name: str, row: Row, constants: tuple[int, ...]) -> int | None:
    """The page that a primitive is given, None if that is not known beforehand."""
    names = argument_names(PRIMITIVES[name])
    return _constant((row.a, row.b, row.c)[names.index("page")], constants) if "page" in names else None


def _resource(word: str, pages: tuple[int, ...]) -> int:
    """One resource: a cell of pages, or another."""
    return union(_bits(word, page) for page in pages) if word in _CELLS else _other(word)


def _of_access(row: Row, access: Access, constants: tuple[int, ...], pages: tuple[int, ...]) -> Footprint:
    index = _constant(row.b if access.argument else row.a, constants)
    if access.cell == "lock":
        locks = _other(f"lock {index}") if index is not None else union(_other(f"lock {one}") for one in range(4))
        return Footprint(locks, locks)
    if access.cell in _CELLS:
        touched = _resource(access.cell, pages if index is None else (index,))
    else:
        touched = _other("queue" if access.cell == "queue" else "mapping_flags")
    return Footprint(touched, NOTHING if access.act == Act.LOAD else touched)


def _constant(slot: int, constants: tuple[int, ...]) -> int | None:
    """The value of an argument, None if it is not known beforehand."""
    return constants[slot] if slot < len(constants) else None


def _bits(cell: str, page: int) -> int:
    return 1 << _CELLS.index(cell) * PAGES_MAX + page if 0 <= page < PAGES_MAX else EVERYTHING


def _other(name: str) -> int:
    return 1 << len(_CELLS) * PAGES_MAX + _OTHERS.index(name)
