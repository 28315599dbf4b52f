"""A gate on the way to a scheduler, at which a test can cut connections and keep new ones waiting."""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self

from scripts.local_cluster import HOST

CHUNK_BYTES = 65_536


class Gate:
    """Who connects to `address` speaks with the port behind it, after `delay_s`."""

    def __init__(self, port: int) -> None:
        self.delay_s = 0.0
        self._port = port
        self._ends: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._pass, HOST, 0)
        self.address = f"tcp://{HOST}:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.cut()
        self._server.close()
        await self._server.wait_closed()

    def cut(self) -> None:
        """Break all connections; new ones are let in as before."""
        while self._ends:
            self._ends.pop().transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(self.delay_s)
        there, back = await asyncio.open_connection(HOST, self._port)
        self._ends += [writer, back]
        with suppress(OSError):
            await asyncio.gather(_copy(reader, back), _copy(there, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(CHUNK_BYTES):
        writer.write(data)
        await writer.drain()
