"""Known defects of the designs, so that a hit is told apart from a violation nobody knew of (kernel-protocol §10)."""

from __future__ import annotations

from typing import NamedTuple

from perfsim.kernel.state import (
    BAD_PAGE_LOCKED,
    BAD_PAGE_MLOCKED,
    BUG_PAGE_COUNT,
    BUG_PUT_PAGE,
    BUG_UNLOCKED_PAGE,
)


class Defect(NamedTuple):
    """name: as in the history (B4, R3, …); violation: the assertion it breaks; meaning: one sentence."""

    name: str
    violation: int
    meaning: str


DEFECTS: dict[str, tuple[Defect, ...]] = {
    "lock_page": (
        Defect(
            "B4", BAD_PAGE_LOCKED, "a page is freed by its last put_page while its putback still holds the page lock"
        ),
        Defect("B4", BUG_UNLOCKED_PAGE, "unlock_page() after that: BUG at mm/filemap.c:575"),
    ),
    "redo": (
        Defect("R1", BUG_PAGE_COUNT, "migration looks at the new page after its last reference may be gone"),
        Defect("R1", BUG_PUT_PAGE, "put_page() of the new page after that"),
        Defect("R2", BAD_PAGE_LOCKED, "a new page is freed between its putback and the end of its page lock"),
        Defect("R2", BUG_UNLOCKED_PAGE, "unlock_page() after that: BUG at mm/filemap.c:575"),
        Defect("R3", BAD_PAGE_MLOCKED, "a page mlocked while it is being truncated is freed with PG_mlocked set"),
    ),
    "redo_merged": (),
    "redo_barrier": (),
    "no_unevictable_lru": (),
}
"""By design, with the violation that each shows as."""
