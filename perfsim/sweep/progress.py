"""How far a sweep is, on stderr: a bar on a terminal, else a plain line now and then."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

from perfsim.units import format_count

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from perfsim.sweep.forecast import Forecast

TERMINAL_INTERVAL_S = 0.5
PLAIN_INTERVAL_S = 10.0

_MINUTE_S = 60
_HOUR_S = 3600


@dataclass(slots=True)
class Pace:
    """How far a sweep is.

    reused_count: runs whose rows were there already. finished_count: runs that ended in this session, well or not.
    forecast: of what is left. started_s: on the monotonic clock. undecided_count: points that may get more runs than
    those counted here.
    """

    runs_count: int
    reused_count: int
    forecast: Forecast
    finished_count: int = 0
    started_s: float = field(default_factory=time.monotonic)
    undecided_count: int = 0


def describe(pace: Pace, now_s: float) -> str:
    """The pace as people read it: done of total, runs a second, time left. now_s: on the monotonic clock."""
    text = done_text(pace)
    elapsed_s = now_s - pace.started_s
    left_s = pace.forecast.left_s()
    if left_s is None or elapsed_s <= 0:
        return text
    rate_per_s = pace.finished_count / elapsed_s
    rate = f"{rate_per_s:.1f}" if rate_per_s >= 1 else f"{rate_per_s:.2g}"
    return f"{text}, {rate} runs/s, {'at least' if pace.undecided_count else 'about'} {_rounded(left_s)} left"


def done_text(pace: Pace) -> str:
    """How many runs are done, and of how many."""
    at_least = "at least " if pace.undecided_count else ""
    return f"{format_count(pace.reused_count + pace.finished_count)} of {at_least}{format_count(pace.runs_count)} runs"


@asynccontextmanager
async def shown(pace: Pace, stream: TextIO) -> AsyncIterator[None]:
    """Show the pace on the stream, again and again, until the block ends."""
    is_terminal = stream.isatty() and os.environ.get("TERM") != "dumb"
    with _bar(stream) if is_terminal else _lines(stream) as show:
        ticking = asyncio.create_task(_tick(pace, show, TERMINAL_INTERVAL_S if is_terminal else PLAIN_INTERVAL_S))
        try:
            yield
        finally:
            ticking.cancel()
            await asyncio.wait({ticking})


async def _tick(pace: Pace, show: Callable[[Pace], None], interval_s: float) -> None:
    while True:
        await asyncio.sleep(interval_s)
        show(pace)


@contextmanager
def _lines(stream: TextIO) -> Iterator[Callable[[Pace], None]]:
    def show(pace: Pace) -> None:
        stream.write(describe(pace, time.monotonic()) + "\n")
        stream.flush()

    yield show


@contextmanager
def _bar(stream: TextIO) -> Iterator[Callable[[Pace], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (BarColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=Console(file=stream), auto_refresh=False, transient=True) as progress:
        bar = progress.add_task("", total=None)

        def show(pace: Pace) -> None:
            text = describe(pace, time.monotonic())
            progress.update(bar, description=text, total=1.0, completed=pace.forecast.done_fraction(), refresh=True)

        yield show


def _rounded(duration_s: float) -> str:
    """A duration as people say it, in seconds, minutes, or hours and minutes."""
    if duration_s < _MINUTE_S:
        return f"{duration_s:.0f} s"
    if duration_s < _HOUR_S:
        return f"{duration_s / _MINUTE_S:.0f} min"
    hours, rest_s = divmod(round(duration_s), _HOUR_S)
    return f"{hours} h {rest_s // _MINUTE_S} min"
