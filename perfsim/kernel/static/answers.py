"""What a primitive may answer, and what it usually does: the ways of a path that its source alone cannot tell apart.

On the fast path nobody comes between and nothing runs out: locks and references are had at once, pages are on their LRU
list, mapped, clean and present, lists hold one page and vectors have room. What has no usual answer may be either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from perfsim.kernel.constants import FROZEN, LRU_FILE, LRU_LISTS, NONE, PG_DIRTY, PG_LOCKED, PG_LRU, PG_MLOCKED
from perfsim.kernel.effects.memory import SWAP_AGAIN, SWAP_MLOCK, SWAP_SUCCESS
from perfsim.kernel.folding import INTEGER_MIN
from perfsim.kernel.static.values import Some, Value, name_of

Question = tuple[str, int | None]
"""A primitive, and the flag that it asks for, or None."""

FLAG_PRIMITIVES = ("test_flag", "test_and_set", "test_and_clear")
_YES_OR_NO = (
    *FLAG_PRIMITIVES,
    *("page_has_mapping", "page_anon", "page_mapped", "page_referenced", "mapping_unevictable"),
    *("get_page_unless_zero", "put_page_testzero", "page_freeze_refs", "memcg_enabled", "trylock_page_cgroup"),
    *("waitqueue_active", "wait_queued", "zone_watermark_ok", "inactive_anon_is_low", "slot_locked", "set_vm_locked"),
    *("task_locks_pages", "task_shares", "current_is_kswapd", "zone_is_all_unreclaimable", "bdi_write_congested"),
    *("down_read_or_queue", "down_read_trylock", "down_write_or_queue", "insert_wq_barrier", "next_work"),
    *("pte_lock_none", "mapped_object", "within_i_size", "page_cached_at", "add_to_page_cache", "left_to_scan"),
    "should_stop",
)
_A_PAGE_OR_NONE = (
    *("list_last", "list_prev", "lru_to_page", "rmqueue", "follow_page", "pte_page", "zap_pte", "find_get_page"),
    *("pte_migration_page", "get_migration_page"),
)
_ROOM = ("pagevec_add", "rotate_pagevec_add")
_A_COUNT = (*_ROOM, "pagevec_count")
_NOT_NEGATIVE = ("page_zone", "numa_zone", "page_mapping", "page_waitqueue", "pagevec_page", "vma_start")

_FEW: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(_YES_OR_NO, (0, 1)),
    "page_is_file_cache": (0, LRU_FILE),
    "page_lru_list": tuple(range(LRU_LISTS)),
    **dict.fromkeys(("try_to_unmap", "try_to_munlock"), (SWAP_SUCCESS, SWAP_AGAIN, SWAP_MLOCK)),
}

USUAL: dict[Question, int] = {
    ("test_and_set", PG_LOCKED): 0,
    ("test_and_set", PG_MLOCKED): 0,
    ("test_and_clear", PG_LOCKED): 1,
    ("test_and_clear", PG_MLOCKED): 1,
    ("test_flag", PG_LRU): 1,
    ("page_has_mapping", None): 1,
    ("page_mapped", None): 1,
    ("test_flag", PG_DIRTY): 0,
    ("page_referenced", None): 0,
    ("mapping_unevictable", None): 0,
    ("get_page_unless_zero", None): 1,
    ("put_page_testzero", None): 0,
    ("page_freeze_refs", None): 1,
    ("memcg_enabled", None): 1,
    ("trylock_page_cgroup", None): 1,
    ("waitqueue_active", None): 0,
    ("wait_queued", None): 0,
    ("zone_watermark_ok", None): 1,
    ("inactive_anon_is_low", None): 0,
    ("zone_is_all_unreclaimable", None): 0,
    ("bdi_write_congested", None): 0,
    ("down_read_or_queue", None): 1,
    ("down_write_or_queue", None): 1,
    ("list_prev", None): NONE,
    ("pte_migration_page", None): NONE,
    ("pte_lock_none", None): 1,
    ("mapped_object", None): 0,
    ("within_i_size", None): 1,
    ("page_cached_at", None): 1,
    ("add_to_page_cache", None): 1,
    ("slot_locked", None): 0,
    ("set_vm_locked", None): 1,
    ("pagevec_count", None): 0,
    ("try_to_unmap", None): SWAP_SUCCESS,
    ("try_to_munlock", None): SWAP_SUCCESS,
}
"""The answers of the fast path that are numbers; a primitive that answers with a page has one."""


class Scenario(NamedTuple):
    """A named way: answers given in turn to a question, the last of them ever after; `turns` of a loop at most."""

    name: str
    question: Question
    answers: tuple[int, ...]
    turns: int = 1


SCENARIOS = (
    Scenario("evictable", ("test_flag", PG_MLOCKED), (0,)),
    Scenario("unevictable", ("test_flag", PG_MLOCKED), (1,)),
    Scenario("munlocked midway", ("test_flag", PG_MLOCKED), (1, 0), turns=2),
    Scenario("mlocked again", ("test_flag", PG_MLOCKED), (1, 0, 1), turns=2),
)
"""What the putback of a page can meet, beside the fast path and the worst one."""


class Called(NamedTuple):
    """One call of a primitive. site: where it stands, for the names of the pages that it answers with."""

    name: str
    arguments: tuple[Value, ...]
    site: str

    @property
    def question(self) -> Question:
        """What the call asks for."""
        flag = self.arguments[1] if self.name in FLAG_PRIMITIVES else None
        return self.name, flag if isinstance(flag, int) else None


def possible_answers(call: Called) -> tuple[Value, ...]:
    """All that a primitive may answer."""
    if call.name in _FEW:
        return _FEW[call.name]
    if call.name in _A_PAGE_OR_NONE:
        page = Some(f"{call.name} at {call.site}")
        return (NONE, FROZEN, page) if call.name == "find_get_page" else (NONE, page)
    text = f"{call.name}({', '.join(map(name_of, call.arguments))})"
    if call.name in _A_COUNT:
        return (0, Some(text, 1))
    return (Some(text, 0 if call.name in _NOT_NEGATIVE else INTEGER_MIN),)


def usual_answers(call: Called) -> tuple[Value, ...]:
    """What a primitive may answer on the fast path."""
    if call.question in USUAL:
        return (USUAL[call.question],)
    possible = possible_answers(call)
    return possible[-1:] if call.name in (*_A_PAGE_OR_NONE, *_ROOM) else possible


Facts = Mapping[tuple[str, Value, Value], Value]
"""What a path has seen or done that nobody has undone: see known_answer()."""

_LEAVES_SET = {"set_flag": 1, "test_and_set": 1, "clear_flag": 0, "clear_flag_nonatomic": 0, "test_and_clear": 0}


def known_answer(call: Called, facts: Facts) -> Value | None:
    """What the facts say that a primitive answers, or None: flags; lists, vectors, a page cache, of one page each."""
    first = call.arguments[0] if call.arguments else 0
    if call.name == "find_get_page":
        return facts.get(("cache", 0, 0))
    if call.name in FLAG_PRIMITIVES:
        return facts.get(("flag", first, call.arguments[1]))
    if call.name == "list_last":
        return facts.get(("list", first, 0))
    held = facts.get(("vector", first, 0))
    if held is None or call.name not in {"pagevec_count", "pagevec_page"}:
        return None
    if call.name == "pagevec_count":
        return 0 if held == NONE else 1
    return held


def learned(call: Called, answer: Value, facts: Facts) -> Facts:
    """The facts after a call of a primitive."""
    new = dict(facts)
    match call.name, call.arguments:
        case "test_flag", (page, flag):
            new["flag", page, flag] = answer
        case name, (page, flag) if name in _LEAVES_SET:
            new["flag", page, flag] = _LEAVES_SET[name]
            new["written", page, flag] = _LEAVES_SET[name]
        case "remove_from_page_cache", _:
            new["cache", 0, 0] = NONE
        case "add_to_page_cache", _:
            new.pop(("cache", 0, 0), None)
        case "list_last", (which,):
            _put(new, which, answer)
        case "list_add", (page, which):
            _put(new, which, page)
        case "list_del", (page,) if ("on", page, 0) in new:
            _put(new, new.pop(("on", page, 0)), NONE)
        case "list_splice", (source, target):
            _splice(new, source, target)
        case "pagevec_add", (vector, page):
            new["vector", vector, 0] = page
        case "pagevec_reinit", (vector,):
            new["vector", vector, 0] = NONE
        case _:
            return facts
    return new


def contradicted(call: Called, answer: Value, facts: Facts) -> bool:
    """Whether a path has itself written another answer: a named way that gives this one is not the path's."""
    return call.name == "test_flag" and facts.get(("written", *call.arguments), answer) != answer  # type: ignore[arg-type]


def _put(facts: dict[tuple[str, Value, Value], Value], which: Value, page: Value) -> None:
    facts["list", which, 0] = page
    if page != NONE:
        facts["on", page, 0] = which


def _splice(facts: dict[tuple[str, Value, Value], Value], source: Value, target: Value) -> None:
    moved = facts.get(("list", source, 0))
    if moved == NONE:
        return
    if moved is None:
        facts.pop(("list", target, 0), None)
        return
    _put(facts, target, moved)
    facts["list", source, 0] = NONE
