"""The answer of a sensitivity: which figures are shown first, and their elasticities."""

import csv
import io
import json
import math

import numpy as np
import pytest

from perfsim.machine.profile import describe, load_profile
from perfsim.report.sensitivity import Answer, Asked, elasticity
from perfsim.scenario.validate import load_scenario
from perfsim.stats.sensitivity import Sample, sensitivity
from perfsim.stats.surrogate import latin_hypercube
from perfsim.stats.variance import Estimate
from perfsim.sweep.trials import Trial
from perfsim.sweep.uncertainty import uncertain_costs
from tests.stats.known import noise

X86_64 = load_profile("x86_64")
FIGURES = {figure.key: figure for figure in describe(X86_64)}


@pytest.fixture(scope="module")
def answer() -> Answer:
    """Of a ratio that only the wake-up moves, by 10 % over its range, and noise."""
    costs = uncertain_costs(X86_64)
    names = [list(FIGURES)[-45:][cost] for cost in costs]
    places = latin_hypercube(256, len(costs), seed=1)
    logs = 0.1 * places[:, names.index("wakeup")] + noise(256, 1, 0.002)
    sample = Sample(places, logs, 0.05 + noise(64, 2, 0.002))
    scenario = load_scenario("mlock_heavy")
    asked = Asked(Trial(scenario, "reclaim_scanned_per_s", "compiled"), 256, 0.01)
    return Answer(asked, ("lock_page", "redo"), X86_64, sensitivity(sample, 0.01))


def test_the_figure_that_decides_comes_first_with_its_elasticity(answer: Answer) -> None:
    first = answer.record()["figures"][0]
    assert first["figure"] == "wakeup"
    assert first["matters"]
    assert first["elasticity_low"] < 0.1 / math.log(1.5 / 0.4) < first["elasticity_high"]
    assert first["first"] > 0.98
    assert sum(figure["matters"] for figure in answer.record()["figures"]) == 1


def test_the_table_has_those_that_matter_and_a_few_more(answer: Answer) -> None:
    lines = answer.text("table").splitlines()
    assert lines[0] == "mlock_heavy, x86_64, 16 CPUs: reclaim_scanned_per_s, redo/lock_page on 256 machines"
    assert lines[4].split()[:5] == ["wakeup", "400", "800", "1500", "ns"]
    assert [line.endswith("yes") for line in lines[4:10]] == [True] + [False] * 5
    assert "the verdict, faster, holds in 99.9 %" in answer.text("markdown")


def test_every_form_tells_the_same(answer: Answer) -> None:
    content = json.loads(answer.text("json"))
    assert content["notes"][0] in answer.text("table")
    lines = list(csv.DictReader(io.StringIO(answer.text("csv"))))
    assert [line["figure"] for line in lines] == [figure["figure"] for figure in content["figures"]]
    assert len(lines) > 40
    assert [float(line["elasticity"]) for line in lines if line["elasticity"]] == [
        figure["elasticity"] for figure in content["figures"] if figure["elasticity"] is not None
    ]


def test_a_figure_that_may_be_0_has_no_elasticity() -> None:
    effect = Estimate(0.1, 0.0, 0.2)
    assert elasticity(FIGURES["pause"], effect) is None
    assert elasticity(FIGURES["wakeup"], effect) == pytest.approx(np.array(effect) / math.log(1.5 / 0.4))
