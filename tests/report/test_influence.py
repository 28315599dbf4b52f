"""A sensitivity in words: the verdict, how far it holds, what turns it, what decides, what chance hides."""

from perfsim.machine.costs import WAKEUP
from perfsim.machine.profile import load_profile
from perfsim.report.influence import notes
from perfsim.stats.comparison import Verdict
from perfsim.stats.sensitivity import Influence, Sample, Sensitivity, Turn, sensitivity
from perfsim.stats.surrogate import latin_hypercube
from perfsim.stats.variance import Estimate
from perfsim.sweep.uncertainty import uncertain_costs
from tests.stats.known import noise

X86_64 = load_profile("x86_64")
NOTHING = Estimate(0.0, -0.001, 0.002)
IDLE = Influence(NOTHING, Estimate(0.0, 0.0, 0.1), Estimate(0.0, 0.0, 0.1), 1.0, ())
DECIDING = Influence(
    Estimate(-0.03, -0.04, -0.02),
    Estimate(0.8, 0.6, 0.9),
    Estimate(0.8, 0.6, 0.9),
    1e-6,
    (Turn(Estimate(0.75, 0.5, 1), is_above=True),),
)
METRIC = "reclaim_scanned_per_s"


def made(deciding: Influence, verdict: Verdict, holds: Estimate | None) -> Sensitivity:
    """A sensitivity to x86_64's figures of which one, the wake-up, is given."""
    influences = tuple(deciding if cost == WAKEUP else IDLE for cost in uncertain_costs(X86_64))
    best, mean = Estimate(0.02, 0.01, 0.03), Estimate(0.015, 0.01, 0.02)
    return Sensitivity(influences, best, mean, verdict, NOTHING, Estimate(0.97, 0.9, 1.0), holds, 0.005, 0.25)


def test_a_verdict_is_told_with_what_turns_it_in_the_figures_units() -> None:
    told = notes(made(DECIDING, Verdict.HIGHER, Estimate(0.97, 0.95, 0.99)), METRIC, 0.01, X86_64)
    assert told[0] == "with the best figures: ratio 1.020 [1.010, 1.030], faster"
    assert told[2] == (
        "the verdict, faster, holds in 97 % [95, 99] of the range; it turns only when wakeup > 1.1us [800ns, 1.5us]"
    )
    assert told[3].startswith("what decides: wakeup (80 % of the variance, -3 % from low to high); the other 42 cannot")
    assert "scatters by 0.5 % around what the figures explain, which is 25 % of the variance" in told[4]


def test_where_no_figure_decides_it_is_told_how_much_one_would_have_to() -> None:
    told = notes(made(IDLE, Verdict.SAME, Estimate(1.0, 0.9, 1.0)), METRIC, 0.01, X86_64)
    assert told[0].endswith("same (within 1 %)")
    assert told[2].endswith("no figure alone is shown to turn it")
    assert told[3] == "no figure of 43 can be told from chance; one alone would from about +0.3 % on"


def test_a_figure_that_is_told_from_chance_where_all_together_are_not_has_no_share() -> None:
    """One effect of 43, just clear of the noise of 160 pairs: Holm's method shows it, one test of all 43 does not."""
    costs = uncertain_costs(X86_64)
    places = latin_hypercube(160, len(costs), seed=1)
    logs = 0.04 * places[:, costs.index(WAKEUP)] + noise(160, 1, 0.03)
    found = sensitivity(Sample(places, logs, noise(40, 2, 0.03)), 0.01)
    assert [cost for cost, one in zip(costs, found.influences, strict=True) if one.is_shown] == [WAKEUP]
    told = notes(found, METRIC, 0.01, X86_64)
    assert told[3].startswith("what decides: wakeup (an unknown part of the variance, +")
    assert "nan" not in " ".join(told)


def test_without_a_verdict_nothing_is_said_to_hold() -> None:
    told = notes(made(IDLE, Verdict.OPEN, None), METRIC, 0.01, X86_64)
    assert told[2] == "no verdict to hold: more --samples would tell more"
