"""What people see of a sweep that is under way."""

import asyncio
import io

import pytest

from perfsim.sweep import progress
from perfsim.sweep.forecast import Forecast
from perfsim.sweep.progress import Pace, describe, shown


class Watched(io.StringIO):
    """A stream that knows whether it is a terminal, and says when something was written."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self.is_terminal = is_terminal
        self.written = asyncio.Event()

    def isatty(self) -> bool:
        return self.is_terminal

    def write(self, text: str) -> int:
        if "runs" in text:
            self.written.set()
        return super().write(text)


def watched(monkeypatch: pytest.MonkeyPatch, *, is_terminal: bool) -> str:
    """What was written until the first line about the runs."""
    monkeypatch.setattr(progress, "TERMINAL_INTERVAL_S", 0.0)
    monkeypatch.setattr(progress, "PLAIN_INTERVAL_S", 0.0)
    monkeypatch.setenv("COLUMNS", "100")

    async def show() -> str:
        stream = Watched(is_terminal=is_terminal)
        async with shown(Pace(runs_count=12, reused_count=3, forecast=Forecast()), stream):
            await stream.written.wait()
        return stream.getvalue()

    return asyncio.run(show())


class Known(Forecast):
    """A forecast of so many seconds."""

    def __init__(self, left_s: float | None) -> None:
        super().__init__()
        self.known_s = left_s

    def left_s(self) -> float | None:
        return self.known_s


@pytest.mark.parametrize(
    "elapsed_s, finished, left_s, text",
    [
        (5.0, 0, None, "1,200 of 2,000 runs"),
        (10.0, 40, 40.2, "1,240 of 2,000 runs, 4.0 runs/s, about 40 s left"),
        (100.0, 10, 401.0, "1,210 of 2,000 runs, 0.1 runs/s, about 7 min left"),
        (3000.0, 1, 12_000.0, "1,201 of 2,000 runs, 0.00033 runs/s, about 3 h 20 min left"),
        (10.0, 800, 0.0, "2,000 of 2,000 runs, 80.0 runs/s, about 0 s left"),
    ],
)
def test_what_is_done_and_what_is_left_is_told(
    elapsed_s: float, finished: int, left_s: float | None, text: str
) -> None:
    pace = Pace(2000, 1200, Known(left_s), finished_count=finished, started_s=50.0)
    assert describe(pace, 50.0 + elapsed_s) == text


def test_what_may_grow_is_told_as_at_least_so_much() -> None:
    pace = Pace(2000, 1200, Known(40.2), finished_count=40, started_s=50.0, undecided_count=1)
    assert describe(pace, 60.0) == "1,240 of at least 2,000 runs, 4.0 runs/s, at least 40 s left"


def test_without_a_terminal_there_are_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(watched(monkeypatch, is_terminal=False).splitlines()) == {"3 of 12 runs"}


def test_a_terminal_gets_a_bar_that_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    text = watched(monkeypatch, is_terminal=True)
    assert "3 of 12 runs" in text
    assert text.endswith("\x1b[2K")


def test_a_terminal_that_can_do_nothing_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert set(watched(monkeypatch, is_terminal=True).splitlines()) == {"3 of 12 runs"}
