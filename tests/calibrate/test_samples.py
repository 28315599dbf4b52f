"""When repeated measurements are a figure, and when they are noise."""

import pytest

from perfsim.calibrate.samples import ATTEMPTS_TIMES, SAMPLES, Figure, Refused, Sample, figure_of, judged, sampled


def samples(*values: float) -> list[Sample]:
    return [Sample(value) for value in values]


def test_a_figure_is_minimum_median_and_90th_percentile() -> None:
    figure = figure_of(samples(*range(20, 9, -1)))
    assert (figure.low, figure.best, figure.high) == (10, 15, 19)
    assert figure.spread == pytest.approx(9 / 15)


def test_samples_that_lie_together_are_a_figure() -> None:
    figure = figure_of(samples(10, 10.2, 10.1, 9.9, 10.4))
    assert judged(figure) == figure


def test_samples_that_lie_far_apart_are_refused_as_noise_and_say_how_far() -> None:
    answer = judged(figure_of(samples(10, 12, 30, 31, 11)))
    assert isinstance(answer, Refused)
    assert answer.kind == "noise"
    assert answer.why == "spread 175 %, at most 50 %"
    assert answer.figure is not None


def test_one_outlier_among_many_is_no_noise() -> None:
    assert isinstance(judged(figure_of(samples(*[10.0] * 10, 500.0))), Figure)


def test_a_figure_of_which_its_parts_leave_nothing_is_noise() -> None:
    rest = figure_of(samples(10, 10, 10)).less(figure_of(samples(6, 6)), figure_of(samples(5, 5)))
    answer = judged(rest)
    assert isinstance(answer, Refused)
    assert "nothing is left" in answer.why


def test_what_parts_leave_is_judged_by_its_own_size() -> None:
    whole = figure_of(samples(100, 102, 104))
    assert isinstance(judged(whole), Figure)
    assert isinstance(judged(whole.less(figure_of(samples(99, 99)))), Refused)


def test_batches_that_others_disturb_are_replaced() -> None:
    batches = iter([Sample(99.0, was_disturbed=True), Sample(98.0, was_disturbed=True), *samples(*range(SAMPLES))])
    assert [sample.ns for sample in sampled(lambda: next(batches))] == list(range(SAMPLES))


def test_where_all_batches_are_disturbed_they_are_taken_and_the_figure_says_so() -> None:
    taken = sampled(lambda: Sample(10.0, was_disturbed=True))
    count = ATTEMPTS_TIMES * SAMPLES
    assert len(taken) == count
    assert figure_of(taken).note == f"others had the CPU in {count} of {count} batches"
