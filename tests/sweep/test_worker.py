"""One run in a worker: a row, or a failure that says why; and a worker that does not outlive its parent."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from perfsim.measure.row import simulate
from perfsim.scenario.schema import Scenario
from perfsim.sweep.plan import Run, plan
from perfsim.sweep.worker import Failure, work

ORPHANAGE = """
import multiprocessing, os, signal, sys
from concurrent.futures import ProcessPoolExecutor
from perfsim.sweep.worker import begin

if __name__ == "__main__":
    workers = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=begin)
    workers.submit(os.getpid).result()
    sys.stdout.write("ready\\n")
    sys.stdout.flush()
    signal.pause()
"""


def without_time(row: object) -> dict[str, object]:
    assert isinstance(row, dict)
    return {name: value for name, value in row.items() if name != "wall_s"}


def test_a_run_in_a_worker_gives_the_row_that_simulate_gives(runs: tuple[Run, ...]) -> None:
    task = runs[0].task
    assert without_time(work(task)) == without_time(simulate(task.scenario, task.design, task.seed))


def test_what_a_users_design_raises_is_a_failure_that_shows_where(
    tiny: Callable[..., Scenario], tmp_path: Path
) -> None:
    design = tmp_path / "broken.py"
    design.write_text(
        "async def direct_reclaim(cpu):\n    never = 1 // (1 - await cpu.should_stop() - 1)\n", encoding="utf-8"
    )
    outcome = work(plan(tiny("tasks.reclaimers.share=100%", designs=(str(design),)), 1)[0].task)
    assert isinstance(outcome, Failure)
    assert outcome.reason.startswith(f"{design}:2:1: the design fails when it runs: ZeroDivisionError: ")
    assert len(outcome.reason.splitlines()) == 1


def test_what_is_wrong_with_the_input_is_told_without_a_traceback(runs: tuple[Run, ...]) -> None:
    outcome = work(runs[0].task._replace(design="gone.py"))
    assert isinstance(outcome, Failure)
    assert "gone.py" in outcome.reason
    assert "Traceback" not in outcome.reason


def test_a_file_that_changed_since_the_plan_is_told(runs: tuple[Run, ...]) -> None:
    outcome = work(runs[0].task._replace(run_id="0" * 16))
    assert isinstance(outcome, Failure)
    assert "was changed while the sweep ran" in outcome.reason


def test_a_worker_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "orphanage.py"
    script.write_text(ORPHANAGE, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        parent.send_signal(signal.SIGKILL)
        # The worker holds the other end of this pipe too: the end of the stream is its end.
        assert parent.stdout.read() == b""
