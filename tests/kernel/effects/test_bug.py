"""The kernel's own checks: the first hit is noted, all are counted, and a trap ends the run at the first."""

from __future__ import annotations

import pytest

from perfsim.kernel.constants import BAD_PAGE, BUG_ATOMIC, BUG_VM, NONE, PG_LRU
from perfsim.kernel.effects.bug import bug
from perfsim.kernel.state import State


def test_the_first_hit_of_each_check_is_noted_with_the_page_as_it_was(s: State) -> None:
    s.pages.flags[9], s.pages.refcount[9], s.pages.mapcount[9] = PG_LRU, 3, 1
    bug(s, 2, 70, 9, BUG_VM)
    s.pages.flags[9] = 0
    bug(s, 3, 80, 9, BUG_VM)
    bug(s, 1, 90, 8, BAD_PAGE)
    assert (s.violations[BUG_VM], s.violations[BAD_PAGE], sum(s.violations)) == (2, 1, 3)
    assert [column[BUG_VM] for column in s.bugs[:6]] == [70, 2, 9, PG_LRU, 3, 1]
    assert [column[BAD_PAGE] for column in s.bugs[:3]] == [90, 1, 8]


def test_a_check_may_be_about_no_page(s: State) -> None:
    bug(s, 2, 70, NONE, BUG_ATOMIC)
    assert [column[BUG_ATOMIC] for column in s.bugs[:6]] == [70, 2, NONE, 0, 0, 0]


def test_a_trap_ends_the_run_at_its_own_check_and_keeps_which_one(s: State) -> None:
    s.bugs.trap[BAD_PAGE] = s.bugs.trap[BUG_ATOMIC] = 1
    bug(s, 2, 70, 9, BUG_VM)
    assert s.bugs.sprung == [NONE]
    with pytest.raises(AssertionError, match=f"violation {BAD_PAGE} of page 9"):
        bug(s, 2, 80, 9, BAD_PAGE)
    with pytest.raises(AssertionError):
        bug(s, 2, 80, NONE, BUG_ATOMIC)
    assert s.bugs.sprung == [BAD_PAGE]
