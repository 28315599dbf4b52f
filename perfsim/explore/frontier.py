"""The search itself: states breadth first, each once, so that the first breach that is found is a shortest one.

What is kept of a state that has been looked at is a fingerprint of 94 bits and how it was reached; states that are
still to be looked at lie in a ring. Two states of one fingerprint would be taken for one: the chance that this happens
at all is below 10**-13 among 10**7 states, and below 10**-9 among 10**9.
"""

from __future__ import annotations

from perfsim.explore.acts import LATE, may_be_late, ways
from perfsim.explore.columns import ACTION_CPU, ACTION_KIND, END, PERFORM, SC, STEP, Search
from perfsim.explore.memory import may_perform
from perfsim.explore.mirror import AS_IT_IS, has_smaller_rows, reflect
from perfsim.explore.properties import CORRUPTION, PROPERTIES, PROPERTY_OF
from perfsim.explore.rest import at_rest, settle, stuck
from perfsim.explore.step import go_on, pack, perform_one, refused, step, unpack
from perfsim.kernel.constants import NONE, VIOLATIONS
from perfsim.numeric.columns import Ints, fetch_early

MASK_63 = (1 << 63) - 1
FIRST_FACTOR = 0x1F83D9ABFB41BD6B
SECOND_FACTOR = 0x5BE0CD19137E2179
WORD_FACTOR = 0x2545F4914F6CDD1D
NUMBER_BITS = 31
NUMBER_MASK = (1 << NUMBER_BITS) - 1
"""Of the number of a state, in one word with the second part of its fingerprint."""

# Why expand_all() returned.
DONE = 0
PAUSED = 1
NO_ROOM = 2

SUCCESSORS_MAX = 512
"""Of a state. A CPU has a way for each old value that it may read, for a store of each other CPU's, and seven more."""


def expand_all(x: Search, states: int) -> int:
    """Look at so many states, at most. Returns why it stopped."""
    for _ in range(states):
        turn = x.turn
        if turn.expanded[0] == turn.states[0]:
            return DONE
        if _is_full(x):
            return NO_ROOM
        expand(x, turn.expanded[0])
        turn.expanded[0] += 1
    return PAUSED


def _is_full(x: Search) -> int:
    """1 if there might be no room for what one more state leads to."""
    turn = x.turn
    waiting = turn.states[0] - turn.expanded[0]
    states_fit = turn.states[0] + SUCCESSORS_MAX <= turn.states_room[0]
    edges_fit = turn.transitions[0] + SUCCESSORS_MAX <= turn.edges_room[0]
    return 0 if states_fit and edges_fit and waiting + SUCCESSORS_MAX <= turn.ring_room[0] else 1


def expand(x: Search, state: int) -> None:
    """Try every action of a state; or those of one CPU, where they are enough."""
    load(x, state)
    first = goes_first(x) if x.settings.reduce else NONE
    if first != NONE:
        known = x.turn.states[0]
        possible = try_cpu(x, state, first)
        keep_all(x, state)
        if possible and x.turn.states[0] > known:
            return
    possible = 0
    for cpu in range(x.settings.cpus):
        if cpu != first:
            possible += try_cpu(x, state, cpu)
        if x.turn.model[0] != SC:
            possible += try_waiting(x, state, cpu)
    keep_all(x, state)
    if possible == 0 and first == NONE:
        come_to_rest(x, state)


def goes_first(x: Search) -> int:
    """A CPU whose next step commutes with all that the others can still do, or NONE. See footprints.py."""
    for cpu in range(x.settings.cpus):
        if x.b.row[cpu] != END and x.b.waiting[cpu] == 0 and x.b.late[cpu] == NONE and _commutes(x, cpu):
            unpack(x, cpu)
            if ways(x, cpu, x.b.row[cpu]):
                return cpu
    return NONE


def _commutes(x: Search, cpu: int) -> int:
    """1 if nobody else has anything under way, nor ahead what touches what a CPU's next step does."""
    row = x.b.row[cpu]
    reads, writes = x.code.step_reads[row], x.code.step_writes[row]
    for other in range(x.settings.cpus):
        if other != cpu and (x.b.waiting[other] or x.b.late[other] != NONE):
            return 0
        ahead = x.b.row[other]
        if other != cpu and ahead != END:
            touched = x.code.ahead_reads[ahead] | x.code.ahead_writes[ahead]
            if writes & touched or reads & x.code.ahead_writes[ahead]:
                return 0
    return 1


def try_cpu(x: Search, state: int, cpu: int) -> int:
    """Make a CPU's next step in each of its ways. Returns their number."""
    row = x.b.row[cpu]
    if row == END:
        return 0
    unpack(x, cpu)
    choices = ways(x, cpu, row)
    for choice in range(choices):
        if choice:
            unpack(x, cpu)
        try_step(x, state, cpu, choice)
    if choices and may_be_late(x, cpu, row):
        unpack(x, cpu)
        try_step(x, state, cpu, LATE)
    return choices


def try_waiting(x: Search, state: int, cpu: int) -> int:
    """Let each access of a CPU's that waits be performed. Returns how many could be."""
    possible = 0
    for number in range(x.b.waiting[cpu]):
        if may_perform(x, cpu, number):
            try_perform(x, state, cpu, number)
            possible += 1
    if x.b.late[cpu] != NONE:
        try_perform(x, state, cpu, x.settings.room)
        possible += 1
    return possible


def try_step(x: Search, state: int, cpu: int, choice: int) -> None:
    """Make a step from a state, note what it leads to, and come back."""
    step(x, cpu, choice)
    propose(x, state, STEP * ACTION_KIND + cpu * ACTION_CPU + choice)
    load(x, state)


def try_perform(x: Search, state: int, cpu: int, number: int) -> None:
    """Let a waiting access of a CPU's be performed, note what that leads to, and come back."""
    perform_one(x, cpu, number)
    propose(x, state, PERFORM * ACTION_KIND + cpu * ACTION_CPU + number)
    load(x, state)


def propose(x: Search, state: int, action: int) -> None:
    """Note the state that an action has led to, unless it breaks something."""
    broken = breaks(x, state, action)
    if broken or x.turn.cut[0]:
        x.turn.cut[0] = 0
        x.found.ends[state] = 1
        _add_edge(x, state, state)
        return
    put_down(x, action)


def put_down(x: Search, action: int) -> None:
    """Note the state at hand as a successor, with its fingerprint, and let its place be fetched early.

    Looked up at once, its place in the table would be waited for: a fifth of the search's time.
    """
    number = x.turn.successors[0]
    words, first = x.settings.words, number * x.settings.words
    for word in range(words):
        x.found.next_words[first + word] = x.words[word]
    mark, tag = fingerprint(x.words, words) if x.settings.mirrors == 0 else fingerprint_of_all(x)
    x.found.next_mark[number] = mark
    x.found.next_tag[number] = tag
    x.found.next_action[number] = action
    x.turn.successors[0] = number + 1
    fetch_early(x.found.table, 2 * (mark & x.turn.table_mask[0]))


def fingerprint_of_all(x: Search) -> tuple[int, int]:
    """The fingerprint that the state at hand and its mirrors have in common: of the first one, see mirror.py."""
    first = AS_IT_IS
    for by in range(x.settings.mirrors):
        if has_smaller_rows(x, by, first) > 0:
            first = by
    mark, tag = _fingerprint_in(x, first)
    for by in range(AS_IT_IS, x.settings.mirrors):
        if by != first and has_smaller_rows(x, by, first) == 0:
            other_mark, other_tag = _fingerprint_in(x, by)
            if other_mark < mark or (other_mark == mark and other_tag < tag):
                mark, tag = other_mark, other_tag
    return mark, tag


def _fingerprint_in(x: Search, by: int) -> tuple[int, int]:
    if by == AS_IT_IS:
        return fingerprint(x.words, x.settings.words)
    reflect(x, by)
    return fingerprint(x.mirror.words, x.settings.words)


def fingerprint(state: Ints, words: int) -> tuple[int, int]:
    """A state's fingerprint, in two parts: of 63 bits, and of 31."""
    one = three = 0
    two = four = FIRST_FACTOR  # or the words of a pair could change places
    for pair in range(words // 2):
        even, odd = spread(state[2 * pair]), spread(state[2 * pair + 1])
        one = mixed(one, even, FIRST_FACTOR)
        two = mixed(two, odd, FIRST_FACTOR)
        three = mixed(three, even, SECOND_FACTOR)
        four = mixed(four, odd, SECOND_FACTOR)
    return mixed(one, two, SECOND_FACTOR), mixed(three, four, FIRST_FACTOR) >> NUMBER_BITS + 1


def keep_all(x: Search, state: int) -> None:
    """Keep the successors of a state that are new."""
    for number in range(x.turn.successors[0]):
        led_to = keep(x, state, number)
        if led_to <= state:
            x.turn.turns_back[0] = 1
        _add_edge(x, state, led_to)
    x.turn.successors[0] = 0


def keep(x: Search, state: int, number: int) -> int:
    """Keep a successor of a state, unless it has been met before. Returns its number among the states."""
    found, turn = x.found, x.turn
    mark, tag = found.next_mark[number], found.next_tag[number]
    at = mark & turn.table_mask[0]
    while found.table[2 * at] != NONE:
        if found.table[2 * at] == mark and found.table[2 * at + 1] >> NUMBER_BITS == tag:
            return found.table[2 * at + 1] & NUMBER_MASK
        at = at + 1 & turn.table_mask[0]
    new = turn.states[0]
    found.table[2 * at] = mark
    found.table[2 * at + 1] = tag << NUMBER_BITS | new
    found.parent[new] = state
    found.action[new] = found.next_action[number]
    found.ends[new] = 0
    found.edges[new] = 0
    words = x.settings.words
    ring, first = new % turn.ring_room[0] * words, number * words
    for word in range(words):
        found.ring[ring + word] = found.next_words[first + word]
    turn.states[0] = new + 1
    return new


def _add_edge(x: Search, state: int, led_to: int) -> None:
    x.found.edges[state] += 1
    x.found.edge_to[x.turn.transitions[0]] = led_to
    x.turn.transitions[0] += 1


def breaks(x: Search, state: int, action: int) -> int:
    """1 if the action that was just made breaks a property that is asked for; what it breaks is noted."""
    broken = 0
    for violation in range(VIOLATIONS):
        if x.s.violations[violation]:
            x.s.violations[violation] = 0
            broken |= note(x, PROPERTY_OF[violation], state, action)
    if x.turn.failed[0] != NONE:
        note(x, x.turn.failed[0], state, action)
        broken |= 1 if x.turn.failed[0] == CORRUPTION else x.asked[x.turn.failed[0]]
        x.turn.failed[0] = NONE
    return broken


def note(x: Search, number: int, state: int, action: int) -> int:
    """A property is broken by an action in a state. Returns 1 if it is asked for."""
    if not x.asked[number]:
        return 0
    if x.found.hit_state[number] == NONE:
        x.found.hit_state[number] = state
        x.found.hit_action[number] = action
    return 1


def come_to_rest(x: Search, state: int) -> None:
    """Nobody can go on: what of the state is wrong, if anything."""
    x.found.ends[state] = 1
    reason = stuck(x)
    if reason != NONE:
        note(x, reason, state, NONE)
        return
    x.turn.finals[0] += 1
    settle(x)
    breaks(x, state, NONE)
    for number in range(len(PROPERTIES)):
        if x.asked[number] and x.found.hit_state[number] == NONE and at_rest(x, number):
            note(x, number, state, NONE)
    if refused():
        note(x, CORRUPTION, state, NONE)


def begin(x: Search) -> int:
    """Let every CPU go to its first step, and keep that as the first state, of which nothing follows if it is wrong."""
    for cpu in range(x.settings.cpus):
        pack(x, cpu, go_on(x, cpu, x.b.row[cpu]))
    put_down(x, NONE)
    first = keep(x, NONE, 0)
    x.turn.successors[0] = 0
    broken = breaks(x, first, NONE)
    if broken or x.turn.cut[0]:
        x.turn.cut[0] = 0
        x.found.ends[first] = 1
        x.turn.expanded[0] = 1
    return 0


def load(x: Search, state: int) -> None:
    """Make a kept state the one at hand."""
    words = x.settings.words
    first = state % x.turn.ring_room[0] * words
    for word in range(words):
        x.words[word] = x.found.ring[first + word]


def mixed(hash_: int, word: int, factor: int) -> int:
    """One word more in a fingerprint, of 63 bits. word: spread."""
    hash_ = (hash_ ^ word) * factor & MASK_63
    return hash_ ^ hash_ >> 29


def spread(word: int) -> int:
    """A word whose high bits have an effect on low ones, in 63 bits.

    A product alone passes a high bit on to higher ones: the highest bits of two words could stand for each other's.
    """
    return (word ^ word >> 32) * WORD_FACTOR & MASK_63


def fill_table(x: Search) -> int:
    """Enter every state of the table that was into the one that is."""
    old, table = x.found.old_table, x.found.table
    for entry in range(x.turn.old_mask[0] + 1):
        if old[2 * entry] != NONE:
            at = old[2 * entry] & x.turn.table_mask[0]
            while table[2 * at] != NONE:
                at = at + 1 & x.turn.table_mask[0]
            table[2 * at] = old[2 * entry]
            table[2 * at + 1] = old[2 * entry + 1]
    return 0
