"""Workers of a cluster before they get runs: their versions compared with ours, the engine's code brought to them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from perfsim.engine import ENGINES
from perfsim.engine.cache import engine_code, identity
from perfsim.sweep.remote import PACKAGES, Greeting, greet, sources, take_code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

ANSWER_S = 60.0
PYTHON_PARTS = 2
"""Of Python's version, 3.11.4, the first ones must be the same."""


class Refusal(NamedTuple):
    """Why a worker is not used: a line for people."""

    reason: str


Welcome: TypeAlias = "Greeting | Refusal"


async def check_scheduler(client: Any) -> str:
    """What is wrong with the scheduler's versions, a line for people; empty if nothing is.

    It reads what we send to workers, so that it needs the same Dask, and perfsim.
    """
    from distributed.versions import get_versions

    names = ("perfsim",)
    there = await client.run_on_scheduler(get_versions, names)
    told = _difference(there["packages"], get_versions(names)["packages"], ("distributed", *names))
    return f"the scheduler {told}" if told else ""


async def welcomed(client: Any, addresses: Sequence[str]) -> dict[str, Welcome]:
    """What each worker there is, or why it is not used. One that does not answer is left out: it has gone again."""
    from distributed.versions import get_versions

    packages = ("distributed", *PACKAGES)
    here = get_versions(PACKAGES)["packages"]
    found: dict[str, Welcome] = {}
    for address, there in (await _asked(client, addresses, get_versions, PACKAGES)).items():
        told = _difference(there["packages"], here, packages) if isinstance(there, dict) else str(there)
        if told:
            found[address] = Refusal(f"the worker {address} {told}")
    right = [address for address in addresses if address not in found]
    for address, greeting in (await _asked(client, right, greet)).items():
        found[address] = _judged(address, greeting)
    return found


async def make_ready(
    client: Any, welcomes: Mapping[str, Welcome], engine: str, tell: Callable[[str], None]
) -> dict[str, Welcome]:
    """Bring the engine's code to the workers that lack it; their welcomes, without those that have gone meanwhile.

    A worker with a processor like ours is given our code; another makes its own, which `tell` is told.
    """
    if engine != ENGINES[0]:
        return dict(welcomes)
    ready = await asyncio.gather(*(_made_ready(client, address, one, tell) for address, one in welcomes.items()))
    return {address: one for address, one in zip(welcomes, ready, strict=True) if one is not None}


async def _made_ready(client: Any, address: str, welcome: Welcome, tell: Callable[[str], None]) -> Welcome | None:
    """The welcome of one worker once it has the code; None if it has gone."""
    if isinstance(welcome, Refusal) or welcome.has_code:
        return welcome
    code = b""
    if welcome.engine == identity():
        code = await asyncio.to_thread(engine_code)
    else:
        tell(f"the worker {address} compiles the engine for its own processor, this once (a minute or two)")
    future = client.submit(take_code, code, workers=[address], pure=False)
    try:
        await future
    except Exception as error:
        if future.status != "error":
            return None
        return Refusal(f"the worker {address} has no engine: {type(error).__name__}: {error}")
    return welcome


async def _asked(client: Any, addresses: Iterable[str], function: Callable[..., Any], *values: Any) -> dict[str, Any]:
    """What a function returns, or raises, on each of the workers, whatever runs there; those that are gone left out."""
    wanted = list(addresses)
    if not wanted:
        return {}
    answers = client.run(function, *values, workers=wanted, on_error="return")
    try:
        told = await asyncio.wait_for(answers, ANSWER_S)
    except (OSError, TimeoutError, KeyError, ValueError):
        return {}
    return {address: answer for address, answer in told.items() if not isinstance(answer, OSError)}


def _judged(address: str, greeting: Greeting | Exception) -> Welcome:
    if isinstance(greeting, Exception):
        problem = f"cannot load perfsim ({type(greeting).__name__}: {greeting})"
    elif greeting.sources != sources():
        problem = "has loaded other sources of perfsim than are here, of the same version"
    else:
        return greeting
    return Refusal(f"the worker {address} {problem}; expected the same perfsim, and the worker started anew")


def _difference(there: Mapping[str, str | None], here: Mapping[str, str | None], names: Iterable[str]) -> str:
    """`has perfsim 0.1.0 where we have 0.2.0; expected the same versions`, or nothing if there is no difference."""
    pairs = [("Python", _python(there), _python(here))]
    pairs += [(name, there.get(name) or "missing", here.get(name) or "missing") for name in names]
    told = [f"{name} {other} where we have {own}" for name, other, own in pairs if other != own]
    return f"has {', '.join(told)}; expected the same versions" if told else ""


def _python(versions: Mapping[str, str | None]) -> str:
    return ".".join(str(versions.get("python")).split(".")[:PYTHON_PARTS])
