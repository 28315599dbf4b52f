"""What the search works on: the kernel's state, where each CPU is, and what has not become visible yet.

A state of the search is the columns of `Shared`, and those of the kernel's state that mean anything: they lie in one
block of memory, so that to keep one is to copy words. All else is the same in every state.
"""

from __future__ import annotations

from typing import NamedTuple

from perfsim.kernel.state import Pages, Ranges, State, WaitQueues
from perfsim.numeric.columns import Ints

END = -1
"""The row of a CPU that has come to the end of its script."""

# Memory models.
SC = 0
TSO = 1
IA64 = 2
KERNEL = 3
MODELS = {"sc": SC, "tso": TSO, "ia64": IA64, "kernel": KERNEL}

# What waits in a buffer: a store or a read-modify-write; a release is performed behind all that came before it.
STORE = 0
UPDATE = 1
RELEASE_STORE = 2
RELEASE_UPDATE = 3

# What a local, or an operand of a row, is the number of: see kinds.py.
PLAIN = 0
PAGE = 1
RANGE = 2

# Kinds of actions, and what an action is in one number: kind, CPU, choice.
STEP = 0
PERFORM = 1
ACTION_KIND = 1 << 12
ACTION_CPU = 1 << 8


class Code(NamedTuple):
    """The rows of all CPUs, [row]. op, dst, a, b, c, frame, on_zero, on_nonzero: see engine.program.Row. act: what it
    does to memory, see acts.py; LOCAL for a row that needs no step of its own. cell, which: the kind of the
    location, and which operand names it. volatile: 1 for ld.acq and st.rel on ia64, 2 for an acquire or release in
    every weak model. fence: 1 to put an smp_mb() before it. early: the kinds of locations, as bits, of loads behind
    it that may be performed before it is; of an acquire, memory.ACQUIRED bits higher, its own; usable: those of
    loads that may still be early when a CPU stands before it. late: 1 if the load may be performed behind the CPU's
    next steps. live_first, live_count: its part of `live`, the slots that are read later when a CPU stands before
    this row, and of live_kind, what they hold. kind_a, kind_b: what a and b are, see kinds.py. checked: 1 if its
    arguments are to be looked at first. step_reads, step_writes: what the step that begins here touches, as bits;
    ahead_reads, ahead_writes: what the CPU may touch from here on.
    """

    op: Ints
    dst: Ints
    a: Ints
    b: Ints
    c: Ints
    frame: Ints
    on_zero: Ints
    on_nonzero: Ints
    act: Ints
    cell: Ints
    which: Ints
    volatile: Ints
    fence: Ints
    early: Ints
    usable: Ints
    late: Ints
    live_first: Ints
    live_count: Ints
    live: Ints
    live_kind: Ints
    kind_a: Ints
    kind_b: Ints
    checked: Ints
    step_reads: Ints
    step_writes: Ints
    ahead_reads: Ints
    ahead_writes: Ints


class Shared(NamedTuple):
    """row, late: [cpu], the row it stands before, and that of a load which is still to be performed, or NONE.
    registers: [cpu * registers + i], the live slots of that row. vectors: [used vector], its first four pages in one
    word. Of what a CPU has not performed yet, [cpu]: waiting, how many; [cpu * room + i]: wait_kind, wait_row,
    wait_cell, wait_a (a mask, of a store), wait_b (the value, of a store), wait_seen (the CPUs, as bits, that see it
    already). Of what a CPU may still read although it has been overwritten, oldest first, [cpu]: stale, how many;
    [cpu * stale_room + i]: stale_cell, stale_mask (the bits that changed), stale_value (before that).
    """

    row: Ints
    late: Ints
    registers: Ints
    vectors: Ints
    waiting: Ints
    wait_kind: Ints
    wait_row: Ints
    wait_cell: Ints
    wait_a: Ints
    wait_b: Ints
    wait_seen: Ints
    stale: Ints
    stale_cell: Ints
    stale_mask: Ints
    stale_value: Ints


class Settings(NamedTuple):
    """cpus; slots: of a CPU's file of values; registers: live slots of a row at most; room, stale_room: see Shared.
    bits: 1 if each flag of a page is a location of its own. pair: 1 if an unlock and a lock behind it are a full
    barrier. words: 64-bit words of a state. used: vectors of a CPU that are part of a state; cells:
    locations; wanted: words of the outcome that is asked for. reduce: 1 to let one CPU go first where that is enough.
    mirrors: in how many ways CPUs and pages may change places. Of what a mirror moves: locks, spinlocks; links, pages
    and list heads; buckets, wait queues.
    """

    cpus: int
    slots: int
    registers: int
    room: int
    stale_room: int
    bits: int
    pair: int
    words: int
    used: int
    cells: int
    wanted: int
    reduce: int
    mirrors: int
    locks: int
    links: int
    buckets: int


class Found(NamedTuple):
    """What the search knows. [state]: parent (the state before it, NONE for the first), action (that led to it), ends
    (1 for one that is at rest, that nobody gets on from, or behind which something is wrong), edges (the number of
    transitions that lead on from it). edge_to: [transition], the state behind it, in the order of those before. table:
    two words an entry, the first part of a state's fingerprint, or NONE, and the second with the state's number;
    old_table: the one before it, while it is moved. ring: [state % ring_room * words], states that are still to be
    expanded. hit_state, hit_action: [property], the first hit: in a state (NONE for none), by an action (NONE at rest).

    Of the state at hand, [successor]: next_mark, next_tag (its fingerprint), next_action; next_words: [successor *
    words].
    """

    parent: Ints
    action: Ints
    table: Ints
    old_table: Ints
    ring: Ints
    hit_state: Ints
    hit_action: Ints
    next_mark: Ints
    next_tag: Ints
    next_action: Ints
    next_words: Ints
    edges: Ints
    edge_to: Ints
    ends: Ints


class Turn(NamedTuple):
    """Of one element each. states, expanded: how many there are, and have been looked at; transitions, finals: numbers.
    model: the memory's. failed: a property, or NONE, that the step which was just made breaks. why: the op, of the
    first row, why_row, that was met and has no way; or NONE. cut: 1 if the step that was just made met one, and leads
    nowhere for it. lost: 1 if a CPU might read more than the search remembers. states_room, ring_room, edges_room:
    what there is room for; table_mask, old_mask: entries of the tables, less one. turns_back: 1 when a transition has
    led to a state that was there before the one it came from. successors: of the state at hand, so far.
    """

    states: Ints
    expanded: Ints
    transitions: Ints
    finals: Ints
    model: Ints
    failed: Ints
    why: Ints
    why_row: Ints
    cut: Ints
    lost: Ints
    states_room: Ints
    ring_room: Ints
    edges_room: Ints
    table_mask: Ints
    old_mask: Ints
    turns_back: Ints
    successors: Ints


class Mirror(NamedTuple):
    """place: [mirror * cpus + cpu], the CPU whose place each CPU takes; taken_by: the other way round. node: [mirror *
    links + page or head], range_: [mirror * ranges + range], the same of those; moves_pages: [mirror], 1 if any does.
    first_row: [cpu], of its script. One state as it is in a mirror: words, its block; in it all that a mirror moves.
    """

    place: Ints
    taken_by: Ints
    node: Ints
    range_: Ints
    moves_pages: Ints
    first_row: Ints
    words: Ints
    b: Shared
    pages: Pages
    ranges: Ranges
    free_head: Ints
    queues: WaitQueues
    lock_owner: Ints


class Search(NamedTuple):
    """Everything. values: [cpu * slots + slot], of the CPU that makes a step. words: the block of a state as words.
    vector_words: [vector], the first four pages of each of the state's vectors in one word; used: the numbers of those
    that are part of a state, [cpu * used / cpus + i]. cells: [cell], the locations that are read without a lock.
    before: [cell], what was there. settle: [cpu], the row at which each CPU drains its pagevecs in the end. asked:
    [property], 1 if it is looked for. wanted_page, wanted_value: see Settings.wanted. bounds_low, bounds_high: [op *
    ARGUMENTS_MAX + argument].
    """

    s: State
    code: Code
    b: Shared
    settings: Settings
    found: Found
    turn: Turn
    mirror: Mirror
    values: Ints
    words: Ints
    vector_words: Ints
    used: Ints
    cells: Ints
    before: Ints
    settle: Ints
    asked: Ints
    wanted_page: Ints
    wanted_value: Ints
    bounds_low: Ints
    bounds_high: Ints
