"""Three memory models from their published rules, each as simple as can be and without a line of the explorer's.

They answer one question: can a litmus test end in the outcome that it asks for?
"""

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias, TypeVar

from tests.explore.litmus_programs import Op, Program

T = TypeVar("T")
Key = TypeVar("Key", str, tuple[int, str])

Registers: TypeAlias = tuple[tuple[tuple[int, str], int], ...]
"""The value of each register, by CPU and name."""

WORDS_AT_START = 0


def reaches(program: Program, model: str) -> bool:
    """Whether the outcome can be reached. model: sc, tso or ia64."""
    if model == "ia64":
        return _itanium(program)
    return _buffered(program, size_max=0 if model == "sc" else 9)


def _ends_well(program: Program, words: dict[str, int], registers: dict[tuple[int, str], int]) -> bool:
    """Whether the final values are those asked for."""
    for word, wanted in program.exists.items():
        if word in program.seen:
            cpu, names = program.seen[word]
            found = int("".join(str(registers[cpu, name]) for name in names))
        else:
            found = words.get(word, WORDS_AT_START)
        if found != wanted:
            return False
    return True


class Machine(NamedTuple):
    """x86-TSO's abstract machine (Sewell et al., CACM 2010): at: the next access of each CPU; buffers, oldest first."""

    at: tuple[int, ...]
    buffers: tuple[tuple[tuple[str, int], ...], ...]
    words: tuple[tuple[str, int], ...] = ()
    registers: Registers = ()


def _buffered(program: Program, size_max: int) -> bool:
    """Of every run of that machine; with buffers of size 0 it is sequentially consistent."""
    start = Machine((0,) * len(program.threads), ((),) * len(program.threads))
    seen, waiting = {start}, [start]
    while waiting:
        machine = waiting.pop()
        following = list(_turns(program, machine, size_max))
        if not following and _ends_well(program, dict(machine.words), dict(machine.registers)):
            return True
        for one in following:
            if one not in seen:
                seen.add(one)
                waiting.append(one)
    return False


def _turns(program: Program, machine: Machine, size_max: int) -> Iterator[Machine]:
    for cpu, ops in enumerate(program.threads):
        buffer = machine.buffers[cpu]
        if buffer:
            written = machine._replace(words=_with(machine.words, *buffer[0]))
            yield written._replace(buffers=_at(machine.buffers, cpu, buffer[1:]))
        if machine.at[cpu] == len(ops):
            continue
        op = ops[machine.at[cpu]]
        moved = machine._replace(at=_at(machine.at, cpu, machine.at[cpu] + 1))
        if op.kind == "store" and size_max:
            yield moved._replace(buffers=_at(machine.buffers, cpu, (*buffer, (op.word, op.value))))
        elif op.kind == "load":
            own = [value for word, value in buffer if word == op.word]
            value = own[-1] if own else dict(machine.words).get(op.word, WORDS_AT_START)
            yield moved._replace(registers=_with(machine.registers, (cpu, op.register), value))
        elif not buffer:  # a fence, a locked instruction, or a store that is not buffered
            yield moved if op.kind == "fence" else moved._replace(words=_with(machine.words, op.word, op.value))


def _at(values: tuple[T, ...], place: int, value: T) -> tuple[T, ...]:
    return (*values[:place], value, *values[place + 1 :])


def _with(pairs: tuple[tuple[Key, int], ...], key: Key, value: int) -> tuple[tuple[Key, int], ...]:
    return tuple(sorted({**dict(pairs), key: value}.items()))


class Event(NamedTuple):
    """A part of an access in Itanium's order of visibility: a load, a fence, a store's local part (`to` is its CPU) or
    the part by which another CPU, or its own, can see it. Parts that may not be parted are one event, to == ALL.
    """

    cpu: int
    place: int
    part: str
    to: int


ALL = -1

Orders: TypeAlias = dict[tuple[str, int], tuple[tuple[int, int], ...]]
"""The stores to a word, by CPU and place, in the order in which a CPU sees them: by word and CPU."""

State: TypeAlias = tuple[frozenset[Event], tuple[tuple[tuple[str, int], tuple[tuple[int, int], ...]], ...], Registers]
"""The events that have happened, the orders of the stores, and what the loads have returned."""


def _itanium(program: Program) -> bool:
    """Of every order of visibility that Intel's formal specification (251429, 2002) allows, found step by step.

    Its rules: a store is visible to its own CPU at first (local), then in its memory (remote, own), then to each other
    CPU (write operation order). An acquire comes before all that follows it, a release behind all that is before it,
    of stores part by part; a fence does both (program order). Of one word, a load does not overtake an earlier store,
    nor a store an earlier load or store (memory data dependence: there is no rule for two loads). All CPUs see the
    stores to a word in one order (coherence). A release store is visible to all at one place (atomic WB release); so
    is a semaphore, whose load and store are one and which acquires (Itanium manual, volume 2, part 2, 2.2.1.12).
    """
    cpus = len(program.threads)
    events = [
        one
        for cpu, ops in enumerate(program.threads)
        for place, op in enumerate(ops)
        for one in _events(cpu, place, op, cpus)
    ]
    before = {one: {two for two in events if two != one and _comes_before(program, two, one)} for one in events}
    start: State = (frozenset(), (), ())
    seen, waiting = {start}, [start]
    while waiting:
        done, orders, registers = waiting.pop()
        if len(done) == len(events) and _ends_well(program, _last(program, dict(orders)), dict(registers)):
            return True
        for event in events:
            if event in done or not before[event] <= done:
                continue
            following = _follow(program, event, (done, orders, registers))
            if following is not None and following not in seen:
                seen.add(following)
                waiting.append(following)
    return False


def _events(cpu: int, place: int, op: Op, cpus: int) -> list[Event]:
    if op.kind in ("load", "fence"):
        return [Event(cpu, place, op.kind, cpu)]
    if op.kind == "update":
        return [Event(cpu, place, "remote", ALL)]
    remote = [ALL] if op.order == "release" else range(cpus)
    return [Event(cpu, place, "local", cpu), *(Event(cpu, place, "remote", to) for to in remote)]


def _comes_before(program: Program, one: Event, two: Event) -> bool:
    """Whether the rules put the first event before the second one, whatever else happens."""
    if one.cpu != two.cpu or one.place > two.place:
        return False
    first, second = program.threads[one.cpu][one.place], program.threads[two.cpu][two.place]
    if one.place == two.place:
        return (one.part, two.part) == ("local", "remote") or (one.to == one.cpu and two.to not in (ALL, two.cpu))
    if "fence" in (first.kind, second.kind) or first.order == "acquire" or first.kind == "update":
        return True
    same_part = one.part == two.part and (one.to == two.to or ALL in (one.to, two.to))
    if second.order == "release" and (one.part == "load" or same_part):
        return True
    if first.word != second.word or (first.kind, second.kind) == ("load", "load"):
        return False
    local = ("load", "local") if two.to != ALL or two.part == "local" else ("load", "local", "remote")
    return (one.part in local and two.part in local) or (same_part and one.to in (ALL, one.cpu))


def _follow(program: Program, event: Event, state: State) -> State | None:
    """The state with one event more, or None if coherence forbids it."""
    done, orders, registers = state
    op = program.threads[event.cpu][event.place]
    done = done | {event}
    if event.part == "remote":
        seen = dict(orders)
        agree = _become_visible(seen, event, op.word, len(program.threads))
        return (done, tuple(sorted(seen.items())), registers) if agree else None
    if event.part == "load":
        value = _read(program, dict(orders), done, event)
        return done, orders, _with(registers, (event.cpu, op.register), value)
    return done, orders, registers


def _become_visible(orders: Orders, event: Event, word: str, cpus: int) -> bool:
    """Put a store behind those that a CPU, or every CPU, has seen. Returns whether all see one order."""
    for cpu in range(cpus) if event.to == ALL else [event.to]:
        orders[word, cpu] = (*orders.get((word, cpu), ()), (event.cpu, event.place))
        for other in range(cpus):
            mine, theirs = orders[word, cpu], orders.get((word, other), ())
            common = min(len(mine), len(theirs))
            if mine[:common] != theirs[:common]:
                return False
    return True


def _read(program: Program, orders: Orders, done: frozenset[Event], event: Event) -> int:
    """What a load returns: the CPU's own last store while it is on its way, else the last that it can see."""
    word = program.threads[event.cpu][event.place].word
    mine = orders.get((word, event.cpu), ())
    own = [
        one.place
        for one in done
        if one.cpu == event.cpu
        and one.part == "local"
        and program.threads[one.cpu][one.place].word == word
        and (one.cpu, one.place) not in mine
    ]
    if own:
        return program.threads[event.cpu][max(own)].value
    return program.threads[mine[-1][0]][mine[-1][1]].value if mine else WORDS_AT_START


def _last(program: Program, orders: Orders) -> dict[str, int]:
    return {word: program.threads[order[-1][0]][order[-1][1]].value for (word, _), order in orders.items()}
