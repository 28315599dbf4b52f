"""/proc/lock_stat to the column, as a kernel of 2009 printed it."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from perfsim.kernel.boot import Seed
from perfsim.kernel.constants import LOCK_CLASSES, LRU_LOCK, MZ_LOCK, PAGE_LOCK, WAIT_BUCKET
from perfsim.measure.contention import Point, Points, contention_points
from perfsim.measure.counts import Counts, LockCounts
from perfsim.measure.row import simulate_counted
from perfsim.report.lock_stat import CLASS_NAMES, lock_stat
from perfsim.scenario.validate import load_scenario

# From a mail to linux-mm, 2009-09-02, make -j8 on 2.6.31-rc8; the dashes are 191.
KERNELS_HEADER = (
    "                              class name    con-bounces    contentions   waittime-min   waittime-max"
    " waittime-total    acq-bounces   acquisitions   holdtime-min   holdtime-max holdtime-total"
)
KERNELS_LINE = (
    "                          &counter->lock:       3074759        3086077           0.94       14372.27"
    "     1978508.38       68039606       80763359           0.45       34243.51    37892635.86"
)
US = 1_000_000
UNTAKEN = LockCounts(*[0] * len(LockCounts._fields))


def counts(**locks: LockCounts) -> Counts:
    """Counters of nothing but locks."""
    by_class = {"lru": LRU_LOCK, "page": PAGE_LOCK, "mz": MZ_LOCK, "bucket": WAIT_BUCKET}
    taken = {by_class[name]: lock for name, lock in locks.items()}
    return Counts(0, 0, (), (), tuple(taken.get(lock_class, UNTAKEN) for lock_class in range(LOCK_CLASSES)))


def lock(contentions: int, acquisitions: int) -> LockCounts:
    return UNTAKEN._replace(contentions=contentions, acquisitions=acquisitions)


def names(text: str) -> list[str]:
    """Names of the classes, from the top."""
    return [line.split(":")[0].strip() for line in text.splitlines()[5:]]


def test_a_small_table_is_this_text() -> None:
    taken = LockCounts(94, 94, 390_000, 7_330_000, 92_100_000, 4_366, 32_690, 290_000, 59_810_000, 16_350_060_000)
    ruler = "-" * 191
    line = (
        "                         &zone->lru_lock:            94             94           0.39           7.33"
        "          92.10           4366          32690           0.29          59.81       16350.06"
    )
    assert lock_stat(counts(lru=taken), {}) == f"lock_stat version 0.3\n{ruler}\n{KERNELS_HEADER}\n{ruler}\n\n{line}\n"


def test_a_line_of_the_kernels_figures_is_the_kernels_line_but_for_the_name() -> None:
    waits = (940_000, 14_372_270_000, 1_978_508_380_000)
    holds = (450_000, 34_243_510_000, 37_892_635_860_000)
    taken = LockCounts(3_074_759, 3_086_077, *waits, 68_039_606, 80_763_359, *holds)
    assert lock_stat(counts(bucket=taken), {}).splitlines()[5][40:] == KERNELS_LINE[40:]


@pytest.mark.parametrize(
    "ps, text",
    [(0, "0.00"), (4_999, "0.00"), (5_000, "0.01"), (994_999, "0.99"), (995_000, "1.00"), (12_345_678, "12.35")],
)
def test_times_are_microseconds_with_two_decimals(ps: int, text: str) -> None:
    taken = lock(1, 1)._replace(hold_total_ps=ps)
    assert lock_stat(counts(lru=taken), {}).split()[-1] == text


def test_the_class_with_the_most_contentions_comes_first_and_one_never_taken_not_at_all() -> None:
    text = lock_stat(counts(lru=lock(2, 50), page=lock(7, 9), bucket=lock(2, 8)), {})
    assert names(text) == ["&page->flags#PG_locked", "&zone->lru_lock", "&q->lock"]
    assert names(lock_stat(counts(), {})) == []


@pytest.mark.parametrize("design", ["lock_page", "redo"])
def test_a_runs_table_holds_together(design: str, engine: str) -> None:
    """Each line: as wide as the header, no shortest above the longest, no total beyond what the counts allow."""
    sets = ["measure.duration=300us", "machine.cpus=8", "memory.mlocked_fraction=0.4"]
    result = simulate_counted(load_scenario("quickstart", sets), design, Seed(3, 0), engine)
    head, *lines = lock_stat(result.counts, {}).splitlines()[2:]
    shown = [line for line in lines if ":" in line]
    assert {len(line) for line in (head, *shown)} == {190}
    assert CLASS_NAMES[LRU_LOCK] in [line.split(":")[0].strip() for line in shown]
    for line in shown:
        figures = [float(word) for word in line.split(":")[1].split()]
        con_bounces, contentions, wait_min, wait_max, wait_total, bounces, taken, hold_min, hold_max, hold_total = (
            figures
        )
        assert contentions <= taken >= bounces
        assert con_bounces <= contentions + 8
        assert contentions * wait_min <= wait_total + 0.01 * contentions
        assert wait_total <= contentions * (wait_max + 0.01)
        assert hold_min <= hold_max <= hold_total <= taken * (hold_max + 0.01) + 8 * hold_max


def test_a_class_names_who_waited_and_for_whom_as_the_kernel_does() -> None:
    """Documentation/lockstat.txt has of dcache_lock, but for the addresses, the lines below the class."""
    waiting = {"sys_getcwd": 180, "d_alloc": 165, "_atomic_dec_and_lock": 33, "shrink_dcache_parent": 1}
    points = Points(
        Counter({Point(path, 0x11E, 0x230): count for path, count in waiting.items()}),
        Counter({Point("d_alloc", 0x15A, 0x210): 34}),
    )
    text = lock_stat(counts(lru=lock(379, 500), mz=lock(0, 9)), {LRU_LOCK: points})
    name = "                         &zone->lru_lock"
    assert text.splitlines()[6:] == [
        "                         ---------------",
        f"{name}            180          [<0000000000000000>] sys_getcwd+0x11e/0x230",
        f"{name}            165          [<0000000000000000>] d_alloc+0x11e/0x230",
        f"{name}             33          [<0000000000000000>] _atomic_dec_and_lock+0x11e/0x230",
        f"{name}              1          [<0000000000000000>] shrink_dcache_parent+0x11e/0x230",
        "                         ---------------",
        f"{name}             34          [<0000000000000000>] d_alloc+0x15a/0x210",
        "",
        "." * 191,
        "",
        text.splitlines()[-1],
    ]
    assert text.splitlines()[-1].startswith("                           &mz->lru_lock:")


def test_of_more_functions_than_the_kernel_has_room_for_the_four_that_waited_most_are_shown() -> None:
    waiting = Counter({Point(f"path_{number}", 1, 2): number for number in range(1, 7)})
    text = lock_stat(counts(lru=lock(21, 21)), {LRU_LOCK: Points(waiting, waiting)})
    shown = re.findall(r"path_(\d)\+0x1/0x2", text)
    assert shown == ["6", "5", "4", "3"] * 2


CLASS_LINE = re.compile(r"\s*(?P<name>\S+):" + r"\s+([\d.]+)" * 10)
POINT_LINE = re.compile(
    r"\s*(?P<name>\S+)\s+(?P<count>\d+)\s+\[<[0-9a-f]{16}>\] (?P<symbol>\w+\+0x[0-9a-f]+/0x[0-9a-f]+)"
)


@pytest.mark.parametrize("design", ["lock_page", "redo"])
def test_a_script_that_reads_the_kernels_file_reads_a_runs(design: str) -> None:
    """Every line is the header, a rule, a class with ten figures, a point of the class above, or blank."""
    scenario = load_scenario("munlock_storm", ["measure.warmup=100us", "measure.duration=1ms"])
    result = simulate_counted(scenario, design, Seed(1, 0))
    points = contention_points(scenario, design, Seed(1, 0), (100 * US, 1_100 * US))
    classes: dict[str, list[float]] = {}
    found: dict[str, list[int]] = {}
    for line in lock_stat(result.counts, points).splitlines()[4:]:
        if one := CLASS_LINE.fullmatch(line):
            classes[one["name"]] = [float(word) for word in one.groups()[1:]]
        elif one := POINT_LINE.fullmatch(line):
            found.setdefault(one["name"], []).append(int(one["count"]))
        else:
            assert set(line.strip()) <= {"-"} or line == "." * 191
    assert found.keys() <= classes.keys()
    assert len(found["&zone->lru_lock"]) == 8
    for name, counted in found.items():
        assert sum(counted[: len(counted) // 2]) <= classes[name][1]


def test_a_lightly_loaded_machine_has_a_table_like_the_kernels_own_example() -> None:
    """Documentation/lockstat.txt has for zone->lru_lock: mean hold 0.50 us, longest 59.81 us; mean wait 0.98 us; of 100
    acquisitions 13 bounced and 0.29 contended. Here reclaim takes it, by 32 pages, with little else between.
    """
    sets = ("machine.cpus=2", "machine.nodes=1", "measure.duration=400ms", "tasks.reclaimers.think={exponential: 2ms}")
    lru_lock = simulate_counted(load_scenario("reclaim_only", sets), "lock_page", Seed(1, 0)).counts.locks[LRU_LOCK]
    assert lru_lock.acquisitions > 500
    assert 0.1 * US < lru_lock.hold_total_ps / lru_lock.acquisitions < 2.5 * US
    assert 1 * US < lru_lock.hold_max_ps < 60 * US
    assert 0 < lru_lock.contentions < 0.03 * lru_lock.acquisitions
    assert 0.1 * US < lru_lock.wait_total_ps / lru_lock.contentions < 5 * US
    assert 0.02 * lru_lock.acquisitions < lru_lock.acq_bounces < 0.6 * lru_lock.acquisitions
