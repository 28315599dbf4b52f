"""The axes of a sweep: which keys may vary, and the values they take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfsim.errors import did_you_mean, quoted
from perfsim.scenario import fields
from perfsim.scenario.fields import Item, refusal
from perfsim.scenario.schema import AUTO, POINTS_MAX, SECTION_KEYS, Axis, AxisColumn, AxisValue
from perfsim.scenario.tasks import KINDS
from perfsim.units import PPM_PER_WHOLE, format_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfsim.scenario.schema import TaskSpec

_DURATION_KEYS = ("warmup", "duration", "think", "hold")
_FRACTION_KEYS = ("share", "file_fraction", "mlocked_fraction", "referenced_fraction", "dirty_fraction")
_SIZE_KEYS = ("page_size", "min_free")
_EXAMPLE = "machine.cpus: [1, 2, 4]"


def read_axes(item: Item, tasks: Sequence[TaskSpec]) -> tuple[Axis, ...]:
    """The axes in the file's order. Whether each value is a good one for its key is checked where it is put there."""
    known = axis_paths(tasks)
    axes: list[Axis] = []
    points_count = 1
    for path, entry in fields.mapping(item, f"lists of values by dotted key, such as {_EXAMPLE}").items():
        if path not in known:
            raise fields.key_refusal(item, path, _not_an_axis(path, known))
        values = fields.items(entry, f"a list of values such as {_EXAMPLE}")
        points_count *= len(values)
        if points_count > POINTS_MAX:
            raise refusal(entry, f"{format_count(points_count)} points; expected at most {format_count(POINTS_MAX)}")
        axes.append(Axis(path, tuple(AxisValue(value.node, _column(path, value)) for value in values)))
    return tuple(axes)


def axis_paths(tasks: Sequence[TaskSpec]) -> tuple[str, ...]:
    """Every dotted key of this workload that a sweep may vary."""
    sections = ("machine", "memory", "kernel", "measure")
    paths = [f"{section}.{key}" for section in sections for key in SECTION_KEYS[section]]
    paths.remove("kernel.designs")
    for task in tasks:
        paths.extend(f"tasks.{task.name}.{key}" for key in KINDS[task.kind].keys if key not in ("name", "kind"))
    return tuple(paths)


def _not_an_axis(path: str, known: Sequence[str]) -> str:
    if path == "kernel.designs":
        return "kernel.designs is no axis, for every point runs all designs; expected another key"
    if path.partition(".")[0] in ("name", "sweep", "check"):
        return f"{quoted(path)} cannot vary; expected a key of machine, memory, kernel, measure or tasks"
    return f"unknown key {quoted(path)}; expected a dotted key such as machine.cpus{did_you_mean(path, known)}"


def _column(path: str, value: Item) -> AxisColumn:
    """The value as a column of results holds it."""
    key = path.rpartition(".")[2]
    if path == "measure.warmup" and value.node.value == AUTO:
        return AUTO
    if key in _DURATION_KEYS:
        return fields.described(fields.duration(value))
    if key in _FRACTION_KEYS:
        return fields.fraction_ppm(value) / PPM_PER_WHOLE
    if key in _SIZE_KEYS:
        return fields.described_size(fields.size_bytes(value))
    if isinstance(value.node.value, bool):
        return str(value.node.value).lower()
    if not isinstance(value.node.value, (int, float, str)):
        raise refusal(value, f"{fields.shown(value.node)} where one value of {path} belongs; expected a scalar")
    if key == "target_node":  # text, for one of its values is a word
        return str(value.node.value)
    return value.node.value
