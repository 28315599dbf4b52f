"""All columns of a search at its start, in lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from perfsim.engine.compiled import bounds_of_ops
from perfsim.engine.program import ARGUMENTS_MAX, FIRST_PRIMITIVE, Row
from perfsim.explore import columns
from perfsim.explore.columns import SC, TSO, Code, Found, Mirror, Search, Shared, Turn
from perfsim.explore.footprints import footprints_of
from perfsim.explore.kinds import kinds_of
from perfsim.explore.locations import locations_of
from perfsim.explore.prepare import Known, code_of, known_of
from perfsim.explore.properties import PROPERTIES
from perfsim.explore.rows import ORDERED, Scripts, reads_of
from perfsim.explore.scenario import ExploreScenario
from perfsim.explore.small import small_state
from perfsim.explore.symmetry import Renumbering, first_rows, renumberings_of
from perfsim.kernel.bounds import Bounds
from perfsim.kernel.constants import CPU_VECTORS, NONE, PRIVATE_LISTS, ROTATE_PVEC, ROTATED
from perfsim.kernel.designs import Design
from perfsim.kernel.state import State, cpu_vector, stack_vector
from perfsim.numeric.columns import as_lists

BUFFER_ROOM = {SC: 0, TSO: 4}
"""Entries of a CPU's buffer, by model; WEAK_ROOM for the others."""
WEAK_ROOM = 4


class Asked(NamedTuple):
    """model: of memory. bits: each flag a location of its own. fences: rows before which an smp_mb() is put. asked: 1
    for each property that is looked for. reduce: let one CPU go first where that is enough. symmetry: take states for
    one that differ in the places of interchangeable CPUs alone. stale_room: how many values a CPU may still read that
    are no longer there.
    """

    model: int
    bits: bool
    fences: tuple[int, ...]
    asked: tuple[int, ...]
    reduce: bool
    symmetry: bool
    stale_room: int = 12


def new_search(scenario: ExploreScenario, design: Design, scripts: Scripts, asked: Asked) -> Search:
    """The search before its first state, in lists; `words` are still none."""
    s = small_state(scenario, unevictable_lru=design.unevictable_lru)
    known = known_of(scripts, asked.fences)
    mirrors = renumberings_of(scenario, scripts, asked.fences) if asked.symmetry else []
    kinds = kinds_of(scripts) if any(one.moves_pages for one in mirrors) else None
    bounds = bounds_of_ops(s)
    more = {**_footprints(s, scripts, known, asked), "checked": _checked(scripts, bounds)}
    code = code_of(scripts, known, asked.model, more, kinds)
    used = _vectors(s, scripts)
    locations = locations_of(s)
    wanted = _wanted(scenario)
    settings = _settings(scenario, scripts, code, asked)
    settings = settings._replace(
        used=len(used) // settings.cpus,
        cells=len(locations),
        wanted=len(wanted),
        mirrors=len(mirrors),
        locks=len(s.m.lock_owner),
        links=len(s.pages.next),
        buckets=len(s.queues.head),
    )
    b = _shared(scripts, settings)
    return Search(
        s=s,
        code=code,
        b=b,
        settings=settings,
        found=Found([], [], [], [], [], [NONE] * len(PROPERTIES), [NONE] * len(PROPERTIES), *([] for _ in range(7))),
        turn=_turn(asked.model),
        mirror=_mirror(mirrors, scripts, s, b),
        values=_values(scripts),
        words=[],
        vector_words=[NONE] * len(s.vectors.length),
        used=used,
        cells=locations,
        before=[0] * len(locations),
        settle=list(scripts.settle),
        asked=list(asked.asked),
        wanted_page=[page for page, _ in wanted],
        wanted_value=[value for _, value in wanted],
        bounds_low=[one.low for one in bounds],
        bounds_high=[one.high for one in bounds],
    )


def _footprints(s: State, scripts: Scripts, known: Known, asked: Asked) -> dict[str, list[int]]:
    """What steps touch; nothing that is asked for, where no CPU goes first."""
    names = ("step_reads", "step_writes", "ahead_reads", "ahead_writes")
    if not asked.reduce:
        return {name: [0] for name in names}
    steps, ahead = footprints_of(s, scripts, known)
    columns_ = ([one.reads for one in steps], [one.writes for one in steps])
    return dict(zip(names, (*columns_, [one.reads for one in ahead], [one.writes for one in ahead]), strict=True))


def _checked(scripts: Scripts, bounds: Sequence[Bounds]) -> list[int]:
    """[row], 1 where an argument of a primitive might be out of its bounds: it is no constant, or one that is."""

    def fits(row: Row, number: int, slot: int, constants: Sequence[int]) -> bool:
        low, high = bounds[ARGUMENTS_MAX * row.op + number]
        return slot < len(constants) and low <= constants[slot] <= high

    found = []
    for row, cpu in zip(scripts.rows, scripts.cpus, strict=True):
        arguments = reads_of(row) if row.op >= FIRST_PRIMITIVE else ()
        fit = [fits(row, number, slot, scripts.constants[cpu]) for number, slot in enumerate(arguments)]
        found.append(0 if all(fit) else 1)
    return found


def _settings(scenario: ExploreScenario, scripts: Scripts, code: Code, asked: Asked) -> columns.Settings:
    stops = [count for count, act in zip(code.live_count, code.act, strict=True) if act or asked.model > TSO]
    return columns.Settings(
        cpus=len(scenario.cpus),
        slots=scripts.slots,
        registers=max([*stops, 1]),
        room=BUFFER_ROOM.get(asked.model, WEAK_ROOM),
        stale_room=asked.stale_room if asked.model > TSO else 0,
        bits=1 if asked.bits else 0,
        pair=1 if scenario.unlock_lock_barrier else 0,
        words=0,
        used=0,
        cells=0,
        wanted=0,
        reduce=1 if asked.reduce else 0,
        mirrors=0,
        locks=0,
        links=0,
        buckets=0,
    )


def _mirror(mirrors: list[Renumbering], scripts: Scripts, s: State, b: Shared) -> Mirror:
    return Mirror(
        place=[place for one in mirrors for place in one.cpus],
        taken_by=[one.cpus.index(cpu) for one in mirrors for cpu in range(len(one.cpus))],
        node=[to for one in mirrors for to in _nodes(one, s)],
        range_=[to for one in mirrors for to in one.ranges],
        moves_pages=[1 if one.moves_pages else 0 for one in mirrors],
        first_row=first_rows(scripts),
        words=[],
        b=as_lists(b),
        pages=as_lists(s.pages),
        ranges=as_lists(s.ranges),
        free_head=list(s.zones.free_head),
        queues=as_lists(s.queues),
        lock_owner=list(s.m.lock_owner),
    )


def _nodes(one: Renumbering, s: State) -> list[int]:
    """The page, or head of a list, that each becomes: the tasks' own lists go with their CPUs."""
    first, lists = s.settings.first_private, range(PRIVATE_LISTS)
    own = [first + cpu * PRIVATE_LISTS + which for cpu in one.cpus for which in lists]
    return [*one.pages, *range(len(one.pages), first), *own]


def _shared(scripts: Scripts, settings: columns.Settings) -> Shared:
    cpus = settings.cpus
    waiting, stale = [0] * (cpus * settings.room), [0] * (cpus * settings.stale_room)
    return Shared(
        row=list(scripts.begin),
        late=[NONE] * cpus,
        registers=[0] * (cpus * settings.registers),
        vectors=[NONE] * (cpus * settings.used),
        waiting=[0] * cpus,
        wait_kind=list(waiting),
        wait_row=list(waiting),
        wait_cell=list(waiting),
        wait_a=list(waiting),
        wait_b=list(waiting),
        wait_seen=list(waiting),
        stale=[0] * cpus,
        stale_cell=[NONE] * len(stale),
        stale_mask=list(stale),
        stale_value=list(stale),
    )


def _turn(model: int) -> Turn:
    one = {name: [0] for name in Turn._fields}
    return Turn(**one | {"model": [model], "failed": [NONE], "why": [NONE], "why_row": [NONE]})


def _values(scripts: Scripts) -> list[int]:
    """Each CPU's file: its constants, then nothing yet."""
    return [value for own in scripts.constants for value in (*own, *([0] * (scripts.slots - len(own))))]


def unused_columns(scripts: Scripts) -> list[str]:
    """Beginnings of names of columns that no row of the scripts changes."""
    called = _primitives(scripts)
    unused = [] if any(name.startswith(("down_", "up_")) for name in called) else ["s.mms."]
    return unused if any(name.startswith("prepare_to_wait") for name in called) else [*unused, "s.queues."]


def _primitives(scripts: Scripts) -> set[str]:
    return {ORDERED[row.op - FIRST_PRIMITIVE].name for row in scripts.rows if row.op >= FIRST_PRIMITIVE}


def _vectors(s: State, scripts: Scripts) -> list[int]:
    """The vectors that rows may fill, CPU by CPU: its pagevecs, and on its stack those that any CPU's rows name."""
    named = set()
    for row, cpu in zip(scripts.rows, scripts.cpus, strict=True):
        constants = scripts.constants[cpu]
        is_named = row.op >= FIRST_PRIMITIVE and ORDERED[row.op - FIRST_PRIMITIVE].name == "pagevec_add"
        if is_named and row.a < len(constants) and constants[row.a] >= CPU_VECTORS:
            named.add(constants[row.a])
    own = list(range(ROTATE_PVEC))
    if "rotate_pagevec_add" in _primitives(scripts):
        own.append(ROTATE_PVEC)
        named.add(ROTATED)
    found = []
    for cpu in range(s.settings.tasks):
        found += [cpu_vector(cpu, vector) for vector in own]
        found += [stack_vector(s, cpu, vector) for vector in sorted(named)]
    return found


def _wanted(scenario: ExploreScenario) -> list[tuple[int, int]]:
    """The outcome that is asked for: pages, and the value of each one's word."""
    pages = {page.name: number for number, page in enumerate(scenario.pages)}
    return [(pages[name], value) for name, value in scenario.exists.items()]
