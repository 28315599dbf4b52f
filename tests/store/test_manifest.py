"""The manifest of a sweep comes back as it was, or is refused."""

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest

from perfsim.errors import InputError
from perfsim.store.manifest import Manifest, read_manifest, write_manifest

MANIFEST = Manifest(
    workload="quickstart",
    workload_sha256="00ff" * 16,
    sets=("machine.cpus=8",),
    settings={"machine.cpus": "8", "measure.duration": "20ms"},
    axes={"machine.profile": 2, "machine.cpus": 1},
    points=2,
    designs=("lock_page", "redo"),
    replications=10,
    precision="faults_per_s to 2% in 10 to 40 replications",
    seed=2**63 - 1,
    engine="simpy",
    run_ids=("a", "b", "c", "d"),
    done=("a", "c"),
    failed={"b": "nobody can run at 5 ps"},
    short={"point 1, redo": "3.1% after 40 replications, about 97 would do"},
    started="2026-11-25T03:15:00Z",
    updated="2026-11-25T03:16:00Z",
    wall_s=59.5,
    python_version="3.11.7",
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sweep.json"


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_manifest(path)
    told = str(caught.value)
    assert told.startswith(f"{path}: ")
    assert told.isprintable()
    return told


def test_a_manifest_comes_back_as_it_was(path: Path) -> None:
    write_manifest(path, MANIFEST)
    assert read_manifest(path) == MANIFEST
    write_manifest(path, replace(MANIFEST, done=MANIFEST.run_ids, failed={}))
    assert read_manifest(path).done == ("a", "b", "c", "d")


def test_axes_keep_their_order(path: Path) -> None:
    write_manifest(path, MANIFEST)
    assert list(read_manifest(path).axes) == ["machine.profile", "machine.cpus"]


def test_a_script_reads_it_as_json(path: Path) -> None:
    write_manifest(path, MANIFEST)
    content = json.loads(path.read_text())
    assert (content["manifest_version"], content["done"], content["seed"]) == (2, ["a", "c"], 2**63 - 1)


@pytest.mark.parametrize("field", [field.name for field in fields(Manifest)])
@pytest.mark.parametrize("value", [None, True, [1], {"a": None}, {"a": 1.5}, float("nan"), float("inf")])
def test_a_field_of_the_wrong_type_is_named(path: Path, field: str, value: object) -> None:
    write_manifest(path, MANIFEST)
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    assert f"{field} is missing or of the wrong type" in refusal(path)


@pytest.mark.parametrize("field", [field.name for field in fields(Manifest)])
def test_a_missing_field_is_named(path: Path, field: str) -> None:
    write_manifest(path, MANIFEST)
    content = json.loads(path.read_text())
    del content[field]
    path.write_text(json.dumps(content))
    assert f"{field} is missing or of the wrong type" in refusal(path)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe{", b"[" * 100_000, b"1" * 5000, b"PAR1\0"])
def test_what_is_no_json_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert "damaged: no JSON" in refusal(path)


@pytest.mark.parametrize("content", ["[]", "{}", '{"manifest_version": "1"}', '{"manifest_version": true}', "null"])
def test_the_json_of_something_else_is_refused(path: Path, content: str) -> None:
    path.write_text(content)
    assert "no manifest of a sweep" in refusal(path)


def test_a_newer_form_is_refused(path: Path) -> None:
    path.write_text('{"manifest_version": 3}')
    assert "form 3; this perfsim reads form 2" in refusal(path)


def test_the_former_form_is_read_and_says_neither_what_was_set_nor_of_a_precision(path: Path) -> None:
    write_manifest(path, MANIFEST)
    content = json.loads(path.read_text()) | {"manifest_version": 1}
    del content["settings"], content["precision"], content["short"]
    path.write_text(json.dumps(content))
    assert read_manifest(path) == replace(MANIFEST, settings={}, precision="", short={})


def test_times_of_a_clock_that_jumped_are_read_as_they_are(path: Path) -> None:
    jumped = replace(MANIFEST, started="2099-01-01T00:00:00Z", updated="1970-01-01T00:00:00Z")
    write_manifest(path, jumped)
    assert read_manifest(path) == jumped


def test_what_is_not_there_or_no_file_is_refused(path: Path) -> None:
    assert "no such file" in refusal(path)
    assert "cannot be read" in refusal(path.parent)
