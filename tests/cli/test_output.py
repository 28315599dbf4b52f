"""Where text goes, and what happens when nobody reads it or the terminal lacks a letter."""

import errno
import io
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from perfsim.cli.output import CLOSED_PIPE_STATUS, shows_colour, shows_pictures, tell, tell_meanwhile

Process = tuple[list[str], dict[str, str]]


def test_words_for_people_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    tell("how it went")
    assert capsys.readouterr() == ("", "how it went\n")


def test_what_goes_on_is_shown_at_a_terminal_alone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tell_meanwhile("in a pipe")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    tell_meanwhile("at a terminal that cannot take it away")
    monkeypatch.setenv("TERM", "xterm")
    tell_meanwhile("at a terminal")
    tell_meanwhile("")
    assert capsys.readouterr() == ("", "\rat a terminal\x1b[K\r\x1b[K")


@pytest.mark.parametrize(
    "is_terminal, no_color, term, expected",
    [(True, "", "xterm", True), (False, "", "xterm", False), (True, "1", "xterm", False), (True, "", "dumb", False)],
)
def test_colours_are_for_terminals_whose_users_want_them(
    monkeypatch: pytest.MonkeyPatch, is_terminal: bool, no_color: str, term: str, expected: bool
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal)
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", term)
    assert shows_colour() is expected


@pytest.mark.parametrize(
    "is_terminal, term, encoding, expected",
    [
        (True, "xterm", "utf-8", True),
        (False, "xterm", "utf-8", False),
        (True, "dumb", "utf-8", False),
        (True, "xterm", "iso8859-1", False),
    ],
)
def test_pictures_are_for_terminals_that_have_their_characters(
    monkeypatch: pytest.MonkeyPatch, is_terminal: bool, term: str, encoding: str, expected: bool
) -> None:
    stdout = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(stdout, "isatty", lambda: is_terminal)
    monkeypatch.setattr(sys, "stdout", stdout)
    monkeypatch.setenv("TERM", term)
    assert shows_pictures() is expected


@pytest.mark.parametrize("command", [["profiles", "show", "ia64"], ["--version"]])
def test_a_reader_that_goes_away_is_no_error_to_talk_about(
    process: Process, tmp_path: Path, command: list[str]
) -> None:
    words, environment = process
    with subprocess.Popen(
        [*words, *command], env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        assert writer.stderr is not None
        writer.stdout.close()
        assert writer.stderr.read() == b""
    assert writer.returncode == CLOSED_PIPE_STATUS


@pytest.mark.parametrize("command", ["profiles show ia64", "--version", "--help", "run --help"])
@pytest.mark.parametrize(
    "output, status, told",
    [
        (">&-", CLOSED_PIPE_STATUS, ""),
        (">/dev/full", 1, f"stdout: cannot be written: {os.strerror(errno.ENOSPC)}; the answer is not complete\n"),
        (">/dev/full 2>&-", 1, ""),
        ("<&- >&- 2>&-", CLOSED_PIPE_STATUS, ""),
        ("1</dev/null", 1, f"stdout: cannot be written: {os.strerror(errno.EBADF)}; the answer is not complete\n"),
    ],
)
def test_an_output_that_is_closed_or_full_is_told_plainly(
    process: Process, tmp_path: Path, command: str, output: str, status: int, told: str
) -> None:
    ended = in_shell(process, tmp_path, f"{command} {output}")
    assert (ended.returncode, ended.stdout, ended.stderr) == (status, "", told)


@pytest.mark.parametrize("closed", ["2>&-", "2>/dev/full"])
def test_a_complaint_that_nobody_can_read_keeps_its_status(process: Process, tmp_path: Path, closed: str) -> None:
    ended = in_shell(process, tmp_path, f"run quikstart {closed}")
    assert (ended.returncode, ended.stdout) == (2, "")


def in_shell(process: Process, directory: Path, command: str) -> subprocess.CompletedProcess[str]:
    """Run a command line with a shell's redirections."""
    words, environment = process
    return subprocess.run(
        ["sh", "-c", f"{shlex.join(words)} {command}"],
        env=environment,
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_letter_that_the_terminal_lacks_is_escaped(process: Process, tmp_path: Path) -> None:
    words, environment = process
    (tmp_path / "odd.py").write_text(
        '"""Naïve ✓."""\n\nasync def fault(cpu, nr_pages):\n    await cpu.think()\n', encoding="utf-8"
    )
    ended = subprocess.run(
        [*words, "designs", "show", "odd.py"],
        env=environment | {"PYTHONIOENCODING": "ascii"},
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert ended.stdout.startswith(b"odd: Na\\xefve \\u2713.\n")
