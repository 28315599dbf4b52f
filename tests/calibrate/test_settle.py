"""Which figure gives way when two cannot stand beside each other."""

import math
from itertools import pairwise

from perfsim.calibrate.settle import Range, settled
from perfsim.machine.costs import COST_NAMES
from perfsim.machine.profile import load_profile
from perfsim.machine.profile_values import RELATIONS


def base_with(**measured: tuple[int, float]) -> dict[str, Range]:
    """x86_64_modern's ranges with some figures measured: (ps, spread)."""
    best = dict(zip(COST_NAMES, load_profile("x86_64_modern").best_ps, strict=True))
    ranges = {key: Range(value, value, value, math.inf) for key, value in best.items()}
    return ranges | {key: Range(value, value, value, doubt) for key, (value, doubt) in measured.items()}


def test_figures_that_keep_every_relation_stay_as_they_are() -> None:
    ranges = base_with(llc_transfer=(70_000, 0.1))
    assert settled(ranges) == (ranges, [])


def test_a_figure_of_the_profile_gives_way_to_a_measured_one_in_one_line() -> None:
    kept, lines = settled(base_with(llc_transfer=(150_000, 0.4)))
    assert kept["socket_transfer"].best_ps == kept["socket_transfer_far"].best_ps == 150_000
    assert kept["llc_transfer"].best_ps == 150_000
    assert [line.split(" gives way: ")[0] for line in lines] == ["socket_transfer", "socket_transfer_far"]
    assert lines[0] == (
        "socket_transfer gives way: 130ns does not go with llc_transfer of 150ns, which it takes over "
        "(llc_transfer <= socket_transfer)"
    )


def test_of_two_measured_figures_the_one_with_the_wider_spread_gives_way() -> None:
    for doubts, winner in (((0.1, 0.3), 90_000), ((0.3, 0.1), 60_000)):
        kept, lines = settled(base_with(llc_hit=(90_000, doubts[0]), llc_transfer=(60_000, doubts[1])))
        assert kept["llc_hit"].best_ps == kept["llc_transfer"].best_ps == winner
        assert len(lines) == 1


def test_a_chain_of_contradictions_comes_to_an_end_in_which_all_relations_hold() -> None:
    measured = {"l1_hit": (500_000, 0.3), "l2_hit": (400_000, 0.2), "llc_hit": (300_000, 0.1), "llc_transfer": (5, 0.5)}
    kept, _ = settled(base_with(**measured, page_clear=(900_000, 0.1), atomic_local=(1_000, 0.05)))
    for smaller, larger in (pair for chain in RELATIONS for pair in pairwise(chain)):
        assert kept[smaller].best_ps <= kept[larger].best_ps
