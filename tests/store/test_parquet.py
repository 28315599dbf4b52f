"""Results on disk: what is read back is what was written, or it is refused."""

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from perfsim import __version__
from perfsim.errors import InputError
from perfsim.measure.columns import columns_with
from perfsim.scenario.schema import Scenario
from perfsim.store.parquet import column_names, read_columns, read_runs, write_runs

Row = dict[str, Any]


@pytest.fixture
def written(tmp_path: Path, rows: list[Row], scenario: Scenario) -> Path:
    path = tmp_path / "runs.parquet"
    write_runs(path, rows, scenario)
    return path


def refusal(path: Path) -> str:
    """The message of a file that must not be read: one line that begins with its path."""
    with pytest.raises(InputError) as caught:
        read_runs(path)
    told = str(caught.value)
    assert told.startswith(f"{path}: ")
    assert told.isprintable()
    return told


def test_rows_come_back_as_they_were_in_their_order(written: Path, rows: list[Row]) -> None:
    assert read_runs(written) == rows


def test_a_missing_value_is_null_and_an_empty_list_is_empty(
    tmp_path: Path, rows: list[Row], scenario: Scenario
) -> None:
    rows[0]["putback_latency_p99_ns"] = None
    rows[0]["putback_latency_hist"] = []
    rows[0]["defect_hits"] = [{"defect": "B4", "count": 7}]
    write_runs(tmp_path / "runs.parquet", rows, scenario)
    assert read_runs(tmp_path / "runs.parquet") == rows


def test_results_of_no_rows_can_be_kept(tmp_path: Path, scenario: Scenario) -> None:
    write_runs(tmp_path / "runs.parquet", [], scenario)
    assert read_runs(tmp_path / "runs.parquet") == []


def test_a_row_that_lacks_a_column_is_not_written(tmp_path: Path, rows: list[Row], scenario: Scenario) -> None:
    del rows[1]["pgscan"]
    with pytest.raises(AssertionError, match="pgscan"):
        write_runs(tmp_path / "runs.parquet", rows, scenario)
    assert list(tmp_path.iterdir()) == []


def test_the_same_rows_give_the_same_bytes(written: Path, rows: list[Row], scenario: Scenario) -> None:
    first = written.read_bytes()
    write_runs(written, rows, scenario)
    assert written.read_bytes() == first


def test_every_field_carries_its_unit_and_meaning(written: Path, scenario: Scenario) -> None:
    schema = pq.read_schema(written)
    for column in columns_with(scenario.sweep.axes):
        metadata = schema.field(column.name).metadata
        assert metadata[b"unit"].decode() == column.unit
        assert metadata[b"meaning"].decode() == column.meaning
    assert len(schema) == len(columns_with(scenario.sweep.axes))


def test_the_file_carries_versions_and_the_workload_with_its_hash(written: Path, scenario: Scenario) -> None:
    metadata = pq.read_schema(written).metadata
    assert metadata[b"perfsim_schema_version"] == b"1"
    assert metadata[b"perfsim_version"].decode() == __version__
    assert metadata[b"workload_name"] == b"quickstart"
    assert metadata[b"workload"].decode() == scenario.text
    assert metadata[b"workload_sha256"].decode() == hashlib.sha256(scenario.text.encode()).hexdigest()


def test_pandas_reads_it_unaided(written: Path, rows: list[Row]) -> None:
    frame = pd.read_parquet(written)
    assert list(frame["run_id"]) == [row["run_id"] for row in rows]
    assert frame["machine.cpus"].dtype == "int64"
    assert frame["memory.mlocked_fraction"].dtype == "float64"
    assert frame["putback_latency_hist"][0][0] == {"upper_ns": 0.127, "count": 3}


def test_duckdb_reads_it_unaided(written: Path, rows: list[Row]) -> None:
    query = 'SELECT count(*), max("machine.cpus"), sum(len(fault_latency_hist)) FROM read_parquet(?)'
    assert duckdb.execute(query, [str(written)]).fetchone() == (len(rows), 4, 2 * len(rows))


def test_a_flipped_bit_anywhere_is_refused_or_harmless(written: Path, rows: list[Row]) -> None:
    whole = written.read_bytes()
    positions = range(3, len(whole), len(whole) // 151)
    refused = 0
    for position in positions:
        broken = bytearray(whole)
        broken[position] ^= 1 << position % 8
        written.write_bytes(broken)
        try:
            read = read_runs(written)
        except InputError:
            refused += 1
        else:
            assert read == rows, f"bit {position % 8} of byte {position}"
    assert refused > len(positions) // 2


@pytest.mark.parametrize("kept_per_mille", [0, 1, 10, 500, 990, 999])
def test_a_torn_file_is_refused(written: Path, kept_per_mille: int) -> None:
    whole = written.read_bytes()
    written.write_bytes(whole[: len(whole) * kept_per_mille // 1000])
    assert "damaged, or no Parquet file at all" in refusal(written)


@pytest.mark.parametrize("content", [b"garbage", b"PAR1" * 9, b"\0" * 4096, b"name: quickstart\n"])
def test_what_is_no_parquet_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "runs.parquet").write_bytes(content)
    assert "damaged, or no Parquet file at all" in refusal(tmp_path / "runs.parquet")


def test_the_parquet_file_of_someone_else_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"run_id": ["a"], "design": ["redo"]}), tmp_path / "runs.parquet")
    assert "not of perfsim" in refusal(tmp_path / "runs.parquet")


@pytest.mark.parametrize("version, told", [("2", "form 2"), ("9" * 999, "form 9999"), ("one", "not of perfsim")])
def test_results_of_another_form_are_refused(written: Path, version: str, told: str) -> None:
    table = pq.read_table(written)
    metadata = {**table.schema.metadata, b"perfsim_schema_version": version.encode()}
    pq.write_table(table.replace_schema_metadata(metadata), written)
    assert told in refusal(written)


def test_rows_that_someone_changed_are_refused(written: Path) -> None:
    table = pq.read_table(written)
    changed = table.set_column(table.schema.get_field_index("seed"), table.schema.field("seed"), [[7] * len(table)])
    pq.write_table(changed, written)
    assert "not those that were written" in refusal(written)


def test_a_column_of_a_type_that_is_never_written_is_refused(written: Path) -> None:
    table = pq.read_table(written)
    field = pa.field("wall_s", pa.duration("ns"), metadata=table.schema.field("wall_s").metadata)
    times = pa.array([2**62] * len(table), type=field.type)
    pq.write_table(table.set_column(table.schema.get_field_index("wall_s"), field, times), written)
    assert "a column of type duration[ns]" in refusal(written)


def test_what_is_not_there_or_no_file_is_refused(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "runs.parquet")
    assert "cannot be read" in refusal(tmp_path)


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path, rows: list[Row], scenario: Scenario) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write_runs(tmp_path / "none" / "runs.parquet", rows, scenario)


def test_a_kill_in_the_middle_of_writing_leaves_the_old_results(written: Path, rows: list[Row]) -> None:
    program = (
        "import os, pathlib, signal, sys\n"
        "import pyarrow.parquet as pq\n"
        "from perfsim.scenario.validate import load_scenario\n"
        "from perfsim.store.parquet import write_runs\n"
        "def die(table, file, **options):\n"
        "    file.write(b'PAR1')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "pq.write_table = die\n"
        "write_runs(pathlib.Path(sys.argv[1]), [], load_scenario('quickstart'))\n"
    )
    root = Path(__file__).parents[2]
    killed = subprocess.run([sys.executable, "-c", program, str(written)], check=False, cwd=root, timeout=60)
    assert killed.returncode == -9
    assert read_runs(written) == rows


def test_some_columns_are_read_with_the_metadata_of_the_file(written: Path, rows: list[Row]) -> None:
    assert set(column_names(written)) == rows[0].keys()
    table = read_columns(written, ["design", "machine.cpus"])
    assert table.to_pylist() == [{name: row[name] for name in ("design", "machine.cpus")} for row in rows]
    assert table.schema.metadata[b"workload_name"] == b"quickstart"


def test_what_is_no_file_of_results_has_no_columns_either(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"text")
    for path in (tmp_path / "nowhere", tmp_path / "text", tmp_path):
        with pytest.raises(InputError, match="expected results that perfsim sweep wrote"):
            column_names(path)
        with pytest.raises(InputError, match="expected results that perfsim sweep wrote"):
            read_columns(path, ["design"])
