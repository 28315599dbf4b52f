"""Several passes as one: what drifts between them counts."""

from perfsim.calibrate.findings import Finding, by_key, found, not_measured, pooled, virtual
from perfsim.calibrate.samples import Figure, Refused


def passes_of(*findings: Finding) -> Finding:
    """The one finding of passes that each made one of the same key."""
    [answer] = pooled([by_key([finding]) for finding in findings]).values()
    return answer


def steady(value: float) -> Figure:
    return Figure(value - 1, value, value + 1, 2 / value)


def test_passes_that_agree_are_the_middle_of_them_as_wide_as_their_medians() -> None:
    answer = passes_of(*(found("pause", steady(value), "pause") for value in (11, 10.5, 11.5)))
    assert answer.figure == Figure(10, 11, 12, 2 / 11)
    assert answer.how == "pause"


def test_passes_each_steady_that_drift_apart_are_noise() -> None:
    answer = passes_of(*(found("llc_transfer", steady(value), "ping-pong") for value in (60, 70, 100))).answer
    assert isinstance(answer, Refused)
    assert (answer.kind, answer.why) == ("noise", "spread 57 %, at most 50 %")


def test_one_noisy_pass_among_three_is_outvoted_but_not_two() -> None:
    wide, narrow = (found("pause", figure, "pause") for figure in (Figure(5, 10, 20, 1.5), steady(10)))
    assert passes_of(wide, narrow, narrow).figure == steady(10)
    answer = passes_of(wide, narrow, wide).answer
    assert isinstance(answer, Refused)
    assert answer.figure is not None
    assert (answer.figure.low, answer.figure.high) == (5, 20)


def test_what_one_pass_of_three_could_not_measure_is_told_by_the_others() -> None:
    lacking, known = not_measured("page_fault", "its part page_clear is not known"), found("page_fault", steady(10), "")
    assert passes_of(known, known, lacking) == passes_of(lacking, known, known) == known
    assert passes_of(lacking, known, lacking) == lacking


def test_what_is_not_measured_or_virtual_stays_so() -> None:
    assert passes_of(*[not_measured("dram_remote", "one socket")] * 3) == not_measured("dram_remote", "one socket")
    finding = virtual("ipi", steady(10), "futex")
    assert passes_of(finding, finding) == finding
