"""The table of columns agrees with the contract, with what a run measures, and with what an axis holds."""

import pytest

from perfsim.kernel.boot import Seed
from perfsim.measure.columns import COLUMNS, FLOAT64, INT64, STRING, axis_column, columns_with
from perfsim.measure.row import simulate
from perfsim.scenario.schema import Axis
from perfsim.scenario.validate import load_scenario

TINY = ["memory.pages_per_node=256", "machine.cpus=2", "measure.warmup=10us", "measure.duration=200us"]


def axis(path: str, values: str) -> Axis:
    """An axis of quickstart's keys, read as a user writes it."""
    scenario = load_scenario("quickstart", ["sweep.axes={}", f"sweep.axes.{path}={values}"])
    return scenario.sweep.axes[0]


def test_a_run_fills_every_column_but_the_point_and_the_axes() -> None:
    row = simulate(load_scenario("quickstart", TINY), "redo", Seed(1, 0))
    assert sorted(row) == sorted(column.name for column in COLUMNS if column.name != "point")


@pytest.mark.parametrize("design", ["lock_page", "redo"])
def test_every_value_of_a_run_has_its_columns_type(design: str) -> None:
    row = simulate(load_scenario("quickstart", TINY), design, Seed(1, 0))
    python_types = {"string": str, "int64": int, "float64": float, "hist": list, "defects": list, "checks": list}
    wrong = [
        (column.name, row[column.name])
        for column in COLUMNS
        if column.name != "point"
        and row[column.name] is not None
        and type(row[column.name]) is not python_types[column.type]
    ]
    assert wrong == []


def test_only_latencies_how_long_a_page_is_stranded_and_what_moves_may_be_missing() -> None:
    row = simulate(load_scenario("lock_contention", TINY[1:]), "lock_page", Seed(1, 0))
    missing = {name for name, value in row.items() if value is None and "_latency_" not in name}
    moving = {"unsteady", "unsteady_rate", "unsteady_rate_change", "unsteady_list", "unsteady_list_change"}
    assert missing == {"stranded_longest_ns", *moving}


def test_every_meaning_is_one_printable_paragraph_that_ends() -> None:
    wrong = [column.name for column in COLUMNS if not (column.meaning.isprintable() and column.meaning.endswith("."))]
    assert wrong == []


@pytest.mark.parametrize(
    "path, values, kind, unit",
    [
        ("machine.cpus", "[1, 2]", INT64, "1"),
        ("memory.pages_per_node", "[1024, 2048]", INT64, "pages"),
        ("tasks.lockers.range_pages", "[8, 16]", INT64, "pages"),
        ("memory.mlocked_fraction", "[0, 50%, 1]", FLOAT64, "1"),
        ("tasks.lockers.share", "[25%, 50%]", FLOAT64, "1"),
        ("machine.profile", "[ia64, x86_64]", STRING, ""),
        ("tasks.lockers.hold", "[20us, {exponential: 100us}]", STRING, ""),
        ("kernel.memcg", "[true, false]", STRING, ""),
        ("kernel.page_size", "[4KiB, 16KiB]", STRING, ""),
        ("kernel.min_free", "[1MiB, 4MiB]", STRING, ""),
        ("kernel.pagevec_size", "[1, 14]", INT64, "pages"),
        ("kernel.swap_cluster_max", "[16, 32]", INT64, "pages"),
        ("kernel.wait_table_size", "[4, 64]", INT64, "1"),
    ],
)
def test_an_axis_has_the_type_and_unit_of_its_key(path: str, values: str, kind: str, unit: str) -> None:
    column = axis_column(axis(path, values))
    assert (column.name, column.type, column.unit) == (path, kind, unit)
    assert path in column.meaning


def test_axes_follow_the_other_columns_of_identity() -> None:
    columns = columns_with([axis("machine.cpus", "[1, 2]"), axis("machine.profile", "[ia64, x86_64]")])
    names = [column.name for column in columns]
    first = names.index("engine") + 1
    assert names[first : first + 2] == ["machine.cpus", "machine.profile"]
    assert [column for column in columns if "." not in column.name] == list(COLUMNS)


BEYOND_THE_CONTRACT = (
    *("stranded_longest_ns", "unevictable_list_drift", "oom_kills", "violated_checks", "warmup_ns"),
    *("warmup_detected_ns", "unsteady", "unsteady_rate", "unsteady_rate_change", "unsteady_list"),
    "unsteady_list_change",
)


def test_the_columns_are_those_of_the_contract_in_its_order_and_few_others() -> None:
    latencies = ("putback", "lru_lock_wait", "page_lock_wait", "reclaim_batch", "mlock_call", "munlock_call", "fault")
    figures = ("count", "mean_ns", "p50_ns", "p90_ns", "p99_ns", "p999_ns", "max_ns", "hist")
    locks = ("lru_lock", "page_lock", "memcg_lock", "wait_bucket")
    paths = ("putback", "reclaim_batch", "mlock_call", "munlock_call", "fault")
    kinds = ("work", "atomic", "transfer", *locks, "sleep", "wakeup", "redo")
    of_a_lock = ("acquisitions", "contentions", "wait_total_ns", "wait_max_ns", "hold_total_ns", "hold_max_ns")
    events = ("culled", "rescued", "scanned", "mlocked", "munlocked", "cleared", "stranded")
    rates = ("reclaim_scanned", "reclaim_freed", "putback", "mlock_pages", "munlock_pages", "faults", "migrated")
    assert {column.name for column in COLUMNS} >= {*BEYOND_THE_CONTRACT}
    assert [column.name for column in COLUMNS if column.name not in BEYOND_THE_CONTRACT] == [
        *("run_id", "point", "design", "profile", "cpus", "nodes", "replication", "seed", "engine"),
        *(f"{rate}_per_s" for rate in rates),
        *(f"{latency}_latency_{figure}" for latency in latencies for figure in figures),
        *(f"{path}_spent_{kind}_ps" for path in paths for kind in ("total", *kinds)),
        *(f"{lock}_{figure}" for lock in locks for figure in (*of_a_lock, "utilization")),
        *("page_lock_sleeps", "page_lock_steals", "redo_retries", "stranded_pages"),
        *("pgscan", "pgsteal", "pgactivate", "pgdeactivate"),
        *(f"unevictable_pgs_{event}" for event in events),
        *("nr_mlock", "nr_unevictable"),
        *(f"cpu_{category}_fraction" for category in ("user", "kernel", "spin", "switch", "idle")),
        *("simulated_ns", "events", "wall_s", "invariant_violations", "defect_hits"),
    ]
