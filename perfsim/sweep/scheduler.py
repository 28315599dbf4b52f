"""A Dask scheduler's address, and the connection to it: what is wrong with either is said in one line."""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
import warnings
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from perfsim.errors import InputError, quoted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

OPTION = "--scheduler"
CONNECT_S = 4.0
GRACE_S = 1.0
TLS_PROBE_S = 1.5
PORT_MAX = 65_535
EXPECTED = "expected tcp://HOST:PORT or tls://HOST:PORT, as `dask scheduler` prints it when it starts"
EXTRA = "expected it installed, here and on every worker: pip install 'perfsim[cluster]'"
CERTIFICATES = (
    "expected the files of its certificates in Dask's configuration, distributed.comm.tls.ca-file, .client.cert and "
    ".client.key, or in variables such as DASK_DISTRIBUTED__COMM__TLS__CA_FILE"
)

_ADDRESS = re.compile(r"(?P<protocol>tcp|tls)://(?P<host>[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\]):(?P<port>[0-9]{1,5})")


def check_address(address: str) -> None:
    """Raise InputError for what can be no scheduler's address, or if the extra `cluster` is not installed."""
    found = _ADDRESS.fullmatch(address)
    if found is None or not 1 <= int(found["port"]) <= PORT_MAX:
        raise InputError(OPTION, f"{quoted(address)} is no scheduler's address; {EXPECTED}")
    try:
        import distributed  # noqa: F401 - whether it is there
    except ImportError as error:
        raise InputError(OPTION, f"the package distributed cannot be imported ({error}); {EXTRA}") from None


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[Any]:
    """A client of the scheduler at a checked address. Raises InputError, which says why, within 10 s if there is none.

    Dask's own log, which tells in many lines what we tell in one, is silent meanwhile.
    """
    from distributed import Client
    from distributed.versions import VersionMismatchWarning

    with _silent():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", VersionMismatchWarning)  # versions are ours to compare
            client = Client(address, asynchronous=True, timeout=CONNECT_S, set_as_default=False, name="perfsim")
            try:
                await asyncio.wait_for(client, CONNECT_S + GRACE_S)
            except Exception as error:  # what listens there may say anything
                await _closed(client)
                raise InputError(OPTION, await _why_not(address, error)) from None
        try:
            yield client
        finally:
            await _closed(client)


async def _closed(client: Any) -> None:
    """Close a client, however it is; a scheduler that is gone is not waited for.

    Dask's client raises here what its reconnecting has met meanwhile, which may be anything. It is then not quite
    closed, and would begin to close again, with nobody there to await it, when it is thrown away.
    """
    with suppress(Exception):
        await asyncio.wait_for(client.close(), GRACE_S)
    client.status = "closed"


async def _why_not(address: str, error: Exception) -> str:
    """Why there is no connection, and what to do."""
    wants_tls = await _wants_tls(address)
    if address.startswith("tls://"):
        if wants_tls is False:
            return f"the scheduler at {address} does not speak TLS; expected tcp:// in its address"
        if wants_tls or isinstance(error, (TypeError, ValueError)):
            return f"no TLS connection to the scheduler at {address} ({type(error).__name__}); {CERTIFICATES}"
    elif wants_tls:
        return f"the scheduler at {address} speaks TLS alone; expected tls:// in its address, and {CERTIFICATES[9:]}"
    return f"no scheduler answers at {address}; expected one that runs there: dask scheduler --port PORT"


async def _wants_tls(address: str) -> bool | None:
    """Whether who listens there answers a TLS greeting as TLS does; None if nobody listens."""
    found = _ADDRESS.fullmatch(address)
    assert found is not None, "the address has been checked"
    anybody = ssl.create_default_context()
    anybody.check_hostname = False
    anybody.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(TLS_PROBE_S):
            _, writer = await asyncio.open_connection(found["host"].strip("[]"), int(found["port"]), ssl=anybody)
    except ssl.SSLError as error:
        return "ALERT" in error.reason or "CERTIFICATE" in error.reason
    except TimeoutError:
        return False
    except ConnectionRefusedError:
        return None
    except ConnectionError:  # somebody let us in and does not go on
        return False
    except OSError:  # one of several reasons has no number: a name may have several addresses
        return None
    writer.transport.abort()
    with suppress(OSError, TimeoutError):
        await asyncio.wait_for(writer.wait_closed(), GRACE_S)
    return True


class _silent:  # noqa: N801 - used as a function
    """Keep Dask's loggers quiet for the length of a block."""

    def __enter__(self) -> None:
        names = [name for name in logging.root.manager.loggerDict if name.split(".")[0] in ("distributed", "tornado")]
        self.levels = {name: logging.getLogger(name).level for name in ("distributed", *names)}
        for name in self.levels:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)

    def __exit__(self, *_error: object) -> None:
        for name, level in self.levels.items():
            logging.getLogger(name).setLevel(level)
