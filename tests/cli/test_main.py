"""The command as a whole: help, version, and one line for whatever is wrong."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from perfsim import __version__
from perfsim.cli.main import app
from perfsim.errors import StuckError

Perfsim = Callable[..., tuple[int, str, str]]


def commands_of(group: Any, words: tuple[str, ...] = ()) -> Iterator[str]:
    """Every command below a group, groups that are commands themselves among them, by its words."""
    for name, command in group.commands.items():
        yield " ".join((*words, name))
        if hasattr(command, "commands"):
            yield from commands_of(command, (*words, name))


COMMANDS = list(commands_of(get_command(app)))


def test_the_version_is_told_on_stdout(perfsim: Perfsim) -> None:
    assert perfsim("--version") == (0, f"perfsim {__version__}\n", "")


def test_without_a_command_there_is_help_and_the_status_of_bad_usage(perfsim: Perfsim) -> None:
    status, out, err = perfsim()
    assert (status, err) == (2, "")
    assert out == perfsim("--help")[1]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_every_command_shows_an_example(perfsim: Perfsim, command: str) -> None:
    status, out, err = perfsim(*command.split(), "--help")
    assert (status, err) == (0, "")
    example = out.partition("Examples:\n")[2].splitlines()[0]
    assert example.startswith(f"    perfsim {command}")


def test_the_help_of_perfsim_itself_lists_the_commands_with_their_whole_summary(perfsim: Perfsim) -> None:
    listed = perfsim("--help")[1].partition("Commands:\n")[2]
    assert [line.split()[0] for line in listed.splitlines()] == [
        "calibrate",
        "check",
        "compare",
        "explore",
        "report",
        "run",
        "schema",
        "sensitivity",
        "sweep",
        "validate",
        "verify",
        "designs",
        "profiles",
    ]
    assert "..." not in listed


@pytest.mark.parametrize(
    "words, told",
    [
        (("rum",), "No such command 'rum'. Did you mean 'run'?; see: perfsim --help"),
        (("run",), "Missing argument 'WORKLOAD'; see: perfsim run --help"),
        (("run", "quickstart", "--sed", "1"), "No such option: --sed"),
        (("run", "quickstart", "--seed", "x"), "Invalid value for '--seed': "),
        (("run", "quickstart", "--format", "xml"), "Invalid value for '--format': "),
        (("run", "quickstart", "extra"), "Got unexpected extra argument(s) (extra); see: perfsim run --help"),
        (("sweep", "quickstart", "--jobs", "two"), "Invalid value for '--jobs': "),
        (("profiles", "show"), "Missing argument 'PROFILE'; see: perfsim profiles show --help"),
        (("profiles", "sohw", "ia64"), "No such command 'sohw'. Did you mean 'show'?; see: perfsim profiles --help"),
        (("run", "quick\nstart\x1b[31m", "extra"), "Got unexpected extra argument(s) (extra)"),
        (("run", "quickstart", "--x\x1b[31m\n"), "No such option"),
    ],
)
def test_bad_usage_is_told_in_one_plain_line(perfsim: Perfsim, words: tuple[str, ...], told: str) -> None:
    status, out, err = perfsim(*words)
    assert (status, out) == (2, "")
    assert err.startswith(told)
    assert err.count("\n") == 1
    assert err.removesuffix("\n").isprintable()


def test_a_simulation_that_is_stuck_is_told_line_by_line(perfsim: Perfsim, monkeypatch: pytest.MonkeyPatch) -> None:
    def stuck(*arguments: object) -> None:
        raise StuckError(("cpu 0 waits for lru_lock", "cpu 1 waits for page 3"))

    monkeypatch.setattr("perfsim.measure.row.simulate_counted", stuck)
    assert perfsim("run", "quickstart") == (1, "", "cpu 0 waits for lru_lock\ncpu 1 waits for page 3\n")


def test_ctrl_c_ends_any_command_with_its_own_status(perfsim: Perfsim, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("perfsim.measure.row.simulate_counted", interrupted)
    assert perfsim("run", "quickstart") == (130, "", "interrupted\n")


def test_a_bug_of_ours_keeps_its_traceback(perfsim: Perfsim, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*arguments: object) -> None:
        raise AssertionError("negative time")

    monkeypatch.setattr("perfsim.measure.row.simulate_counted", wrong)
    with pytest.raises(AssertionError, match="negative time"):
        perfsim("run", "quickstart")


def test_python_m_perfsim_is_the_command(process: tuple[list[str], dict[str, str]], tmp_path: Path) -> None:
    words, environment = process
    ended = subprocess.run(
        [*words, "--version"], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"perfsim {__version__}\n", "")
