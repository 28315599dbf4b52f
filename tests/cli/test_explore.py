"""`perfsim explore`: verdicts, diagrams, replays, barriers, and what is refused in one line."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Perfsim = Callable[..., tuple[int, str, str]]

CONTRACT_KEYS = ["scenario", "design", "memory_model", "flags", "verdict", "property", "steps", "states", "seconds"]
RECHECK = ("explore", "recheck", "--memory-model", "sc", "--jobs", "1")
BITS = ("explore", "rescue_order", "--design", "redo_merged", "--memory-model", "kernel", "--flags", "bits")


def results_of(text: str) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = json.loads(text)["results"]
    return results


def test_a_safe_design_and_a_broken_one_are_told_apart(perfsim: Perfsim) -> None:
    status, out, _ = perfsim(*RECHECK, "--format", "json")
    safe, broken = results_of(out)
    assert status == 1
    assert list(safe)[: len(CONTRACT_KEYS)] == CONTRACT_KEYS
    assert (safe["design"], safe["verdict"], safe["property"], safe["steps"]) == ("redo", "safe", None, None)
    assert (broken["design"], broken["verdict"], broken["property"]) == ("no_recheck", "broken", "stranded")
    assert broken["steps"] > 10
    assert broken["replay"].startswith("1/recheck/no_recheck/sc/word/")


def test_a_scenarios_own_design_is_chosen_by_the_name_that_it_is_told_by(perfsim: Perfsim) -> None:
    status, out, _ = perfsim(*RECHECK, "--design", "no_recheck", "--format", "json")
    assert status == 1
    assert {one["design"] for one in results_of(out)} == {"no_recheck"}


def test_what_is_all_safe_ends_with_status_0(perfsim: Perfsim) -> None:
    status, out, err = perfsim(*RECHECK, "--design", "redo")
    assert status == 0
    assert "recheck   redo    safe" in out
    assert err.startswith("1 search: 1 safe; ")


def test_what_was_given_up_is_never_safe(perfsim: Perfsim) -> None:
    status, out, err = perfsim(*RECHECK, "--design", "redo", "--max-states", "10")
    assert status == 2
    assert "? recheck, redo, sc: not exhaustive, " in out
    assert "1 not exhaustive" in err


def test_the_diagram_follows_and_its_word_replays_it(perfsim: Perfsim) -> None:
    _, out, _ = perfsim(*RECHECK)
    diagram = out[out.index("\nrecheck, no_recheck, sc: ") + 1 :]
    word = diagram.rstrip().rpartition("replay: ")[2]
    assert "CPU0 reclaim" in diagram
    assert "TestClearPageMlocked(page) -> 1" in diagram
    status, again, _ = perfsim("explore", "--replay", word)
    assert status == 0
    assert again.rstrip() == diagram[: diagram.index("\nstranded: ")].rstrip()


def test_the_diagram_is_of_the_strictest_memory_model_however_they_are_asked_for(perfsim: Perfsim) -> None:
    models = ("--memory-model", "kernel", "--memory-model", "sc", "--memory-model", "kernel")
    _, out, err = perfsim("explore", "recheck", "--design", "no_recheck", *models, "--jobs", "1")
    assert "\nrecheck, no_recheck, sc: " in out
    assert err.startswith("2 searches: 2 broken; ")


def test_csv_has_no_diagram(perfsim: Perfsim) -> None:
    _, out, _ = perfsim(*RECHECK, "--format", "csv")
    assert [line["verdict"] for line in csv.DictReader(io.StringIO(out))] == ["safe", "broken"]


def test_two_workers_give_what_one_gives(perfsim: Perfsim) -> None:
    _, one, _ = perfsim(*RECHECK, "--format", "json")
    _, two, _ = perfsim(*RECHECK, "--format", "json", "--jobs", "2")
    without_time = [[{**result, "seconds": 0} for result in results_of(text)] for text in (one, two)]
    assert without_time[0] == without_time[1]


def test_only_the_properties_asked_for_are_looked_for(perfsim: Perfsim) -> None:
    status, _, _ = perfsim(*RECHECK, "--property", "deadlock")
    assert status == 0
    status, out, _ = perfsim(*RECHECK, "--property", "stranded")
    assert (status, "stranded" in out) == (1, True)


def test_the_barrier_of_2009_is_found_again(perfsim: Perfsim) -> None:
    status, out, _ = perfsim(*BITS, "--minimize-fix", "--format", "json")
    (fix,) = json.loads(out)["fixes"]
    assert status == 0
    assert fix["why"] is None
    (barrier,) = fix["barriers"]
    assert barrier["path"] in {"add_page_to_unevictable_list", "page_evictable", "putback_lru_page"}
    assert barrier["cost_ns"]["x86_64"] > 0


def test_no_barrier_helps_where_nothing_is_reordered(perfsim: Perfsim) -> None:
    status, out, _ = perfsim(*RECHECK, "--design", "redo", "--minimize-fix")
    assert (status, "safe as it is" in out) == (0, True)
    status, out, _ = perfsim("explore", "truncate_order", "--memory-model", "sc", "--minimize-fix")
    assert (status, "no barrier helps: " in out) == (1, True)
    status, out, _ = perfsim(*RECHECK, "--design", "redo", "--minimize-fix", "--max-states", "3")
    assert (status, "not exhaustive: more than 3 states" in out) == (2, True)


def test_of_the_shipped_scenarios_those_that_are_not_for_a_design_are_left_out_and_told(perfsim: Perfsim) -> None:
    asked = ("explore", "--memory-model", "sc", "--max-states", "1", "--jobs", "1", "--format", "json")
    _, out, err = perfsim(*asked, "--design", "redo")
    explored = {record["scenario"] for record in json.loads(out)["results"]}
    assert "recheck" in explored
    assert "wait_queue_words" not in explored
    (line,) = (line for line in err.splitlines() if "wait_queue_words" in line)
    assert line.startswith("left out: ")
    assert "redo has no path" in line
    assert perfsim(*asked, "--design", "rado")[2].startswith('--design: no design is called "rado"')


@pytest.mark.parametrize(
    "words, problem",
    [
        (("putback_munlok",), 'SCENARIO: "putback_munlok" is no file.*did you mean "putback_munlock"'),
        (("recheck", "--design", "rado"), '--design: no design is called "rado".*did you mean "redo"'),
        (("recheck", "--property", "strandd"), '--property: no property is called "strandd".*"stranded"'),
        (("recheck", "--memory-model", "pso"), "'pso' is not one of 'sc', 'tso', 'ia64', 'kernel'"),
        (("recheck", "--flags", "byte"), "'byte' is not one of 'word', 'bits'"),
        (("recheck", "--max-states", "0"), "'--max-states': Input should be greater than or equal to 1"),
        (("recheck", "--max-seconds", "-1"), "'--max-seconds': Input should be greater than or equal to 0"),
        (("recheck", "--jobs", "0"), "--jobs: 0 worker processes; expected 1 to 1024"),
        (("--jobs", "-1"), "--jobs: -1 worker processes; expected 1 to 1024"),
        (("--minimize-fix",), "SCENARIO: missing; --minimize-fix expects one scenario"),
        (("--minimize-fix", "--replay", "x"), "--minimize-fix: given together with --replay"),
        (("--replay", "x", "--format", "json"), "--format: json of a way, which is drawn; expected table or markdown"),
        (("--replay", "x"), '--replay: "x" is no way to replay; expected 1/SCENARIO'),
        (("--replay", "0/a/b/sc/word/0/0"), '--replay: "0" is another version of the form'),
        (("--replay", "1/nothing/redo/sc/word/0/0"), 'SCENARIO: "nothing" is no file and no shipped scenario'),
        (("--replay", "1/recheck/redo/sc/word/00000000/0"), "--replay: it is of another version of recheck, redo"),
        (("bad.yaml",), "bad.yaml:1:1: the key name is missing"),
        (("recheck", "--design", "bad.py"), "bad.py:4:5: a path has no with"),
        (("recheck", "--design", "nothing.py"), '--design: "nothing.py" is no file'),
        (("recheck", "--design", "redo", "--design", "redo.py"), '--design: a second "redo"; expected each name once'),
    ],
)
def test_bad_input_is_told_in_one_line(perfsim: Perfsim, words: tuple[str, ...], problem: str) -> None:
    import re

    Path("bad.yaml").write_text("pages: []\n")
    Path("redo.py").write_text('"""Mine."""\n\nextends = "redo"\n\nasync def mine(cpu):\n    return\n')
    Path("bad.py").write_text('"""Bad."""\n\nasync def put_page(cpu, page):\n    with page:\n        return\n')
    status, out, err = perfsim("explore", *words)
    assert (status, out) == (2, "")
    assert re.search(problem, err), err
    assert err.count("\n") == 1


def test_a_word_whose_actions_are_not_possible_is_refused(perfsim: Perfsim) -> None:
    _, out, _ = perfsim(*RECHECK, "--format", "json")
    word = results_of(out)[1]["replay"].rpartition("/")[0]
    for actions, problem in (("5", "action 1 is of CPU 5"), ("p0", "action 1, of CPU 0, is not"), ("0x900", "action ")):
        status, _, err = perfsim("explore", "--replay", f"{word}/{actions}")
        assert status == 2
        assert err.startswith(f"--replay: {problem}")


def test_a_loop_that_never_ends_is_not_called_safe(perfsim: Perfsim) -> None:
    Path("endless.py").write_text(
        '"""A cull that never ends."""\n\nfrom perfsim.kernel.cpu import Cpu\n\nextends = "redo"\n\n\n'
        "async def munlock_vma_page(cpu: Cpu, page: int) -> None:\n    while True:\n        await cpu.page_zone(page)\n"
    )
    status, out, _ = perfsim(*RECHECK, "--design", "endless.py")
    assert (status, "not exhaustive, " in out) == (2, True)
