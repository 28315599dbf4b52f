"""What is measured of a task's paths: how long they take, and where that time goes (no function of the kernel).

A task's account grows by kind (machine/account.py); what of a path's time is of no kind is the CPU's own work.
"""

from __future__ import annotations

from perfsim.kernel.constants import HISTOGRAMS, KINDS, NONE, PUTBACK, PUTBACKS, REDO, REDO_RETRIES
from perfsim.kernel.state import State
from perfsim.machine.tally import latency


def probe_begin(s: State, task: int, now: int, probe: int) -> int:
    """A measured path is entered; nested entries of the same probe are part of the outermost."""
    at = task * HISTOGRAMS + probe
    if s.tasks.probe_depth[at] == 0:
        s.tasks.probe_start_ps[at] = _clock(s, task, now)
        for kind in range(KINDS):
            s.tasks.probe_spent_ps[at * KINDS + kind] = s.m.spent_ps[task * KINDS + kind]
    s.tasks.probe_depth[at] += 1
    return 0


def probe_end(s: State, task: int, now: int, probe: int) -> int:
    """A measured path is left: record its latency on the task's own clock, and where it went."""
    at = task * HISTOGRAMS + probe
    s.tasks.probe_depth[at] -= 1
    if s.tasks.probe_depth[at] == 0:
        if probe == PUTBACK:
            s.events[PUTBACKS] += 1
            _redo_ends(s, task, now)
        latency(s.m.tally, probe, _clock(s, task, now) - s.tasks.probe_start_ps[at])
        for kind in range(KINDS):
            spent_ps = s.m.spent_ps[task * KINDS + kind] - s.tasks.probe_spent_ps[at * KINDS + kind]
            s.m.tally.latency_spent_ps[probe * KINDS + kind] += spent_ps
    return 0


def count_vm_event(s: State, task: int, now: int, event: int, delta: int) -> int:
    """count_vm_event(s): per-CPU counters, folded here at once."""
    s.events[event] += delta
    if event == REDO_RETRIES:
        _redo_begins(s, task, now)
    return 0


def _redo_begins(s: State, task: int, now: int) -> None:
    """A putback starts over: what it does from the first time on to its end is done over, whatever it is."""
    if s.tasks.redo_start_ps[task] != NONE or not s.tasks.probe_depth[task * HISTOGRAMS + PUTBACK]:
        return
    s.tasks.redo_start_ps[task] = _clock(s, task, now)
    for kind in range(KINDS):
        s.tasks.redo_spent_ps[task * KINDS + kind] = s.m.spent_ps[task * KINDS + kind]


def _redo_ends(s: State, task: int, now: int) -> None:
    """The putback is over: what was booked by kind since it started over is of the kind REDO, and so is the rest."""
    if s.tasks.redo_start_ps[task] == NONE:
        return
    for kind in range(KINDS):
        s.m.spent_ps[task * KINDS + kind] = s.tasks.redo_spent_ps[task * KINDS + kind]
    s.m.spent_ps[task * KINDS + REDO] += _clock(s, task, now) - s.tasks.redo_start_ps[task]
    s.tasks.redo_start_ps[task] = NONE


def _clock(s: State, task: int, now: int) -> int:
    """The task's own time: what it has yet to pay for has passed."""
    return now + s.m.pending_ps[s.tasks.cpu[task]]
