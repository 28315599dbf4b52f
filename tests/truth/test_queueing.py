"""The closed forms give every figure of validation §A as it is printed there, and agree where their assumptions meet.

The tables were computed by other programs and methods; see the reference. Times in ns, X in acquisitions per us.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfsim.numeric.random import FIXED
from perfsim.scenario.schema import Duration
from perfsim.truth.queueing import (
    Group,
    Handoff,
    Locks,
    Steady,
    exponential_hold,
    exponential_think,
    fixed_rounds,
    groups_at_one_lock,
    handed_off,
    locks_in_turn,
    mean_ns,
    throughput_bounds_per_ns,
    unmet_rounds,
)
from perfsim.truth.waits import given_wait, wait_mean_and_sd_ns, wait_percentile_ns, wait_phases
from tests.truth.durations import exponential, fixed, uniform

# N, Z, S, X per us, U, W, P(wait), sd(W), p50, p90, p99, p99.9
A1 = """
1 900 100 1.0 0.1 0 0.0 0.0 0.0000 0.0000 0.0000 0.0000
2 900 100 1.98019802 0.198019802 10.0 0.1 43.588989 0.0000 0.0000 230.2585 460.5170
4 900 100 3.86191412 0.386191412 35.755814 0.29360465 85.252762 0.0000 132.3467 405.5622 670.1715
8 900 100 7.10841903 0.710841903 125.426057 0.63841549 170.8306 53.9554 361.3592 732.3186 1066.6621
10 900 100 8.32036774 0.832036774 201.869955 0.77570005 221.92008 136.0671 511.1531 930.9139 1297.2565
16 900 100 9.88947502 0.988947502 617.881633 0.98013152 372.76168 577.3854 1118.7682 1649.1842 2089.1616
32 900 100 9.99999998 0.999999998 2200.00001 0.99999999 556.77643 2166.7311 2931.5104 3640.0766 4208.3124
64 900 100 10.0 1.0 5400.0 1.0 793.72539 5366.6982 6436.2026 7392.0500 8139.9445
4 20000 2000 0.176668391 0.353336782 641.288433 0.26793558 1615.7695 0.0000 2378.7918 7780.0470 13032.4718
16 3000 250 3.75834963 0.939587408 1007.18775 0.91427075 823.68905 857.7657 2143.7620 3447.8582 4538.6944
64 50000 1000 0.991560573 0.991560573 13544.7204 0.98910559 7458.0101 12983.3930 23523.4080 33035.8743 40496.0952
128 20000 150 6.05040738 0.907561107 1005.60026 0.90221999 943.90035 763.4972 2325.0826 4000.3742 5375.9212
"""

# N, Z, S, then mean, p50, p90, p99 of the waits that are no zero
A2 = """
4 900 100 121.782178 85.5892 279.1049 547.2324
8 900 100 196.464620 146.5950 438.0466 799.6130
16 900 100 630.406860 586.7667 1124.1218 1653.2982
"""

# hold: mean of a fixed one, or both ends of a uniform one; N, Z, X per us, U, W, pi_0
A4 = """
100 100 2 900 1.98934628 0.198934628 5.35538513 0.89483932
100 100 4 900 3.92197461 0.392197461 19.8944158 0.68877157
100 100 8 900 7.40280316 0.740280316 80.6717171 0.31185746
100 100 10 900 8.72566994 0.872566994 146.043808 0.1622709
100 100 16 900 9.98998522 0.998998522 601.60397 0.0017821894
250 250 16 3000 3.89197816 0.97299454 861.019987 0.037006662
50 150 4 900 3.91636413 0.391636413 21.3554882 0.69039499
50 150 10 900 8.68153899 0.868153899 151.869503 0.16874389
0 500 16 3000 3.8379902 0.95949755 918.848583 0.056282861
"""

# hold, N, Z, S, alpha, beta, X per us, U, hand-off, W
A5 = """
exp 2 2000 100 0 20 0.9497697 0.0949770 0.0009132 5.77375
exp 4 2000 100 0 20 1.8867186 0.1886719 0.0060989 20.08297
exp 8 2000 100 0 20 3.6867206 0.3686721 0.0376228 69.95019
exp 12 2000 100 0 20 5.1579788 0.5157979 0.1399419 226.49268
exp 16 2000 100 0 20 4.4389481 0.4438948 0.5084664 1504.45754
exp 24 2000 100 0 20 2.0632050 0.2063205 0.7936795 9532.38735
exp 32 2000 100 0 20 1.4957888 0.1495789 0.8504211 19293.39401
exp 48 2000 100 0 20 0.9909612 0.0990961 0.9009039 46337.82180
det 8 2000 100 0 20 3.7322099 0.3732210 0.0343393 43.50218
det 12 2000 100 0 20 5.3346224 0.5334622 0.1208638 149.45632
det 16 2000 100 0 20 4.5178791 0.4517879 0.5100594 1441.48480
det 48 2000 100 0 20 0.9908618 0.0990862 0.9009138 46342.67989
exp 4 2000 100 50 0 1.8818471 0.1881847 0.0143454 25.57120
exp 16 2000 100 50 0 6.2352757 0.6235276 0.2686247 466.04532
exp 32 2000 100 50 0 6.6666666 0.6666667 0.3333333 2700.00007
"""

# N, Z, S, W, sd FIFO, sd random, sd LIFO, then p50, p90, p99 of random
A8 = """
4 900 100 35.755814 85.252762 89.64289 94.74350 0.000 126.872 433.998
8 900 100 125.426057 170.8306 205.41647 259.69614 38.524 369.062 958.829
16 900 100 617.881633 372.76168 692.06533 1835.75050 385.489 1505.685 3197.790
16 3000 250 1007.18775 823.68905 1276.22838 2425.39836 552.424 2594.569 5941.268
"""

# N, Z, S, K, X per us, U per lock, W
A9_PAGES = """
4 500 100 4 6.52118693 0.163029673 13.3852691
16 500 100 4 22.6978965 0.567447412 104.911136
16 500 100 16 25.9025516 0.161890947 17.6997643
64 500 100 16 89.0565788 0.556603618 118.644269
"""

# N, nodes, Z, S, X per us of all, U each, W
A9_NODES = """
16 4 900 100 15.4476565 0.386191412 35.755814
64 4 3000 250 15.0333985 0.939587408 1007.18775
"""

# N, Z, S1, S2, K, X per us, U lru, U page, W lru, W page
A9_IN_TURN = """
8 2000 150 300 4 3.06041877 0.459062816 0.229531408 90.5638536 73.4574945
16 2000 150 300 4 5.37584719 0.806377078 0.403188539 346.38337 179.891707
32 2000 150 300 4 6.65712657 0.998568985 0.499284493 2059.32197 297.556748
"""

# N1, Z1, N2, Z2, S, X1, X2, X, U, W over all
A9_GROUPS = """
6 500 4 2000 100 7.27288561 1.68815062 8.96103622 0.89610362 233.360550
8 900 8 3600 100 6.49397625 2.01537027 8.50934652 0.85093465 240.812118
"""

# N, Z, S, alpha, beta, X per us, W: all CPUs start together
A7 = """
4 900 100 0 0 4 0
10 900 100 0 0 10 0
11 900 100 0 0 10 100
16 900 100 0 0 10 600
32 900 100 0 0 10 2200
5 900 100 50 0 5 0
8 900 100 50 0 6.6666667 200
16 900 100 50 0 6.6666667 1400
16 2000 100 0 20 3.8461538 2060
20 2000 100 0 20 2.6315789 5500
24 2000 100 0 20 2.0833333 9420
"""


def rows(table: str) -> list[list[str]]:
    """The cells of a table, as printed."""
    return [line.split() for line in table.strip().splitlines()]


def printed(texts: list[str], digits: int = 0, decimals: int = 0) -> object:
    """What equals figures printed with so many significant digits, or so many decimals."""
    relative, absolute = (0.6 * 10.0 ** (1 - digits), 1e-12) if digits else (0.0, 0.6 * 10.0**-decimals)
    return pytest.approx([float(text) for text in texts], rel=relative, abs=absolute)


def per_us(steady: Steady) -> float:
    return 1000 * steady.acquisitions_per_ns


@pytest.mark.parametrize("row", rows(A1), ids=" ".join)
def test_exponential_think_and_hold_give_table_a1(row: list[str]) -> None:
    cpus, think, hold = int(row[0]), exponential(int(row[1])), exponential(int(row[2]))
    lock = exponential_hold(cpus, think, hold)
    assert [per_us(lock), lock.utilization, lock.wait_ns] == printed(row[3:6], digits=9)
    assert [lock.contended_fraction] == printed(row[6:7], decimals=8)
    waits = wait_phases(cpus, think, hold)
    assert list(wait_mean_and_sd_ns(waits)) == printed([row[5], row[7]], digits=8)
    percentiles = [wait_percentile_ns(waits, fraction) for fraction in (0.5, 0.9, 0.99, 0.999)]
    assert percentiles == printed(row[8:], decimals=4)


@pytest.mark.parametrize("row", rows(A2), ids=" ".join)
def test_waits_without_the_zeros_give_table_a2(row: list[str]) -> None:
    waits = given_wait(wait_phases(int(row[0]), exponential(int(row[1])), exponential(int(row[2]))))
    assert [wait_mean_and_sd_ns(waits)[0]] == printed(row[3:4], digits=9)
    assert [wait_percentile_ns(waits, fraction) for fraction in (0.5, 0.9, 0.99)] == printed(row[4:], decimals=4)


def test_cpu_time_of_eight_cpus_is_as_below_table_a1() -> None:
    lock = exponential_hold(8, exponential(900), exponential(100))
    parts = [lock.acquisitions_per_ns * time_ns / 8 for time_ns in (900, lock.wait_ns, 100)]
    assert parts == printed(["0.7996971", "0.1114476", "0.0888552"], decimals=7)


@pytest.mark.parametrize("think", [fixed(900), uniform(0, 1800)])
def test_only_the_mean_of_the_think_counts_when_the_hold_is_exponential(think: Duration) -> None:
    assert exponential_hold(8, think, exponential(100)) == exponential_hold(8, exponential(900), exponential(100))
    waits, same = wait_phases(8, think, exponential(100)), wait_phases(8, exponential(900), exponential(100))
    assert wait_percentile_ns(waits, 0.9) == wait_percentile_ns(same, 0.9)


@pytest.mark.parametrize("row", rows(A4), ids=" ".join)
def test_fixed_and_uniform_holds_give_table_a4(row: list[str]) -> None:
    low_ns, high_ns = int(row[0]), int(row[1])
    hold = fixed(low_ns) if low_ns == high_ns else uniform(low_ns, high_ns)
    lock = exponential_think(int(row[2]), exponential(int(row[3])), hold)
    assert [per_us(lock), lock.utilization, lock.wait_ns] == printed(row[4:7], digits=9)
    assert [1 - lock.contended_fraction] == printed(row[7:], digits=8)


@pytest.mark.parametrize("row", rows(A5), ids=" ".join)
def test_a_slow_hand_off_gives_table_a5(row: list[str]) -> None:
    hold = {"exp": exponential, "det": fixed}[row[0]](int(row[3]))
    lock = handed_off(int(row[1]), exponential(int(row[2])), hold, Handoff(int(row[4]), int(row[5])))
    assert [per_us(lock), lock.utilization, lock.handoff_fraction] == printed(row[6:9], decimals=7)
    assert [lock.wait_ns] == printed(row[9:], decimals=5)


def test_throughput_peaks_at_thirteen_cpus_when_each_waiter_slows_the_hand_off() -> None:
    curve = [per_us(handed_off(n, exponential(2000), exponential(100), Handoff(0, 20))) for n in range(1, 49)]
    assert curve.index(max(curve)) + 1 == 13
    assert [max(curve)] == printed(["5.346"], decimals=3)
    assert [max(curve) / curve[-1]] == printed(["5.4"], decimals=1)


@pytest.mark.parametrize("row", rows(A7), ids=" ".join)
def test_fixed_times_give_the_rounds_of_a7(row: list[str]) -> None:
    handoff = Handoff(int(row[3]), int(row[4]))
    lock = fixed_rounds(int(row[0]), fixed(int(row[1])), fixed(int(row[2])), handoff)
    assert [per_us(lock)] == printed(row[5:6], digits=8)
    assert lock.wait_ns == pytest.approx(int(row[6]), abs=1e-9)
    assert lock.utilization + lock.handoff_fraction <= 1 + 1e-12


@pytest.mark.parametrize("cpus, think_ns, expected", [(8, 900, "8"), (20, 2000, "9.5238095")])
def test_cpus_that_start_apart_never_meet(cpus: int, think_ns: int, expected: str) -> None:
    lock = unmet_rounds(cpus, fixed(think_ns), fixed(100))
    assert [per_us(lock)] == printed([expected], digits=8)
    assert lock.wait_ns == 0


def test_rounds_of_fixed_times_are_counted_in_whole_picoseconds() -> None:
    """As numbers of ns, 6 times 0.1 is more than 0.5 and 0.1, and 0.6 by 0.2 is less than 3."""
    think, hold = Duration(FIXED, 500, 0), Duration(FIXED, 100, 0)
    assert fixed_rounds(6, think, hold) == unmet_rounds(6, think, hold)
    assert fixed_rounds(4, think._replace(a_ps=600), hold, Handoff(0.1)).wait_ns == 0


@pytest.mark.parametrize("row", rows(A8), ids=" ".join)
def test_the_order_of_service_moves_the_spread_as_in_table_a8(row: list[str]) -> None:
    times = int(row[0]), exponential(int(row[1])), exponential(int(row[2]))
    for order, sd_ns in zip(("fifo", "random", "lifo"), row[4:7], strict=True):
        assert list(wait_mean_and_sd_ns(wait_phases(*times, order))) == printed([row[3], sd_ns], digits=7)
    waits = wait_phases(*times, "random")
    assert [wait_percentile_ns(waits, fraction) for fraction in (0.5, 0.9, 0.99)] == printed(row[7:], decimals=3)


@pytest.mark.parametrize("row", rows(A9_PAGES), ids=" ".join)
def test_page_locks_side_by_side_give_table_a9(row: list[str]) -> None:
    locks = Locks(exponential(int(row[2])), int(row[3]))
    (lock,) = locks_in_turn(int(row[0]), exponential(int(row[1])), (locks,))
    assert [per_us(lock), lock.utilization, lock.wait_ns] == printed(row[4:], digits=9)


@pytest.mark.parametrize("row", rows(A9_NODES), ids=" ".join)
def test_a_lock_on_each_node_gives_table_a9(row: list[str]) -> None:
    cpus, nodes = int(row[0]), int(row[1])
    lock = exponential_hold(cpus // nodes, exponential(int(row[2])), exponential(int(row[3])))
    assert [nodes * per_us(lock), lock.utilization, lock.wait_ns] == printed(row[4:], digits=9)


@pytest.mark.parametrize("row", rows(A9_IN_TURN), ids=" ".join)
def test_two_locks_in_turn_give_table_a9(row: list[str]) -> None:
    stages = (Locks(exponential(int(row[2]))), Locks(exponential(int(row[3])), int(row[4])))
    lru, page = locks_in_turn(int(row[0]), exponential(int(row[1])), stages)
    assert lru.acquisitions_per_ns == page.acquisitions_per_ns
    figures = [per_us(lru), lru.utilization, page.utilization, lru.wait_ns, page.wait_ns]
    assert figures == printed(row[5:], digits=9)


@pytest.mark.parametrize("row", rows(A9_GROUPS), ids=" ".join)
def test_two_groups_at_one_lock_give_table_a9(row: list[str]) -> None:
    groups = Group(int(row[0]), exponential(int(row[1]))), Group(int(row[2]), exponential(int(row[3])))
    one, other = groups_at_one_lock(groups, exponential(int(row[4])))
    total = per_us(one) + per_us(other)
    wait_ns = (per_us(one) * one.wait_ns + per_us(other) * other.wait_ns) / total
    figures = [per_us(one), per_us(other), total, one.utilization + other.utilization, wait_ns]
    assert figures == printed(row[5:], digits=8)


def test_bounds_of_ten_cpus_are_as_in_section_c() -> None:
    low, high = throughput_bounds_per_ns(10, exponential(900), exponential(100))
    assert [1000 * low, 1000 * high] == printed(["5.263158", "10"], digits=7)
    amdahl, _ = throughput_bounds_per_ns(48, exponential(2000), exponential(100))
    assert [1000 * amdahl] == printed(["7.059"], digits=4)
    collapsed = handed_off(48, exponential(2000), exponential(100), Handoff(0, 20))
    low, high = throughput_bounds_per_ns(48, exponential(2000), exponential(100), Handoff(0, 20))
    assert low <= collapsed.acquisitions_per_ns < amdahl


CPUS = st.integers(1, 40)
THINKS = st.integers(100, 50_000).map(exponential)
HOLDS = st.integers(1, 5_000)


@given(cpus=CPUS, think=THINKS, hold_ns=HOLDS)
def test_three_methods_agree_on_exponential_times(cpus: int, think: Duration, hold_ns: int) -> None:
    by_means = exponential_hold(cpus, think, exponential(hold_ns))
    for other in (
        exponential_think(cpus, think, exponential(hold_ns)),
        handed_off(cpus, think, exponential(hold_ns), Handoff()),
        *groups_at_one_lock((Group(cpus, think),), exponential(hold_ns)),
    ):
        assert tuple(other) == pytest.approx(tuple(by_means), rel=1e-6, abs=1e-6)


@given(cpus=CPUS, think=THINKS, hold_ns=HOLDS)
def test_the_embedded_chain_agrees_with_takacs_on_fixed_and_uniform_holds(
    cpus: int, think: Duration, hold_ns: int
) -> None:
    for hold in (fixed(hold_ns), uniform(0, 2 * hold_ns), uniform(hold_ns, 10 * hold_ns)):
        chain = handed_off(cpus, think, hold, Handoff())
        assert tuple(chain) == pytest.approx(tuple(exponential_think(cpus, think, hold)), rel=1e-6, abs=1e-6)


@given(cpus=st.integers(1, 10), think=THINKS, hold_ns=st.integers(1, 300))
def test_the_mean_wait_is_the_same_in_every_order(cpus: int, think: Duration, hold_ns: int) -> None:
    """The load stays moderate: the longest waits of LIFO grow like (S/Z)^N, and with them the rounding errors."""
    expected = exponential_hold(cpus, think, exponential(hold_ns))
    spreads = []
    for order in ("fifo", "random", "lifo"):
        waits = wait_phases(cpus, think, exponential(hold_ns), order)
        mean, sd = wait_mean_and_sd_ns(waits)
        assert mean == pytest.approx(expected.wait_ns, rel=1e-6, abs=1e-9)
        assert float(np.sum(waits.start)) == pytest.approx(expected.contended_fraction, rel=1e-6, abs=1e-9)
        spreads.append(sd * (1 + 1e-9))
    assert spreads == sorted(spreads)


@given(cpus=CPUS, think=THINKS, hold_ns=HOLDS, per_waiter_ns=st.integers(0, 50))
def test_no_closed_form_leaves_the_bounds(cpus: int, think: Duration, hold_ns: int, per_waiter_ns: int) -> None:
    handoff = Handoff(0, per_waiter_ns)
    low, high = throughput_bounds_per_ns(cpus, think, fixed(hold_ns), handoff)
    for lock in (
        exponential_think(cpus, think, fixed(hold_ns)),
        exponential_think(cpus, think, exponential(hold_ns)),
        exponential_think(cpus, think, uniform(0, 2 * hold_ns)),
        handed_off(cpus, think, exponential(hold_ns), handoff),
        fixed_rounds(cpus, fixed(int(mean_ns(think))), fixed(hold_ns), handoff),
    ):
        assert low * (1 - 1e-9) <= lock.acquisitions_per_ns <= high * (1 + 1e-9)
        assert lock.utilization + lock.handoff_fraction <= 1 + 1e-9


@given(cpus=CPUS, think=THINKS, hold_ns=HOLDS)
def test_throughput_never_falls_with_cpus_or_with_shorter_times(cpus: int, think: Duration, hold_ns: int) -> None:
    for form, kind in ((exponential_hold, exponential), (exponential_think, fixed)):
        per_ns = form(cpus, think, kind(hold_ns)).acquisitions_per_ns
        shorter = think._replace(a_ps=think.a_ps // 2)
        for better in (form(cpus + 1, think, kind(hold_ns)), form(cpus, shorter, kind(hold_ns))):
            assert better.acquisitions_per_ns >= per_ns * (1 - 1e-9)
        if hold_ns > 1:
            assert form(cpus, think, kind(hold_ns - 1)).acquisitions_per_ns >= per_ns * (1 - 1e-9)


def test_no_form_takes_a_distribution_that_it_is_not_true_for() -> None:
    with pytest.raises(AssertionError, match="not all exponential"):
        exponential_hold(4, exponential(900), fixed(100))
    with pytest.raises(AssertionError, match="not exponential"):
        exponential_think(4, fixed(900), fixed(100))
    with pytest.raises(AssertionError, match="not exponential"):
        handed_off(4, fixed(900), uniform(50, 150), Handoff(0, 20))
    with pytest.raises(AssertionError, match="not exponential"):
        wait_phases(4, fixed(900), exponential(100), "random")
    with pytest.raises(AssertionError, match="not fixed"):
        fixed_rounds(4, exponential(900), fixed(100))
    with pytest.raises(AssertionError, match="must meet"):
        unmet_rounds(11, fixed(900), fixed(100))
