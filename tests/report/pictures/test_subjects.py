"""Every rate, latency and lock that results have is one to choose, with its unit."""

from perfsim.measure.columns import COLUMNS
from perfsim.measure.record import RATES as MEASURED
from perfsim.report.pictures.subjects import LATENCIES, LOCKS, NUMBER, RATE, RATES, SHARE, TIME, subject


def with_end(end: str) -> list[str]:
    """What stands before such an end of a column's name."""
    return [column.name.removesuffix(end) for column in COLUMNS if column.name.endswith(end)]


def test_every_rate_latency_and_lock_of_results_has_a_picture() -> None:
    assert list(RATES) == list(MEASURED)
    assert list(LATENCIES) == with_end("_latency_hist")
    assert list(LOCKS) == with_end("_utilization")


def test_a_column_has_its_words_and_its_unit() -> None:
    assert subject("faults_per_s") == ("faults_per_s", "page faults/s", RATE)
    assert subject("putback_latency_p50_ns")[1:] == ("putback, median", TIME)
    assert subject("putback_latency_p999_ns")[1:] == ("putback_latency_p999_ns", TIME)
    assert [subject(name).unit for name in ("cpu_idle_fraction", "lru_lock_utilization")] == [SHARE] * 2
    assert subject("events").unit == NUMBER
