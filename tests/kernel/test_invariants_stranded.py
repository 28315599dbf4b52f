"""Pages stranded on the unevictable list: which they are, and since when."""

from __future__ import annotations

import pytest

from perfsim.kernel.constants import AS_UNEVICTABLE, LRU_UNEVICTABLE, NONE, PG_MLOCKED, PG_SWAPBACKED, PG_UNEVICTABLE
from perfsim.kernel.invariants import pages_of_list, stranded_pages, stranded_since_ps
from perfsim.kernel.state import State


def test_an_evictable_page_on_the_unevictable_list_is_stranded(s: State) -> None:
    page = pages_of_list(s, 1, LRU_UNEVICTABLE)[0]
    assert stranded_pages(s) == 0
    s.pages.flags[page] &= ~PG_MLOCKED
    assert s.pages.flags[page] & PG_UNEVICTABLE
    assert stranded_pages(s) == 1


def test_a_page_of_an_unevictable_mapping_is_not_stranded_but_an_anonymous_one_is(s: State) -> None:
    s.mapping_flags[:] = [0, AS_UNEVICTABLE, AS_UNEVICTABLE]
    for page in pages_of_list(s, 0, LRU_UNEVICTABLE):
        s.pages.flags[page] &= ~PG_MLOCKED
    anonymous = [page for page in pages_of_list(s, 0, LRU_UNEVICTABLE) if s.pages.flags[page] & PG_SWAPBACKED]
    assert 0 < stranded_pages(s) == len(anonymous) < s.zones.lru_length[LRU_UNEVICTABLE]


def test_how_long_a_page_is_stranded_is_told_of_the_first(s: State) -> None:
    assert stranded_since_ps(s) == NONE
    first, second, third = pages_of_list(s, 1, LRU_UNEVICTABLE)[:3]
    for page, locked_ps in ((first, 700), (second, 300), (third, 100)):
        s.pages.locked_ps[page] = locked_ps
    for page in (first, second):
        s.pages.flags[page] &= ~PG_MLOCKED
    assert stranded_since_ps(s) == 300


@pytest.mark.parametrize("order", [1, -1])
def test_a_stranded_page_that_was_never_locked_has_been_there_from_the_start(s: State, order: int) -> None:
    never, once = pages_of_list(s, 1, LRU_UNEVICTABLE)[:2][::order]
    for page in (never, once):
        s.pages.flags[page] &= ~PG_MLOCKED
    s.pages.locked_ps[once] = 300
    assert (s.pages.locked_ps[never], stranded_since_ps(s)) == (NONE, 0)
