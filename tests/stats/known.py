"""Responses whose means, shares of variance and noise are known: what surrogates and their intervals are tried on."""

import numpy as np
from numpy.typing import NDArray

from perfsim.stats.surrogate import latin_hypercube

Floats = NDArray[np.float64]

ISHIGAMI_FIRST = (0.3139, 0.4424, 0.0)
ISHIGAMI_TOTAL = (0.5576, 0.4424, 0.2437)
"""Sobol's indices for a = 7, b = 0.1 (T. Ishigami, T. Homma, 1990): the third figure acts with the first one alone."""

WEIGHTS = np.array([3.0, 2.0, 1.0, 0.5])
"""Effects of four figures, in deviations each, of a response that is straight in all of them."""


def ishigami(places: Floats) -> Floats:
    """sin x1 + 7 sin^2 x2 + 0.1 x3^4 sin x1, each x from -pi to pi."""
    x = np.pi * (2 * places - 1)
    response: Floats = np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])
    return response


def straight(places: Floats, weights: Floats = WEIGHTS, mean: float = 0.0) -> Floats:
    """A sum of straight lines, of variance weights**2 each."""
    response: Floats = mean + np.sqrt(12) * (places - 0.5) @ weights
    return response


def noise(samples: int, seed: int, deviation: float) -> Floats:
    """Normal noise."""
    values: Floats = deviation * np.random.default_rng(seed).standard_normal(samples)
    return values


def noisy_lines(samples: int, seed: int, deviation: float = 1.0) -> tuple[Floats, Floats]:
    """Places, and the straight response there with noise."""
    places = latin_hypercube(samples, len(WEIGHTS), seed)
    return places, straight(places) + noise(samples, seed, deviation)
