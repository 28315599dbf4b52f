"""What primitives may answer, what they usually do, and what a path remembers."""

import pytest

from perfsim.kernel.constants import FROZEN, L_HOLD, NONE, PAGE_LIST, PG_ACTIVE, PG_LOCKED, PG_LRU, PG_MLOCKED, PVEC
from perfsim.kernel.effects.memory import SWAP_AGAIN, SWAP_MLOCK, SWAP_SUCCESS
from perfsim.kernel.primitives import PRIMITIVES
from perfsim.kernel.static.answers import (
    USUAL,
    Called,
    Facts,
    contradicted,
    known_answer,
    learned,
    possible_answers,
    usual_answers,
)
from perfsim.kernel.static.values import Some, Value, truth

PAGE = Some("page")


def called(name: str, *arguments: Value) -> Called:
    return Called(name, arguments, "here")


def facts_after(*calls: Called, answers: tuple[Value, ...] = ()) -> Facts:
    """What is known after these calls; each answers 0 unless said."""
    facts: Facts = {}
    for number, call in enumerate(calls):
        facts = learned(call, answers[number] if answers else 0, facts)
    return facts


def test_every_usual_answer_is_one_of_a_primitives_possible_answers() -> None:
    for (name, flag), answer in USUAL.items():
        call = called(name, PAGE, flag) if flag is not None else called(name, *[PAGE] * PRIMITIVES[name].arguments)
        possible = possible_answers(call)
        assert answer in possible or any(isinstance(one, Some) for one in possible), name
        assert usual_answers(call) == (answer,)


def test_a_page_is_usually_there_and_locks_are_free() -> None:
    assert possible_answers(called("rmqueue", 0)) == (NONE, Some("rmqueue at here"))
    assert usual_answers(called("rmqueue", 0)) == (Some("rmqueue at here"),)
    assert usual_answers(called("test_and_set", PAGE, PG_LOCKED)) == (0,)
    assert usual_answers(called("test_flag", PAGE, PG_LRU)) == (1,)
    assert usual_answers(called("test_flag", PAGE, PG_ACTIVE)) == (0, 1)


def test_a_look_into_a_page_cache_may_meet_a_frozen_page_but_usually_finds_one_that_is_not() -> None:
    asks = called("find_get_page", 3)
    assert possible_answers(asks) == (NONE, FROZEN, Some("find_get_page at here"))
    assert usual_answers(asks) == (Some("find_get_page at here"),)


def test_both_walks_of_the_reverse_map_answer_alike_and_usually_find_no_locked_range() -> None:
    for name in ("try_to_unmap", "try_to_munlock"):
        assert possible_answers(called(name, PAGE)) == (SWAP_SUCCESS, SWAP_AGAIN, SWAP_MLOCK)
        assert usual_answers(called(name, PAGE)) == (SWAP_SUCCESS,)


@pytest.mark.parametrize("name, arguments", [("pagevec_add", (PVEC, PAGE)), ("rotate_pagevec_add", (PAGE,))])
def test_a_vector_usually_has_room(name: str, arguments: tuple[Value, ...]) -> None:
    empty, room = possible_answers(called(name, *arguments))
    assert (empty, truth(room)) == (0, True)
    assert usual_answers(called(name, *arguments)) == (room,)


def test_a_primitive_that_says_nothing_about_its_answers_may_answer_anything() -> None:
    [answer] = possible_answers(called("a_new_one", PAGE))
    assert isinstance(answer, Some)
    assert answer.low < 0


def test_a_flag_that_was_seen_or_written_is_known() -> None:
    asks = called("test_flag", PAGE, PG_MLOCKED)
    assert known_answer(asks, {}) is None
    assert known_answer(asks, facts_after(asks, answers=(1,))) == 1
    assert known_answer(asks, facts_after(called("test_and_set", PAGE, PG_MLOCKED))) == 1
    assert known_answer(asks, facts_after(called("test_and_clear", PAGE, PG_MLOCKED))) == 0
    assert known_answer(asks, facts_after(called("set_flag", Some("other"), PG_MLOCKED))) is None


def test_an_answer_is_contradicted_by_what_was_written_but_not_by_what_was_seen() -> None:
    asks = called("test_flag", PAGE, PG_MLOCKED)
    assert contradicted(asks, 0, facts_after(called("set_flag", PAGE, PG_MLOCKED)))
    assert not contradicted(asks, 1, facts_after(called("set_flag", PAGE, PG_MLOCKED)))
    assert not contradicted(asks, 0, facts_after(asks, answers=(1,)))


def test_a_page_goes_from_list_to_list_and_leaves_the_first_empty() -> None:
    added = facts_after(called("list_add", PAGE, L_HOLD))
    assert known_answer(called("list_last", L_HOLD), added) == PAGE
    spliced = learned(called("list_splice", L_HOLD, PAGE_LIST), 0, added)
    assert known_answer(called("list_last", L_HOLD), spliced) == NONE
    assert known_answer(called("list_last", PAGE_LIST), spliced) == PAGE
    deleted = learned(called("list_del", PAGE), 0, spliced)
    assert known_answer(called("list_last", PAGE_LIST), deleted) == NONE


def test_an_unknown_list_leaves_its_target_unknown_and_an_empty_one_leaves_it_alone() -> None:
    target = called("list_last", PAGE_LIST)
    held = facts_after(called("list_add", PAGE, PAGE_LIST))
    splice = called("list_splice", L_HOLD, PAGE_LIST)
    assert known_answer(target, learned(splice, 0, held)) is None
    empty = learned(called("list_last", L_HOLD), NONE, held)
    assert known_answer(target, learned(splice, 0, empty)) == PAGE


def test_a_page_cache_is_empty_when_its_page_has_been_removed_until_one_is_added() -> None:
    asks = called("find_get_page", 3)
    assert known_answer(asks, {}) is None
    removed = facts_after(called("remove_from_page_cache", PAGE))
    assert known_answer(asks, removed) == NONE
    assert known_answer(asks, learned(called("add_to_page_cache", PAGE, 3), 1, removed)) is None


@pytest.mark.parametrize("emptied, count", [(False, 1), (True, 0)])
def test_a_vector_holds_the_page_until_it_is_emptied(emptied: bool, count: int) -> None:
    facts = facts_after(called("pagevec_add", PVEC, PAGE))
    if emptied:
        facts = learned(called("pagevec_reinit", PVEC), 0, facts)
    assert known_answer(called("pagevec_count", PVEC), facts) == count
    assert known_answer(called("pagevec_page", PVEC, 0), facts) == (NONE if emptied else PAGE)
