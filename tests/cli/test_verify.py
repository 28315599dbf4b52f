"""`perfsim verify`: both engines agree, or the first difference is shown, and the status says so."""

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perfsim.engine import reference
from perfsim.kernel import primitives as p

Perfsim = Callable[..., tuple[int, str, str]]
Tiny = tuple[str, ...]

KEYS = [
    *("workload", "design", "profile", "cpus", "events", "equal"),
    *("simpy_events_per_s", "compiled_events_per_s", "ratio", "difference"),
]


NO_DRAIN = ("--set", "kernel.drain_all=never")
"""So that the first to drop a reference is a task of the workload, in put_page()."""


@pytest.fixture
def wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """put_page_testzero() of the reference engine says the opposite."""
    primitive = p.PUT_PAGE_TESTZERO
    monkeypatch.setattr(p, "PUT_PAGE_TESTZERO", primitive._replace(effect=lambda *given: 1 - primitive.effect(*given)))


def results_of(text: str) -> list[dict[str, Any]]:
    content = json.loads(text)
    assert content.keys() == {"results"}
    results: list[dict[str, Any]] = content["results"]
    return results


def test_without_a_workload_both_engines_agree_on_every_design_of_quickstart(perfsim: Perfsim, tiny: Tiny) -> None:
    status, out, err = perfsim("verify", *tiny)
    assert (status, err) == (0, "")
    lines = [line.split() for line in out.splitlines() if line.startswith("quickstart")]
    assert [(line[1], line[2], line[3], line[5]) for line in lines] == [
        ("lock_page", "x86_64", "4", "yes"),
        ("redo", "x86_64", "4", "yes"),
    ]


def test_json_has_one_result_a_design_with_counts_and_rates(perfsim: Perfsim, tiny: Tiny) -> None:
    options = ("--profile", "ia64", "--set", "machine.cpus=2", "--design", "redo", "--seed", "7")
    status, out, err = perfsim("verify", "quickstart", *tiny, *options, "--format", "json")
    assert (status, err) == (0, "")
    (result,) = results_of(out)
    assert list(result) == KEYS
    named = ("workload", "design", "profile", "cpus", "equal", "difference")
    assert [result[name] for name in named] == ["quickstart", "redo", "ia64", 2, True, None]
    assert result["events"] > 100
    assert result["ratio"] == pytest.approx(result["compiled_events_per_s"] / result["simpy_events_per_s"])


def test_the_number_of_equal_events_depends_on_the_seed(perfsim: Perfsim, tiny: Tiny) -> None:
    counts = {
        results_of(perfsim("verify", *tiny, "--design", "redo", "--seed", seed, "--format", "json")[1])[0]["events"]
        for seed in ("1", "2", "3")
    }
    assert len(counts) > 1


@pytest.mark.usefixtures("wrong")
def test_a_difference_is_shown_with_its_source_lines_and_ends_with_status_1(perfsim: Perfsim, tiny: Tiny) -> None:
    status, out, err = perfsim("verify", *tiny, *NO_DRAIN, "--design", "redo")
    assert (status, err) == (1, "redo: the engines differ\n")
    said = re.search(
        r"quickstart, redo, x86_64, 4 CPUs: ([\d,]+) events are equal, then event ([\d,]+) differs in", out
    )
    assert said is not None
    equal, number = (int(group.replace(",", "")) for group in said.groups())
    assert number == equal + 1
    lines = out.splitlines()
    simpy = next(number for number, line in enumerate(lines) if line.startswith("simpy "))
    assert lines[simpy - 1].split()[0] == f"{equal:,}"
    assert "put_page_testzero(" in lines[simpy - 1]
    assert "put_page()" in lines[simpy - 1]
    assert re.search(r"shared/swap\.py:\d+ +if await cpu\.put_page_testzero\(page\):$", lines[simpy - 1])
    assert re.search(r"reclaimers\[\d\]|lockers\[\d\]", lines[simpy])
    assert lines[simpy + 1].startswith("compiled ")
    assert re.fullmatch(r"simpy: /.*/shared/swap\.py:\d+: if await cpu\.test_flag\(page, PG_LRU\):", lines[simpy + 2])


@pytest.mark.usefixtures("wrong")
def test_a_design_of_ones_own_is_shown_by_its_own_lines(perfsim: Perfsim, tiny: Tiny) -> None:
    own = (
        "async def put_page(cpu, page):\n    if await cpu.put_page_testzero(page):  # mine\n        await cpu.work(0)\n"
    )
    Path("mine.py").write_text(f'extends = "redo"\n\n\n{own}', encoding="utf-8")
    status, out, _ = perfsim("verify", *tiny, *NO_DRAIN, "--design", "mine.py")
    assert status == 1
    assert re.search(
        r"put_page\(\) +[^ ]*mine\.py:5 +if await cpu\.put_page_testzero\(page\): +# mine$", out, re.MULTILINE
    )


@pytest.mark.usefixtures("wrong")
def test_every_format_carries_the_difference(perfsim: Perfsim, tiny: Tiny) -> None:
    def answer(form: str) -> str:
        status, out, _ = perfsim("verify", *tiny, "--design", "redo", "--format", form)
        assert status == 1
        return out

    (result,) = results_of(answer("json"))
    assert result["equal"] is False
    assert "events are equal, then event" in result["difference"]
    head, line = csv.reader(io.StringIO(answer("csv")))
    assert head == KEYS
    assert dict(zip(head, line, strict=True))["equal"] == "no"
    assert line[-1] == result["difference"]
    markdown = answer("markdown")
    assert f"\n```\n{result['difference']}```\n" in markdown
    assert re.search(r"\n\| workload +\| design +\|", markdown)


def test_a_state_that_differs_is_one_line(perfsim: Perfsim, tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    def finish(running: reference.Running, at_ps: int) -> None:
        really(running, at_ps)
        running.s.zones.nr_mlock[0] += 1

    really = reference.finish
    monkeypatch.setattr(reference, "finish", finish)
    status, out, _ = perfsim("verify", *tiny, "--design", "redo")
    assert status == 1
    assert re.fullmatch(
        r"quickstart, redo, x86_64, 4 CPUs: all events are equal; "
        r"at the end, zones\.nr_mlock\[0\] is \d+ in simpy, \d+ in compiled",
        out.splitlines()[-1],
    )


def test_an_engine_that_ends_earlier_is_told_apart(
    perfsim: Perfsim, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference, "finish", lambda *_: None)
    status, out, _ = perfsim("verify", *tiny, "--design", "redo")
    assert status == 1
    assert "events are equal, then only compiled has another" in out
    assert "simpy: came to its end" in out


def test_people_who_wait_are_shown_how_far_it_is(perfsim: Perfsim, tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr("perfsim.cli.verify.tell_meanwhile", told.append)
    assert perfsim("verify", *tiny, "--design", "redo")[0] == 0
    assert told[0] == "comparing the engines on redo, 1 of 1: 0 %, 0 equal events ..."
    assert told[-1] == ""


@pytest.mark.parametrize(
    "words, told",
    [
        (("quikstart",), 'WORKLOAD: "quikstart" is no file and no shipped workload; expected'),
        (("--set", "machine.cpu=2"), "--set machine.cpu"),
        (("--set", "memory.pages_per_node=1000000000"), "--set memory.pages_per_node"),
        (("--design", "red"), "--design"),
        (("--profile", "x86"), "--profile"),
        (("--seed", "-1"), "--seed"),
    ],
)
def test_bad_input_is_told_in_one_line(perfsim: Perfsim, words: tuple[str, ...], told: str) -> None:
    status, out, err = perfsim("verify", *words)
    assert (status, out) == (2, "")
    assert err.startswith(told)
    assert err.count("\n") == 1


def test_a_deadlock_in_both_engines_is_no_difference(perfsim: Perfsim, tiny: Tiny) -> None:
    text = "async def direct_reclaim(cpu):\n    await lock_page(cpu, 3)\n    await lock_page(cpu, 3)\n"
    head = 'from perfsim.kernel.paths.shared.filemap import lock_page\n\nextends = "redo"\n'
    Path("mine.py").write_text(f"{head}\n\n{text}", encoding="utf-8")
    status, out, err = perfsim("verify", *tiny, "--design", "mine.py")
    assert (status, out) == (1, "")
    assert err.startswith("nobody can run at ")
