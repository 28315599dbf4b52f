"""Runs over worker processes: every outcome once, deaths survived, nothing left running."""

import asyncio
import os
import signal
import struct
from collections.abc import Callable
from contextlib import aclosing
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

import perfsim
from perfsim.engine import ENGINES
from perfsim.engine.budget import Limits
from perfsim.errors import PerfsimError
from perfsim.scenario.schema import Scenario
from perfsim.sweep import driver, failures
from perfsim.sweep.backlog import Backlog
from perfsim.sweep.driver import failures_text, outcomes
from perfsim.sweep.plan import Run
from perfsim.sweep.worker import Failure, Task, work

Row = dict[str, Any]
Outcome = Row | Failure


def who(task: Task) -> Outcome:
    """In a worker: its process, and whether Ctrl-C can reach it."""
    return {"pid": os.getpid(), "blocked": signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())}


def die_the_first_time(task: Task) -> Outcome:
    """In a worker: be killed, as for want of memory, unless the file named by the design is there."""
    try:
        os.close(os.open(task.design, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return {"pid": os.getpid()}
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still alive")


def die_if_told(task: Task) -> Outcome:
    """In a worker: be killed if the design says so."""
    if task.design == "deadly":
        os.kill(os.getpid(), signal.SIGKILL)
    return {"design": task.design}


def die_in_the_midst_of_the_answer(task: Task) -> Outcome:
    """In a worker: be killed when the length of the answer is written, and nothing of what is in it."""

    def cut_off(connection: Connection, answer: bytes) -> None:
        os.write(connection.fileno(), struct.pack("!i", len(answer)))
        os.kill(os.getpid(), signal.SIGKILL)

    Connection._send_bytes = cut_off  # type: ignore[attr-defined]
    return {"design": task.design}


def write_and_hang_or_read(task: Task) -> Outcome:
    """In two workers that meet at the pipe named by the design: one says who it is and goes on for ever."""
    if task.seed.replication == 0:
        Path(task.design).write_text(str(os.getpid()), encoding="utf-8")
        signal.pause()
    return {"hanging": int(Path(task.design).read_text(encoding="utf-8"))}


def hang_if_told(task: Task) -> Outcome:
    """In a worker: never come back if the design says so."""
    while task.design == "endless":
        signal.pause()
    return {"pid": os.getpid()}


def end_at_once() -> None:
    """A worker that does not come up."""
    os._exit(1)


def gather(runs: tuple[Run, ...], workers: int, function: Callable[[Task], Outcome]) -> list[tuple[Run, Outcome]]:
    async def collect() -> list[tuple[Run, Outcome]]:
        return [pair async for pair in outcomes(Backlog(runs), workers, ENGINES[0], function)]

    return asyncio.run(collect())


def with_design(run: Run, design: object) -> Run:
    return run._replace(task=run.task._replace(design=str(design)))


def pids(found: list[tuple[Run, Outcome]]) -> set[int]:
    return {outcome["pid"] for _, outcome in found if isinstance(outcome, dict)}


@pytest.mark.parametrize("workers, count", [(1, 3), (2, 4), (64, 2)])
def test_every_run_has_one_outcome_and_workers_are_bounded(runs: tuple[Run, ...], workers: int, count: int) -> None:
    found = gather(runs[:count], workers, who)
    assert sorted(run.task.run_id for run, _ in found) == sorted(run.task.run_id for run in runs[:count])
    assert 1 <= len(pids(found)) <= min(workers, count)
    assert os.getpid() not in pids(found)


def test_no_runs_have_no_outcomes() -> None:
    assert gather((), 2, who) == []


def test_runs_that_are_added_when_others_end_are_run_too(runs: tuple[Run, ...]) -> None:
    async def collect() -> list[Run]:
        backlog, found = Backlog(runs[:1]), []
        async with aclosing(outcomes(backlog, 2, ENGINES[0], who)) as finished:
            async for run, _ in finished:
                found.append(run)
                backlog.add(runs[1:4] if len(found) == 1 else ())
        return found

    assert sorted(run.task.run_id for run in asyncio.run(collect())) == sorted(run.task.run_id for run in runs[:4])


def test_ctrl_c_does_not_reach_a_worker_and_still_reaches_us(runs: tuple[Run, ...]) -> None:
    found = gather(runs[:2], 2, who)
    assert [outcome["blocked"] for _, outcome in found if isinstance(outcome, dict)] == [True, True]
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_a_run_whose_worker_is_killed_is_tried_again_in_a_new_one(runs: tuple[Run, ...], tmp_path: Path) -> None:
    mortal = tuple(with_design(run, tmp_path / run.task.run_id) for run in runs[:3])
    found = gather(mortal, 1, die_the_first_time)
    assert len(found) == 3
    assert len(pids(found)) == 3


def test_a_run_that_kills_every_worker_fails_alone(runs: tuple[Run, ...]) -> None:
    deadly = (runs[0], with_design(runs[4], "deadly"), *runs[2:4])
    found = gather(deadly, 2, die_if_told)
    assert [outcome for _, outcome in found if isinstance(outcome, Failure)] == [
        Failure("the worker process died 2 times in this run; is there enough memory?", is_deadly=True)
    ]
    assert len(found) == 4


def test_a_worker_that_is_killed_while_it_hands_over_a_row_is_not_waited_for(runs: tuple[Run, ...]) -> None:
    ((_, outcome),) = gather(runs[:1], 1, die_in_the_midst_of_the_answer)
    assert isinstance(outcome, Failure)
    assert outcome.is_deadly


def test_the_runs_that_wait_of_a_point_that_killed_twice_are_set_aside_and_the_sweep_goes_on(
    runs: tuple[Run, ...],
) -> None:
    """The second point's runs come first, for they are longer."""
    deadly = (*runs[:4], with_design(runs[4], "deadly"), *runs[5:])
    found = gather(deadly, 1, die_if_told)
    failures = {run.task.run_id: outcome.reason for run, outcome in found if isinstance(outcome, Failure)}
    assert list(failures) == [run.task.run_id for run in runs[4:]]
    aside = "set aside, not tried: lock_page, replication 0, killed 2 workers at this point"
    assert list(failures.values())[1:] == [aside] * 3
    assert sorted(run.task.run_id for run, _ in found) == sorted(run.task.run_id for run in runs)


def test_a_run_that_does_not_notice_that_its_time_is_over_is_killed_with_its_worker(
    runs: tuple[Run, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failures, "GRACE_S", 0.1)
    endless = with_design(runs[0], "endless")
    endless = endless._replace(task=endless.task._replace(limits=Limits(wall_s_max=0.1)))
    found = gather((endless, runs[1]), 1, hang_if_told)
    assert [outcome for _, outcome in found if isinstance(outcome, Failure)] == [
        Failure("given up after 0.1 s, the most that a run may take, and killed")
    ]
    assert len(found) == 2


def test_an_iterator_that_is_closed_leaves_no_worker_in_the_midst_of_a_run(
    runs: tuple[Run, ...], tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    pair = tuple(with_design(run, tmp_path / "pipe") for run in runs[:2])

    async def first() -> Outcome:
        async with aclosing(outcomes(Backlog(pair), 2, ENGINES[0], write_and_hang_or_read)) as found:
            return (await anext(found))[1]

    outcome = asyncio.run(first())
    assert isinstance(outcome, dict)
    with pytest.raises(ProcessLookupError):
        os.kill(outcome["hanging"], 0)


def test_workers_that_cannot_even_start_end_the_sweep(runs: tuple[Run, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "begin", end_at_once)
    with pytest.raises(PerfsimError, match="worker processes end before they begin"):
        gather(runs, 1, who)


def swept(scenario: Scenario, jobs: int) -> list[Row]:
    async def collect() -> list[Row]:
        return [row async for row in perfsim.sweep(scenario, jobs=jobs)]

    rows = asyncio.run(collect())
    return sorted(({**row, "wall_s": 0} for row in rows), key=lambda row: str(row["run_id"]))


def test_rows_do_not_depend_on_the_number_of_jobs(tiny: Callable[..., Scenario], runs: tuple[Run, ...]) -> None:
    scenario = tiny(designs=("redo",))
    one, two = swept(scenario, 1), swept(scenario, 2)
    assert one == two
    assert [row["run_id"] for row in one] == sorted(run.task.run_id for run in runs if run.task.design == "redo")


def test_runs_that_fail_are_told_after_the_rows_of_all_others(tiny: Callable[..., Scenario], tmp_path: Path) -> None:
    design = tmp_path / "broken.py"
    design.write_text(
        "async def direct_reclaim(cpu):\n    never = 1 // (1 - await cpu.should_stop() - 1)\n", encoding="utf-8"
    )
    scenario = tiny("machine.cpus=2", "sweep.replications=1", designs=(str(design), "redo"))
    rows: list[Row] = []

    async def collect() -> None:
        async for row in perfsim.sweep(scenario, jobs=2):
            rows.append(row)  # noqa: PERF401 - what came before the error is kept

    with pytest.raises(PerfsimError, match=r"point 0, broken, replication 0: .*broken\.py:2:1: .*ZeroDivisionError"):
        asyncio.run(collect())
    assert [row["design"] for row in rows] == ["redo"]


def test_of_many_failures_the_first_are_told_and_the_rest_counted(runs: tuple[Run, ...]) -> None:
    lines = failures_text([(run, "stuck") for run in runs]).splitlines()
    assert lines[0] == "point 0, machine.cpus=1, lock_page, replication 0: stuck"
    assert lines[-1] == "3 more runs failed"
    assert len(lines) == 6


def test_a_whole_run_passes_through_a_worker(runs: tuple[Run, ...]) -> None:
    ((_, outcome),) = gather(runs[:1], 1, work)
    assert isinstance(outcome, dict)
    assert outcome["run_id"] == runs[0].task.run_id
