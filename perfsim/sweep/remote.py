"""What a cluster's worker does when it is asked: say what it is, take the engine's code, carry out a run."""

from __future__ import annotations

import os
import pickle
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from perfsim.engine import cache as engine_cache
from perfsim.engine.prepare import check_fits
from perfsim.engine.sources import sources_sha256
from perfsim.errors import PerfsimError
from perfsim.sweep.travel import as_given, unpacked
from perfsim.sweep.worker import Failure, work

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perfsim.sweep.travel import Parcel
    from perfsim.sweep.worker import Task

Row = dict[str, Any]

DIGITS = 16
OVERDUE_STATUS = 1
PACKAGES = ("perfsim", "numpy", "numba", "simpy")
"""Beside Dask's own, the packages whose versions must be the same here and there."""

LARGE_PAGES = 2**20
"""Pages of a node from which on a worker asks itself first whether it has the memory: 64 MiB."""


class Greeting(NamedTuple):
    """What a worker's process has loaded.

    sources: of perfsim, a hash. engine: of all that the compiled engine's code depends on, its processor included.
    has_code: whether that code is kept on its machine.
    """

    sources: str
    engine: str
    has_code: bool


def greet() -> Greeting:
    """What this process has loaded."""
    return Greeting(sources(), engine_cache.identity(), engine_cache.is_kept())


def sources() -> str:
    """A hash of all that perfsim is here."""
    return sources_sha256(("**/*.py", "**/*.yaml"))[:DIGITS]


def take_code(code: bytes) -> None:
    """Have the engine's code ready for runs. code: what a machine like this has made; empty to look for it, or make it.

    Raises whatever goes wrong with that.
    """
    if code:
        engine_cache.keep(code)
    engine_cache.engine_code()


def carry_out(packed: bytes) -> bytes:
    """Carry out a list of parcels; their rows or failures in the same order.

    Both are pickled: Dask would send a row in a hundred pieces.
    """
    from distributed import get_worker

    folder = Path(get_worker().local_directory)  # Dask removes it, after a kill too
    parcels = pickle.loads(packed)  # noqa: S301 - who gives us work may run what he likes anyway
    return pickle.dumps([_carried_out(parcel, folder) for parcel in parcels])


def _carried_out(parcel: Parcel, folder: Path) -> Row | Failure:
    """The row, or why there is none: whatever goes wrong in one run is that run's failure."""
    task = unpacked(parcel, folder)
    with _killed_after(parcel.patience_s):
        return _simulated(parcel, task)


@contextmanager
def _killed_after(patience_s: float | None) -> Iterator[None]:
    """End this process if the block takes longer, for then the run has missed its own limit; Dask starts another."""
    if patience_s is None:
        yield
        return
    timer = threading.Timer(patience_s, os._exit, (OVERDUE_STATUS,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _simulated(parcel: Parcel, task: Task) -> Row | Failure:
    """The outcome, with the names of files as they were given."""
    try:
        if task.scenario.memory.pages_per_node >= LARGE_PAGES:
            check_fits(task.scenario, (task.design,), task.engine)
    except PerfsimError as error:
        return Failure(as_given(str(error), parcel, task))
    outcome = work(task)
    if isinstance(outcome, Failure):
        return outcome._replace(reason=as_given(outcome.reason, parcel, task))
    return outcome
