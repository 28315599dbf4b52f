"""Tables as text: exact for scripts, readable for people."""

import csv
import io
import json
import math
import re

import pytest

from perfsim.errors import InputError
from perfsim.report.render import FORMATS, Cell, Head, Interval, Kind, Table, render

TABLE = Table(
    "points",
    "mlock_heavy: 2 points",
    (
        Head("machine.profile", "profile", kind=Kind.EXACT),
        Head("memory.pages_per_node", "pages_per_node", kind=Kind.EXACT),
        Head("freed.lock_page", "lock_page", "freed_per_s"),
        Head("freed.ratio", "ratio", "freed_per_s", Kind.RATIO),
        Head("freed.ratio", "95 % interval", "freed_per_s", Kind.INTERVAL),
    ),
    (
        ("ia64", 65536, 1234567.891, 1.0850103, Interval(1.0621620, 1.1083501)),
        ("x86_64", 1024, 0.000123456, None, None),
    ),
    ("redo is better at 1 of 2 points",),
)

PLAIN = """\
mlock_heavy: 2 points
                         freed_per_s
profile  pages_per_node  lock_page  ratio   95 % interval
-------  --------------  ---------  -----  --------------
ia64              65536  1,234,568  1.085  [1.062, 1.108]
x86_64             1024  0.0001235      -               -
redo is better at 1 of 2 points
"""

MARKDOWN = """\
mlock_heavy: 2 points

| profile | pages_per_node | freed_per_s lock_page | freed_per_s ratio | freed_per_s 95 % interval |
| ------- | -------------: | --------------------: | ----------------: | ------------------------: |
| ia64    |          65536 |             1,234,568 |             1.085 |            [1.062, 1.108] |
| x86_64  |           1024 |             0.0001235 |                 - |                         - |

- redo is better at 1 of 2 points
"""


def shown(cell: Cell, kind: Kind = Kind.ROUNDED) -> str:
    """How people see one cell."""
    return render(Table("t", "c", (Head("a", "a", kind=kind),), ((cell,),)), "table").splitlines()[-1].strip()


def test_people_see_columns_under_their_groups() -> None:
    assert render(TABLE, "table") == PLAIN


def test_markdown_has_one_line_of_heads_and_its_notes_as_a_list() -> None:
    assert render(TABLE, "markdown") == MARKDOWN


def test_json_has_every_digit_under_the_keys_and_null_for_no_value() -> None:
    content = json.loads(render(TABLE, "json"))
    assert content["caption"] == TABLE.caption
    assert content["notes"] == list(TABLE.notes)
    assert content["points"][0] == {
        "machine.profile": "ia64",
        "memory.pages_per_node": 65536,
        "freed.lock_page": 1234567.891,
        "freed.ratio": 1.0850103,
        "freed.ratio_low": 1.0621620,
        "freed.ratio_high": 1.1083501,
    }
    assert [content["points"][1][key] for key in ("freed.ratio", "freed.ratio_low", "freed.ratio_high")] == [None] * 3


def test_csv_has_heads_and_rows_alone() -> None:
    lines = list(csv.reader(io.StringIO(render(TABLE, "csv"))))
    keys = ["machine.profile", "memory.pages_per_node", "freed.lock_page"]
    assert lines == [
        [*keys, "freed.ratio", "freed.ratio_low", "freed.ratio_high"],
        ["ia64", "65536", "1234567.891", "1.0850103", "1.062162", "1.1083501"],
        ["x86_64", "1024", "0.000123456", "", "", ""],
    ]


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_takes_a_table_without_rows_and_ends_its_line(form: str) -> None:
    text = render(Table("points", "nothing yet", TABLE.heads, ()), form)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


def test_an_unknown_format_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError) as caught:
        render(TABLE, "jason")
    assert str(caught.value) == (
        '--format: unknown format "jason"; expected table, json, markdown, csv (did you mean "json"?)'
    )


@pytest.mark.parametrize(
    "cell, kind, text",
    [
        (0, Kind.ROUNDED, "0"),
        (1_234_567, Kind.ROUNDED, "1,234,567"),
        (0.0, Kind.ROUNDED, "0"),
        (12.3456, Kind.ROUNDED, "12.35"),
        (999.96, Kind.ROUNDED, "1000"),
        (1000.4, Kind.ROUNDED, "1,000"),
        (-12345.6, Kind.ROUNDED, "-12,346"),
        (math.inf, Kind.ROUNDED, "inf"),
        (-math.inf, Kind.ROUNDED, "-inf"),
        (0.5, Kind.EXACT, "0.5"),
        (65536, Kind.EXACT, "65536"),
        (1.0, Kind.RATIO, "1.000"),
        (0.00123456, Kind.RATIO, "0.001235"),
        (12345.6, Kind.RATIO, "12,346"),
        (Interval(0.0, math.inf), Kind.INTERVAL, "[0, inf]"),
        (None, Kind.ROUNDED, "-"),
    ],
)
def test_figures_keep_about_four_digits(cell: Cell, kind: Kind, text: str) -> None:
    assert shown(cell, kind) == text


def test_a_limit_without_end_is_no_value_for_scripts() -> None:
    table = Table("t", "c", (Head("a", "a", kind=Kind.INTERVAL),), ((Interval(0.0, math.inf),),))
    assert json.loads(render(table, "json"))["t"] == [{"a_low": 0.0, "a_high": None}]


def test_a_group_wider_than_its_columns_makes_room() -> None:
    heads = (Head("a", "a", "a_rather_long_group"), Head("b", "b", "c"))
    lines = render(Table("t", "c", heads, ((1, 2),)), "table").splitlines()
    assert lines[1] == "a_rather_long_group  c"
    assert lines[4] == "                  1  2"


def test_text_from_outside_cannot_break_a_line_a_cell_or_a_terminal() -> None:
    table = Table("t", "c\x1b[2J", (Head("a", "a|\nb"),), (("x\r|\x1b[31m\\",),), ("n\no",))
    plain = render(table, "table")
    assert all(line.isprintable() for line in plain.splitlines())
    assert len(plain.splitlines()) == 5
    assert render(table, "markdown").splitlines()[2:5] == ["| a\\|\\\\nb |", "| --- |", "| x\\\\r\\|\\\\x1b[31m\\\\ |"]


def test_markdown_is_a_mail_as_it_stands() -> None:
    """Notes in lines of 78, none of which looks like another note; words at a line's end with no room behind them."""
    words = "so many more replications would show one with 90 % if ratio and scatter are as said"
    heads = (Head("a", "cpus"), Head("b", "verdict"))
    table = Table("t", "c " * 60, heads, ((1, "faster"), (16, "no verdict: " + "why " * 20)), (f"{words} - {words}",))
    lines = render(table, "markdown").splitlines()
    assert [line for line in lines if len(line) > 78] == [lines[6]]
    assert lines[3:6] == ["| cpus | verdict |", "| ---: | --- |", "|    1 | faster |"]
    assert lines[8:] == [
        "- so many more replications would show one with 90 % if ratio and scatter are",
        "  as said - so many more replications would show one with 90 % if ratio and",
        "  scatter are as said",
    ]
    for length in range(60, 80):
        dash = Table("t", "c", heads, ((1, "x"),), (f"{'x' * length} - {words}",))
        first, *others = render(dash, "markdown").splitlines()[6:]
        assert first.startswith("- x")
        assert not any(re.match(" *- ", line) for line in others)
