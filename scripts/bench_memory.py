"""One run of mlock_heavy with a number of pages; prints the peak resident size of its process, in bytes.

The peak is the kernel's own mark of this program (VmHWM): getrusage() would begin with that of the process which
started it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from perfsim import load_workload
from perfsim.kernel.boot import Seed
from perfsim.measure.row import simulate

NODES = 4


def main(pages: int) -> None:
    """Boot, run for a moment, look at the invariants, say how much it took."""
    sets = [f"machine.nodes={NODES}", f"memory.pages_per_node={pages // NODES}", "measure.warmup=0us"]
    scenario = load_workload("mlock_heavy", [*sets, "measure.duration=1ms"])
    simulate(scenario, scenario.kernel.designs[-1], Seed(1, 0))
    sys.stdout.write(f"{peak_bytes()}\n")


def peak_bytes() -> int:
    """The peak resident size of this process so far."""
    lines = Path("/proc/self/status").read_text().splitlines()
    peak_kib = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    return peak_kib * 1024


if __name__ == "__main__":
    main(int(sys.argv[1]))
