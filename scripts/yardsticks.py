"""The C++ yardstick of the benchmark, lock_queue.cpp: built with whatever compiler there is, and run."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).resolve().with_name("lock_queue.cpp")
COMPILERS = ("c++", "g++", "clang++")
OPTIONS = ("-std=c++17", "-O3", "-march=native")


def build_cpp(directory: Path) -> Path | str:
    """Compile lock_queue.cpp into a directory. Returns the program, or a sentence that says why there is none.

    The compiler is $CXX (with its options, if it has any), else the first of COMPILERS on the path.
    """
    compiler = _compiler()
    if isinstance(compiler, str):
        return compiler
    program = directory / "lock_queue"
    command = [*compiler, *OPTIONS, "-o", str(program), str(SOURCE)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        return f"{compiler[0]} does not compile {SOURCE.name}: {_first_error(done)}"
    return program


def cpp_figures(program: Path, customers: int, simulated_ns: int, warmup_ns: int, seed: int) -> dict[str, Any]:
    """What the C++ loop counts in a window of simulated_ns after a warm-up, replication 0 of a seed.

    The names are those of its source; `seconds` and `operations_per_s` are the window's, not the warm-up's.
    wait_cells: [cell, count] of each filled cell of the histogram. Raises CalledProcessError for arguments it refuses.
    """
    command = [str(program), *map(str, (customers, simulated_ns, warmup_ns, seed))]
    figures: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return figures


def _compiler() -> list[str] | str:
    """The start of the command line, or why there is none."""
    wanted = shlex.split(os.environ.get("CXX", ""))
    if wanted and shutil.which(wanted[0]):
        return wanted
    if wanted:
        return f"no C++ compiler: $CXX is {wanted[0]}, which is not on the path"
    found = next((name for name in COMPILERS if shutil.which(name)), None)
    return [found] if found else f"no C++ compiler: none of {', '.join(COMPILERS)} is on the path, and $CXX is not set"


def _first_error(done: subprocess.CompletedProcess[str]) -> str:
    """The first line of a compiler's output that names an error, else its first line, else its exit status."""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line]
    return next(iter(errors + lines), f"exit status {done.returncode}")
