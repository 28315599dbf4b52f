"""Values of profile files: units, ranges, and the relations between figures that no machine can break."""

from pathlib import Path

import pytest

from perfsim.errors import InputError
from perfsim.machine.costs import COST_NAMES, DRAM_LOCAL, DRAM_REMOTE, PREFETCH_HIDDEN
from perfsim.machine.profile import CostProfile, describe, load_profile
from perfsim.machine.profile_values import RELATIONS
from perfsim.machine.profiles import IDEAL

HEAD = "name: p\nextends: {base}\n"


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that paths in messages are as short as a user's."""
    monkeypatch.chdir(tmp_path)


def load(lines: str, base: str = "x86_64") -> CostProfile:
    """The profile that extends a base by these lines, the first of which is line 3."""
    Path("p.yaml").write_text(HEAD.format(base=base) + lines, encoding="utf-8")
    return load_profile("p.yaml")


def refusal(lines: str, base: str = "x86_64") -> str:
    with pytest.raises(InputError) as caught:
        load(lines, base)
    told = str(caught.value)
    assert told.isprintable()
    assert len(told) < 400
    return told


@pytest.mark.parametrize(
    "lines, place, told",
    [
        ("costs: {io: 5}", "3:13", "costs.io: 5 has no unit; expected a duration such as 20ns"),
        ("costs: {io: '5'}", "3:13", 'costs.io: "5" has no unit'),
        ("costs: {io: 0}", "3:13", "costs.io: 0 has no unit"),
        ("costs: {io: -5ms}", "3:13", 'costs.io: "-5ms" is negative; expected a duration of at least 0'),
        ("costs: {io: 5MHz}", "3:13", 'unknown unit "MHz"'),
        ("costs: {io: 5 parsecs}", "3:13", 'unknown unit "parsecs"'),
        ("costs: {io: 0.1ps}", "3:13", '"0.1ps" is no whole number of ps'),
        ("costs: {io: 1.0001ns, wakeup: 0.0005ns}", "3:31", '"0.0005ns" is no whole number of ps'),
        ("costs: {io: 1.001s}", "3:13", '"1.001s" is too long; expected at most 1s'),
        ("costs: {io: 1e3ns}", "3:13", "is no duration"),
        ("costs: {io: .inf}", "3:13", "inf is no duration"),
        ("costs: {io: .nan}", "3:13", "nan is no duration"),
        ("costs: {io: true}", "3:13", "true is no duration"),
        ("costs: {io: }", "3:", "nothing is no duration"),
        ("costs: {io: {exponential: 5ms}}", "3:13", "a mapping is no duration"),
        ("costs: {io: []}", "3:13", "an empty list; expected [low, best, high]"),
        ("costs: {io: [5ms]}", "3:13", "a list of 1; expected [low, best, high], or one figure"),
        ("costs: {io: [1ms, 2ms, 3ms, 4ms]}", "3:13", "a list of 4"),
        ("costs: {io: [1ms, 2, 3ms]}", "3:19", "costs.io.1: 2 has no unit"),
        ("costs: {io: [1ms, [2ms], 3ms]}", "3:19", "costs.io.1: a list is no duration"),
        ("costs: {io: [5ms, 4ms, 6ms]}", "3:14", 'low is "5ms", best "4ms"; expected low <= best <= high'),
        ("costs: {io: [1ms, 4ms, 3999us]}", "3:19", 'best is "4ms", high "3999us"; expected low <= best <= high'),
        ("costs: {prefetch_hidden: 1.5}", "3:26", "1.5 is out of range; expected a fraction from 0 to 1"),
        ("costs: {prefetch_hidden: 20ns}", "3:26", '"20ns" is no fraction'),
        ("costs: {prefetch_hidden: 0.0005}", "3:26", "0.0005 is finer than a thousandth"),
        ("costs: {prefetch_hidden: [0.5, 0.4, 0.9]}", "3:27", "low is 0.5, best 0.4"),
        ("spinlock: {line_service: 40}", "3:26", "spinlock.line_service: 40 has no unit"),
        ("sources: {io: 5}", "3:15", "sources.io: 5 where text belongs; expected where the figure comes from"),
        ("sources: {io: ''}", "3:15", "sources.io: an empty text"),
        ("sources: {io: old}\ncosts: {wakeup: [x, 1us, 2us]}", "4:18", '"x" is no duration'),
    ],
)
def test_a_cost_that_cannot_be_is_refused_at_the_place(lines: str, place: str, told: str) -> None:
    message = refusal(lines)
    assert message.startswith(f"p.yaml:{place}")
    assert told in message


@pytest.mark.parametrize(
    "lines, place, told",
    [
        ("machine: {clock: 2.3}", "3:18", "machine.clock: 2.3 has no unit; expected a clock such as 2.3GHz"),
        ("machine: {clock: 0GHz}", "3:18", '"0GHz" is out of range; expected a clock from 1MHz to 100GHz'),
        ("machine: {clock: 2.3ns}", "3:18", 'unknown unit "ns"'),
        ("machine: {nodes: 0}", "3:18", "0 is out of range; expected a whole number from 1 to 64"),
        ("machine: {nodes: 65}", "3:18", "65 is out of range"),
        ("machine: {nodes: two}", "3:18", '"two" is no whole number'),
        ("machine: {nodes: true}", "3:18", "true is no whole number"),
        ("machine: {cpus_per_node: 257}", "3:26", "257 is out of range; expected a whole number from 1 to 256"),
        ("machine: {cpus_per_node: -1}", "3:26", "-1 is out of range"),
        ("machine: {page_size: 4096}", "3:22", "machine.page_size: 4096 has no unit; expected a size such as 4KiB"),
        ("machine: {page_size: 5KiB}", "3:22", '"5KiB"; expected a power of two from 4KiB to 1MiB'),
        ("machine: {page_size: 4KB}", "3:22", '"4KB"; expected a power of two'),
        ("machine: {page_size: 2GiB}", "3:22", '"2GiB"; expected a power of two'),
        ("machine: {line_size: 96B}", "3:22", '"96B"; expected a power of two from 16B to 1KiB'),
        ("machine: {line_size: 0B}", "3:22", '"0B"; expected a power of two'),
        ("machine: {cache_size: 63B}", "3:23", '"63B"; expected a size from a line\'s 64B to 1TiB, or 0B'),
        ("machine: {cache_size: 2TiB}", "3:23", '"2TiB"; expected a size from'),
        ("machine: {cache_size: []}", "3:23", "a list is no size; expected a size such as 1MiB"),
        ("machine: {nodes: 5}", "3:18", "5 nodes, but node_hops has 4; expected a row for every node"),
        ("node_hops: [[0, 1], [1, 0]]", "3:12", "4 nodes, but node_hops has 2"),
        ("node_hops: 1", "3:12", "1 where a list belongs"),
        ("node_hops: []", "3:12", "an empty list; expected a row for every node"),
        ("node_hops: [0]", "3:13", "0 where a list belongs"),
        ("node_hops: [[0, 1], [1]]", "3:21", "1 figures in a matrix of 2 rows"),
        ("node_hops: [[0, 1], [1, 0, 1]]", "3:21", "3 figures in a matrix of 2 rows"),
        ("node_hops: [[0, 1], [1, 1]]", "3:25", "node_hops.1.1: 1 hops from a node to itself; expected 0"),
        ("node_hops: [[0, 0], [1, 0]]", "3:17", "node_hops.0.1: 0 hops to another node; expected 1 or more"),
        ("node_hops: [[0, 2], [1, 0]]", "3:22", "1 from node 1 to 0, but 2 from node 0 to 1"),
        ("node_hops: [[0, -1], [-1, 0]]", "3:17", "-1 is out of range; expected a whole number from 0 to 16"),
        ("node_hops: [[0, 1.5], [1.5, 0]]", "3:17", "1.5 is no whole number"),
    ],
)
def test_a_machine_that_cannot_be_is_refused_at_the_place(lines: str, place: str, told: str) -> None:
    message = refusal(lines)
    assert message.startswith(f"p.yaml:{place}: ")
    assert told in message


@pytest.mark.parametrize(
    "base, lines, place, told",
    [
        (
            "x86_64",
            "spinlock: {algorithm: tickets}",
            "3:23",
            '"tickets" is unknown; expected one of ticket, test_and_set',
        ),
        ("x86_64", "spinlock: {algorithm: 1}", "3:23", "1 where text belongs"),
        (
            "x86_64",
            "spinlock: {order: fifo}",
            "3:19",
            'only the algorithm ideal has this key; expected none with "ticket"',
        ),
        (
            "x86_64",
            "spinlock: {handoff_fixed: 1ns}",
            "3:27",
            "spinlock.handoff_fixed: only the algorithm ideal has this",
        ),
        ("ideal", "spinlock: {algorithm: queued, handoff_per_waiter: 1ns}", "3:51", 'expected none with "queued"'),
        ("ideal", "spinlock: {order: random_}", "3:19", 'expected one of fifo, random, lifo (did you mean "random"?)'),
        ("ideal", "spinlock: {handoff_fixed: 5}", "3:27", "spinlock.handoff_fixed: 5 has no unit"),
        ("ideal", "spinlock: {handoff_per_waiter: -1ns}", "3:32", '"-1ns" is negative'),
        ("ideal", "spinlock: {handoff_per_waiter: [1ns, 2ns, 3ns]}", "3:32", "a list is no duration"),
        ("ideal", "spinlock: {algorithm: test_and_set}", "1:1", "the key spinlock_bias.releaser is missing"),
        (
            "ia64",
            "spinlock_bias: {releaser: -1}",
            "3:27",
            "-1 is out of range; expected a whole number from 0 to 1,000",
        ),
        ("ia64", "spinlock_bias: {same_node: 0}", "3:28", "0 is out of range; expected a whole number from 1 to 1,000"),
        ("ia64", "spinlock_bias: {other_node: 0.5}", "3:29", "0.5 is no whole number"),
        ("x86_64", "spinlock_bias: {other_node: x}", "3:29", '"x" is no whole number'),
    ],
)
def test_a_lock_that_cannot_be_is_refused_at_the_place(base: str, lines: str, place: str, told: str) -> None:
    message = refusal(lines, base)
    assert message.startswith(f"p.yaml:{place}: ")
    assert told in message


@pytest.mark.parametrize(
    "lines, place, told",
    [
        ("costs: {l1_hit: 8ns}", "3:17", "l1_hit is 8ns, l2_hit only 7ns; expected l1_hit <= l2_hit"),
        ("costs: {l2_hit: 1ns}", "3:17", "costs.l2_hit: l1_hit is 1.3ns, l2_hit only 1ns; expected l1_hit <= l2_hit"),
        ("costs: {llc_hit: 6ns}", "3:18", "l2_hit is 7ns, llc_hit only 6ns"),
        ("costs: {llc_transfer: 20ns}", "3:23", "llc_hit is 21ns, llc_transfer only 20ns"),
        ("costs: {socket_transfer: 59ns}", "3:26", "llc_transfer is 60ns, socket_transfer only 59ns"),
        ("costs: {socket_transfer: 151ns}", "3:26", "socket_transfer is 151ns, socket_transfer_far only 150ns"),
        ("costs: {dram_remote: 99ns}", "3:22", "dram_local is 100ns, dram_remote only 99ns"),
        ("spinlock: {line_service: 121ns}", "3:26", "line_service is 121ns, socket_transfer only 120ns"),
        ("costs: {irq_save: [1ns, 3.4ns, 9ns]}", "3:19", "irq_disable is 3.5ns, irq_save only 3.4ns"),
        ("costs: {atomic_local: 1.299ns}", "3:23", "l1_hit is 1.3ns, atomic_local only 1.299ns"),
        ("costs: {page_clear: 1001ns}", "3:21", "page_clear is 1.001us, page_copy only 1us"),
        ("costs:\n  page_clear: 3us\n  page_copy: 2us", "5:14", "page_clear is 3us, page_copy only 2us"),
    ],
)
def test_two_figures_in_an_order_that_no_machine_has_are_both_named(lines: str, place: str, told: str) -> None:
    message = refusal(lines)
    assert message.startswith(f"p.yaml:{place}: ")
    assert told in message


def test_every_relation_is_between_costs_that_exist() -> None:
    assert {name for chain in RELATIONS for name in chain} <= set(COST_NAMES)


def test_equal_figures_are_in_order_and_ranges_may_overlap() -> None:
    profile = load("costs: {dram_remote: 100ns}")
    assert profile.best_ps[DRAM_REMOTE] == profile.best_ps[DRAM_LOCAL]
    assert profile.high_ps[DRAM_LOCAL] > profile.high_ps[DRAM_REMOTE]


def test_a_key_that_no_file_has_is_named_with_an_example() -> None:
    Path("p.yaml").write_text("name: p\nmachine: {nodes: 1}\n", encoding="utf-8")
    with pytest.raises(
        InputError, match=r"p\.yaml:1:1: the key machine\.line_size is missing; expected for example line"
    ):
        load_profile("p.yaml")
    text = IDEAL.read_text(encoding="utf-8")
    for key in ("wakeup", "prefetch_hidden", "line_service"):
        lines = [line for line in text.splitlines() if not line.startswith(f"  {key}: 0")]
        Path("p.yaml").write_text("\n".join(lines), encoding="utf-8")
        with pytest.raises(
            InputError, match=rf"p\.yaml:\d+:1: the key \w+\.{key} is missing; expected for example {key}"
        ):
            load_profile("p.yaml")


def test_the_ideal_lock_is_left_behind_with_its_keys() -> None:
    Path("lifo.yaml").write_text(
        "{name: lifo, extends: ideal, spinlock: {order: lifo, handoff_fixed: 5ns}}", encoding="utf-8"
    )
    profile = load("spinlock: {algorithm: ticket}", base="lifo.yaml")
    assert (profile.algorithm, profile.order, profile.handoff_fixed_ps) == ("ticket", "fifo", 0)
    assert "order" not in {figure.key for figure in describe(profile)}
    assert load("", base="lifo.yaml").order == "lifo"


def test_a_bias_may_stand_beside_any_algorithm_for_the_day_it_is_tried() -> None:
    profile = load("spinlock_bias: {releaser: 3}")
    assert (profile.algorithm, profile.bias_releaser, profile.bias_same_node) == ("ticket", 3, 1)
    assert load("spinlock: {algorithm: test_and_set}").bias_other_node == 1


def test_a_share_can_be_a_percentage_and_a_cache_can_be_endless() -> None:
    profile = load("costs: {prefetch_hidden: [0%, 37.5%, 1.0]}\nmachine: {cache_size: 0B}")
    figures = (profile.low_ps, profile.best_ps, profile.high_ps)
    assert [figure[PREFETCH_HIDDEN] for figure in figures] == [0, 375, 1000]
    assert profile.cache_size_bytes == 0
    assert load("machine: {cache_size: 64B}").cache_size_bytes == 64
