"""The profile that a calibration writes: read back, its figures are those that were measured, the rest is marked."""

from pathlib import Path

import pytest

from perfsim.calibrate.findings import Finding, by_key, found, not_measured, virtual
from perfsim.calibrate.here import Here, look_around
from perfsim.calibrate.samples import Figure, Sample, figure_of
from perfsim.calibrate.written import Machine, calibrated, nearest
from perfsim.machine.costs import COST_NAMES
from perfsim.machine.profile import CostProfile, load_profile
from tests.calibrate.trees import two_sockets

FIGURE = Figure(60.12, 64.36, 69.87, 0.15)


@pytest.fixture
def here(tmp_path: Path) -> Here:
    """Two sockets of two cores."""
    two_sockets(tmp_path / "root")
    return look_around(tmp_path / "root", set(range(4)))


def read_back(folder: Path, here: Here, findings: list[Finding], name: str = "mine") -> CostProfile:
    file = folder / "mine.yaml"
    base = load_profile("x86_64_modern")
    machine = Machine(name, here, 3.204e9, "2026-11-30")
    file.write_text(calibrated(machine, by_key(findings), base).text, encoding="utf-8")
    return load_profile(str(file))


def best_ps(profile: CostProfile, key: str) -> int:
    return profile.best_ps[COST_NAMES.index(key)]


def test_a_measured_figure_is_read_back_with_its_range_and_says_when_where_and_how(tmp_path: Path, here: Here) -> None:
    profile = read_back(tmp_path, here, [found("llc_transfer", FIGURE, "ping-pong of one line")])
    index = COST_NAMES.index("llc_transfer")
    assert [ps[index] for ps in (profile.low_ps, profile.best_ps, profile.high_ps)] == [60_100, 64_400, 69_900]
    source = profile.sources["llc_transfer"]
    assert source.startswith(f"measured 2026-11-30 on {here.model}, Linux {here.kernel}: ping-pong of one line")


def test_the_machine_is_the_one_that_was_measured(tmp_path: Path, here: Here) -> None:
    profile = read_back(tmp_path, here, [])
    assert (profile.name, profile.nodes, profile.cpus_per_node) == ("mine", 2, 2)
    assert (profile.clock_hz, profile.line_size_bytes) == (3_200_000_000, 64)
    assert profile.node_hops == ((0, 1), (1, 0))


@pytest.mark.parametrize("name", ["true", "null"])
def test_a_name_that_means_something_else_in_yaml_is_read_back_as_it_is(name: str, tmp_path: Path, here: Here) -> None:
    assert read_back(tmp_path, here, [], name).name == name


def test_everything_else_is_the_nearest_profiles_and_marked_so(tmp_path: Path, here: Here) -> None:
    noise = figure_of([Sample(1.0), Sample(5.0)])
    findings = [
        found("syscall", noise, "getppid()"),
        not_measured("dram_local", "too large"),
        virtual("ipi", FIGURE, ""),
    ]
    profile = read_back(tmp_path, here, findings)
    base = load_profile("x86_64_modern")
    assert profile.best_ps == base.best_ps
    reasons = {
        "syscall": "noise, spread 400 %",
        "dram_local": "not measured, too large",
        "ipi": "virtual, in a virtual machine this measures the hypervisor",
        "shrink_page": "cannot be measured in user mode",
    }
    for key, reason in reasons.items():
        assert profile.sources[key].startswith(f"from x86_64_modern, {reason}")
        assert profile.sources[key].endswith(f"; there: {base.sources[key]}")


def test_a_profile_whose_figures_contradict_one_another_is_written_with_one_that_gives_way(
    tmp_path: Path, here: Here
) -> None:
    profile = read_back(tmp_path, here, [found("llc_transfer", FIGURE.times(4), "ping-pong")])
    assert best_ps(profile, "socket_transfer") == best_ps(profile, "llc_transfer") == 257_000
    assert profile.sources["socket_transfer"].startswith("socket_transfer gives way: 130ns does not go with")


def test_figures_of_no_profile_are_not_written(tmp_path: Path, here: Here) -> None:
    assert read_back(tmp_path, here, [found("atomic_contended", FIGURE, "for comparison")]).name == "mine"


def test_the_nearest_profile_is_chosen_by_architecture() -> None:
    assert nearest("x86_64") == "x86_64_modern"
    assert nearest("ia64") == "ia64"
    assert nearest("aarch64") == "x86_64_modern"
