"""Sweeps on a real scheduler and real workers: the same rows, whoever dies meanwhile."""

import asyncio
import io
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from perfsim.engine.budget import Limits
from perfsim.errors import InputError
from perfsim.scenario.schema import Scenario
from perfsim.store.parquet import read_runs
from perfsim.sweep import cluster as sweep_cluster
from perfsim.sweep import dispatch, failures, results, scheduler
from perfsim.sweep.backlog import Backlog
from perfsim.sweep.cluster import Cluster
from perfsim.sweep.plan import Run, plan
from perfsim.sweep.remote import carry_out
from perfsim.sweep.results import Finished, Order, sweep_into
from perfsim.sweep.worker import Failure, work
from scripts.local_cluster import HOST, SCHEDULER, WORKERS, LocalCluster
from tests.sweep.conftest import TINY
from tests.sweep.on_cluster import Row, check_same_as_here, on_cluster, once

Tiny = Callable[..., Scenario]

ROOT = Path(__file__).resolve().parents[2]
LONGER = ("measure.duration=2ms", "sweep.replications=6")

# A worker that loads it is killed, as for want of memory; here at home it is a design like others.
DEADLY = """\
import os, signal

extends = "redo"

if "PERFSIM_TEST_IS_WORKER" in os.environ:
    os.kill(os.getpid(), signal.SIGKILL)

async def page_mapping_inuse(cpu, page):
    return 1
"""
# In a worker, no end comes to loading it.
ENDLESS = DEADLY.replace("os.kill(os.getpid(), signal.SIGKILL)", "signal.pause()")
CALM = DEADLY.replace("os.kill(os.getpid(), signal.SIGKILL)", "pass")
BROKEN = """\
async def direct_reclaim(cpu):
    never = 1 // (1 - await cpu.should_stop() - 1)
"""
SLOW_WAKE = """\
name: slow_wake
extends: ../base.yaml
costs: {wakeup: [2us, 4us, 7.5us]}
sources: {wakeup: "an assumption"}
"""


@pytest.fixture(scope="module")
def common(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """Two workers that are there for all tests of this file."""
    with LocalCluster(tmp_path_factory.mktemp("cluster"), {"PERFSIM_TEST_IS_WORKER": "1"}) as made:
        yield made


@pytest.fixture
def cluster(common: LocalCluster) -> LocalCluster:
    """The common cluster, whoever has been killed in other tests."""
    common.keep()
    return common


def order(scenario: Scenario, scheduler: str | None) -> Order:
    return Order(
        scenario,
        sets=(),
        directory=Path("out"),
        engine="compiled",
        jobs_count=None,
        fresh=False,
        resume_command="perfsim sweep it",
        scheduler=scheduler,
    )


def swept(scenario: Scenario, cluster: LocalCluster) -> tuple[Finished, str]:
    """Sweep into a directory; the end, and what people were told."""
    told = io.StringIO()
    return sweep_into(order(scenario, cluster.address), told), told.getvalue()


@pytest.fixture
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, which the cluster does not know."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_commands_of_readme_make_a_cluster_on_which_a_sweep_has_the_rows_that_it_has_here(
    cluster: LocalCluster, runs: tuple[Run, ...], tmp_path: Path
) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = next(block for block in re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S) if "dask scheduler" in block)
    sweep = "perfsim sweep mlock_heavy --scheduler"
    assert block.splitlines()[1:] == [
        f"{SCHEDULER.format(port=8786)} &",
        f"{WORKERS.format(protocol='tcp', port=8786, count=2, threads=1)} &",
        f"{sweep} tcp://{HOST}:8786",
    ]
    sets = [word for text in TINY for word in ("--set", text)]
    command = [sys.executable, "-m", *sweep.replace("mlock_heavy", "quickstart").split(), cluster.address, *sets]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, cwd=tmp_path, env=environment, check=False, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "8 runs are in results/quickstart/runs.parquet\n")
    check_same_as_here(runs, list(zip(runs, read_runs(tmp_path / "results/quickstart/runs.parquet"), strict=True)))


def test_designs_and_profiles_travel_as_files_and_failures_name_them_as_given(
    cluster: LocalCluster, tiny: Tiny, in_folder: Path
) -> None:
    (in_folder / "mine").mkdir()
    Path("base.yaml").write_text("name: base\nextends: x86_64\n", encoding="utf-8")
    Path("mine/slow_wake.yaml").write_text(SLOW_WAKE, encoding="utf-8")
    Path("mine/calm.py").write_text(CALM, encoding="utf-8")
    Path("mine/broken.py").write_text(BROKEN, encoding="utf-8")
    designs = ("redo", "mine/calm.py", "mine/broken.py")
    finished, _ = swept(tiny("machine.profile=mine/slow_wake.yaml", designs=designs), cluster)
    assert {(row["design"], row["profile"]) for row in finished.rows} == {("redo", "slow_wake"), ("calm", "slow_wake")}
    here = plan(tiny("machine.profile=mine/slow_wake.yaml", designs=designs[:2]), 1)
    check_same_as_here(here, list(zip(here, finished.rows, strict=True)))
    place = "mine/broken.py:2:1: the design fails when it runs: ZeroDivisionError"
    assert [place in reason for _, reason in finished.failures] == [True] * 4
    left = {path.suffix for path in cluster.scratch.rglob("perfsim-*/**/*") if path.is_file()}
    assert ".py" in left  # within what Dask itself removes with the worker
    assert left <= {".py", ".pyc", ".yaml"}


def test_runs_that_a_precision_adds_on_the_way_are_carried_out_too(
    cluster: LocalCluster, tiny: Tiny, in_folder: Path
) -> None:
    precision = "sweep.precision={metric: lru_lock_acquisitions, relative: 1%, max_replications: 12}"
    scenario = tiny("sweep.axes.machine.cpus=[4]", "sweep.replications=5", precision)
    finished, _ = swept(scenario, cluster)
    runs = plan(scenario, 1)
    assert len(finished.rows) == len(runs) == 2 * 12
    check_same_as_here(runs, list(zip(runs, finished.rows, strict=True)))


def test_a_run_that_kills_its_workers_is_set_aside_with_its_point_and_all_others_are_finished(
    cluster: LocalCluster, tiny: Tiny, in_folder: Path
) -> None:
    Path("deadly.py").write_text(DEADLY, encoding="utf-8")
    killed = cluster.worker_ids()
    finished, _ = swept(tiny("sweep.axes.machine.cpus=[1]", designs=("redo", "deadly.py")), cluster)
    reasons = {(run.labels["design"], reason) for run, reason in finished.failures}
    assert ("deadly", failures.DIED.reason) in reasons
    assert all(
        reason.startswith("set aside, not tried: ") for _, reason in reasons - {("deadly", failures.DIED.reason)}
    )
    assert len(finished.rows) + len(finished.failures) == 4
    assert killed != cluster.worker_ids()


def test_a_worker_that_is_killed_costs_no_row(cluster: LocalCluster, tiny: Tiny) -> None:
    runs = plan(tiny(*LONGER), 1)
    found, _ = on_cluster(runs, cluster, once(4, lambda: os.kill(cluster.worker_ids()[0], signal.SIGKILL)))
    check_same_as_here(runs, found)


def test_a_worker_that_only_seems_to_be_gone_doubles_no_row(
    cluster: LocalCluster, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distributed import Client

    look, looks_count = Client.nthreads, count()

    async def blinking(client: Client) -> Any:
        seen = await look(client)
        return {} if next(looks_count) == 1 else seen

    monkeypatch.setattr(Client, "nthreads", blinking)
    monkeypatch.setattr(dispatch, "LOOK_S", 0.2)
    runs = plan(tiny(*LONGER), 1)
    found, _ = on_cluster(runs, cluster)
    assert next(looks_count) > 2
    check_same_as_here(runs, found)


@pytest.mark.timeout(60)
def test_a_worker_that_seems_to_be_gone_while_a_row_is_fetched_holds_up_no_other(
    cluster: LocalCluster, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distributed import Client

    look, fetch, blinks_count, fetches_count = Client.nthreads, Client._gather_remote, count(), count()

    async def blinking(client: Client) -> Any:
        seen = await look(client)
        return {} if client._gather_future and next(blinks_count) == 0 else seen

    async def slow(client: Client, direct: bool, local_worker: Any) -> Any:
        if next(fetches_count) == 0:
            await asyncio.sleep(1)  # other rows that have ended are still to be fetched with this one
        return await fetch(client, direct, local_worker)

    monkeypatch.setattr(Client, "nthreads", blinking)
    monkeypatch.setattr(Client, "_gather_remote", slow)
    monkeypatch.setattr(dispatch, "LOOK_S", 0.05)
    runs = plan(tiny(*LONGER), 1)
    found, _ = on_cluster(runs, cluster)
    assert next(blinks_count) > 0
    check_same_as_here(runs, found)


def test_a_run_that_does_not_notice_that_its_time_is_over_is_killed_with_its_worker(
    cluster: LocalCluster, tiny: Tiny, in_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failures, "GRACE_S", 0.1)
    Path("endless.py").write_text(ENDLESS, encoding="utf-8")
    one = tiny("sweep.axes.machine.cpus=[1]", "sweep.replications=1", designs=("redo", "endless.py"))
    runs = plan(one, 1, limits=Limits(wall_s_max=0.5))
    found, _ = on_cluster(runs, cluster)
    ended = {run.labels["design"]: outcome for run, outcome in found}
    assert ended["endless"] == Failure("given up after 0.5 s, the most that a run may take, and killed")
    assert set(ended) == {"redo", "endless"}


def test_limits_of_events_hold_there_too(cluster: LocalCluster, tiny: Tiny) -> None:
    runs = plan(tiny(), 1, limits=Limits(events_max=50))[:2]
    found, _ = on_cluster(runs, cluster)
    assert {outcome for _, outcome in found} == {work(run.task) for run in runs}
    assert all(isinstance(outcome, Failure) for _, outcome in found)


class HandedOut(NamedTuple):
    """An attempt that was given to a worker. pending_count: how many have not ended then. futures_count: of all."""

    worker: str
    pending_count: int
    futures_count: int


@pytest.fixture
def handed_out(monkeypatch: pytest.MonkeyPatch) -> list[HandedOut]:
    """Each attempt that is given to a worker. No batches."""
    from distributed import Client

    monkeypatch.setattr(dispatch, "BATCH_S", 0.0)
    submit, seen = Client.submit, list[HandedOut]()

    def watched(client: Client, function: object, *values: object, **options: Any) -> object:
        future = submit(client, function, *values, **options)
        if function is carry_out:
            pending_count = sum(one.status == "pending" for one in client.futures.values())
            seen.append(HandedOut(options["workers"][0], pending_count, len(client.futures)))
        return future

    monkeypatch.setattr(Client, "submit", watched)
    return seen


def test_a_worker_never_holds_more_than_two_runs_and_futures_go_with_their_runs(
    cluster: LocalCluster, tiny: Tiny, handed_out: list[HandedOut]
) -> None:
    runs = plan(tiny(*LONGER), 1)
    found, _ = on_cluster(runs, cluster)
    check_same_as_here(runs, found)
    assert len(handed_out) >= len(runs) == 24
    workers: set[str] = set()
    for one in handed_out:
        workers.add(one.worker)
        assert one.pending_count <= 2 * len(workers)
    assert max(one.futures_count for one in handed_out) < len(runs) / 2


def test_a_worker_that_joins_is_given_runs(cluster: LocalCluster, tiny: Tiny, handed_out: list[HandedOut]) -> None:
    class HasJoinedError(Exception):
        pass

    def join(count: int) -> None:
        if count == 1:
            cluster.start_workers(1)
        if len({one.worker for one in handed_out}) == 3:
            raise HasJoinedError

    with pytest.raises(HasJoinedError):
        on_cluster(plan(tiny("sweep.replications=1000"), 1), cluster, join)


def test_a_row_that_comes_twice_is_stored_once(
    tiny: Tiny, runs: tuple[Run, ...], in_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def checked(cluster: Cluster) -> None:
        pass

    async def twice(backlog: Backlog, cluster: Cluster, engine: str) -> AsyncIterator[tuple[Run, Row | Failure]]:
        for run in (*runs[:3], *runs):
            yield run, work(run.task)

    monkeypatch.setattr(results, "check_cluster", checked)
    monkeypatch.setattr(results, "cluster_outcomes", twice)
    finished = sweep_into(order(tiny(), "tcp://nobody:1"), io.StringIO())
    assert [row["run_id"] for row in read_runs(Path("out/runs.parquet"))] == [run.task.run_id for run in runs]
    assert len(finished.rows) == 8


def test_a_scheduler_that_is_killed_is_waited_for_and_no_row_is_lost(cluster: LocalCluster, tiny: Tiny) -> None:
    def restart() -> None:
        cluster.kill_scheduler()
        cluster.start()

    runs = plan(tiny(*LONGER), 1)
    found, told = on_cluster(runs, cluster, once(4, restart))
    check_same_as_here(runs, found)
    assert any(
        line.startswith(f"the scheduler at {cluster.address} is gone or has forgotten our runs") for line in told
    )
    assert f"the scheduler at {cluster.address} is back" in told


def test_a_scheduler_that_does_not_return_ends_the_sweep_which_says_how_to_go_on_and_keeps_its_rows(
    cluster: LocalCluster, tiny: Tiny, in_folder: Path, in_this_process: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = results._keep
    counts = iter(range(1, 1000))

    def kill_at_four(*arguments: Any) -> None:
        kept(*arguments)
        if next(counts) == 4:
            cluster.kill_scheduler()

    monkeypatch.setattr(results, "_keep", kill_at_four)
    monkeypatch.setattr(sweep_cluster, "RETURN_S", 0.5)
    monkeypatch.setattr(sweep_cluster, "RETURN_PAUSE_S", 0.1)
    monkeypatch.setattr(scheduler, "CONNECT_S", 1.0)
    with pytest.raises(InputError) as ended:
        swept(tiny(*LONGER), cluster)
    words = str(ended.value)
    count = re.search(r"not back after 0.5 s; (\d+) of 24 runs are kept, go on with: perfsim sweep it$", words)
    assert count, words
    told = io.StringIO()
    finished = sweep_into(order(tiny(*LONGER), None), told)
    assert told.getvalue().startswith(f"{count[1]} of 24 runs are in out already")
    assert 4 <= int(count[1]) < 24
    assert len(finished.rows) == 24
