"""What must be known of results besides their figures: what they show, what is wrong with them, how they were made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from perfsim.errors import InputError
from perfsim.machine.profile import describe, load_profile
from perfsim.report.cautions import correctness, dropped_lock
from perfsim.report.pictures.subjects import subject
from perfsim.report.steadiness import MOVING, mark_notes
from perfsim.report.verdicts import overall_line, summary, what_is_missing
from perfsim.scenario.settings import differences
from perfsim.store.manifest import Manifest, read_manifest
from perfsim.store.parquet import read_metadata
from perfsim.sweep.directory import MANIFEST, RUNS
from perfsim.sweep.outcome import read_tables
from perfsim.units import counted, format_count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perfsim.machine.profile import Figure
    from perfsim.report.pictures.material import Material
    from perfsim.stats.comparison import Family

_MOVES = [column for name in MOVING for column in (name, f"{name}_change")]
_WRONG = ["violated_checks", "stranded_pages", "oom_kills", "defect_hits", "mlock_call_latency_count"]
_ASIDE = (".old-", ".damaged-")
HASH_DIGITS = 12


class Source(NamedTuple):
    """One directory or file of results. facts: what people call it, and what it is. workload: its text, "" if unknown.
    manifest: None if there is none. warnings: what is wrong with its runs. profiles: the names that its runs have.
    """

    name: str
    facts: list[tuple[str, str]]
    workload: str
    manifest: Manifest | None
    warnings: list[str]
    profiles: list[str]


def sentences(material: Material) -> list[str]:
    """The verdict of each metric and pair, as `compare` gives it."""
    if not material.matched.pairs:
        return [f"One design, {material.series[0].side.label}: nothing to compare it with."]
    pairs = dict.fromkeys((family.new, family.old) for family in material.families)
    found = [
        family
        for pair in pairs
        for metric in material.metrics
        for family in material.families
        if family.metric == metric and (family.new, family.old) == pair
    ]
    told = [_sentence(family, material.margin) for family in found]
    return told or [f"No run has a value of {' or '.join(material.metrics)}: nothing to compare."]


def _sentence(family: Family, margin: float) -> str:
    said = "; ".join([summary(family, margin), *overall_line(family)])
    text = subject(family.metric).text
    return f"{text[0].upper()}{text[1:]} ({family.metric}): {said}."


def warnings(material: Material, sources: list[Source]) -> list[str]:
    """What makes the verdict less than it seems."""
    lines = what_is_missing(material.matched)
    pairs = [family.pairs for family in material.families]
    if pairs and all(int(one.max(initial=0)) < 2 for one in pairs):
        lines.append("one replication: nothing has an interval, so no difference is shown")
    for source in sources:
        place = f"{source.name}: " if len(sources) > 1 else ""
        lines += [place + line for line in source.warnings]
    return lines


def sources_of(material: Material) -> list[Source]:
    """Where the results come from, each place once, the old one first."""
    return [_source(name) for name in dict.fromkeys(series.results for series in material.series)]


def _source(name: str) -> Source:
    path = Path(name)
    directory = path if path.is_dir() else path.parent
    manifest_path = directory / MANIFEST
    is_sweep = path.is_dir() or path.name == RUNS
    manifest = read_manifest(manifest_path) if is_sweep and manifest_path.exists() else None
    rows, profiles = _rows(name)
    runs_path = path / RUNS if path.is_dir() else path
    metadata = read_metadata(runs_path) if rows and runs_path.exists() else {}
    return Source(
        name,
        list(_facts(metadata, manifest, len(rows))),
        metadata.get("workload", ""),
        manifest,
        [
            *mark_notes(rows),
            *correctness(rows),
            *dropped_lock(rows),
            *_left_out(manifest, directory if is_sweep else None),
        ],
        profiles,
    )


def _rows(name: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Of every run what may be wrong with it, and all profiles. None of a file that does not tell."""
    wanted = ["profile", "unsteady", *_MOVES, *_WRONG]
    runs: dict[str, dict[str, Any]] = {}
    for table in read_tables(name, wanted):
        if set(wanted) <= set(table.column_names):
            keep = ["run_id", "design", *wanted]
            runs |= {row["run_id"]: row for row in table.select(keep).to_pylist()}
    rows = list(runs.values())
    return rows, list(dict.fromkeys(row["profile"] for row in rows))


def _facts(metadata: dict[str, str], manifest: Manifest | None, rows_count: int) -> Iterator[tuple[str, str]]:
    if rows_count:
        yield "runs", format_count(rows_count)
    if manifest:
        yield "designs", ", ".join(manifest.designs)
        yield "replications", _replications(manifest)
        yield "seed, engine", f"{manifest.seed}, {manifest.engine}"
        if manifest.sets:
            yield "--set", "; ".join(manifest.sets)
    versions = [("perfsim", metadata.get("perfsim_version") or (manifest.perfsim_version if manifest else ""))]
    versions += [("Python", manifest.python_version)] if manifest else []
    if any(version for _, version in versions):
        yield "versions", ", ".join(f"{program} {version}" for program, version in versions)
    workload_sha256 = metadata.get("workload_sha256") or (manifest.workload_sha256 if manifest else "")
    if workload_sha256:
        yield "workload, SHA-256", workload_sha256
    if "perfsim_content_sha256" in metadata:
        yield "rows, SHA-256", metadata["perfsim_content_sha256"]


def _replications(manifest: Manifest) -> str:
    first = format_count(manifest.replications)
    return f"{first}, then as many as give {manifest.precision}" if manifest.precision else first


def _left_out(manifest: Manifest | None, directory: Path | None) -> Iterator[str]:
    """Runs that failed, ratios that are not known as asked, files that were set aside."""
    if manifest and manifest.failed:
        reason = next(iter(manifest.failed.values()))
        yield f"{counted(len(manifest.failed), 'run')} failed, the first: {reason}"
    if manifest and manifest.short:
        yield f"{counted(len(manifest.short), 'ratio')} known less closely than was asked: {manifest.precision}"
    if directory:
        aside = sorted(path.name for path in directory.iterdir() if any(mark in path.name for mark in _ASIDE))
        if aside:
            yield f"set aside, and not in the pictures: {', '.join(aside)}"


def changes(sources: list[Source]) -> list[tuple[str, str]]:
    """What differs between the workloads of two results, by key, with both values."""
    manifests = [source.manifest for source in sources if source.manifest]
    if len(manifests) < 2:
        return []
    old, new = manifests
    return differences(old.settings, new.settings)


def machine(profile: str) -> tuple[str, tuple[Figure, ...]]:
    """The hash and the figures of a profile, as this perfsim has them; neither if it has not."""
    try:
        found = load_profile(profile)
    except InputError:
        return "", ()
    return found.content_sha256[:HASH_DIGITS], describe(found)
