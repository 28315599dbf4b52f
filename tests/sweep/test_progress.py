"""What people see of a sweep that is under way."""

import asyncio
import io

import pytest

from perfsim.sweep import progress
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
        async with shown(Pace(runs_count=12, reused_count=3, work_total=9), stream):
            await stream.written.wait()
        return stream.getvalue()

    return asyncio.run(show())


@pytest.mark.parametrize(
    "elapsed_s, finished, work, text",
    [
        (5.0, 0, 0, "1,200 of 2,000 runs"),
        (10.0, 40, 20, "1,240 of 2,000 runs, 4.0 runs/s, about 40 s left"),
        (100.0, 10, 20, "1,210 of 2,000 runs, 0.1 runs/s, about 7 min left"),
        (3000.0, 1, 20, "1,201 of 2,000 runs, 0.00033 runs/s, about 3 h 20 min left"),
        (10.0, 800, 100, "2,000 of 2,000 runs, 80.0 runs/s, about 0 s left"),
    ],
)
def test_time_left_follows_the_work_and_not_the_number_of_runs(
    elapsed_s: float, finished: int, work: int, text: str
) -> None:
    pace = Pace(2000, 1200, work_total=100, finished_count=finished, work_finished=work, started_s=50.0)
    assert describe(pace, 50.0 + elapsed_s) == text


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
