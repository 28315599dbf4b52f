"""The page as text: the same bytes for the same results, nothing to fetch, nobody else's markup."""

import re
from pathlib import Path

from perfsim.report.pictures.page import page_of
from tests.report.pictures.made import material_of


def test_the_same_results_give_the_same_bytes(tmp_path: Path) -> None:
    material = material_of(tmp_path / "a")
    assert page_of(material) == page_of(material)


def test_the_page_may_run_its_own_scripts_and_fetch_nothing(tmp_path: Path) -> None:
    page = page_of(material_of(tmp_path / "a"))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-eval" not in policy[1]
    before_scripts = page.partition('<script type="application/json"')[0]
    assert not re.search(r"(?:src|href)=", before_scripts)
    assert page.count("</script>") == 3


def test_a_small_sweep_makes_a_page_below_a_megabyte_and_a_half(tmp_path: Path) -> None:
    assert len(page_of(material_of(tmp_path / "a")).encode()) < 1_500_000
