"""Where results come from: which perfsim and workload made them, and how much worse the workload lets them become."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from perfsim.scenario import settings
from perfsim.scenario.overrides import with_set
from perfsim.scenario.source import parse_document
from perfsim.scenario.validate import scenario_of
from perfsim.store.baseline import is_baseline, read_baseline
from perfsim.store.manifest import read_manifest
from perfsim.store.parquet import read_metadata
from perfsim.sweep.directory import MANIFEST, RUNS

if TYPE_CHECKING:
    from perfsim.scenario.schema import CheckRule
    from perfsim.store.manifest import Manifest


class Origin(NamedTuple):
    """What made results: each part empty if it is not known.

    perfsim_version: the last one that worked at them. workload: its name. settings: what it says of every run, by
    dotted path. rules: how much worse its metrics may become.
    """

    perfsim_version: str
    workload: str
    settings: dict[str, str]
    rules: tuple[CheckRule, ...]


def read_origin(name: str) -> Origin:
    """The origin of results that `outcome.read_results` has read under this name.

    Raises InputError for a workload that is stored beside the runs and that this perfsim does not understand.
    """
    path = Path(name)
    if is_baseline(path):
        baseline = read_baseline(path)
        return Origin(baseline.perfsim_version, baseline.workload, baseline.settings, ())
    runs = path / RUNS if path.is_dir() else path
    manifest = _manifest(runs)
    metadata = read_metadata(runs) if runs.exists() else {}
    text = metadata.get("workload", "")
    rules = _rules(text, manifest.sets if manifest else (), f"{name}, its workload") if text else ()
    if manifest is None:
        return Origin(metadata.get("perfsim_version", ""), metadata.get("workload_name", ""), {}, rules)
    return Origin(manifest.perfsim_version, manifest.workload, manifest.settings, rules)


def _manifest(runs: Path) -> Manifest | None:
    is_of_sweep = runs.name == RUNS and (runs.parent / MANIFEST).exists()
    return read_manifest(runs.parent / MANIFEST) if is_of_sweep else None


def _rules(text: str, sets: tuple[str, ...], name: str) -> tuple[CheckRule, ...]:
    root = parse_document(text, name)
    for argument in sets:
        root = with_set(root, argument)
    return scenario_of(root, text).check


def differences(old: Origin, new: Origin) -> list[str]:
    """What lies between two results beside what is measured, a line each."""
    lines = []
    if old.perfsim_version != new.perfsim_version:
        lines.append(f"perfsim was {old.perfsim_version or 'unknown'}, is {new.perfsim_version or 'unknown'}")
    if old.workload != new.workload:
        lines.append(f"the workload was {old.workload or 'unknown'}, is {new.workload or 'unknown'}")
    if old.settings and new.settings:
        changes = settings.differences(old.settings, new.settings)
        lines += [f"the workload was changed: {change}" for _, change in changes]
    return lines
