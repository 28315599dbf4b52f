"""Surrogates: known responses found through noise, few terms where few are needed, places spread evenly."""

import numpy as np
import pytest

from perfsim.stats.surrogate import SAMPLES_A_TERM, basis, fit, latin_hypercube, samples_min
from tests.stats.known import WEIGHTS, ishigami, noise, noisy_lines


def test_every_slice_of_every_range_has_one_place() -> None:
    places = latin_hypercube(37, 5, seed=3)
    assert places.shape == (37, 5)
    assert np.array_equal(np.sort(np.floor(places * 37), axis=0), np.tile(np.arange(37)[:, None], 5))


def test_places_depend_on_the_seed_alone_and_figures_are_independent() -> None:
    places = latin_hypercube(4096, 6, seed=1)
    assert np.array_equal(places, latin_hypercube(4096, 6, seed=1))
    assert not np.array_equal(places, latin_hypercube(4096, 6, seed=2))
    assert np.abs(np.corrcoef(places.T) - np.eye(6)).max() < 0.06


def test_places_stay_the_same_in_every_version() -> None:
    assert latin_hypercube(4, 2, seed=1).round(6).tolist() == [
        [0.637398, 0.75689],
        [0.188378, 0.634536],
        [0.332433, 0.447107],
        [0.825799, 0.113374],
    ]


def test_the_polynomials_are_orthonormal() -> None:
    terms = ((), ((0, 1),), ((0, 2),), ((1, 5),), ((0, 1), (1, 1)), ((0, 3), (1, 2)))
    columns = basis(latin_hypercube(200_000, 2, seed=0), terms)
    assert np.abs(columns.T @ columns / len(columns) - np.eye(len(terms))).max() < 0.03


def test_straight_lines_are_found_through_noise_and_nothing_else() -> None:
    places, response = noisy_lines(128, seed=4)
    found = fit(places, response)
    assert found.terms == ((), ((0, 1),), ((1, 1),), ((2, 1),), ((3, 1),))
    errors = found.noise * np.sqrt(np.diag(found.spread))
    assert (np.abs(found.coefficients - [0, *WEIGHTS]) < 3 * errors).all()
    assert found.noise == pytest.approx(1.0, rel=0.2)
    assert found.predicted == pytest.approx(14.25 / 15.25, abs=0.03)


def test_curves_and_products_are_found_where_they_are() -> None:
    places = latin_hypercube(512, 3, seed=5)
    found = fit(places, ishigami(places) + noise(512, 5, 0.5))
    assert ((0, 1), (2, 2)) in found.terms
    elsewhere = latin_hypercube(2000, 3, seed=6)
    values = basis(elsewhere, found.terms) @ found.coefficients
    assert np.std(values - ishigami(elsewhere)) < 0.15 * np.std(ishigami(elsewhere))


@pytest.mark.parametrize("degree", [2, 3, 4])
def test_one_figure_is_curved_to_the_degree_that_it_takes(degree: int) -> None:
    places = latin_hypercube(256, 40, seed=1)
    curve = basis(places, (((3, 1),), ((3, 2),), ((3, degree),))).sum(axis=1)
    found = fit(places, curve + noise(256, 5, 0.05))
    assert [term for term in found.terms if len(term) > 1 or any(power > 1 for _, power in term)] == [
        ((3, power),) for power in range(2, degree + 1)
    ]


def test_noise_alone_is_not_taken_for_curves() -> None:
    curved = 0
    for seed in range(100):
        places = latin_hypercube(96, 6, seed)
        curved += len(fit(places, noise(96, seed, 1.0)).terms) > 7
    assert curved <= 5


def test_many_figures_leave_room_for_a_third_of_the_samples_at_most() -> None:
    places = latin_hypercube(samples_min(40), 40, seed=1)
    found = fit(places, ishigami(places) + noise(len(places), 1, 0.1))
    assert len(found.terms) * SAMPLES_A_TERM <= len(places)


def test_a_response_that_never_changes_has_neither_noise_nor_effects() -> None:
    found = fit(latin_hypercube(64, 3, seed=1), np.full(64, 0.25))
    assert found.coefficients == pytest.approx([0.25, 0, 0, 0])
    assert found.noise < 1e-12
    assert found.predicted == 0
