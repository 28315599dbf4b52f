"""From a scenario to a run: profile and design found, identity computed, memory checked, tasks named."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import NoReturn

from perfsim import __version__
from perfsim.engine.sources import MODEL_SOURCES, sources_sha256
from perfsim.errors import InputError
from perfsim.kernel.boot import Seed, memory_shares
from perfsim.kernel.designs import Design, load_design
from perfsim.kernel.placement import place_everybody, place_tasks
from perfsim.kernel.ranges import OwnRanges, own_ranges
from perfsim.kernel.shares import range_pages_of
from perfsim.kernel.sizes import machine_size, page_size_bytes
from perfsim.machine.costs import IO
from perfsim.machine.profile import CostProfile, load_profile
from perfsim.scenario.relations import check_machine
from perfsim.scenario.schema import Scenario, place
from perfsim.units import format_size

RUN_ID_DIGITS = 16
BYTES_PER_PAGE = {"compiled": 64, "simpy": 300}
"""What one modelled page takes: in arrays, and in the reference engine's lists once all pages have been touched."""
BYTES_PER_PLACE = 8
"""What room for one page in a task's own range takes at most; in the object that it maps, twice that: when what the
compiled engine counts is looked at, it is there as a list too."""
COMPILED_PAGES_MAX = 2**31 - 2**20
"""The compiled engine numbers pages, list heads and places in ranges by 32 bits; heads are some hundred thousand."""
COMPILED_OBJECTS_MAX = 32_000
"""The compiled engine has 16 bits for what a page belongs to: a node, or an object, twice with a bit for anonymous."""


def profile_of(scenario: Scenario) -> CostProfile:
    """The scenario's cost profile, with its own costs if it has some. Raises InputError at the place that names it."""
    profile = load_profile(scenario.machine.profile, place(scenario, "machine.profile"))
    return replace(profile, best_ps=scenario.machine.costs_ps) if scenario.machine.costs_ps else profile


def design_of(scenario: Scenario, name_or_path: str) -> Design:
    """A design, by name or file. Raises InputError where the scenario lists it, at --design if it does not."""
    listed = scenario.kernel.designs
    if name_or_path not in listed:
        return load_design(name_or_path)
    return load_design(name_or_path, place(scenario, f"kernel.designs.{listed.index(name_or_path)}"))


def task_names(scenario: Scenario, profile: CostProfile) -> list[str]:
    """Names of the tasks in their order, for reports: the group's name and the number in it; events/N of CPU N."""
    cpus, nodes = machine_size(scenario, profile)
    return [one.name for one in place_everybody(scenario, cpus, nodes, profile.best_ps[IO])]


def run_id(scenario: Scenario, design: str, seed: Seed) -> str:
    """Content hash of all that determines a row: workload values, profile figures, design source, perfsim's own, seed.

    A workload's names and comments, axes and the engine are not in it: they change no figure. Sixteen hexadecimal
    digits.
    """
    return run_ids(scenario, design)(seed)


def run_ids(scenario: Scenario, design: str) -> Callable[[Seed], str]:
    """The run_id of each seed: what does not depend on it is made once."""
    profile = profile_of(scenario)
    content = {
        "version": __version__,
        "sources": sources_sha256(MODEL_SOURCES),
        "machine": machine_size(scenario, profile),
        "profile": profile.content_sha256,
        "memory": asdict(scenario.memory),
        "kernel": _kernel_figures(scenario, profile),
        "tasks": _task_figures(scenario),
        "measure": _measure_figures(scenario),
        "design": design_of(scenario, design).source_sha256,
    }

    def of(seed: Seed) -> str:
        whole = content | {"seed": seed.seed, "replication": seed.replication}
        text = json.dumps(whole, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:RUN_ID_DIGITS]

    return of


def check_fits(scenario: Scenario, designs: tuple[str, ...], engine: str, runs_at_once: int = 1) -> None:
    """Refuse, before anything is allocated, what cannot run: unknown profile or design, tasks that do not fit the
    machine, memory that does not suffice.

    engine: its name; runs_at_once: worker processes. Raises InputError with the needed and the available figure.
    """
    profile = profile_of(scenario)
    for design in designs:
        design_of(scenario, design)
    cpus, nodes = machine_size(scenario, profile)
    check_machine(scenario, cpus, nodes)
    own = own_ranges(place_tasks(scenario.tasks, cpus, nodes))
    _check_memory(scenario, nodes, own, BYTES_PER_PAGE[engine], runs_at_once)
    if engine == "compiled":
        _check_numbers(scenario, nodes, own)
    memory_shares(scenario, profile)


def _check_memory(scenario: Scenario, nodes: int, own: OwnRanges, bytes_per_page: int, runs_at_once: int) -> None:
    """Whether this machine's memory holds the pages of the modelled one, and the ranges of its tasks."""
    pages_bytes = nodes * scenario.memory.pages_per_node * bytes_per_page * runs_at_once
    range_pages = range_pages_of(scenario)
    ranges_bytes = (len(own.tasks) + 2 * own.objects) * range_pages * BYTES_PER_PLACE * runs_at_once
    available = available_bytes()
    runs = f"{runs_at_once} runs at once of " if runs_at_once > 1 else ""
    if pages_bytes > available:
        _refuse(
            scenario,
            "memory.pages_per_node",
            f"{runs}{nodes} nodes x {scenario.memory.pages_per_node} pages need {format_size(pages_bytes)}, "
            f"{format_size(available)} are available; expected fewer pages or nodes",
        )
    if pages_bytes + ranges_bytes > available:
        _refuse(
            scenario,
            "tasks",
            f"{runs}{len(own.tasks)} ranges, each with room for the {range_pages} pages of the largest, need "
            f"{format_size(ranges_bytes)}, {format_size(available - pages_bytes)} are available; "
            "expected fewer tasks or smaller ranges",
        )


def _check_numbers(scenario: Scenario, nodes: int, own: OwnRanges) -> None:
    """Whether the compiled engine has numbers for every page, every place in a range, and every object."""
    pages = nodes * scenario.memory.pages_per_node
    more = "more than the compiled engine has numbers for; expected at most"
    if pages > COMPILED_PAGES_MAX:
        problem = f"{nodes} nodes x {scenario.memory.pages_per_node} pages are {more} {COMPILED_PAGES_MAX} pages in all"
        _refuse(scenario, "memory.pages_per_node", f"{problem}, or --engine simpy")
    places = len(own.tasks) * range_pages_of(scenario)
    if pages + places > COMPILED_PAGES_MAX:
        problem = f"{pages} pages, and {places} places for them in ranges, are {more} {COMPILED_PAGES_MAX} together"
        _refuse(scenario, "tasks", f"{problem}, or --engine simpy")
    if own.objects > COMPILED_OBJECTS_MAX:
        problem = f"{own.objects} tasks of kind truncate or shm_lock are {more} {COMPILED_OBJECTS_MAX}"
        _refuse(scenario, "tasks", f"{problem}, or --engine simpy")


def _refuse(scenario: Scenario, key: str, problem: str) -> NoReturn:
    raise InputError(place(scenario, key), f"{key}: {problem}")


def available_bytes() -> int:
    """Memory that this process may still take: the system's free memory, within its control group's limit."""
    limits = [_free_memory()]
    limit = Path("/sys/fs/cgroup/memory.max")
    usage = Path("/sys/fs/cgroup/memory.current")
    if limit.is_file() and usage.is_file() and limit.read_text().strip().isdigit():
        limits.append(int(limit.read_text()) - int(usage.read_text()))
    return max(0, min(limits))


def _free_memory() -> int:
    meminfo = Path("/proc/meminfo")
    if meminfo.is_file():
        for line in meminfo.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _kernel_figures(scenario: Scenario, profile: CostProfile) -> dict[str, object]:
    """The kernel's options; which of the designs runs is told apart."""
    kernel = asdict(scenario.kernel) | {"page_size_bytes": page_size_bytes(scenario, profile)}
    del kernel["designs"]
    return kernel


def _measure_figures(scenario: Scenario) -> dict[str, object]:
    """What is measured; a warm-up that is found out is that of the first design."""
    measure = asdict(scenario.measure)
    if not scenario.measure.is_auto:
        return measure
    return measure | {"warmup_of": design_of(scenario, scenario.kernel.designs[0]).source_sha256}


def _task_figures(scenario: Scenario) -> list[dict[str, object]]:
    """What of the groups of tasks changes figures: neither names nor where they stood in the file."""
    numbers = {task.name: number for number, task in enumerate(scenario.tasks)}
    return [
        {key: value for key, value in asdict(task).items() if key not in ("name", "count_place")}
        | {"shares": numbers[task.shares] if task.shares else None}
        for task in scenario.tasks
    ]
