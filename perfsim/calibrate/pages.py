"""What the system does with pages for who has no privileges: fault, clear, copy, pin, take away from others' TLBs."""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING

import numpy as np

from perfsim.calibrate import kernels as k
from perfsim.calibrate.bench import Table, of_profile, per_round, table
from perfsim.calibrate.findings import Finding, found, not_measured, virtual
from perfsim.calibrate.memory import Region
from perfsim.calibrate.samples import Figure, Sample, figure_of, sampled
from perfsim.calibrate.threads import Job, address, aligned, run_together
from perfsim.units import format_size

if TYPE_CHECKING:
    from perfsim.calibrate.bench import Bench
    from perfsim.calibrate.threads import Words
    from perfsim.machine.profile import CostProfile

REGION_BYTES_MAX = 2**28
FAULTS = 1024
COPIES = 2000
REGION_BYTES_MIN = 2 * COPIES * k.PAGE_BYTES
PINNED_PAGES = 64
PINNED_RANGES = 8
DISCARDS = 300


def measure_pages(bench: Bench, base: CostProfile) -> list[Finding]:
    """page_clear, page_copy, page_fault, mlock_page, and the shootdown. base: for the parts that cannot be measured."""
    moved = [*_moved(bench, "page_clear"), *_moved(bench, "page_copy")]
    return [*moved, _fault(bench, moved[0].figure, base), _pinned(bench), *_shootdown(bench, base)]


def _moved(bench: Bench, key: str) -> list[Finding]:
    """memset() or memcpy() of random pages of a large region, and of the same ones again and again."""
    size_bytes = min(REGION_BYTES_MAX, bench.affordable_bytes)
    if size_bytes < REGION_BYTES_MIN:
        why = f"{format_size(REGION_BYTES_MIN)} of pages would do, {format_size(size_bytes)} may be used"
        return [not_measured(one, why) for one in (key, f"{key}_hot")]
    llc_bytes = max(bench.here.caches_bytes.values(), default=0)
    region = Region(size_bytes, huge=True)
    region.touch()
    pages = np.random.default_rng(2).permutation(size_bytes // k.PAGE_BYTES) * k.PAGE_BYTES + region.address
    places = iter(range(0, len(pages) - 2 * COPIES, 2 * COPIES))
    is_copy = key == "page_copy"
    function = "memcpy" if is_copy else "memset"
    words = {"function": bench.libc[function]}

    def cold() -> Sample:
        at = next(places, 0)
        return _calls(bench, _moves(pages[at : at + 2 * COPIES], is_copy=is_copy), words)

    same = _moves(np.resize(pages[:2], 2 * COPIES), is_copy=is_copy)
    figures = (figure_of(sampled(cold)), figure_of(sampled(lambda: _calls(bench, same, words))))
    inside = f", less than the last-level cache's {format_size(llc_bytes)}" if size_bytes < llc_bytes else ""
    return [
        found(key, figures[0], f"{function} of random pages of {format_size(size_bytes)}{inside}"),
        found(f"{key}_hot", figures[1], f"{function} of a page in the cache; for comparison, no profile has it"),
    ]


def _moves(pages: Words, *, is_copy: bool) -> Table:
    pairs = pages.reshape(-1, 2)
    source = pairs[:, 1] if is_copy else np.zeros(len(pairs), np.int64)
    return table(np.stack([pairs[:, 0], source, np.full(len(pairs), k.PAGE_BYTES)], axis=1))


def _calls(bench: Bench, arguments: Table, words: dict[str, int]) -> Sample:
    return per_round(bench, k.CALLS, arguments.words["rounds"], words | arguments.words)


def _fault(bench: Bench, clear: Figure | None, base: CostProfile) -> Finding:
    """Touching fresh pages one after another; the parts that the profile has apart are taken away."""
    how = f"touching {FAULTS} fresh pages, less page_clear and {base.name}'s page_alloc and lru_add_page"
    if mmap.PAGESIZE != k.PAGE_BYTES or clear is None:
        return not_measured("page_fault", "its part page_clear is not known")
    region = Region(FAULTS * k.PAGE_BYTES, huge=False)

    def batch() -> Sample:
        region.discard()
        return per_round(bench, k.TOUCH, FAULTS, {"line": region.address})

    batch()
    parts = (clear, of_profile(base, "page_alloc"), of_profile(base, "lru_add_page"))
    return found("page_fault", figure_of(sampled(batch)).less(*parts), how)


def _pinned(bench: Bench) -> Finding:
    """mlock() of pages that are there: it does more than get_user_pages(), see bounded_gup_page()."""
    key, how = "mlock_page", f"mlock of {PINNED_PAGES} present pages, a page; for comparison, no profile has it"
    size_bytes = PINNED_PAGES * k.PAGE_BYTES
    region = Region(size_bytes * PINNED_RANGES, huge=False)
    region.touch()
    ranges = region.address + np.arange(PINNED_RANGES) * size_bytes
    arguments = table(np.stack([ranges, np.full(PINNED_RANGES, size_bytes), np.zeros(PINNED_RANGES, np.int64)], axis=1))
    lock, unlock = (
        Job(bench.cpu, k.CALLS, arguments.words | {"function": bench.libc[f]}) for f in ("mlock", "munlock")
    )
    if run_together([lock])[0].failed:
        return not_measured(key, "mlock() is refused: RLIMIT_MEMLOCK")

    def batch() -> Sample:
        run_together([unlock])
        [ran] = run_together([lock])
        return Sample(ran.ticks / bench.ticks_per_ns / (PINNED_RANGES * PINNED_PAGES), ran.was_disturbed)

    return found(key, figure_of(sampled(batch)), how)


def bounded_gup_page(mlock: Finding, base: CostProfile) -> Finding:
    """gup_page as in the base, but for what mlock() of a page forbids: get_user_pages() is a part of it."""
    how = f"no more than mlock of a page, of which it is a part; below that as in {base.name}"
    if mlock.figure is None:
        return Finding("gup_page", mlock.answer, how)
    known, bound = of_profile(base, "gup_page"), mlock.figure
    low, best = min(known.low, bound.best), min(known.best, bound.best)
    return Finding("gup_page", Figure(low, best, bound.best, (bound.best - low) / best, bound.note), how)


def _shootdown(bench: Bench, base: CostProfile) -> list[Finding]:
    """madvise(MADV_DONTNEED) of a page while other threads of the process run, against none that does."""
    keys = ("tlb_shootdown_base", "tlb_shootdown_per_cpu")
    cpus = [cpu.number for cpu in bench.here.cpus]
    if len(cpus) == 1:
        return [not_measured(key, "one CPU") for key in keys]
    alone = _discards(bench, [])
    one = _discards(bench, cpus[1:2]).less(alone)
    how = "madvise(MADV_DONTNEED) of a page beside one running thread, less beside none"
    if bench.here.is_virtual:
        return [virtual(keys[0], one, how), virtual(keys[1], None, how)]
    if len(cpus) == 2:
        known = of_profile(base, keys[1])
        why = "two CPUs: one point makes no slope"
        return [found(keys[0], one.less(known), f"{how}, less {base.name}'s {keys[1]}"), not_measured(keys[1], why)]
    every = _discards(bench, cpus[1:]).less(alone)
    slope = every.less(one).times(1 / (len(cpus) - 2))
    return [found(keys[0], one.less(slope), how), found(keys[1], slope, f"the same beside {len(cpus) - 1} threads")]


def _discards(bench: Bench, others: list[int]) -> Figure:
    region = Region(k.PAGE_BYTES, huge=False)

    def batch() -> Sample:
        stop = aligned(1)
        words = {"line": region.address, "rounds": DISCARDS, "function": bench.libc["madvise"], "stop": address(stop)}
        jobs = [Job(cpu, k.WAIT_FOR_STOP, {"line": 0, "stop": address(stop)}) for cpu in others]
        ran = run_together([Job(bench.cpu, k.DISCARD, words), *jobs])
        return Sample(ran[0].ticks / bench.ticks_per_ns / DISCARDS, any(one.was_disturbed for one in ran))

    return figure_of(sampled(batch))
