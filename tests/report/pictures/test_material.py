"""Material: what is read and compared for a report, in every shape that results have."""

from pathlib import Path

import pytest

from perfsim.errors import InputError
from perfsim.report.comparison import Asked
from perfsim.report.pictures.material import gather
from tests.report.pictures.made import NO_AXIS, figures, material_of, results, scenario_of
from tests.sweep.stored import rows_of


def test_one_design_is_shown_without_a_comparison(tmp_path: Path) -> None:
    material = material_of(tmp_path / "a", designs=("redo",))
    assert [series.side.label for series in material.series] == ["redo"]
    assert material.families == ()


def test_two_results_are_shown_old_first(tmp_path: Path) -> None:
    scenario = scenario_of(NO_AXIS)
    new, old = (results(tmp_path / name, scenario) for name in ("after", "before"))
    material = gather(Asked(new, old))
    assert [(series.results, series.design) for series in material.series] == [
        (old, "lock_page"),
        (old, "redo"),
        (new, "lock_page"),
        (new, "redo"),
    ]


def test_results_of_an_older_perfsim_are_shown_by_what_they_have(tmp_path: Path) -> None:
    scenario = scenario_of(NO_AXIS)
    rows = [row | {"reclaim_scanned_per_s": None} for row in rows_of(scenario, figures)]
    material = gather(Asked(results(tmp_path / "a", scenario, rows)))
    assert "reclaim_scanned_per_s" not in {family.metric for family in material.families}
    assert "putback_latency_p99_ns" in {family.metric for family in material.families}


@pytest.mark.parametrize(
    "asked, told",
    [
        (Asked(""), "is empty"),
        (Asked("nowhere"), "nowhere: no such file"),
        (Asked(".", metrics=("speed",)), '"speed" is no figure'),
        (Asked(".", margin="0%"), "nothing can be shown to be exactly the same"),
        (Asked("."), "no results in it"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(
    asked: Asked, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as refused:
        gather(asked)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)
