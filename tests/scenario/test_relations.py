"""What values must be to one another: who may share whose ranges, who has something to do, what fits the machine."""

import re
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from perfsim.errors import InputError
from perfsim.scenario.points import points
from perfsim.scenario.relations import check_machine, check_relations
from perfsim.scenario.schema import Scenario
from perfsim.scenario.source import parse_document
from perfsim.scenario.validate import load_scenario, scenario_of

Refused = Callable[[Callable[[], object]], str]

OWNER = "{name: own, kind: mlock, count: 2, hold: 1us, think: 1us, range_pages: 16}"
RECLAIM = "{name: reclaim, kind: direct_reclaim, count: 1, think: 1us}"


def scenario(*tasks: str, machine: str = "{profile: x86_64, cpus: 4, nodes: 2}") -> Scenario:
    """A scenario of these tasks, each value judged by itself alone."""
    lines = "".join(f"- {task}\n" for task in tasks)
    text = f"name: w\nmachine: {machine}\nmemory: {{pages_per_node: 1024}}\ntasks:\n{lines}"
    return scenario_of(parse_document(text, "w.yaml"), text)


def sharer(name: str, shares: str, more: str = "") -> str:
    return f"{{name: {name}, kind: fault, count: 1, think: 1us, shares: {shares}{more}}}"


@pytest.mark.parametrize(
    "kind", ["mlock, hold: 1us", "migrate", "truncate, hold: 1us", "shm_lock, hold: 1us", "fault, range_pages: 8"]
)
def test_ranges_of_every_kind_that_has_some_can_be_shared(kind: str) -> None:
    found = scenario(sharer("a", "own", ", range_pages: 8"), f"{{name: own, count: 1, think: 1us, kind: {kind}}}")
    check_relations(found)
    assert found.tasks[0].range_pages == 8


@pytest.mark.parametrize(
    "tasks, line, words",
    [
        (
            [OWNER, sharer("a", "owm")],
            6,
            'tasks.a.shares: no group of tasks is named "owm"; expected one of "own" .*did you mean "own"',
        ),
        ([RECLAIM, sharer("a", "b")], 6, "expected one of none, for no group has ranges"),
        ([OWNER, sharer("a", "a")], 6, '"a" is this group itself; expected another one'),
        (
            [RECLAIM, sharer("a", "reclaim")],
            6,
            '"reclaim" has no ranges, for it is direct_reclaim; expected a group of mlock',
        ),
        (
            ["{name: f, kind: fault, count: 1, think: 1us}", sharer("a", "f")],
            6,
            "it is fault; .*or fault with range_pages",
        ),
        ([sharer("a", "b"), sharer("b", "a")], 5, "a and b share each other's ranges; expected one with its own"),
        ([sharer("a", "b"), sharer("b", "c"), sharer("c", "a")], 5, '"b" has no ranges, it shares those of "c"'),
        ([OWNER, sharer("a", "own"), sharer("b", "a")], 7, '"a" has no ranges, it shares those of "own"'),
        ([OWNER, sharer("a", "own", ", range_pages: 17")], 6, "17 pages of a range of own; expected at most its 16"),
        (
            [
                OWNER,
                sharer("a", "own", ", range_pages: 15").replace("fault", "mlock").replace("think", "hold: 1us, think"),
            ],
            6,
            "15 pages of a range of own, which mlock locks whole; expected its 16, or no range_pages",
        ),
    ],
)
def test_what_cannot_be_shared_is_refused_where_the_sharer_says_it(
    tasks: list[str], line: int, words: str, refused: Refused
) -> None:
    told = refused(lambda: check_relations(scenario(*tasks)))
    assert told.startswith(f"w.yaml:{line}:")
    assert re.search(words, told)


NAMES = ("a", "b", "c", "d")


@given(st.lists(st.tuples(st.sampled_from(["", "", *NAMES]), st.integers(0, 8)), min_size=4, max_size=4))
@example([("", 8), ("a", 0), ("a", 8), ("", 0)])
def test_who_may_share_works_on_part_of_a_range_of_anothers_own(drawn: list[tuple[str, int]]) -> None:
    groups = dict(zip(NAMES, drawn, strict=True))
    texts = [
        f"{{name: {name}, kind: fault, count: 1, think: 1us{f', shares: {shares}' if shares else ''}"
        f"{f', range_pages: {pages}' if pages else ''}}}"
        for name, (shares, pages) in groups.items()
    ]
    allowed = all(
        shares != name and groups[shares][0] == "" and max(pages, 1) <= groups[shares][1]
        for name, (shares, pages) in groups.items()
        if shares
    )
    try:
        check_relations(scenario(*texts))
    except InputError:
        assert not allowed
    else:
        assert allowed


def test_sharing_may_vary_over_a_sweep_and_every_point_is_judged(good_file: str) -> None:
    axes = ["sweep.axes={}", "sweep.axes.tasks.lockers.range_pages=[8, 64]"]
    thread = "{name: thread, kind: mlock, count: 1, hold: 1us, think: 1us, shares: lockers"
    tasks = f"[{{name: lockers, kind: mlock, count: 1, hold: 1us, think: 1us}}, {thread}"
    whole = load_scenario(good_file, [f"tasks={tasks}}}]", *axes])
    assert [[task.range_pages for task in point.scenario.tasks] for point in points(whole)] == [[8, 8], [64, 64]]
    tasks = tasks.replace("thread, kind: mlock, count: 1, hold: 1us", "thread, kind: fault, count: 1")
    part = load_scenario(good_file, [f"tasks={tasks}, range_pages: 32}}]", *axes])
    with pytest.raises(InputError, match="32 pages of a range of lockers; expected at most its 8"):
        points(part)


MIGRATE = "{name: m, kind: migrate, count: 1, think: 1us}"


@pytest.mark.parametrize("nodes, refusal", [(1, "the machine has 1 node, and migration needs a second"), (2, None)])
def test_migration_needs_two_nodes_be_they_the_workloads_or_the_profiles(
    nodes: int, refusal: str | None, refused: Refused
) -> None:
    said = scenario(MIGRATE, machine=f"{{profile: x86_64, cpus: 2, nodes: {nodes}}}")
    implied = scenario(MIGRATE, machine="{profile: x86_64}")
    check_relations(implied)
    if refusal is None:
        check_relations(said)
        check_machine(implied, 2, nodes)
        return
    for check in (lambda: check_relations(said), lambda: check_machine(implied, 2, nodes)):
        told = refused(check)
        assert told.startswith("w.yaml:5:19: tasks.m.kind: ")
        assert refusal in told


def test_more_tasks_than_there_may_be_are_counted_on_the_profiles_cpus_too(refused: Refused) -> None:
    most = "{name: f, kind: fault, count: 65536, think: 1us}"
    found = scenario(most, "{name: g, kind: fault, per: cpu, think: 1us}", machine="{profile: x86_64}")
    check_relations(found)
    told = refused(lambda: check_machine(found, 4, 1))
    assert told == "w.yaml:5:1: tasks: 65,540 tasks in all; expected at most 65,536"


def test_a_share_of_no_cpu_is_refused_on_the_profiles_cpus_too(refused: Refused) -> None:
    found = scenario("{name: f, kind: fault, share: 10%, think: 1us}", machine="{profile: x86_64}")
    told = refused(lambda: check_machine(found, 4, 1))
    assert told == "w.yaml:5:33: tasks.f.share: 10% of 4 CPUs comes to no task; expected a larger share, or count: 1"


@pytest.mark.parametrize("other", ["fault", "direct_reclaim", "migrate"])
def test_a_kswapd_has_something_to_do_beside_everyone_who_allocates(other: str) -> None:
    check_relations(scenario("{name: k, kind: kswapd}", f"{{name: o, kind: {other}, count: 1, think: 1us}}"))


def test_a_kswapd_a_cpu_needs_as_many_nodes_as_cpus(refused: Refused) -> None:
    tasks = ("{name: k, kind: kswapd, per: cpu}", RECLAIM)
    check_relations(scenario(*tasks, machine="{profile: x86_64, cpus: 2, nodes: 2}"))
    said, implied = scenario(*tasks), scenario(*tasks, machine="{profile: x86_64, nodes: 2}")
    check_relations(implied)
    for check in (lambda: check_relations(said), lambda: check_machine(implied, 4, 2)):
        told = refused(check)
        assert told == "w.yaml:5:32: tasks.k.per: 4 kswapds, and the machine has 2 nodes; expected at most one a node"
