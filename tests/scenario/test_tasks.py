"""Task kinds, their keys, and how many tasks a group is."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfsim.errors import InputError
from perfsim.numeric.random import EXPONENTIAL, FIXED, UNIFORM
from perfsim.scenario.fields import Item
from perfsim.scenario.schema import NEXT_NODE, NO_TIME, Duration, TaskSpec
from perfsim.scenario.source import parse_document
from perfsim.scenario.tasks import KINDS, read_tasks, task_count

Refused = Callable[[Callable[[], object]], str]

US_PS = 10**6


def read(text: str) -> tuple[TaskSpec, ...]:
    """The tasks in a YAML list."""
    return read_tasks(Item(parse_document(text, "t.yaml"), "tasks"))


@pytest.mark.parametrize(
    "text, expected",
    [
        ("kind: kswapd", TaskSpec("a", "kswapd", None, None, "node")),
        ("kind: kswapd, count: 2", TaskSpec("a", "kswapd", 2, None, None)),
        (
            "kind: direct_reclaim, share: 12.5%, think: {exponential: 20us}",
            TaskSpec("a", "direct_reclaim", None, 125_000, None, think=Duration(EXPONENTIAL, 20 * US_PS, 0)),
        ),
        (
            "kind: fault, per: cpu, think: 1us",
            TaskSpec("a", "fault", None, None, "cpu", think=Duration(FIXED, US_PS, 0)),
        ),
        (
            "kind: mlock, per: node, hold: {uniform: [1us, 2us]}, think: 0ns",
            TaskSpec("a", "mlock", None, None, "node", NO_TIME, Duration(UNIFORM, US_PS, 2 * US_PS), range_pages=64),
        ),
        (
            "kind: mlock, count: 1, hold: 0s, think: 1us, range_pages: 7",
            TaskSpec("a", "mlock", 1, None, None, Duration(FIXED, US_PS, 0), NO_TIME, range_pages=7),
        ),
        (
            "kind: fault, count: 1, think: 0s, hold: 1us, range_pages: 16",
            TaskSpec("a", "fault", 1, None, None, NO_TIME, Duration(FIXED, US_PS, 0), range_pages=16),
        ),
        (
            "kind: migrate, per: cpu, think: 1us",
            TaskSpec(
                "a", "migrate", None, None, "cpu", Duration(FIXED, US_PS, 0), range_pages=64, target_node=NEXT_NODE
            ),
        ),
        (
            "kind: migrate, per: cpu, think: 1us, target_node: next",
            TaskSpec(
                "a", "migrate", None, None, "cpu", Duration(FIXED, US_PS, 0), range_pages=64, target_node=NEXT_NODE
            ),
        ),
        (
            "kind: migrate, per: cpu, think: 1us, target_node: 0, range_pages: 3",
            TaskSpec("a", "migrate", None, None, "cpu", Duration(FIXED, US_PS, 0), range_pages=3, target_node=0),
        ),
        (
            "kind: truncate, count: 2, hold: 0s, think: 1us",
            TaskSpec("a", "truncate", 2, None, None, Duration(FIXED, US_PS, 0), NO_TIME, range_pages=64),
        ),
        (
            "kind: shm_lock, per: node, hold: 1us, think: 0s, range_pages: 9",
            TaskSpec("a", "shm_lock", None, None, "node", NO_TIME, Duration(FIXED, US_PS, 0), range_pages=9),
        ),
        (
            "kind: lock_loop, hold: 1us, think: 1us",
            TaskSpec("a", "lock_loop", None, None, "cpu", Duration(FIXED, US_PS, 0), Duration(FIXED, US_PS, 0)),
        ),
        (
            "kind: lock_loop, hold: 1us, think: 1us, lock: page_lock",
            TaskSpec(
                "a",
                "lock_loop",
                None,
                None,
                "cpu",
                Duration(FIXED, US_PS, 0),
                Duration(FIXED, US_PS, 0),
                lock="page_lock",
                pages=1,
            ),
        ),
    ],
)
def test_each_kind_is_read_with_its_defaults(text: str, expected: TaskSpec) -> None:
    assert read(f"[{{name: a, {text}}}]") == (expected,)


def test_page_locks_are_as_many_as_the_task_says() -> None:
    assert read("[{name: a, kind: lock_loop, lock: page_lock, pages: 16, hold: 1us, think: 0s}]")[0].pages == 16


# A ^ stands before the place that the message must name.
BAD_TASKS = [
    ("^5", r"tasks\[0\]: 5 where a mapping belongs"),
    ("^{kind: kswapd}", r"tasks\[0\]: the key name is missing"),
    ("{name: ^5, kind: kswapd}", "in quotes"),
    ("{name: ^a.b, kind: kswapd}", "letters, digits, _ and -"),
    ("^{name: a}", "tasks.a: the key kind is missing"),
    ("{name: a, kind: ^mlok}", 'expected one of kswapd, .*did you mean "mlock"'),
    ("{name: a, kind: ^[mlock]}", "a list where text belongs"),
    ("{name: a, kind: ^migrat}", 'did you mean "migrate"'),
    ("{name: a, kind: ^shm}", "expected one of .*, truncate, shm_lock, lock_loop"),
    ("^{name: a, kind: migrate, per: cpu}", "the key think is missing"),
    ("^{name: a, kind: truncate, per: cpu, think: 1us}", "the key hold is missing"),
    ("^{name: a, kind: shm_lock, per: cpu, think: 1us}", "the key hold is missing"),
    ("^{name: a, kind: shm_lock, hold: 1us, think: 1us}", "nothing says how many"),
    ("{name: a, kind: migrate, per: cpu, think: 1us, ^hold: 1us}", "belongs to fault, mlock, truncate, shm_lock, lock"),
    ("{name: a, kind: mlock, per: cpu, hold: 1us, think: 1us, ^target_node: 1}", "belongs to migrate tasks"),
    (
        "{name: a, kind: truncate, per: cpu, hold: 1us, think: 1us, ^shares: b}",
        "belongs to fault, mlock, migrate tasks",
    ),
    (
        "{name: a, kind: lock_loop, hold: 1us, think: 1us, ^range_pages: 1}",
        "belongs to fault, mlock, migrate, truncate",
    ),
    ("{name: a, kind: migrate, per: cpu, think: ^0s}", "think is 0, so no time would pass"),
    ("{name: a, kind: truncate, per: cpu, think: ^0s, hold: 0s}", "think and hold are 0, so no time would pass"),
    ("{name: a, kind: fault, per: cpu, think: ^0s, hold: 0s, range_pages: 1}", "think and hold are 0"),
    ("{name: a, kind: migrate, per: cpu, think: 1us, range_pages: ^0}", "from 1 to"),
    ("{name: a, kind: truncate, per: cpu, think: 1us, hold: 1us, range_pages: ^0}", "from 1 to"),
    ("{name: a, kind: fault, per: cpu, think: 1us, range_pages: ^-1}", "from 0 to"),
    ("{name: a, kind: fault, per: cpu, think: 1us, shares: b, range_pages: ^0}", "from 1 to"),
    (
        "{name: a, kind: fault, per: cpu, think: 1us, hold: ^1us}",
        "hold needs a range to keep; expected range_pages too",
    ),
    ("{name: a, kind: fault, per: cpu, think: 1us, hold: ^1us, range_pages: 0}", "expected range_pages too"),
    ("{name: a, kind: migrate, per: cpu, think: 1us, target_node: ^-1}", "-1 is out of range; .* from 0 to 63"),
    ("{name: a, kind: migrate, per: cpu, think: 1us, target_node: ^64}", "64 is out of range; .* from 0 to 63"),
    ("{name: a, kind: migrate, per: cpu, think: 1us, target_node: ^nxt}", '"nxt" is no node; .* from 0 on, or next'),
    ("{name: a, kind: migrate, per: cpu, think: 1us, target_node: ^1.0}", "1.0 is no whole number"),
    ("{name: a, kind: migrate, per: cpu, think: 1us, target_node: ^[1]}", "a list is no whole number"),
    ("{name: a, kind: mlock, per: cpu, hold: 1us, think: 1us, shares: ^50%}", '"50%" is no such name'),
    ("{name: a, kind: mlock, per: cpu, hold: 1us, think: 1us, shares: ^5}", "in quotes"),
    ("^{name: a, kind: fault, per: cpu}", "the key think is missing"),
    ("^{name: a, kind: mlock, per: cpu, think: 1us}", "the key hold is missing"),
    ("{name: a, kind: direct_reclaim, per: cpu, think: 1us, ^hold: 1us}", "belongs to fault, mlock, .*lock_loop tasks"),
    ("{name: a, kind: kswapd, ^share: 50%}", '"share" belongs to .*expected for kswapd: name, kind, count, per'),
    ("{name: a, kind: kswapd, ^thonk: 50%}", 'unknown key "thonk"'),
    ("{name: a, kind: mlock, per: cpu, hold: 1us, think: 1us, ^rangepages: 2}", 'did you mean "range_pages"'),
    ("^{name: a, kind: fault, think: 1us}", "nothing says how many; expected one of count: 4, share: 50%, per: cpu"),
    (
        "{name: a, kind: kswapd, count: 1, per: ^cpu}",
        "count and per both say how many; expected one of count: 4, per: node",
    ),
    ("{name: a, kind: kswapd, count: ^0}", "from 1 to 65,536"),
    ("{name: a, kind: kswapd, per: ^zone}", "expected one of node, cpu"),
    ("{name: a, kind: fault, share: ^0%, think: 1us}", "is no task; expected more than 0%"),
    ("{name: a, kind: fault, share: ^50, think: 1us}", "out of range"),
    ("{name: a, kind: fault, count: 1, think: ^0s}", "think is 0, so no time would pass; expected at least 1ps"),
    ("{name: a, kind: mlock, count: 1, think: ^0s, hold: {uniform: [0s, 0s]}}", "think and hold are 0"),
    ("{name: a, kind: mlock, count: 1, think: 1us, hold: 1us, range_pages: ^0}", "from 1 to"),
    ("{name: a, kind: lock_loop, think: 1us, hold: 1us, lock: ^mutex}", "expected one of lru_lock, page_lock"),
    ("{name: a, kind: lock_loop, think: 1us, hold: 1us, pages: ^4}", "pages needs lock: page_lock"),
    ("{name: a, kind: fault, count: 1, think: ^{}}", "0 distributions; expected one: 20us"),
    ("{name: a, kind: fault, count: 1, think: ^{exponential: 1us, uniform: [1us, 2us]}}", "2 distributions"),
    ("{name: a, kind: fault, count: 1, think: {^normal: 1us}}", 'unknown key "normal"'),
    ("{name: a, kind: fault, count: 1, think: {uniform: ^[1us]}}", "1 durations; expected two"),
    ("{name: a, kind: fault, count: 1, think: {uniform: ^[2us, 1us]}}", "2us is longer than 1us"),
    ("{name: a, kind: fault, count: 1, think: {exponential: ^20}}", "20 has no unit"),
    ("{name: a, kind: fault, count: 1, think: {exponential: ^2h}}", 'unknown unit "h"'),
    ("{name: a, kind: fault, count: 1, think: ^true}", "true is no duration"),
    ("{name: a, kind: fault, count: 1, think: ^'20'}", '"20" has no unit; expected a duration such as 20ns'),
]


@pytest.mark.parametrize("task, words", BAD_TASKS)
def test_a_bad_task_is_refused_where_it_is_bad(task: str, words: str, refused: Refused) -> None:
    text = f"[{task}]"
    told = refused(lambda: read(text.replace("^", "")))
    assert told.startswith(f"t.yaml:1:{text.index('^') + 1}: tasks")
    assert re.search(words, told)


@pytest.mark.parametrize("text", ["{}", "[]", "5", "~"])
def test_tasks_are_a_list_that_is_not_empty(text: str, refused: Refused) -> None:
    assert "expected a list of tasks such as [{name: lockers" in refused(lambda: read(text))


def test_two_tasks_of_one_name_are_refused_at_the_second(refused: Refused) -> None:
    told = refused(lambda: read("[{name: a, kind: kswapd}, {name: a, kind: kswapd}]"))
    assert told == 't.yaml:1:34: tasks[1].name: duplicate task "a"; the first is at line 1, column 9'


def test_every_kind_of_the_contract_is_known() -> None:
    reclaim, ranges = {"kswapd", "direct_reclaim"}, {"fault", "mlock", "migrate", "truncate", "shm_lock"}
    assert set(KINDS) == {*reclaim, *ranges, "lock_loop"}


def test_who_shares_ranges_works_on_the_whole_of_them_unless_it_says_less() -> None:
    owner = "{name: a, kind: shm_lock, count: 1, hold: 1us, think: 1us, range_pages: 48}"
    whole, part = (
        f"{{name: {name}, kind: mlock, count: 1, hold: 1us, think: 1us, shares: a{more}}}"
        for name, more in [("b", ""), ("c", ", range_pages: 5")]
    )
    assert [task.range_pages for task in read(f"[{whole}, {owner}, {part}]")] == [48, 48, 5]


def test_a_duration_of_holding_goes_with_a_shared_range_too() -> None:
    owner = "{name: a, kind: mlock, count: 1, hold: 1us, think: 1us}"
    thread = "{name: b, kind: fault, count: 1, hold: 2us, think: 1us, shares: a}"
    assert read(f"[{owner}, {thread}]")[1].hold == Duration(FIXED, 2 * US_PS, 0)


@pytest.mark.parametrize(
    "how_many, cpus, nodes, expected",
    [
        ("count: 3", 64, 4, 3),
        ("per: cpu", 64, 4, 64),
        ("per: node", 64, 4, 4),
        ("share: 50%", 64, 4, 32),
        ("share: 50%", 1, 4, 1),
        ("share: 50%", 3, 1, 2),
        ("share: 49.9999%", 1, 1, None),
        ("share: 33%", 1, 1, None),
        ("share: 100%", 7, 1, 7),
        ("share: 25%", 2, 1, 1),
    ],
)
def test_a_share_is_rounded_half_up_and_never_to_none(
    how_many: str, cpus: int, nodes: int, expected: int | None
) -> None:
    (task,) = read(f"[{{name: a, kind: fault, think: 1us, {how_many}}}]")
    if expected is not None:
        assert task_count(task, cpus, nodes) == expected
        return
    with pytest.raises(InputError, match=r"t.yaml:1:44: tasks.a.share: .*% of 1 CPU comes to no task"):
        task_count(task, cpus, nodes)


@given(st.integers(min_value=1, max_value=1_000_000), st.integers(min_value=1, max_value=1024))
def test_a_share_is_never_more_than_half_a_task_off(share_ppm: int, cpus: int) -> None:
    task = TaskSpec("a", "fault", None, share_ppm, None)
    try:
        count = task_count(task, cpus, 1)
    except InputError:
        count = 0
    assert abs(count * 1_000_000 - cpus * share_ppm) <= 500_000
