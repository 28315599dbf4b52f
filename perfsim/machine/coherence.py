"""Cache lines: who holds a copy, and what an access costs (cost-profiles §1, §5).

A line's word lists the CPUs that hold it, the most recent first, eleven bits each (CPU + 1). EXCLUSIVE: the first and
only one may write without asking. More than five sharers: EVERYONE, a limited directory that broadcasts (Dir-5-B); who
reads such a line for the first time is taken for a sharer too, which flatters that one read.

A copy leaves the cache after as many further misses of its CPU (an upgrade counts as one) as the cache has lines; the
stamp remembers, modulo 2**32, when the first holder touched it, and all copies go with the first holder's. Costs are
those of the field: a hit, a fetch from another cache, or memory at its home node. What a function returns is to be
charged to the CPU; what of it is no hit is booked here.
"""

from __future__ import annotations

from perfsim.machine.account import ATOMIC, TRANSFER, book
from perfsim.machine.costs import ATOMIC_LOCAL, DRAM_LOCAL, DRAM_REMOTE, L1_HIT
from perfsim.machine.state import Machine
from perfsim.numeric.random import MASK_32

EXCLUSIVE = 1 << 60
EVERYONE = 1 << 61
_SLOT_BITS = 11
_SLOT = (1 << _SLOT_BITS) - 1
_SHARERS = (1 << 5 * _SLOT_BITS) - 1


def read_line(m: Machine, cpu: int, line: int) -> int:
    """Cost in ps of a plain load; the CPU has a copy afterwards."""
    word = _cached(m, line)
    if _holds(word, cpu):
        if word & _SLOT == cpu + 1:
            m.line_stamp[line] = m.misses[cpu] & MASK_32
        return m.cost_ps[L1_HIT]
    if word == 0:
        cost_ps = _memory_ps(m, cpu, line)
        word = EXCLUSIVE | (cpu + 1)
    elif word & EXCLUSIVE:
        cost_ps = _transfer_ps(m, cpu, (word & _SLOT) - 1)
        word = (word & _SLOT) << _SLOT_BITS | (cpu + 1)
    else:
        cost_ps = _memory_ps(m, cpu, line)
        full = word >> 4 * _SLOT_BITS & _SLOT
        word = EVERYONE | (cpu + 1) if full else word << _SLOT_BITS | (cpu + 1)
    m.line_holders[line] = word
    m.misses[cpu] += 1
    m.line_stamp[line] = m.misses[cpu] & MASK_32
    book(m, cpu, TRANSFER, cost_ps)
    return cost_ps


def own_line(m: Machine, cpu: int, line: int) -> int:
    """Cost in ps, beyond a hit, of becoming the line's only holder: 0 if the CPU is so already."""
    word = _cached(m, line)
    mine = EXCLUSIVE | (cpu + 1)
    if word == mine:
        m.line_stamp[line] = m.misses[cpu] & MASK_32
        return 0
    if word == 0:
        cost_ps = _memory_ps(m, cpu, line)
    elif word & EXCLUSIVE:
        cost_ps = _transfer_ps(m, cpu, (word & _SLOT) - 1)
    else:
        cost_ps = _upgrade_ps(m, cpu, word)
        if not _holds(word, cpu):
            cost_ps = max(cost_ps, _memory_ps(m, cpu, line))
    m.misses[cpu] += 1
    take_line(m, cpu, line)
    book(m, cpu, TRANSFER, cost_ps)
    return cost_ps


def write_line(m: Machine, cpu: int, line: int) -> int:
    """Cost in ps of a plain store."""
    cost_ps = own_line(m, cpu, line)
    return cost_ps if cost_ps else m.cost_ps[L1_HIT]


def atomic_on_line(m: Machine, cpu: int, line: int) -> int:
    """Cost in ps of an atomic read-modify-write: the transfer, if any, and the operation."""
    book(m, cpu, ATOMIC, m.cost_ps[ATOMIC_LOCAL])
    return own_line(m, cpu, line) + m.cost_ps[ATOMIC_LOCAL]


def take_line(m: Machine, cpu: int, line: int) -> None:
    """The CPU becomes the only holder; what that costs is charged elsewhere."""
    m.line_holders[line] = EXCLUSIVE | (cpu + 1)
    m.line_stamp[line] = m.misses[cpu] & MASK_32


def _cached(m: Machine, line: int) -> int:
    """The line's word, or 0 when the last copy has aged out of its cache."""
    word = m.line_holders[line]
    capacity = m.rules.cache_lines
    if capacity and word and m.misses[(word & _SLOT) - 1] - m.line_stamp[line] & MASK_32 > capacity:
        return 0
    return word


def _holds(word: int, cpu: int) -> int:
    if word & EVERYONE:
        return 1
    word &= _SHARERS
    while word:
        if word & _SLOT == cpu + 1:
            return 1
        word >>= _SLOT_BITS
    return 0


def _memory_ps(m: Machine, cpu: int, line: int) -> int:
    memory_lines = m.rules.memory_lines
    if line < memory_lines:
        # A page has one line here and, for memcg, one in a second table of the same order.
        pages = m.rules.pages_per_node * m.rules.nodes
        home = (line if line < pages else line - pages) // m.rules.pages_per_node
    else:
        home = m.line_home[line - memory_lines]
    return m.cost_ps[DRAM_LOCAL] if home == m.cpu_node[cpu] else m.cost_ps[DRAM_REMOTE]


def _transfer_ps(m: Machine, cpu: int, holder: int) -> int:
    return m.transfer_ps[m.cpu_node[cpu] * m.rules.nodes + m.cpu_node[holder]]


def _upgrade_ps(m: Machine, cpu: int, word: int) -> int:
    """Invalidating the other copies waits for the farthest of their holders."""
    if word & EVERYONE:
        return m.farthest_ps[m.cpu_node[cpu]]
    cost_ps = 0
    word &= _SHARERS
    while word:
        holder = (word & _SLOT) - 1
        if holder != cpu:
            cost_ps = max(cost_ps, _transfer_ps(m, cpu, holder))
        word >>= _SLOT_BITS
    return cost_ps
