"""Which closed form of queueing theory is exact for a workload, and what it says.

A workload of `lock_loop` tasks alone, on a machine whose steps are free, is a closed queue. For many of them the answer
is known, and for some it is not: then the reason is given in one line.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from perfsim.engine.prepare import profile_of
from perfsim.kernel.placement import place_tasks
from perfsim.kernel.sizes import machine_size
from perfsim.measure.columns import PERCENTILES
from perfsim.numeric.random import EXPONENTIAL, FIXED, UNIFORM
from perfsim.scenario.schema import Duration
from perfsim.truth.queueing import (
    FREE,
    Group,
    Handoff,
    Locks,
    Steady,
    exponential_think,
    fixed_rounds,
    groups_at_one_lock,
    handed_off,
    locks_in_turn,
    mean_ns,
)
from perfsim.truth.waits import Phases, given_wait, wait_mean_and_sd_ns, wait_percentile_ns, wait_phases
from perfsim.units import PS_PER_NS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfsim.machine.profile import CostProfile
    from perfsim.scenario.schema import Scenario, TaskSpec

PHASES_MAX = 300
"""A distribution of waits with more phases than that takes minutes to work out; means are told all the same."""

STARVED_FROM = 0.99
"""Of all acquisitions, if more than this share wait, and the last comes first: the first waits until all are served,
which at 0.98 (16 CPUs of validation A8) a run of a million acquisitions still sees often enough to know the mean.
"""

GROUPS_POPULATION_MAX = 10**6
"""So many mixes of CPUs at the lock are summed at most; see `groups_at_one_lock`."""

EDGE = 0.002
"""A percentile so near to the share that does not wait at all is 0 in some runs and not in others."""

NS_PER_US = 1000
FRACTIONS = {label: per_mille / 1000 for label, per_mille in PERCENTILES}
"""What share of all waits is no longer than each percentile."""

MEANS = ("X", "U", "W", "P(wait)")
OF_NO_WAIT = ("X", "U", "P(wait)")
SPREAD = ("sd(W)", *FRACTIONS)
GIVEN_WAIT = tuple(f"{name} given wait" for name in ("W", *FRACTIONS))


class Theory(NamedTuple):
    """What theory knows of a workload.

    steady: of all locks together: X their sum, U their mean, W and P(wait) over all acquisitions. waits: how long a
    wait lasts, None if that is not known. is_fixed: every round is like the last, so that one run tells all.
    is_starving: the last in first out, and hardly ever nobody left, so that some wait for longer than any run.
    """

    steady: Steady
    waits: Phases | None
    is_fixed: bool
    is_starving: bool

    def quantities(self) -> tuple[str, ...]:
        """What is compared if a case names nothing."""
        names = MEANS if self.waits is None else (*MEANS, *SPREAD)
        return tuple(name for name in names if self.expected(name) is not None)

    def expected(self, quantity: str) -> float | None:
        """The value of a quantity, in the unit that `figures` gives it in; None for one that theory does not know."""
        name, _, given = quantity.partition(" ")
        if self.is_starving and (given or name not in OF_NO_WAIT):
            return None
        steady = self.steady
        means = {
            "X": steady.acquisitions_per_ns * NS_PER_US,
            "U": steady.utilization,
            "W": steady.wait_ns,
            "P(wait)": steady.contended_fraction,
        }
        if given and name == "W":
            return steady.wait_ns / steady.contended_fraction if steady.contended_fraction else None
        if name in means:
            return means[name]
        if self.waits is None:
            return None
        waits = given_wait(self.waits) if given else self.waits
        if quantity == "sd(W)":
            return wait_mean_and_sd_ns(waits)[1]
        if name not in FRACTIONS:
            return None
        is_at_edge = abs(FRACTIONS[name] + float(waits.start.sum()) - 1) < EDGE
        return None if is_at_edge else wait_percentile_ns(waits, FRACTIONS[name])


class _Queue(NamedTuple):
    """CPUs that share locks. groups: those of equal think. locks: `copies` equal ones."""

    groups: tuple[Group, ...]
    locks: Locks
    handoff: Handoff
    order: str

    @property
    def cpus(self) -> int:
        return sum(group.cpus for group in self.groups)


_Lack: TypeAlias = str
"""Why there is no closed form, for people."""


def theory_of(scenario: Scenario) -> Theory | str:
    """What theory knows of a scenario's locks in the long run; in one line why not, if no closed form is exact."""
    profile = profile_of(scenario)
    lack = _not_a_queue(scenario, profile)
    if lack:
        return lack
    queues = _queues(scenario, profile)
    found: list[Steady] = []
    for queue in queues:
        steady = _steady(queue) if queue.cpus else Steady(0.0, 0.0, 0.0, 0.0)
        if isinstance(steady, str):
            return steady
        found.append(steady)
    one = queues[0]
    waits = _waits(one) if len(set(queues)) == 1 else None
    is_starving = one.order == "lifo" and any(steady.contended_fraction > STARVED_FROM for steady in found)
    return Theory(_together(found), waits, all(map(_is_fixed, queues)), is_starving)


def main_lock(scenario: Scenario) -> str:
    """The lock that X, U and W of a scenario are of: the page lock if a lock_loop takes one, else the lru_lock."""
    return "page_lock" if any(task.lock == "page_lock" for task in scenario.tasks) else "lru_lock"


def is_lock_loop(scenario: Scenario) -> bool:
    """Whether all that a workload does is to take locks, so that it can run for as long as figures need."""
    return all(task.kind == "lock_loop" for task in scenario.tasks)


def _not_a_queue(scenario: Scenario, profile: CostProfile) -> _Lack:
    """Why a scenario is no closed queue on a free machine; "" if it is one."""
    other = next((task for task in scenario.tasks if task.kind != "lock_loop"), None)
    if other is not None:
        return f"task {other.name} is of kind {other.kind}; theory knows lock_loop tasks alone"
    if profile.algorithm != "ideal" or any(profile.best_ps):
        return f"the steps of profile {profile.name} cost time; theory knows ideal, or a profile that extends it"
    first = scenario.tasks[0]
    for task in scenario.tasks:
        if _lock_of(task) != _lock_of(first):
            return (
                f"tasks {first.name} and {task.name} differ in lock, pages or hold; theory knows groups of other think"
            )
    if mean_ns(first.hold) == 0:
        return f"the hold of task {first.name} is 0; theory knows locks that are held"
    if first.lock == "page_lock" and profile.handoff_fixed_ps + profile.handoff_per_waiter_ps:
        return f"the hand-off of profile {profile.name} is of spinlocks; theory knows page locks without one"
    if first.lock == "page_lock" and all(
        _plainly(one).kind == FIXED for task in scenario.tasks for one in (task.think, task.hold)
    ):
        return "fixed think and hold at a page lock; who is first at one instant is not known to theory"
    cpus, nodes = machine_size(scenario, profile)
    of_a_cpu = Counter(one.cpu for one in place_tasks(scenario.tasks, cpus, nodes))
    if max(of_a_cpu.values()) > 1:
        return f"{of_a_cpu.total()} tasks share {cpus} CPUs; theory knows one task a CPU"
    return ""


def _lock_of(task: TaskSpec) -> tuple[str, int, Duration]:
    return task.lock, task.pages, task.hold


def _queues(scenario: Scenario, profile: CostProfile) -> list[_Queue]:
    """The lru_lock of each node with the CPUs of the node, or all page locks with all CPUs."""
    cpus, nodes = machine_size(scenario, profile)
    lock, copies, hold = _lock_of(scenario.tasks[0])
    by_zone: list[Counter[Duration]] = [Counter() for _ in range(nodes if lock == "lru_lock" else 1)]
    for one in place_tasks(scenario.tasks, cpus, nodes):
        by_zone[one.zone if lock == "lru_lock" else 0][_plainly(one.spec.think)] += 1
    handoff = Handoff(profile.handoff_fixed_ps / PS_PER_NS, profile.handoff_per_waiter_ps / PS_PER_NS)
    locks = Locks(_plainly(hold), max(1, copies))
    order = profile.order if lock == "lru_lock" else "fifo"  # who waits for a page lock stands in a line
    return [
        _Queue(tuple(Group(count, think) for think, count in sorted(zone.items())), locks, handoff, order)
        for zone in by_zone
    ]


def _plainly(duration: Duration) -> Duration:
    """A duration that cannot vary is a fixed one."""
    if duration.kind == UNIFORM and duration.a_ps == duration.b_ps:
        return Duration(FIXED, duration.a_ps, 0)
    return Duration(FIXED, 0, 0) if duration.kind == EXPONENTIAL and not duration.a_ps else duration


def _is_fixed(queue: _Queue) -> bool:
    kinds = {group.think.kind for group in queue.groups} | {queue.locks.hold.kind}
    return kinds == {FIXED}


def _steady(queue: _Queue) -> Steady | _Lack:
    """The closed form that is exact for one queue."""
    if len(queue.groups) > 1:
        return _of_groups(queue)
    cpus, think = queue.groups[0]
    hold = queue.locks.hold
    if cpus == 1:
        round_ns = mean_ns(think) + mean_ns(hold)
        return Steady(1 / round_ns, mean_ns(hold) / round_ns / queue.locks.copies, 0.0, 0.0)
    if queue.locks.copies > 1 or hold.kind == EXPONENTIAL:
        return _of_any_think(queue)
    if think.kind == EXPONENTIAL:
        return (
            exponential_think(cpus, think, hold)
            if queue.handoff == FREE
            else handed_off(cpus, think, hold, queue.handoff)
        )
    if _is_fixed(queue) and queue.order == "fifo":
        return fixed_rounds(cpus, think, hold, queue.handoff)
    return "neither think nor hold is exponential, nor are both fixed with order fifo; no closed form is exact for that"


def _of_any_think(queue: _Queue) -> Steady | _Lack:
    """Exponential holds. The order of service does not matter to means, for it does not look at holds."""
    cpus, think = queue.groups[0]
    if queue.locks.hold.kind != EXPONENTIAL:
        return f"{queue.locks.copies} page locks with a hold that is not exponential; no closed form is exact for that"
    if queue.handoff == FREE:
        return locks_in_turn(cpus, think, (queue.locks,))[0]
    if think.kind == EXPONENTIAL and queue.locks.copies == 1:
        return handed_off(cpus, think, queue.locks.hold, queue.handoff)
    return "a hand-off that takes time, without exponential think at one lock; no closed form is exact for that"


def _of_groups(queue: _Queue) -> Steady | _Lack:
    """Groups of other think at one lock, summed up."""
    mixes = 1
    for group in queue.groups:
        mixes *= group.cpus + 1
    is_plain = queue.locks.copies == 1 and queue.handoff == FREE and queue.order == "fifo"
    if not is_plain or queue.locks.hold.kind != EXPONENTIAL:
        return "groups of other think, but not at one FIFO lock of exponential hold and free hand-off; no form is exact"
    if mixes > GROUPS_POPULATION_MAX:
        return f"groups of other think come in {mixes:,} mixes; expected {GROUPS_POPULATION_MAX:,} at most"
    parts = groups_at_one_lock(queue.groups, queue.locks.hold)
    return _together(parts)._replace(utilization=sum(part.utilization for part in parts))


def _together(parts: Sequence[Steady]) -> Steady:
    """Locks or groups as one: rates add up, utilizations have a mean, waits are over all acquisitions."""
    per_ns = sum(part.acquisitions_per_ns for part in parts)

    def over_all(values: list[float]) -> float:
        return sum(part.acquisitions_per_ns * value for part, value in zip(parts, values, strict=True)) / per_ns

    return Steady(
        per_ns,
        sum(part.utilization for part in parts) / len(parts),
        over_all([part.wait_ns for part in parts]),
        over_all([part.contended_fraction for part in parts]),
        sum(part.handoff_fraction for part in parts) / len(parts),
    )


def _waits(queue: _Queue) -> Phases | None:
    """How long a wait lasts, where that is known and not too much to work out."""
    if len(queue.groups) != 1 or queue.locks.copies > 1 or queue.handoff != FREE:
        return None
    cpus, think = queue.groups[0]
    others = cpus - 1
    phases = others * (others + 1) // 2 if queue.order == "lifo" else others
    if queue.locks.hold.kind != EXPONENTIAL or not 1 <= phases <= PHASES_MAX:
        return None
    if (queue.order != "fifo" and think.kind != EXPONENTIAL) or mean_ns(think) == 0:
        return None
    return wait_phases(cpus, think, queue.locks.hold, queue.order)
