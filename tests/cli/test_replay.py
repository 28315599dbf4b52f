"""`perfsim explore --replay` on the reference engine, and `--trace`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from perfsim.explore import confirm
from perfsim.explore.question import Question
from perfsim.explore.replay import replay_word
from perfsim.explore.scenario import ExploreScenario, load_explore_scenario
from perfsim.explore.search import Action, explore
from perfsim.explore.small import small_state
from perfsim.kernel.constants import PG_MLOCKED
from perfsim.kernel.designs import load_design
from perfsim.kernel.state import State

Perfsim = Callable[..., tuple[int, str, str]]

RECHECK = ("explore", "recheck", "--memory-model", "sc", "--jobs", "1")
AGREES = "the reference engine makes the same 21 steps, and ends in the same breach: stranded\n"


def word_of(model: str, actions: tuple[Action, ...]) -> str:
    scenario = load_explore_scenario("recheck")
    return replay_word(scenario, load_design(scenario.designs[1]), (model, "word"), actions)


@pytest.fixture(scope="module")
def word() -> str:
    """The way on which the rework without its second look strands a page."""
    scenario = load_explore_scenario("recheck")
    outcome = explore(scenario, load_design(scenario.designs[1]), Question("sc", reduce=False))
    return word_of("sc", outcome.actions)


def test_a_way_and_the_search_that_found_it_give_the_same_trace(perfsim: Perfsim, word: str) -> None:
    status, out, err = perfsim("explore", "--replay", word, "--trace", "way.pftrace")
    assert status == 0
    assert "TestClearPageMlocked(page) -> 1" in out
    assert err.startswith(AGREES + "way.pftrace: ")
    assert err.endswith("a microsecond a step, for ui.perfetto.dev\n")
    status, _, err = perfsim(*RECHECK, "--trace", "search.pftrace")
    assert (status, AGREES in err) == (1, True)
    assert Path("way.pftrace").read_bytes() == Path("search.pftrace").read_bytes()


def test_a_way_with_two_actions_exchanged_is_another_and_ends_otherwise(perfsim: Perfsim, word: str) -> None:
    status, _, err = perfsim("explore", "--replay", word.replace("/0x7.1x7.0x3.1x4", "/0x3.1x7.0x7.1x4"))
    assert status == 0
    assert err == "the reference engine makes the same 21 steps, and ends in the same state: nothing is broken there\n"


def test_an_engine_that_does_something_else_is_an_error_of_ours(
    perfsim: Perfsim, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_mlocked(scenario: ExploreScenario, *, unevictable_lru: bool) -> State:
        s = small_state(scenario, unevictable_lru=unevictable_lru)
        s.pages.flags[0] &= ~PG_MLOCKED
        return s

    monkeypatch.setattr(confirm, "small_state", not_mlocked)
    status, out, err = perfsim("explore", "--replay", word, "--trace", "way.pftrace")
    assert (status, "CPU0 reclaim" in out, Path("way.pftrace").exists()) == (1, True, False)
    assert err.startswith("an error of perfsim's: the reference engine does not do what the search did: step 5: it")
    assert err.count("\n") == 1


def test_a_way_under_another_memory_model_is_not_run(perfsim: Perfsim) -> None:
    word = word_of("tso", (Action("step", 0, 0),))
    status, _, err = perfsim("explore", "--replay", word)
    assert (status, err) == (0, "the reference engine runs ways under sc alone; this one is under tso\n")
    status, out, err = perfsim("explore", "--replay", word, "--trace", "way.pftrace")
    assert (status, out) == (2, "")
    assert err == "--trace: of a way under tso; expected sc, which the reference engine can run\n"


@pytest.mark.parametrize(
    "words, problem",
    [
        (("recheck", "--trace", "no/x"), "no/x: cannot be written: No such file or directory; expected a place with"),
        (("recheck", "--trace", "."), ".: is there and is no file; expected a file to be written"),
        (("recheck", "--memory-model", "tso", "--trace", "x"), "--trace: of a way under tso; expected sc"),
        (("--trace", "x"), "SCENARIO: missing; --trace expects one scenario, such as recheck, or --replay"),
        (("recheck", "--minimize-fix", "--trace", "x"), "--trace: given together with --minimize-fix"),
    ],
)
def test_a_trace_that_cannot_be_is_refused_before_anything_runs(
    perfsim: Perfsim, words: tuple[str, ...], problem: str
) -> None:
    status, out, err = perfsim("explore", *words)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(problem)


def test_what_is_safe_has_no_way_to_trace(perfsim: Perfsim) -> None:
    status, out, err = perfsim(*RECHECK, "--design", "redo", "--trace", "x.pftrace")
    assert (status, "safe" in out, Path("x.pftrace").exists()) == (2, True, False)
    assert err.splitlines()[-1].startswith("--trace: nothing is broken under sc; expected ")
