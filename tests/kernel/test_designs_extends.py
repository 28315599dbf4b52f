"""Designs that hold only what differs from another: those that are shipped, and a user's on each of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from perfsim.kernel.boot import Seed, boot
from perfsim.kernel.designs import SHIPPED, load_design
from perfsim.kernel.static.source import does_the_same, path_texts
from perfsim.machine.profile import load_profile
from tests.kernel.conftest import ScenarioMaker

EXTENDS = {"redo_merged": "redo", "redo_barrier": "redo_merged", "no_unevictable_lru": "redo"}

OWN = '''"""One path of a user's."""

extends = "{base}"


async def page_mapping_inuse(cpu, page):
    return 1
'''


def written(tmp_path: Path, base: str) -> str:
    """A user's design on a base."""
    file = tmp_path / f"on_{base}.py"
    file.write_text(OWN.format(base=base), encoding="utf-8")
    return str(file)


@pytest.mark.parametrize("name, base", EXTENDS.items())
def test_a_shipped_design_takes_what_it_does_not_hold_from_the_one_it_extends(name: str, base: str) -> None:
    own, its = path_texts(load_design(name)), path_texts(load_design(base))
    assert set(its) <= set(own), "nothing is lost"
    held = {path for path, text in own.items() if Path(text.file).parent.name == name}
    assert held
    assert {path for path in own if path not in its or own[path].file != its[path].file} == held


@pytest.mark.parametrize("name, base", EXTENDS.items())
def test_what_a_shipped_design_holds_differs_from_what_it_extends(name: str, base: str) -> None:
    own, its = path_texts(load_design(name)), path_texts(load_design(base))
    held = {path for path, text in own.items() if Path(text.file).parent.name == name}
    copies = {path for path in held & set(its) if does_the_same(own[path], its[path])}
    assert copies == set(), "leave these out"


def test_a_design_extends_by_more_than_one_step() -> None:
    texts = path_texts(load_design("redo_barrier"))
    folders = {Path(text.file).parent.name for text in texts.values()}
    assert folders == {"redo_barrier", "redo_merged", "redo", "shared", "paths"}
    assert texts["mlock_vma_page"].place == "redo_merged/mlock.py"
    assert texts["shrink_page_list"].place == "redo/vmscan.py"


def test_the_source_of_a_design_is_its_own_files_and_those_of_all_it_extends() -> None:
    folders = [Path(file).parent.name for file in load_design("redo_barrier").files]
    assert list(dict.fromkeys(folders)) == ["redo_barrier", "redo_merged", "redo"]
    assert len({load_design(name).source_sha256 for name in SHIPPED}) == len(SHIPPED)


def test_a_change_of_what_is_extended_is_another_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two steps up: nobody reuses rows of redo_barrier that were run with another redo."""
    before, old = (load_design(name).source_sha256 for name in ("redo_barrier", "lock_page"))
    file = load_design("redo").files[0]
    read = Path.read_bytes
    changed = read(Path(file)) + b"\n"
    monkeypatch.setattr(Path, "read_bytes", lambda path: changed if str(path) == file else read(path))
    assert load_design("redo_barrier").source_sha256 != before
    assert load_design("lock_page").source_sha256 == old


@pytest.mark.parametrize("base", SHIPPED)
def test_a_users_design_is_its_base_but_for_what_its_file_holds(tmp_path: Path, base: str) -> None:
    mine, its = load_design(written(tmp_path, base)), load_design(base)
    own, others = path_texts(mine), path_texts(its)
    assert {path for path in own if own[path].file != others[path].file} == {"page_mapping_inuse"}
    assert set(own) == set(others)
    assert (mine.defects, mine.unevictable_lru) == (its.defects, its.unevictable_lru)


def test_one_shipped_design_has_no_unevictable_list_and_who_extends_it_has_none_either(
    tmp_path: Path, make_scenario: ScenarioMaker
) -> None:
    without = [name for name in SHIPPED if not load_design(name).unevictable_lru]
    assert without == ["no_unevictable_lru"]
    mine = load_design(written(tmp_path, "no_unevictable_lru"))
    s = boot(make_scenario(), load_profile("x86_64"), Seed(1, 0), unevictable_lru=mine.unevictable_lru)
    assert (s.settings.unevictable_lru, s.zones.nr_mlock) == (0, [0, 0])
    assert boot(make_scenario(), load_profile("x86_64"), Seed(1, 0)).settings.unevictable_lru == 1
