"""The shipped profiles say what the table of cost-profiles §7 says, and a profile's identity is its figures."""

import pickle
import re
from dataclasses import replace
from pathlib import Path

import pytest

from perfsim.machine import profiles
from perfsim.machine.costs import COST_NAMES, L1_HIT, PREFETCH_HIDDEN
from perfsim.machine.profile import CostProfile, describe, hops, load_profile, priced_profiles, profile_names
from perfsim.machine.profile_files import SHIPPED

NS = 1_000
US = 1_000_000
MS = 1_000_000_000

# Copied by hand from the table.
IA64 = {
    "l1_hit": (600, 600, 1_300),
    "llc_hit": (8_800, 8_800, 12_500),
    "dram_local": (185 * NS, 241 * NS, 260 * NS),
    "dram_remote": (313 * NS, 420 * NS, 450 * NS),
    "socket_transfer_far": (330 * NS, 430 * NS, 600 * NS),
    "line_service": (40 * NS, 100 * NS, 200 * NS),
    "prefetch_hidden": (0, 500, 800),
    "atomic_local": (5 * NS, 7_500, 12 * NS),
    "barrier_release": (0, 1 * NS, 5 * NS),
    "context_switch": (1_500 * NS, 2_500 * NS, 5 * US),
    "syscall": (139 * NS, 150 * NS, 166 * NS),
    "page_clear": (2_600 * NS, 5 * US, 10 * US),
    "tlb_shootdown_per_cpu": (0, 20 * NS, 300 * NS),
    "lru_isolate_page": (10 * NS, 30 * NS, 80 * NS),
    "io": (3 * MS, 5_500 * US, 13 * MS),
}
X86_64 = {
    "l2_hit": (5_200, 7 * NS, 7 * NS),
    "dram_local": (85 * NS, 100 * NS, 130 * NS),
    "llc_transfer": (40 * NS, 60 * NS, 80 * NS),
    "socket_transfer": (85 * NS, 120 * NS, 170 * NS),
    "socket_transfer_far": (110 * NS, 150 * NS, 210 * NS),
    "line_service": (20 * NS, 40 * NS, 90 * NS),
    "prefetch_hidden": (0, 500, 800),
    "atomic_local": (8 * NS, 10_400, 14 * NS),
    "barrier_acquire": (0, 0, 0),
    "irq_restore": (4 * NS, 5_200, 11 * NS),
    "wakeup": (400 * NS, 800 * NS, 1_500 * NS),
    "page_copy": (660 * NS, 1 * US, 2_200 * NS),
    "lru_add_page": (8 * NS, 20 * NS, 50 * NS),
    "memcg_move": (15 * NS, 40 * NS, 100 * NS),
    "writeback_submit": (2 * US, 5 * US, 15 * US),
}
ALL_IN_ONE_HOP = ((0, 1, 1, 1), (1, 0, 1, 1), (1, 1, 0, 1), (1, 1, 1, 0))
TWO_FAR_APART = ((0, 1, 1, 2), (1, 0, 1, 1), (1, 1, 0, 1), (2, 1, 1, 0))


def ranges(profile: CostProfile) -> dict[str, tuple[int, int, int]]:
    """(low, best, high) of every cost by its name."""
    return dict(zip(COST_NAMES, zip(profile.low_ps, profile.best_ps, profile.high_ps, strict=True), strict=True))


def written(path: Path, text: str) -> CostProfile:
    """The profile of a file with this text."""
    path.write_text(text, encoding="utf-8")
    return load_profile(str(path))


@pytest.mark.parametrize("name, table", [("ia64", IA64), ("x86_64", X86_64)])
def test_the_figures_are_those_of_the_table(name: str, table: dict[str, tuple[int, int, int]]) -> None:
    loaded = ranges(load_profile(name))
    assert {key: loaded[key] for key in table} == table


def test_ia64_is_four_cells_of_four_cpus_whose_locks_favour_the_near() -> None:
    profile = load_profile("ia64")
    assert (profile.name, profile.nodes, profile.cpus_per_node, profile.clock_hz) == ("ia64", 4, 4, 1_600_000_000)
    assert (profile.page_size_bytes, profile.line_size_bytes) == (16_384, 128)
    assert profile.cache_size_bytes == 9 * 2**20
    assert profile.node_hops == ALL_IN_ONE_HOP
    assert profile.algorithm == "test_and_set"
    assert (profile.bias_releaser, profile.bias_same_node, profile.bias_other_node) == (8, 4, 1)


def test_x86_64_is_four_sockets_of_four_cpus_with_ticket_locks() -> None:
    profile = load_profile("x86_64")
    assert (profile.name, profile.nodes, profile.cpus_per_node, profile.clock_hz) == ("x86_64", 4, 4, 2_300_000_000)
    assert (profile.page_size_bytes, profile.line_size_bytes) == (4096, 64)
    assert profile.cache_size_bytes == 2**20
    assert profile.node_hops == TWO_FAR_APART
    assert profile.algorithm == "ticket"
    assert (profile.bias_releaser, profile.bias_same_node, profile.bias_other_node) == (0, 1, 1)


def test_on_ideal_every_step_is_free_and_nothing_leaves_the_cache() -> None:
    profile = load_profile("ideal")
    assert {*profile.low_ps, *profile.best_ps, *profile.high_ps} == {0}
    assert (profile.algorithm, profile.order) == ("ideal", "fifo")
    assert (profile.handoff_fixed_ps, profile.handoff_per_waiter_ps) == (0, 0)
    assert (profile.nodes, profile.page_size_bytes, profile.cache_size_bytes) == (1, 4096, 0)
    assert profile.node_hops == ((0,),)


def test_every_file_among_the_shipped_profiles_has_its_name_and_is_listed() -> None:
    assert {path.stem for path in Path(profiles.__file__).parent.glob("*.yaml")} == set(SHIPPED)
    assert profile_names()[: len(SHIPPED)] == SHIPPED
    assert [load_profile(name).name for name in SHIPPED] == list(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_figure_of_a_shipped_profile_has_a_source_that_says_how_far_to_trust_it(name: str) -> None:
    unmarked = [figure.key for figure in describe(load_profile(name)) if not re.search(r"\[[VDEU]\]", figure.source)]
    assert unmarked == []


def test_every_cost_is_described_once_in_the_order_of_the_table() -> None:
    keys = [figure.key for figure in describe(load_profile("x86_64"))]
    head = ["clock", "nodes", "cpus_per_node", "page_size", "line_size", "cache_size", "node_hops", "algorithm"]
    assert keys == [*head, *COST_NAMES]


@pytest.mark.parametrize(
    "name, key, shown",
    [
        ("x86_64", "clock", ("2.3", "2.3", "2.3", "GHz")),
        ("x86_64", "cache_size", ("1", "1", "1", "MiB")),
        ("x86_64", "algorithm", ("ticket", "ticket", "ticket", "")),
        ("ia64", "l1_hit", ("0.6", "0.6", "1.3", "ns")),
        ("ia64", "spinlock_bias", ("releaser 8, same_node 4, other_node 1",) * 3 + ("",)),
        ("ia64", "prefetch_hidden", ("0", "0.5", "0.8", "")),
        ("ia64", "barrier_acquire", ("0", "0", "2", "ns")),
        ("ia64", "ipi_send", ("200", "600", "1200", "ns")),
        ("ia64", "page_copy", ("5.1", "9", "16", "us")),
        ("ia64", "io", ("3", "5.5", "13", "ms")),
        ("ideal", "cache_size", ("0", "0", "0", "B")),
        ("ideal", "node_hops", ("[[0]]", "[[0]]", "[[0]]", "")),
        ("ideal", "handoff_per_waiter", ("0", "0", "0", "ns")),
        ("ideal", "order", ("fifo", "fifo", "fifo", "")),
    ],
)
def test_a_figure_is_described_exactly_in_a_unit_that_fits(name: str, key: str, shown: tuple[str, ...]) -> None:
    by_key = {figure.key: figure for figure in describe(load_profile(name))}
    assert by_key[key][1:5] == shown


def test_hops_beyond_the_matrix_are_as_many_as_the_farthest() -> None:
    x86_64, ideal = load_profile("x86_64"), load_profile("ideal")
    assert [hops(x86_64, 0, other) for other in range(6)] == [0, 1, 1, 2, 2, 2]
    assert [hops(x86_64, 5, other) for other in range(6)] == [2, 2, 2, 2, 2, 0]
    assert [hops(load_profile("ia64"), 7, other) for other in (0, 7, 8)] == [1, 0, 1]
    assert [hops(ideal, 0, 0), hops(ideal, 0, 1), hops(ideal, 3, 3)] == [0, 1, 0]


def test_a_profile_survives_the_way_to_a_worker_process() -> None:
    profile = load_profile("ia64")
    assert pickle.loads(pickle.dumps(profile)) == profile  # noqa: S301 - our own bytes
    assert hash(profile) == hash(replace(profile))


def test_names_comments_and_sources_do_not_change_the_hash(tmp_path: Path) -> None:
    plain = written(tmp_path / "a.yaml", "{name: a, extends: ia64}")
    told = "# why\nname: b\nextends: ia64\nsources: {io: a guess}\ncosts: {io: [1ms, 5500us, 20ms]}\n"
    assert plain.content_sha256 == load_profile("ia64").content_sha256
    assert written(tmp_path / "b.yaml", told).content_sha256 == plain.content_sha256


@pytest.mark.parametrize(
    "change",
    [
        "machine: {nodes: 3}",
        "machine: {cpus_per_node: 5}",
        "machine: {page_size: 4KiB}",
        "machine: {line_size: 64B}",
        "machine: {cache_size: 6MiB}",
        "node_hops: [[0, 2, 1, 1], [2, 0, 1, 1], [1, 1, 0, 1], [1, 1, 1, 0]]",
        "spinlock: {algorithm: queued}",
        "spinlock: {algorithm: ideal}",
        "spinlock: {line_service: 101ns}",
        "spinlock_bias: {releaser: 7}",
        "spinlock_bias: {other_node: 2}",
        "costs: {io: 5.500000001ms}",
        "costs: {prefetch_hidden: 0.501}",
    ],
)
def test_every_figure_that_a_run_reads_changes_the_hash(tmp_path: Path, change: str) -> None:
    changed = written(tmp_path / "a.yaml", f"name: a\nextends: ia64\n{change}\n")
    assert changed.content_sha256 != load_profile("ia64").content_sha256


@pytest.mark.parametrize("change", ["order: lifo", "handoff_fixed: 1ns", "handoff_per_waiter: 1ns"])
def test_every_figure_of_the_ideal_lock_changes_the_hash(tmp_path: Path, change: str) -> None:
    changed = written(tmp_path / "a.yaml", f"{{name: a, extends: ideal, spinlock: {{{change}}}}}")
    assert changed.content_sha256 != load_profile("ideal").content_sha256


def test_the_hash_follows_figures_that_are_replaced_in_memory() -> None:
    profile = load_profile("x86_64")
    slower = list(profile.best_ps)
    slower[L1_HIT] += 1
    assert replace(profile, best_ps=tuple(slower)).content_sha256 != profile.content_sha256
    assert replace(profile, name="other", sources={}).content_sha256 == profile.content_sha256


def test_the_hash_is_the_same_on_every_machine_and_day() -> None:
    assert load_profile("ideal").content_sha256 == "0fedb7f75ded31f9ff3065b8ba31e5372dcca854641160943810b1e1d9df33b3"
    assert load_profile("ideal").best_ps[PREFETCH_HIDDEN] == 0


def test_every_shipped_machine_has_prices_but_that_of_queueing_theory() -> None:
    names = [profile.name for profile in priced_profiles()]
    assert {"ia64", "x86_64"} <= set(names)
    assert "ideal" not in names
