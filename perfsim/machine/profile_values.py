"""The values of a profile file: read with their units, and refused where they contradict themselves or one another."""

from __future__ import annotations

from functools import partial
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from perfsim.errors import one_line
from perfsim.machine.costs import COST_NAMES, PER_MILLE
from perfsim.machine.profile_files import BIAS_KEYS, MACHINE_KEYS, SOURCE_KEYS, SPINLOCK_KEYS, Entry, Lineage
from perfsim.scenario import fields
from perfsim.scenario.fields import Item, refusal, shown
from perfsim.scenario.schema import CPUS_MAX, NODES_MAX
from perfsim.units import PPM_PER_WHOLE, format_duration, format_size, parse_frequency_hz, parse_size_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

ALGORITHM_NAMES = ("ticket", "test_and_set", "queued", "ideal")
ORDER_NAMES = ("fifo", "random", "lifo")
IDEAL_KEYS = ("order", "handoff_fixed", "handoff_per_waiter")

CLOCK_HZ_MIN, CLOCK_HZ_MAX = 10**6, 10**11
PAGE_SIZE_MIN, PAGE_SIZE_MAX = 2**12, 2**20
LINE_SIZE_MIN, LINE_SIZE_MAX = 2**4, 2**10
CACHE_SIZE_MAX = 2**40
HOPS_MAX = 16
BIAS_MAX = 1000
COST_PS_MAX = 10**12
"""A second: a run adds up many thousand costs between two events, and the sum must fit 64 bits."""

RELATIONS = (
    ("l1_hit", "l2_hit", "llc_hit", "llc_transfer", "socket_transfer", "socket_transfer_far"),
    ("dram_local", "dram_remote"),
    ("line_service", "socket_transfer"),
    ("irq_disable", "irq_save"),
    ("l1_hit", "atomic_local"),
    ("page_clear", "page_copy"),
)
"""Costs that a machine cannot have in another order, the smaller first; equal is allowed (cost-profiles §7)."""

_SHARE_PATH = "costs.prefetch_hidden"
_COST_EXAMPLE = "[20ns, 40ns, 90ns]"
_EXAMPLES = {
    "machine.clock": "2.3GHz",
    "machine.nodes": "4",
    "machine.cpus_per_node": "4",
    "machine.page_size": "4KiB",
    "machine.line_size": "64B",
    "node_hops": "[[0, 1], [1, 0]]",
    "spinlock.algorithm": "ticket",
    "spinlock_bias.releaser": "8",
    "spinlock_bias.same_node": "4",
    "spinlock_bias.other_node": "1",
    _SHARE_PATH: "[0.0, 0.5, 0.8]",
}

T = TypeVar("T")


class Range(NamedTuple):
    """A figure and how far it may be wrong: picoseconds, or per mille for prefetch_hidden."""

    low: int
    best: int
    high: int


class MachineValues(NamedTuple):
    """The section `machine`. cache_size_bytes: of one CPU; 0 means that nothing ever leaves it."""

    clock_hz: int
    nodes: int
    cpus_per_node: int
    page_size_bytes: int
    line_size_bytes: int
    cache_size_bytes: int


class LockValues(NamedTuple):
    """The sections `spinlock`, without line_service, and `spinlock_bias`."""

    algorithm: str
    order: str
    handoff_fixed_ps: int
    handoff_per_waiter_ps: int
    bias_releaser: int
    bias_same_node: int
    bias_other_node: int


def machine_values(lineage: Lineage) -> MachineValues:
    """What the machine is made of. Raises InputError at the value that cannot be."""
    nodes = _read(lineage, "machine.nodes", partial(fields.integer, low=1, high=NODES_MAX))
    line_size_bytes = _read(lineage, "machine.line_size", _line_size_bytes)
    read_cache_size = partial(_cache_size_bytes, line_size_bytes=line_size_bytes)
    return MachineValues(
        clock_hz=_read(lineage, "machine.clock", _clock_hz),
        nodes=nodes,
        cpus_per_node=_read(lineage, "machine.cpus_per_node", partial(fields.integer, low=1, high=CPUS_MAX // nodes)),
        page_size_bytes=_read(lineage, "machine.page_size", _page_size_bytes),
        line_size_bytes=line_size_bytes,
        cache_size_bytes=_optional(lineage, "machine.cache_size", read_cache_size, 0),
    )


def node_hops(lineage: Lineage, nodes: int) -> tuple[tuple[int, ...], ...]:
    """Hops from node to node: square, the same both ways, 0 to itself alone. Raises InputError at what is not so."""
    entry = _entry(lineage, "node_hops")
    rows = fields.items(entry.item, f"a row for every node, such as {_EXAMPLES['node_hops']}")
    cells = [_cells(row, len(rows)) for row in rows]
    matrix = tuple(tuple(_hops(cell, one == other) for other, cell in enumerate(row)) for one, row in enumerate(cells))
    for one, other in combinations(range(len(rows)), 2):
        there, back = matrix[one][other], matrix[other][one]
        if there != back:
            found = f"{back} from node {other} to {one}, but {there} from node {one} to {other}"
            raise refusal(cells[other][one], f"{found}; expected the same both ways")
    if nodes > len(rows):
        asked = _entry(lineage, "machine.nodes")
        at = asked if asked.level <= entry.level else entry
        raise refusal(at.item, f"{nodes} nodes, but node_hops has {len(rows)}; expected a row for every node")
    return matrix


def lock_values(lineage: Lineage) -> LockValues:
    """How spinlocks choose and hand over. Raises InputError, for a key of another algorithm too."""
    entry = _entry(lineage, "spinlock.algorithm")
    algorithm = fields.choice(entry.item, ALGORITHM_NAMES)
    theory = lineage if algorithm == "ideal" else _without_theory(lineage, entry)
    if algorithm == "test_and_set":
        for key in BIAS_KEYS:
            _entry(lineage, f"spinlock_bias.{key}")
    return LockValues(
        algorithm=algorithm,
        order=_optional(theory, "spinlock.order", partial(fields.choice, choices=ORDER_NAMES), ORDER_NAMES[0]),
        handoff_fixed_ps=_optional(theory, "spinlock.handoff_fixed", _cost_ps, 0),
        handoff_per_waiter_ps=_optional(theory, "spinlock.handoff_per_waiter", _cost_ps, 0),
        bias_releaser=_optional(lineage, "spinlock_bias.releaser", partial(fields.integer, low=0, high=BIAS_MAX), 0),
        bias_same_node=_optional(lineage, "spinlock_bias.same_node", _weight, 1),
        bias_other_node=_optional(lineage, "spinlock_bias.other_node", _weight, 1),
    )


def cost_ranges(lineage: Lineage) -> tuple[Range, ...]:
    """Every cost in the order of COST_NAMES. Raises InputError for one that is missing or cannot be."""
    ranges = {name: _read(lineage, cost_path(name), _range) for name in COST_NAMES}
    for smaller, larger in (pair for chain in RELATIONS for pair in pairwise(chain)):
        if ranges[smaller].best > ranges[larger].best:
            first, second = lineage.entries[cost_path(smaller)], lineage.entries[cost_path(larger)]
            at = first if first.level < second.level else second
            found = f"{smaller} is {format_duration(ranges[smaller].best)}"
            than = f"{larger} only {format_duration(ranges[larger].best)}"
            raise refusal(at.item, f"{found}, {than}; expected {smaller} <= {larger}")
    return tuple(ranges.values())


def source_texts(lineage: Lineage) -> dict[str, str]:
    """Where each figure comes from, on one line, by key. A source goes when its figure is overridden."""
    return {key: _source(lineage, key) for key in SOURCE_KEYS}


def cost_path(name: str) -> str:
    """Where a profile file has this cost: line_service stands with the locks."""
    return f"spinlock.{name}" if name in SPINLOCK_KEYS else f"costs.{name}"


def _entry(lineage: Lineage, path: str) -> Entry:
    """What the files say there; refused if none of them says anything."""
    if path not in lineage.entries:
        key = path.rpartition(".")[2]
        example = f"{key}: {_EXAMPLES.get(path, _COST_EXAMPLE)}"
        problem = f"the key {path} is missing; expected for example {example}, or a profile to extend that has it"
        raise refusal(lineage.root, problem)
    return lineage.entries[path]


def _read(lineage: Lineage, path: str, read: Callable[[Item], T]) -> T:
    return read(_entry(lineage, path).item)


def _optional(lineage: Lineage, path: str, read: Callable[[Item], T], default: T) -> T:
    return read(lineage.entries[path].item) if path in lineage.entries else default


def _without_theory(lineage: Lineage, algorithm: Entry) -> Lineage:
    """The files without the keys of `ideal`: beside another algorithm, or above it, they are refused; below, void."""
    kept = dict(lineage.entries)
    for key in IDEAL_KEYS:
        entry = kept.pop(f"spinlock.{key}", None)
        if entry is not None and entry.level <= algorithm.level:
            problem = f"only the algorithm ideal has this key; expected none with {shown(algorithm.item.node)}"
            raise refusal(entry.item, problem)
    return lineage._replace(entries=kept)


def _cells(row: Item, count: int) -> tuple[Item, ...]:
    expected = f"hops to each of {count} nodes"
    cells = fields.items(row, expected)
    if len(cells) != count:
        raise refusal(row, f"{len(cells)} figures in a matrix of {count} rows; expected {expected}")
    return cells


def _hops(cell: Item, is_own: bool) -> int:
    count = fields.integer(cell, 0, HOPS_MAX)
    if is_own and count:
        raise refusal(cell, f"{count} hops from a node to itself; expected 0")
    if not is_own and not count:
        raise refusal(cell, "0 hops to another node; expected 1 or more")
    return count


def _range(item: Item) -> Range:
    """One figure, or [low, best, high] in this order."""
    read = _share_per_mille if item.path == _SHARE_PATH else _cost_ps
    if not isinstance(item.node.value, tuple):
        only = read(item)
        return Range(only, only, only)
    bounds = fields.items(item, "[low, best, high]")
    if len(bounds) != 3:
        raise refusal(item, f"a list of {len(bounds)}; expected [low, best, high], or one figure")
    figures = Range(*(read(bound) for bound in bounds))
    for index, names in enumerate(pairwise(Range._fields)):
        if figures[index] > figures[index + 1]:
            found = f"{names[0]} is {shown(bounds[index].node)}, {names[1]} {shown(bounds[index + 1].node)}"
            raise refusal(bounds[index], f"{found}; expected low <= best <= high")
    return figures


def _cost_ps(item: Item) -> int:
    cost_ps = fields.fixed_duration_ps(item)
    if cost_ps > COST_PS_MAX:
        raise refusal(item, f"{shown(item.node)} is too long; expected at most {format_duration(COST_PS_MAX)}")
    return cost_ps


def _share_per_mille(item: Item) -> int:
    share, rest = divmod(fields.fraction_ppm(item) * PER_MILLE, PPM_PER_WHOLE)
    if rest:
        raise refusal(
            item, f"{shown(item.node)} is finer than a thousandth; expected at most 3 decimals, or 1 before %"
        )
    return share


def _weight(item: Item) -> int:
    return fields.integer(item, 1, BIAS_MAX)


def _clock_hz(item: Item) -> int:
    clock_hz = fields.quantity(item, parse_frequency_hz, "clock", "2.3GHz")
    if not CLOCK_HZ_MIN <= clock_hz <= CLOCK_HZ_MAX:
        raise refusal(item, f"{shown(item.node)} is out of range; expected a clock from 1MHz to 100GHz")
    return clock_hz


def _page_size_bytes(item: Item) -> int:
    return fields.power_of_two_bytes(item, PAGE_SIZE_MIN, PAGE_SIZE_MAX, "4KiB")


def _line_size_bytes(item: Item) -> int:
    return fields.power_of_two_bytes(item, LINE_SIZE_MIN, LINE_SIZE_MAX, "64B")


def _cache_size_bytes(item: Item, line_size_bytes: int) -> int:
    size_bytes = fields.quantity(item, parse_size_bytes, "size", "1MiB")
    if size_bytes and not line_size_bytes <= size_bytes <= CACHE_SIZE_MAX:
        bounds = f"from a line's {format_size(line_size_bytes)} to {format_size(CACHE_SIZE_MAX)}"
        raise refusal(item, f"{shown(item.node)}; expected a size {bounds}, or 0B for a cache that nothing leaves")
    return size_bytes


def _source(lineage: Lineage, key: str) -> str:
    """The source of one figure, if it was given together with it or later, in a file that stands above."""
    levels = [lineage.entries[path].level for path in _figure_paths(key) if path in lineage.entries]
    given = lineage.entries.get(f"sources.{key}")
    text = "" if given is None else fields.text(given.item, "where the figure comes from, in words")
    if given is not None and given.level <= min(levels, default=given.level):
        return one_line(" ".join(text.split()))
    return f"no source given in {lineage.names[min(levels)]}" if levels else "the default"


def _figure_paths(key: str) -> tuple[str, ...]:
    """Where profile files have what this key of `sources` is about."""
    if key == "spinlock_bias":
        return tuple(f"spinlock_bias.{name}" for name in BIAS_KEYS)
    if key in MACHINE_KEYS:
        return (f"machine.{key}",)
    return (f"spinlock.{key}",) if key in SPINLOCK_KEYS else (key, f"costs.{key}")
