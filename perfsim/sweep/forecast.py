"""How long each run of a sweep takes, and how long the rest: learned from those that have ended.

The runs of one point and design, a group, take about as long as each other. Of groups of which none has ended a
least-squares fit of the logarithm of seconds says what to expect, by what runs are called: a level for each value of an
axis, of profile and design, and for numbers a slope too.

Until anything is known a run counts as its CPUs times its simulated time, which is wrong by the contention that is the
subject of the whole.
"""

from __future__ import annotations

import math
import time
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from perfsim.sweep.plan import Run

REFIT_GROWTH = 1.1
"""The fit is made anew when so many times as many runs have ended."""

LEVELS_MAX = 64
"""A label with more values than these has a slope alone, if they are numbers."""

LEVEL_PENALTY = 0.3
SLOPE_PENALTY = 0.01
"""How many measured groups' worth of doubt a level or a slope has to overcome; the common factor has none."""

OWN_DOUBT = 0.2
"""How many runs of a group count as much as the fit."""

DRIFT_WEIGHT = 0.05
DRIFT_STEP_MAX = 3.0
"""A machine that has other work too becomes slower and faster by the minute. How slow it is, is a moving average over
the runs, each compared with those of its group before; one counts as a factor of three at most.
"""


class _Group:
    """The runs of one point and design.

    likely_s: what the fit says of one of them; not seconds but work while nothing is known. measured_s: of all that
    have ended together. Both are what they would be on a machine as fast as it was at first.
    """

    __slots__ = ("ended_count", "labels", "likely_s", "measured_s", "waiting_count", "work")

    def __init__(self, run: Run) -> None:
        self.labels = {name: value for name, value in run.labels.items() if name != "point"}
        self.work = max(run.work, 1)
        self.waiting_count = 0
        self.ended_count = 0
        self.measured_s = 0.0
        self.likely_s = float(self.work)

    def expected_s(self) -> float:
        """What to expect of one more."""
        return (self.measured_s + OWN_DOUBT * self.likely_s) / (self.ended_count + OWN_DOUBT)


class Forecast:
    """What is known of a sweep's runs. Seconds are of the monotonic clock, and of one worker.

    version: grows whenever what is expected changes for all.
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self.version = 0
        self._is_known = False
        self._clock_s = clock_s
        self._groups: dict[tuple[int, str], _Group] = {}
        self._running: dict[str, tuple[float, _Group]] = {}
        self._slowness = 1.0
        self._learned_count = 0
        self._refit_at = 1.0
        self._waiting_s = 0.0
        self._ended_s = 0.0
        self._paced_from: tuple[float, float] | None = None

    def expected_s(self, run: Run) -> float:
        """What to expect of a run, compared with others."""
        return self._group(run).expected_s()

    def is_measured(self, run: Run) -> bool:
        """Whether a run of the same point and design has ended."""
        return self._group(run).ended_count > 0

    def group_key(self, run: Run) -> tuple[int, str]:
        """Equal for the runs of one point and design."""
        return run.labels["point"], run.labels["design"]

    def wait(self, run: Run) -> None:
        """A run waits from now on."""
        group = self._group(run)
        group.waiting_count += 1
        self._waiting_s += group.expected_s()

    def leave(self, run: Run) -> None:
        """A run waits no more, and does not begin."""
        group = self._group(run)
        group.waiting_count -= 1
        self._waiting_s -= group.expected_s()

    def begin(self, run: Run) -> None:
        """A run that waited has been given out."""
        self.leave(run)
        self._running[run.task.run_id] = (self._clock_s(), self._group(run))

    def break_off(self, run: Run) -> None:
        """A run has neither ended nor runs any more."""
        self._running.pop(run.task.run_id, None)

    def end(self, run: Run, row: Mapping[str, Any] | None) -> None:
        """A run has ended. row: None if it failed, which says nothing of the others."""
        began_s, _ = self._running.pop(run.task.run_id, (self._clock_s(), None))
        if row is not None:
            self._feel(run, row["wall_s"])
            self.learn(run, row)
        self._ended_s += self._clock_s() - began_s if row is None else row["wall_s"]
        if self._paced_from is None:  # from here on, so that the start of the workers does not count
            self._paced_from = (self._clock_s(), self._busy_s())

    def learn(self, run: Run, row: Mapping[str, Any]) -> None:
        """A run like this one has had this row, now or earlier, on this machine or another."""
        group = self._group(run)
        before_s = group.expected_s()
        group.ended_count += 1
        group.measured_s += row["wall_s"] / self._slowness
        self._waiting_s += group.waiting_count * (group.expected_s() - before_s)
        self._learned_count += 1
        if self._learned_count >= self._refit_at:
            self._refit_at = self._learned_count * REFIT_GROWTH
            self._refit()

    def left_s(self) -> float | None:
        """Until all that waits and runs will have ended, at the pace up to now; None if that is not known yet."""
        if self._paced_from is None or not self._is_known:
            return None
        now_s = self._clock_s()
        since_s, busy_then_s = self._paced_from
        # Until a worker's time has passed since the pace began to count, nothing better is known than one each.
        workers = float(max(len(self._running), 1))
        if now_s > since_s and self._busy_s() > busy_then_s:
            workers = min((self._busy_s() - busy_then_s) / (now_s - since_s), workers)
        running_s = [max(self._now_s(group) - (now_s - began_s), 0.0) for began_s, group in self._running.values()]
        waiting_s = max(self._waiting_s, 0.0) * self._slowness
        return max([(waiting_s + sum(running_s)) / workers, *running_s])

    def done_fraction(self) -> float:
        """How much of the work of this session is done, 0 to 1."""
        left_s = self._waiting_s * self._slowness + sum(self._now_s(group) for _, group in self._running.values())
        whole_s = self._ended_s + left_s
        return min(self._busy_s() / whole_s, 1.0) if self._is_known and whole_s > 0 else 0.0

    def _refit(self) -> None:
        """Expect of every run what those that have ended say of it."""
        groups = list(self._groups.values())
        for group, likely_s in zip(groups, _likely_s(groups), strict=True):
            group.likely_s = likely_s
        self._waiting_s = math.fsum(group.waiting_count * group.expected_s() for group in groups)
        self._is_known = True
        self.version += 1

    def _group(self, run: Run) -> _Group:
        key = self.group_key(run)
        found = self._groups.get(key)
        if found is None:
            found = self._groups[key] = _Group(run)
        return found

    def _now_s(self, group: _Group) -> float:
        """What a run of this group takes on the machine as it is now."""
        return group.expected_s() * self._slowness

    def _feel(self, run: Run, wall_s: float) -> None:
        """A run took so long. What differs from those of its group before is, in part, the machine's doing."""
        group = self._group(run)
        if group.ended_count:
            ratio = wall_s / self._now_s(group)
            self._slowness *= min(max(ratio, 1 / DRIFT_STEP_MAX), DRIFT_STEP_MAX) ** DRIFT_WEIGHT

    def _busy_s(self) -> float:
        """What all workers together have done, unfinished runs included as far as they are."""
        now_s = self._clock_s()
        running = self._running.values()
        return self._ended_s + sum(min(now_s - began_s, self._now_s(group)) for began_s, group in running)


def _likely_s(groups: list[_Group]) -> list[float]:
    """Seconds of a run of each group, by what those that have ended say of all."""
    table, penalties = _table([group.labels for group in groups])
    priors = np.log([group.work for group in groups])
    ended = [number for number, group in enumerate(groups) if group.ended_count]
    seen = np.log([max(groups[number].measured_s / groups[number].ended_count, 1e-6) for number in ended])
    rows = table[ended]
    fit = np.linalg.solve(rows.T @ rows + np.diag(penalties), rows.T @ (seen - priors[ended]))
    expected: list[float] = np.exp(table @ fit + priors).tolist()
    return expected


def _table(labels: list[dict[str, object]]) -> tuple[np.ndarray, np.ndarray]:
    """A row of figures for each group, the first 1, and the penalty of each column's coefficient."""
    columns = [np.ones(len(labels))]
    penalties = [1e-6]
    by_name: dict[str, list[object]] = defaultdict(list)
    for one in labels:
        for name in labels[0]:
            by_name[name].append(one.get(name))
    for values in by_name.values():
        slopes = _slopes(values)
        levels = [value for value, _ in Counter(values).most_common()] if len(set(values)) <= LEVELS_MAX else []
        columns += slopes
        penalties += [SLOPE_PENALTY] * len(slopes)
        columns += [np.array([float(value == level) for value in values]) for level in levels if len(levels) > 1]
        penalties += [LEVEL_PENALTY] * len(levels) if len(levels) > 1 else []
    return np.column_stack(columns), np.array(penalties)


def _slopes(values: Sequence[object]) -> list[np.ndarray]:
    """The logarithm of numbers and its square, centred; nothing if they are no numbers, or all alike."""
    numbers = [value for value in values if isinstance(value, int | float) and value >= 0]
    if len(numbers) < len(values) or len(set(numbers)) < 2:
        return []
    logarithms = np.log1p(np.array(numbers, dtype=float))
    centred = (logarithms - logarithms.mean()) / logarithms.std()
    return [centred, centred**2 - 1]
