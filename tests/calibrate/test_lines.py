"""Which pairs of CPUs are asked what, and what is made of it."""

import os

import pytest

from perfsim.calibrate import lines
from perfsim.calibrate.bench import Bench
from perfsim.calibrate.findings import by_key
from perfsim.calibrate.here import Cpu
from perfsim.calibrate.lines import measure_line_service, measure_transfers
from perfsim.calibrate.samples import Figure, Refused, Sample

CPUS = sorted(os.sched_getaffinity(0))
NOTHING = Figure(0.0, 0.0, 0.0, 0.0)


def said_to_be(bench: Bench, *cpus: Cpu) -> Bench:
    """The bench of a machine whose CPUs are said to be these."""
    return bench._replace(here=bench.here._replace(cpus=cpus))


@pytest.mark.skipif(len(CPUS) == 1, reason="a pair takes two CPUs")
def test_two_cpus_on_two_sockets_have_no_transfer_within_a_socket(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "TURNS", 50)
    two = said_to_be(bench, Cpu(CPUS[0], "a", "0"), Cpu(CPUS[1], "b", "1"))
    found = by_key(measure_transfers(two, NOTHING))
    assert isinstance(found["llc_transfer"].answer, Refused)
    assert found["llc_transfer"].answer.why == "no two CPUs that may be used are on two cores of one socket"
    assert "1 pair of CPUs" in found["socket_transfer"].how
    assert found["socket_transfer_far"].answer == found["socket_transfer"].answer


def test_siblings_of_one_core_are_a_class_of_their_own(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []

    def turns(_bench: Bench, one: Cpu, other: Cpu) -> Sample:
        asked.append((one.number, other.number))
        return Sample(10.0 if one.core == other.core else 70.0)

    monkeypatch.setattr(lines, "_turns", turns)
    four = said_to_be(bench, *(Cpu(number, str(number % 2), "0") for number in range(4)))
    found = by_key(measure_transfers(four, NOTHING))
    assert set(asked) == {(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)}
    assert found["smt_transfer"].figure == Figure(10.0, 10.0, 10.0, 0.0)
    assert found["llc_transfer"].figure == Figure(70.0, 70.0, 70.0, 0.0)


def test_without_the_cost_of_an_atomic_no_transfer_is_told(bench: Bench) -> None:
    three = said_to_be(bench, Cpu(0, "a", "0"), Cpu(1, "a", "0"), Cpu(2, "b", "0"))
    answers = {key: finding.answer for key, finding in by_key(measure_transfers(three, None)).items()}
    assert [answers[key] for key in ("smt_transfer", "llc_transfer")] == [
        Refused("not measured", "its part atomic_local is not known")
    ] * 2
    assert isinstance(answers["socket_transfer"], Refused)
    assert "on two sockets" in answers["socket_transfer"].why


def test_line_service_is_twice_the_slope_over_the_threads(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "_all_at", lambda _bench, _kernel, cpus: Sample(130.0 + 12.0 * len(cpus)))
    many = said_to_be(bench, *(Cpu(number, str(number), "0") for number in range(8)))
    figure = measure_line_service(many).figure
    assert figure is not None
    assert figure.best == pytest.approx(24.0)


def test_two_cores_make_no_slope(bench: Bench) -> None:
    two = said_to_be(bench, *(Cpu(number, str(number), "0") for number in range(2)))
    answer = measure_line_service(two).answer
    assert isinstance(answer, Refused)
    assert answer.why == "a slope over threads needs 3 cores of one socket"
