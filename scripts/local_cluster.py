"""A cluster on this machine, of processes that can be killed: what is tried on it holds for one of many machines."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).resolve().parents[1]
HOST = "127.0.0.1"
SCHEDULER = f"dask scheduler --host {HOST} --port {{port}}"
WORKERS = f"dask worker {{protocol}}://{HOST}:{{port}} --nworkers {{count}} --nthreads {{threads}}"
WORKERS_COUNT = 2
START_S = 60.0
END_S = 5.0


class LocalCluster:
    """A scheduler and its workers, started by the commands that README.md shows.

    As a context it ends with the block. folder: where all of them work and write. variables: of their environment,
    beside ours. protocol: tcp or tls.
    """

    def __init__(self, folder: Path, variables: Mapping[str, str] | None = None, protocol: str = "tcp") -> None:
        self.folder = folder
        self.port = free_port()
        self.protocol = protocol
        self.scratch = folder / "scratch"
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "DASK_TEMPORARY_DIRECTORY": str(self.scratch),
            **(variables or {}),
        }
        self._scheduler: subprocess.Popen[bytes] | None = None
        self._nannies: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.stop()

    @property
    def address(self) -> str:
        """The scheduler's."""
        return f"{self.protocol}://{HOST}:{self.port}"

    @property
    def scheduler_id(self) -> int:
        """The scheduler's process id."""
        assert self._scheduler is not None, "it was started"
        return self._scheduler.pid

    def start(self) -> None:
        """Start the scheduler and its workers, and return when the scheduler listens."""
        self.start_scheduler()
        self.start_workers(WORKERS_COUNT)

    def start_scheduler(self, *options: str) -> None:
        """Start a scheduler, and return when it listens. Raises TimeoutError if it does not."""
        self._scheduler = self._started(SCHEDULER.format(port=self.port), options)
        deadline_s = time.monotonic() + START_S
        while time.monotonic() < deadline_s and self._scheduler.poll() is None:
            with suppress(OSError), socket.create_connection((HOST, self.port), 1.0):
                return
            time.sleep(0.05)
        raise TimeoutError(f"no scheduler at {self.address}; see {self.folder}")

    def start_workers(self, count: int, variables: Mapping[str, str] | None = None, threads: int = 1) -> None:
        """Start more workers; they come up while this returns. variables: of their environment alone."""
        command = WORKERS.format(protocol=self.protocol, port=self.port, count=count, threads=threads)
        self._nannies.append(self._started(command, (), variables))

    def worker_ids(self) -> list[int]:
        """The process ids of the workers that are there now; Dask starts another for each that dies."""
        children = [child for nanny in self._nannies for child in children_of(nanny.pid)]
        return [child for child in children if b"spawn_main" in command_of(child)]

    def keep(self) -> None:
        """Start again what has ended, as a cluster does: workers all end when one is killed while it starts."""
        if self._scheduler is None or self._scheduler.poll() is not None:
            self.start()
        elif all(nanny.poll() is not None for nanny in self._nannies):
            self.start_workers(WORKERS_COUNT)

    def stop_workers(self) -> None:
        """End all workers, and who would start them again."""
        while self._nannies:
            end(self._nannies.pop())

    def kill_scheduler(self) -> None:
        """Kill the scheduler at once; its workers end when they notice."""
        assert self._scheduler is not None, "it was started"
        self._scheduler.kill()
        self._scheduler.wait()

    def stop(self) -> None:
        """End all, and all that they have started."""
        self.stop_workers()
        if self._scheduler is not None:
            end(self._scheduler)

    def _started(
        self, command: str, options: tuple[str, ...], variables: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        program, *words = shlex.split(command)
        with (self.folder / f"{words[0]}.log").open("ab") as log:
            return subprocess.Popen(
                [str(Path(sys.executable).with_name(program)), *words, *options],
                cwd=self.folder,
                env={**self._environment, **(variables or {})},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, then kill all of its session."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(END_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def children_of(process_id: int) -> list[int]:
    """The processes that a process has started and that live."""
    found: list[int] = []
    for listed in Path(f"/proc/{process_id}/task").glob("*/children"):
        with suppress(OSError):
            found += map(int, listed.read_text().split())
    return found


def command_of(process_id: int) -> bytes:
    """A process's command line; empty if it has ended."""
    try:
        return Path(f"/proc/{process_id}/cmdline").read_bytes()
    except OSError:
        return b""
