"""Pairs of runs on machines that differ: the same whatever runs them, at the profile's own costs a plain run."""

import io

import pytest

from perfsim.engine.prepare import profile_of
from perfsim.errors import InputError
from perfsim.kernel.boot import Seed
from perfsim.machine.costs import WAKEUP
from perfsim.measure.row import simulate
from perfsim.scenario.schema import Scenario
from perfsim.sweep import gather
from perfsim.sweep.driver import outcomes
from perfsim.sweep.trials import Trial, trial_runs, tried
from perfsim.sweep.uncertainty import uncertain_costs
from tests.sweep.into import Tiny

METRIC = "events"


def places(scenario: Scenario, *at: float) -> list[list[float]]:
    """A machine a figure, with all costs at that place in their ranges."""
    return [[one] * len(uncertain_costs(profile_of(scenario))) for one in at]


def test_at_its_best_figures_a_machine_gives_what_a_plain_run_gives(tiny: Tiny, in_this_process: None) -> None:
    scenario = tiny("machine.cpus=2")
    found = tried(Trial(scenario, METRIC, "compiled", 1), places(scenario, 0.5, 0.5), io.StringIO())
    plain = [
        tuple(simulate(scenario, design, Seed(1, seed))[METRIC] for design in ("lock_page", "redo")) for seed in (0, 1)
    ]
    assert found == plain


def test_costs_change_the_run_and_its_identity(tiny: Tiny) -> None:
    scenario = tiny("machine.cpus=2")
    runs = trial_runs(Trial(scenario, METRIC, "compiled"), places(scenario, 0.5, 0.0))
    assert [run.labels["design"] for run in runs] == ["lock_page", "redo"] * 2
    assert len({run.task.run_id for run in runs}) == 4
    assert profile_of(runs[2].task.scenario).best_ps[WAKEUP] == profile_of(scenario).low_ps[WAKEUP]
    assert [run.task.seed for run in runs] == [Seed(1, 0)] * 2 + [Seed(1, 1)] * 2


def test_the_number_of_workers_changes_nothing(
    tiny: Tiny, in_this_process: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = tiny("machine.cpus=1")
    at = places(scenario, 0.1, 0.6, 0.9)
    alone = tried(Trial(scenario, METRIC, "compiled", 1), at, io.StringIO())
    assert len(set(alone)) > 1
    monkeypatch.setattr(gather, "outcomes", outcomes)
    assert tried(Trial(scenario, METRIC, "compiled", 2), at, io.StringIO()) == alone


def test_a_metric_without_a_ratio_ends_it(tiny: Tiny, in_this_process: None) -> None:
    scenario = tiny("machine.cpus=1")
    with pytest.raises(
        InputError, match=r"--metric: migrated_per_s is 0 in a run of (redo|lock_page), which leaves no"
    ):
        tried(Trial(scenario, "migrated_per_s", "compiled", 1), places(scenario, 0.5), io.StringIO())


@pytest.mark.parametrize(
    "designs, told",
    [
        (("redo",), r"redo alone has no ratio; expected two, the old and the new"),
        (("lock_page", "redo", "redo_merged"), r"3 designs; expected two"),
    ],
)
def test_anything_but_two_designs_is_refused(tiny: Tiny, designs: tuple[str, ...], told: str) -> None:
    scenario = tiny(designs=designs)
    with pytest.raises(InputError, match=told):
        tried(Trial(scenario, METRIC, "compiled", 1), [], io.StringIO())
