"""perfsim's own sources, of which results and compiled code are known to be."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

MODEL_SOURCES = (
    *("numeric/*.py", "machine/*.py", "kernel/*.py", "kernel/effects/*.py", "kernel/paths/*.py"),
    *("kernel/paths/shared/*.py", "engine/*.py", "measure/*.py"),
)
"""What a row comes from beside its workload, its profile and the files of its design, which are known by themselves."""


@cache
def sources_sha256(patterns: tuple[str, ...]) -> str:
    """Hash of the files of the package that match, with their names, as they were when a process first asked.

    That is soon after it has loaded them. patterns: of paths below the package.
    """
    package = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for file in sorted({file for pattern in patterns for file in package.glob(pattern)}):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(package)} {len(content)} ".encode() + content)
    return digest.hexdigest()
