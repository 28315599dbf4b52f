"""Two designs side by side: which paths differ, in what order, and who reaches them."""

from pathlib import Path

import pytest

from perfsim.kernel.designs import load_design
from perfsim.kernel.static.compare import Comparison, WayPair, compare_designs

OWN = '''"""Every referenced page is activated; for the unevictable list there is a fence."""

extends = "redo"


async def page_mapping_inuse(cpu, page):
    return await seen(cpu)


async def seen(cpu):
    return 1


async def add_page_to_unevictable_list(cpu, page):
    await cpu.smp_mb()
'''


@pytest.fixture(scope="module")
def shipped() -> Comparison:
    """The rework beside what it replaced."""
    return compare_designs(load_design("lock_page"), load_design("redo"))


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """A user's design beside the one that it extends."""
    file = tmp_path_factory.mktemp("designs") / "own.py"
    file.write_text(OWN, encoding="utf-8")
    return compare_designs(load_design("redo"), load_design(str(file)))


def ways_of(found: Comparison, path: str) -> dict[str, WayPair]:
    return {pair.way: pair for pair in found.ways if pair.path == path}


def test_the_paths_that_differ_stand_in_the_order_of_their_files(shipped: Comparison) -> None:
    names = [one.path for one in shipped.differences]
    assert names[:3] == ["putback_lru_page", "cull_unevictable_page", "shrink_page_list"]
    assert names.index("page_evictable") < names.index("mlock_vma_page") < names.index("__munlock_pte_handler")
    assert "put_page" not in names


def test_a_path_of_one_design_alone_has_no_place_in_the_other(shipped: Comparison) -> None:
    cull = next(one for one in shipped.differences if one.path == "cull_unevictable_page")
    assert cull.a.startswith("lock_page/vmscan.py:")
    assert cull.b == ""
    assert cull.diff[1] == "+++ /dev/null"
    assert all(line.startswith("-") for line in cull.diff[3:])
    assert all(pair.b is None for pair in ways_of(shipped, "cull_unevictable_page").values())


def test_hunks_have_the_lines_of_the_files(shipped: Comparison) -> None:
    for one in shipped.differences:
        if not one.b:
            continue
        hunk = next(line for line in one.diff if line.startswith("@@"))
        first = int(hunk.split("+")[1].split(",")[0])
        context = next(line for line in one.diff[3:] if line[:1] in {" ", "+"})[1:]
        folder, _, rest = one.b.partition("/")
        file = next(Path(name) for name in load_design("redo").files if name.endswith(rest.split(":")[0]))
        assert file.read_text(encoding="utf-8").splitlines()[first - 1] == context
        assert folder == "redo"


def test_the_entries_of_the_kernel_that_reach_a_difference_follow(shipped: Comparison) -> None:
    differing = {one.path for one in shipped.differences}
    entries = [pair.path for pair in shipped.ways if pair.path not in differing]
    assert {"try_to_free_pages", "sys_mlock", "sys_munlock", "handle_mm_fault", "do_migrate_pages"} <= set(entries)
    assert "lru_add_drain" not in entries  # reaches nothing that differs
    assert set(entries).isdisjoint({"kswapd", "run_task", "shrink_page"})
    assert set(ways_of(shipped, "try_to_free_pages")) == {"fast", "worst"}


def test_a_named_way_is_shown_unless_it_is_the_fast_one(shipped: Comparison) -> None:
    assert list(ways_of(shipped, "putback_lru_page")) == [
        "fast",
        "unevictable",
        "munlocked midway",
        "mlocked again",
        "worst",
    ]
    assert ways_of(shipped, "putback_lru_page")["munlocked midway"].a is None


def test_a_users_design_differs_by_what_its_file_holds(own: Comparison) -> None:
    names = ["page_mapping_inuse", "add_page_to_unevictable_list", "seen"]
    assert [one.path for one in own.differences] == names
    assert [one.a != "" for one in own.differences] == [True, True, False]
    assert ways_of(own, "page_mapping_inuse")["fast"].b.accesses == 0  # type: ignore[union-attr]


def test_the_putback_is_shown_with_its_ways_when_only_what_it_calls_differs(own: Comparison) -> None:
    pair = ways_of(own, "putback_lru_page")["unevictable"]
    assert (pair.a.barriers, pair.b.barriers) == (0, 1)  # type: ignore[union-attr]


def test_a_design_does_not_differ_from_itself() -> None:
    assert compare_designs(load_design("redo"), load_design("redo")) == Comparison((), ())
