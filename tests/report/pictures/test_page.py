"""The page as text: the same bytes for the same results, nothing to fetch, nobody else's markup."""

import re
from pathlib import Path

import pytest

from perfsim.report.comparison import Asked
from perfsim.report.pictures.material import Material, gather
from perfsim.report.pictures.page import page_of
from perfsim.stats.metrics import USUAL
from tests.report.pictures.made import NO_AXIS, material_of, results, scenario_of


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    return material_of(tmp_path_factory.mktemp("page") / "a")


@pytest.fixture(scope="module")
def page(material: Material) -> str:
    return page_of(material)


def test_the_same_results_give_the_same_bytes(material: Material, page: str) -> None:
    assert page_of(material) == page


def test_the_page_may_run_its_own_scripts_and_fetch_nothing(page: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-eval" not in policy[1]
    before_scripts = page.partition('<script type="application/json"')[0]
    assert not re.search(r"(?:src|href)=", before_scripts)
    assert page.count("</script>") == 3


def test_a_small_sweep_makes_a_page_below_a_megabyte_and_a_half(page: str) -> None:
    assert len(page.encode()) < 1_500_000


def test_one_run_one_point_and_one_more_verdict_are_told_as_one(tmp_path: Path) -> None:
    name = results(tmp_path / "a", scenario_of(NO_AXIS, "sweep.replications=1"))
    more = (
        "lru_lock_utilization",
        "lru_lock_wait_total_ns",
        "lru_lock_acquisitions",
        "putback_latency_count",
        "events",
    )
    assert "<summary>1 more verdict</summary>" in page_of(gather(Asked(name, metrics=(*USUAL, *more))))
    alone = results(tmp_path / "b", scenario_of(NO_AXIS, "sweep.replications=1", designs=("redo",)))
    assert "redo: 1 run at 1 point<" in page_of(gather(Asked(alone)))
