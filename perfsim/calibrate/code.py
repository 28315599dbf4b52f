"""The kernels, compiled once for a machine and kept beside the engine; running them needs llvmlite alone."""

from __future__ import annotations

import platform
from functools import cache
from typing import TYPE_CHECKING

from perfsim.engine.cache import directory, identity_of, kept_code
from perfsim.engine.load import linked
from perfsim.errors import PerfsimError

if TYPE_CHECKING:
    from perfsim.engine.load import Act

MACHINES = ("x86_64", "aarch64")
"""Of whose clock engine/atomics.py knows how user mode reads it."""

SOURCES = (
    *(f"calibrate/{name}.py" for name in ("compile", "instructions", "kernels", "locks")),
    *(f"engine/{name}.py" for name in ("atomics", "compile", "native")),
)


def check_machine() -> None:
    """Raises PerfsimError where nothing can be measured: no CPUs to pin to, no futex(), no clock that we can read."""
    if platform.system() != "Linux" or platform.machine() not in MACHINES:
        here = f"{platform.system()} on {platform.machine()}"
        raise PerfsimError(f"nothing can be measured on {here}; expected Linux on {' or '.join(MACHINES)}")


@cache
def kernels() -> Act:
    """act(block, kernel, 0): see kernels.act()."""
    file = directory() / f"calibrate-{identity_of(SOURCES)}.o"
    return linked(kept_code(file, "kernels", "some seconds", _made))


def _made() -> bytes:
    from perfsim.calibrate.compile import machine_code  # numba, which a warm cache does without

    return machine_code()
