"""The matrix of scenarios, designs and memory models."""

import csv
import io

from perfsim.explore.search import Action, Outcome
from perfsim.report.explore_matrix import matrix_text, outcome_record, totals_text

CONTRACT_KEYS = ["scenario", "design", "memory_model", "flags", "verdict", "property", "steps", "states", "seconds"]


def outcome(design: str, model: str, verdict: str, **more: object) -> Outcome:
    empty: dict[str, object] = dict.fromkeys(Outcome._fields, "")
    empty |= {"steps": 0, "states": 1200, "transitions": 3000, "final_states": 2, "seconds": 0.25}
    empty |= {"actions": (), "others": (), "flags": "word"}
    named = {"scenario": "putback_munlock", "design": design, "memory_model": model, "verdict": verdict}
    return Outcome(**(empty | named | more))  # type: ignore[arg-type]


SAFE = outcome_record(outcome("redo", "sc", "safe"), "")
BROKEN = outcome_record(
    outcome(
        "redo",
        "kernel",
        "broken",
        property="stranded",
        steps=21,
        defect="R9",
        actions=(Action("step", 0, 0),),
        states=7,
    ),
    "1/word",
)
GIVEN_UP = outcome_record(outcome("lock_page", "tso", "not_exhaustive", why="more than 60 s"), "")


def test_a_record_begins_with_the_keys_of_the_contract() -> None:
    assert list(BROKEN)[: len(CONTRACT_KEYS)] == CONTRACT_KEYS
    assert (BROKEN["property"], BROKEN["steps"], BROKEN["replay"]) == ("stranded", 21, "1/word")
    assert (SAFE["verdict"], SAFE["property"], SAFE["steps"], SAFE["replay"]) == ("safe", None, None, None)
    assert GIVEN_UP["why"] == "more than 60 s"


def test_the_matrix_has_a_row_for_each_design_and_a_column_for_each_model() -> None:
    text = matrix_text([SAFE, BROKEN, GIVEN_UP], "table")
    heads, redo, lock_page = (text.splitlines()[number] for number in (2, 4, 5))
    assert heads.split() == ["scenario", "design", "sc", "tso", "kernel", "states", "seconds"]
    assert redo.split() == ["putback_munlock", "redo", "safe", "-", "stranded", "21", "(R9)", "1,207", "0.5"]
    assert lock_page.split()[1:5] == ["lock_page", "-", "?", "1,200"]


def test_what_is_meant_by_a_cell_is_told_below() -> None:
    text = matrix_text([SAFE, BROKEN, GIVEN_UP], "table")
    assert "\nstranded: at rest an evictable page is on the unevictable list" in text
    assert "\n? putback_munlock, lock_page, tso: not exhaustive, more than 60 s\n" in text
    assert "deadlock" not in text


def test_what_else_can_be_broken_is_told_too() -> None:
    record = outcome_record(
        outcome("redo", "sc", "broken", property="stranded", steps=9, others=(("deadlock", 31),)), ""
    )
    text = matrix_text([record], "table")
    assert record["others"] == "deadlock 31"
    assert "stranded 9, deadlock 31" in text
    assert "\ndeadlock: nobody can go on" in text


def test_csv_has_a_line_for_each_search() -> None:
    lines = list(csv.DictReader(io.StringIO(matrix_text([SAFE, BROKEN], "csv"))))
    assert [line["verdict"] for line in lines] == ["safe", "broken"]
    assert lines[1]["replay"] == "1/word"


def test_markdown_is_a_table() -> None:
    text = " ".join(matrix_text([SAFE, BROKEN], "markdown").split())
    assert "| putback_munlock | redo | safe | stranded 21 (R9) | 1,207 | 0.5 |" in text
    assert "(R9): a defect that the design declares shows like this" in text


def test_the_totals_count_each_verdict() -> None:
    assert totals_text([SAFE, BROKEN, GIVEN_UP], 3.21) == (
        "3 searches: 1 safe, 1 broken, 1 not exhaustive; 2,407 states in 3.2 s"
    )
    assert totals_text([SAFE], 0) == "1 search: 1 safe; 1,200 states in 0.0 s"
