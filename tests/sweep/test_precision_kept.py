"""A sweep with a precision in its directory: the same rows and the same words, whatever happened on the way."""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from perfsim.errors import InterruptedSweep
from perfsim.scenario.schema import Scenario
from perfsim.store.manifest import read_manifest
from perfsim.store.parquet import read_runs
from perfsim.sweep import results
from perfsim.sweep.backlog import Backlog
from perfsim.sweep.plan import Run
from perfsim.sweep.worker import Failure, work
from tests.sweep.into import Row, Tiny, sweep_there, without_time
from tests.tier import SLOW

METRIC = "lru_lock_acquisitions"
MAX = 14


def precise(tiny: Tiny, relative: str = "1%", *, designs: Sequence[str] = ("lock_page", "redo")) -> Scenario:
    """On 1 CPU the ratio is known at once; on 4 it takes more replications than there may be."""
    precision = f"sweep.precision={{metric: {METRIC}, relative: {relative}, max_replications: {MAX}}}"
    sets = ("sweep.axes.machine.cpus=[1, 4]", "sweep.replications=5", precision)
    return tiny(*sets, designs=tuple(designs))


def outcomes_by(seed: int, stop_after: int | None = None, failing: str = "") -> Callable[..., AsyncIterator[Any]]:
    """Runs in this process, in an order that the seed draws; interrupted after so many; one fails."""

    async def outcomes_here(
        backlog: Backlog, workers_count: int, engine: str
    ) -> AsyncIterator[tuple[Run, Row | Failure]]:
        draw, count = random.Random(seed), 0
        waiting: list[Run] = []
        while backlog or waiting:
            waiting += [backlog.take() for _ in range(len(backlog))]
            run = waiting.pop(draw.randrange(len(waiting)))
            await asyncio.sleep(0)
            if count == stop_after:
                os.kill(os.getpid(), signal.SIGINT)
                await asyncio.get_running_loop().create_future()
            count += 1
            yield run, Failure("stuck") if run.task.run_id == failing else work(run.task)

    return outcomes_here


def counts(rows: Sequence[Row], design: str = "redo") -> list[int]:
    return [sum((row["point"], row["design"]) == (point, design) for row in rows) for point in range(2)]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("undisturbed")


@pytest.fixture
def whole(tiny: Tiny, undisturbed: Path, monkeypatch: pytest.MonkeyPatch) -> list[Row]:
    """The rows of the sweep when nothing happens."""
    with monkeypatch.context() as patched:
        patched.setattr(results, "outcomes", outcomes_by(0))
        return sweep_there(precise(tiny), undisturbed)[0].rows


def test_points_get_what_they_need_and_the_manifest_says_which_fell_short(whole: list[Row], undisturbed: Path) -> None:
    assert counts(whole) == counts(whole, "lock_page") == [5, MAX]
    assert read_runs(undisturbed / "runs.parquet") == whole
    manifest = read_manifest(undisturbed / "sweep.json")
    assert manifest.done == manifest.run_ids == tuple(row["run_id"] for row in whole)
    assert manifest.precision == f"{METRIC} to 1% in 5 to {MAX} replications"
    short = manifest.short
    assert list(short) == ["point 1, machine.cpus=4, redo"]
    assert f"after {MAX} replications, about " in short["point 1, machine.cpus=4, redo"]


@pytest.mark.parametrize("seed", [1, 2, 3] if SLOW else [2])
def test_rows_are_the_same_in_any_order_and_after_any_interruption(
    tiny: Tiny, whole: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    draw, left = random.Random(seed), len(whole)
    while left > 1:
        count = draw.randrange(1, min(left, 20))
        monkeypatch.setattr(results, "outcomes", outcomes_by(draw.randrange(100), stop_after=count))
        with pytest.raises(InterruptedSweep) as interrupted:
            sweep_there(precise(tiny), tmp_path)
        left -= count
        assert interrupted.value.done == len(whole) - left < interrupted.value.total <= len(whole)
        assert interrupted.value.may_grow or interrupted.value.total == len(whole)
        assert read_manifest(tmp_path / "sweep.json").short == {}
    monkeypatch.setattr(results, "outcomes", outcomes_by(seed))
    finished, _ = sweep_there(precise(tiny), tmp_path)
    assert without_time(finished.rows) == without_time(whole)
    assert list(tmp_path.glob("*.old-*")) == []


def test_a_looser_precision_keeps_the_surplus_aside_and_the_former_one_finds_it_again(
    tiny: Tiny, whole: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "outcomes", outcomes_by(5))
    first, _ = sweep_there(precise(tiny), tmp_path)
    monkeypatch.setattr(results, "outcomes", outcomes_by(5, stop_after=0))  # nothing runs any more
    loose, told = sweep_there(precise(tiny, "90%"), tmp_path)
    surplus = len(whole) - len(loose.rows)
    assert surplus > 0
    assert told.startswith(f"{surplus} rows of another sweep in {tmp_path / 'runs.parquet'} are kept in ")
    assert sweep_there(precise(tiny), tmp_path)[0] == first


def test_a_design_that_joins_takes_over_what_the_others_have(
    tiny: Tiny, whole: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "outcomes", outcomes_by(5))
    first, _ = sweep_there(precise(tiny), tmp_path)
    more, _ = sweep_there(precise(tiny, designs=("lock_page", "redo", "redo_merged")), tmp_path)
    walls = {row["run_id"]: row["wall_s"] for row in more.rows}
    assert [walls[row["run_id"]] for row in first.rows] == [row["wall_s"] for row in first.rows]
    assert counts(more.rows, "redo_merged") == counts(more.rows)


def test_a_point_with_a_failed_first_run_stops_and_is_told_and_goes_on_the_next_time(
    tiny: Tiny, whole: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = next(row["run_id"] for row in whole if row["point"] == 1)
    monkeypatch.setattr(results, "outcomes", outcomes_by(7, failing=failing))
    finished, _ = sweep_there(precise(tiny), tmp_path)
    assert [run.task.run_id for run, _ in finished.failures] == [failing]
    assert counts(finished.rows) == [5, 5]
    short = read_manifest(tmp_path / "sweep.json").short
    assert short["point 1, machine.cpus=4, redo"] == "without all of its first runs"
    monkeypatch.setattr(results, "outcomes", outcomes_by(7))
    assert without_time(sweep_there(precise(tiny), tmp_path)[0].rows) == without_time(whole)


def test_progress_counts_what_was_added(
    tiny: Tiny, whole: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paces: list[tuple[int, int]] = []
    plain = outcomes_by(9)

    async def watched(backlog: Backlog, workers_count: int, engine: str) -> AsyncIterator[Any]:
        async for pair in plain(backlog, workers_count, engine):
            yield pair
            paces.append((session[0].pace.runs_count, session[0].pace.undecided_count))

    session: list[Any] = []
    begin = results._begin

    def noted(*given: Any) -> Any:
        session.append(begin(*given))
        return session[0]

    monkeypatch.setattr(results, "_begin", noted)
    monkeypatch.setattr(results, "outcomes", watched)
    sweep_there(precise(tiny), tmp_path)
    assert paces[0] == (20, 2)
    assert paces[-1] == (len(whole), 0)
    assert session[0].pace.finished_count == len(whole)
    assert session[0].pace.forecast.done_fraction() == 1.0
