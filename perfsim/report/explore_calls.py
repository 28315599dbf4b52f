"""Primitives as kernel people write them: `TestClearPageMlocked(page)`, `spin_lock_irq(&zone->lru_lock)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfsim.kernel import constants as k
from perfsim.kernel.bounds import argument_names
from perfsim.kernel.primitives import PRIMITIVES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FLAGS = {
    k.PG_LOCKED: "Locked",
    k.PG_REFERENCED: "Referenced",
    k.PG_UPTODATE: "Uptodate",
    k.PG_DIRTY: "Dirty",
    k.PG_LRU: "LRU",
    k.PG_ACTIVE: "Active",
    k.PG_WRITEBACK: "Writeback",
    k.PG_SWAPCACHE: "SwapCache",
    k.PG_RECLAIM: "Reclaim",
    k.PG_SWAPBACKED: "SwapBacked",
    k.PG_UNEVICTABLE: "Unevictable",
    k.PG_MLOCKED: "Mlocked",
}
_LOCKS = {
    k.LRU_LOCK: "&zone->lru_lock",
    k.PAGE_LOCK: "page",
    k.MZ_LOCK: "&mz->lru_lock",
    k.WAIT_BUCKET: "&q->lock",
}
_LISTS = {
    k.LRU_INACTIVE_ANON: "LRU_INACTIVE_ANON",
    k.LRU_ACTIVE_ANON: "LRU_ACTIVE_ANON",
    k.LRU_INACTIVE_FILE: "LRU_INACTIVE_FILE",
    k.LRU_ACTIVE_FILE: "LRU_ACTIVE_FILE",
    k.LRU_UNEVICTABLE: "LRU_UNEVICTABLE",
}
_PRIVATE = {
    k.L_HOLD: "&l_hold",
    k.L_INACTIVE: "&l_inactive",
    k.PAGE_LIST: "page_list",
    k.RET_PAGES: "&ret_pages",
    k.PAGELIST: "&pagelist",
}
_VECTORS = {
    **dict.fromkeys(range(k.ROTATE_PVEC), "&lru_add_pvecs[lru]"),
    k.ROTATE_PVEC: "&lru_rotate_pvecs",
    k.PVEC: "&pvec",
    k.FREED_PVEC: "&freed_pvec",
    k.PAGES_TO_FREE: "&pages_to_free",
    k.GUP_PAGES: "pages",
    k.MMU_GATHER: "tlb->pages",
    k.LOOKUP_PVEC: "&pvec",
}
_OF_FLAGS = {
    "test_flag": "Page{flag}({page})",
    "set_flag": "SetPage{flag}({page})",
    "clear_flag": "ClearPage{flag}({page})",
    "clear_flag_nonatomic": "__ClearPage{flag}({page})",
    "test_and_set": "TestSetPage{flag}({page})",
    "test_and_clear": "TestClearPage{flag}({page})",
    "VM_BUG_ON": "Page{flag}({page})",
    "VM_BUG_ON_NOT": "!Page{flag}({page})",
}
_WRITTEN = {
    "VM_BUG_ON_COUNT_NOT": "VM_BUG_ON(page_count({page}) != {count})",
    "page_has_mapping": "{page}->mapping != NULL",
    "page_anon": "PageAnon({page})",
    "page_mapped": "page_mapcount({page})",
    "page_index": "{page}->index",
    "page_cached_at": "{page}->mapping == mapping",
    "copy_mapping": "{newpage}->mapping = {page}->mapping",
    "clear_mapping": "{page}->mapping = NULL",
    "mapping_unevictable": "test_bit(AS_UNEVICTABLE, &mapping->flags)",
    "mapping_set_unevictable": "set_bit(AS_UNEVICTABLE, &mapping->flags)",
    "mapping_clear_unevictable": "clear_bit(AS_UNEVICTABLE, &mapping->flags)",
    "trylock_page_cgroup": "test_and_set_bit(0, &{page}->page_cgroup)",
    "unlock_page_cgroup": "clear_bit_unlock(0, &{page}->page_cgroup)",
    "waitqueue_active": "waitqueue_active(q)",
    "wait_queued": "!list_empty(&wait->task_list)",
    "prepare_to_wait_exclusive": "prepare_to_wait_exclusive(q, wait)",
    "prepare_to_wait": "prepare_to_wait(q, wait)",
    "wake_up_bit": "__wake_up_bit(q, {page})",
    "remove_wait_queue": "list_del(&wait->task_list)",
    "free_page_to_zone": "free_hot_page({page})",
    "rmqueue": "rmqueue(zone)",
    "remove_from_page_cache": "__remove_from_page_cache({page})",
    "pte_lock_none": "pte_none(*ptep)",
    "set_pte": "set_pte_at(ptep, {page})",
    "zap_pte": "ptep_get_and_clear(ptep)",
    "set_migration_pte": "try_to_unmap({page}, 1)",
    "remove_migration_pte": "remove_migration_pte({page}, {newpage})",
    "pte_page": "pte_page(*ptep)",
    "pte_migration_page": "is_migration_entry(*ptep)",
    "get_migration_page": "get_page_unless_zero(migration_entry_to_page(*ptep))",
    "follow_page": "follow_page(vma, address, FOLL_GET)",
    "find_get_page": "find_get_page(mapping, index)",
    "within_i_size": "index < i_size_read(inode)",
    "i_size_write": "i_size_write(inode, {size})",
    "add_page_to_lru_list": "list_add({page}, {lru})",
    "del_page_from_lru_list": "list_del({page}, {lru})",
    "list_move_to_lru_head": "list_move({page}, {lru})",
    "list_move_to_lru_tail": "list_move_tail({page}, {lru})",
    "read_word": "{page}",
    "read_word_acquire": "ld.acq {page}",
    "write_word": "{page} = {value}",
    "write_word_release": "st.rel {page} = {value}",
    "xchg_word": "xchg(&{page}, {value})",
    "add_word": "atomic_add({value}, &{page})",
}


def kernel_call(name: str, arguments: Sequence[int], pages: Sequence[str]) -> str:
    """A primitive's call as it would stand in C. pages: their names, by number."""
    values = _said(name, arguments, pages)
    if name in _OF_FLAGS:
        flags = [flag for flag in _FLAGS if arguments[1] & flag]
        names = [_FLAGS[flag] for flag in flags] or [f"Flags{arguments[1]:#x}"]
        parts = [_OF_FLAGS[name].format(flag=flag, page=values["page"]) for flag in names]
        return f"VM_BUG_ON({' || '.join(parts)})" if name.startswith("VM_BUG_ON") else " || ".join(parts)
    if name.startswith(("spin_lock", "spin_unlock")):
        return f"{name}({_LOCKS.get(arguments[0], arguments[0])})"
    if name in _WRITTEN:
        return _WRITTEN[name].format_map(values)
    return f"{name}({', '.join(values.values())})"


def value_said(name: str, value: int | None, pages: Sequence[str]) -> str:
    """What a primitive has returned, a page by its name."""
    if name in _RETURN_PAGES:
        return pages[value] if value is not None and 0 <= value < len(pages) else "none"
    return str(value)


_RETURN_PAGES = (
    "follow_page",
    "find_get_page",
    "pte_page",
    "pte_migration_page",
    "get_migration_page",
    "zap_pte",
    "rmqueue",
)


def _said(name: str, arguments: Sequence[int], pages: Sequence[str]) -> Mapping[str, str]:
    """Each argument by its name, as kernel code would call it."""
    said: dict[str, str] = {}
    for argument, value in zip(argument_names(PRIMITIVES[name]), arguments, strict=True):
        if argument in ("page", "newpage", "old", "new"):
            said[argument] = pages[value] if 0 <= value < len(pages) else str(value)
        elif argument == "lru":
            said[argument] = _LISTS.get(value, str(value))
        elif argument == "which":
            said[argument] = _PRIVATE.get(value, str(value))
        elif argument == "vector":
            said[argument] = _VECTORS.get(value, str(value))
        elif argument in ("zone", "slot", "bucket", "range_", "mm"):
            said[argument] = {"slot": "ptep", "bucket": "q", "range_": "vma"}.get(argument, argument)
        else:
            said[argument] = str(value)
    return said
