"""A file is replaced as a whole or not at all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from perfsim.errors import InputError
from perfsim.store.atomic import replacing


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_a_block_that_ends_well_replaces_the_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    path.write_text("old")
    with replacing(path) as file:
        file.write(b"new")
        assert path.read_text() == "old"
    assert (path.read_text(), names(tmp_path)) == ("new", ["kept"])


def test_a_block_that_raises_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(path) as file:
        file.write(b"%d" % (1 // 0))
    assert (path.read_text(), names(tmp_path)) == ("old", ["kept"])


def test_a_process_killed_while_writing_leaves_the_old_file_and_its_litter_is_removed_later(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    path.write_text("old")
    program = (
        "import os, pathlib, signal, sys\n"
        "from perfsim.store.atomic import replacing\n"
        "with replacing(pathlib.Path(sys.argv[1])) as file:\n"
        "    file.write(b'new')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    root = Path(__file__).parents[2]
    killed = subprocess.run([sys.executable, "-c", program, str(path)], check=False, cwd=root, timeout=60)
    assert killed.returncode == -9
    assert path.read_text() == "old"
    assert len(names(tmp_path)) == 2
    with replacing(path) as file:
        file.write(b"new")
    assert (path.read_text(), names(tmp_path)) == ("new", ["kept"])


def test_the_temporary_file_of_a_living_process_is_left_alone(tmp_path: Path) -> None:
    others = tmp_path / f"kept.tmp-{os.getppid()}"
    others.write_text("another writer's")
    with replacing(tmp_path / "kept") as file:
        file.write(b"new")
    assert others.exists()


def test_of_a_link_what_it_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder/kept")
    for text in ("new", "newer"):
        with replacing(tmp_path / "link") as file:
            file.write(text.encode())
        assert ((tmp_path / "folder" / "kept").read_text(), names(tmp_path / "folder")) == (text, ["kept"])
    assert (tmp_path / "link").is_symlink()


def test_what_is_there_and_is_no_file_is_refused_before_the_block_and_stays(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(InputError, match="is there and is no file"), replacing(pipe):
        raise AssertionError
    assert (pipe.is_fifo(), names(tmp_path)) == (True, ["pipe"])


def test_what_a_killed_process_left_is_removed_whatever_the_name(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    (tmp_path / f"ratios[1].tmp-{int(ended.stdout)}").write_text("left")
    with replacing(tmp_path / "ratios[1]") as file:
        file.write(b"new")
    assert names(tmp_path) == ["ratios[1]"]


@pytest.mark.parametrize("kind", ["no directory", "a file for a directory", "a directory for the file"])
def test_a_place_that_cannot_be_written_is_refused_in_one_line(tmp_path: Path, kind: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "directory").mkdir()
    name = {"no directory": "none/kept", "a file for a directory": "file/kept", "a directory for the file": "directory"}
    path = tmp_path / name[kind]
    with pytest.raises(InputError, match=r"cannot be written|is no file") as caught, replacing(path) as file:
        file.write(b"new")
    assert str(caught.value).startswith(f"{path}: ")
    assert names(tmp_path) == ["directory", "file"]


def test_a_full_disk_is_told_and_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    path.write_text("old")
    (tmp_path / f"kept.tmp-{os.getpid()}").symlink_to("/dev/full")
    with pytest.raises(InputError, match="No space left on device"), replacing(path) as file:
        file.write(b"new")
    assert (path.read_text(), names(tmp_path)) == ("old", ["kept"])
