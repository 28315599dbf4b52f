"""What of a CPU's accesses the others see, and when: sequential consistency, x86, ia64, and what the kernel promises.

sc      every access is performed at once.
tso     plain stores wait in a FIFO buffer, which their own CPU reads; whatever else writes waits until it is empty.
ia64    2.6.26 as compiled for it: volatile loads are ld.acq, releases st.rel, all read-modify-writes .acq. A plain
        store is performed when it likes, but not before an older one to the same location; a plain load as well.
kernel  what Documentation/ promised in 2008: a read-modify-write that returns nothing is unordered, one that returns a
        value is a full barrier; a lock acquires, an unlock releases; plain accesses are in no order.

A store that waits may be seen by one other CPU before the rest: plain stores are not multi-copy atomic in the last two
models, releases not in the last one; read-modify-writes are in all. A load that is performed early reads what was there
since its CPU's last ordering access: `stale` remembers what has been overwritten meanwhile, oldest first. An acquire
that sees a store of another CPU early is performed then and there: that it came earlier would be another way only where
a third CPU does not see that store yet. A load that is performed late leaves its register open. There is one value
after another at each location and no CPU goes back in it (coherence), in every model.

Sources: Owens, Sarkar, Sewell, A Better x86 Memory Model (2009); Intel, A Formal Specification of Intel Itanium
Processor Family Memory Ordering (2002); kernel-protocol §0 and §11.
"""

from __future__ import annotations

from perfsim.explore.columns import (
    END,
    IA64,
    KERNEL,
    RELEASE_STORE,
    RELEASE_UPDATE,
    STORE,
    TSO,
    UPDATE,
    Search,
)
from perfsim.explore.locations import FLAGS, PER_KIND, read, write
from perfsim.kernel.constants import NONE

EVERY_BIT = -1
ACQUIRED = 16
"""In Code.early: from this bit on the kind of location that an acquire at the row reads."""


def is_weak(x: Search) -> int:
    """1 for a model in which loads may be performed out of order."""
    return 1 if x.turn.model[0] >= IA64 else 0


def mask_of(x: Search, cell: int, flag: int) -> int:
    """The bits of a location that an access is to: those of its flag where each flag is a location of its own."""
    return flag if x.settings.bits and cell // PER_KIND == FLAGS else EVERY_BIT


# Reading.


def values_to_read(x: Search, cpu: int, cell: int, mask: int) -> int:
    """How many values a plain load may return now; 0 when an update of the CPU's own must be performed first."""
    own = last_waiting(x, cpu, cell, mask)
    if own != NONE:
        return 1 if _is_store(x.b.wait_kind[own]) else 0
    if not is_weak(x) or seen_early(x, cpu, cell, mask) != NONE:
        return 1
    count = 1
    first = cpu * x.settings.stale_room
    for at in range(first, first + x.b.stale[cpu]):
        count += _changed(x, at, cell, mask)
    for other in range(x.settings.cpus):
        count += 1 if other != cpu and _first_store(x, other, cell, mask) != NONE else 0
    return count


def value_to_read(x: Search, cpu: int, access: tuple[int, int], choice: int, acquires: int) -> int:
    """The value of a location for a load, by the number of the choice, and what the CPU may read from then on.

    access: location, and mask of its bits. The first choice is the newest value that it can see.
    """
    cell, mask = access
    if last_waiting(x, cpu, cell, mask) != NONE:
        return forwarded(x, cpu, cell)
    if not is_weak(x):
        return read(x.s, cell)
    early = seen_early(x, cpu, cell, mask)
    if early == NONE and choice > 0:
        stale = _stale_choice(x, cpu, access, choice)
        if stale != NONE:
            value = x.b.stale_value[stale]
            _have_read(x, cpu, access, stale, acquires)
            return value
        early = _early_choice(x, cpu, access, choice)
    if early != NONE and acquires:
        order_loads(x, cpu)
    else:
        _have_read(x, cpu, access, cpu * x.settings.stale_room + x.b.stale[cpu], acquires)
    if early == NONE:
        return read(x.s, cell)
    x.b.wait_seen[early] |= 1 << cpu
    return _with_store(read(x.s, cell), x.b.wait_a[early], x.b.wait_b[early])


def forwarded(x: Search, cpu: int, cell: int) -> int:
    """What a CPU reads of a location: memory, with the stores of its own that wait."""
    value = read(x.s, cell)
    first = cpu * x.settings.room
    for at in range(first, first + x.b.waiting[cpu]):
        if x.b.wait_cell[at] == cell and _is_store(x.b.wait_kind[at]):
            value = _with_store(value, x.b.wait_a[at], x.b.wait_b[at])
    return value


def order_loads(x: Search, cpu: int) -> None:
    """No later load of the CPU is performed before this instant."""
    for at in range(cpu * x.settings.stale_room, cpu * x.settings.stale_room + x.b.stale[cpu]):
        _forget(x, at)
    x.b.stale[cpu] = 0


def forget_unusable(x: Search, cpu: int, kinds: int) -> None:
    """Forget overwritten values of locations of which no load can be early any more. kinds: of the others, as bits."""
    first = cpu * x.settings.stale_room
    kept = first
    for at in range(first, first + x.b.stale[cpu]):
        if kinds >> x.b.stale_cell[at] // PER_KIND & 1:
            _move(x, at, kept)
            kept += 1
    _cut(x, cpu, kept)


def _have_read(x: Search, cpu: int, access: tuple[int, int], position: int, acquires: int) -> None:
    """A load returned what was there before the change at a position: older values are gone for it.

    An acquire was performed when that value was new, the earliest instant that there is: what changed before is gone.
    """
    cell, mask = access
    first = cpu * x.settings.stale_room
    kept = first
    newest = first
    if acquires:
        for at in range(first, position):
            if _changed(x, at, cell, mask):
                newest = at + 1
    for at in range(first, first + x.b.stale[cpu]):
        gone = at < newest or (at < position and _changed(x, at, cell, mask))
        if not gone:
            _move(x, at, kept)
            kept += 1
    _cut(x, cpu, kept)


def _move(x: Search, at: int, to: int) -> None:
    x.b.stale_cell[to] = x.b.stale_cell[at]
    x.b.stale_mask[to] = x.b.stale_mask[at]
    x.b.stale_value[to] = x.b.stale_value[at]


def _cut(x: Search, cpu: int, end: int) -> None:
    """Keep of what a CPU may still read what lies before an end."""
    first = cpu * x.settings.stale_room
    for at in range(end, first + x.b.stale[cpu]):
        _forget(x, at)
    x.b.stale[cpu] = end - first


def _stale_choice(x: Search, cpu: int, access: tuple[int, int], choice: int) -> int:
    """The overwritten value of a choice; NONE when the choice is another CPU's store."""
    first = cpu * x.settings.stale_room
    for at in range(first, first + x.b.stale[cpu]):
        choice -= _changed(x, at, access[0], access[1])
        if choice == 0:
            return at
    return NONE


def _early_choice(x: Search, cpu: int, access: tuple[int, int], choice: int) -> int:
    first = cpu * x.settings.stale_room
    for at in range(first, first + x.b.stale[cpu]):
        choice -= _changed(x, at, access[0], access[1])
    for other in range(x.settings.cpus):
        store = _first_store(x, other, access[0], access[1]) if other != cpu else NONE
        choice -= 1 if store != NONE else 0
        if choice == 0:
            return store
    return NONE


def seen_early(x: Search, cpu: int, cell: int, mask: int) -> int:
    """A store of another CPU's to a location, which this one has read although it is not performed yet; NONE."""
    for other in range(x.settings.cpus):
        first = other * x.settings.room
        for at in range(first, first + x.b.waiting[other]):
            if _overlaps(x, at, cell, mask) and x.b.wait_seen[at] >> cpu & 1:
                return at
    return NONE


def _first_store(x: Search, cpu: int, cell: int, mask: int) -> int:
    """The first of a CPU's waiting entries for a location, if another CPU may see it early; else NONE.

    A plain store may be, and where releases are not multi-copy atomic, one that nothing is before.
    """
    first = cpu * x.settings.room
    for at in range(first, first + x.b.waiting[cpu]):
        if _overlaps(x, at, cell, mask):
            is_due = x.b.wait_kind[at] == RELEASE_STORE and at == first and not sees_unperformed(x, cpu)
            is_early = x.b.wait_kind[at] == STORE or (is_due and x.turn.model[0] == KERNEL)
            return at if is_early else NONE
    return NONE


def _changed(x: Search, at: int, cell: int, mask: int) -> int:
    return 1 if x.b.stale_cell[at] == cell and x.b.stale_mask[at] & mask else 0


def _forget(x: Search, at: int) -> None:
    x.b.stale_cell[at] = NONE
    x.b.stale_mask[at] = 0
    x.b.stale_value[at] = 0


# Writing.


def has_room(x: Search, cpu: int) -> int:
    """1 if one more of a CPU's writes can wait."""
    return 1 if x.b.waiting[cpu] < x.settings.room else 0


def last_waiting(x: Search, cpu: int, cell: int, mask: int) -> int:
    """The newest of a CPU's waiting entries that is to these bits of a location, or NONE."""
    first = cpu * x.settings.room
    for at in range(first + x.b.waiting[cpu] - 1, first - 1, -1):
        if _overlaps(x, at, cell, mask):
            return at
    return NONE


def let_wait(x: Search, cpu: int, kind: int, access: tuple[int, int], operands: tuple[int, int]) -> None:
    """Put a write behind those of the CPU that wait. access: row, and location. operands: mask and value of a store,
    the arguments of an update.
    """
    at = cpu * x.settings.room + x.b.waiting[cpu]
    x.b.wait_kind[at] = kind
    x.b.wait_row[at], x.b.wait_cell[at] = access
    x.b.wait_a[at], x.b.wait_b[at] = operands
    x.b.waiting[cpu] += 1


def may_perform(x: Search, cpu: int, number: int) -> int:
    """1 if a CPU's waiting entry may become visible to all now."""
    first = cpu * x.settings.room
    at = first + number
    is_last = x.turn.model[0] == TSO or x.b.wait_kind[at] >= RELEASE_STORE
    if is_last and (number or (x.turn.model[0] == KERNEL and sees_unperformed(x, cpu))):
        return 0
    cell = x.b.wait_cell[at]
    mask = entry_mask(x, at)
    for older in range(first, at):
        if _overlaps(x, older, cell, mask):
            return 0
    return 1 if seen_early(x, cpu, cell, mask) == NONE else 0


def sees_unperformed(x: Search, cpu: int) -> int:
    """1 if a CPU has read a store of another's that the rest does not see yet."""
    for other in range(x.settings.cpus):
        first = other * x.settings.room
        for at in range(first, first + x.b.waiting[other]):
            if x.b.wait_seen[at] >> cpu & 1:
                return 1
    return 0


def take_waiting(x: Search, cpu: int, number: int) -> None:
    """Take an entry out of a CPU's buffer."""
    first = cpu * x.settings.room
    last = first + x.b.waiting[cpu] - 1
    for at in range(first + number, last):
        x.b.wait_kind[at] = x.b.wait_kind[at + 1]
        x.b.wait_row[at] = x.b.wait_row[at + 1]
        x.b.wait_cell[at] = x.b.wait_cell[at + 1]
        x.b.wait_a[at] = x.b.wait_a[at + 1]
        x.b.wait_b[at] = x.b.wait_b[at + 1]
        x.b.wait_seen[at] = x.b.wait_seen[at + 1]
    x.b.wait_kind[last] = 0
    x.b.wait_row[last] = 0
    x.b.wait_cell[last] = 0
    x.b.wait_a[last] = 0
    x.b.wait_b[last] = 0
    x.b.wait_seen[last] = 0
    x.b.waiting[cpu] -= 1


def perform_store(x: Search, cpu: int, at: int) -> None:
    """Perform a store that waits."""
    cell = x.b.wait_cell[at]
    old = read(x.s, cell)
    write(x.s, cell, _with_store(old, x.b.wait_a[at], x.b.wait_b[at]))
    performed(x, cpu, cell, old, x.b.wait_seen[at])


def performed(x: Search, cpu: int, cell: int, old: int, seen: int) -> None:
    """A location has been written by a CPU, and held another value before: who may still read that remembers it.

    Not the writer, nor who has read the new value already, nor who has no load ahead that can be so early.
    """
    changed = old ^ read(x.s, cell)
    if not is_weak(x) or changed == 0:
        return
    for other in range(x.settings.cpus):
        if other == cpu or seen >> other & 1:
            order_location(x, other, cell, changed)
        elif x.b.row[other] != END and _is_read_early(x, other, cell // PER_KIND):
            _remember(x, other, cell, changed, old)


def _is_read_early(x: Search, cpu: int, kind: int) -> int:
    """1 if a CPU has a load ahead that could have been performed before now; see Code.early.

    An acquire that it stands before could be, which changes nothing unless it remembers older values: which of those
    are gone depends on whether the acquire came before this write.
    """
    early = x.code.early[x.b.row[cpu]]
    return 1 if early >> kind & 1 or (x.b.stale[cpu] and early >> ACQUIRED + kind & 1) else 0


def order_location(x: Search, cpu: int, cell: int, mask: int) -> None:
    """No later load of the CPU returns an overwritten value of these bits of a location."""
    bits = mask if x.settings.bits and cell // PER_KIND == FLAGS else EVERY_BIT
    first = cpu * x.settings.stale_room
    _have_read(x, cpu, (cell, bits), first + x.b.stale[cpu], 0)


def entry_mask(x: Search, at: int) -> int:
    """The bits of its location that a waiting entry is to."""
    if _is_store(x.b.wait_kind[at]):
        return x.b.wait_a[at]
    return mask_of(x, x.b.wait_cell[at], x.b.wait_b[at])


def _remember(x: Search, cpu: int, cell: int, changed: int, old: int) -> None:
    if x.b.stale[cpu] == x.settings.stale_room:
        x.turn.lost[0] = 1
        return
    at = cpu * x.settings.stale_room + x.b.stale[cpu]
    x.b.stale_cell[at] = cell
    x.b.stale_mask[at] = changed if x.settings.bits and cell // PER_KIND == FLAGS else EVERY_BIT
    x.b.stale_value[at] = old
    x.b.stale[cpu] += 1


def _overlaps(x: Search, at: int, cell: int, mask: int) -> int:
    return 1 if x.b.wait_cell[at] == cell and entry_mask(x, at) & mask else 0


def _with_store(old: int, mask: int, value: int) -> int:
    return (old & ~mask) | (value & mask)


def _is_store(kind: int) -> int:
    return 1 if kind in (STORE, RELEASE_STORE) else 0


def is_update(kind: int) -> int:
    """1 for an entry that is a read-modify-write."""
    return 1 if kind in (UPDATE, RELEASE_UPDATE) else 0
