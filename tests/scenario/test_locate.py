"""Finding a workload by path or by name."""

from collections.abc import Callable
from pathlib import Path

import pytest

from perfsim.scenario import locate
from perfsim.scenario.locate import find_workload, shipped_workloads

Refused = Callable[[Callable[[], object]], str]


def test_a_shipped_workload_is_found_by_name_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Path(find_workload("quickstart")).name == "quickstart.yaml"
    assert Path(find_workload("quickstart")).is_file()


def test_a_shipped_name_means_the_shipped_workload_whatever_lies_around(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("quickstart").mkdir()
    assert find_workload("quickstart") == str(shipped_workloads()["quickstart"])


def test_a_path_is_taken_as_it_was_given(good_file: str) -> None:
    assert find_workload(good_file) == good_file


def test_workloads_inside_an_installed_package_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "mine.yaml").touch()
    monkeypatch.setattr(locate, "_SHIPPED_IN", (tmp_path / "inside", tmp_path / "beside"))
    assert shipped_workloads() == {"mine": tmp_path / "inside" / "mine.yaml"}


def test_an_installation_without_workloads_still_reads_files(
    good_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locate, "_SHIPPED_IN", (tmp_path / "nowhere",))
    assert shipped_workloads() == {}
    assert find_workload(good_file) == good_file


@pytest.mark.parametrize(
    "workload, words",
    [
        ("quikstart", 'did you mean "quickstart"'),
        ("workloads/mlock-heavy.yaml", 'did you mean "mlock_heavy"'),
        ("missing.yaml", "is no file and no shipped workload; expected the path of a .yaml file or one of"),
        ("", "is no file"),
        ("a\0b", "is no file"),
        ("\ud800", "is no file"),
        ("x" * 1_000_000, "is no file"),
        ("line\nbreak", "is no file"),
    ],
)
def test_what_is_neither_file_nor_shipped_is_refused(
    workload: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Refused
) -> None:
    monkeypatch.chdir(tmp_path)
    told = refused(lambda: find_workload(workload))
    assert told.startswith("WORKLOAD: ")
    assert words in told
