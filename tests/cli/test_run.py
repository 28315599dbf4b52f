"""`perfsim run`: designs side by side; what is wrong is told in one line, and nothing is written."""

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perfsim.measure.columns import COLUMNS

Perfsim = Callable[..., tuple[int, str, str]]
Tiny = tuple[str, ...]


def rows_of(text: str) -> list[dict[str, Any]]:
    content = json.loads(text)
    assert content.keys() == {"runs", "half_widths"}
    rows: list[dict[str, Any]] = content["runs"]
    return rows


def test_the_designs_stand_side_by_side_with_their_ratio(perfsim: Perfsim, tiny: Tiny) -> None:
    status, out, err = perfsim("run", "quickstart", *tiny)
    assert (status, err) == (0, "")
    head = next(line for line in out.splitlines() if line.startswith("metric"))
    assert head.split() == ["metric", "unit", "lock_page", "redo", "redo/lock_page"]
    assert any(line.startswith("reclaim_scanned_per_s") for line in out.splitlines())


def test_json_has_one_row_a_design_with_every_column_in_order(perfsim: Perfsim, tiny: Tiny) -> None:
    status, out, err = perfsim("run", "quickstart", *tiny, "--format", "json")
    rows = rows_of(out)
    assert (status, err) == (0, "")
    assert [row["design"] for row in rows] == ["lock_page", "redo"]
    assert all(list(row) == [column.name for column in COLUMNS] for row in rows)


def test_bars_are_drawn_at_a_terminal_alone(perfsim: Perfsim, tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    piped = perfsim("run", "quickstart", *tiny)[1]
    monkeypatch.setattr("perfsim.cli.run.shows_pictures", lambda: True)
    shown = perfsim("run", "quickstart", *tiny)[1]
    picture = shown.removeprefix(piped)
    assert piped + picture == shown
    assert picture.startswith("\nwhere the time goes, to scale\n")
    assert "█" in picture
    assert max(map(len, picture.splitlines())) <= 78
    assert "█" not in perfsim("run", "quickstart", *tiny, "--format", "markdown")[1]


def test_options_replace_what_the_workload_says(perfsim: Perfsim, tiny: Tiny) -> None:
    options = ("--design", "redo", "--profile", "ia64", "--seed", "7", "--set", "machine.cpus=2", "--engine", "simpy")
    (row,) = rows_of(perfsim("run", "quickstart", *tiny, *options, "--format", "json")[1])
    named = ("design", "profile", "seed", "cpus", "engine", "replication", "point")
    assert [row[name] for name in named] == ["redo", "ia64", 7, 2, "simpy", 0, 0]


def test_a_workload_and_a_design_may_be_files(perfsim: Perfsim, tiny: Tiny) -> None:
    Path("mine.py").write_text("async def direct_reclaim(cpu):\n    await cpu.think()\n", encoding="utf-8")
    workload = (
        "name: w\nmachine: {profile: x86_64, cpus: 1}\ntasks:\n  - {name: f, kind: fault, per: cpu, think: 20us}\n"
    )
    Path("w.yaml").write_text(workload, encoding="utf-8")
    (row,) = rows_of(perfsim("run", "w.yaml", *tiny, "--design", "mine.py", "--format", "json")[1])
    assert row["design"] == "mine"


def test_csv_and_markdown_carry_the_table(perfsim: Perfsim, tiny: Tiny) -> None:
    head, *lines = csv.reader(io.StringIO(perfsim("run", "quickstart", *tiny, "--format", "csv")[1]))
    assert head == ["metric", "unit", "lock_page", "redo", "redo/lock_page"]
    assert lines
    markdown = perfsim("run", "quickstart", *tiny, "--format", "markdown")[1]
    assert re.search(r"\n\| metric +\| unit +\| +lock_page \|", markdown)
    assert re.search(r"\n\nwhere the time goes, in ns\n\n\| per +\| spent on +\|", markdown)


def test_below_the_metrics_stands_where_the_time_of_a_putback_goes(perfsim: Perfsim, tiny: Tiny) -> None:
    """Kinds that sum to the mean, as far as people see its digits."""
    words = ("run", "quickstart", *tiny, "--design", "redo")
    (row,) = rows_of(perfsim(*words, "--format", "json")[1])
    _, _, table = perfsim(*words)[1].partition("\n\nwhere the time goes, in ns\n")
    lines = [line.rsplit(maxsplit=1) for line in table.splitlines() if line.startswith("putback ")]
    shown = {head.removeprefix("putback").strip(): float(figure.replace(",", "")) for head, figure in lines}
    assert shown.keys() >= {"work", "atomics, barriers", "line transfers", "total"}
    assert shown["total"] == pytest.approx(row["putback_latency_mean_ns"], rel=1e-3)
    assert sum(shown.values()) == pytest.approx(2 * shown["total"], rel=1e-3)


def test_the_sweep_of_the_workload_is_left_aside(perfsim: Perfsim, tiny: Tiny) -> None:
    with_axis = ("--set", "sweep.axes.machine.profile=[ia64, ideal]", "--format", "json")
    rows = rows_of(perfsim("run", "quickstart", *tiny, *with_axis)[1])
    assert {row["profile"] for row in rows} == {"x86_64"}


@pytest.mark.parametrize(
    "words, told",
    [
        (("quikstart",), 'WORKLOAD: "quikstart" is no file and no shipped workload; expected'),
        ((".",), ".: "),
        (("quickstart", "--set", "machine.cpu=2"), "--set machine.cpu"),
        (("quickstart", "--set", "machine.cpus=2.5"), "--set machine.cpus"),
        (("quickstart", "--set", "machine.cpus"), "--set: "),
        (("quickstart", "--set", "measure.duration=20"), "--set measure.duration"),
        (("quickstart", "--set", "memory.pages_per_node=1000000000"), "--set memory.pages_per_node"),
        (("quickstart", "--set", "memory.mlocked_fraction=1"), "--set memory.mlocked_fraction:1:1: memory.mlocked"),
        (
            ("quickstart", "--set", "tasks.lockers.shares=lockers"),
            '--set tasks.lockers.shares:1:1: tasks.lockers.shares: "lo',
        ),
        (
            ("quickstart", "--set", "tasks=[{name: m, kind: migrate, count: 1, think: 1us}]"),
            "--set tasks:1:18: tasks.m.kind: the machine has 1 node, and migration needs a second",
        ),
        (("quickstart", "--set", "kernel.min_free=1GiB"), "--set kernel.min_free:1:1: kernel.min_free: 1GiB are"),
        (("quickstart", "--set", "kernel.page_size=5KiB"), "--set kernel.page_size:1:1: kernel.page_size: "),
        (
            ("quickstart", "--set", "kernel.pagevec_size=16"),
            "--set kernel.pagevec_size:1:1: kernel.pagevec_size: 16 is",
        ),
        (("quickstart", "--set", "kernel.wait_table_size=5"), "--set kernel.wait_table_size:1:1: kernel.wait_table_"),
        (("quickstart", "--set", "tasks=[{name: k, kind: kswapd}]"), "--set tasks:1:2: tasks.k: nothing to do"),
        (("quickstart", "--seed", "-1"), "--seed"),
        (
            ("quickstart", "--vmstat", "--format", "json"),
            "--format: json does not go with --vmstat, which is printed instead; expected table",
        ),
        (("quickstart", "--lock-stat", "--format", "csv"), "--format: csv does not go with --lock-stat"),
        (("quickstart", "--design", "red"), "--design"),
        (("quickstart", "--design", "gone.py"), "--design"),
        (("quickstart", "--design", "../../etc/passwd"), "--design"),
        (("quickstart", "--profile", "x86"), "--profile"),
        (("quickstart", "--profile", "gone.yaml"), "--profile"),
        (("quickstart", "--profile", ""), "--profile"),
        (
            ("quickstart", "--engine", "simpie"),
            '--engine: no engine is called "simpie" (did you mean "simpy"?); known: compiled, simpy',
        ),
    ],
)
def test_bad_input_is_told_in_one_line_with_its_place(
    perfsim: Perfsim, tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    status, out, err = perfsim("run", *words)
    assert (status, out) == (2, "")
    assert err.startswith(told)
    assert err.count("\n") == 1
    assert err.removesuffix("\n").isprintable()
    assert list(tmp_path.iterdir()) == []


def test_two_designs_of_one_name_are_refused_before_the_first_run(perfsim: Perfsim, tiny: Tiny) -> None:
    for name in ("a", "b"):
        Path(name).mkdir()
        Path(name, "x.py").write_text("async def direct_reclaim(cpu):\n    await cpu.think()\n", encoding="utf-8")
    status, out, err = perfsim("run", "quickstart", *tiny, "--design", "a/x.py", "--design", "b/x.py")
    assert (status, out) == (2, "")
    assert err == ('--design: "a/x.py" and "b/x.py" are both called "x" in the results; expected different names\n')


def test_a_broken_workload_is_told_with_line_and_column(perfsim: Perfsim) -> None:
    Path("w.yaml").write_text("name: w\nmachine: {profile: x86_64, cpus: many}\n", encoding="utf-8")
    status, out, err = perfsim("run", "w.yaml")
    assert (status, out) == (2, "")
    assert err.startswith("w.yaml:2:34: machine.cpus: ")


def test_a_violation_is_told_with_check_time_cpu_page_and_lines(perfsim: Perfsim, tiny: Tiny, engine: str) -> None:
    twice = "    await cpu.test_and_clear(page, 1)\n" * 2
    Path("mine.py").write_text(f"extends = 'redo_merged'\nasync def unlock_page(cpu, page):\n{twice}", encoding="utf-8")
    status, out, err = perfsim("run", "quickstart", *tiny, "--design", "mine.py", "--engine", engine)
    assert status == 1
    assert "mine: violated BUG at mm/filemap.c:575 (unlock of an unlocked page) " in out
    what, where, line, *callers, verdict = err.splitlines()
    assert what == "mine: the first violation is BUG at mm/filemap.c:575 (unlock of an unlocked page)"
    assert re.fullmatch(
        r"  at [\d,.]+ ns on CPU \d, in \w+\[\d\], page \d+ \(flags \S+, _count \d, _mapcount -?\d\)", where
    )
    assert re.fullmatch(r"    unlock_page\(\) +mine.py:4 +await cpu.test_and_clear\(page, 1\)", line)
    assert callers[-1].split()[:1] == ["run_task()"]
    assert verdict.startswith("mine: ")


def test_what_a_check_during_the_run_finds_is_told_with_its_first_instant(perfsim: Perfsim, tiny: Tiny) -> None:
    forgets = "extends = 'redo'\nasync def putback_lru_page(cpu, page):\n    await cpu.page_zone(page)\n"
    Path("mine.py").write_text(forgets, encoding="utf-8")
    words = ("run", "quickstart", *tiny, "--set", "measure.duration=2ms", "--design", "mine.py")
    status, _, err = perfsim(*words, "--check-every", "500")
    assert status == 1
    assert re.match(r"mine: every_page_has_a_place is violated first at [\d,.]+ ns, at most \d+ at once\n", err)
    assert "every_page_has_a_place" not in "".join(perfsim(*words)[1:])


def test_checks_during_a_sound_run_say_nothing(perfsim: Perfsim, tiny: Tiny) -> None:
    status, out, err = perfsim("run", "quickstart", *tiny, "--check-every", "1")
    assert (status, err) == (0, "")
    assert "violated" not in out


@pytest.mark.parametrize("number", ["0", "-3", "often"])
def test_a_number_of_events_that_is_none_is_refused(perfsim: Perfsim, tiny: Tiny, number: str) -> None:
    status, out, err = perfsim("run", "quickstart", *tiny, "--check-every", number)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "--check-every" in err


def test_what_was_violated_before_everybody_waits_for_ever_is_told_first(perfsim: Perfsim, tiny: Tiny) -> None:
    twice = "    await cpu.spin_lock(0, 0)\n" * 2
    Path("mine.py").write_text(f"async def direct_reclaim(cpu):\n{twice}", encoding="utf-8")
    status, out, err = perfsim("run", "quickstart", *tiny, "--design", "mine.py")
    assert (status, out) == (1, "")
    lines = err.splitlines()
    assert lines[0] == "mine: the first violation is BUG: spinlock recursion"
    assert lines[2].split()[:2] == ["direct_reclaim()", "mine.py:3"]
    assert any(line.startswith("nobody can run at ") for line in lines)


def test_vmstat_of_one_design_is_nothing_but_names_and_numbers(perfsim: Perfsim, tiny: Tiny) -> None:
    status, out, err = perfsim("run", "quickstart", *tiny, "--design", "redo", "--vmstat")
    assert status == 0
    names = [line.split(" ")[0] for line in out.splitlines() if line.split(" ")[1].isdecimal()]
    assert len(names) == len(out.splitlines())
    assert (names[0], names[-1]) == ("nr_free_pages", "unevictable_pgs_stranded")
    assert err.splitlines()[1].split() == ["metric", "unit", "redo"]


def test_each_of_several_designs_comes_under_a_line_that_names_it(perfsim: Perfsim, tiny: Tiny) -> None:
    _, out, _ = perfsim("run", "quickstart", *tiny, "--vmstat-2.6.26")
    assert [line for line in out.splitlines() if line.startswith("#")] == ["# design lock_page", "# design redo"]
    assert out.startswith("# design lock_page\nnr_free_pages ")
    assert out.count("noreclaim_pgs_culled ") == 2
    assert "unevictable_pgs" not in out


def test_lock_stat_names_the_functions_that_waited_in_the_measured_window(perfsim: Perfsim) -> None:
    short = ("--set", "measure.warmup=10us", "--set", "measure.duration=200us")
    _, out, err = perfsim("run", "munlock_storm", *short, "--design", "redo", "--lock-stat")
    assert re.search(r"\n {25}&zone->lru_lock {12,13}\d+ {10}\[<0{16}>\] isolate_lru_page\+0x5/0xd\n", out)
    assert "behind a function, +LINE/LINES" in err


def test_lock_stat_goes_to_stdout_and_what_must_be_said_of_it_to_stderr(perfsim: Perfsim, tiny: Tiny) -> None:
    status, out, err = perfsim("run", "quickstart", *tiny, "--design", "lock_page", "--lock-stat")
    assert status == 0
    assert out.startswith("lock_stat version 0.3\n---")
    assert "&page->flags#PG_locked:" in out
    assert "&page->flags#PG_locked is the page lock, which the kernel's lock_stat does not show" in err
    assert "reclaim_scanned_per_s" in err


def test_both_files_may_be_asked_for_at_once(perfsim: Perfsim, tiny: Tiny) -> None:
    _, out, _ = perfsim("run", "quickstart", *tiny, "--design", "redo", "--lock-stat", "--vmstat")
    vmstat, found, lock_stat = out.partition("lock_stat version 0.3\n")
    assert found
    assert vmstat.startswith("nr_free_pages ")
    assert "&zone->lru_lock:" in lock_stat
