"""The cost figures of a machine, by number: what each step of a run is charged.

A run reads its costs from one tuple, indexed by these constants. All are picoseconds but PREFETCH_HIDDEN, which is a
share in parts per mille. Names and order follow cost-profiles §7, LINE_SERVICE, a spinlock's figure, last.
"""

COST_NAMES: tuple[str, ...] = (
    "l1_hit",
    "l2_hit",
    "llc_hit",
    "dram_local",
    "dram_remote",
    "llc_transfer",
    "socket_transfer",
    "socket_transfer_far",
    "prefetch_hidden",
    "atomic_local",
    "barrier_full",
    "barrier_acquire",
    "barrier_release",
    "pause",
    "irq_disable",
    "irq_enable",
    "irq_save",
    "irq_restore",
    "irq_entry_exit",
    "ipi_send",
    "ipi",
    "idle_exit",
    "context_switch",
    "wakeup",
    "syscall",
    "page_fault",
    "page_clear",
    "page_copy",
    "gup_page",
    "rmap_referenced",
    "rmap_unmap",
    "tlb_flush_local",
    "tlb_shootdown_base",
    "tlb_shootdown_per_cpu",
    "page_alloc",
    "page_free",
    "buddy_page",
    "lru_isolate_page",
    "lru_add_page",
    "shrink_page",
    "radix_delete",
    "memcg_move",
    "writeback_submit",
    "io",
    "line_service",
)
"""Names as profile files have them; the index of a name is its constant below."""

PER_MILLE = 1000
"""What PREFETCH_HIDDEN is out of."""

L1_HIT = 0
L2_HIT = 1
LLC_HIT = 2
DRAM_LOCAL = 3
DRAM_REMOTE = 4
LLC_TRANSFER = 5
SOCKET_TRANSFER = 6
SOCKET_TRANSFER_FAR = 7
PREFETCH_HIDDEN = 8
ATOMIC_LOCAL = 9
BARRIER_FULL = 10
BARRIER_ACQUIRE = 11
BARRIER_RELEASE = 12
PAUSE = 13
IRQ_DISABLE = 14
IRQ_ENABLE = 15
IRQ_SAVE = 16
IRQ_RESTORE = 17
IRQ_ENTRY_EXIT = 18
IPI_SEND = 19
IPI = 20
IDLE_EXIT = 21
CONTEXT_SWITCH = 22
WAKEUP = 23
SYSCALL = 24
PAGE_FAULT = 25
PAGE_CLEAR = 26
PAGE_COPY = 27
GUP_PAGE = 28
RMAP_REFERENCED = 29
RMAP_UNMAP = 30
TLB_FLUSH_LOCAL = 31
TLB_SHOOTDOWN_BASE = 32
TLB_SHOOTDOWN_PER_CPU = 33
PAGE_ALLOC = 34
PAGE_FREE = 35
BUDDY_PAGE = 36
LRU_ISOLATE_PAGE = 37
LRU_ADD_PAGE = 38
SHRINK_PAGE = 39
RADIX_DELETE = 40
MEMCG_MOVE = 41
WRITEBACK_SUBMIT = 42
IO = 43
LINE_SERVICE = 44
