"""A small good scenario."""

import pytest

GOOD = """\
name: good
meaning: a page goes back to the LRU while it is munlocked.
kernel: {memcg: false, pagevec_size: 2}
pages:
  - {name: page, flags: [uptodate, swapbacked, mlocked], mapping: anon, pte: true, where: off, references: 2}
  - {name: other, where: free}
cpus:
  - {name: reclaim, does: {lock_page: [cull_unevictable_page(page)], otherwise: [putback_lru_page(page)]}}
  - {name: munlock, does: ["__munlock_vma_pages_range(pte(page), 1)"]}
expect: {redo: {sc: safe}}
"""


@pytest.fixture
def good_text() -> str:
    return GOOD
