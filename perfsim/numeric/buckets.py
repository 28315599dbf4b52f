"""Log-linear histogram cells: whole numbers below 2**63, each cell at most a 64th of its values wide.

Values below 128 have a cell each; above, the seven leading bits name the cell (the layout of HdrHistogram).
"""

from __future__ import annotations

from perfsim.numeric.random import bit_length

_SUB_BITS = 6
_EXACT = 1 << (_SUB_BITS + 1)

CELLS = 64 * 58


def bucket(value: int) -> int:
    """Cell of a whole number from 0 to 2**63 - 1."""
    if value < _EXACT:
        return value
    shift = bit_length(value) - _SUB_BITS - 1
    return (shift << _SUB_BITS) + (value >> shift)


def upper(cell: int) -> int:
    """Largest value of a cell: what a percentile reports, so that it is never too low."""
    if cell < _EXACT:
        return cell
    shift = (cell >> _SUB_BITS) - 1
    return ((cell - (shift << _SUB_BITS) + 1) << shift) - 1
