"""Every branch of every kernel path is taken: in a run of a small workload, or on stage, where runs come by too seldom.

`branches/` holds workloads that were drawn at random and kept for the branches that they take. Where a change of
figures makes one of them miss a branch, write the interleaving down in tests/kernel/paths. What no run can take is
argued below. `scripts/branches` says what the shipped workloads take.
"""

import contextlib
import io
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from perfsim import load_workload
from perfsim.kernel.designs import SHIPPED, Design, load_design
from scripts.branches import SHORTENED, Branch, every_branch, report, taken_in, watch
from tests.tier import SLOW

DRAWN = sorted((Path(__file__).parent / "branches").glob("*.yaml"))
WORKLOADS: dict[str, str | Path] = {"lock_contention": "lock_contention", **{file.stem: file for file in DRAWN}}
STAGED = Path(__file__).parents[1] / "kernel" / "paths"

OLD, REDO, MERGED = "lock_page", "redo", "redo_merged"

DEAD = {
    f"{OLD}/migrate.py __unmap_and_move: True: await cpu.page_mapped(page)": "its one pte has just been replaced",
    f"{REDO}/migrate.py __unmap_and_move: True: await cpu.page_mapped(page)": "its one pte has just been replaced",
    f"{OLD}/migrate.py __unmap_and_move: True: await cpu.page_has_mapping(page)": "a page that has moved has none",
    f"{OLD}/migrate.py __unmap_and_move: False: unlock": "a page that has moved has no mapping, so it is not put back",
    f"{OLD}/migrate.py move_to_new_page: False: unlock": "newpage is locked, so nobody truncates it",
    f"{OLD}/mlock.py __munlock_pte_handler: False: await cpu.pte_migration_page(slot) < 0": "mmap_sem forbids it",
    f"{REDO}/mlock.py __munlock_pte_handler: False: await cpu.pte_migration_page(slot) < 0": "as in lock_page",
    f"{OLD}/vmscan.py shrink_page_list: False: await putback_lru_page(cpu, page)": "it is locked: nobody truncates it",
    f"{MERGED}/mlock.py __clear_page_mlock: False: await cpu.page_has_mapping(page)": "truncation clears mlock first",
    "shared/memory.py is_mlocked_vma: True: await cpu.test_and_set(page, PG_MLOCKED)": "the page is new",
    "shared/memory.py lru_cache_add_active_or_unevictable: False: await page_evictable(cpu, page)": "the page is new",
    "shared/migrate.py migrate_page_copy: False: await cpu.test_flag(page, PG_UPTODATE)": "no page is unlocked unread",
    "shared/migrate.py migrate_page_move_mapping: False: await cpu.page_has_mapping(page)": "it is locked",
    "shared/mmap.py remove_exclusive_swap_page: False: await cpu.test_flag(page, PG_SWAPCACHE)": "we hold it",
    "shared/swap.py pagevec_move_tail: True: zone >= 0": "each disk has a rotate pagevec, so that it is of one zone",
    "shared/swap.py ____pagevec_lru_add: False: zone >= 0": "nobody adds an empty pagevec",
    "shared/truncate.py truncate_complete_page: False: await cpu.page_has_mapping(page)": "we hold it",
    "shared/workqueue.py worker_thread: True: should_stop": "events/N never comes to its end",
}
"""What no run can take, and why not."""

SELDOM = {
    f"{OLD}/migrate.py unmap_and_move: True: moved": "R1: the new page is freed within 100 ns of its move",
    f"{MERGED}/vmscan.py check_move_unevictable_page: True: await page_evictable(cpu, page)": "munlock within one step",
    f"{MERGED}/vmscan.py scan_mapping_unevictable_pages: False: zone >= 0": "all pages of a segment are swapped out",
    "shared/unevictable.py scan_mapping_unevictable_pages: False: zone >= 0": "all pages of a segment are swapped out",
    "shared/truncate.py truncate_locked_page: True: await cpu.page_mapped(page)": "a fault under way as the file ends",
    "shared/vmscan.py shrink_page: False: await trylock_page(cpu, page)": "an end before the look, a lock after it",
    "shared/vmscan.py shrink_page: True: await cpu.test_flag(page, PG_DIRTY | PG_WRITEBACK)": "the same, then a write",
    "shared/writeback.py disk_interrupt: False: await cpu.requests_queued()": "a disk that rests when the run ends",
    "shared/writeback.py end_page_writeback: False: await cpu.test_and_clear(page, PG_RECLAIM)": "the same end",
    "tasks.py direct_reclaim: False: await handle_mm_fault(cpu, MAPPED_ELSEWHERE)": "others take the last free page",
}
"""What a run may take and these need not, and what it needs for that."""


SCENES = (
    *("test_fault", "test_isolate_lru_page", "test_mem_cgroup_move_lists", "test_migrate", "test_mlock"),
    *("test_munmap", "test_page_evictable", "test_rare_ways", "test_shrink_page_list", "test_writeback"),
)
RUNS = {
    "lock_contention": (REDO,),
    "drawn_02": (OLD,),
    "drawn_03": (MERGED,),
    "drawn_04": (OLD,),
    "drawn_06": (OLD, REDO, "redo_barrier", "no_unevictable_lru"),
    "drawn_07": (MERGED,),
    "drawn_08": (MERGED,),
    "drawn_09": (OLD, "no_unevictable_lru"),
    "drawn_10": ("redo_barrier",),
    "drawn_13": (REDO, "redo_barrier"),
    "drawn_14": (REDO,),
}
"""Tests of paths, and workloads with designs, that take every branch which can be taken, in a third of the time of all.
All are run with PERFSIM_SLOW=1, and where these miss a branch: a change of figures moves branches from run to run."""


def staged(scenes: Sequence[str]) -> set[Branch]:
    """What tests of paths take. They run in the process that calls; what they say is lost."""
    from tests.kernel.paths import stage

    told = []

    def loaded(name: str) -> Design:
        design = load_design(name)
        if name in SHIPPED:
            told.append(watch(design))
        return design

    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()):
        patch.setattr(stage, "load_design", loaded)
        status = pytest.main(["-q", "-p", "no:cacheprovider", *(str(STAGED / f"{scene}.py") for scene in scenes)])
    assert status == pytest.ExitCode.OK, f"{status} of {scenes}"
    return {branch for taken in told for branch in taken()}


def taken_by(workload: str | Path, designs: Sequence[str]) -> set[Branch]:
    """What a workload takes under some designs."""
    scenario = load_workload(workload, SHORTENED.get(str(workload), ()))
    return {branch for design in designs for branch in taken_in(scenario, design)}


def taken(scenes: Sequence[str], runs: Mapping[str, Sequence[str]]) -> set[Branch]:
    """What tests of paths and runs take, all together, in processes of their own."""
    with ProcessPoolExecutor(2 if SLOW else 1, mp_context=get_context("spawn")) as pool:
        found: list[Future[set[Branch]]] = [pool.submit(staged, scenes)]
        found += [pool.submit(taken_by, WORKLOADS[name], designs) for name, designs in runs.items()]
        return set().union(*(one.result() for one in found))


@pytest.fixture(scope="module")
def untaken() -> set[Branch]:
    """The branches that nothing takes."""
    left = every_branch() - taken(SCENES, RUNS)
    if SLOW or missed(left):
        left -= taken(sorted(file.stem for file in STAGED.glob("test_*.py")), dict.fromkeys(WORKLOADS, SHIPPED))
    return left


def missed(untaken: set[Branch]) -> list[Branch]:
    """Those that can be taken and are not taken too seldom."""
    return [branch for branch in untaken if name_of(branch) not in DEAD | SELDOM]


def name_of(branch: Branch) -> str:
    """A branch by its path and its text, which change more seldom than its line."""
    return f"{branch.file} {branch.path}: {branch.way}: {branch.test}"


def test_every_branch_of_every_path_is_taken_unless_it_cannot_be(untaken: set[Branch]) -> None:
    assert report(missed(untaken)) == []


def test_what_cannot_be_taken_is_there_and_not_taken(untaken: set[Branch]) -> None:
    assert {name_of(branch) for branch in untaken} >= set(DEAD)


def test_what_is_taken_seldom_is_there() -> None:
    assert {name_of(branch) for branch in every_branch()} >= set(SELDOM)
