"""Curves: the histograms of a design's runs at a point, together."""

from pathlib import Path

import numpy as np

from perfsim.report.comparison import Asked
from perfsim.report.pictures.curves import TAILS_COARSE, TAILS_FINE, curves, tails_for
from perfsim.report.pictures.material import gather
from tests.report.pictures.made import NO_AXIS, figures, material_of, results, scenario_of
from tests.sweep.stored import rows_of, store

HIST = "putback_latency_hist"


def test_histograms_of_all_replications_are_one(tmp_path: Path) -> None:
    scenario = scenario_of(NO_AXIS, "sweep.replications=2")
    rows = rows_of(scenario, figures)
    for row in rows:
        row[HIST] = [{"upper_ns": 10.0 + row["replication"], "count": 1}]
    found = curves(gather(Asked(results(tmp_path / "a", scenario, rows))), [HIST])[HIST]
    assert found.shape == (2, 1, len(TAILS_FINE))
    at = TAILS_FINE.index(0.5)
    assert found[:, 0, 0].tolist() == [10.0, 10.0]
    assert found[:, 0, at].tolist() == [10.0, 10.0]
    assert np.isnan(found[:, 0, at + 1]).all()


def test_a_run_that_is_in_both_files_counts_once(tmp_path: Path) -> None:
    scenario = scenario_of(NO_AXIS, "sweep.replications=2")
    rows = rows_of(scenario, figures)
    whole = curves(gather(Asked(results(tmp_path / "a", scenario, rows))), [HIST])[HIST]
    twice = store(tmp_path / "b", scenario, rows, waiting=rows[:2])
    np.testing.assert_array_equal(curves(gather(Asked(str(twice))), [HIST])[HIST], whole)


def test_each_point_and_design_has_its_own_curve(tmp_path: Path) -> None:
    found = curves(material_of(tmp_path / "a"), [HIST])[HIST]
    cpus = [1, 1, 2, 2, 4, 4, 8, 8, 16, 16] * 2
    assert found[:, :, 0].tolist() == [[100.0 * one for one in cpus]] * 2


def test_very_many_points_have_coarse_curves(tmp_path: Path) -> None:
    material = material_of(tmp_path / "a")
    assert tails_for(material) == TAILS_FINE
    crowded = material.matched._replace(points=material.matched.points * 50)
    assert tails_for(material._replace(matched=crowded)) == TAILS_COARSE
