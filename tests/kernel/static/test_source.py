"""The source of paths, and when two of them do the same."""

from pathlib import Path

import pytest

from perfsim.errors import InputError
from perfsim.kernel.designs import load_design
from perfsim.kernel.static.source import PathText, calls_of, does_the_same, path_texts

DESIGN = '''"""One path of its own."""

extends = "redo"
PAGES = 1


async def page_mapping_inuse(cpu, page):
    """Text."""
    return PAGES
'''


def texts_of(tmp_path: Path, name: str, text: str) -> dict[str, PathText]:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return path_texts(load_design(str(file)))


def test_a_path_is_found_where_it_is_written(tmp_path: Path) -> None:
    texts = texts_of(tmp_path, "own.py", DESIGN)
    own, shared = texts["page_mapping_inuse"], texts["put_page"]
    assert (own.file, own.line, own.parameters) == (str(tmp_path / "own.py"), 7, ("page",))
    assert own.text.startswith("async def page_mapping_inuse")
    assert own.text.endswith("return PAGES\n")
    assert shared.place == "shared/swap.py"
    assert texts["putback_lru_page"].place == "redo/vmscan.py"  # measured paths are found behind their probe


def test_the_calls_of_a_path_are_those_of_paths() -> None:
    texts = path_texts(load_design("redo"))
    assert calls_of(texts["put_page"]) == {"__page_cache_release"}
    assert calls_of(texts["lru_cache_add_lru"]) == {"__lru_cache_add"}


@pytest.mark.parametrize(
    "old, new, same",
    [
        ('"""Text."""', '"""Other text."""', True),
        ("    return PAGES", "    # why\n    return (PAGES)", True),
        ("PAGES = 1", "PAGES = 1\nMORE = 2", True),
        ("    return PAGES", "    return 1", False),
        ("PAGES = 1", "PAGES = 2", False),
        ("cpu, page)", "cpu, other)", False),
    ],
)
def test_paths_are_the_same_but_for_comments_text_and_layout(tmp_path: Path, old: str, new: str, same: bool) -> None:
    one = texts_of(tmp_path, "one.py", DESIGN)["page_mapping_inuse"]
    other = texts_of(tmp_path, "other.py", DESIGN.replace(old, new))["page_mapping_inuse"]
    assert DESIGN.replace(old, new) != DESIGN
    assert does_the_same(one, other) is same


def test_a_file_that_has_changed_since_it_was_loaded_is_told(tmp_path: Path) -> None:
    file = tmp_path / "moved.py"
    file.write_text(DESIGN, encoding="utf-8")
    design = load_design(str(file))
    file.write_text("\n" + DESIGN, encoding="utf-8")
    with pytest.raises(InputError, match=r"moved.py:7:1: page_mapping_inuse\(\) is no longer in the file"):
        path_texts(design)
