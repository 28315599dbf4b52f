"""Log-linear histogram cells: whole numbers up to 2**62 with a relative width of at most 1/64.

Values below 128 have a cell each; above, the seven leading bits name the cell (the layout of HdrHistogram).
"""

from __future__ import annotations

from perfsim.numeric.random import bit_length

_SUB_BITS = 6
_EXACT = 1 << (_SUB_BITS + 1)

CELLS = 64 * 58


def bucket(value: int) -> int:
    """Cell of a non-negative value below 2**62."""
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
