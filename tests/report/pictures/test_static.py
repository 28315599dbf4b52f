"""Static pictures: every key picture twice, the same bytes of SVG each time, whatever the names."""

from pathlib import Path

import pytest

from perfsim.errors import InputError
from perfsim.report.comparison import Asked
from perfsim.report.pictures.facts import facts_of
from perfsim.report.pictures.gallery import shown
from perfsim.report.pictures.material import gather
from perfsim.report.pictures.static import make_directory, spec_of, write_pictures
from perfsim.report.pictures.view import first_view
from tests.report.pictures.made import NO_AXIS, figures, material_of, of_many_designs, results, scenario_of
from tests.sweep.stored import rows_of

PNG = b"\x89PNG\r\n\x1a\n"


def test_each_picture_is_written_as_png_and_svg_and_again_the_same(tmp_path: Path) -> None:
    facts = facts_of(material_of(tmp_path / "a", NO_AXIS))
    directory = tmp_path / "pictures"
    make_directory(directory)
    paths = write_pictures(facts, directory)
    assert [path.name for path in paths[:4]] == ["1-figures.svg", "1-figures.png", "2-map.svg", "2-map.png"]
    assert len(paths) == 16
    contents = {path: path.read_bytes() for path in paths}
    for path, content in contents.items():
        assert content.startswith(PNG if path.suffix == ".png" else b"<svg")
    assert {path: path.read_bytes() for path in write_pictures(facts, directory)} == contents


def test_a_picture_names_its_workload_figure_and_place(tmp_path: Path) -> None:
    facts = facts_of(material_of(tmp_path / "a"))
    titles = [spec_of(facts, picture)["title"] for picture in shown(facts, first_view(facts), 900)]
    assert titles[0] == {"text": "Throughput and latency", "subtitle": "quickstart: reclaim scanned, pages/s"}
    assert titles[3]["subtitle"] == "quickstart: putback, cpus 16"


def test_a_picture_that_leaves_out_values_of_an_axis_or_designs_says_so(tmp_path: Path) -> None:
    axes = (
        "machine.cpus: [1, 2], memory.dirty_fraction: [0, 0.1, 0.2, 0.3], memory.mlocked_fraction: [0, 0.1, 0.2, 0.3]"
    )
    scenario = scenario_of(f"sweep.axes={{{axes}}}", "sweep.replications=1", designs=("lock_page",))
    rows = of_many_designs(rows_of(scenario, figures), 10)
    name = results(tmp_path / "a", scenario, rows)
    (tmp_path / "a" / "sweep.json").unlink()
    facts = facts_of(gather(Asked(name)))
    subtitles = {
        picture.entry.name: spec_of(facts, picture)["title"]["subtitle"]
        for picture in shown(facts, first_view(facts), 900)
    }
    assert subtitles["ratios"] == "quickstart: reclaim scanned, pages/s, mlocked_fraction 0.2, 8 of 10 designs"
    assert subtitles["map"] == "quickstart: reclaim scanned, pages/s, mlocked_fraction 0.2"
    assert subtitles["spent"] == "quickstart: putback, cpus 2, mlocked_fraction 0.2, 8 of 10 designs"


def test_names_with_markup_are_text_in_svg(tmp_path: Path) -> None:
    scenario = scenario_of(NO_AXIS)
    rows = [row | {"design": row["design"].replace("redo", "<b>&")} for row in rows_of(scenario, figures)]
    name = results(tmp_path / "a", scenario, rows)
    (tmp_path / "a" / "sweep.json").unlink()
    make_directory(tmp_path / "out")
    svg = write_pictures(facts_of(gather(Asked(name))), tmp_path / "out")[0].read_text()
    assert "&lt;b&gt;&amp;" in svg
    assert "<b>" not in svg


def test_a_file_is_no_directory_for_pictures(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InputError, match="expected a"):
            make_directory(path)
