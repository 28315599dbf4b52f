"""Rows on disk as runs.parquet, which pandas, polars and DuckDB read unaided.

Every field carries its unit and meaning; the file carries the version of this form, of perfsim, and the workload's
text. Parquet's own checksums cover the pages but neither their headers nor the footer, so the file also carries a
digest of its rows and columns: what is read back is what was written, or it is refused.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from perfsim import __version__
from perfsim.errors import InputError
from perfsim.measure.columns import CHECKS, DEFECTS, FLOAT64, HIST, INT64, STRING, Column, columns_with
from perfsim.store.arrays import array_of
from perfsim.store.atomic import replacing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from perfsim.scenario.schema import Scenario

Row = dict[str, Any]

SCHEMA_VERSION = 1

_VERSION_KEY = "perfsim_schema_version"
_DIGEST_KEY = "perfsim_content_sha256"

_SCALARS = {pa.string(), pa.int64(), pa.float64()}

_TYPES = {
    STRING: pa.string(),
    INT64: pa.int64(),
    FLOAT64: pa.float64(),
    HIST: pa.list_(pa.struct([("upper_ns", pa.float64()), ("count", pa.int64())])),
    DEFECTS: pa.list_(pa.struct([("defect", pa.string()), ("count", pa.int64())])),
    CHECKS: pa.list_(pa.struct([("check", pa.string()), ("count", pa.int64()), ("first_ns", pa.float64())])),
}


class Damaged(InputError):  # noqa: N818 - what the file is
    """A file of results that is no longer what was written, or never was one."""


def write_runs(path: Path, rows: Sequence[Row], scenario: Scenario) -> None:
    """Replace a file of results by these rows, in their order, at once or not at all.

    rows: each has every column of `columns_with(scenario.sweep.axes)` and no other; None is null.
    The same rows give the same bytes. Raises InputError(path) if the place cannot be written.
    """
    columns = columns_with(scenario.sweep.axes)
    names = {column.name for column in columns}
    for row in rows:
        assert row.keys() == names, f"row {row.get('run_id')} and the table of columns differ: {row.keys() ^ names}"
    schema = pa.schema([_field(column) for column in columns], metadata=_file_metadata(scenario))
    table = pa.Table.from_arrays([_array(column, rows) for column in columns], schema=schema)
    digest = {_DIGEST_KEY: _digest(schema, table.to_pylist())}
    table = table.replace_schema_metadata({**table.schema.metadata, **digest})
    with replacing(path) as file:
        pq.write_table(table, file, compression="zstd", write_page_checksum=True)


def column_names(path: Path) -> tuple[str, ...]:
    """The columns that a file of results has, in their order. Raises InputError(path) as `read_columns` does."""
    return tuple(_opened(path, lambda parquet: parquet.schema_arrow.names))


def read_metadata(path: Path) -> dict[str, str]:
    """What a file of results says of itself: see `write_runs`. Raises InputError(path) as `read_columns` does."""
    metadata: dict[str, str] = _opened(path, lambda parquet: _texts(parquet.schema_arrow.metadata))
    return metadata


def read_columns(path: Path, names: Sequence[str]) -> pa.Table:
    """Some columns of a file of results, with the file's metadata: quick, however many rows and columns there are.

    names: columns that the file has. Pages are checked, the digest over all rows is not. Raises InputError(path) for a
    file that is not there, is damaged, is no results of perfsim, or is of a newer form.
    """
    table: pa.Table = _opened(path, lambda parquet: parquet.read(columns=list(names)))
    return table


def read_runs(path: Path) -> list[Row]:
    """The rows of a file of results, as `write_runs` was given them.

    Raises InputError(path) for a file that is not there, is no results of perfsim, or is of a newer form; its subclass
    Damaged for one that cannot be told from a file of perfsim's in which bytes have changed.
    """
    rows: list[Row] | None = _opened(path, _written_rows)
    if rows is None:
        raise Damaged(str(path), "damaged: the rows are not those that were written; expected an unchanged file")
    return rows


def _opened(path: Path, read: Callable[[pq.ParquetFile], Any]) -> Any:
    """What `read` gets out of a file that is one of ours."""
    try:
        with path.open("rb") as file:
            parquet = pq.ParquetFile(file, page_checksum_verification=True)
            _check_form(path, _texts(parquet.schema_arrow.metadata))
            _check_types(path, parquet.schema_arrow)
            return read(parquet)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _refusal(path, error) from error


def _written_rows(parquet: pq.ParquetFile) -> list[Row] | None:
    """All rows; None if they are not those of the digest."""
    table = parquet.read(use_threads=False)
    rows: list[Row] = table.to_pylist()
    return rows if _digest(table.schema, rows) == _texts(table.schema.metadata).get(_DIGEST_KEY) else None


def _field(column: Column) -> pa.Field:
    return pa.field(column.name, _TYPES[column.type], metadata={"unit": column.unit, "meaning": column.meaning})


def _array(column: Column, rows: Sequence[Row]) -> pa.Array:
    values = [row[column.name] for row in rows]
    if column.type == STRING:  # an axis may mix numbers and text
        values = [None if value is None else str(value) for value in values]
    return array_of(values, _TYPES[column.type])


def _file_metadata(scenario: Scenario) -> dict[str, str]:
    return {
        _VERSION_KEY: str(SCHEMA_VERSION),
        "perfsim_version": __version__,
        "workload_name": scenario.name,
        "workload": scenario.text,
        "workload_sha256": hashlib.sha256(scenario.text.encode()).hexdigest(),
    }


def _digest(schema: pa.Schema, rows: list[Row]) -> str:
    """Hash of all that a file says: its own metadata, its columns with theirs, and its rows.

    Without Arrow's names of types, which differ between its versions: JSON tells text, int and float apart.
    """
    said = {key: value for key, value in _texts(schema.metadata).items() if key != _DIGEST_KEY}
    columns = [(field.name, sorted(_texts(field.metadata).items())) for field in schema]
    digest = hashlib.sha256(json.dumps([sorted(said.items()), columns]).encode())
    for row in rows:
        digest.update(json.dumps(list(row.values())).encode())
    return digest.hexdigest()


def _texts(metadata: Mapping[bytes, bytes] | None) -> dict[str, str]:
    """Metadata as text, without what Parquet and Arrow add for themselves."""
    pairs = {key.decode(): value.decode() for key, value in (metadata or {}).items()}
    return {key: value for key, value in pairs.items() if not key.startswith(("ARROW:", "PARQUET:"))}


def _check_form(path: Path, metadata: Mapping[str, str]) -> None:
    version = metadata.get(_VERSION_KEY, "")
    if not (version.isascii() and version.isdecimal()):
        raise InputError(str(path), "a Parquet file, but not of perfsim; expected one that perfsim sweep wrote")
    if version != str(SCHEMA_VERSION):
        raise InputError(
            str(path), f"results of form {version[:20]}; this perfsim {__version__} reads form {SCHEMA_VERSION}"
        )


def _check_types(path: Path, schema: pa.Schema) -> None:
    """Refuse types that we never write, before their values are made: a flipped bit makes durations of numbers."""
    for field in schema:
        inner = field.type.value_type if pa.types.is_list(field.type) else field.type
        parts = [part.type for part in inner] if pa.types.is_struct(inner) else [inner]
        if not _SCALARS.issuperset(parts):
            raise Damaged(str(path), f"damaged: a column of type {field.type}; expected an unchanged file")


def _refusal(path: Path, error: Exception) -> InputError:
    """What is wrong with a file that could not be read at all."""
    if isinstance(error, FileNotFoundError):
        return InputError(str(path), "no such file; expected results that perfsim sweep wrote")
    if isinstance(error, (PermissionError, IsADirectoryError, NotADirectoryError)):
        return InputError(str(path), f"cannot be read: {error.strerror}; expected results that perfsim sweep wrote")
    return Damaged(str(path), "damaged, or no Parquet file at all; expected results that perfsim sweep wrote")
