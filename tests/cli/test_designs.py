"""`perfsim designs`: which there are, the paths and known defects of one, and two side by side."""

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from perfsim.kernel.designs import Design, design_names, load_design
from perfsim.kernel.static import compare
from perfsim.kernel.static.compare import Comparison, compare_designs

Perfsim = Callable[..., tuple[int, str, str]]

COMPARED: dict[tuple[str, str], Comparison] = {}
"""Designs that have been compared, by their names: looking for all ways of all paths takes seconds."""


@pytest.fixture
def compared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that compare the same shipped designs do so once."""

    def remembered(a: Design, b: Design) -> Comparison:
        if (a.name, b.name) not in COMPARED:
            COMPARED[a.name, b.name] = compare_designs(a, b)
        return COMPARED[a.name, b.name]

    monkeypatch.setattr(compare, "compare_designs", remembered)


def test_every_design_is_listed_with_its_known_defects(perfsim: Perfsim) -> None:
    status, out, err = perfsim("designs", "--format", "json")
    listed = {one["design"]: one for one in json.loads(out)["designs"]}
    assert (status, err) == (0, "")
    assert list(listed) == list(design_names())
    assert (listed["lock_page"]["defects"], listed["redo"]["defects"]) == ("B4, R1", "R1, R2, R3")
    assert all(one["summary"] for one in listed.values())


def test_a_design_is_shown_with_the_source_of_every_path(perfsim: Perfsim) -> None:
    status, out, err = perfsim("designs", "show", "redo", "--format", "json")
    shown = json.loads(out)
    sources = {path["path"]: path["source"] for path in shown["paths"]}
    assert (status, err) == (0, "")
    assert sources.keys() == load_design("redo").paths.keys()
    assert sources["putback_lru_page"].startswith("redo/vmscan.py:")
    assert all(path["purpose"] for path in shown["paths"])
    assert {note.partition(":")[0] for note in shown["notes"]} == {
        f"known defect {name}" for name in ("R1", "R2", "R3")
    }


def test_a_path_that_a_users_file_replaces_is_shown_as_the_files(perfsim: Perfsim) -> None:
    Path("mine.py").write_text(
        'extends = "redo"\n\nasync def fault(cpu, nr_pages):\n    await cpu.think()\n', encoding="utf-8"
    )
    shown = json.loads(perfsim("designs", "show", "mine.py", "--format", "json")[1])
    assert {path["path"]: path["source"] for path in shown["paths"]}["fault"].endswith("mine.py:3")


def test_an_unknown_design_is_refused_with_the_nearest_name(perfsim: Perfsim) -> None:
    status, out, err = perfsim("designs", "show", "reddo")
    assert (status, out) == (2, "")
    assert err.startswith("DESIGN: ")
    assert "redo" in err
    assert err.count("\n") == 1


def test_two_designs_are_compared_path_by_path_with_their_costs(compared_once: None, perfsim: Perfsim) -> None:
    status, out, err = perfsim("designs", "diff", "lock_page", "redo")
    assert (status, err) == (0, "")
    assert out.startswith("lock_page -> redo: ")
    assert "\ncull_unevictable_page(): only in lock_page/vmscan.py:" in out
    assert (
        "\n-            await cull_unevictable_page(cpu, page)\n+            await putback_lru_page(cpu, page)\n" in out
    )
    captions = ("static costs: ", "ia64: price of a way", "x86_64: price of a way")
    assert all(f"\n{caption}" in out for caption in captions)
    assert "ideal" not in out
    assert "\x1b" not in out


def test_a_diff_for_scripts_has_every_figure_of_every_way(compared_once: None, perfsim: Perfsim) -> None:
    found = json.loads(perfsim("designs", "diff", "lock_page", "redo", "--format", "json")[1])
    rows = list(csv.DictReader(io.StringIO(perfsim("designs", "diff", "lock_page", "redo", "--format", "csv")[1])))
    assert (found["a"], found["b"]) == ("lock_page", "redo")
    assert [row["path"] for row in rows] == [cost["path"] for cost in found["costs"]]
    cull = next(one for one in found["costs"] if (one["path"], one["way"]) == ("cull_unevictable_page", "unevictable"))
    assert (cull["design"], cull["atomics"], cull["locks"], cull["page_locks"]) == ("lock_page", 9, 2, 1)
    assert 0 < cull["x86_64_one_cpu_ns"] < cull["x86_64_many_cpus_ns"]
    assert any(path["path"] == "putback_lru_page" and "+    while redo:" in path["diff"] for path in found["paths"])


def test_a_users_design_is_compared_as_a_shipped_one(perfsim: Perfsim) -> None:
    text = 'extends = "redo"\n\nasync def page_mapping_inuse(cpu, page):\n    return 1\n'
    Path("mine.py").write_text(text, encoding="utf-8")
    status, out, _ = perfsim("designs", "diff", "redo", "mine.py", "--format", "markdown")
    assert status == 0
    assert out.startswith("redo -> mine: 1 path differs\n\npage_mapping_inuse()\n\n```diff\n--- shared/vmscan.py:")
    assert re.search(r"\n\| page_mapping_inuse +\| fast +\|", out)


def test_a_design_compared_with_itself_differs_in_nothing(perfsim: Perfsim) -> None:
    status, out, _ = perfsim("designs", "diff", "redo", "redo")
    assert (status, out) == (0, "redo -> redo: 0 paths differ\n")


@pytest.mark.parametrize("words, place", [(("reddo", "redo"), "A: "), (("redo", "reddo"), "B: ")])
def test_an_unknown_design_of_two_is_refused_where_it_stands(
    perfsim: Perfsim, words: tuple[str, str], place: str
) -> None:
    status, out, err = perfsim("designs", "diff", *words)
    assert (status, out) == (2, "")
    assert err.startswith(place)
    assert "redo" in err
    assert err.count("\n") == 1
