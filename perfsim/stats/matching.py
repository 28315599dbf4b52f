"""Runs that belong together: designs of one sweep, or two results, matched by point, design, seed and replication."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from perfsim.errors import InputError, did_you_mean, one_line, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from perfsim.scenario.schema import AxisColumn
    from perfsim.stats.ratios import Floats


VIOLATIONS = "invariant_violations"


class Results(NamedTuple):
    """What a sweep has left.

    name: as it was asked for. workload: its name. axes: dotted paths. points: the values of the axes, in the sweep's
    order. designs: the workload's first one first. draws: seed and replication, by which runs pair. has_run: [point,
    design, draw] whether there is one. values: by column, in the same shape, NaN where there is no run or no value.
    runs_total: of the sweep when it is finished, None if nobody knows. first_draws: so many draws, the first ones, have
    decided how many there are at each point; None if nothing has.
    """

    name: str
    workload: str
    axes: tuple[str, ...]
    points: tuple[tuple[AxisColumn, ...], ...]
    designs: tuple[str, ...]
    draws: tuple[tuple[int, int], ...]
    has_run: NDArray[np.bool_]
    values: dict[str, Floats]
    runs_total: int | None
    first_draws: int | None


class Side(NamedTuple):
    """Runs of one design. label: what people call them. has_run, values: [point, draw], and that by column."""

    label: str
    has_run: NDArray[np.bool_]
    values: dict[str, Floats]


class Matched(NamedTuple):
    """Runs to be compared.

    name: of the workload, or of both. axes, points: as Results have them, of what has a partner. pairs: new and old.
    unfinished: results that lack runs, how many they have, and of how many. alone: results with points, so many, and
    designs that the other has not. first_draws: as Results have it, of the draws that both have.
    """

    name: str
    axes: tuple[str, ...]
    points: tuple[tuple[AxisColumn, ...], ...]
    pairs: tuple[tuple[Side, Side], ...]
    unfinished: tuple[tuple[str, int, int], ...]
    alone: tuple[tuple[str, int, tuple[str, ...]], ...]
    first_draws: int | None


def within(results: Results, base: str | None, designs: Sequence[str]) -> Matched:
    """Each of the designs against one of the same results.

    base: the old one, the workload's first if None. designs: the new ones, all others if empty. Raises InputError for a
    design that is not there, is asked for twice or as its own base, and if there is nothing to compare.
    """
    old = results.designs[0] if base is None else base
    _check_designs(results, "--base", [old])
    _check_designs(results, "--design", designs)
    news = list(designs) or [design for design in results.designs if design != old]
    if not news:
        problem = f"one design alone, {old}; expected two to compare, or a second directory of results"
        raise InputError(results.name, problem)
    if old in news:
        raise InputError("--design", f"{quoted(old)} is what the others are compared with; expected another")
    everything = slice(None)
    base_side = _side(results, old, old, everything, everything)
    return Matched(
        results.workload,
        results.axes,
        results.points,
        tuple((_side(results, new, new, everything, everything), base_side) for new in news),
        _unfinished(results),
        (),
        results.first_draws,
    )


def single(results: Results) -> tuple[Matched, Side]:
    """The first design by itself: nothing that it could be compared with."""
    everything = slice(None)
    unpaired = Matched(
        results.workload, results.axes, results.points, (), _unfinished(results), (), results.first_draws
    )
    return unpaired, _side(results, results.designs[0], results.designs[0], everything, everything)


def between(new: Results, old: Results, designs: Sequence[str]) -> Matched:
    """Every design that both results have, or those asked for, new against old.

    Raises InputError if the axes differ, a design is not in both, or no run has a partner.
    """
    if set(new.axes) != set(old.axes):
        axes = [f"{one.name} has {', '.join(one.axes) or 'none'}" for one in (old, new)]
        raise InputError(new.name, f"other axes: {'; '.join(axes)}; expected sweeps over the same axes")
    for results in (old, new):
        _check_designs(results, "--design", designs)
    shared = designs or _shared(new.designs, old.designs)
    turned = [new.axes.index(axis) for axis in old.axes]
    new_points = [tuple(point[index] for index in turned) for point in new.points]
    points = _shared(old.points, new_points)
    draws = _shared(old.draws, new.draws)
    if not (shared and points and draws):
        problem = f"no run of it has the point, design, seed and replication of one in {old.name}"
        raise InputError(new.name, f"{problem}; expected two sweeps that share some")
    at_new, at_old = (
        (positions(points, known_points), positions(draws, results.draws))
        for results, known_points in ((new, new_points), (old, old.points))
    )
    return Matched(
        " and ".join(dict.fromkeys([new.workload, old.workload])),
        old.axes,
        tuple(points),
        tuple(
            (
                _side(new, design, label_in(new, design), *at_new),
                _side(old, design, label_in(old, design), *at_old),
            )
            for design in shared
        ),
        (*_unfinished(old), *_unfinished(new)),
        (*_alone(old, new, len(points)), *_alone(new, old, len(points))),
        _first_draws(new, old, draws),
    )


def label_in(results: Results, design: str) -> str:
    """What people call a design of one of two results, whatever letters the name of a directory has."""
    return one_line(f"{design} in {results.name}")


_Member = TypeVar("_Member")


def _shared(of: Sequence[_Member], other: Sequence[_Member]) -> list[_Member]:
    known = set(other)
    return [member for member in of if member in known]


def _alone(results: Results, other: Results, points_count: int) -> tuple[tuple[str, int, tuple[str, ...]], ...]:
    """What of these results has no partner. points_count: those that have one."""
    designs = tuple(design for design in results.designs if design not in other.designs)
    count = len(results.points) - points_count
    return ((results.name, count, designs),) if count or designs else ()


def _first_draws(new: Results, old: Results, draws: Sequence[tuple[int, int]]) -> int | None:
    """How many of these draws are among the first ones of both."""
    counts = [one.first_draws for one in (new, old) if one.first_draws is not None]
    return sum(replication < min(counts) for _, replication in draws) if counts else None


def _check_designs(results: Results, option: str, designs: Sequence[str]) -> None:
    for number, design in enumerate(designs):
        if design not in results.designs:
            known = ", ".join(results.designs)
            hint = did_you_mean(design, results.designs)
            raise InputError(option, f"{results.name} has no design {quoted(design)}; expected one of {known}{hint}")
        if design in designs[:number]:
            raise InputError(option, f"{quoted(design)} is given twice; expected each design once")


def _side(
    results: Results, design: str, label: str, points: NDArray[np.int64] | slice, draws: NDArray[np.int64] | slice
) -> Side:
    index = results.designs.index(design)
    values = {name: figures[:, index][points][:, draws] for name, figures in results.values.items()}
    return Side(label, results.has_run[:, index][points][:, draws], values)


def positions(of: Sequence[object], among: Sequence[object]) -> NDArray[np.int64]:
    """Where each of some members stands in a sequence, in which all are."""
    index = {one: number for number, one in enumerate(among)}
    return np.array([index[one] for one in of], dtype=np.int64)


def _unfinished(results: Results) -> tuple[tuple[str, int, int], ...]:
    runs_count = int(results.has_run.sum())
    if results.runs_total is None or runs_count >= results.runs_total:
        return ()
    return ((results.name, runs_count, results.runs_total),)


def violations_count(side: Side) -> int:
    """Violations, in all runs of a side, that its design does not declare."""
    return int(np.nansum(side.values[VIOLATIONS]))


def unpaired_count(new: Side, old: Side) -> int:
    """Runs of either side whose partner is missing."""
    return int((new.has_run ^ old.has_run).sum())


def points_alone(of: Results, other: Results) -> list[tuple[AxisColumn, ...]]:
    """Points that the other results have not; both have the same axes, in whatever order."""
    turned = [other.axes.index(axis) for axis in of.axes]
    known = {tuple(point[index] for index in turned) for point in other.points}
    return [point for point in of.points if point not in known]


def draws_alone_count(of: Results, other: Results) -> int:
    """Draws of random numbers, seed and replication, that the other results have not."""
    return len(set(of.draws) - set(other.draws))
