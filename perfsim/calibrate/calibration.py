"""One calibration: every measurement in its order, and the profile that comes of it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from perfsim.calibrate.bench import Bench, prepare
from perfsim.calibrate.code import check_machine
from perfsim.calibrate.core import measure_caches, measure_core, measure_memory
from perfsim.calibrate.findings import by_key, pooled
from perfsim.calibrate.here import look_around
from perfsim.calibrate.lines import measure_contended_atomic, measure_line_service, measure_transfers
from perfsim.calibrate.pages import bounded_gup_page, measure_pages
from perfsim.calibrate.sleep import measure_sleep, measure_syscall
from perfsim.calibrate.written import Calibrated, Machine, calibrated, nearest
from perfsim.machine.profile import load_profile

if TYPE_CHECKING:
    from collections.abc import Callable

    from perfsim.calibrate.findings import Finding
    from perfsim.machine.profile import CostProfile


PASSES = 3
PASSES_NS_MAX = 12 * 10**9
"""After this no pass is begun: a large machine takes about that for one, and all shall be done in half a minute."""


class Calibration(NamedTuple):
    """What was measured on what, and the profile. base: from which everything else is."""

    bench: Bench
    findings: dict[str, Finding]
    base: CostProfile
    result: Calibrated


def calibrate(name: str, tell: Callable[[str], None]) -> Calibration:
    """Measure this machine. name: of the profile. tell: is told what is measured next. Raises PerfsimError where
    nothing can be measured.
    """
    check_machine()
    tell("letting the clock settle ...")
    here = look_around()
    base = load_profile(nearest(here.architecture))
    bench = prepare(here)
    findings = pooled(_passes(bench, base, tell))
    findings["gup_page"] = bounded_gup_page(findings["mlock_page"], base)
    machine = Machine(name, here, bench.clock_hz, datetime.now(UTC).strftime("%Y-%m-%d"))
    return Calibration(bench, findings, base, calibrated(machine, findings, base))


def _passes(bench: Bench, base: CostProfile, tell: Callable[[str], None]) -> list[dict[str, Finding]]:
    """Some passes over everything, fewer on a machine on which one takes long."""
    deadline_ns = time.monotonic_ns() + PASSES_NS_MAX
    passes: list[dict[str, Finding]] = []
    while len(passes) < PASSES and (not passes or time.monotonic_ns() < deadline_ns):
        passes.append(by_key(_measured(bench, base, tell)))
    return passes


def _measured(bench: Bench, base: CostProfile, tell: Callable[[str], None]) -> list[Finding]:
    tell("measuring the core, its caches and memory ...")
    core = measure_core(bench)
    findings = [*measure_caches(bench), *measure_memory(bench), *core]
    tell("measuring transfers between CPUs ...")
    findings += measure_transfers(bench, by_key(core)["atomic_local"].figure)
    findings += [measure_contended_atomic(bench), measure_line_service(bench)]
    tell("measuring system calls, sleep and wake-up ...")
    syscall = measure_syscall(bench)
    findings += [syscall, *measure_sleep(bench, syscall.figure, base)]
    tell("measuring pages ...")
    return [*findings, *measure_pages(bench, base)]
