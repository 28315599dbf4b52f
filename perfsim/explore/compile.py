"""The search as machine code: numba's, of the functions as they stand, with what only costs time left out."""

from __future__ import annotations

from typing import Any

from perfsim.engine.arithmetic import calculate
from perfsim.engine.compile import fetch_early_, object_code, put_to, refusal, value_in
from perfsim.engine.dispatch import op_table
from perfsim.engine.loop import put, slot_of
from perfsim.engine.native import record_at
from perfsim.explore import acts, step
from perfsim.explore.columns import Search
from perfsim.explore.entry import act
from perfsim.explore.layout import PLACES
from perfsim.explore.supported import HANDLED, IDLE, NO_WAYS
from perfsim.kernel.effects import bug, sched
from perfsim.kernel.primitives import PRIMITIVES
from perfsim.machine import account, coherence, locks, state, tally
from perfsim.numeric.columns import fetch_early

SUPPORTED = {name: one for name, one in PRIMITIVES.items() if name not in NO_WAYS | IDLE | HANDLED}

search_at = record_at(Search, PLACES)
value_of = op_table(SUPPORTED)


def machine_code() -> bytes:
    """Compile the search for this machine: see engine.compile.machine_code()."""
    effects = [primitive.effect for primitive in SUPPORTED.values()]
    return object_code(act_at, [act, calculate, *effects], GIVEN, None)


def act_at(address: int, what: int, amount: int) -> int:
    """entry.act() on the search whose table begins at an address."""
    return act(search_at(address), what, amount)


def _perform(x: Any, cpu: int, row: int, operands: Any) -> int:
    a, b, c = operands
    value: int = value_of(x.code.op[row], x.s, (cpu, 0, a, b, c))
    return value


def _bug(s: Any, _task: int, _now: int, _page: int, violation: int) -> None:
    s.violations[violation] += 1


def _free_2(_a: Any, _b: Any) -> int:
    return 0


def _free_3(_a: Any, _b: Any, _c: Any) -> int:
    return 0


def _free_4(_a: Any, _b: Any, _c: Any, _d: Any) -> int:
    return 0


def _free_5(_a: Any, _b: Any, _c: Any, _d: Any, _e: Any) -> int:
    return 0


FREE = {
    _free_2: (sched.sleep,),
    _free_3: (
        *(coherence.read_line, coherence.own_line, coherence.write_line, coherence.atomic_on_line),
        *(coherence.take_line, account.synchronize, state.work, tally.contended),
    ),
    _free_4: (account.book, tally.held, tally.spend, locks.write_beside_lock, sched.wake_task),
    _free_5: (tally.acquired,),
}
"""Functions that cost time, count, or let a task sleep or wake up in time, by the number of their arguments."""

GIVEN: dict[Any, Any] = {
    acts.perform: _perform,
    step.refused: refusal,
    slot_of: value_in,
    put: put_to,
    fetch_early: fetch_early_,
    bug.bug: _bug,
    **{function: free for free, functions in FREE.items() for function in functions},
}
"""Functions that have another form here than in Python."""
