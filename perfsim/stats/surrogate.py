"""A response of many uncertain figures as a polynomial of them, fitted to a noisy sample: a surrogate.

The figures are given as places in the unit cube: 0 and 1 are the ends of a figure's range, and all places are equally
likely. A sample of such a response tells the polynomial's coefficients by least squares, and with orthonormal
polynomials the coefficients tell the rest: means, effects, and each figure's part of the variance (B. Sudret, Global
sensitivity analysis using polynomial chaos expansions, Reliability Engineering and System Safety 93, 2008, 964-979).

Why not the methods that vary one figure at a time, Morris's (1991) and Saltelli's estimators of Sobol's indices, as
SALib and scipy.stats.sobol_indices have them: a simulation has noise, and its figures are many. N runs of 40 figures
leave each figure N/41 of Morris's differences of two noisy runs; least squares has all N runs tell of all figures at
once. Its standard error of an effect is 3.5/sqrt(N) of a run's noise over the whole range, that of Morris's 14/sqrt(N).
Saltelli's estimators take N/42 bases, and the noise enters into them as if it were an interaction of all figures.

Which polynomial: every figure has a straight line. A few, those whose own curves (degree 2) explain most, also get
higher degrees and products of two: as many of them, to such a degree, as generalized cross-validation asks for (G. H.
Golub, M. Heath, G. Wahba, Technometrics 21, 1979, 215-223), with at most a term for every three samples. But none
unless an F test shows that they are no chance: what is fitted to noise leaves too little of it, and intervals too
narrow. A figure that acts in products alone, among many figures, is missed.
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
from numpy.polynomial import legendre
from scipy.special import fdtrc

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from perfsim.stats.ratios import Floats

Term: TypeAlias = tuple[tuple[int, int], ...]
"""A product of polynomials: of each figure in it, by its index, the degree. () is the constant."""

SAMPLES_A_TERM = 3
"""How many samples each coefficient has at least."""

SAMPLES_MIN = 64
"""Fewer would say too little of the noise."""

CURVED_COUNTS = (0, 1, 2, 3, 4, 6, 8, 12)
DEGREE_MAX = 10
CURVES_LEVEL = 0.001
TINY = float(np.finfo(np.float64).tiny)


class Surrogate(NamedTuple):
    """A fitted polynomial.

    terms: the first is the constant, then a straight line of each figure. coefficients: of the terms. spread: their
    covariance over the noise's variance. noise: standard deviation of one sample around the polynomial. freedom: its
    degrees of freedom. predicted: which part of the variance it predicts of samples that it has not seen; 0 or
    less is nothing.
    """

    terms: tuple[Term, ...]
    coefficients: Floats
    spread: Floats
    noise: float
    freedom: int
    predicted: float


def samples_min(figures: int) -> int:
    """The fewest samples that so many figures take."""
    return max(SAMPLES_MIN, SAMPLES_A_TERM * (figures + 1))


def latin_hypercube(samples: int, figures: int, seed: int) -> Floats:
    """Places that cover each figure's range evenly, one in each of `samples` slices, and are independent else.

    M. D. McKay, R. J. Beckman, W. J. Conover, Technometrics 21, 1979, 239-245. [sample, figure]; the same for a seed
    with every version of numpy, which promises that of a generator's bits alone.
    """
    bits = np.random.PCG64(seed).random_raw(2 * samples * figures).reshape(2, samples, figures)
    order = np.argsort(bits[0], axis=0, kind="stable").argsort(axis=0)
    within = (bits[1] >> 11) * 2.0**-53
    places: Floats = (order + within) / samples
    return places


def basis(places: Floats, terms: Sequence[Term]) -> Floats:
    """The terms' polynomials at places: Legendre's, with mean square 1 and independent of each other. [sample, term]"""
    degree = max((power for term in terms for _, power in term), default=0)
    single = legendre.legvander(2 * places - 1, degree) * np.sqrt(2 * np.arange(degree + 1) + 1)
    columns = np.ones((len(places), len(terms)))
    for column, term in enumerate(terms):
        for figure, power in term:
            columns[:, column] *= single[:, figure, power]
    return columns


def fit(places: Floats, response: Floats) -> Surrogate:
    """The polynomial that predicts best, or straight lines if no curve is shown.

    places: [sample, figure], at least samples_min() of them. response: at each.
    """
    samples, figures = places.shape
    assert samples >= samples_min(figures), f"{samples} samples of {figures} figures"
    lines, *others = (_fitted(places, response, terms) for terms in _candidates(places, response))
    best = max(others, key=lambda one: one.predicted, default=lines)
    return best if _are_shown(best, lines) else lines


def _are_shown(of: Surrogate, lines: Surrogate) -> bool:
    """Whether what a polynomial has more than the straight lines is no chance: an F test.

    Stricter than one test would be, for the polynomial was chosen for it.
    """
    more = len(of.terms) - len(lines.terms)
    gained = lines.noise**2 * lines.freedom - of.noise**2 * of.freedom
    return more > 0 and float(fdtrc(more, of.freedom, gained / more / max(of.noise**2, TINY))) < CURVES_LEVEL


def _candidates(places: Floats, response: Floats) -> Iterator[tuple[Term, ...]]:
    """Polynomials to choose from, the smallest first."""
    samples, figures = places.shape
    order = _by_strength(places, response)
    found: set[tuple[Term, ...]] = set()
    for degree in range(1, DEGREE_MAX + 1):
        for count in CURVED_COUNTS if degree > 1 else (0,):
            terms = _terms(figures, order[:count], degree)
            if len(terms) * SAMPLES_A_TERM <= samples and terms not in found:
                found.add(terms)
                yield terms


def _by_strength(places: Floats, response: Floats) -> list[int]:
    """The figures, those first whose own curves explain most. Each curve is fitted alone: the figures are many."""
    apart = response - response.mean()
    explained = []
    for figure in range(places.shape[1]):
        curve = basis(places[:, [figure]], (((0, 1),), ((0, 2),)))
        explained.append(float(np.square(curve.T @ apart).sum()))
    return sorted(range(len(explained)), key=lambda figure: -explained[figure])


def _terms(figures: int, curved: Sequence[int], degree: int) -> tuple[Term, ...]:
    """The constant, a straight line each, and of the curved ones all powers and products of two up to a degree."""
    lines = tuple(((figure, 1),) for figure in range(figures))
    powers = tuple(((figure, power),) for figure in curved for power in range(2, degree + 1))
    products = tuple(
        ((one, power), (other, rest))
        for one, other in combinations(sorted(curved), 2)
        for power in range(1, degree)
        for rest in range(1, degree - power + 1)
    )
    return ((), *lines, *powers, *products)


def _fitted(places: Floats, response: Floats, terms: tuple[Term, ...]) -> Surrogate:
    columns = basis(places, terms)
    spread = np.linalg.inv(columns.T @ columns)
    coefficients = spread @ (columns.T @ response)
    left = response - columns @ coefficients
    freedom = len(response) - len(terms)
    unexplained = float(np.square(left).sum()) / freedom
    if np.ptp(response) == 0:  # rounding must not make effects of equal figures
        alone = np.concatenate([response[:1], np.zeros(len(terms) - 1)])
        return Surrogate(terms, alone, np.asarray(spread), 0.0, freedom, 0.0)
    variance = float(response.var(ddof=1))
    # By generalized cross-validation.
    predicted = 1 - unexplained * len(response) / freedom / variance
    noise = math.sqrt(unexplained)
    return Surrogate(terms, np.asarray(coefficients), np.asarray(spread), noise, freedom, predicted)
