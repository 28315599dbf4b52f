"""What decides a ratio: how much each uncertain figure moves it, and how often a verdict on it holds.

All from a surrogate of log(new/old) over the figures' ranges. Effects are linear in its coefficients, so that their
intervals are Student's t, exact if the polynomial fits. Each figure is tested for having any effect of its own, and the
tests are corrected by Holm's method (ratios.holm): with 95 % none of the figures that are told to matter is a chance.

How often the ratio lies above a limit depends on two things of which neither is known: its mean, and its spread over
the ranges. Both are drawn from their fiducial distributions, and the limits of the share are points of what comes out
(generalized confidence intervals: S. Weerahandi, Journal of the American Statistical Association 88, 1993, 899-905).
The shape is that of the surrogate without what noise has put into it. It is not quite known either: the 2 and 98 %
points cover the truth as 2.5 and 97.5 would with a known shape.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
from scipy.special import stdtrit

from perfsim.stats import variance
from perfsim.stats.comparison import LEVEL, Verdict, shown_by
from perfsim.stats.ratios import holm, margins, p_different, p_same, summed_up
from perfsim.stats.surrogate import basis, fit, latin_hypercube
from perfsim.stats.variance import Estimate

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from perfsim.stats.ratios import Floats
    from perfsim.stats.surrogate import Surrogate, Term

PLACES = 1 << 14
"""Where the surrogate is looked at for its shape: fewer would tell shares no closer than to half a per cent."""
KEPT = 1 << 10
"""How many of those, evenly from the lowest to the highest, stand for the shape."""
DRAWS = 31
"""Of the mean, and of the spread: all pairs of them."""
SHARE_TAIL = 0.02
STEPS = 401
"""How finely a figure's range is searched for where a verdict turns."""


Condition: TypeAlias = "Callable[[Floats], NDArray[np.bool_]]"
"""Whether something is so of log ratios."""


class Turn(NamedTuple):
    """Where a figure alone turns the verdict, the others anywhere in their ranges. at: a place in its range, 0 to 1.

    is_above: the verdict is lost above that place, not below.
    """

    at: Estimate
    is_above: bool


class Influence(NamedTuple):
    """What one figure does. effect: log ratio at its high end, less that at its low one, the others anywhere.

    first, total: its shares of the variance over the ranges, alone and with all products that it is in. p: of it having
    no effect of its own, adjusted by Holm. turns: in rising order, none if it is not shown to matter.
    """

    effect: Estimate
    first: Estimate
    total: Estimate
    p: float
    turns: tuple[Turn, ...]

    @property
    def is_shown(self) -> bool:
        """Whether it can be told from noise that the figure matters."""
        return self.p <= LEVEL


class Sensitivity(NamedTuple):
    """What the figures together do.

    best, mean: log ratio where all figures are their best, and over all ranges. verdict: on `best`. deviation: standard
    deviation of the log ratio over the ranges. above: share of the ranges with a ratio above 1. holds: share where the
    verdict holds, None if there is no verdict. noise: standard deviation of one pair's log ratio around the surrogate,
    which is chance and what the surrogate misses. predicted: part of the pairs' variance that the figures explain.
    """

    influences: tuple[Influence, ...]
    best: Estimate
    mean: Estimate
    verdict: Verdict
    deviation: Estimate
    above: Estimate
    holds: Estimate | None
    noise: float
    predicted: float


class Sample(NamedTuple):
    """What was tried. places: as for surrogate.fit. logs: log ratio at each. best_logs: those of the best figures."""

    places: Floats
    logs: Floats
    best_logs: Floats


def sensitivity(sample: Sample, margin: float, finest: float = 0.0) -> Sensitivity:
    """What a sample says. margin: the largest log ratio that counts as the same, above 0. finest: the metric's
    `resolution`.
    """
    of = fit(sample.places, sample.logs)
    best, verdict = _best(sample.best_logs, margin, finest)
    spread = variance.part(of, lambda _: True)
    draws = _draws(of)
    return Sensitivity(
        influences=_influences(of, sample.places.shape[1], verdict, margin),
        best=best,
        mean=_linear(of, _constant(of)),
        verdict=verdict,
        deviation=Estimate(*np.sqrt(spread).tolist()),
        above=_share(of, spread.value, draws, lambda logs: np.asarray(logs > 0)),
        holds=_share(of, spread.value, draws, _holding(verdict, margin)) if verdict is not Verdict.OPEN else None,
        noise=of.noise,
        predicted=max(of.predicted, 0.0),
    )


def is_of(figure: int) -> Callable[[Term], bool]:
    """Whether a term is a figure's own."""
    return lambda term: len(term) == 1 and term[0][0] == figure


def has(figure: int) -> Callable[[Term], bool]:
    """Whether a figure is in a term."""
    return lambda term: any(one == figure for one, _ in term)


def _influences(of: Surrogate, figures: int, verdict: Verdict, margin: float) -> tuple[Influence, ...]:
    p = holm(np.array([variance.p_none(of, is_of(figure)) for figure in range(figures)]))
    return tuple(
        Influence(
            effect=_linear(of, _own(of, figure, np.array([1.0]))[0] - _own(of, figure, np.array([0.0]))[0]),
            first=variance.share(of, is_of(figure)),
            total=variance.share(of, has(figure)),
            p=float(p[figure]),
            turns=_turns(of, figure, verdict, margin) if p[figure] <= LEVEL else (),
        )
        for figure in range(figures)
    )


def _own(of: Surrogate, figure: int, at: Floats) -> Floats:
    """What each term contributes where this figure is at these places, the others anywhere. [place, term]"""
    own = [not term or is_of(figure)(term) for term in of.terms]
    places = np.zeros((len(at), 1 + max(one for term in of.terms for one, _ in term)))
    places[:, figure] = at
    rows: Floats = np.where(own, basis(places, of.terms), 0.0)
    return rows


def _constant(of: Surrogate) -> Floats:
    row = np.zeros(len(of.terms))
    row[0] = 1.0
    return row


def _errors(of: Surrogate, rows: Floats) -> Floats:
    """Standard errors of linear combinations of the coefficients. rows: [combination, term]"""
    errors: Floats = of.noise * np.sqrt(((rows @ of.spread) * rows).sum(axis=1))
    return errors


def _linear(of: Surrogate, row: Floats) -> Estimate:
    value, error = float(row @ of.coefficients), float(_errors(of, row[None])[0])
    half = error * float(stdtrit(of.freedom, 1 - LEVEL / 2))
    return Estimate(value, value - half, value + half)


def _best(logs: Floats, margin: float, finest: float) -> tuple[Estimate, Verdict]:
    """The ratio of the best figures by runs of its own, as `compare` would tell it: the surrogate's curves have been
    chosen by the sample, so that its values at a place are less sure than they look.
    """
    of = summed_up(logs[None])
    half = float(margins(of, at_least=finest)[0])
    value = float(of.mean[0])
    verdict = shown_by(value, p_different(of, finest)[0], p_same(of, margin)[0])
    return Estimate(value, value - half, value + half), verdict


def _holding(verdict: Verdict, margin: float) -> Condition:
    """Where a verdict holds."""
    if verdict is Verdict.SAME:
        return lambda logs: np.asarray(np.abs(logs) <= margin)
    sign = 1 if verdict is Verdict.HIGHER else -1
    return lambda logs: np.asarray(sign * logs > 0)


class _Draws(NamedTuple):
    """What the ratio over the ranges may be. means, deviations: all pairs of so many equally likely ones. shape: places
    of a distribution with mean 0 and deviation 1.
    """

    means: Floats
    deviations: Floats
    shape: Floats


def _draws(of: Surrogate) -> _Draws:
    chances = (np.arange(DRAWS) + 0.5) / DRAWS
    error = float(_errors(of, _constant(of)[None])[0])
    means = of.coefficients[0] + error * stdtrit(of.freedom, chances)
    deviations = np.sqrt(variance.quantiles(of, chances))
    all_means, all_deviations = np.meshgrid(means, deviations)
    return _Draws(all_means.ravel(), all_deviations.ravel(), _shape(of))


def _shape(of: Surrogate) -> Floats:
    """The surrogate over the ranges, with mean 0 and deviation 1, each term shrunk by what of it may be noise."""
    doubt = of.noise**2 * np.diag(of.spread)
    squares = np.square(of.coefficients)
    kept = np.where(squares > doubt, 1 - doubt / np.where(squares > doubt, squares, 1.0), 0.0)
    figures = 1 + max(one for term in of.terms for one, _ in term)
    values = basis(_everywhere(figures), of.terms) @ np.where(
        [bool(term) for term in of.terms], kept * of.coefficients, 0.0
    )
    deviation = values.std()
    step = PLACES // KEPT
    shape: Floats = (np.sort(values)[step // 2 :: step] - values.mean()) / (deviation or 1.0)
    return shape


@cache
def _everywhere(figures: int) -> Floats:
    return latin_hypercube(PLACES, figures, seed=0)


def _share(of: Surrogate, spread: float, draws: _Draws, is_so: Condition) -> Estimate:
    """In which part of the ranges something is so of the log ratio. spread: its variance over them."""
    value = float(is_so(of.coefficients[0] + np.sqrt(spread) * draws.shape).mean())
    shares = is_so(draws.means[:, None] + draws.deviations[:, None] * draws.shape).mean(axis=1)
    low, high = np.quantile(shares, [SHARE_TAIL, 1 - SHARE_TAIL]).tolist()
    return Estimate(value, min(low, value), max(high, value))


def _turns(of: Surrogate, figure: int, verdict: Verdict, margin: float) -> tuple[Turn, ...]:
    """Where the figure's own curve leaves the verdict: at its ends it is on either side of a level, both shown.

    Sameness has two levels, which a steep curve passes both. Each comes with the side of it on which the verdict holds.
    """
    levels = {
        Verdict.HIGHER: ((0.0, 1),),
        Verdict.LOWER: ((0.0, -1),),
        Verdict.SAME: ((-margin, 1), (margin, -1)),
    }.get(verdict, ())
    at = np.linspace(0, 1, STEPS)
    rows = _own(of, figure, at)
    curve = rows @ of.coefficients
    half = _errors(of, rows) * float(stdtrit(of.freedom, 1 - LEVEL / 2))
    turns = []
    for level, side_held in levels:
        side = np.sign(curve - level) * (np.abs(curve - level) > half)
        if side[0] * side[-1] < 0:
            unsure = at[side == 0]
            crossing = float(at[np.argmax(np.sign(curve - level) == side[-1])])
            low, high = (float(unsure[0]), float(unsure[-1])) if len(unsure) else (crossing, crossing)
            turns.append(Turn(Estimate(crossing, low, high), is_above=bool(side[0] == side_held)))
    return tuple(sorted(turns))
