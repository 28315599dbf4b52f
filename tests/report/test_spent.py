"""Where the time goes, as `run` shows it: kinds that sum to the latency, and what a design spends more on each."""

import json
from typing import Any

import pytest

from perfsim.measure.columns import SPENT_BY, SPENT_ON
from perfsim.report.render import render
from perfsim.report.spent import WORDS, reason, spent_table

Row = dict[str, Any]


def row_of(design: str, count: int, **spent_ns: int) -> Row:
    """A row with so many putbacks, and no reclaim; spent_ns: of one of them, by kind."""
    row: Row = {f"{path}_spent_{kind}_ps": 0 for path in SPENT_BY for kind in ("total", *SPENT_ON)}
    row |= {f"putback_spent_{kind}_ps": 1000 * count * time_ns for kind, time_ns in spent_ns.items()}
    row["putback_spent_total_ps"] = 1000 * count * sum(spent_ns.values())
    return row | {"design": design, "putback_latency_count": count, "pgsteal": 0}


def lines_of(rows: list[Row]) -> list[dict[str, Any]]:
    """The table's lines, for scripts."""
    table = spent_table(rows)
    assert table is not None
    lines: list[dict[str, Any]] = json.loads(render(table, "json"))["spent"]
    return lines


def test_each_design_has_its_mean_by_kind_and_the_second_how_much_more() -> None:
    rows = [row_of("lock_page", 4, work=80, lru_lock=30), row_of("redo", 2, work=85, lru_lock=10, redo=40)]
    assert lines_of(rows) == [
        {"per": "putback", "spent_on": "work", "lock_page": 80, "redo": 85, "redo-lock_page": 5},
        {"per": "putback", "spent_on": "lru_lock spin", "lock_page": 30, "redo": 10, "redo-lock_page": -20},
        {"per": "putback", "spent_on": "redo", "lock_page": 0, "redo": 40, "redo-lock_page": 40},
        {"per": "putback", "spent_on": "total", "lock_page": 110, "redo": 135, "redo-lock_page": 25},
    ]


def test_each_of_many_designs_is_beside_its_difference_to_the_first() -> None:
    rows = [row_of("a", 1, work=10), row_of("b", 1, work=12), row_of("c", 1, work=7)]
    assert lines_of(rows)[0] == {"per": "putback", "spent_on": "work", "a": 10, "b": 12, "b-a": 2, "c": 7, "c-a": -3}


def test_a_design_without_putbacks_has_no_figure_and_no_difference() -> None:
    rows = [row_of("lock_page", 4, work=80), row_of("no_unevictable_lru", 0)]
    line = {"lock_page": 80, "no_unevictable_lru": None, "no_unevictable_lru-lock_page": None}
    assert [one | line == one for one in lines_of(rows)] == [True, True]


def test_where_nothing_was_measured_there_is_no_table() -> None:
    assert spent_table([row_of("lock_page", 0), row_of("redo", 0)]) is None


def test_every_kind_has_its_words() -> None:
    assert list(WORDS) == [*SPENT_ON, "total"]


@pytest.mark.parametrize(
    "more_ns, said",
    [
        ({"work": 0.0, "lru_lock": -20.25}, "lru_lock spin -20.2"),
        ({"redo": 15.0, "lru_lock": -20.0}, "lru_lock spin -20, redo +15"),
        ({"atomic": 3.0, "transfer": 4.0, "work": -8.0}, "work -8, line transfers +4"),
        ({"atomic": -2234.5, "work": 123.4}, "atomics, barriers -2,234"),
        ({"work": 0.0}, ""),
        ({}, ""),
    ],
)
def test_a_reason_names_the_kinds_that_make_up_most_of_a_difference(more_ns: dict[str, float], said: str) -> None:
    assert reason(more_ns) == said
