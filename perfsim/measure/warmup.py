"""The time before the measured window: as long as the workload says, or, with `warmup: auto`, as long as it takes.

Auto looks at a run when it has gone on for the length of its window, for two, for four and for eight of them. Where all
that is watched has settled in the first half of what has been simulated (MSER-5), and moves in the second half too
little to count within a window, the window begins, and takes its whole `duration` from there. If it never does, the
window begins after eight windows, and the row says, as of any run, what is not steady in it.

Why like that:

- Designs are compared in pairs of equal draws over equal windows, so all of a point and seed have one warm-up: the one
  that the first of `kernel.designs` takes, which is run for the others as far as that. A warm-up of each design's own
  differs between them in half of the pairs of a noisy workload, which costs the correlation that narrows intervals.
- It is therefore determined by workload, first design and seed, all of them in run_id: equal on both engines, with any
  number of worker processes, and after a sweep has been resumed.
- The window begins where the run stands. Counters, histograms and the tallies of locks cannot be taken back to an
  instant that is past, and a second pass from the start would cost more than the time that is given away.
- A window is the least because a shorter look could not tell from noise what matters over a window.
"""

from __future__ import annotations

from perfsim.measure.record import SLICES, Recorder
from perfsim.measure.steady import may_begin
from perfsim.scenario.schema import MeasureSpec


def pass_warm_up(recorder: Recorder, measure: MeasureSpec) -> int:
    """Let a run at time 0 pass its warm-up. Returns how long that was, in ps."""
    if measure.is_auto:
        return _pass_until_steady(recorder, measure)
    slices = min(SLICES, measure.warmup_ps * SLICES // measure.duration_ps)
    recorder.advance(recorder.slice_end_ps(measure.warmup_ps, -left) for left in range(slices, -1, -1))
    return measure.warmup_ps


def _pass_until_steady(recorder: Recorder, measure: MeasureSpec) -> int:
    recorder.advance([0])
    seen = 0
    wanted = measure.warmup_ps * SLICES // measure.duration_ps
    while True:
        recorder.advance(recorder.slice_end_ps(0, number) for number in range(seen + 1, wanted + 1))
        passed_ps = recorder.ends_ps[-1]
        if 2 * passed_ps > measure.warmup_max_ps or may_begin(recorder.record()):
            return passed_ps
        seen, wanted = wanted, 2 * wanted
