"""One run in a process of its own: what goes in, what comes out, and how the process ends with its parent."""

from __future__ import annotations

import multiprocessing
import os
import threading
import traceback
from typing import TYPE_CHECKING, Any, NamedTuple

from perfsim.engine.budget import UNLIMITED, Limits
from perfsim.engine.cache import use
from perfsim.errors import PerfsimError

if TYPE_CHECKING:
    from perfsim.kernel.boot import Seed
    from perfsim.scenario.schema import Scenario

Row = dict[str, Any]

ORPHANED_STATUS = 1


class Task(NamedTuple):
    """All that a worker needs to know. run_id: what the row must come out with. engine: its name. limits: what the run
    may take.
    """

    run_id: str
    scenario: Scenario
    design: str
    seed: Seed
    engine: str
    limits: Limits = UNLIMITED


class Failure(NamedTuple):
    """A run without a row. reason: text for people, of several lines if someone must be told who waits for what.
    is_deadly: no worker outlived it.
    """

    reason: str
    is_deadly: bool = False


def begin() -> None:
    """Prepare a worker process: it ends when its parent does, however that ends.

    Ctrl-C is the driver's to act on: it starts its workers with SIGINT blocked.
    """
    threading.Thread(target=_end_with_parent, name="end with parent", daemon=True).start()


def take_code(code: bytes) -> int:
    """Use the compiled engine's code, if there is any, so that this worker need not find or make it. Returns its
    process's number.

    A task of its own, because what a process is begun with is written to a pipe that nobody may ever read.
    """
    if code:
        use(code)
    return os.getpid()


def work(task: Task) -> Row | Failure:
    """Simulate, and return the row; whatever goes wrong in one run is that run's failure, not the sweep's.

    A design may be a file of the user's and divide by zero.
    """
    from perfsim.engine.trace import Watch
    from perfsim.measure.row import simulate

    try:
        row = simulate(task.scenario, task.design, task.seed, task.engine, Watch(limits=task.limits))
    except PerfsimError as error:
        return Failure(str(error))
    except Exception:
        return Failure(traceback.format_exc().rstrip())
    if row["run_id"] != task.run_id:
        return Failure("the design's or the profile's file was changed while the sweep ran; sweep again")
    return row


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "a worker is a child"
    parent.join()
    os._exit(ORPHANED_STATUS)
