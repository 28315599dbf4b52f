"""Ways as words: written, read, and refused when they are of something else."""

import pytest

from perfsim.errors import InputError
from perfsim.explore.replay import check_fits, fingerprint, read_replay, replay_word
from perfsim.explore.scenario import load_explore_scenario
from perfsim.explore.search import Action
from perfsim.kernel.designs import load_design

ACTIONS = (*[Action("step", 0, 0)] * 3, Action("step", 1, 2), Action("perform", 0, 1), Action("step", 0, 0))


def word_of(scenario: str = "putback_munlock", design: str = "redo") -> str:
    return replay_word(load_explore_scenario(scenario), load_design(design), ("tso", "word"), ACTIONS)


def test_a_way_is_read_as_it_was_written() -> None:
    word = word_of()
    assert word.endswith("/0x3.1=2.p0=1.0")
    replay = read_replay(word)
    assert replay[:4] == ("putback_munlock", "redo", "tso", "word")
    assert replay.actions == ACTIONS
    check_fits(replay, load_explore_scenario("putback_munlock"), load_design("redo"))


def test_a_way_of_no_action_is_a_word_too() -> None:
    word = replay_word(load_explore_scenario("putback_munlock"), load_design("redo"), ("sc", "word"), ())
    assert read_replay(word).actions == ()


def test_the_fingerprint_is_of_what_a_way_depends_on() -> None:
    scenario, design = load_explore_scenario("putback_munlock"), load_design("redo")
    own = fingerprint(scenario, design)
    assert own == fingerprint(scenario._replace(meaning="other words", file="elsewhere.yaml", expect={}), design)
    assert own != fingerprint(scenario._replace(memcg=True), design)
    assert own != fingerprint(scenario, load_design("redo_merged"))
    assert own != fingerprint(load_explore_scenario("recheck"), design)


@pytest.mark.parametrize(
    "word, problem",
    [
        ("", "is no way to replay; expected 1/SCENARIO/DESIGN/MEMORY_MODEL/FLAGS/FINGERPRINT/ACTIONS"),
        ("nonsense", "is no way to replay"),
        ("2/a/b/sc/word/00000000/0", '"2" is another version of the form; expected 1/'),
        ("1/a/b/sc/word/00000000", "is no way to replay"),
        ("1/a/b/sc/word/00000000/", "is no way to replay"),
        ("1/a/b/sc/word/00000000/0.x", '"x" is no action; expected a CPU'),
        ("1/a/b/sc/word/00000000/0..1", '"" is no action'),
        ("1/a/b/sc/word/00000000/0x9999.0x9999", "19998 actions; expected at most 10000"),
        ("1/a/b/scc/word/00000000/0", '"scc" is no memory model; expected one of sc, tso, ia64, kernel'),
        ("1/a/b/sc/words/00000000/0", '"words" is no way to model flags; expected word or bits'),
        ("1/" + "a" * 200_000, "is no way to replay"),
    ],
)
def test_a_damaged_word_is_refused_in_a_line(word: str, problem: str) -> None:
    with pytest.raises(InputError) as refused:
        read_replay(word)
    assert problem in str(refused.value)
    assert str(refused.value).startswith("--replay: ")
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    "scenario, design, problem",
    [
        ("munlock_munlock", "redo", 'it is of the scenario "putback_munlock"; expected munlock_munlock'),
        ("putback_munlock", "redo_merged", 'it is of the design "redo"; expected redo_merged'),
    ],
)
def test_a_word_of_something_else_is_refused(scenario: str, design: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        check_fits(read_replay(word_of()), load_explore_scenario(scenario), load_design(design))


def test_a_word_of_another_version_is_refused() -> None:
    parts = word_of().split("/")
    parts[5] = "00000000"
    with pytest.raises(InputError, match="it is of another version of putback_munlock, redo or perfsim"):
        check_fits(read_replay("/".join(parts)), load_explore_scenario("putback_munlock"), load_design("redo"))
