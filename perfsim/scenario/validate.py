"""From a workload's file and the options of a command to a Scenario, or to one InputError that says what to mend."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from perfsim.errors import InputError, quoted
from perfsim.scenario import fields, schema
from perfsim.scenario.axes import read_axes
from perfsim.scenario.fields import Item, optional, refusal, required, section
from perfsim.scenario.locate import find_workload
from perfsim.scenario.overrides import task_name, with_option, with_set, with_value, without_axes
from perfsim.scenario.relations import check_relations
from perfsim.scenario.schema import (
    SECTION_KEYS,
    CheckRule,
    KernelSpec,
    MachineSpec,
    MeasureSpec,
    MemorySpec,
    Precision,
    Scenario,
    SweepSpec,
    TaskSpec,
    place,
)
from perfsim.scenario.source import Node, earlier, parse_document, read_text
from perfsim.scenario.tasks import read_tasks
from perfsim.units import format_count

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_SECTIONS = ("name", "machine", "memory", "kernel", "tasks", "measure", "sweep", "check")


def load_scenario(
    workload: str | os.PathLike[str],
    sets: Sequence[str] = (),
    *,
    profile: str | None = None,
    designs: Sequence[str] = (),
    seed: int | None = None,
) -> Scenario:
    """The validated scenario of a workload: a path, or the name of a shipped one.

    sets: KEY=VALUE arguments, applied in order; a later one wins. profile, designs and seed replace machine.profile,
    kernel.designs and sweep.seed. What is set is no axis any more. Raises InputError for the first thing that is wrong
    in the file or the options; profiles, designs and memory are looked for later, by those who know them.
    """
    root, text = _read(workload)
    for argument in sets:
        root = with_set(root, argument)
    if profile is not None:
        root = with_option(root, "machine.profile", Node(profile, "--profile", "quoted"))
    if designs:
        names = tuple(Node(design, "--design", "quoted") for design in designs)
        root = with_option(root, "kernel.designs", Node(names, "--design"))
    if seed is not None:
        root = with_option(root, "sweep.seed", Node(seed, "--seed", "plain"))
    return _checked(root, text)


def changed_scenario(workload: str | os.PathLike[str], changes: Iterable[tuple[str, Node]]) -> Scenario:
    """The validated scenario of a workload, changed as by --set: each a dotted key and its value.

    What is wrong with a value is told at the place of its node. Raises InputError.
    """
    root, text = _read(workload)
    for path, value in changes:
        root = with_option(root, path, value)
    return _checked(root, text)


def _read(workload: str | os.PathLike[str]) -> tuple[Node, str]:
    path = find_workload(os.fspath(workload))
    text = read_text(path)
    return parse_document(text, path), text


def _checked(root: Node, text: str) -> Scenario:
    scenario = scenario_of(root, text)
    check_relations(scenario)
    _check_axis_values(scenario)
    _check_jobs_count(scenario)
    return scenario


def scenario_of(root: Node, text: str) -> Scenario:
    """The scenario of a tree of nodes, each value checked by itself. Raises InputError."""
    top = Item(root, "")
    keys = section(top, _SECTIONS, _belongs)
    name = fields.name(required(top, keys, "name", "mlock_heavy"))
    machine = _machine(required(top, keys, "machine", "{profile: x86_64}"))
    tasks = read_tasks(required(top, keys, "tasks", "[{name: faulters, kind: fault, per: cpu, think: 20us}]"))
    return Scenario(
        name=name,
        machine=machine,
        memory=optional(keys, "memory", _memory, MemorySpec()),
        kernel=optional(keys, "kernel", _kernel, KernelSpec()),
        tasks=tasks,
        measure=optional(keys, "measure", _measure, MeasureSpec()),
        sweep=optional(keys, "sweep", partial(_sweep, tasks=tasks), SweepSpec()),
        check=optional(keys, "check", _check, ()),
        places=dict(_places(root, "")),
        text=text,
        root=root,
    )


def _machine(item: Item) -> MachineSpec:
    keys = section(item, SECTION_KEYS["machine"], _belongs)
    return MachineSpec(
        profile=fields.name_or_file(required(item, keys, "profile", "x86_64"), ".yaml"),
        cpus=optional(keys, "cpus", partial(fields.integer, low=1, high=schema.CPUS_MAX), None),
        nodes=optional(keys, "nodes", partial(fields.integer, low=1, high=schema.NODES_MAX), None),
    )


def _memory(item: Item) -> MemorySpec:
    keys = section(item, SECTION_KEYS["memory"], _belongs)
    default = MemorySpec()
    pages = partial(fields.integer, low=schema.PAGES_PER_NODE_MIN, high=schema.PAGES_PER_NODE_MAX)
    return MemorySpec(
        pages_per_node=optional(keys, "pages_per_node", pages, default.pages_per_node),
        file_ppm=optional(keys, "file_fraction", fields.fraction_ppm, default.file_ppm),
        mlocked_ppm=optional(keys, "mlocked_fraction", fields.fraction_ppm, default.mlocked_ppm),
        referenced_ppm=optional(keys, "referenced_fraction", fields.fraction_ppm, default.referenced_ppm),
        dirty_ppm=optional(keys, "dirty_fraction", fields.fraction_ppm, default.dirty_ppm),
    )


def _kernel(item: Item) -> KernelSpec:
    keys = section(item, SECTION_KEYS["kernel"], _belongs)
    default = KernelSpec()
    pagevec = partial(fields.integer, low=1, high=schema.PAGEVEC_SIZE_MAX)
    cluster = partial(fields.integer, low=1, high=schema.SWAP_CLUSTER_MAX_MAX)
    table = partial(fields.power_of_two, low=schema.WAIT_TABLE_SIZE_MIN, high=schema.WAIT_TABLE_SIZE_MAX)
    return KernelSpec(
        designs=optional(keys, "designs", _designs, default.designs),
        memcg=optional(keys, "memcg", fields.boolean, default.memcg),
        drain_all=optional(keys, "drain_all", _drain_all, default.drain_all),
        page_size_bytes=optional(keys, "page_size", _page_size_bytes, default.page_size_bytes),
        pagevec_size=optional(keys, "pagevec_size", pagevec, default.pagevec_size),
        swap_cluster_max=optional(keys, "swap_cluster_max", cluster, default.swap_cluster_max),
        wait_table_size=optional(keys, "wait_table_size", table, default.wait_table_size),
        min_free_bytes=optional(keys, "min_free", _min_free_bytes, default.min_free_bytes),
    )


def _page_size_bytes(item: Item) -> int:
    return fields.power_of_two_bytes(item, schema.PAGE_SIZE_BYTES_MIN, schema.PAGE_SIZE_BYTES_MAX, "16KiB")


def _min_free_bytes(item: Item) -> int:
    """min_free_kbytes, so whole KiB."""
    size_bytes = fields.size_bytes(item)
    if size_bytes == 0 or size_bytes % 1024:
        raise refusal(item, f"{fields.shown(item.node)}; expected a whole number of KiB, at least 1KiB")
    return size_bytes


def _drain_all(item: Item) -> int:
    return schema.DRAIN_ALL.index(fields.choice(item, schema.DRAIN_ALL))


def _designs(item: Item) -> tuple[str, ...]:
    designs: list[str] = []
    for entry in fields.items(item, "a list of designs such as [lock_page, redo]"):
        design = fields.name_or_file(entry, ".py")
        if design in designs:
            raise refusal(entry, f"duplicate design {quoted(design)}; expected each once")
        designs.append(design)
    return tuple(designs)


def _measure(item: Item) -> MeasureSpec:
    keys = section(item, SECTION_KEYS["measure"], _belongs)
    default = MeasureSpec()
    duration_ps = optional(keys, "duration", fields.fixed_duration_ps, default.duration_ps)
    if duration_ps == 0:
        raise refusal(keys["duration"], "a duration of 0 measures nothing; expected for example 20ms")
    usual: int | None = default.warmup_ps
    warmup_ps = optional(keys, "warmup", fields.duration_or_auto_ps, usual)
    if warmup_ps is None:
        return MeasureSpec(duration_ps, duration_ps, is_auto=True)
    return MeasureSpec(warmup_ps, duration_ps)


def _sweep(item: Item, tasks: Sequence[TaskSpec]) -> SweepSpec:
    keys = section(item, SECTION_KEYS["sweep"], _belongs)
    default = SweepSpec()
    usual = schema.FIRST_REPLICATIONS if "precision" in keys else default.replications
    replications = partial(fields.integer, low=1, high=schema.REPLICATIONS_MAX)
    sweep = SweepSpec(
        axes=optional(keys, "axes", partial(read_axes, tasks=tasks), default.axes),
        replications=optional(keys, "replications", replications, usual),
        seed=optional(keys, "seed", partial(fields.integer, low=0, high=schema.SEED_MAX), default.seed),
        precision=optional(keys, "precision", _precision, None),
    )
    if sweep.precision is not None:
        _check_first(sweep.replications, sweep.precision, keys)
    return sweep


def _precision(item: Item) -> Precision:
    """Whether there is such a column, and whether there are designs to compare, is for the sweep to say."""
    keys = section(item, SECTION_KEYS["sweep.precision"], _belongs)
    metric = required(item, keys, "metric", "reclaim_scanned_per_s")
    relative = required(item, keys, "relative", "2%")
    most = required(item, keys, "max_replications", "40")
    precision = Precision(
        metric=fields.text(metric, "a result column such as reclaim_scanned_per_s"),
        relative_ppm=fields.percentage_ppm(relative),
        max_replications=fields.integer(most, low=1, high=schema.REPLICATIONS_MAX),
    )
    if precision.relative_ppm == 0:
        raise refusal(relative, "no interval is as narrow as 0%; expected more, such as 2%")
    return precision


def _check_first(first: int, precision: Precision, keys: dict[str, Item]) -> None:
    """Whether the first replications say enough, and are not more than there may be in all."""
    least = schema.FIRST_REPLICATIONS_MIN
    if first < least:
        problem = f"{first} say too little of how much a ratio varies; expected {least} or more beside precision"
        raise refusal(keys["replications"], problem)
    most = precision.max_replications
    if most < first:
        problem = f"{most} are fewer than the first ones, {first} (sweep.replications); expected {first} or more"
        raise refusal(fields.mapping(keys["precision"], "")["max_replications"], problem)


def _check(item: Item) -> tuple[CheckRule, ...]:
    """The rules by metric. Whether there is such a column is for `perfsim check` to say."""
    rules = []
    for metric, entry in fields.mapping(item, "rules such as reclaim_scanned_per_s: {max_regression: 3%}").items():
        if len(metric) > fields.NAME_CHARACTERS_MAX or not fields.METRIC.fullmatch(metric):
            problem = f"{quoted(metric)} is no metric; expected a result column such as reclaim_scanned_per_s"
            raise fields.key_refusal(item, metric, problem)
        keys = section(entry, ("max_regression",))
        rules.append(CheckRule(metric, fields.fraction_ppm(required(entry, keys, "max_regression", "3%"))))
    return tuple(rules)


def _belongs(key: str) -> str:
    """The hint for a key that stands in the wrong section."""
    for section_name, keys in SECTION_KEYS.items():
        if key in keys:
            return f' (did you mean "{section_name}.{key}"?)'
    return ""


def _places(node: Node, path: str) -> Iterator[tuple[str, str]]:
    """Dotted path and place of every node; a task goes by its name, a part of another list by its index."""
    yield path, node.place
    inner: list[tuple[str, Node]] = []
    if isinstance(node.value, dict):
        inner = list(node.value.items())
    elif isinstance(node.value, tuple):
        inner = [(_part_name(part, path) or str(index), part) for index, part in enumerate(node.value)]
    for key, part in inner:
        yield from _places(part, f"{path}.{key}" if path else key)


def _part_name(part: Node, path: str) -> str | None:
    return task_name(part) if path == "tasks" else None


def _check_axis_values(scenario: Scenario) -> None:
    """Raise InputError if an axis has a value that its key cannot have, or the same one twice."""
    plain = without_axes(scenario.root)
    for axis in scenario.sweep.axes:
        seen: dict[Scenario, str] = {}
        for value in axis.values:
            varied = scenario_of(with_value(plain, axis.path, value.node), scenario.text)
            if varied in seen:
                problem = (
                    f"{axis.path}: duplicate value {quoted(value.column)}; {earlier(seen[varied], value.node.place)}"
                )
                raise InputError(value.node.place, problem)
            seen[varied] = value.node.place


def _check_jobs_count(scenario: Scenario) -> None:
    sweep = scenario.sweep
    runs = sweep.replications_max * len(scenario.kernel.designs)
    for axis in sweep.axes:
        runs *= len(axis.values)
    if runs > schema.JOBS_MAX:
        problem = f"{format_count(runs)} runs (points x designs x replications)"
        raise InputError(
            place(scenario, "sweep"), f"sweep: {problem}; expected at most {format_count(schema.JOBS_MAX)}"
        )
