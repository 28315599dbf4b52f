"""Before a run: its identity, whether it fits, and where the file says what cannot be found."""

from collections.abc import Callable
from pathlib import Path

import pytest

from perfsim.engine import prepare
from perfsim.engine.prepare import BYTES_PER_PAGE, available_bytes, check_fits, run_id, task_names
from perfsim.errors import InputError
from perfsim.kernel.boot import Seed
from perfsim.machine.profile import load_profile
from tests.engine.conftest import WORKLOAD, ScenarioMaker

SEED = Seed(1, 0)

CHANGES = [
    "machine.profile=ia64",
    "machine.cpus=5",
    "machine.nodes=1",
    "memory.pages_per_node=513",
    "memory.file_fraction=0.6",
    "memory.mlocked_fraction=0.3",
    "memory.referenced_fraction=0.3",
    "memory.dirty_fraction=0.2",
    "kernel.memcg=false",
    "kernel.drain_all=once",
    "kernel.drain_all=never",
    "kernel.page_size=8KiB",
    "kernel.pagevec_size=13",
    "kernel.swap_cluster_max=31",
    "kernel.wait_table_size=8",
    "kernel.min_free=64KiB",
    "tasks.reclaimers.count=3",
    "tasks.reclaimers.think=5us",
    "tasks.reclaimers.kind=fault",
    "tasks.lockers.range_pages=4",
    "tasks.lockers.hold={exponential: 11us}",
    "measure.warmup=21us",
    "measure.duration=101us",
]


def test_an_identity_is_sixteen_hexadecimal_digits(scenario_of: ScenarioMaker) -> None:
    identity = run_id(scenario_of(), "redo", SEED)
    assert len(identity) == 16
    assert int(identity, 16) >= 0
    assert identity == identity.lower()


def test_everything_that_determines_a_row_changes_its_identity(scenario_of: ScenarioMaker, workload: str) -> None:
    identities = [run_id(scenario_of(workload, change), "redo", SEED) for change in CHANGES]
    identities += [run_id(scenario_of(), "redo", seed) for seed in (SEED, Seed(2, 0), Seed(1, 1))]
    identities += [run_id(scenario_of(), "lock_page", SEED)]
    assert len(set(identities)) == len(CHANGES) + 4


MIGRATION = """\
name: migration
machine: {profile: x86_64, cpus: 2, nodes: 2}
tasks:
  - {name: first, kind: mlock, count: 1, hold: 1us, think: 1us}
  - {name: second, kind: mlock, count: 1, hold: 1us, think: 1us}
  - {name: movers, kind: migrate, count: 1, think: 1us}
"""


def test_whose_ranges_are_shared_and_where_they_go_changes_the_identity_and_their_name_does_not(
    scenario_of: ScenarioMaker,
) -> None:
    changes = ["shares=first", "shares=second", "target_node=0", "target_node=1", "range_pages=63"]
    identities = {run_id(scenario_of(MIGRATION, f"tasks.movers.{change}"), "redo", SEED) for change in changes}
    identities.add(run_id(scenario_of(MIGRATION), "redo", SEED))
    assert len(identities) == len(changes) + 1
    renamed = scenario_of(MIGRATION.replace("first", "other"), "tasks.movers.shares=other")
    assert run_id(renamed, "redo", SEED) in identities


def test_what_changes_no_figure_leaves_the_identity_alone(scenario_of: ScenarioMaker, workload: str) -> None:
    same = [
        workload.replace("name: small", "name: other"),
        workload.replace("name: lockers", "name: anything"),
        "# a comment\n\n" + workload,
        workload.replace("5us", "5000ns").replace("0.25", "25%"),
        workload.replace("memcg: true", "page_size: 4096B, pagevec_size: 14, swap_cluster_max: 32"),
        workload.replace("designs: [lock_page, redo]", "designs: [redo]"),
        workload + "sweep: {axes: {machine.cpus: [4, 8]}, replications: 7, seed: 9}\n",
        workload + "check: {putback_per_s: {max_regression: 3%}}\n",
    ]
    identities = {run_id(scenario_of(text), "redo", SEED) for text in [workload, *same]}
    assert len(identities) == 1


def test_the_place_of_the_file_is_not_in_the_identity(scenario_of: ScenarioMaker, workload: str) -> None:
    here, there = scenario_of(workload, name="a/w.yaml"), scenario_of(workload, name="b/other.yaml")
    assert run_id(here, "redo", SEED) == run_id(there, "redo", SEED)


def test_values_a_profile_gives_count_like_those_of_the_workload(scenario_of: ScenarioMaker, workload: str) -> None:
    profile = load_profile("x86_64")
    cpus = profile.nodes * profile.cpus_per_node
    implied = scenario_of(workload.replace(", cpus: 4, nodes: 2", ""))
    said = scenario_of(workload.replace("cpus: 4, nodes: 2", f"cpus: {cpus}, nodes: {profile.nodes}"))
    assert run_id(implied, "redo", SEED) == run_id(said, "redo", SEED)


def test_a_users_design_is_known_by_its_text_and_not_by_its_name(
    scenario_of: ScenarioMaker, design_file: Callable[[str], str], tmp_path: Path
) -> None:
    path = "async def cull_unevictable_page(cpu, page):\n    await cpu.smp_mb()\n"
    mine = design_file(path)
    first = run_id(scenario_of(), mine, SEED)
    renamed = tmp_path / "renamed.py"
    renamed.write_bytes(Path(mine).read_bytes())
    assert run_id(scenario_of(), str(renamed), SEED) == first
    design_file(path.replace("smp_mb", "cond_resched"))
    assert run_id(scenario_of(), mine, SEED) != first


def test_a_profile_is_known_by_its_figures_and_not_by_its_comments(
    scenario_of: ScenarioMaker, workload: str, tmp_path: Path
) -> None:
    def identity(text: str) -> str:
        file = tmp_path / "mine.yaml"
        file.write_text(text, encoding="utf-8")
        return run_id(scenario_of(workload.replace("profile: x86_64", f"profile: {file}")), "redo", SEED)

    base = identity("name: mine\nextends: x86_64\n")
    assert base == run_id(scenario_of(workload), "redo", SEED)
    assert identity("# why\nname: other\nextends: x86_64\n") == base
    assert identity("name: mine\nextends: x86_64\ncosts: {atomic_local: 11.5ns}\n") != base


def test_tasks_are_named_by_their_group_and_number(scenario_of: ScenarioMaker) -> None:
    workload = ["kswapd[0]", "kswapd[1]", "reclaimers[0]", "reclaimers[1]", "lockers[0]", "lockers[1]"]
    profile, devices = load_profile("x86_64"), ["timer[0]", "disk[0]", "disk[1]"]
    assert task_names(scenario_of(WORKLOAD, "kernel.drain_all=never"), profile) == workload + devices
    threads = ["events/0", "events/1", "events/2", "events/3"]
    assert task_names(scenario_of(), profile) == workload + threads + devices, "the machine's own come last"


def test_what_does_not_fit_the_profiles_own_machine_is_refused(scenario_of: ScenarioMaker, tmp_path: Path) -> None:
    alone = tmp_path / "alone.yaml"
    alone.write_text("name: alone\nextends: x86_64\nmachine: {nodes: 1}\nnode_hops: [[0]]\n", encoding="utf-8")
    scenario = scenario_of(MIGRATION.replace("profile: x86_64, cpus: 2, nodes: 2", f"profile: {alone}"))
    with pytest.raises(InputError, match=r"w\.yaml:6:26: tasks.movers.kind: the machine has 1 node, and migration"):
        check_fits(scenario, ("redo",), "simpy")


def test_memory_that_suffices_is_no_error(scenario_of: ScenarioMaker) -> None:
    check_fits(scenario_of(), ("lock_page", "redo"), "compiled")


def test_memory_that_does_not_suffice_names_the_needed_and_the_available(
    scenario_of: ScenarioMaker, workload: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepare, "available_bytes", lambda: 2 * 512 * BYTES_PER_PAGE["simpy"])
    check_fits(scenario_of(), ("redo",), "simpy")
    with pytest.raises(InputError) as caught:
        check_fits(scenario_of(workload, "memory.pages_per_node=1024"), ("redo",), "simpy")
    assert "2 nodes x 1024 pages need 600KiB, 300KiB are available" in str(caught.value)
    with pytest.raises(InputError, match=r"w\.yaml:3:\d+: .*3 runs at once of 2 nodes x 512 pages need 900KiB"):
        check_fits(scenario_of(), ("redo",), "simpy", runs_at_once=3)


UNEVEN = """\
name: uneven
machine: {profile: ideal, cpus: 4, nodes: 1}
memory: {pages_per_node: 2000, mlocked_fraction: 0}
tasks:
  - {name: large, kind: truncate, count: 1, range_pages: 1000, hold: 1us, think: 1us}
  - {name: small, kind: fault, count: 299, range_pages: 1, hold: 1us, think: 1us}
"""


def test_ranges_of_unlike_size_that_memory_does_not_hold_are_refused(
    engine: str, scenario_of: ScenarioMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every range has room for as many pages as the largest has: 8,000 bytes each, and the one file twice that."""
    needed = 2000 * BYTES_PER_PAGE[engine] + 302 * 8000
    monkeypatch.setattr(prepare, "available_bytes", lambda: needed)
    check_fits(scenario_of(UNEVEN), ("redo",), engine)
    monkeypatch.setattr(prepare, "available_bytes", lambda: needed - 1)
    with pytest.raises(InputError, match=r"w\.yaml:\d+:\d+: tasks: 300 ranges, .* the 1000 pages .* need 2\.3MiB"):
        check_fits(scenario_of(UNEVEN), ("redo",), engine)


@pytest.mark.parametrize(
    "change,problem",
    [
        ("tasks.large.count=32001", "32001 tasks of kind truncate or shm_lock are more than the compiled engine has"),
        ("tasks.large.range_pages=8000000", "2400000000 places for them in ranges, are more than the compiled engine"),
    ],
)
def test_what_the_compiled_engine_has_no_numbers_for_is_refused(
    change: str, problem: str, scenario_of: ScenarioMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepare, "available_bytes", lambda: 2**50)
    sets = ["memory.pages_per_node=40000000", "tasks.large.range_pages=1", change]
    with pytest.raises(InputError, match=f"{problem}.* or --engine simpy"):
        check_fits(scenario_of(UNEVEN, *sets), ("redo",), "compiled")
    check_fits(scenario_of(UNEVEN, *sets), ("redo",), "simpy")


def test_an_absurd_size_is_refused_before_anything_is_allocated(scenario_of: ScenarioMaker, workload: str) -> None:
    with pytest.raises(InputError, match="are available"):
        check_fits(scenario_of(workload, "memory.pages_per_node=2147483648"), ("redo",), "compiled")


def test_available_memory_is_more_than_nothing_and_less_than_a_petabyte() -> None:
    assert 0 < available_bytes() < 2**50


@pytest.mark.parametrize(
    "old,new,place,nearest",
    [
        ("profile: x86_64", "profile: x86_46", "2:20", "x86_64"),
        ("designs: [lock_page, redo]", "designs: [lock_page, redoo]", "4:31", "redo"),
    ],
)
def test_an_unknown_profile_or_design_is_refused_where_the_file_names_it(
    scenario_of: ScenarioMaker, workload: str, old: str, new: str, place: str, nearest: str
) -> None:
    scenario = scenario_of(workload.replace(old, new))
    with pytest.raises(InputError) as caught:
        check_fits(scenario, scenario.kernel.designs, "compiled")
    assert f"w.yaml:{place}: " in str(caught.value)
    assert f'did you mean "{nearest}"' in str(caught.value)
