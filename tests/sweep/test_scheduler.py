"""What is wrong with a scheduler's address, or with who is there, is said in one line and soon."""

import asyncio
import gc
import io
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from perfsim.errors import InputError
from perfsim.scenario.schema import Scenario
from perfsim.sweep import scheduler
from perfsim.sweep.cluster import Cluster, check_cluster
from perfsim.sweep.results import Order, sweep_into
from perfsim.sweep.scheduler import check_address
from scripts.local_cluster import HOST, LocalCluster, free_port
from tests.sweep.gate import Gate

TLS = Path(__file__).with_name("tls")
CERTIFICATE, KEY = str(TLS / "certificate.pem"), str(TLS / "key.pem")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that does not come is waited for long."""
    for limit in ("CONNECT_S", "GRACE_S", "TLS_PROBE_S"):
        monkeypatch.setattr(scheduler, limit, 0.2)


@pytest.fixture(scope="module")
def open_to_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """A scheduler without TLS and without workers, for all tests that only speak with it."""
    with LocalCluster(tmp_path_factory.mktemp("open")) as made:
        made.start_scheduler()
        yield made


def trusted() -> AbstractContextManager[object]:
    """Dask's configuration has the files of a certificate."""
    import dask

    settings = {"ca-file": CERTIFICATE, "client.cert": CERTIFICATE, "client.key": KEY}
    return dask.config.set({f"distributed.comm.tls.{name}": file for name, file in settings.items()})


def complaint(address: str) -> str:
    with pytest.raises(InputError) as refused:
        asyncio.run(check_cluster(Cluster(address, pytest.fail)))
    assert "\n" not in str(refused.value)
    return str(refused.value)


@contextmanager
def web_server() -> Iterator[int]:
    """Somebody who listens and speaks HTTP, as the scheduler's own dashboard does; the port."""
    server = ThreadingHTTPServer((HOST, 0), BaseHTTPRequestHandler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    "address",
    [
        *("", "localhost", "localhost:8786", "http://localhost:8786", "tcp://localhost", "tcp://:8786", "tcp://h:0"),
        *("tcp://h:65536", "tcp://h:8786/x", "tcp://a b:8786", "inproc://h:1", "tcp://user@h:8786"),
    ],
)
def test_what_is_no_address_of_a_scheduler_is_refused(address: str) -> None:
    assert complaint(address).endswith(
        "is no scheduler's address; expected tcp://HOST:PORT or tls://HOST:PORT, as `dask scheduler` prints it when "
        "it starts"
    )


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:8786", "tls://node-1.cluster:1", "tcp://[::1]:65535"])
def test_addresses_as_schedulers_print_them_are_taken(address: str) -> None:
    check_address(address)


@pytest.mark.usefixtures("impatient")
def test_that_nobody_answers_is_said_and_nothing_else(capfd: pytest.CaptureFixture[str]) -> None:
    address = f"tcp://{HOST}:{free_port()}"
    assert complaint(address) == (
        f"--scheduler: no scheduler answers at {address}; expected one that runs there: dask scheduler --port PORT"
    )
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("protocol, told", [("tcp", "no scheduler answers at"), ("tls", "does not speak TLS")])
def test_one_who_listens_and_never_says_a_word_is_given_up(protocol: str, told: str) -> None:
    with socket.socket() as silent:
        silent.bind((HOST, 0))
        silent.listen()
        assert told in complaint(f"{protocol}://{HOST}:{silent.getsockname()[1]}")


def test_all_that_is_waited_for_together_takes_less_than_ten_seconds() -> None:
    client_s, closing_s = scheduler.CONNECT_S + scheduler.GRACE_S, scheduler.GRACE_S
    assert client_s + closing_s + scheduler.TLS_PROBE_S + scheduler.GRACE_S < 10


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("protocol, told", [("tcp", "no scheduler answers at"), ("tls", "does not speak TLS")])
def test_a_web_server_is_no_scheduler(protocol: str, told: str) -> None:
    with web_server() as port:
        assert told in complaint(f"{protocol}://{HOST}:{port}")


@pytest.mark.usefixtures("impatient")
def test_where_nobody_answers_at_several_addresses_of_a_name_nothing_is_said_of_tls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As localhost is 127.0.0.1 and ::1 on many machines."""

    def two_addresses(_host: object, port: object, *_options: object, **_more: object) -> list[tuple[Any, ...]]:
        kind = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        return [(*kind, (address, port)) for address in ("127.0.0.1", "127.0.0.2")]

    monkeypatch.setattr(socket, "getaddrinfo", two_addresses)
    monkeypatch.setattr(scheduler, "TLS_PROBE_S", 10.0)  # a refusal comes at once
    with trusted():
        assert "no scheduler answers at tls://two:" in complaint(f"tls://two:{free_port()}")


@pytest.mark.usefixtures("impatient")
def test_an_unknown_host_is_named() -> None:
    assert "no scheduler answers at tcp://nowhere.invalid:8786" in complaint("tcp://nowhere.invalid:8786")


def test_without_dask_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    told = complaint(f"tcp://{HOST}:8786")
    assert told.startswith("--scheduler: the package distributed cannot be imported (")
    assert told.endswith("expected it installed, here and on every worker: pip install 'perfsim[cluster]'")


def test_workers_here_and_there_at_once_are_refused(tiny: Callable[..., Scenario], tmp_path: Path) -> None:
    order = Order(
        tiny(),
        sets=(),
        directory=tmp_path / "out",
        engine="compiled",
        jobs_count=2,
        fresh=False,
        resume_command="",
        scheduler="tcp://h:1",
    )
    with pytest.raises(InputError, match="expected --scheduler or --jobs, not both"):
        sweep_into(order, io.StringIO())
    assert not (tmp_path / "out").exists()


def test_tls_is_asked_for_where_it_is_spoken_and_certificates_where_they_lack(tmp_path: Path) -> None:
    files = ("--tls-ca-file", CERTIFICATE, "--tls-cert", CERTIFICATE, "--tls-key", KEY)
    with LocalCluster(tmp_path, protocol="tls") as guarded:
        guarded.start_scheduler("--protocol", "tls", *files)
        told = complaint(guarded.address.replace("tls", "tcp"))
        assert "speaks TLS alone; expected tls:// in its address, and the files of its certificates" in told
        told = complaint(guarded.address)
        assert "no TLS connection to the scheduler" in told
        assert "DASK_DISTRIBUTED__COMM__TLS__CA_FILE" in told
        with trusted():
            asyncio.run(check_cluster(Cluster(guarded.address, pytest.fail)))


def test_tls_is_refused_where_it_is_not_spoken(open_to_all: LocalCluster) -> None:
    told = complaint(open_to_all.address.replace("tcp", "tls"))
    assert told.endswith("does not speak TLS; expected tcp:// in its address")


def test_a_connection_that_comes_and_goes_while_it_is_closed_ends_without_a_word(
    open_to_all: LocalCluster, recwarn: pytest.WarningsRecorder
) -> None:
    """Dask's client connects again although it closes, and fails when it is asked to do so a second time."""

    async def closed_meanwhile() -> None:
        async with Gate(open_to_all.port) as gate:
            async with scheduler.connected(gate.address) as client:
                gate.delay_s = 0.3
                gate.cut()
                await seen(client, "connecting")
                cutting = asyncio.create_task(cut_when_connected(gate, client))
            await cutting

    async def cut_when_connected(gate: Gate, client: Any) -> None:
        await seen(client, "closing")
        await seen(client, "running")
        gate.delay_s = 0.0
        gate.cut()

    async def seen(client: Any, status: str) -> None:
        async with asyncio.timeout(5):
            while client.status != status:
                await asyncio.sleep(0.001)

    asyncio.run(closed_meanwhile())
    gc.collect()
    assert not recwarn.list
