"""Several passes as one: what drifts between them counts."""

from perfsim.calibrate.findings import Finding, by_key, found, not_measured, pooled, virtual
from perfsim.calibrate.samples import Figure, Refused


def passes_of(*findings: Finding) -> Finding:
    """The one finding of passes that each made one of the same key."""
    [answer] = pooled([by_key([finding]) for finding in findings]).values()
    return answer


def steady(value: float) -> Figure:
    return Figure(value - 1, value, value + 1, 2 / value)


def test_passes_that_agree_are_the_lowest_the_median_and_the_highest() -> None:
    answer = passes_of(*(found("pause", steady(value), "pause") for value in (11, 10, 12)))
    assert answer.figure == Figure(9, 11, 13, 4 / 11)
    assert answer.how == "pause"


def test_passes_each_steady_that_drift_apart_are_noise() -> None:
    answer = passes_of(*(found("llc_transfer", steady(value), "ping-pong") for value in (60, 70, 100))).answer
    assert isinstance(answer, Refused)
    assert (answer.kind, answer.why) == ("noise", "spread 60 %, at most 50 %")


def test_one_noisy_pass_counts_with_its_figure() -> None:
    wide = Figure(5, 10, 20, 1.5)
    answer = passes_of(found("pause", wide, "pause"), found("pause", steady(10), "pause")).answer
    assert isinstance(answer, Refused)
    assert answer.figure is not None
    assert (answer.figure.low, answer.figure.high) == (5, 20)


def test_what_is_not_measured_or_virtual_stays_so() -> None:
    assert passes_of(*[not_measured("dram_remote", "one socket")] * 3) == not_measured("dram_remote", "one socket")
    finding = virtual("ipi", steady(10), "futex")
    assert passes_of(finding, finding) == finding
