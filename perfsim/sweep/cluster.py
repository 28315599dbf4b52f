"""Runs over a Dask cluster: outcomes as they come, whoever of it goes away and comes back meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import AsyncExitStack, aclosing
from typing import TYPE_CHECKING, Any, NamedTuple

from perfsim.errors import InputError
from perfsim.sweep.dispatch import Dispatch
from perfsim.sweep.fleet import Refusal, check_scheduler, welcomed
from perfsim.sweep.scheduler import OPTION, check_address, connected

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from perfsim.sweep.backlog import Backlog
    from perfsim.sweep.plan import Run
    from perfsim.sweep.worker import Failure

Row = dict[str, Any]

RETURN_S = 60.0
"""How long a scheduler that was there is waited for."""
RETURN_PAUSE_S = 1.0


class Cluster(NamedTuple):
    """A Dask cluster. address: its scheduler's, tcp://HOST:PORT. tell: is called with lines for people."""

    address: str
    tell: Callable[[str], None]


async def check_cluster(cluster: Cluster) -> None:
    """Raise InputError, in one line, if there is no scheduler, or what is there is not of our version."""
    check_address(cluster.address)
    async with connected(cluster.address) as client:
        try:
            problem = await check_scheduler(client)
            welcomes = await welcomed(client, list(await client.nthreads()))
        except OSError as error:
            raise InputError(
                OPTION, f"the scheduler at {cluster.address} has gone away; expected it to stay"
            ) from error
    refusals = [welcome.reason for welcome in welcomes.values() if isinstance(welcome, Refusal)]
    for reason in [problem, *refusals]:
        if reason:
            raise InputError(OPTION, reason)


async def cluster_outcomes(
    backlog: Backlog, cluster: Cluster, engine: str
) -> AsyncGenerator[tuple[Run, Row | Failure], None]:
    """Each run with its row, or with why there is none, in the order in which they finish; see driver.outcomes().

    A run whose worker dies is tried again, on whatever workers there are. A scheduler that goes away is waited for:
    raises InputError if it does not come back within RETURN_S.
    """
    deaths = Counter[str]()
    patience_s = 0.0
    while True:
        async with AsyncExitStack() as stack:
            client = await _entered(stack, cluster, patience_s)
            dispatch = Dispatch(client, backlog, engine, deaths, cluster.tell)
            finished = await stack.enter_async_context(aclosing(dispatch.outcomes()))
            async for outcome in finished:
                yield outcome
        if not dispatch.is_lost:
            return
        cluster.tell(dispatch.loss())
        patience_s = RETURN_S


async def _entered(stack: AsyncExitStack, cluster: Cluster, patience_s: float) -> Any:
    """A client of the scheduler, closed with the stack. patience_s: how long to wait for a scheduler that was there."""
    begun_s = time.monotonic()
    while True:
        try:
            client = await stack.enter_async_context(connected(cluster.address))
        except InputError as error:
            if not patience_s:
                raise
            if time.monotonic() - begun_s > patience_s:
                problem = f"the scheduler at {cluster.address} is gone, and not back after {patience_s:g} s"
                raise InputError(OPTION, problem) from error
            await asyncio.sleep(RETURN_PAUSE_S)
        else:
            if patience_s:
                cluster.tell(f"the scheduler at {cluster.address} is back")
            return client
