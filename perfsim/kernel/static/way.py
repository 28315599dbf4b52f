"""One way through a path: what it does, how many lines it fetches, and what that costs on a machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from perfsim.kernel.bounds import argument_names
from perfsim.kernel.constants import LRU_LOCK, MZ_LOCK, NONE, PG_LOCKED, WAIT_BUCKET
from perfsim.kernel.primitives import PRIMITIVES
from perfsim.kernel.static.answers import Called
from perfsim.kernel.static.steps import Kind, Step, steps_of
from perfsim.kernel.static.values import Some, Value, name_of
from perfsim.machine.costs import (
    ATOMIC_LOCAL,
    BARRIER_FULL,
    BARRIER_RELEASE,
    CONTEXT_SWITCH,
    COST_NAMES,
    IDLE_EXIT,
    IPI,
    L1_HIT,
    LINE_SERVICE,
    PER_MILLE,
    PREFETCH_HIDDEN,
    SOCKET_TRANSFER,
)
from perfsim.machine.profile import CostProfile

Line = tuple[str, *tuple[Value, ...]]
Lines = Mapping[Line, int]
"""The lines that a CPU holds: SHARED after a load, OWNED after a store or an atomic."""

SHARED = 0
OWNED = 1

_LOCAL = {
    Kind.READ: (L1_HIT,),
    Kind.WRITE: (L1_HIT,),
    Kind.ATOMIC: (ATOMIC_LOCAL,),
    Kind.OWN: (),
    Kind.PREFETCH: (),
    Kind.LOCK: (ATOMIC_LOCAL,),
    Kind.UNLOCK: (L1_HIT, BARRIER_RELEASE),
    Kind.BESIDE: (L1_HIT,),
    Kind.BARRIER: (BARRIER_FULL,),
    **dict.fromkeys((Kind.SLEEP, Kind.MAY_SLEEP), (CONTEXT_SWITCH, IPI, IDLE_EXIT, CONTEXT_SWITCH)),
}
"""The figures of a step whose line, if any, is the CPU's own."""

_COUNTED = {
    **dict.fromkeys((Kind.SLEEP, Kind.MAY_SLEEP), "sleeps"),
    Kind.LOCK: "locks",
    Kind.ATOMIC: "atomics",
    Kind.BARRIER: "barriers",
    **dict.fromkeys((Kind.READ, Kind.WRITE, Kind.OWN, Kind.PREFETCH, Kind.BESIDE), "accesses"),
}
_LOCK_LINE = (Kind.LOCK, Kind.UNLOCK, Kind.BESIDE)
_REPLACES_HIT = (Kind.READ, Kind.WRITE, Kind.UNLOCK, Kind.BESIDE)


class Counts(NamedTuple):
    """What a way does. The order of the fields is that in which ways are compared: first the dearest kind.

    locks: spinlocks taken. page_locks: attempts at the page lock, each one of the atomics too.
    transfers: lines that come from another CPU when all of them were last written there; hits: how many of these
    are plain accesses, which cost the transfer in place of a hit; prefetches: how many are fetched early.
    local: how often each figure of the profile is paid, by the constants of costs.py.
    """

    sleeps: int = 0
    locks: int = 0
    page_locks: int = 0
    atomics: int = 0
    barriers: int = 0
    accesses: int = 0
    transfers: int = 0
    hits: int = 0
    prefetches: int = 0
    local: tuple[int, ...] = (0,) * len(COST_NAMES)

    def plus(self, other: Counts) -> Counts:
        """Both ways, one after the other."""
        return Counts(
            self.sleeps + other.sleeps,
            self.locks + other.locks,
            self.page_locks + other.page_locks,
            self.atomics + other.atomics,
            self.barriers + other.barriers,
            self.accesses + other.accesses,
            self.transfers + other.transfers,
            self.hits + other.hits,
            self.prefetches + other.prefetches,
            tuple(map(int.__add__, self.local, other.local)),
        )


def after(
    call: Called, answer: Value, counts: Counts, lines: Lines, *, contended: bool = False
) -> tuple[Counts, Lines]:
    """Counts and lines after one more call of a primitive. contended: it sleeps if it may."""
    if call.question == ("test_and_set", PG_LOCKED):
        counts = counts._replace(page_locks=counts.page_locks + 1)
    for step in steps_of(call.name):
        if step.kind is Kind.MAY_SLEEP and not contended:
            continue
        counts, lines = _after_step(step, call, answer, (counts, lines))
    return counts, lines


def lines_of(lines: Lines, values: Iterable[Value]) -> tuple[Lines, Lines]:
    """The lines that belong to some of these values, or to none at all, and the others."""
    names = {value.name for value in values if isinstance(value, Some)}
    near = {line: state for line, state in lines.items() if all(_belongs(value, names) for value in line[1:])}
    return near, {line: state for line, state in lines.items() if line not in near}


def _belongs(value: Value | str, names: set[str]) -> bool:
    """Whether a part of a line is a number, one of these values, or what a primitive answers about one."""
    return not isinstance(value, Some) or value.name in names or value.name.partition("(")[2][:-1] in names


def price_ps(counts: Counts, profile: CostProfile) -> int:
    """Picoseconds on one CPU: every line is in its own cache, no lock is held by another.

    A sleep is two context switches and the wake-up; how long it lasts is not in it.
    """
    return sum(times * cost_ps for times, cost_ps in zip(counts.local, profile.best_ps, strict=True))


def contended_price_ps(counts: Counts, profile: CostProfile) -> int:
    """Picoseconds among many CPUs: a line was last written on another socket when the way first touches it, and again
    when it first writes what it has only read. A spinlock has others that poll it: every access to its line is a
    transfer, and an acquisition is handed over, one line_service more. The wait for the owner is not in it.
    """
    costs = profile.best_ps
    shown_ps = costs[SOCKET_TRANSFER] * (PER_MILLE - costs[PREFETCH_HIDDEN]) // PER_MILLE
    extra_ps = counts.transfers * costs[SOCKET_TRANSFER] - counts.hits * costs[L1_HIT]
    return price_ps(counts, profile) + extra_ps + counts.prefetches * shown_ps + counts.locks * costs[LINE_SERVICE]


def _after_step(step: Step, call: Called, answer: Value, so_far: tuple[Counts, Lines]) -> tuple[Counts, Lines]:
    counts, lines = so_far
    local = list(counts.local)
    for cost in _LOCAL.get(step.kind, ()) or _work_of(step, call):
        local[cost] += 1
    counts = counts._replace(local=tuple(local))
    if step.kind in _COUNTED:
        field = _COUNTED[step.kind]
        counts = counts._replace(**{field: getattr(counts, field) + 1})
    return _fetched(step.kind, _line(step.line, call, answer), counts, lines) if step.line else (counts, lines)


def _work_of(step: Step, call: Called) -> tuple[int, ...]:
    if step.kind is not Kind.WORK:
        return ()
    cost = call.arguments[0] if step.cost < 0 else step.cost
    assert isinstance(cost, int), f"{call.name} at {call.site} does not say which figure it costs"
    return (cost,)


def _fetched(kind: Kind, line: Line, counts: Counts, lines: Lines) -> tuple[Counts, Lines]:
    needed = SHARED if kind is Kind.READ else OWNED
    if kind not in _LOCK_LINE and lines.get(line, -1) >= needed:
        return counts, lines
    if kind is Kind.PREFETCH:
        counts = counts._replace(prefetches=counts.prefetches + 1)
    else:
        hits = counts.hits + (kind in _REPLACES_HIT)
        counts = counts._replace(transfers=counts.transfers + 1, hits=hits)
    return counts, lines if kind in _LOCK_LINE else {**lines, line: needed}


def _line(words: str, call: Called, answer: Value) -> Line:
    """The line that a step's words mean for one call."""
    named = dict(zip(argument_names(PRIMITIVES[call.name]), call.arguments, strict=True))
    page, zone = named.get("page", 0), named.get("zone", 0)
    lines: dict[str, Line] = {
        "page": ("page", page),
        "newpage": ("page", named.get("newpage", 0)),
        "result": ("page", answer),
        "before page": ("before", page),
        "after page": ("after", page),
        "page_cgroup": ("page_cgroup", page),
        "first of list": ("first", zone, named.get("lru", 0)),
        "last of list": ("last", zone, named.get("lru", 0)),
        "mapping": ("mapping", named.get("mapping", 0)),
        "mapping of range": ("mapping of range", named.get("range_", 0)),
        "mm": ("mm", named.get("mm", 0)),
        "work queue": ("work queue", named.get("on_cpu", NONE)),
        "zone": ("zone", zone),
        "queue": ("lock", WAIT_BUCKET, named.get("bucket", _of("page_waitqueue", page))),
        "lock": ("lock", named.get("lock_class", 0), named.get("index", 0)),
        "lru lock": ("lock", LRU_LOCK, zone),
        "memcg lock": ("lock", MZ_LOCK, _of("page_zone", page)),
    }
    return lines[words]


def _of(primitive: str, page: Value) -> Value:
    """What a primitive answers about a page, by the name that the page's own call of it gives."""
    return Some(f"{primitive}({name_of(page)})")
