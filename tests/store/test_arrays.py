"""Arrays made of buffers are those that Arrow makes of the same values."""

import subprocess
import sys
from typing import Any

import pyarrow as pa
import pytest

from perfsim.store.arrays import array_of

PAIRS = pa.list_(pa.struct([("upper_ns", pa.float64()), ("count", pa.int64())]))
PAIR = {"upper_ns": 2.5, "count": 3}


@pytest.mark.parametrize(
    "values, type_",
    [
        ([1, None, -(2**63), 2**63 - 1], pa.int64()),
        ([None] * 9 + [7], pa.int64()),
        ([0.1, None, float("inf"), -0.0, 3], pa.float64()),
        (["", None, "ä", "ab\0c"], pa.string()),
        ([[PAIR], None, [], [PAIR, None, {"upper_ns": None, "count": 1}]], PAIRS),
        ([[]], PAIRS),
        *(([], type_) for type_ in (pa.int64(), pa.float64(), pa.string(), PAIRS)),
    ],
)
def test_an_array_is_the_one_that_arrow_makes(values: list[Any], type_: pa.DataType) -> None:
    made = array_of(values, type_)
    made.validate(full=True)
    assert made.equals(pa.array(values, type=type_))
    assert made.null_count == values.count(None)
    assert repr(made.to_pylist()) == repr(pa.array(values, type=type_).to_pylist())


@pytest.mark.parametrize(
    "value, type_", [("1", pa.int64()), (1.5, pa.int64()), (2**63, pa.int64()), ("1", pa.float64()), (1, pa.string())]
)
def test_a_value_of_another_type_is_refused(value: object, type_: pa.DataType) -> None:
    with pytest.raises((TypeError, AttributeError, OverflowError)):
        array_of([value], type_)


def test_pandas_is_not_loaded() -> None:
    text = "import sys, pyarrow; from perfsim.store.arrays import array_of; array_of([1], pyarrow.int64()); "
    loaded = subprocess.run([sys.executable, "-c", f"{text}sys.exit('pandas' in sys.modules)"], check=False)
    assert loaded.returncode == 0
