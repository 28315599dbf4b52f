"""The profile that a calibration writes: this machine's figures over those of the nearest shipped profile."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, NamedTuple

from perfsim.calibrate.here import sockets
from perfsim.calibrate.samples import Refused
from perfsim.calibrate.settle import Range, settled
from perfsim.machine.costs import COST_NAMES
from perfsim.machine.profile_values import cost_path
from perfsim.units import PS_PER_NS, format_duration, format_size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perfsim.calibrate.findings import Finding
    from perfsim.calibrate.here import Here
    from perfsim.machine.profile import CostProfile

NEAREST = {"x86_64": "x86_64_modern", "ia64": "ia64"}
DEFAULT_NEAREST = "x86_64_modern"
"""Of any other machine: it is the only shipped profile of today's."""

CLOCK_STEP_HZ = 10**7
CACHE_LEVELS = 3


class Calibrated(NamedTuple):
    """text: of the profile file. ranges: every cost in ps. gave_way: a line for each that relations have changed."""

    text: str
    ranges: Mapping[str, Range]
    gave_way: list[str]


class Machine(NamedTuple):
    """What is to be said of the machine: its name in the file, what it has, its clock, when it was measured (a day)."""

    name: str
    here: Here
    clock_hz: float
    day: str


def nearest(architecture: str) -> str:
    """The shipped profile from which what cannot be measured is taken."""
    return NEAREST.get(architecture, DEFAULT_NEAREST)


def calibrated(machine: Machine, findings: Mapping[str, Finding], base: CostProfile) -> Calibrated:
    """The profile of what was found, everything else as in the base, and marked so."""
    known = {key: finding.figure for key, finding in findings.items() if key in COST_NAMES and finding.figure}
    of_base = _of_profile(base)
    ranges = dict(of_base)
    for key, figure in known.items():
        low, best, high = (_ps(value) for value in (figure.low, figure.best, figure.high))
        ranges[key] = Range(min(low, best), best, max(best, high), figure.spread)
    kept, gave_way = settled(ranges)
    changed = {key: one for key, one in kept.items() if one[:3] != of_base[key][:3]}
    sources = {key: _source(machine, key, findings, base) for key in COST_NAMES}
    for key in kept:
        if kept[key] != ranges[key]:
            sources[key] = f"{next(line for line in gave_way if line.startswith(key + ' '))}; {sources[key]}"
    return Calibrated(_text(machine, base, changed, sources), kept, gave_way)


def _of_profile(base: CostProfile) -> dict[str, Range]:
    rows = zip(COST_NAMES, base.low_ps, base.best_ps, base.high_ps, strict=True)
    return {key: Range(low, best, high, math.inf) for key, low, best, high in rows}


def _ps(value_ns: float) -> int:
    """Whole picoseconds of three digits: more would be a promise."""
    ps = round(value_ns * PS_PER_NS)
    digits = max(0, len(str(ps)) - 3)
    return round(ps, -digits)


def _source(machine: Machine, key: str, findings: Mapping[str, Finding], base: CostProfile) -> str:
    finding = findings.get(key)
    if finding is None:
        why = "cannot be measured in user mode"
    elif isinstance(finding.answer, Refused):
        why = f"{finding.answer.kind}, {finding.answer.why}"
    else:
        return f"measured {machine.day} on {machine.here.name}: {finding.how} [low: minimum, high: 90th percentile]"
    return f"from {base.name}, {why}; there: {base.sources[key]}"


def _text(machine: Machine, base: CostProfile, changed: Mapping[str, Range], sources: Mapping[str, str]) -> str:
    """The file, in the order of the shipped ones."""
    here = machine.here
    by_socket = sockets(here.cpus)
    hops = [[int(one != other) for other in range(len(by_socket))] for one in range(len(by_socket))]
    shape = _shape(machine)
    lines = [
        f"# Measured by perfsim calibrate on {machine.day}: {here.name}.",
        "# Figures are [low, best, high]: minimum, median and 90th percentile of repeated measurements. What was not",
        f"# measured is as in {base.name}, and its source says why.",
        *(f"# {line}" for line in here.mitigations),
        f"name: {json.dumps(machine.name)}",
        f"extends: {base.name}",
        f"machine: {{{', '.join(f'{key}: {value}' for key, (value, _) in shape.items())}}}",
        f"node_hops: {json.dumps(hops)}",
    ]
    if "line_service" in changed:
        lines.append(f"spinlock: {{line_service: {_figures(changed['line_service'])}}}")
    costs = [key for key in changed if cost_path(key).startswith("costs.")]
    if costs:
        lines += ["costs:", *(f"  {key}: {_figures(changed[key])}" for key in costs)]
    told = {key: source for key, (_, source) in shape.items()} | {"node_hops": _measured_shape(machine), **sources}
    lines += ["sources:", *(f"  {key}: {json.dumps(text, ensure_ascii=False)}" for key, text in told.items())]
    return "\n".join(lines) + "\n"


def _shape(machine: Machine) -> dict[str, tuple[str, str]]:
    """The section `machine`: each value with its source."""
    here = machine.here
    count = max(map(len, sockets(here.cpus).values()))
    clock_hz = round(machine.clock_hz / CLOCK_STEP_HZ) * CLOCK_STEP_HZ
    told = _measured_shape(machine)
    shape = {
        "clock": (f"{clock_hz / 10**9:g}GHz", f"measured {machine.day}: a chain of exclusive ors, one a cycle; {told}"),
        "nodes": (str(len(sockets(here.cpus))), told),
        "cpus_per_node": (str(count), told),
        "line_size": (f"{here.line_bytes}B", told),
    }
    caches = here.caches_bytes
    if not here.is_virtual and CACHE_LEVELS in caches:
        share = caches.get(2, 0) + caches[CACHE_LEVELS] // here.llc_cpus // here.line_bytes * here.line_bytes
        shape["cache_size"] = (f"{share}B", f"level 2, and a CPU's share of level 3 ({format_size(share)}); {told}")
    return shape


def _measured_shape(machine: Machine) -> str:
    return f"as the system tells it, {machine.day}: {machine.here.name}"


def _figures(one: Range) -> str:
    low, best, high = (format_duration(ps) for ps in one[:3])
    return f"[{low}, {best}, {high}]"
