"""How fast perfsim is, as ratios measured side by side in one run, which is what may be compared between machines.

Prints a table for each subject: both engines on every shipped workload; lock operations/s of a naive SimPy model, both
engines and a loop written by hand in C++; the cost of an event as machine and memory grow; start-up; memory per page;
with --sweep, the whole sweep of mlock_heavy. Beside a figure stands its target, and a word where it is not met.
--json FILE writes all figures; --against FILE prints the ratios of this run's to those that another wrote.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import platform
import pstats
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from perfsim import __version__, load_workload
from perfsim.engine.cache import engine_code
from perfsim.kernel.boot import Seed
from perfsim.measure.row import simulate
from scripts import bench_engines, bench_processes
from scripts.bench_engines import REFERENCE, say
from scripts.bench_table import Cases, Column, Effort, Section, compared, table

SECTIONS = {
    "workloads": Section(
        "events/s in the engine, of the last design, from one state at one instant on",
        (
            Column("reference_window_us", "window us"),
            Column("reference_events_per_s", "reference/s", is_compared=True),
            Column("compiled_window_us", "window us"),
            Column("compiled_events_per_s", "compiled/s", is_compared=True),
            Column("ratio", "ratio", ".1f", is_compared=True),
            Column("ratio_min", "min", ".1f"),
            Column("ratio_max", "max", ".1f"),
            Column("ratio_same_window", "same window", ".1f"),
        ),
        bench_engines.workloads,
    ),
    "locks": Section(
        "lock operations/s on lock_contention (target: compiled / C++)",
        (
            Column("naive_per_s", "naive SimPy/s", is_compared=True),
            Column("reference_per_s", "reference/s", is_compared=True),
            Column("compiled_per_s", "compiled/s", is_compared=True),
            Column("cpp_per_s", "C++/s", is_compared=True),
            Column("compiled_to_reference", "/ reference", ".1f", is_compared=True),
            Column("compiled_to_naive", "/ naive", ".1f", is_compared=True),
            Column("compiled_to_cpp", "/ C++", ".2f", is_compared=True),
        ),
        bench_engines.locks,
    ),
    "scaling": Section(
        "cost of an event of mlock_heavy in the compiled engine",
        (
            Column("window_us", "window us"),
            Column("ns_per_event", "ns/event", ".1f", is_compared=True),
            Column("ns_per_event_min", "min", ".1f"),
            Column("ns_per_event_max", "max", ".1f"),
            Column("beside", "beside"),
            Column("cost_ratio", "ratio", ".2f", is_compared=True),
            Column("log_ratio", "of logarithms", ".2f"),
        ),
        bench_engines.scaling,
    ),
    "startup": Section(
        "wall seconds of whole commands",
        (
            Column("seconds", "s", ".2f", is_compared=True),
            Column("seconds_min", "min", ".2f"),
            Column("seconds_max", "max", ".2f"),
        ),
        bench_processes.startup,
    ),
    "memory": Section(
        "peak memory of the compiled engine",
        (
            Column("peak_mib_few", "MiB, few pages", ".1f"),
            Column("peak_mib_many", "MiB, many pages", ".1f"),
            Column("bytes_per_page", "bytes/page", ".1f", is_compared=True),
        ),
        bench_processes.memory,
    ),
    "sweep": Section(
        "the whole sweep of mlock_heavy",
        (
            Column("runs", "runs"),
            Column("cpu_seconds", "CPU s", ".2f"),
            Column("value", "value", ".2f", is_compared=True),
        ),
        bench_processes.sweep,
    ),
}
ONLY_WHEN_ASKED = "sweep"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write what was asked for."""
    parser = _parser()
    options = parser.parse_args(arguments)
    other = _read(parser, options.against) if options.against else None
    begun = time.monotonic()
    figures: dict[str, Any] = {
        "machine": machine(),
        "options": {"repeats": options.repeats, "seconds": options.seconds},
    }
    sys.stdout.write(", ".join(f"{name} {value}" for name, value in figures["machine"].items()) + "\n")
    if figures["machine"]["load"] > figures["machine"]["cores"] / 2:
        say(f"others use this machine (load {figures['machine']['load']}): what is not a ratio says little")
    engine_code()
    figures["sections"] = _measured(_chosen(options), Effort(options.repeats, options.seconds, options.compile))
    say(f"done in {time.monotonic() - begun:.0f} s")
    if other:
        sys.stdout.write("\n" + compared(SECTIONS, figures["sections"], other["sections"]))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    if options.profile:
        profile()


def machine() -> dict[str, Any]:
    """What the figures were measured on and with. load: of the last minute, before the benchmark."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "numba": version("numba"),
        "perfsim": __version__,
        "load": round(os.getloadavg()[0], 2),
    }


def profile() -> None:
    """Where the reference engine's time goes, by function, on the user's own workload."""
    scenario = load_workload("mlock_heavy", ["measure.warmup=0.5ms", "measure.duration=2ms"])
    profiler = cProfile.Profile()
    profiler.runcall(simulate, scenario, scenario.kernel.designs[-1], Seed(1, 0), REFERENCE)
    pstats.Stats(profiler, stream=sys.stdout).strip_dirs().sort_stats("tottime").print_stats(20)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add(
        "--only",
        action="append",
        choices=tuple(SECTIONS),
        metavar="SECTION",
        help=f"one of {', '.join(SECTIONS)}; repeatable",
    )
    add("--repeats", type=_positive(int), default=3, metavar="N", help="turns of each comparison (3)")
    add("--seconds", type=_positive(float), default=1.0, metavar="S", help="what one timing is to take (1)")
    add("--compile", action="store_true", help="start-up with an empty cache of machine code, too")
    add("--sweep", action="store_true", help="the whole sweep of mlock_heavy, too: minutes")
    add("--json", type=Path, metavar="FILE", help="write all figures to FILE")
    add("--against", type=Path, metavar="FILE", help="compare with what another run wrote to FILE")
    add("--profile", action="store_true", help="print where the reference engine's time goes on mlock_heavy")
    return parser


def _positive(kind: type[int] | type[float]) -> Any:
    """What reads a number above zero, for argparse."""

    def positive(text: str) -> float:
        number = kind(text)
        if not number > 0:
            raise ValueError(text)
        return number

    return positive


def _read(parser: argparse.ArgumentParser, file: Path) -> dict[str, Any]:
    """What another run wrote; a file that is none ends the program before anything is measured."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        parser.error(f"--against {file}: {error}")
    if not (isinstance(found, dict) and isinstance(found.get("sections"), dict)):
        parser.error(f"--against {file}: not written by --json")
    return found


def _chosen(options: argparse.Namespace) -> list[str]:
    """The sections that were asked for, in the order of SECTIONS."""
    usual = [name for name in SECTIONS if name != ONLY_WHEN_ASKED or options.sweep]
    return [name for name in SECTIONS if name in options.only] if options.only else usual


def _measured(names: list[str], effort: Effort) -> dict[str, Cases]:
    """The figures of sections; each table is printed as soon as it is there."""
    figures = {}
    for name in names:
        figures[name] = SECTIONS[name].measure(effort)
        sys.stdout.write("\n" + table(SECTIONS[name], figures[name]))
        sys.stdout.flush()
    return figures


def _cpu_model() -> str:
    """The processor's name as the kernel knows it."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


if __name__ == "__main__":
    main()
