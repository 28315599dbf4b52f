"""Arrow's arrays of Python's values, made of their buffers.

`pa.array` does the same, but first asks whether the values are of pandas, and loads pandas to ask: 0.2 s of every sweep
where it is installed.
"""

from __future__ import annotations

from array import array
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence

_CODES = {pa.int64(): "q", pa.float64(): "d"}


def array_of(values: Sequence[Any], type_: pa.DataType) -> pa.Array:
    """The values, None for null, as an array. type_: string, int64, float64, or a list or struct of these.

    Raises TypeError, AttributeError or OverflowError for a value that is not of the type.
    """
    valid = [value is not None for value in values]
    nulls = None if all(valid) else pa.py_buffer(np.packbits(valid, bitorder="little").tobytes())
    if pa.types.is_struct(type_):
        fields = [array_of([value and value[field.name] for value in values], field.type) for field in type_]
        return pa.Array.from_buffers(type_, len(values), [nulls], children=fields)
    if pa.types.is_list(type_):
        items = array_of(list(chain.from_iterable(value or () for value in values)), type_.value_type)
        return pa.Array.from_buffers(type_, len(values), [nulls, _offsets(values)], children=[items])
    if pa.types.is_string(type_):
        texts = [(value or "").encode() for value in values]
        return pa.Array.from_buffers(type_, len(values), [nulls, _offsets(texts), pa.py_buffer(b"".join(texts))])
    numbers = array(_CODES[type_], [0 if value is None else value for value in values])
    return pa.Array.from_buffers(type_, len(values), [nulls, pa.py_buffer(numbers)])


def _offsets(parts: Sequence[Any]) -> pa.Buffer:
    """Where each part begins among all, and where the last one ends."""
    ends = accumulate((len(part or ()) for part in parts), initial=0)
    return pa.py_buffer(np.fromiter(ends, dtype=np.int32))
