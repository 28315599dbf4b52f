"""Whoever of a cluster has other versions is named before the first run, or is not used if it comes later."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any, TypeVar

import pytest

import perfsim
from perfsim.engine.cache import DIRECTORY_VARIABLE, engine_code
from perfsim.errors import InputError
from perfsim.scenario.schema import Scenario
from perfsim.sweep.backlog import Backlog
from perfsim.sweep.cluster import Cluster, check_cluster, cluster_outcomes
from perfsim.sweep.plan import Run, plan
from perfsim.sweep.worker import Failure
from scripts.local_cluster import ROOT, LocalCluster

Row = dict[str, Any]
Result = TypeVar("Result")

TIMEOUT_S = 60.0


@pytest.fixture
def former(tmp_path: Path) -> dict[str, str]:
    """The environment of a process where another perfsim and another simpy are installed."""
    folder = tmp_path / "former"
    for name, version in (("perfsim", "0.0.9"), ("simpy", "3.0.1")):
        installed = folder / f"{name}-{version}.dist-info"
        installed.mkdir(parents=True)
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        (installed / "METADATA").write_text(metadata, encoding="utf-8")
    return {"PYTHONPATH": str(folder)}


@pytest.fixture
def changed(tmp_path: Path) -> dict[str, str]:
    """The environment of a process that has a perfsim of our version and of other sources."""
    own = tmp_path / "changed" / "perfsim"
    own.parent.mkdir()
    own.mkdir()
    for path in (ROOT / "perfsim").iterdir():
        if path.name not in ("measure", "__pycache__"):
            (own / path.name).symlink_to(path)
    (own / "measure").mkdir()
    for path in (ROOT / "perfsim" / "measure").glob("*.py"):
        (own / "measure" / path.name).write_text(path.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    return {"PYTHONPATH": str(own.parent)}


@pytest.fixture(scope="module")
def common(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """A scheduler that is there for all tests of this file."""
    with LocalCluster(tmp_path_factory.mktemp("fleet")) as made:
        made.start_scheduler()
        yield made


@pytest.fixture
def cluster(common: LocalCluster) -> Iterator[LocalCluster]:
    """The common scheduler; workers end with the test that starts them."""
    try:
        yield common
    finally:
        common.stop_workers()


async def complaint(address: str) -> str:
    """What a cluster is refused for, as soon as it is."""
    while True:
        try:
            await check_cluster(Cluster(address, pytest.fail))
        except InputError as error:
            return str(error)
        await asyncio.sleep(0.2)


async def first(runs: tuple[Run, ...], cluster: LocalCluster, tell: Callable[[str], None]) -> Row:
    """The row of the run that ends first."""
    async with aclosing(cluster_outcomes(Backlog(runs), Cluster(cluster.address, tell), "compiled")) as finished:
        _, outcome = await anext(finished)
    assert not isinstance(outcome, Failure), outcome.reason
    return outcome


def awaited(waited_for: Coroutine[Any, Any, Result]) -> Result:
    """What comes of it, soon."""
    return asyncio.run(asyncio.wait_for(waited_for, TIMEOUT_S))


def test_a_scheduler_of_other_versions_is_refused(tmp_path: Path, former: dict[str, str]) -> None:
    with LocalCluster(tmp_path, former) as other:
        other.start_scheduler()
        told = awaited(complaint(other.address))
    assert told == (
        f"--scheduler: the scheduler has perfsim 0.0.9 where we have {perfsim.__version__}; expected the same versions"
    )


def test_a_worker_of_other_versions_is_refused(cluster: LocalCluster, former: dict[str, str]) -> None:
    cluster.start_workers(1, former)
    told = awaited(complaint(cluster.address))
    assert told.startswith("--scheduler: the worker tcp://127.0.0.1:")
    assert f" has perfsim 0.0.9 where we have {perfsim.__version__}, simpy 3.0.1 where we have " in told
    assert told.endswith("; expected the same versions")


def test_a_worker_without_the_engines_code_is_given_ours_and_of_its_threads_one_is_used(
    cluster: LocalCluster, tiny: Callable[..., Scenario], tmp_path: Path
) -> None:
    told: list[str] = []
    cluster.start_workers(1, {DIRECTORY_VARIABLE: str(tmp_path / "cache")}, threads=2)
    assert awaited(first(plan(tiny(), 1), cluster, told.append))
    (kept,) = (tmp_path / "cache").iterdir()
    assert kept.read_bytes().startswith(engine_code())
    assert not any("compiles" in line for line in told)
    assert [line for line in told if "one is used; dask worker --nworkers 2 --nthreads 1 uses all" in line]


def test_a_worker_of_other_sources_that_comes_later_is_not_used(
    cluster: LocalCluster, changed: dict[str, str], tiny: Callable[..., Scenario]
) -> None:
    refusals: list[str] = []

    def tell(line: str) -> None:
        """There is a worker of our sources once the other one has been met."""
        if line.startswith("not used: "):
            refusals.append(line)
            cluster.start_workers(1)

    cluster.start_workers(1, changed)
    assert awaited(first(plan(tiny(), 1), cluster, tell))
    assert len(refusals) == 1
    assert "has loaded other sources of perfsim than are here, of the same version" in refusals[0]
