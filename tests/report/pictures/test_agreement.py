"""The picture of the check."""

from pathlib import Path

from perfsim.calibrate.agreement import agreement_of
from perfsim.report.pictures.agreement import agreement_chart
from perfsim.report.pictures.static import write_chart
from tests.calibrate.made import case


def test_the_picture_has_a_mark_for_every_ratio_that_is_judged() -> None:
    chart = agreement_chart(agreement_of([case(p99=50.0), case("bit", is_virtual=True)]), "mine")
    rows = chart["data"]["values"]
    assert [(row["lock"], row["figure"], row["ratio"]) for row in rows] == [
        ("ticket", "throughput", 1.0),
        ("ticket", "wait p50", 1.0),
        ("ticket", "wait p90", 1.0),
        ("ticket", "wait p99", 0.5),
    ]


def test_the_picture_is_written_as_svg_and_png(tmp_path: Path) -> None:
    paths = write_chart(agreement_chart(agreement_of([case()]), "mine"), tmp_path, "locks")
    assert [path.name for path in paths] == ["locks.svg", "locks.png"]
    assert "Real and simulated locks on mine" in paths[0].read_text(encoding="utf-8")
    assert paths[1].read_bytes().startswith(b"\x89PNG")
