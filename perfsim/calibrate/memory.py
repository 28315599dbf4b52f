"""Memory of a measurement's own, straight from the system."""

from __future__ import annotations

import mmap
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from perfsim.errors import PerfsimError
from perfsim.units import format_size

if TYPE_CHECKING:
    from perfsim.calibrate.threads import Words


class Region:
    """Anonymous pages, as words. huge: in pages as large as the system gives, for the TLB's sake; else in small."""

    def __init__(self, size_bytes: int, *, huge: bool) -> None:
        try:
            self._map = mmap.mmap(-1, size_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        except OSError as error:
            problem = f"{format_size(size_bytes)} of memory cannot be had: {error.strerror}"
            raise PerfsimError(problem) from error
        with suppress(OSError, AttributeError):  # a kernel without them has small pages alone
            self._map.madvise(mmap.MADV_HUGEPAGE if huge else mmap.MADV_NOHUGEPAGE)
        self.words: Words = np.frombuffer(self._map, np.int64)
        self.address: int = self.words.ctypes.data

    def touch(self) -> None:
        """Let every page be there."""
        self.words[:: mmap.PAGESIZE // self.words.itemsize] = 1

    def discard(self) -> None:
        """Give the pages back; what is touched next faults."""
        self._map.madvise(mmap.MADV_DONTNEED)
