"""Every column of the results says what it means and in which unit."""

import re

import pytest

from perfsim.measure.columns import COLUMNS, Column

TYPES = {"string", "int64", "float64", "hist", "defects", "checks"}

# What has no unit: text, and lists whose fields carry their own.
WITHOUT_UNIT = {"string", "hist", "defects", "checks"}

# An ending of a name is a promise of the unit. A pure number's unit is "1".
UNIT_OF_ENDING = {
    "_ns": "ns",
    "_ps": "ps",
    "_s": "s",
    "_per_s": "1/s",
    "_fraction": "1",
    "_count": "1",
    "_utilization": "1",
}


def faults(column: Column) -> list[str]:
    """What is wrong with one column."""
    ending = max((end for end in UNIT_OF_ENDING if column.name.endswith(end)), key=len, default="")
    promised = UNIT_OF_ENDING.get(ending, column.unit)
    found = {
        "the name is not in lower case with underscores": not re.fullmatch(r"[a-z][a-z0-9_]*", column.name),
        f"the type is none of {sorted(TYPES)}": column.type not in TYPES,
        "there is no unit": not column.unit and column.type not in WITHOUT_UNIT,
        f"the name promises the unit {promised!r}": column.unit not in (promised, "") or not promised.isprintable(),
        "the meaning is no sentence": len(column.meaning.split()) < 3,
    }
    return [f"{column.name}: {problem}" for problem, is_so in found.items() if is_so]


def test_every_column_has_a_type_a_unit_and_a_meaning() -> None:
    assert [fault for column in COLUMNS for fault in faults(column)] == []


def test_no_two_columns_share_a_name() -> None:
    names = [column.name for column in COLUMNS]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize(
    "column",
    [
        Column("Spin Wait", "float64", "ns", "Time spent waiting."),
        Column("spin_wait", "decimal", "1", "Time spent waiting."),
        Column("spin_wait", "float64", "", "Time spent waiting."),
        Column("spin_wait_ns", "float64", "us", "Time spent waiting."),
        Column("freed_per_s", "float64", "s", "Pages freed in a second."),
        Column("spin_wait_ns", "float64", "ns", ""),
    ],
)
def test_a_faulty_column_is_found(column: Column) -> None:
    assert len(faults(column)) == 1
