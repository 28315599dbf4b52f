"""Baselines: what is written is what is read, equal bytes for equal runs, and refused in one line if it is not ours."""

import json
from pathlib import Path
from typing import Any

import pytest

from perfsim.errors import InputError
from perfsim.store.baseline import FORM, Baseline, is_baseline, read_baseline, write_baseline

BASELINE = Baseline(
    workload="made",
    settings={"measure.duration": "1ms"},
    first_draws=None,
    axes=("machine.profile", "machine.cpus", "memory.mlocked_fraction"),
    figures=("reclaim_scanned_per_s", "invariant_violations"),
    runs=(
        ("lock_page", 1, 0, "ia64", 4, 0.5, 1 / 3, 0.0),
        ("lock_page", 1, 1, "ia64", 4, 0.5, None, 0.0),
        ("redo", 1, 0, "ia64", 4, 0.5, 76950.0, 0.0),
    ),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "made.json"
    write_baseline(path, BASELINE)
    return path


def test_what_is_written_is_read_to_the_last_digit_and_written_alike(path: Path) -> None:
    before = path.read_bytes()
    assert read_baseline(path) == BASELINE
    write_baseline(path, read_baseline(path))
    assert path.read_bytes() == before


def test_every_run_is_a_line_of_its_own(path: Path) -> None:
    assert '["redo", 1, 0, "ia64", 4, 0.5, 76950, 0]' in path.read_text(encoding="utf-8").splitlines()


def test_only_what_begins_as_an_object_is_meant_to_be_one(path: Path, tmp_path: Path) -> None:
    assert is_baseline(path)
    (tmp_path / "runs.parquet").write_bytes(b"PAR1")
    assert not is_baseline(tmp_path / "runs.parquet")
    assert not is_baseline(tmp_path)
    assert not is_baseline(tmp_path / "nowhere")


def refusal(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as refused:
        read_baseline(path)
    assert "\n" not in str(refused.value)
    assert str(refused.value).startswith(f"{path}: ")
    return refused.value.problem


def test_what_is_foreign_newer_or_no_json_is_refused(path: Path) -> None:
    whole = path.read_text(encoding="utf-8")
    for text in ("", "{", whole[:-20], "[" * 100_000, "{\n<<<<<<< ours\n"):
        assert refusal(path, text).startswith("damaged: no JSON; expected one that perfsim check --update-baseline")
    for text in ("[]", "{}", "7", '{"perfsim_baseline": "1"}'):
        assert refusal(path, text).startswith("no baseline of perfsim; expected")
    newer = whole.replace(f'"perfsim_baseline": {FORM}', '"perfsim_baseline": 9')
    assert refusal(path, newer).startswith("a baseline of form 9; this perfsim ")


@pytest.mark.parametrize(
    "key, value",
    [
        ("axes", None),
        ("axes", [1]),
        ("axes", ["design", "machine.cpus", "memory.mlocked_fraction"]),
        ("figures", ["reclaim_scanned_per_s"]),
        ("settings", {"a": 1}),
        ("first_draws", "3"),
        ("workload", None),
        ("perfsim_version", 1),
        ("runs", {}),
        ("runs", [7]),
        ("runs", [["redo"]]),
        ("runs", [["redo", 1.5, 0, "ia64", 4, 0.5, 1, 0]]),
        ("runs", [["redo", 1, True, "ia64", 4, 0.5, 1, 0]]),
        ("runs", [["redo", 1, 0, None, 4, 0.5, 1, 0]]),
        ("runs", [["redo", 1, 0, "ia64", 4, 0.5, "1", 0]]),
        ("runs", [["redo", 1, 0, "ia64", 4, 0.5, float("nan"), 0]]),
        ("runs", [["redo", 1, 0, "ia64", 4, 0.5, 10**20, 0]]),
        ("runs", [["redo", 1, 0, "ia64", 4, 0.5, 1, 0], ["redo", 1, 0, "ia64", 4, 0.5, 2, 0]]),
    ],
)
def test_a_part_that_is_not_as_it_was_written_is_refused(path: Path, key: str, value: Any) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    assert refusal(path, json.dumps(content | {key: value})).startswith("damaged: ")
    del content[key]
    assert refusal(path, json.dumps(content)).startswith("damaged: a part of it is missing")
