"""The kernel's own checks by name: what a report calls a violation, and what of a page it shows."""

from __future__ import annotations

from perfsim.kernel import constants as k

VIOLATION_NAMES: dict[int, str] = {
    k.BUG_VM: "VM_BUG_ON of page flags",
    k.BUG_UNLOCKED_PAGE: "BUG at mm/filemap.c:575 (unlock of an unlocked page)",
    k.BAD_PAGE: "bad_page (freed in use)",
    k.BAD_PAGE_MLOCKED: "bad_page (freed mlocked)",
    k.BAD_PAGE_LOCKED: "bad_page (freed locked)",
    k.BUG_GET_PAGE: "BUG at include/linux/mm.h:297 (get_page of a free or frozen page)",
    k.BUG_PUT_PAGE: "VM_BUG_ON in put_page_testzero (_count is 0)",
    k.BUG_PAGE_COUNT: "VM_BUG_ON of page_count",
    k.BUG_ATOMIC: "BUG: scheduling while atomic",
    k.BUG_RECURSION: "BUG: spinlock recursion",
}
"""By number. bad_page() of 2.6.26 does not look at PG_mlocked; ours does, and tells it apart (kernel-protocol, I6)."""

_FLAG_NAMES = {
    k.PG_LOCKED: "locked",
    k.PG_REFERENCED: "referenced",
    k.PG_UPTODATE: "uptodate",
    k.PG_DIRTY: "dirty",
    k.PG_LRU: "lru",
    k.PG_ACTIVE: "active",
    k.PG_SWAPBACKED: "swapbacked",
    k.PG_UNEVICTABLE: "unevictable",
    k.PG_MLOCKED: "mlocked",
}


def flag_names(flags: int) -> str:
    """The flags of a page in the order of their bits, as in `locked|lru`; "none" if there are none."""
    names = [name for flag, name in _FLAG_NAMES.items() if flags & flag]
    rest = flags & ~sum(_FLAG_NAMES)
    return "|".join([*names, *([f"{rest:#x}"] if rest else [])]) or "none"
