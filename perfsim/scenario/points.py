"""The points of a sweep and its jobs, in the one order that results keep: point, design, replication."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perfsim.scenario.overrides import with_value, without_axes
from perfsim.scenario.relations import check_relations
from perfsim.scenario.validate import scenario_of

if TYPE_CHECKING:
    from perfsim.scenario.schema import AxisColumn, AxisValue, Scenario


@dataclass(frozen=True, slots=True)
class Point:
    """One combination of the axes' values.

    index: from 0, the last axis turning fastest. axes: dotted path and value of each axis, as columns hold them.
    scenario: validated with these values in place, and without axes of its own.
    """

    index: int
    axes: tuple[tuple[str, AxisColumn], ...]
    scenario: Scenario


@dataclass(frozen=True, slots=True)
class Job:
    """One run: a point, a design's name or file, and a replication from 0."""

    point: Point
    design: str
    replication: int


def points(scenario: Scenario) -> tuple[Point, ...]:
    """All points of a scenario; one if it has no axes.

    Every one is validated before this returns: raises InputError for the first that is no good. Points are made from
    the scenario's tree of nodes, so change a scenario by `load_scenario(..., sets)`, not by `dataclasses.replace`.
    """
    if not scenario.sweep.axes:
        return (Point(0, (), scenario),)
    combinations = itertools.product(*(axis.values for axis in scenario.sweep.axes))
    return tuple(_point(scenario, index, values) for index, values in enumerate(combinations))


def jobs(scenario: Scenario) -> tuple[Job, ...]:
    """All runs of a sweep, in order; with a precision all that there may be. Raises InputError as `points` does."""
    return tuple(
        Job(point, design, replication)
        for point in points(scenario)
        for design in point.scenario.kernel.designs
        for replication in range(scenario.sweep.replications_max)
    )


def _point(scenario: Scenario, index: int, values: tuple[AxisValue, ...]) -> Point:
    root = without_axes(scenario.root)
    columns: list[tuple[str, AxisColumn]] = []
    for axis, value in zip(scenario.sweep.axes, values, strict=True):
        root = with_value(root, axis.path, value.node)
        columns.append((axis.path, value.column))
    varied = scenario_of(root, scenario.text)
    check_relations(varied)
    return Point(index, tuple(columns), varied)
