"""Where the time of a path goes, told by a witness who knows nothing of accounts: it sees the clock at each primitive.

What a primitive takes beyond what its CPU had to pay before is a wait: for the spinlock that it asks for, or off the
CPU. What is left of a path's time is work, atomics and transfers.
"""

import types
from collections import Counter, defaultdict
from collections.abc import Generator

import pytest
import simpy
from hypothesis import given, settings

from perfsim.engine import reference
from perfsim.engine.reference import ReferenceCpu
from perfsim.kernel.boot import Seed
from perfsim.kernel.constants import (
    KIND_NAMES,
    KINDS,
    LOCK_NAMES,
    PAGE_LOCK,
    PROBE_NAMES,
    PUTBACK,
    REDO,
    REDO_RETRIES,
    SLEEP,
    WAKE_UP,
)
from perfsim.kernel.designs import SHIPPED
from perfsim.kernel.primitives import Primitive
from perfsim.kernel.state import State
from perfsim.machine.account import ATOMIC, TRANSFER, WAIT
from perfsim.measure.columns import SPENT_BY, SPENT_ON
from perfsim.measure.row import simulate
from perfsim.scenario.validate import load_scenario
from perfsim.truth.laws import violated_laws
from tests.properties.test_small_workloads import Case, cases, run_to_the_end
from tests.tier import SLOW

OFF = (WAIT + PAGE_LOCK, SLEEP, WAKE_UP)
"""Kinds that the witness cannot tell apart: the task is not on its CPU."""
SPUN = tuple(f"{name} spin" for name in LOCK_NAMES)

Ledger = Counter[str]


class Witness:
    """What was seen of all tasks. totals: by probe, the time of its paths by what the witness can tell."""

    def __init__(self) -> None:
        self.totals: dict[int, Ledger] = defaultdict(Counter)

    def cpu_class(self) -> type[ReferenceCpu]:
        """The reference engine's Cpu, watched."""
        witness = self

        class WatchedCpu(ReferenceCpu):
            @types.coroutine
            def perform(self, primitive: Primitive, *arguments: int) -> Generator[simpy.Event, None, int]:
                vars(self).setdefault("watched", Watched(self, witness))
                started, due_ps = self.env.now, self.pending_ps[self.cpu]
                result = yield from super().perform(primitive, *arguments)
                if primitive.shared:
                    due_ps += self.cost_ps[primitive.before] if primitive.before >= 0 else 0
                    waits_for = SPUN[arguments[0]] if primitive.name.startswith("spin_lock") else "off"
                    vars(self)["watched"].seen[waits_for] += int(self.env.now) - int(started) - due_ps
                vars(self)["watched"].after(primitive.name, arguments)
                return result

        return WatchedCpu


class Watched:
    """What was seen of one task. seen: its waits, and what was done over. begun: the outermost entry of each probe."""

    def __init__(self, cpu: ReferenceCpu, witness: Witness) -> None:
        self.cpu, self.witness = cpu, witness
        self.seen: Ledger = Counter()
        self.depth: Counter[int] = Counter()
        self.begun: dict[int, Ledger] = {}
        self.over: Ledger | None = None

    def now(self) -> Ledger:
        """All that was seen, and the task's own clock."""
        return self.seen + Counter(clock=int(self.cpu.env.now) + self.cpu.pending_ps[self.cpu.cpu])

    def after(self, name: str, arguments: tuple[int, ...]) -> None:
        """A primitive has taken effect."""
        if name == "count_vm_event" and arguments[0] == REDO_RETRIES and self.depth[PUTBACK] and self.over is None:
            self.over = self.now()
        elif name == "probe_begin":
            self.depth[arguments[0]] += 1
            if self.depth[arguments[0]] == 1:
                self.begun[arguments[0]] = self.now()
        elif name == "probe_end":
            self.depth[arguments[0]] -= 1
            if not self.depth[arguments[0]]:
                self.end(arguments[0])

    def end(self, probe: int) -> None:
        """The outermost path of a probe is left."""
        if probe == PUTBACK and self.over is not None:
            self.seen = self.over + Counter(redo=self.now()["clock"] - self.over["clock"])
            del self.seen["clock"]
            self.over = None
        self.witness.totals[probe].update(self.now())
        self.witness.totals[probe].subtract(self.begun.pop(probe))


def witnessed(case: Case) -> tuple[State, dict[int, Ledger]]:
    """The state at the end of a run of the reference engine, without a warm-up, and what the witness saw."""
    witness = Witness()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reference, "ReferenceCpu", witness.cpu_class())
        s, _ = run_to_the_end(case, case.seed)
    return s, witness.totals


def told(s: State, probe: int) -> Ledger:
    """What the accounts say of a probe, in the witness's words."""
    spent_ps = s.m.tally.latency_spent_ps[probe * KINDS : (probe + 1) * KINDS]
    spun = {SPUN[lock]: spent_ps[WAIT + lock] for lock in range(len(SPUN)) if lock != PAGE_LOCK}
    off_ps = sum(spent_ps[kind] for kind in OFF)
    return Counter(spun | {"off": off_ps, "redo": spent_ps[REDO], "clock": s.m.tally.latency_total_ps[probe]})


def check(case: Case) -> State:
    """Accounts and witness agree on every probe of a run; work, which is the rest, is never less than nothing."""
    s, seen = witnessed(case)
    for probe in PROBE_NAMES:
        assert +told(s, probe) == +seen[probe]
        booked_ps = s.m.tally.latency_spent_ps[probe * KINDS : (probe + 1) * KINDS]
        assert min(booked_ps) >= 0
        waited_ps = seen[probe].total() - seen[probe]["clock"]
        assert booked_ps[ATOMIC] + booked_ps[TRANSFER] <= seen[probe]["clock"] - waited_ps
    return s


@settings(max_examples=60 if SLOW else 25)
@given(cases())
def test_a_witness_sees_every_wait_of_drawn_workloads_to_the_picosecond(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("design", SHIPPED)
def test_a_witness_sees_every_wait_of_everything_at_once(design: str) -> None:
    sets = ["machine.cpus=8", "machine.nodes=2", "measure.warmup=0us", "measure.duration=300us"]
    s = check(Case(load_scenario("everything", sets), design, 1))
    spent_ps = [sum(s.m.tally.latency_spent_ps[kind::KINDS]) for kind in range(KINDS)]
    assert {KIND_NAMES[kind] for kind in range(KINDS) if spent_ps[kind]} >= {"atomic", "transfer", "lru_lock", "wakeup"}


@settings(max_examples=12)
@given(cases())
def test_kinds_sum_to_the_latency_in_both_engines(case: Case) -> None:
    rows = [simulate(case.scenario, case.design, Seed(case.seed, 0), engine) for engine in ("simpy", "compiled")]
    spent = [{name: row[name] for name in row if "_spent_" in name} for row in rows]
    assert spent[0] == spent[1]
    for row in rows:
        assert violated_laws(row, case.scenario) == []
        for path in SPENT_BY:
            kinds_ps = sum(row[f"{path}_spent_{kind}_ps"] for kind in SPENT_ON)
            assert kinds_ps == row[f"{path}_spent_total_ps"]
            if row[f"{path}_latency_count"]:
                assert row[f"{path}_latency_mean_ns"] == kinds_ps / row[f"{path}_latency_count"] / 1000
