"""Trees of /proc and /sys as kernels show them."""

from pathlib import Path


def put(root: Path, files: dict[str, str]) -> None:
    """Write files below a root, by their path."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def two_sockets(root: Path) -> None:
    """Two sockets of two cores of two threads each; CPUs 0 to 3 are the first threads, 4 to 7 their siblings."""
    for number in range(8):
        core = number % 4
        folder = f"sys/devices/system/cpu/cpu{number}"
        put(
            root,
            {
                f"{folder}/topology/physical_package_id": f"{core // 2}\n",
                f"{folder}/topology/thread_siblings_list": f"{core},{core + 4}\n",
                f"{folder}/cache/index0/level": "1\n",
                f"{folder}/cache/index0/type": "Data\n",
                f"{folder}/cache/index0/size": "32K\n",
                f"{folder}/cache/index0/coherency_line_size": "64\n",
                f"{folder}/cache/index1/level": "1\n",
                f"{folder}/cache/index1/type": "Instruction\n",
                f"{folder}/cache/index1/size": "64K\n",
                f"{folder}/cache/index2/level": "2\n",
                f"{folder}/cache/index2/type": "Unified\n",
                f"{folder}/cache/index2/size": "1024K\n",
            },
        )
    put(root, {"proc/cpuinfo": "model name\t: Xeon  of a test\nflags\t\t: fpu hypervisors sse2\n"})


def cores_of_two_threads(root: Path) -> None:
    """One socket of two cores; CPUs 0 and 1 are siblings, and 2 and 3."""
    for number in range(4):
        folder = f"sys/devices/system/cpu/cpu{number}/topology"
        first = number // 2 * 2
        put(root, {f"{folder}/physical_package_id": "0\n", f"{folder}/thread_siblings_list": f"{first}-{first + 1}\n"})
