"""The pointer chase visits every line, in one cycle."""

import numpy as np

from perfsim.calibrate.core import STRIDE_BYTES, link
from perfsim.calibrate.threads import address, aligned


def test_a_chase_passes_every_line_once_before_it_comes_back() -> None:
    words = aligned(64 * STRIDE_BYTES // 8)
    starts = link(words, np.random.default_rng(3))
    at = int(starts[0])
    seen = []
    for _ in range(64):
        seen.append(at)
        at = int(words[(at - address(words)) // 8])
    assert at == starts[0]
    assert sorted(seen) == [address(words) + number * STRIDE_BYTES for number in range(64)]
