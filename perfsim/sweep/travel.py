"""Designs and profiles given as files travel with the run that needs them, to a machine that does not have them."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from perfsim.errors import InputError, quoted
from perfsim.machine.profile_files import SUFFIX, read_lineage
from perfsim.scenario.schema import place
from perfsim.sweep.failures import patience_s

if TYPE_CHECKING:
    from collections.abc import Iterable

    from perfsim.sweep.worker import Task

FOLDER_DIGITS = 16


class Bundle(NamedTuple):
    """The files of one design or profile.

    given: what it was called where it was given. files: path and content of each, the first one that which was given;
    the paths are relative to a folder that holds all, so that `extends: ../base.yaml` still finds its file.
    """

    given: str
    files: tuple[tuple[str, bytes], ...]


class Parcel(NamedTuple):
    """A run's task with the files it needs. patience_s: how long to wait for its end; None for ever.

    first: the first design of the workload, where that decides the warm-up of the others.
    """

    task: Task
    design: Bundle | None
    first: Bundle | None
    profile: Bundle | None
    patience_s: float | None


class Packer:
    """Makes parcels of tasks; each file is read once, so that all runs of a sweep have the same."""

    def __init__(self) -> None:
        self._designs: dict[str, Bundle | None] = {}
        self._profiles: dict[str, Bundle | None] = {}

    def parcel(self, task: Task) -> Parcel:
        """The task with its files. Raises InputError for files that cannot travel or cannot be read any more."""
        profile = task.scenario.machine.profile
        if profile not in self._profiles:
            self._profiles[profile] = _profile_bundle(task) if profile.endswith(SUFFIX) else None
        first = self._design(task.scenario.kernel.designs[0]) if task.scenario.measure.is_auto else None
        return Parcel(task, self._design(task.design), first, self._profiles[profile], patience_s(task))

    def _design(self, design: str) -> Bundle | None:
        if design not in self._designs:
            self._designs[design] = _bundle(design, [Path(design)]) if design.endswith(".py") else None
        return self._designs[design]


def check_can_travel(tasks: Iterable[Task]) -> None:
    """Raise InputError if the files of a task cannot travel."""
    packer = Packer()
    for task in tasks:
        packer.parcel(task)


def unpacked(parcel: Parcel, folder: Path) -> Task:
    """The task as it can be carried out here: its files are put into the folder, unless they are there already."""
    task = parcel.task
    if parcel.design is not None:
        task = task._replace(design=_unpack(parcel.design, folder))
    if parcel.first is not None:
        kernel = task.scenario.kernel
        kernel = replace(kernel, designs=(_unpack(parcel.first, folder), *kernel.designs[1:]))
        task = task._replace(scenario=replace(task.scenario, kernel=kernel))
    if parcel.profile is not None:
        machine = replace(task.scenario.machine, profile=_unpack(parcel.profile, folder))
        task = task._replace(scenario=replace(task.scenario, machine=machine))
    return task


def as_given(text: str, parcel: Parcel, task: Task) -> str:
    """A text about the unpacked task with the names of its files as they were given."""
    if parcel.design is not None:
        text = text.replace(task.design, parcel.design.given)
    if parcel.first is not None:
        text = text.replace(task.scenario.kernel.designs[0], parcel.first.given)
    if parcel.profile is not None:
        text = text.replace(task.scenario.machine.profile, parcel.profile.given)
    return text


def _profile_bundle(task: Task) -> Bundle:
    scenario = task.scenario
    where = place(scenario, "machine.profile")
    files = read_lineage(scenario.machine.profile, where).files
    for stated, _ in files[1:]:
        if Path(stated).is_absolute():
            problem = f"the profile extends {quoted(stated)}, which workers elsewhere do not have"
            raise InputError(where, f"{problem}; expected a path relative to the file that extends it")
    return _bundle(scenario.machine.profile, [path for _, path in files])


def _bundle(given: str, paths: list[Path]) -> Bundle:
    """The files at these paths. Raises InputError for one that cannot be read."""
    whole = [os.path.abspath(path) for path in paths]  # noqa: PTH100 - resolve() would follow links
    top = os.path.commonpath([os.path.dirname(path) for path in whole])  # noqa: PTH120
    try:
        return Bundle(given, tuple((os.path.relpath(path, top), Path(path).read_bytes()) for path in whole))
    except OSError as error:
        raise InputError(given, f"{error.strerror}; expected the file to stay while the sweep runs") from None


def _unpack(bundle: Bundle, folder: Path) -> str:
    """The path of the bundle's first file, in a folder that is named by the content of all."""
    digest = hashlib.sha256()
    for name, content in bundle.files:
        digest.update(f"{name} {len(content)} ".encode() + content)
    home = folder / f"perfsim-{digest.hexdigest()[:FOLDER_DIGITS]}"
    first = home / bundle.files[0][0]
    if not first.is_file():
        for name, content in reversed(bundle.files):  # the first one last: it says that all are there
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_bytes(content)
    return str(first)
