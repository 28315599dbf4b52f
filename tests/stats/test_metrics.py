"""What kind of figure a column is."""

import math

import pytest

from perfsim.errors import InputError
from perfsim.measure.columns import COLUMNS
from perfsim.stats.metrics import METRICS, USUAL, check_metric, is_higher_faster, resolution, values_needed


def test_metrics_are_the_figures_of_a_run_and_the_usual_are_among_them() -> None:
    assert set(USUAL) < set(METRICS) < {column.name for column in COLUMNS}
    assert {"point", "seed", "run_id", "putback_latency_hist"}.isdisjoint(METRICS)


@pytest.mark.parametrize(
    "metric, expected",
    [
        ("reclaim_freed_per_s", True),
        ("putback_latency_mean_ns", False),
        ("fault_latency_max_ns", False),
        ("putback_latency_count", None),
        ("lru_lock_wait_total_ns", None),
        ("cpu_spin_fraction", None),
    ],
)
def test_more_throughput_and_less_latency_are_faster(metric: str, expected: bool | None) -> None:
    assert is_higher_faster(metric) is expected


def test_percentiles_are_known_to_a_cell_and_other_figures_exactly() -> None:
    assert math.exp(resolution("fault_latency_p999_ns")) == pytest.approx(65 / 64)
    assert resolution("fault_latency_mean_ns") == resolution("fault_latency_max_ns") == 0


@pytest.mark.parametrize("percentile, least", [("p50", 2), ("p90", 10), ("p99", 100), ("p999", 1000)])
def test_of_fewer_values_a_percentile_is_their_maximum(percentile: str, least: int) -> None:
    assert values_needed(f"mlock_call_latency_{percentile}_ns") == ("mlock_call_latency_count", least)
    assert values_needed("mlock_call_latency_max_ns") == ("", 0)


def test_every_column_that_counts_values_is_there() -> None:
    counts = {values_needed(metric)[0] for metric in METRICS} - {""}
    assert len(counts) == 7
    assert counts < set(METRICS)


@pytest.mark.parametrize("name", ["putback_latency_p98_ns", "design", ""])
def test_what_is_no_figure_is_refused_with_the_nearest(name: str) -> None:
    with pytest.raises(InputError, match=r"--metric: .* is no figure of the results; expected one such as") as refused:
        check_metric(name)
    assert ("did you mean" in str(refused.value)) is name.startswith("putback")
