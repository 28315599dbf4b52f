"""Many searches at once: scenarios, designs and memory models, each search in one of a few worker processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from typing import TYPE_CHECKING, NamedTuple

from perfsim.errors import PerfsimError
from perfsim.explore.question import Question
from perfsim.explore.running import explorer_code
from perfsim.explore.scenario import check_calls, load_explore_scenario
from perfsim.explore.search import Outcome, explore
from perfsim.kernel.designs import load_design

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Job(NamedTuple):
    """One search. scenario, design: names or paths."""

    scenario: str
    design: str
    question: Question


def run_job(job: Job) -> Outcome:
    """Search once. Raises InputError for a scenario or design that is none, or that do not go together."""
    scenario, design = load_explore_scenario(job.scenario), load_design(job.design)
    check_calls(scenario, design)
    return explore(scenario, design, job.question)


def run_jobs(jobs: Sequence[Job], workers: int) -> Iterator[tuple[int, Outcome]]:
    """The number of each job with its outcome, as they come. workers: processes; 1 searches in this one.

    A worker gets all jobs of a scenario and design together, for they share the translation of its scripts. Raises
    InputError as run_job does, and PerfsimError if a worker dies.
    """
    explorer_code()  # compiled once, not by each worker
    groups: dict[tuple[str, str], list[int]] = {}
    for number, job in enumerate(jobs):
        groups.setdefault((job.scenario, job.design), []).append(number)
    if min(workers, len(groups)) == 1:
        yield from ((number, run_job(job)) for number, job in enumerate(jobs))
    else:
        yield from _spread(jobs, list(groups.values()), workers)


def _spread(jobs: Sequence[Job], groups: Sequence[Sequence[int]], workers: int) -> Iterator[tuple[int, Outcome]]:
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from concurrent.futures.process import BrokenProcessPool

    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(groups)), mp_context=spawn, initializer=_begin)
    try:
        numbers = {pool.submit(_run_group, [jobs[number] for number in group]): group for group in groups}
        for done in as_completed(numbers):
            yield from zip(numbers[done], done.result(), strict=True)
    except BrokenProcessPool:
        problem = "a worker process died, of too little memory perhaps; try --jobs 1 or --max-states"
        raise PerfsimError(problem) from None
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in multiprocessing.active_children():
            child.terminate()


def _run_group(jobs: Sequence[Job]) -> list[Outcome]:
    return [run_job(job) for job in jobs]


def _begin() -> None:
    """A worker leaves Ctrl-C to its parent, and ends when that does, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="end with parent", daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "a worker has a parent"
    parent.join()
    os._exit(1)
