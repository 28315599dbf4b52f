"""Pictures made of characters: as long and as high as the figures, and absent where there is nothing to show."""

from __future__ import annotations

from typing import Any

import pytest

from perfsim.report.render import render
from perfsim.report.spent import SHOWN
from perfsim.report.terminal import spent_bars, throughput_lines
from perfsim.stats.spent import PARTS

Row = dict[str, Any]


def spent(design: str, **putback_ns: int) -> Row:
    """A row that has spent this on one putback, and on nothing else."""
    row: Row = {"design": design}
    for share in SHOWN:
        row |= {share.among: int(share.per == "putback")}
        row |= {f"{share.path}_spent_{part}_ps": 1000 * putback_ns.get(part, 0) for part in PARTS}
    row["putback_spent_total_ps"] = 1000 * sum(putback_ns.values())
    return row


def swept(point: int, design: str, scanned: float | None, **axes: object) -> Row:
    rates = ("reclaim_freed_per_s", "putback_per_s", "mlock_pages_per_s", "munlock_pages_per_s", "faults_per_s")
    idle = dict.fromkeys((*rates, "migrated_per_s"), 0.0)
    return {
        "point": point,
        "design": design,
        "reclaim_scanned_per_s": scanned,
        **idle,
        **{f"machine.{name}": value for name, value in axes.items()},
    }


def text(table: Any) -> list[str]:
    return render(table, "table").splitlines()


def test_a_bar_is_as_long_as_its_total_and_its_parts_as_their_kinds() -> None:
    rows = [spent("lock_page", lru_lock=200, work=100, page_lock=100), spent("redo", lru_lock=150, work=50)]
    assert text(spent_bars(rows)) == [
        "where the time goes, to scale",
        "per      design",
        "-------  ---------  ----------------------------------------",
        "putback  lock_page  ████████████████████▓▓▓▓▓▓▓▓▓▓▒▒▒▒▒▒▒▒▒▒",
        "putback  redo       ███████████████▓▓▓▓▓",
        "█ lru_lock spin  ▓ work  ▒ page lock sleep  · the rest",
    ]


def test_kinds_beyond_the_four_largest_are_the_rest() -> None:
    rows = [spent("redo", lru_lock=100, work=90, page_lock=80, transfer=70, atomic=40, wakeup=20)]
    bar = text(spent_bars(rows))[3].split()[-1]
    assert {shade: bar.count(shade) for shade in "█▓▒░·"} == {"█": 10, "▓": 9, "▒": 8, "░": 7, "·": 6}


def test_a_run_that_put_nothing_back_has_no_bars() -> None:
    assert spent_bars([spent("redo")]) is None


def test_steps_rise_with_throughput_on_one_scale_for_all_designs() -> None:
    rows = [swept(number, "lock_page", 100.0 * cpus, cpus=cpus) for number, cpus in enumerate((1, 4, 8))]
    rows += [swept(number, "redo", 50.0 * cpus, cpus=cpus) for number, cpus in enumerate((1, 4, 8))]
    assert text(throughput_lines(rows, ["machine.cpus"])) == [
        "reclaim_scanned_per_s over cpus, from 0",
        "design     cpus 1 to 8  at 8",
        "---------  -----------  ----",
        "lock_page  ▁▄█           800",
        "redo       ▁▂▄           400",
    ]


def test_every_point_of_the_other_axes_has_lines_of_its_own_and_a_missing_run_is_a_blank() -> None:
    axes = ["machine.profile", "machine.cpus"]
    points = [("ia64", 1), ("ia64", 4), ("x86_64", 1), ("x86_64", 4)]
    rows = [swept(n, "redo", 1.0 + n, profile=profile, cpus=cpus) for n, (profile, cpus) in enumerate(points)]
    rows += [swept(n, "old", 1.0 + n, profile=profile, cpus=cpus) for n, (profile, cpus) in enumerate(points) if n != 1]
    assert text(throughput_lines(rows, axes))[3:] == [
        "ia64     redo    ▄█              2",
        "ia64     old     ▄               -",
        "x86_64   redo    ▆█              4",
        "x86_64   old     ▆█              4",
    ]


def test_a_sweep_with_more_lines_than_a_screen_says_how_many_it_leaves_out() -> None:
    axes = ["machine.profile", "machine.cpus"]
    pairs = [(f"p{profile}", cpus) for profile in range(30) for cpus in (1, 2)]
    rows = [swept(n, "redo", 1.0, profile=profile, cpus=cpus) for n, (profile, cpus) in enumerate(pairs)]
    lines = text(throughput_lines(rows, axes))
    assert (len(lines), lines[-1]) == (28, "6 more lines not shown")


@pytest.mark.parametrize(
    "axes", [{}, {"profile": "ia64"}, {"cpus": 4}], ids=["no axis", "no axis of numbers", "one point"]
)
def test_without_an_axis_of_numbers_there_is_no_line(axes: dict[str, object]) -> None:
    rows = [swept(0, "redo", 1.0, **axes)]
    assert throughput_lines(rows, [f"machine.{name}" for name in axes]) is None


def test_nothing_done_is_nothing_to_show() -> None:
    rows = [swept(number, "redo", 0.0, cpus=cpus) for number, cpus in enumerate((1, 4))]
    assert throughput_lines(rows, ["machine.cpus"]) is None
