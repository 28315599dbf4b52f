"""What each primitive does that costs something: the declared table of static costs.

A primitive is a row of steps. A step touches a modelled cache line, or is a barrier, a sleep, or local work. What a
primitive does to memory is said in `accesses.py`; here is what those cost that do more. Where a primitive may cost more
or less, the dearer case without a wait is declared: a list of a zone holds other pages, a private list holds none, a
memcg move is to another list, a wake-up finds a sleeper on another CPU. Nobody waits for an mmap_sem or for work to be
done. What a device does, the timer or a disk, is nobody's time.
`tests/kernel/static/test_steps.py` holds every entry against what the effect really charges.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from perfsim.kernel.primitives import PRIMITIVES
from perfsim.kernel.static.accesses import ACCESSES, Access, Act
from perfsim.machine.costs import (
    GUP_PAGE,
    IPI_SEND,
    IRQ_ENABLE,
    IRQ_RESTORE,
    L1_HIT,
    LRU_ADD_PAGE,
    LRU_ISOLATE_PAGE,
    MEMCG_MOVE,
    PAGE_ALLOC,
    PAGE_FREE,
    RADIX_DELETE,
    RMAP_REFERENCED,
    RMAP_UNMAP,
    TLB_FLUSH_LOCAL,
    WAKEUP,
)


class Kind(Enum):
    """Kinds of steps. On a line: a load, a store, a read-modify-write; OWN and PREFETCH, which cost nothing but the
    transfer, of a prefetch a part. On a spinlock's line: taking and releasing it, and a store to what lies beside it.
    MAY_SLEEP: a sleep when another holds what is asked for: on the worst way alone.
    """

    READ = "read"
    WRITE = "write"
    ATOMIC = "atomic"
    OWN = "own"
    PREFETCH = "prefetch"
    LOCK = "lock"
    UNLOCK = "unlock"
    BESIDE = "beside"
    BARRIER = "barrier"
    SLEEP = "sleep"
    MAY_SLEEP = "may sleep"
    WORK = "work"


class Step(NamedTuple):
    """line: which line, in the words of way.py; "" for none. cost: the figure of local work, or -1: the argument."""

    kind: Kind
    line: str = ""
    cost: int = 0


def _work(*costs: int) -> tuple[Step, ...]:
    return tuple(Step(Kind.WORK, cost=cost) for cost in costs)


_KINDS = {
    Act.LOAD: Kind.READ,
    Act.STORE: Kind.WRITE,
    **dict.fromkeys((Act.RMW, Act.RMW_VALUE, Act.RMW_LOCK, Act.RMW_UNLOCK), Kind.ATOMIC),
    Act.LOCK: Kind.LOCK,
    Act.UNLOCK: Kind.UNLOCK,
    Act.FENCE: Kind.BARRIER,
    Act.SLEEP: Kind.SLEEP,
}
_LINES = {
    "": "",
    **dict.fromkeys(("flags", "refcount", "mapcount", "mapping", "cgroup"), "page"),
    "mapping_flags": "mapping",
    "mapping_of_range": "mapping of range",
    "queue": "queue",
    "lock": "lock",
}
"""The modelled line that a cell is on."""

NOTHING: tuple[Step, ...] = ()
_UNLOCK = (Step(Kind.UNLOCK, "lock"),)
_READ_PAGE = (Step(Kind.READ, "page"),)
_WRITE_PAGE = (Step(Kind.WRITE, "page"),)
_ATOMIC_ON_PAGE = (Step(Kind.ATOMIC, "page"),)
_ATOMIC_ON_RESULT = (Step(Kind.ATOMIC, "result"),)
_ATOMIC_ON_NEWPAGE = (Step(Kind.ATOMIC, "newpage"),)
_ATOMIC_ON_MM = (Step(Kind.ATOMIC, "mm"),)
_ATOMIC_ON_WORK_QUEUE = (Step(Kind.ATOMIC, "work queue"),)
_WRITE_QUEUE = (Step(Kind.WRITE, "queue"),)
_UNLINK = (Step(Kind.WRITE, "before page"), Step(Kind.WRITE, "after page"))
_BESIDE_LRU_LOCK = Step(Kind.BESIDE, "lru lock")
_LINK = (Step(Kind.WRITE, "page"), Step(Kind.WRITE, "first of list"), _BESIDE_LRU_LOCK)

_MORE: dict[str, tuple[Step, ...]] = {
    "copy_mapping": (*_READ_PAGE, Step(Kind.WRITE, "newpage")),
    "VM_BUG_ON": NOTHING,
    "VM_BUG_ON_NOT": NOTHING,
    "VM_BUG_ON_COUNT_NOT": NOTHING,
    "spin_unlock_irq": _UNLOCK + _work(IRQ_ENABLE),
    "spin_unlock_irqrestore": _UNLOCK + _work(IRQ_RESTORE),
    "prepare_to_wait_exclusive": (Step(Kind.BARRIER), *_WRITE_QUEUE),
    "prepare_to_wait": (Step(Kind.BARRIER), *_WRITE_QUEUE),
    "remove_wait_queue": _WRITE_QUEUE,
    "wake_up_bit": _WRITE_QUEUE + _work(WAKEUP, IPI_SEND),
    "add_page_to_lru_list": _work(LRU_ADD_PAGE) + _LINK,
    "del_page_from_lru_list": _work(LRU_ISOLATE_PAGE) + _UNLINK,
    "lru_to_page": _work(L1_HIT),
    "prefetchw_prev_lru_page": (Step(Kind.PREFETCH, "before page"),),
    "list_move_to_lru_head": _UNLINK + _LINK,
    "list_move_to_lru_tail": (*_UNLINK, Step(Kind.WRITE, "page"), Step(Kind.WRITE, "last of list"), _BESIDE_LRU_LOCK),
    "list_add": _WRITE_PAGE + _work(L1_HIT),
    "list_del": _work(L1_HIT),
    "list_last": _work(L1_HIT),
    "list_prev": _work(L1_HIT),
    "list_splice": _work(L1_HIT),
    "pagevec_add": _work(L1_HIT),
    "mem_cgroup_move": (Step(Kind.READ, "page_cgroup"), *_work(MEMCG_MOVE), Step(Kind.BESIDE, "memcg lock")),
    "mem_cgroup_prepare_migration": _work(MEMCG_MOVE),
    "rmqueue": (*_work(PAGE_ALLOC), Step(Kind.OWN, "result")),
    "free_page_to_zone": _work(PAGE_FREE) + _WRITE_PAGE,
    "remove_from_page_cache": _WRITE_PAGE,
    "follow_page": _work(GUP_PAGE) + _ATOMIC_ON_RESULT,
    "down_read_or_queue": _ATOMIC_ON_MM,
    "down_read_trylock": _ATOMIC_ON_MM,
    "down_write_or_queue": _ATOMIC_ON_MM,
    "rwsem_schedule": (Step(Kind.MAY_SLEEP),),
    "up_read": _ATOMIC_ON_MM,
    "up_write": _ATOMIC_ON_MM,
    "set_pte": _ATOMIC_ON_PAGE,
    "zap_pte": _ATOMIC_ON_RESULT,
    "set_migration_pte": _work(RMAP_UNMAP, TLB_FLUSH_LOCAL) + _ATOMIC_ON_PAGE,
    "remove_migration_pte": _work(RMAP_UNMAP) + _ATOMIC_ON_NEWPAGE,
    "get_migration_page": _ATOMIC_ON_RESULT,
    "find_get_page": _work(RADIX_DELETE) + _ATOMIC_ON_RESULT,
    "add_to_page_cache": _work(RADIX_DELETE) + _ATOMIC_ON_PAGE,
    "replace_slot": (*_work(RADIX_DELETE), Step(Kind.WRITE, "newpage")),
    "queue_work": _ATOMIC_ON_WORK_QUEUE + _work(WAKEUP, IPI_SEND),
    "next_work": _ATOMIC_ON_WORK_QUEUE,
    "work_done": _ATOMIC_ON_WORK_QUEUE,
    "insert_wq_barrier": _ATOMIC_ON_WORK_QUEUE,
    "wait_for_completion": (Step(Kind.MAY_SLEEP),),
    "halve_recent": _work(L1_HIT),
    "add_recent_scanned": _work(L1_HIT),
    "add_recent_rotated": _work(L1_HIT),
    "pages_scanned": _work(L1_HIT),
    "zone_is_all_unreclaimable": (Step(Kind.READ, "zone"),),
    "zone_set_all_unreclaimable": (Step(Kind.WRITE, "zone"),),
    "due_to_scan": (Step(Kind.WRITE, "zone"),),
    "bdi_write_congested": _work(L1_HIT),
    "wait_for_request": NOTHING,
    "rotate_pagevec_add": _work(L1_HIT),
    "take_rotate_pagevec": _work(L1_HIT),
    "wait_for_tick": NOTHING,
    "page_referenced": _work(RMAP_REFERENCED),
    "try_to_unmap": _work(RMAP_UNMAP, TLB_FLUSH_LOCAL) + _ATOMIC_ON_PAGE,
    "try_to_munlock": _work(RMAP_UNMAP),
    "work": _work(-1),
    "wakeup_kswapd": _work(WAKEUP, IPI_SEND),
}
"""Of those that cost otherwise than their access alone says."""


def _step(access: Access) -> tuple[Step, ...]:
    """The step of an access to a modelled line; nothing for what is under a lock of its own, or local."""
    return (Step(_KINDS[access.act], _LINES[access.cell]),) if access.act in _KINDS else NOTHING


STEPS: dict[str, tuple[Step, ...]] = {name: _step(access) for name, access in ACCESSES.items()} | _MORE
"""By the name of a primitive, what it does, in no particular order."""


def steps_of(name: str) -> tuple[Step, ...]:
    """The steps of a primitive, with what passes before it takes effect.

    Raises LookupError, which says where to declare them, for a primitive that this table does not know.
    """
    if name not in STEPS:
        raise LookupError(
            f"the primitive {name} has no static cost; add it to ACCESSES in perfsim/kernel/static/accesses.py"
        )
    before = PRIMITIVES[name].before
    return STEPS[name] if before < 0 else (*_work(before), *STEPS[name])
