"""Known defects of the designs, so that a hit is told apart from a violation nobody knew of (kernel-protocol §10).

A hit is counted and the run goes on as a kernel without debugging does: bad_page() clears the flags of a page freed
while locked, and unlocking it later changes nothing. One step is not taken, as it would take memory from whoever has
the page by then: the put_page() of R1 (see unmap_and_move()).
"""

from __future__ import annotations

from typing import NamedTuple

from perfsim.kernel.constants import BAD_PAGE_LOCKED, BAD_PAGE_MLOCKED, BUG_PAGE_COUNT, BUG_UNLOCKED_PAGE


class Defect(NamedTuple):
    """name: as in the history (B4, R3, …); violation: the assertion it breaks; meaning: one sentence."""

    name: str
    violation: int
    meaning: str


_B4 = (
    Defect("B4", BAD_PAGE_LOCKED, "a page is freed by its last put_page while its putback still holds the page lock"),
    Defect("B4", BUG_UNLOCKED_PAGE, "unlock_page() after that: BUG at mm/filemap.c:575"),
)
_R1 = (Defect("R1", BUG_PAGE_COUNT, "migration looks at the new page after its last reference may be gone"),)
_R2 = (
    Defect("R2", BAD_PAGE_LOCKED, "a new page is freed between its putback and the end of its page lock"),
    Defect("R2", BUG_UNLOCKED_PAGE, "unlock_page() after that: BUG at mm/filemap.c:575"),
)
_R3 = (Defect("R3", BAD_PAGE_MLOCKED, "a page mlocked while it is being truncated is freed with PG_mlocked set"),)

DEFECTS: dict[str, tuple[Defect, ...]] = {
    "lock_page": (*_B4, *_R1),
    "redo": (*_R1, *_R2, *_R3),
    "redo_merged": (),
    "redo_barrier": (),
    "no_unevictable_lru": (*_R1, *_R2),
}
"""By design, with the violation that each shows as. R1 is older than the rework, which leaves its lines alone; B4 in
move_to_new_page() is R2 there. Without the unevictable list migration is that of the rework.
"""
