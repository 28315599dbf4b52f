"""Two designs side by side: the paths that differ, those of interest that reach them, and what each way does."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import NamedTuple

from perfsim.kernel.constants import PUTBACK
from perfsim.kernel.designs import OWN_FILES, PROBES, Design
from perfsim.kernel.paths import tasks
from perfsim.kernel.static.answers import SCENARIOS, Scenario
from perfsim.kernel.static.source import PathText, calls_of, does_the_same, path_texts
from perfsim.kernel.static.way import Counts
from perfsim.kernel.static.ways import Ways

FAST = "fast"
WORST = "worst"
_NOTHING = "/dev/null"

Texts = Mapping[str, PathText]


class PathDifference(NamedTuple):
    """A path that differs. a, b: where each design has it, FOLDER/FILE:LINE, or "" if it has none. diff: unified."""

    path: str
    a: str
    b: str
    diff: tuple[str, ...]


class WayPair(NamedTuple):
    """One way through a path in both designs; None where a design has no such way."""

    path: str
    way: str
    a: Counts | None
    b: Counts | None


class Comparison(NamedTuple):
    """differences: in the order of the files. ways: of the paths that differ, then of those that only reach them."""

    differences: tuple[PathDifference, ...]
    ways: tuple[WayPair, ...]


def compare_designs(a: Design, b: Design) -> Comparison:
    """What differs between two designs, and what it costs.

    Raises InputError for a file that has changed since its design was loaded.
    """
    texts = path_texts(a), path_texts(b)
    names = _differing(*texts)
    costs = _Costs(*texts)
    ways = [pair for name in names for pair in costs.all(name)]
    for name in _entries(texts, names):
        is_putback = PROBES.get(name) == PUTBACK
        ways += costs.all(name) if is_putback else [costs.fast(name), costs.worst(name)]
    return Comparison(tuple(_difference(name, *texts) for name in names), tuple(ways))


class _Costs:
    """The ways through the paths of both designs; what is called by several paths is gone through once."""

    def __init__(self, a: Texts, b: Texts) -> None:
        self.texts = a, b
        self._fast = [Ways(texts) for texts in self.texts]
        self._worst = [Ways(texts, worst=True) for texts in self.texts]
        self._named = {scenario: [Ways(texts, scenario) for texts in self.texts] for scenario in SCENARIOS}

    def all(self, path: str) -> list[WayPair]:
        """Every way through a path: fast, named, worst."""
        return [self.fast(path), *self.named(path), self.worst(path)]

    def fast(self, path: str) -> WayPair:
        """The fast ways through a path."""
        return self._pair(path, FAST, self._fast)

    def worst(self, path: str) -> WayPair:
        """The worst ways through a path."""
        return self._pair(path, WORST, self._worst)

    def named(self, path: str) -> list[WayPair]:
        """The named ways that a path has, but for those that are the fast one."""
        fast = self.fast(path)
        pairs = [self._scenario(path, scenario) for scenario in SCENARIOS]
        return [pair for pair in pairs if not {pair.a, pair.b} <= {None} and (pair.a, pair.b) != (fast.a, fast.b)]

    def _scenario(self, path: str, scenario: Scenario) -> WayPair:
        return self._pair(path, scenario.name, self._named[scenario])

    def _pair(self, path: str, way: str, ways: list[Ways]) -> WayPair:
        a, b = (one.through(path) if path in one.paths else None for one in ways)
        return WayPair(path, way, a, b)


def _differing(a: Texts, b: Texts) -> list[str]:
    """Paths that only one design has, or that are not the same in both, in the order of the patch's files."""
    names = [name for name in {**a, **b} if name not in a or name not in b or not does_the_same(a[name], b[name])]
    texts = {**b, **a}
    written_in = [text.place.split("/")[-1] for text in (*a.values(), *b.values())]
    files = list(dict.fromkeys([*(f"{file}.py" for file in OWN_FILES), *written_in]))
    return sorted(names, key=lambda name: (files.index(texts[name].place.split("/")[-1]), texts[name].line))


def _entries(texts: tuple[Texts, Texts], differing: list[str]) -> list[str]:
    """Paths, the same in both designs, that reach one that differs: those measured, and where tasks enter the kernel.

    Measured: whose latency a run records.
    """
    workload = {name for name in vars(tasks) if name in texts[0] and texts[0][name].file == tasks.__file__}
    called = [name for task in sorted(workload) for name in sorted(calls_of(texts[0][task])) if name not in workload]
    return [
        name
        for name in dict.fromkeys([*PROBES, *called])
        if name in texts[0] and name not in differing and any(_reached(name, one) & set(differing) for one in texts)
    ]


def _reached(name: str, texts: Texts) -> set[str]:
    """All paths that a path calls, directly or not."""
    reached: set[str] = set()
    open_ends = [name]
    while open_ends:
        new = calls_of(texts[open_ends.pop()]) - reached
        reached |= new
        open_ends += new
    return reached


def _difference(name: str, a: Texts, b: Texts) -> PathDifference:
    old, new = a.get(name), b.get(name)
    lines = difflib.unified_diff(_lines(old), _lines(new), _place(old), _place(new), lineterm="")
    starts = (old.line if old else 1) - 1, (new.line if new else 1) - 1
    return PathDifference(name, _place(old, ""), _place(new, ""), tuple(_in_file(line, *starts) for line in lines))


def _lines(path: PathText | None) -> list[str]:
    return path.text.splitlines() if path else []


def _place(path: PathText | None, none: str = _NOTHING) -> str:
    return f"{path.place}:{path.line}" if path else none


def _in_file(line: str, a_start: int, b_start: int) -> str:
    """A hunk's head with the lines of the file instead of those of the path."""
    found = re.fullmatch(r"@@ -(\d+)(.*) \+(\d+)(.*) @@", line)
    if not found:
        return line
    a_line, b_line = int(found[1]), int(found[3])
    return f"@@ -{a_line and a_line + a_start}{found[2]} +{b_line and b_line + b_start}{found[4]} @@"
