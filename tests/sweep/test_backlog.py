"""The order in which runs are given out."""

import pytest

from perfsim.sweep.backlog import Backlog
from perfsim.sweep.plan import Run


def taken(backlog: Backlog) -> list[Run]:
    """All that wait, in the order in which they are given out."""
    return [backlog.take() for _ in range(len(backlog))]


def test_the_longest_runs_come_first_and_others_as_they_came(runs: tuple[Run, ...]) -> None:
    assert [run.labels["machine.cpus"] for run in runs] == [1] * 4 + [2] * 4
    assert taken(Backlog(runs)) == [*runs[4:], *runs[:4]]


def test_runs_that_come_later_wait_among_the_others(runs: tuple[Run, ...]) -> None:
    backlog = Backlog(runs[3:5])
    assert backlog.take() is runs[4]
    backlog.add(runs[6:7])
    assert taken(backlog) == [runs[6], runs[3]]


def test_an_empty_backlog_gives_nothing() -> None:
    with pytest.raises(IndexError):
        Backlog().take()
