"""What must be said of rows before their figures are believed."""

import pytest

from perfsim.report.cautions import correctness, dropped_lock
from perfsim.scenario.points import jobs
from perfsim.scenario.schema import Scenario
from perfsim.scenario.validate import load_scenario
from tests.measure.rows import made_row


@pytest.fixture
def scenario() -> Scenario:
    return load_scenario("quickstart")


def test_what_went_wrong_is_told_by_design(scenario: Scenario) -> None:
    rows = [made_row(scenario, job) for job in jobs(scenario)[:6]]
    checks = [{"check": "no_page_is_lost", "count": 2, "first_ns": None}]
    rows[0] |= {"invariant_violations": 2, "violated_checks": checks, "defect_hits": [{"defect": "B4", "count": 1000}]}
    rows[1] |= {"defect_hits": [{"defect": "B4", "count": 234}]}
    rows[5] |= {"stranded_pages": 3, "oom_kills": 7}
    assert correctness(rows) == [
        "lock_page: known defect B4 1,234, violated no_page_is_lost 2",
        "redo: out of memory 7, stranded pages 3",
    ]


def test_mlock_figures_of_the_posted_rework_point_to_its_successor_unless_that_stands_beside_them(
    scenario: Scenario,
) -> None:
    old, new = (made_row(scenario, jobs(scenario)[0], design=design) for design in ("lock_page", "redo"))
    (note,) = dropped_lock([old, new])
    assert note.startswith("redo: its mlock() takes no page lock")
    assert note.endswith("redo_merged")
    assert dropped_lock([old, new, new | {"design": "redo_merged"}]) == []
    assert dropped_lock([new]) == []
    silent = {"mlock_call_latency_count": 0}
    assert dropped_lock([old | silent, new | silent]) == []
