"""What the check prints: every figure, why one is not judged, and the answer in a line."""

from perfsim.calibrate.agreement import Drift, agreement_of, compared
from perfsim.calibrate.samples import Figure
from perfsim.report.agreement import agreement_table, verdict
from perfsim.report.render import render
from tests.calibrate.made import case


def test_the_answer_names_median_and_worst_with_what_is_allowed() -> None:
    found = agreement_of([case(per_s=110.0), case(p50=139.0)])
    assert verdict(found) == "accepted: median error 0.0 % (at most 15 %), worst 39.0 % (at most 40 %), of 10 figures"


def test_noise_is_told_as_noise() -> None:
    wide = compared("p50", Figure(80.0, 100.0, 121.0, 0.41), 100.0, is_virtual=False)
    noisy = case()._replace(figures={"p50": wide})
    assert verdict(agreement_of([noisy])).startswith("cannot tell: 0 of 1 figures are no noise")


def test_every_case_has_real_simulated_and_ratio_and_what_is_not_judged() -> None:
    text = render(agreement_table(agreement_of([case("bit", is_virtual=True, p99=50.0)]), "mine"), "csv")
    heads, line = (row.split(",") for row in text.replace('"', "").splitlines())
    cells = dict(zip(heads, line, strict=False))
    assert (cells["p99_real"], cells["p99_simulated"], cells["p99_ratio"]) == ("100.0", "50.0", "0.5")
    assert cells["not_judged"] == "per_s virtual"


def test_what_is_beyond_the_limit_is_listed_below_the_table() -> None:
    table = agreement_table(agreement_of([case(p99=50.0)]), "mine")
    assert "beyond 40 %: ticket, 2 threads, 1us exp / 200ns exp, p99: error 50 %" in table.notes
    assert table.notes[-1].startswith("not accepted: ")


def test_one_thread_and_one_repetition_are_told_as_one() -> None:
    table = agreement_table(agreement_of([case(p99=50.0)._replace(threads=1, disturbed=1)]), "mine")
    assert any(note.startswith("beyond 40 %: ticket, 1 thread, 1us exp / ") for note in table.notes)
    assert table.rows[0][-1] == "others had a CPU in 1 repetition"


def test_a_machine_that_is_another_one_afterwards_is_told_as_noise() -> None:
    found = agreement_of([case(p99=20.0)])._replace(drift=Drift(64.0, 64.0, 45.04))
    assert (found.is_noise, found.is_accepted) == (True, False)
    assert verdict(found) == (
        "cannot tell: llc_transfer went from 64 to 45 ns meanwhile; expected a machine that stays the same"
    )


def test_a_machine_that_drifts_is_told_by_its_transfer() -> None:
    steady, drifting = (
        agreement_table(agreement_of([case()])._replace(drift=Drift(64.0, 66.0, after)), "mine").notes[1]
        for after in (60.0, 45.04)
    )
    assert steady == "llc_transfer: 64 ns in the profile, 66 ns right before, 60 ns right after"
    assert drifting == (
        "llc_transfer: 64 ns in the profile, 66 ns right before, 45 ns right after; the machine is not as the profile "
        "has it, or drifts"
    )
