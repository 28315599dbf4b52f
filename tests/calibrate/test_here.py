"""What the system tells of the machine, from trees of files."""

from itertools import combinations
from pathlib import Path

from perfsim.calibrate.here import (
    ACROSS,
    SAME_CORE,
    SAME_SOCKET,
    cores_of_largest_socket,
    look_around,
    nearness,
)
from tests.calibrate.trees import cores_of_two_threads, put, two_sockets


def test_pairs_of_cpus_are_told_apart_by_core_and_socket(tmp_path: Path) -> None:
    two_sockets(tmp_path)
    cpus = {cpu.number: cpu for cpu in look_around(tmp_path, set(range(8))).cpus}
    assert nearness(cpus[0], cpus[4]) == SAME_CORE
    assert nearness(cpus[0], cpus[1]) == nearness(cpus[4], cpus[1]) == SAME_SOCKET
    assert nearness(cpus[1], cpus[2]) == ACROSS
    found = [nearness(*pair) for pair in combinations(cpus.values(), 2)]
    assert [found.count(near) for near in (SAME_CORE, SAME_SOCKET, ACROSS)] == [4, 8, 16]


def test_siblings_come_behind_the_cores_of_their_socket(tmp_path: Path) -> None:
    two_sockets(tmp_path)
    here = look_around(tmp_path, set(range(8)))
    assert [cpu.number for cpu in here.cpus] == [0, 1, 4, 5, 2, 3, 6, 7]
    assert [cpu.number for cpu in cores_of_largest_socket(here.cpus)] == [0, 1]


def test_siblings_come_behind_whole_cores_where_they_are_numbered_side_by_side_too(tmp_path: Path) -> None:
    cores_of_two_threads(tmp_path)
    assert [cpu.number for cpu in look_around(tmp_path, {0, 1, 2, 3}).cpus] == [0, 2, 1, 3]
    put(tmp_path, {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "200000 100000\n"})
    assert nearness(*look_around(tmp_path, {0, 1, 2, 3}).cpus) == SAME_SOCKET


def test_caches_are_those_of_the_first_cpu_that_is_used(tmp_path: Path) -> None:
    cores_of_two_threads(tmp_path)
    for number, size, socket in ((1, "32K", "1"), (2, "48K", "0")):
        folder = f"sys/devices/system/cpu/cpu{number}"
        cache = {"level": "1", "type": "Data", "size": size}
        put(tmp_path, {f"{folder}/cache/index0/{name}": text for name, text in cache.items()})
        put(tmp_path, {f"{folder}/topology/physical_package_id": socket})
    here = look_around(tmp_path, {1, 2})
    assert (here.cpus[0].number, here.caches_bytes) == (2, {1: 48 * 2**10})


def test_cpus_outside_of_the_affinity_are_not_used(tmp_path: Path) -> None:
    two_sockets(tmp_path)
    here = look_around(tmp_path, {1, 3, 7})
    assert [cpu.number for cpu in here.cpus] == [1, 3, 7]
    assert [cpu.number for cpu in cores_of_largest_socket(here.cpus)] == [3]


def test_a_container_that_gets_the_time_of_fewer_cpus_uses_fewer(tmp_path: Path) -> None:
    two_sockets(tmp_path)
    put(tmp_path, {"proc/self/cgroup": "0::/box/inner\n", "sys/fs/cgroup/box/cpu.max": "250000 100000\n"})
    here = look_around(tmp_path, set(range(8)))
    assert [cpu.number for cpu in here.cpus] == [0, 1]
    assert here.left_out == "8 CPUs, but time for 2.5: 2 are used"


def test_a_container_of_the_first_version_of_control_groups_is_heard_too(tmp_path: Path) -> None:
    two_sockets(tmp_path)
    quota = {"cpu.cfs_quota_us": "50000\n", "cpu.cfs_period_us": "100000\n"}
    put(tmp_path, {"proc/self/cgroup": "1:cpu:/box\n"} | {f"sys/fs/cgroup/cpu/box/{k}": v for k, v in quota.items()})
    assert [cpu.number for cpu in look_around(tmp_path, {4, 5}).cpus] == [4]


def test_no_limit_is_no_limit(tmp_path: Path) -> None:
    two_sockets(tmp_path)
    put(tmp_path, {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"})
    here = look_around(tmp_path, {0, 1})
    assert (len(here.cpus), here.left_out) == (2, "")


def test_caches_are_those_of_data(tmp_path: Path) -> None:
    two_sockets(tmp_path)
    here = look_around(tmp_path, {0})
    assert here.caches_bytes == {1: 32 * 2**10, 2: 2**20}
    assert here.line_bytes == 64


def test_a_guest_is_known_by_the_processors_flag_and_by_no_word_like_it(tmp_path: Path) -> None:
    two_sockets(tmp_path)
    assert not look_around(tmp_path, {0}).is_virtual
    put(tmp_path, {"proc/cpuinfo": "model name\t: Xeon\nflags\t\t: fpu hypervisor sse2\n"})
    assert look_around(tmp_path, {0}).is_virtual


def test_a_system_that_tells_nothing_is_one_socket_of_cores(tmp_path: Path) -> None:
    here = look_around(tmp_path, {0, 1})
    assert nearness(*here.cpus) == SAME_SOCKET
    assert (here.caches_bytes, here.mitigations, here.is_virtual) == ({}, (), False)
    assert here.model.startswith("unknown processor")


def test_mitigations_that_are_on_are_kept(tmp_path: Path) -> None:
    folder = "sys/devices/system/cpu/vulnerabilities"
    put(tmp_path, {f"{folder}/meltdown": "Mitigation: PTI\n", f"{folder}/mds": "Not affected\n"})
    assert look_around(tmp_path, {0}).mitigations == ("meltdown: Mitigation: PTI",)


def test_cpus_that_share_the_last_cache_are_counted(tmp_path: Path) -> None:
    put(tmp_path, {"sys/devices/system/cpu/cpu0/cache/index3/shared_cpu_list": "0-3,8-11\n"})
    assert look_around(tmp_path, {0}).llc_cpus == 8
    assert look_around(tmp_path, {1}).llc_cpus == 1
