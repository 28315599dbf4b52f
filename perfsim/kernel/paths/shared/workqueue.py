"""keventd: work that runs in a thread of another CPU. C: kernel/workqueue.c of 2.6.26."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfsim.kernel.cpu import Cpu

if TYPE_CHECKING:  # late bound, as it queues work itself
    from perfsim.kernel.paths.shared.swap import lru_add_drain


async def schedule_on_each_cpu(cpu: Cpu) -> None:
    """C: kernel/workqueue.c, schedule_on_each_cpu() of lru_add_drain_per_cpu().

    Differs: items are counted, not allocated; no CPU comes or goes.
    """
    for on_cpu in range(await cpu.nr_cpus()):
        await cpu.queue_work(on_cpu)
    await flush_workqueue(cpu)


async def flush_workqueue(cpu: Cpu) -> None:
    """C: kernel/workqueue.c, flush_workqueue(keventd_wq): CPU after CPU. Differs: nothing."""
    for on_cpu in range(await cpu.nr_cpus()):
        await flush_cpu_workqueue(cpu, on_cpu)


async def flush_cpu_workqueue(cpu: Cpu, on_cpu: int) -> None:
    """C: kernel/workqueue.c, flush_cpu_workqueue(). Differs: a barrier is a number of items; no work flushes."""
    if await cpu.insert_wq_barrier(on_cpu):
        await cpu.wait_for_completion()


async def worker_thread(cpu: Cpu) -> None:
    """C: kernel/workqueue.c, worker_thread(), of events/N. It never comes to its end.

    Differs: cwq->lock is a figure, so that the look at the list and the sleep are one step.
    """
    should_stop = 0
    while not should_stop:
        await run_workqueue(cpu)
        should_stop = await cpu.wait_for_work()


async def run_workqueue(cpu: Cpu) -> None:
    """C: kernel/workqueue.c, run_workqueue(). Differs: the one function that an item may have is called by name."""
    while await cpu.next_work():
        await lru_add_drain(cpu)  # f(work): lru_add_drain_per_cpu
        await cpu.work_done()
