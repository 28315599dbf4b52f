"""What the benchmark measures of whole processes: start-up, memory, the sweep."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from perfsim import load_workload
from perfsim.engine.cache import DIRECTORY_VARIABLE, engine_code
from perfsim.scenario.locate import shipped_workloads
from perfsim.sweep.plan import plan
from scripts.bench_engines import say
from scripts.bench_table import Cases, Effort, target

START_UP_S_MAX = 1.5
BYTES_PER_PAGE_MAX = 64
SWEEP_S_MAX = 60
EFFICIENCY_MIN = 0.9
FEW_PAGES = 40_000
MANY_PAGES = 4_000_000
MEMORY_SCRIPT = Path(__file__).resolve().with_name("bench_memory.py")


def startup(effort: Effort) -> Cases:
    """Wall seconds of whole commands, the machine code at hand; with effort.compile, of one that must make it, too."""
    say("start-up")
    engine_code()
    quickstart = str(shipped_workloads()["quickstart"])
    version_s = [_perfsim_s("--version") for _ in range(effort.repeats)]
    run_s = [_perfsim_s("run", quickstart) for _ in range(effort.repeats)]
    cases: Cases = {
        "perfsim --version": _spread(version_s),
        "perfsim run quickstart, warm cache": {
            **_spread(run_s),
            "target": target(median(run_s), START_UP_S_MAX, at_least=False),
        },
    }
    if effort.compile:
        cases["perfsim run quickstart, empty cache"] = _spread([_first_run_s(quickstart)])
    return cases


def _first_run_s(workload: str) -> float:
    """Wall seconds of a run on a machine that perfsim has never run on."""
    say("start-up with an empty cache: a minute or two")
    with tempfile.TemporaryDirectory(prefix="perfsim-bench-") as directory:
        return _perfsim_s("run", workload, variables={DIRECTORY_VARIABLE: directory})


def _spread(seconds: list[float]) -> dict[str, float]:
    return {"seconds": median(seconds), "seconds_min": min(seconds), "seconds_max": max(seconds)}


def _perfsim_s(*arguments: str, variables: dict[str, str] | None = None) -> float:
    """Wall seconds of one command, from before its start to after its end."""
    command = [sys.executable, "-m", "perfsim", *arguments]
    begun = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=os.environ | (variables or {}))
    return time.perf_counter() - begun


def memory(_effort: Effort) -> Cases:
    """What a page more costs: peak memory of a run of mlock_heavy with many pages, less that of one with few."""
    say("memory")
    engine_code()
    few, many = _peak_bytes(FEW_PAGES), _peak_bytes(MANY_PAGES)
    bytes_per_page = (many - few) / (MANY_PAGES - FEW_PAGES)
    return {
        "mlock_heavy": {
            "pages_few": FEW_PAGES,
            "pages_many": MANY_PAGES,
            "peak_mib_few": few / 2**20,
            "peak_mib_many": many / 2**20,
            "bytes_per_page": bytes_per_page,
            "target": target(bytes_per_page, BYTES_PER_PAGE_MAX, at_least=False),
        }
    }


def _peak_bytes(pages: int) -> int:
    """Peak resident size of a process of its own that boots and runs so many pages."""
    command = [sys.executable, str(MEMORY_SCRIPT), str(pages)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def sweep(_effort: Effort) -> Cases:
    """Wall seconds of the whole of mlock_heavy's sweep, with one worker and with two."""
    engine_code()
    runs = len(plan(load_workload("mlock_heavy"), 2))
    (two_s, two_cpu_s), (one_s, one_cpu_s) = (_sweep_s(jobs) for jobs in (2, 1))
    efficiency = one_s / (2 * two_s)
    met = target(two_s, SWEEP_S_MAX, at_least=False)
    return {
        "seconds, 2 jobs": {"runs": runs, "cpu_seconds": two_cpu_s, "value": two_s, "target": met},
        "seconds, 1 job": {"runs": runs, "cpu_seconds": one_cpu_s, "value": one_s},
        "parallel efficiency": {"value": efficiency, "target": target(efficiency, EFFICIENCY_MIN, at_least=True)},
    }


def _sweep_s(jobs: int) -> tuple[float, float]:
    """(wall seconds, CPU seconds) of a sweep; they part where others use the machine."""
    say(f"the sweep of mlock_heavy with --jobs {jobs}: a minute or more")
    before_s = _cpu_s_of_children()
    with tempfile.TemporaryDirectory(prefix="perfsim-bench-") as directory:
        out = str(Path(directory) / "results")
        wall_s = _perfsim_s("sweep", "mlock_heavy", "--out", out, "--jobs", str(jobs))
    return wall_s, _cpu_s_of_children() - before_s


def _cpu_s_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
