"""`perfsim designs`: which there are, and the paths and known defects of one."""

import json
from collections.abc import Callable
from pathlib import Path

from perfsim.kernel.designs import design_names, load_design

Perfsim = Callable[..., tuple[int, str, str]]


def test_every_design_is_listed_with_its_known_defects(perfsim: Perfsim) -> None:
    status, out, err = perfsim("designs", "--format", "json")
    listed = {one["design"]: one for one in json.loads(out)["designs"]}
    assert (status, err) == (0, "")
    assert list(listed) == list(design_names())
    assert (listed["lock_page"]["defects"], listed["redo"]["defects"]) == ("B4", "R3")
    assert all(one["summary"] for one in listed.values())


def test_a_design_is_shown_with_the_source_of_every_path(perfsim: Perfsim) -> None:
    status, out, err = perfsim("designs", "show", "redo", "--format", "json")
    shown = json.loads(out)
    sources = {path["path"]: path["source"] for path in shown["paths"]}
    assert (status, err) == (0, "")
    assert sources.keys() == load_design("redo").paths.keys()
    assert sources["putback_lru_page"].startswith("redo/vmscan.py:")
    assert all(path["purpose"] for path in shown["paths"])
    assert [note.partition(":")[0] for note in shown["notes"]] == ["known defect R3"]


def test_a_path_that_a_users_file_replaces_is_shown_as_the_files(perfsim: Perfsim) -> None:
    Path("mine.py").write_text('extends = "redo"\n\nasync def fault(cpu):\n    await cpu.think()\n', encoding="utf-8")
    shown = json.loads(perfsim("designs", "show", "mine.py", "--format", "json")[1])
    assert {path["path"]: path["source"] for path in shown["paths"]}["fault"].endswith("mine.py:3")


def test_an_unknown_design_is_refused_with_the_nearest_name(perfsim: Perfsim) -> None:
    status, out, err = perfsim("designs", "show", "reddo")
    assert (status, out) == (2, "")
    assert err.startswith("DESIGN: ")
    assert "redo" in err
    assert err.count("\n") == 1
