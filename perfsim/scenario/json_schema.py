"""Workload files as a JSON Schema (draft 2020-12), for editors: keys, meanings, units and limits as they are typed.

The schema is told by the tables that files are read by. It knows less than `validate.py` does: what one value says of
another, and whether there is such a profile, design or column, is found out when the file is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from perfsim.scenario import schema
from perfsim.scenario.fields import IDENTIFIER, METRIC, NAME, NAME_CHARACTERS_MAX
from perfsim.scenario.schema import DRAIN_ALL, SECTION_KEYS
from perfsim.scenario.tasks import KINDS, LOCKS, PER, RANGE_PAGES_DEFAULT, Kind
from perfsim.units import SIZE_UNITS_BYTES, TIME_UNITS_PS, format_duration, format_size

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Mapping

JsonSchema: TypeAlias = dict[str, Any]

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_NUMBER = r"\+?([0-9]+(\.[0-9]+)?|\.[0-9]+) ?"


def workload_schema() -> JsonSchema:
    """The schema of a workload file. Every quantity is text with its unit."""
    sections = {name: _section(name) for name in ("memory", "kernel", "measure", "sweep")}
    return {
        "$schema": DRAFT,
        "title": "a workload of perfsim",
        **_object(
            {
                "name": _name(NAME, "of the directory of results"),
                "machine": _section("machine", ["profile"]),
                **sections,
                "tasks": {"type": "array", "minItems": 1, "items": _one_of_kinds()},
                "check": _check(),
            },
            ["name", "machine", "tasks"],
        ),
        "$defs": {
            "time": _quantity(TIME_UNITS_PS, "20us"),
            "size": _quantity(SIZE_UNITS_BYTES, "4MiB"),
            "fraction": {
                "anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"$ref": "#/$defs/percentage"}],
                "examples": [0.5, "50%"],
            },
            "percentage": _quantity({"%": 1}, "2%"),
            "duration": _duration(),
        },
    }


def _section(name: str, required: Iterable[str] = ()) -> JsonSchema:
    """A section that has fixed keys."""
    return _object({key: _VALUES[name][key] for key in SECTION_KEYS[name]}, required)


def _object(properties: Mapping[str, JsonSchema], required: Iterable[str] = ()) -> JsonSchema:
    found: JsonSchema = {"type": "object", "additionalProperties": False, "properties": dict(properties)}
    return found | ({"required": list(required)} if required else {})


def _one_of_kinds() -> JsonSchema:
    """A group of tasks: its kind says which keys it has."""
    return {
        "type": "object",
        "required": ["name", "kind"],
        "properties": {"kind": {"enum": list(KINDS), "description": "what one round of a task does"}},
        "oneOf": [_kind(name, kind) for name, kind in KINDS.items()],
    }


def _kind(name: str, kind: Kind) -> JsonSchema:
    properties = {key: _TASK_VALUES[key] for key in kind.keys if key != "kind"} | {"kind": {"const": name}}
    one = _object(properties, kind.needs)
    given: list[JsonSchema] = [{"required": [key]} for key in kind.how_many]
    none = [] if kind.per is None else [{"not": {"anyOf": given}}]
    return one | {"oneOf": given + none}


def _quantity(units: Mapping[str, int], example: str) -> JsonSchema:
    return {"type": "string", "pattern": f"^{_NUMBER}({'|'.join(units)})$", "examples": [example]}


def _duration() -> JsonSchema:
    time = {"$ref": "#/$defs/time"}
    pair = {"type": "array", "prefixItems": [time, time], "minItems": 2, "maxItems": 2}
    forms = [time, _object({"exponential": time}, ["exponential"]), _object({"uniform": pair}, ["uniform"])]
    return {"oneOf": forms, "examples": ["20us", {"exponential": "20us"}, {"uniform": ["10us", "30us"]}]}


def _check() -> JsonSchema:
    rule = _object({"max_regression": {"$ref": "#/$defs/fraction"}}, ["max_regression"])
    text = "by metric, how much worse than a baseline is still fine"
    return {"type": "object", "description": text, "propertyNames": _word(METRIC), "additionalProperties": rule}


def _name(form: re.Pattern[str], text: str) -> JsonSchema:
    return {"type": "string", **_word(form), "description": text}


def _word(form: re.Pattern[str]) -> JsonSchema:
    return {"pattern": f"^{form.pattern}$", "maxLength": NAME_CHARACTERS_MAX}


def _whole(low: int, high: int, text: str, default: int | None = None) -> JsonSchema:
    found: JsonSchema = {"type": "integer", "minimum": low, "maximum": high, "description": text}
    return found if default is None else found | {"default": default}


def _of(name: str, text: str) -> JsonSchema:
    return {"$ref": f"#/$defs/{name}", "description": text}


_MEMORY, _KERNEL, _MEASURE, _SWEEP = schema.MemorySpec(), schema.KernelSpec(), schema.MeasureSpec(), schema.SweepSpec()
_SIZES = [2**power for power in range(schema.WAIT_TABLE_SIZE_MAX.bit_length())]
_PAGE_SIZES = f"from {format_size(schema.PAGE_SIZE_BYTES_MIN)} to {format_size(schema.PAGE_SIZE_BYTES_MAX)}"

_VALUES: Mapping[str, Mapping[str, JsonSchema]] = {
    "machine": {
        "profile": {"type": "string", "description": "what the machine's steps cost: a name, or a .yaml file"},
        "cpus": _whole(1, schema.CPUS_MAX, "the profile's own if left out"),
        "nodes": _whole(1, schema.NODES_MAX, "each is a zone; the profile's own if left out"),
    },
    "memory": {
        "pages_per_node": _whole(
            schema.PAGES_PER_NODE_MIN, schema.PAGES_PER_NODE_MAX, "pages of each zone", _MEMORY.pages_per_node
        ),
        "file_fraction": _of("fraction", "file pages; the others are anonymous"),
        "mlocked_fraction": _of("fraction", "pages that are mlocked at the start"),
        "referenced_fraction": _of("fraction", "pages that reclaim finds referenced"),
        "dirty_fraction": _of("fraction", "pages that have to be written before they are freed"),
    },
    "kernel": {
        "designs": {
            "type": "array",
            "items": {"type": "string"},
            "minItems": 1,
            "uniqueItems": True,
            "description": "names, or .py files; the first one is the old one",
            "default": list(_KERNEL.designs),
        },
        "memcg": {"type": "boolean", "description": "memory cgroups are built in", "default": _KERNEL.memcg},
        "drain_all": {
            "enum": list(DRAIN_ALL),
            "description": "how often an mlock() drains the pagevecs of all CPUs",
            "default": DRAIN_ALL[_KERNEL.drain_all],
        },
        "page_size": _of("size", f"PAGE_SIZE, a power of two {_PAGE_SIZES}; the profile's if left out"),
        "pagevec_size": _whole(1, schema.PAGEVEC_SIZE_MAX, "PAGEVEC_SIZE", _KERNEL.pagevec_size),
        "swap_cluster_max": _whole(1, schema.SWAP_CLUSTER_MAX_MAX, "SWAP_CLUSTER_MAX", _KERNEL.swap_cluster_max),
        "wait_table_size": {
            "enum": [size for size in _SIZES if size >= schema.WAIT_TABLE_SIZE_MIN],
            "description": "hashed wait queues of page locks in a zone; as the kernel's if left out",
        },
        "min_free": _of("size", "min_free_kbytes, of all zones together; as the kernel's if left out"),
    },
    "measure": {
        "warmup": {
            "anyOf": [{"$ref": "#/$defs/time"}, {"const": schema.AUTO}],
            "description": "simulated time that does not count; auto: until the run is steady",
            "default": format_duration(_MEASURE.warmup_ps),
        },
        "duration": _of("time", "simulated time that is measured") | {"default": format_duration(_MEASURE.duration_ps)},
    },
    "sweep": {
        "axes": {
            "type": "object",
            "description": "dotted keys, each with the values to try: every combination is a point",
            "additionalProperties": {"type": "array", "minItems": 1},
        },
        "replications": _whole(
            1, schema.REPLICATIONS_MAX, "runs of each point and design; with precision the first ones"
        ),
        "precision": _object(
            {
                "metric": {"type": "string", "description": "a column of results"},
                "relative": _of("percentage", "how closely its ratio is to be known"),
                "max_replications": _whole(1, schema.REPLICATIONS_MAX, "runs of a point and design at most"),
            },
            SECTION_KEYS["sweep.precision"],
        ),
        "seed": _whole(0, schema.SEED_MAX, "what random numbers depend on", _SWEEP.seed),
    },
}

_USUAL_RANGE = f"{RANGE_PAGES_DEFAULT}, of a fault task none, with shares the group's"

_TASK_VALUES: Mapping[str, JsonSchema] = {
    "name": _name(IDENTIFIER, "of the group, once in a file"),
    "count": _whole(1, schema.TASK_COUNT_MAX, "how many tasks"),
    "share": _of("fraction", "how many tasks, of the CPUs"),
    "per": {"enum": list(PER), "description": "a task for each"},
    "think": _of("duration", "time between two rounds"),
    "hold": _of("duration", "time with what a round has locked, mapped or written"),
    "range_pages": _whole(0, schema.PAGES_PER_NODE_MAX, f"pages that a round works on; if left out {_USUAL_RANGE}"),
    "shares": {"type": "string", "description": "the group whose ranges these tasks work on, as threads of it"},
    "target_node": {
        "anyOf": [_whole(0, schema.NODES_MAX - 1, "a node"), {"const": "next"}],
        "description": "where pages are moved; next: each node after the other",
        "default": "next",
    },
    "lock": {"enum": list(LOCKS), "default": LOCKS[0]},
    "pages": _whole(1, schema.PAGES_PER_NODE_MAX, "over how many page locks the tasks spread", 1),
}
