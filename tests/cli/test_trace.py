"""`perfsim run --trace`: a file beside the answer, and one line for a trace that cannot be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from perfsim.cli.trace import EVENTS_MAX, default_window_ps

Perfsim = Callable[..., tuple[int, str, str]]
Tiny = tuple[str, ...]

MS = 10**9


@pytest.mark.parametrize(
    "begin_ms, end_ms, events, to_ms",
    [
        (2, 22, EVENTS_MAX // 10, 22),
        (2, 22, EVENTS_MAX, 22),
        (2, 22, 10 * EVENTS_MAX, 4),
        (2, 22, 12 * EVENTS_MAX, 3),
        (0, 100, 2 * EVENTS_MAX, 50),
    ],
)
def test_what_is_traced_by_default_is_a_round_part_of_the_window(
    begin_ms: int, end_ms: int, events: int, to_ms: int
) -> None:
    found = default_window_ps(begin_ms * MS, end_ms * MS, events)
    assert found == (begin_ms * MS, to_ms * MS)


def test_a_trace_changes_nothing_of_the_answer(perfsim: Perfsim, tiny: Tiny) -> None:
    plain = perfsim("run", "quickstart", *tiny)
    status, out, err = perfsim("run", "quickstart", *tiny, "--trace", "q.pftrace")
    assert (status, out) == plain[:2]
    [line] = err.splitlines()
    assert line.startswith("q.pftrace: ")
    assert line.endswith("KiB, 10us..110us of the run, for ui.perfetto.dev")
    assert Path("q.pftrace").stat().st_size > 10_000


def test_either_engine_and_any_time_of_day_give_the_same_file(perfsim: Perfsim, tiny: Tiny) -> None:
    options = ("--design", "redo", "--trace-window", "20us..40us")
    for engine in ("compiled", "simpy"):
        perfsim("run", "quickstart", *tiny, *options, "--engine", engine, "--trace", f"{engine}.pftrace")
    assert Path("compiled.pftrace").read_bytes() == Path("simpy.pftrace").read_bytes()


def test_a_trace_that_is_cut_short_says_of_what_and_how_to_have_all_of_it(
    perfsim: Perfsim, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perfsim.cli.trace.EVENTS_MAX", 50)
    _, _, err = perfsim("run", "quickstart", *tiny, "--design", "redo", "--trace", "q.pftrace")
    assert "10us..11us of the run, for ui.perfetto.dev; 1 % of what was measured: " in err
    assert err.endswith(": --trace-window 10us..110us is all of it\n")


def test_a_design_of_the_users_own_is_traced_under_its_name(perfsim: Perfsim, tiny: Tiny) -> None:
    mine = "async def direct_reclaim(cpu):\n    await mine(cpu)\n\n\nasync def mine(cpu):\n    await cpu.think()\n"
    Path("slower.py").write_text(mine, encoding="utf-8")
    status, _, _ = perfsim("run", "quickstart", *tiny, "--design", "slower.py", "--trace", "q.pftrace")
    content = Path("q.pftrace").read_bytes()
    assert status == 0
    assert b"slower" in content
    assert b"mine" in content


@pytest.mark.parametrize(
    "words, line",
    [
        (
            ("--trace", "no/x"),
            "no/x: cannot be written: No such file or directory; expected a place with room to write",
        ),
        (("--trace", "."), ".: is there and is no file; expected a file to be written"),
        (("--trace", ""), "--trace: is empty; expected a file to be written, such as run.pftrace"),
        (("--trace", "/dev/null"), "/dev/null: is there and is no file; expected a file to be written"),
        (("--trace-window", "1us..2us"), '--trace-window: "1us..2us" of no trace; expected --trace FILE too'),
    ],
)
def test_a_file_that_cannot_be_is_one_line_before_anything_runs(
    perfsim: Perfsim, words: tuple[str, ...], line: str
) -> None:
    assert perfsim("run", "quickstart", *words) == (2, "", f"{line}\n")


@pytest.mark.parametrize(
    "window, words",
    [
        ("2..3ms", '"2" has no unit'),
        ("3us..2us", '"3us..2us" ends no later than it begins'),
        ("2us..2us", '"2us..2us" ends no later than it begins'),
        ("2us-3us", '"2us-3us" has no ..; expected two instants, such as 2ms..3ms'),
        ("2us..4ms", "4ms is after the run's end; expected 3.5ms at most"),
        ("-2us..4us", '"-2us" is negative'),
        ("..4us", '"" is no duration'),
    ],
)
def test_a_window_that_cannot_be_is_one_line(perfsim: Perfsim, window: str, words: str) -> None:
    status, out, err = perfsim("run", "quickstart", "--trace", "q.pftrace", "--trace-window", window)
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert err.startswith(f"--trace-window: {words}")
    assert not Path("q.pftrace").exists()
