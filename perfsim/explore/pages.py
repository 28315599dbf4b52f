"""Pages of a scenario: where each is at the start, what it is of, and how many references it has."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from perfsim.errors import did_you_mean, quoted
from perfsim.explore.calls import is_constant
from perfsim.kernel import constants as k
from perfsim.scenario import fields
from perfsim.scenario.fields import Item, key_refusal, optional, refusal, required, section

if TYPE_CHECKING:
    from collections.abc import Sequence

OFF = "off"
FREE = "free"
PRIVATE = "private"
PAGEVEC = "pagevec"
NO_OWNER = -1
REFERENCES_MAX = 16

MAPPINGS = ("none", "anon", "file", "shm")
OBJECTS = ("file", "shm")
"""Mappings whose pages are in the page cache of an object."""
_SWAPBACKED = ("anon", "shm")

FLAGS = {
    "referenced": k.PG_REFERENCED,
    "uptodate": k.PG_UPTODATE,
    "dirty": k.PG_DIRTY,
    "active": k.PG_ACTIVE,
    "writeback": k.PG_WRITEBACK,
    "swapbacked": k.PG_SWAPBACKED,
    "unevictable": k.PG_UNEVICTABLE,
    "mlocked": k.PG_MLOCKED,
}
"""By the name that a file calls them."""

LRU_LISTS = {name: lru for lru, name in enumerate(k.LRU_NAMES)}
PRIVATE_LISTS = {
    "L_HOLD": k.L_HOLD,
    "L_INACTIVE": k.L_INACTIVE,
    "PAGE_LIST": k.PAGE_LIST,
    "RET_PAGES": k.RET_PAGES,
    "PAGELIST": k.PAGELIST,
}
_WHERE = "{private: PAGE_LIST, cpu: NAME} or {pagevec: inactive_anon, cpu: NAME}"
_KEYS = ("name", "flags", "mapping", "unevictable", "pte", "vm_locked", "where", "references")
_WHERE_SAYS = {"lru": "`where` says it", "locked": "take it in a script, with lock_page(page)"}


class PageSpec(NamedTuple):
    """flags: all of them, those that `where` implies too. refcount: _count. mapping: one of `MAPPINGS`.

    unevictable: AS_UNEVICTABLE of its mapping. mapped: by a pte. where: `off`, `free`, a name of `LRU_LISTS`,
    `private:PAGE_LIST` or `pagevec:inactive_anon`; owner: the number of the CPU of the last two, else -1.
    locked_vma: the pte is of a VM_LOCKED range.
    """

    name: str
    flags: int
    refcount: int
    mapping: str
    unevictable: bool
    mapped: bool
    where: str
    owner: int
    locked_vma: bool

    @property
    def has_range(self) -> bool:
        """Whether there is a range that maps or caches the page: then scripts may name its pte."""
        return self.mapped or self.mapping in OBJECTS


def page_of(item: Item, name: str, cpus: Sequence[str]) -> PageSpec:
    """A page as it is written. Raises InputError for what no page of the kernel can be."""
    keys = section(item, _KEYS)
    if is_constant(name):
        raise refusal(keys["name"], f"{quoted(name)} is a constant of the kernel; expected another name")
    where_item = required(item, keys, "where", OFF)
    where, owner = _where(where_item, cpus)
    page = PageSpec(
        name,
        _flags(keys["flags"]) if "flags" in keys else 0,
        0,
        optional(keys, "mapping", lambda one: fields.choice(one, MAPPINGS), "none"),
        optional(keys, "unevictable", fields.boolean, default=False),
        optional(keys, "pte", fields.boolean, default=False),
        where,
        owner,
        optional(keys, "vm_locked", fields.boolean, default=False),
    )
    _check(item, keys, page)
    _check_list(where_item, page)
    return page._replace(flags=page.flags | _implied(where), refcount=_references(keys, page))


def list_of(where: str) -> int:
    """The number of the LRU list that a place is on, or whose pagevec it is; -1 for any other place."""
    return LRU_LISTS.get(where.removeprefix(f"{PAGEVEC}:"), k.NONE)


def _where(item: Item, cpus: Sequence[str]) -> tuple[str, int]:
    """The place in one word, and the number of the CPU whose it is."""
    if not isinstance(item.node.value, dict):
        return fields.choice(item, (OFF, FREE, *LRU_LISTS)), NO_OWNER
    keys = section(item, (PRIVATE, PAGEVEC, "cpu"))
    if (PRIVATE in keys) == (PAGEVEC in keys):
        raise refusal(item, f"neither one list nor one pagevec; expected {_WHERE}")
    owner = cpus.index(fields.choice(required(item, keys, "cpu", cpus[0]), cpus))
    if PRIVATE in keys:
        return f"{PRIVATE}:{fields.choice(keys[PRIVATE], PRIVATE_LISTS)}", owner
    evictable = [name for name in LRU_LISTS if name != "unevictable"]
    return f"{PAGEVEC}:{fields.choice(keys[PAGEVEC], evictable)}", owner


def _flags(item: Item) -> int:
    flags = 0
    for entry in fields.items(item, "a list of flags such as [uptodate, mlocked]; leave it out for none"):
        name = fields.text(entry, f"one of {', '.join(FLAGS)}")
        if name in _WHERE_SAYS:
            raise refusal(entry, f"{quoted(name)} is no flag to set here: {_WHERE_SAYS[name]}")
        if name not in FLAGS:
            hint = did_you_mean(name, FLAGS)
            raise refusal(entry, f"no flag is called {quoted(name)}; expected one of {', '.join(FLAGS)}{hint}")
        if flags & FLAGS[name]:
            raise refusal(entry, f"a second {quoted(name)}; expected each flag once")
        flags |= FLAGS[name]
    return flags


def _implied(where: str) -> int:
    """The flags that a page has by the list it is on."""
    if where not in LRU_LISTS:
        return 0
    if where == "unevictable":
        return k.PG_LRU | k.PG_UNEVICTABLE
    return k.PG_LRU | (k.PG_ACTIVE if LRU_LISTS[where] & k.LRU_ACTIVE else 0)


def _check(item: Item, keys: dict[str, Item], page: PageSpec) -> None:
    """Refuse what contradicts itself in a page's mapping, ptes and flags."""
    if page.where == FREE:
        for key in ("flags", "mapping", "unevictable", "pte", "vm_locked", "references"):
            if key in keys:
                raise key_refusal(item, key, f"{key} of a free page; expected no key but name and where")
        return
    if page.unevictable and page.mapping != "shm":
        raise refusal(keys["unevictable"], f"AS_UNEVICTABLE of mapping: {page.mapping}; expected mapping: shm")
    if page.mapped and page.mapping == "none":
        raise refusal(keys["pte"], "a pte of a page without mapping; expected mapping: anon, file or shm")
    if page.locked_vma and not page.mapped:
        raise refusal(keys["vm_locked"], "a VM_LOCKED range that does not map the page; expected pte: true too")
    swapbacked = bool(page.flags & k.PG_SWAPBACKED)
    if page.mapping != "none" and swapbacked != (page.mapping in _SWAPBACKED):
        expected = "expected swapbacked with mapping: anon or shm, and only there"
        raise refusal(keys.get("flags", item), f"swapbacked and mapping: {page.mapping} do not agree; {expected}")


def _check_list(item: Item, page: PageSpec) -> None:
    """Refuse a list that a page of these flags cannot be on."""
    decided = page.flags & (k.PG_ACTIVE | k.PG_UNEVICTABLE)
    if decided == k.PG_ACTIVE | k.PG_UNEVICTABLE:
        raise refusal(item, "flags active and unevictable; expected one of them at most")
    lru = list_of(page.where)
    if lru == k.NONE:
        return
    if decided:
        raise refusal(
            item, f"flags active or unevictable of a page on {page.where}; expected neither: the list says it"
        )
    is_file = not page.flags & k.PG_SWAPBACKED
    if lru != k.LRU_UNEVICTABLE and bool(lru & k.LRU_FILE) != is_file:
        kind = "file" if is_file else "anon"
        raise refusal(item, f"{page.where} of a page that is {kind}; expected a list of its kind, inactive_{kind} say")


def _references(keys: dict[str, Item], page: PageSpec) -> int:
    """_count: as it is written, or one each for the pte, the page cache, and who has the page off the LRU."""
    off = page.where not in (*LRU_LISTS, FREE)
    least = page.mapped + (page.mapping in OBJECTS) + off
    if "references" not in keys:
        return least
    given = fields.integer(keys["references"], 0, REFERENCES_MAX)
    if given < least:
        holders = "its pte, the page cache, and who has it off the LRU, a reference each"
        raise refusal(keys["references"], f"{given} references; expected at least {least}: {holders}")
    return given
