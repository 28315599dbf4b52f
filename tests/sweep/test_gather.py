"""Runs gathered: every row is handed over once, and the first failure ends it."""

import io

import pytest

from perfsim.errors import PerfsimError
from perfsim.sweep.gather import Crew, gathered
from perfsim.sweep.plan import Run, plan
from perfsim.sweep.worker import Failure, Task, work
from tests.sweep.into import Row, Tiny

pytestmark = pytest.mark.usefixtures("in_this_process")

CREW = Crew(1, "compiled", io.StringIO())


def test_each_run_is_handed_over_with_its_row(tiny: Tiny) -> None:
    runs = plan(tiny("machine.cpus=1"), 1)
    found: list[tuple[Run, Row]] = []
    gathered(runs, CREW, lambda run, row: found.append((run, row)))
    assert {run.task.run_id for run, _ in found} == {run.task.run_id for run in runs}
    assert all(row["run_id"] == run.task.run_id for run, row in found)


def test_workers_do_what_they_are_asked_to(tiny: Tiny) -> None:
    def marked(task: Task) -> Row | Failure:
        row = work(task)
        return row if isinstance(row, Failure) else row | {"mark": task.design}

    marks: list[str] = []
    gathered(plan(tiny("machine.cpus=1"), 1), CREW, lambda _, row: marks.append(row["mark"]), marked)
    assert set(marks) == {"lock_page", "redo"}


def test_a_run_that_fails_ends_it_and_is_named(tiny: Tiny) -> None:
    with pytest.raises(PerfsimError, match=r"point 0, .*, replication 0: no more"):
        gathered(plan(tiny("machine.cpus=1"), 1)[:1], CREW, lambda *_: None, lambda _: Failure("no more"))
