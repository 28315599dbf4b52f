"""What rows come from is known by its text: sources of the model are in the hash, and nothing else is."""

import sys
from pathlib import Path

import pytest

import perfsim
from perfsim.engine.sources import MODEL_SOURCES, sources_sha256

PACKAGE = Path(perfsim.__file__).parent
BEFORE_MEASURE = ("numeric", "machine", "kernel", "engine", "measure")


def of_model() -> set[Path]:
    return {file for pattern in MODEL_SOURCES for file in PACKAGE.glob(pattern)}


def test_all_that_a_run_loads_of_the_model_is_in_its_hash_but_for_the_designs_that_are_known_by_their_own() -> None:
    perfsim.run(perfsim.load_workload("quickstart", ["measure.duration=10us", "memory.pages_per_node=280"]))
    loaded = {Path(str(module.__file__)) for name, module in sys.modules.items() if name.startswith("perfsim.")}
    parts = {file: file.relative_to(PACKAGE).parts for file in loaded}
    model = {file for file, one in parts.items() if one[0] in BEFORE_MEASURE and "static" not in one}
    designs = {file for file in model if parts[file][:2] == ("kernel", "paths") and len(parts[file]) == 4}
    shared = {file for file in designs if parts[file][2] == "shared"}
    profiles = {file for file in model if parts[file][:2] == ("machine", "profiles")}
    assert len(model) > 50
    assert model - (designs - shared) - profiles - of_model() == set()


def test_no_design_alone_is_in_the_hash_of_all() -> None:
    assert [file for file in of_model() if file.parent.name in ("lock_page", "redo")] == []


@pytest.mark.parametrize("pattern", MODEL_SOURCES)
def test_every_pattern_has_files(pattern: str) -> None:
    assert any(PACKAGE.glob(pattern))


@pytest.mark.parametrize("name", ["syscalls.py", "locks.py", "row.py"])
def test_another_text_of_one_source_is_another_hash(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    first = sources_sha256.__wrapped__(MODEL_SOURCES)
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda self: read(self) + (b"#" if self.name == name else b""))
    assert sources_sha256.__wrapped__(MODEL_SOURCES) != first
