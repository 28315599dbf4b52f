"""What `designs diff` prints: the source that differs, what each way through it does, and its price on each machine."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from perfsim.kernel.static.way import contended_price_ps, price_ps
from perfsim.report.render import FORMATS, Cell, Head, Kind, Table, json_text, render
from perfsim.units import PS_PER_NS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfsim.kernel.static.compare import Comparison, PathDifference, WayPair
    from perfsim.kernel.static.way import Counts
    from perfsim.machine.profile import CostProfile

COUNTED = {
    "atomics": "atomics",
    "accesses": "shared",
    "locks": "spinlocks",
    "page_locks": "page lock",
    "barriers": "barriers",
    "sleeps": "sleeps",
}
"""Fields of Counts that people see, with the heads of their columns."""

NOTES = (
    "atomics: read-modify-writes of a word, the page lock's among them, a spinlock's own not",
    "shared: plain loads and stores of modelled cache lines, a spinlock's release not among them",
    "spinlocks, page lock: times taken, or tried; sleeps: that may happen, cond_resched() not among them",
    "fast: the cheapest way from entry to return when nobody comes between and what is asked for is there",
    "evictable, unevictable, munlocked midway, mlocked again: fast ways, by what each test of PG_mlocked says in turn",
    "worst: the dearest way, whatever others do in between; a bound that no run need reach; retries are not in it",
    "a loop is one turn: one page, one pte; memcg is on; a figure holds all that the path calls",
)
PRICE_NOTES = (
    "one CPU: every line is in its own cache, no lock is contended",
    "many CPUs: a line comes from another socket when first touched, and again when first written after a read; "
    "others poll every spinlock, so that each access to its line is a transfer and taking it a hand-off",
    "not in it: waiting for a lock's owner, how long a sleep lasts (its two context switches and wake-up are)",
)
_RED, _GREEN, _CYAN, _BOLD, _PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[36m", "\x1b[1m", "\x1b[0m"


@dataclass(frozen=True, slots=True)
class DesignsDiff:
    """Two designs compared, ready to be printed. names: the designs'. profiles: those that give the prices."""

    names: tuple[str, str]
    found: Comparison
    profiles: Sequence[CostProfile]

    def text(self, form: str, *, colour: bool = False) -> str:
        """The whole in one of render.FORMATS. colour: of the diff's lines in a table; other forms have none.

        Raises InputError for another format.
        """
        if form == "json":
            return self._json()
        if form == "csv":
            return render(self._long(), form)
        if not self.found.ways and form in FORMATS:
            return self._summary()
        tables = [self._counts(), *map(self._prices, self.profiles)]
        tables[-1] = replace(tables[-1], notes=PRICE_NOTES)
        rendered = [render(table, form) for table in tables]
        return "\n".join(
            [self._summary(), *(_diff_text(one, form, colour) for one in self.found.differences), *rendered]
        )

    def _summary(self) -> str:
        a, b = self.names
        count = len(self.found.differences)
        return f"{a} -> {b}: {count} {'path differs' if count == 1 else 'paths differ'}\n"

    def _counts(self) -> Table:
        """What each way does, one design beside the other."""
        sides = [
            Head(f"{field}_{side}", text, name, Kind.EXACT)
            for side, name in zip("ab", self.names, strict=True)
            for field, text in COUNTED.items()
        ]
        heads = (Head("path", "path"), Head("way", "way"), *sides)
        rows = tuple((one.path, one.way, *_counted(one.a), *_counted(one.b)) for one in self.found.ways)
        return Table("costs", "static costs: what a way through a path does", heads, rows, NOTES)

    def _prices(self, profile: CostProfile) -> Table:
        """The price of each way on one machine, in nanoseconds."""
        a, b = self.names
        heads = [Head("path", "path"), Head("way", "way")]
        for key, group in (("one_cpu", "one CPU"), ("many_cpus", "many CPUs")):
            heads += [Head(f"{key}_a_ns", a, group), Head(f"{key}_b_ns", b, group)]
            heads.append(Head(f"{key}_ratio", f"{b}/{a}", group, Kind.RATIO))
        rows = tuple((one.path, one.way, *_priced(one, profile)) for one in self.found.ways)
        return Table("prices", f"{profile.name}: price of a way in ns", tuple(heads), rows)

    def _long(self) -> Table:
        """For scripts: a row for each way of each design, with all its figures."""
        prices = [f"{profile.name}_{column}_ns" for profile in self.profiles for column in ("one_cpu", "many_cpus")]
        names = ("side", "design", "path", "way", *COUNTED, "transfers", *prices)
        rows = [
            (side, name, pair.path, pair.way, *_counted(counts), counts.transfers, *self._all_prices(counts))
            for pair in self.found.ways
            for side, name, counts in zip("ab", self.names, (pair.a, pair.b), strict=True)
            if counts is not None
        ]
        return Table("costs", "", tuple(Head(name, name, kind=Kind.EXACT) for name in names), tuple(rows))

    def _all_prices(self, counts: Counts) -> list[float]:
        return [
            price(counts, profile) / PS_PER_NS for profile in self.profiles for price in (price_ps, contended_price_ps)
        ]

    def _json(self) -> str:
        content = {
            "a": self.names[0],
            "b": self.names[1],
            "paths": [{**one._asdict(), "diff": "\n".join(one.diff)} for one in self.found.differences],
            "costs": json.loads(render(self._long(), "json"))["costs"],
            "notes": [*NOTES, *PRICE_NOTES],
        }
        return json_text(content)


def _counted(counts: Counts | None) -> tuple[int | None, ...]:
    return tuple(getattr(counts, field, None) for field in COUNTED)


def _priced(pair: WayPair, profile: CostProfile) -> list[Cell]:
    cells: list[Cell] = []
    for price in (price_ps, contended_price_ps):
        a, b = (None if counts is None else price(counts, profile) / PS_PER_NS for counts in (pair.a, pair.b))
        cells += [a, b, b / a if a and b else None]
    return cells


def _diff_text(one: PathDifference, form: str, colour: bool) -> str:
    title = f"{one.path}(){'' if one.a and one.b else ': only in ' + (one.a or one.b)}"
    if form == "markdown":
        lines = "".join(f"{line}\n" for line in one.diff)
        return f"{title}\n\n```diff\n{lines}```\n"
    lines = "".join(f"{_coloured(line) if colour else line}\n" for line in one.diff)
    return f"{_BOLD + title + _PLAIN if colour else title}\n{lines}"


def _coloured(line: str) -> str:
    shades = {"@": _CYAN, "-": _RED, "+": _GREEN}
    return f"{shades[line[0]]}{line}{_PLAIN}" if line[:1] in shades else line
