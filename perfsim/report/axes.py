"""The columns of a sweep's axes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from perfsim.report.render import Head, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence


def axis_heads(paths: Sequence[str]) -> list[Head]:
    """People read the last part of an axis's path, unless two axes share it."""
    lasts = [path.rpartition(".")[2] for path in paths]
    counts = Counter(lasts)
    return [
        Head(path, last if counts[last] == 1 else path, kind=Kind.EXACT)
        for path, last in zip(paths, lasts, strict=True)
    ]
