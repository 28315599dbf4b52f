"""The machine that this process may use: CPUs, how near they are, caches, what is known of it by name."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import NamedTuple

from perfsim.units import SIZE_UNITS_BYTES

SAME_CORE, SAME_SOCKET, ACROSS = "same core", "same socket", "across sockets"
"""How near two CPUs are. SMT siblings share a core's own caches."""

DEFAULT_LINE_BYTES = 64
_UNKNOWN = "unknown processor"


class Cpu(NamedTuple):
    """One CPU by its number in the system, with its core and its socket."""

    number: int
    core: str
    socket: str


class Here(NamedTuple):
    """What this process may use of the machine.

    cpus: those of its affinity, and no more than its share of CPU time lets run. left_out: words on the others.
    caches_bytes: of the first CPU, by level, of data; what a file does not tell is not in it.
    llc_cpus: how many CPUs share its last level, used or not.
    memory_bytes: that are free to be used. mitigations: lines on those that are switched on; they make the way into the
    kernel longer. is_virtual: in a guest of a hypervisor.
    """

    cpus: tuple[Cpu, ...]
    left_out: str
    caches_bytes: dict[int, int]
    llc_cpus: int
    line_bytes: int
    memory_bytes: int
    model: str
    kernel: str
    architecture: str
    mitigations: tuple[str, ...]
    is_virtual: bool

    @property
    def name(self) -> str:
        """The machine in words: processor, kernel, whether it is virtual."""
        return f"{self.model}, Linux {self.kernel}{', in a virtual machine' if self.is_virtual else ''}"


def look_around(root: Path = Path("/"), allowed: set[int] | None = None) -> Here:
    """Read the files of /proc and /sys below a root. allowed: the CPUs of the affinity; this thread's if left out."""
    numbers = os.sched_getaffinity(0) if allowed is None else allowed
    cpus = _whole_cores_first([_cpu(root, number) for number in sorted(numbers)])
    limit = _limit(root)
    kept = cpus if limit is None else cpus[: max(1, int(limit))]
    left_out = "" if len(kept) == len(cpus) else f"{len(cpus)} CPUs, but time for {limit:g}: {len(kept)} are used"
    first = kept[0].number
    information = _read(root / "proc/cpuinfo")
    return Here(
        cpus=tuple(kept),
        left_out=left_out,
        caches_bytes=_caches(root, first),
        llc_cpus=_llc_cpus(root, first),
        line_bytes=_line_bytes(root, first),
        memory_bytes=_memory(root),
        model=_model(information),
        kernel=_read(root / "proc/sys/kernel/osrelease").strip() or platform.release(),
        architecture=platform.machine(),
        mitigations=_mitigations(root),
        is_virtual=_is_virtual(root, information),
    )


def nearness(one: Cpu, other: Cpu) -> str:
    """How near two different CPUs are."""
    if one.socket != other.socket:
        return ACROSS
    return SAME_CORE if one.core == other.core else SAME_SOCKET


def sockets(cpus: tuple[Cpu, ...]) -> dict[str, list[Cpu]]:
    """CPUs by their socket."""
    found: dict[str, list[Cpu]] = {}
    for cpu in cpus:
        found.setdefault(cpu.socket, []).append(cpu)
    return found


def cores_of_largest_socket(cpus: tuple[Cpu, ...]) -> list[Cpu]:
    """One CPU of each core of the socket that has most of them: what threads run on that share one lock's line."""
    first_of: dict[str, Cpu] = {}
    for cpu in max(sockets(cpus).values(), key=len):
        first_of.setdefault(cpu.core, cpu)
    return list(first_of.values())


def _cpu(root: Path, number: int) -> Cpu:
    folder = root / f"sys/devices/system/cpu/cpu{number}/topology"
    socket = _read(folder / "physical_package_id").strip() or "0"
    siblings = _read(folder / "thread_siblings_list").strip() or str(number)
    return Cpu(number, f"{socket}:{siblings}", socket)


def _whole_cores_first(cpus: list[Cpu]) -> list[Cpu]:
    """Socket by socket, one CPU of each core before its siblings. The CPUs come in the order of their numbers."""

    def key(cpu: Cpu) -> tuple[str, int]:
        return cpu.socket, sum(other.core == cpu.core and other.number < cpu.number for other in cpus)

    return sorted(cpus, key=key)


def _limit(root: Path) -> float | None:
    """How many CPUs' time the process's control group gives it; None for no limit."""
    places = _groups(root)
    limits = [_quota(root / "sys/fs/cgroup" / place) for place in places]
    limits += [_old_quota(root / "sys/fs/cgroup/cpu" / place) for place in places]
    return min((limit for limit in limits if limit is not None), default=None)


def _memory(root: Path) -> int:
    """What /proc/meminfo calls available, or less if the control groups say so; 0 if nothing does."""
    available = re.search(r"^MemAvailable:\s*(\d+) kB$", _read(root / "proc/meminfo"), re.MULTILINE)
    limits = [_read(root / "sys/fs/cgroup" / place / "memory.max").strip() for place in _groups(root)]
    limits += [
        _read(root / "sys/fs/cgroup/memory" / place / "memory.limit_in_bytes").strip() for place in _groups(root)
    ]
    return min([int(available[1]) << 10 if available else 0, *(int(limit) for limit in limits if limit.isdecimal())])


def _groups(root: Path) -> list[str]:
    """Paths of the process's control groups and of those that they are in, without the first slash."""
    own = [line.split(":", 2)[2] for line in _read(root / "proc/self/cgroup").splitlines() if line.count(":") >= 2]
    found = []
    for group in own:
        parts = [part for part in group.split("/") if part and part != ".."]
        found += ["/".join(parts[:count]) for count in range(len(parts), -1, -1)]
    return list(dict.fromkeys(found))


def _quota(folder: Path) -> float | None:
    words = _read(folder / "cpu.max").split()
    return int(words[0]) / int(words[1]) if len(words) == 2 and words[0].isdecimal() else None


def _old_quota(folder: Path) -> float | None:
    quota, period = (_read(folder / name).strip() for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us"))
    return int(quota) / int(period) if quota.isdecimal() and period.isdecimal() else None


def _caches(root: Path, number: int) -> dict[int, int]:
    """Bytes by level."""
    found = {}
    for folder in sorted((root / f"sys/devices/system/cpu/cpu{number}/cache").glob("index*")):
        level, kind = _read(folder / "level").strip(), _read(folder / "type").strip()
        size = re.fullmatch(r"(\d+)([KMG])", _read(folder / "size").strip())
        if kind != "Instruction" and level.isdecimal() and size:
            found[int(level)] = int(size[1]) * SIZE_UNITS_BYTES[f"{size[2]}iB"]
    return found


def _llc_cpus(root: Path, number: int) -> int:
    """CPUs of the list of the last cache, such as 0-3,8-11."""
    folders = sorted((root / f"sys/devices/system/cpu/cpu{number}/cache").glob("index*"))
    text = _read(folders[-1] / "shared_cpu_list").strip() if folders else ""
    spans = [[int(end) for end in span.split("-")] for span in text.split(",") if span.replace("-", "").isdecimal()]
    return max(1, sum(span[-1] - span[0] + 1 for span in spans))


def _line_bytes(root: Path, number: int) -> int:
    text = _read(root / f"sys/devices/system/cpu/cpu{number}/cache/index0/coherency_line_size").strip()
    return int(text) if text.isdecimal() else DEFAULT_LINE_BYTES


def _model(information: str) -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", information, re.MULTILINE)
    return " ".join(found[1].split()) if found else f"{_UNKNOWN} ({platform.machine()})"


def _mitigations(root: Path) -> tuple[str, ...]:
    files = sorted((root / "sys/devices/system/cpu/vulnerabilities").glob("*"))
    told = ((file.name, " ".join(_read(file).split())) for file in files)
    return tuple(f"{name}: {text}" for name, text in told if text.startswith("Mitigation"))


def _is_virtual(root: Path, information: str) -> bool:
    """By the flag that hypervisors set on x86, and by what the device tree or the firmware says elsewhere."""
    flags = re.search(r"^flags\s*:(.*)$", information, re.MULTILINE)
    if flags:
        return "hypervisor" in flags[1].split()
    vendor = _read(root / "sys/class/dmi/id/sys_vendor").lower()
    named = ("qemu", "kvm", "xen", "vmware", "amazon ec2", "google")
    return (root / "proc/device-tree/hypervisor").exists() or any(name in vendor for name in named)


def _read(path: Path) -> str:
    """A file's text; "" for one that is not there or may not be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
