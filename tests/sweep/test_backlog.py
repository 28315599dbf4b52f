"""The order in which runs are given out."""

import pytest

from perfsim.sweep.backlog import Backlog
from perfsim.sweep.forecast import Forecast
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


def test_a_run_of_each_point_and_design_is_tried_first_where_that_is_a_small_part(runs: tuple[Run, ...]) -> None:
    many = tuple(
        run._replace(task=run.task._replace(run_id=f"{run.task.run_id}-{copy}")) for copy in range(2) for run in runs
    )
    backlog = Backlog(many)
    backlog.try_some_first()
    assert [(run.labels["machine.cpus"], run.labels["design"]) for run in taken(backlog)[:5]] == [
        *((2, "lock_page"), (2, "redo"), (1, "lock_page"), (1, "redo")),
        (2, "lock_page"),
    ]


def test_the_order_is_that_of_the_seconds_that_runs_take_once_some_are_known(runs: tuple[Run, ...]) -> None:
    backlog = Backlog(runs)
    for run, wall_s in ((runs[0], 5.0), (runs[2], 1.0), (runs[4], 2.0), (runs[6], 3.0)):
        backlog.forecast.learn(run, {"wall_s": wall_s})
    rest = [run for run in taken(backlog) if run in (runs[1], runs[3], runs[5], runs[7])]
    assert rest == [runs[1], runs[7], runs[5], runs[3]]


def test_a_run_that_is_put_back_waits_again_and_what_is_left_is_as_before(runs: tuple[Run, ...]) -> None:
    backlog = Backlog(runs, Forecast(lambda: 0.0))
    backlog.forecast.end(backlog.take(), {"wall_s": 1.0, "events": 1000})
    left_s = backlog.forecast.left_s()
    first, second = backlog.take(), backlog.take()
    assert len(backlog) == 5
    backlog.put_back([first, second])
    assert backlog.forecast.left_s() == pytest.approx(left_s)
    assert left_s
    assert {run.task.run_id for run in taken(backlog)} >= {first.task.run_id, second.task.run_id}
