"""What it costs to call the system, to sleep and to be woken: the last two by futex() between two threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from perfsim.calibrate import kernels as k
from perfsim.calibrate.bench import of_profile, repeated, table
from perfsim.calibrate.findings import Finding, found, not_measured, virtual
from perfsim.calibrate.locks import FUTEX_WAKE_PRIVATE
from perfsim.calibrate.samples import Figure, Sample, figure_of, sampled
from perfsim.calibrate.threads import Job, address, aligned, run_together

if TYPE_CHECKING:
    from perfsim.calibrate.bench import Bench
    from perfsim.machine.profile import CostProfile

TURNS = 1000
CALLS = 4096
SCHEDULER_KEYS = ("context_switch", "wakeup", "ipi", "idle_exit")


def measure_syscall(bench: Bench) -> Finding:
    """getppid(), which libc does not remember, unlike getpid()."""
    arguments = table(np.zeros((CALLS, 3), np.int64))
    figure = repeated(bench, k.CALLS, CALLS, {"function": bench.libc["getppid"]} | arguments.words)
    return found("syscall", figure, "getppid()")


def measure_sleep(bench: Bench, syscall: Figure | None, base: CostProfile) -> list[Finding]:
    """context_switch and wakeup from two threads on one CPU; ipi and idle_exit from the same on two CPUs."""
    if not futex_works(bench):
        return [not_measured(key, "futex() is refused here") for key in SCHEDULER_KEYS]
    if syscall is None:
        return [not_measured(key, "its part syscall is not known") for key in SCHEDULER_KEYS]
    on_one = _turns(bench, bench.cpu, is_busy=False)
    return [*_on_one_cpu(on_one.less(syscall, syscall), base), *_between_cpus(bench, on_one, base)]


def futex_works(bench: Bench) -> bool:
    """Whether the system lets us sleep and wake: to wake nobody succeeds."""
    word = aligned(1)
    arguments = table(np.array([[int(bench.system[1]), address(word), FUTEX_WAKE_PRIVATE]]))
    [ran] = run_together([Job(bench.cpu, k.CALLS, arguments.words | {"function": bench.libc["syscall"]})])
    return ran.failed == 0


def _on_one_cpu(both: Figure, base: CostProfile) -> list[Finding]:
    """A turn is one wake-up and one switch. Their sum is measured; it is shared out as the profile does."""
    switch, wakeup = of_profile(base, "context_switch"), of_profile(base, "wakeup")
    how = f"futex by turns on one CPU, less two system calls; shared out as in {base.name}"
    whole = switch.best + wakeup.best
    shares = {"context_switch": switch.best / whole, "wakeup": wakeup.best / whole}
    return [found(key, both.times(share), how) for key, share in shares.items()]


def _between_cpus(bench: Bench, on_one: Figure, base: CostProfile) -> list[Finding]:
    """Beyond a turn on one CPU: the interrupt, and if the other CPU was idle, its way out of that."""
    keys = SCHEDULER_KEYS[2:]
    if len(bench.here.cpus) == 1:
        return [not_measured(key, "one CPU") for key in keys]
    other = bench.here.cpus[1].number
    try:
        busy, idle = (_turns(bench, other, is_busy=is_busy) for is_busy in (True, False))
    except PermissionError:
        return [not_measured(key, "a thread may not have the lowest priority here") for key in keys]
    how = ("futex by turns on two CPUs kept busy", "futex by turns on two idle CPUs")
    if bench.here.is_virtual:
        return [virtual(keys[0], busy, f"{how[0]}, a whole turn"), virtual(keys[1], idle, f"{how[1]}, a whole turn")]
    sender, receiver = of_profile(base, "ipi_send"), of_profile(base, "irq_entry_exit")
    less = f"less the same on one CPU and {base.name}'s ipi_send and irq_entry_exit"
    return [
        found(keys[0], busy.less(on_one, sender, receiver), f"{how[0]}, {less}"),
        found(keys[1], idle.less(busy), f"{how[1]}, less the same on CPUs kept busy"),
    ]


def _turns(bench: Bench, other: int, *, is_busy: bool) -> Figure:
    """Time of a turn between the first CPU and another, or itself. is_busy: each has work of the lowest priority."""

    def batch() -> Sample:
        line, stop = aligned(1), aligned(1)
        words = {"line": address(line), "rounds": TURNS, "system": address(bench.system), "stop": address(stop)}
        cpus = (bench.cpu, other)
        jobs = [Job(cpu, k.FUTEX_TURNS, words | {"side": side}) for side, cpu in enumerate(cpus)]
        waiting = {"line": 0, "stop": address(stop)}
        idle = [Job(cpu, k.WAIT_FOR_STOP, waiting, is_idle=True) for cpu in cpus if is_busy]
        ran = run_together([*jobs, *idle])
        return Sample(ran[0].ticks / bench.ticks_per_ns / (2 * TURNS))

    return figure_of(sampled(batch))
