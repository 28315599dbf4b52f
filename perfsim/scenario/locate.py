"""Where workload files are: a path, or the name of a shipped one."""

from __future__ import annotations

from pathlib import Path

from perfsim.errors import InputError, did_you_mean, quoted

SUFFIX = ".yaml"

_PACKAGE = Path(__file__).resolve().parents[1]
# In an installed wheel the workloads are inside the package; in a checkout they are beside it.
_SHIPPED_IN = (_PACKAGE / "workloads", _PACKAGE.parent / "workloads")


def shipped_workloads() -> dict[str, Path]:
    """The shipped workloads by name, in alphabetical order."""
    folder = next((folder for folder in _SHIPPED_IN if folder.is_dir()), None)
    found = sorted(folder.glob(f"*{SUFFIX}")) if folder else []
    return {path.stem: path for path in found}


def find_workload(workload: str) -> str:
    """The path of a workload file, given as a path or as the name of a shipped one.

    A bare word that is shipped means that, whatever else has this name here. Raises InputError if it is neither; what
    the file holds, and whether it is one, is for its reader to say.
    """
    shipped = shipped_workloads()
    if workload in shipped:
        return str(shipped[workload])
    try:
        exists = bool(workload) and Path(workload).exists()
    except (OSError, ValueError):
        exists = False
    if exists:
        return workload
    hint = did_you_mean(Path(workload[-128:]).name.removesuffix(SUFFIX), shipped)
    expected = f"the path of a {SUFFIX} file or one of {', '.join(shipped)}"
    raise InputError(
        "WORKLOAD", f"{quoted(workload, 80)} is no file and no shipped workload; expected {expected}{hint}"
    )
