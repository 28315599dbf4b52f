"""What `calibrate` prints, of a machine that is made up."""

from pathlib import Path

import numpy as np

from perfsim.calibrate.bench import Bench
from perfsim.calibrate.calibration import Calibration
from perfsim.calibrate.findings import Finding, by_key, found, not_measured, virtual
from perfsim.calibrate.here import look_around
from perfsim.calibrate.samples import Figure
from perfsim.calibrate.written import Machine, calibrated
from perfsim.machine.costs import COST_NAMES
from perfsim.machine.profile import load_profile
from perfsim.report.calibration import calibration_table
from perfsim.report.render import Table
from tests.calibrate.trees import two_sockets

FIGURE = Figure(60.0, 64.0, 70.0, 0.156)


def table_of(root: Path, cpus: set[int], *findings: Finding) -> Table:
    two_sockets(root)
    here = look_around(root, cpus)
    base = load_profile("x86_64_modern")
    keyed = by_key(list(findings))
    bench = Bench(here, 1.0, 3e9, FIGURE, {}, np.zeros(2, np.int64))
    return calibration_table(
        Calibration(bench, keyed, base, calibrated(Machine("mine", here, 3e9, "2026-11-30"), keyed, base))
    )


def test_every_cost_has_a_line_that_says_how_or_why_not(tmp_path: Path) -> None:
    table = table_of(
        tmp_path,
        {0, 1},
        found("llc_transfer", FIGURE, "ping-pong"),
        found("syscall", FIGURE._replace(spread=0.9), "getppid()"),
        virtual("ipi", FIGURE, "futex"),
        not_measured("dram_remote", "one socket"),
    )
    lines = {row[0]: row for row in table.rows}
    assert set(lines) == set(COST_NAMES) - {"prefetch_hidden"}
    assert lines["llc_transfer"] == ("llc_transfer", 60.0, 64.0, 70.0, 0.156, "measured", "ping-pong")
    assert lines["dram_remote"][4:] == (None, "x86_64_modern", "not measured: one socket")
    assert lines["io"][-1] == "cannot be measured in user mode"
    assert lines["syscall"][-1] == "noise: spread 90 %, at most 50 %; [60, 64, 70] ns by getppid()"
    assert str(lines["ipi"][-1]).startswith(
        "virtual: in a virtual machine this measures the hypervisor; [60, 64, 70] ns"
    )


def test_one_cpu_is_told_that_there_is_nothing_between_cpus(tmp_path: Path) -> None:
    assert "one CPU: nothing between CPUs can be measured" in table_of(tmp_path, {0}).notes


def test_what_gave_way_has_a_line_below_the_table(tmp_path: Path) -> None:
    notes = table_of(tmp_path, {0, 1}, found("llc_transfer", FIGURE.times(4), "ping-pong")).notes
    assert sum(" gives way: " in note for note in notes) == 2
