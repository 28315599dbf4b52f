"""The explorer's scenarios as Promela models, run by SPIN: tests/explore/spin has each model beside its scenario.

SPIN (Debian package spin, with gcc) searches them without reduction, and goes on behind what is wrong, as the explorer
does behind what it is not asked for.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).resolve().parents[1] / "tests" / "explore" / "spin"
LARGEST = "largest"
NO_SPIN = "no spin, or no gcc, on the path"

_DEPTH_MAX = 100_000
_MB = 1 << 20


class SpinSearch(NamedTuple):
    """What SPIN found. final_states: each as the model tells it. wrong: properties that are broken, by the explorer's
    names. seconds: of the search alone. memory_bytes: all that it took, the hash table and the stack with it.
    """

    states: int
    transitions: int
    final_states: frozenset[str]
    wrong: frozenset[str]
    seconds: float
    memory_bytes: int


def model_names() -> list[str]:
    """The models, in alphabetical order; each has a scenario of the same name."""
    return sorted(path.stem for path in FOLDER.glob("*.pml"))


def can_run() -> bool:
    """Whether this machine has SPIN and the compiler that it needs."""
    return bool(shutil.which("spin") and shutil.which("gcc"))


def build(name: str, folder: Path, optimization: str = "-O2") -> Path:
    """Compile a model's search in a folder of its own. Raises CalledProcessError for a model that is none."""
    _run(["spin", "-a", str(FOLDER / f"{name}.pml")], folder)
    program = folder / "pan"
    _run(["gcc", optimization, "-w", "-DSAFETY", "-DNOREDUCE", "-o", str(program), "pan.c"], folder)
    return program


def search(program: Path, table_bits: int = 20) -> SpinSearch:
    """Run a model's search to its end. table_bits: the hash table has two to the power of it entries.

    Raises ValueError if that is not to be had of this output: a search that was cut short, say.
    """
    said = _run([str(program), "-c0", f"-m{_DEPTH_MAX}", f"-w{table_bits}"], program.parent)
    if "Search not completed" in said or "max search depth too small" in said:
        raise ValueError(f"SPIN did not search all of {program}: {said[-2000:]}")
    finals = frozenset(re.findall(r"^final: (.*)$", said, re.MULTILINE))
    wrong = set(re.findall(r"^violation: (\w+)$", said, re.MULTILINE))
    wrong |= {name for name in ("stranded", "counter_drift") if any(name in one for one in finals)}
    if int(_figure(said, r"errors: (\d+)")):
        wrong.add("deadlock")  # all that SPIN itself looks for here are ends at which somebody is not done
    return SpinSearch(
        int(_figure(said, r"(\d+) states, stored")),
        int(_figure(said, r"(\d+) transitions")),
        finals,
        frozenset(wrong),
        float(_figure(said, r"elapsed time ([\d.e+-]+) seconds")),
        int(float(_figure(said, r"([\d.]+)\s+total actual memory usage")) * _MB),
    )


def _figure(said: str, pattern: str) -> str:
    found = re.search(pattern, said)
    if not found:
        raise ValueError(f"SPIN says nothing like {pattern!r}: {said[-2000:]}")
    return found[1]


def _run(command: list[str], folder: Path) -> str:
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout
