"""sweep.json: what a sweep was asked to do and how far it is. For people and scripts; the rows speak for themselves."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from perfsim import __version__
from perfsim.errors import InputError
from perfsim.store.atomic import replacing

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST_VERSION = 2

FORMER_VERSIONS: dict[int, dict[str, Any]] = {1: {"settings": {}, "precision": "", "short": {}}}
"""What manifests of former forms leave out, and what that means."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A sweep at one instant.

    workload, workload_sha256: name, and hash of the text of the workload file. sets: its `--set` texts.
    settings: what the workload says of every run, by dotted path; the axes are not in it. {} if that is not known.
    axes: number of values of each axis, by dotted path. points, designs, replications, seed, engine: what the jobs are.
    precision: what ratios are to be known to, in words, "" if that was not asked; replications are then the first ones.
    run_ids: of every job, in job order. done: of the jobs whose rows are stored, in job order.
    failed: run_id and what went wrong, of the jobs that have no row for that reason.
    short: points and designs whose ratios are not known as closely as asked, with how closely they are; empty until
    every run has ended.
    started, updated: UTC by the clock of the machine, as "2026-11-25T03:15:00Z", for people: nothing is computed from
    them. wall_s: real time of all sessions together, in seconds.
    perfsim_version, python_version: of the last session.
    """

    workload: str
    workload_sha256: str
    sets: tuple[str, ...]
    settings: dict[str, str]
    axes: dict[str, int]
    points: int
    designs: tuple[str, ...]
    replications: int
    precision: str
    seed: int
    engine: str
    run_ids: tuple[str, ...]
    done: tuple[str, ...]
    failed: dict[str, str]
    short: dict[str, str]
    started: str
    updated: str
    wall_s: float
    python_version: str
    perfsim_version: str = __version__


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Replace a manifest at once or not at all. Raises InputError(path) if the place cannot be written."""
    text = json.dumps({"manifest_version": MANIFEST_VERSION, **asdict(manifest)}, indent=2, allow_nan=False)
    with replacing(path) as file:
        file.write(text.encode() + b"\n")


def read_manifest(path: Path) -> Manifest:
    """A manifest as it was written. Raises InputError(path) for one that is missing, damaged, foreign or newer."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise _refusal(path, "no such file") from error
    except OSError as error:
        raise _refusal(path, f"cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise _refusal(path, "damaged: no JSON") from error
    if not isinstance(content, dict) or type(content.get("manifest_version")) is not int:
        raise _refusal(path, "no manifest of a sweep")
    version = content.pop("manifest_version")
    if version != MANIFEST_VERSION and version not in FORMER_VERSIONS:
        raise InputError(str(path), f"a manifest of form {version}; this perfsim reads form {MANIFEST_VERSION}")
    return _manifest_of(path, FORMER_VERSIONS.get(version, {}) | content)


def _manifest_of(path: Path, content: dict[str, Any]) -> Manifest:
    given: dict[str, Any] = {}
    for field in fields(Manifest):
        if field.name not in content or not _fits(content[field.name], str(field.type)):
            raise _refusal(path, f"damaged: {field.name} is missing or of the wrong type")
        value = content[field.name]
        given[field.name] = tuple(value) if isinstance(value, list) else value
    return Manifest(**given)


def _fits(value: Any, annotation: str) -> bool:
    """Whether a value read from JSON is what a field of the manifest holds."""
    if annotation == "tuple[str, ...]":
        return isinstance(value, list) and all(type(one) is str for one in value)
    if annotation.startswith("dict"):
        kind = {"dict[str, int]": int, "dict[str, str]": str}[annotation]
        return isinstance(value, dict) and all(type(one) is kind for one in value.values())
    if type(value) is float:
        return annotation == "float" and math.isfinite(value)
    return type(value) in {"str": (str,), "int": (int,), "float": (int,)}[annotation]


def _refusal(path: Path, problem: str) -> InputError:
    return InputError(str(path), f"{problem}; expected the sweep.json that perfsim sweep wrote")
