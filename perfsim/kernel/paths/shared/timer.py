"""The machine's timer. C: kernel/timer.c of 2.6.26."""

from __future__ import annotations

from perfsim.kernel.cpu import Cpu


async def timer_interrupt(cpu: Cpu) -> None:
    """C: kernel/timer.c, run_timer_softirq(), at every tick at which a timer may be due.

    Differs: a device of its own does it, and no CPU is interrupted for it; a machine has one.
    """
    while True:
        await cpu.wait_for_tick()
        await cpu.run_timers()
