"""The two commands find their environment, from anywhere, and make a new one only when they must."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import environment

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the scripts read, in a folder with a blank in its name, without an environment."""
    root = tmp_path / "my checkout"
    shutil.copytree(ROOT / "scripts", root / "scripts")
    for name in ("pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, root / name)
    return root


def program(path: Path, text: str) -> None:
    """A shell program at a path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


def stamp(root: Path) -> str:
    """The stamp that scripts/environment asks of a finished environment."""
    sums = f"cat '{root}/pyproject.toml' '{root}/requirements.lock' | cksum"
    return f"{root} {subprocess.check_output(sums, shell=True, text=True).strip()}"  # noqa: S602


def finished_environment(root: Path) -> None:
    """An environment with its stamp, whose perfsim prints its arguments."""
    program(root / ".venv/bin/python", "exit 0")
    program(root / ".venv/bin/perfsim", 'printf "%s\\n" "$@"; exit 3')
    (root / ".venv/perfsim-runtime").write_text(stamp(root), encoding="utf-8")


def path_of_tools(folder: Path) -> str:
    """A PATH with what the scripts use and no Python."""
    folder.mkdir()
    for tool in ("sh", "cat", "cksum", "dirname", "readlink"):
        (folder / tool).symlink_to(shutil.which(tool) or tool)
    return str(folder)


def call(script: Path, *arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a script from the root of the file system, optionally with another PATH."""
    variables = os.environ | ({"PATH": path} if path else {})
    command = [str(script), *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd="/", env=variables, timeout=300)


def test_perfsim_passes_arguments_and_exit_status_on_from_a_path_with_a_blank(checkout: Path, tmp_path: Path) -> None:
    finished_environment(checkout)
    path = path_of_tools(tmp_path / "tools")
    done = call(checkout / "scripts/perfsim", "run", "a b", "--set", "machine.cpus=4", "*", path=path)
    assert done.stdout.splitlines() == ["run", "a b", "--set", "machine.cpus=4", "*"]
    assert (done.returncode, done.stderr) == (3, "")


def test_perfsim_is_found_through_a_symbolic_link(checkout: Path, tmp_path: Path) -> None:
    finished_environment(checkout)
    link = tmp_path / "perfsim"
    link.symlink_to(checkout / "scripts/perfsim")
    assert call(link, "designs").stdout == "designs\n"


def test_without_a_suitable_python_one_line_says_what_to_install(checkout: Path, tmp_path: Path) -> None:
    path = path_of_tools(tmp_path / "tools")
    program(tmp_path / "tools/python3", "exit 1")
    done = call(checkout / "scripts/perfsim", "run", path=path)
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert "python3.11" in done.stderr


@pytest.mark.parametrize("changed", ["pyproject.toml", "requirements.lock", ".venv/perfsim-runtime"])
def test_a_change_of_what_is_installed_asks_for_a_renewal(checkout: Path, tmp_path: Path, changed: str) -> None:
    finished_environment(checkout)
    with (checkout / changed).open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    path = path_of_tools(tmp_path / "tools")
    program(tmp_path / "tools/python3.11", 'case "$*" in *environment.py*) printf "%s\\n" "$@";; esac')
    done = call(checkout / "scripts/environment", "runtime", path=path)
    assert done.stdout == f"{checkout}/.venv/bin\n"
    asked = ["-I", f"{checkout}/scripts/environment.py", str(checkout), "runtime", stamp(checkout)]
    assert done.stderr.splitlines() == asked


def test_an_environment_of_another_place_is_not_taken_for_this_one(checkout: Path, tmp_path: Path) -> None:
    finished_environment(checkout)
    moved = checkout.rename(tmp_path / "moved")
    done = call(moved / "scripts/perfsim", path=path_of_tools(tmp_path / "tools"))
    assert done.returncode == 1
    assert "no Python 3.11" in done.stderr


def test_an_environment_that_another_process_made_meanwhile_is_left_alone(checkout: Path) -> None:
    finished_environment(checkout)
    program(checkout / ".venv/bin/python", f"touch '{checkout}/called'")
    environment.main(checkout, "runtime", stamp(checkout))
    assert not (checkout / "called").exists()


def test_a_failed_renewal_leaves_no_stamp_behind(checkout: Path) -> None:
    finished_environment(checkout)
    program(checkout / ".venv/bin/python", "exit 1")
    with pytest.raises(subprocess.CalledProcessError):
        environment.main(checkout, "runtime", "another stamp")
    assert not (checkout / ".venv/perfsim-runtime").exists()


def test_the_development_part_holds_the_runtime_part(checkout: Path) -> None:
    finished_environment(checkout)
    environment.main(checkout, "dev", "another stamp")
    stamps = {path.name: path.read_text() for path in (checkout / ".venv").glob("perfsim-*")}
    assert stamps == {"perfsim-dev": "another stamp", "perfsim-runtime": "another stamp"}


def test_what_is_installed_is_locked(checkout: Path) -> None:
    finished_environment(checkout)
    program(checkout / ".venv/bin/python", f"""printf '%s\\n' "$*" >> '{checkout}/called'""")
    environment.main(checkout, "dev", "another stamp")
    calls = (checkout / "called").read_text().splitlines()
    assert len(calls) == 2
    assert all("--constraint requirements.lock" in one for one in calls)
    assert calls[1].endswith("--no-build-isolation --editable .[dev]")


def test_the_verdict_that_readme_tells_is_two_sweeps_each_compared(checkout: Path) -> None:
    finished_environment(checkout)
    program(checkout / ".venv/bin/perfsim", 'printf "%s " "$@" | tee -a calls; echo >> calls; pwd > where')
    shown = call(checkout / "scripts/verdict")
    calls = (checkout / "calls").read_text(encoding="utf-8").splitlines()
    assert [line.split()[:2] for line in calls] == [
        ["sweep", "mlock_heavy"],
        ["compare", "results/mlock_heavy"],
        ["sweep", "mlock_heavy"],
        ["compare", "results/mlock_heavy_20"],
    ]
    assert (shown.returncode, shown.stdout) == (0, calls[1] + calls[3])
    assert (checkout / "where").read_text(encoding="utf-8") == f"{checkout}\n"


def test_the_model_fails_on_the_last_digit_and_takes_a_change_over_when_told_to(checkout: Path) -> None:
    finished_environment(checkout)
    perfsim = f"'{sys.executable}' -m perfsim"
    program(checkout / ".venv/bin/perfsim", f"PYTHONPATH='{ROOT}' exec {perfsim} \"$@\"")
    baselines = shutil.copytree(ROOT / "results/baselines", checkout / "results/baselines")
    make_small(baselines / "model.yaml")
    kept = baselines / "model.json"
    shipped = kept.read_text(encoding="utf-8")
    assert call(checkout / "scripts/model", "--update").returncode == 0
    taken = kept.read_text(encoding="utf-8")
    assert taken != shipped
    digit = re.search(r"\d\.\d+[1-8](?=,)", taken)
    assert digit is not None
    last = digit.end() - 1
    kept.write_text(f"{taken[:last]}{int(taken[last]) + 1}{taken[last + 1 :]}", encoding="utf-8")
    failed = call(checkout / "scripts/model")
    assert failed.returncode == 1
    assert "scripts/model --update" in failed.stderr
    assert "::notice title=perfsim check::model: fine: " in failed.stdout
    assert failed.stdout.count("\n> ") == 1


def make_small(model: Path) -> None:
    """Two designs at one point: scripts/check runs the whole model."""
    text = model.read_text(encoding="utf-8")
    for whole, part in (
        ("designs: [lock_page, redo, redo_merged, redo_barrier, no_unevictable_lru]", "designs: [lock_page, redo]"),
        ("machine.profile: [ia64, x86_64, x86_64_modern]", "machine.profile: [x86_64]"),
        ("machine.cpus: [2, 16]", "machine.cpus: [2]"),
    ):
        assert whole in text
        text = text.replace(whole, part)
    model.write_text(text, encoding="utf-8")


def ci_checkout(checkout: Path) -> Path:
    """The checkout with what CI runs, and a check that says it ran."""
    shutil.copytree(ROOT / ".ci", checkout / ".ci")
    program(checkout / "scripts/check", "echo checked")
    return checkout / ".ci/run"


def test_ci_installs_the_programs_that_are_missing_once_each(checkout: Path, tmp_path: Path) -> None:
    tools = Path(path_of_tools(tmp_path / "bin"))
    program(tools / "id", "echo 0")
    program(tools / "spin", "exit 0")
    program(tools / "apt-get", f'echo "$@" >> "{tmp_path}/calls"')
    ran = call(ci_checkout(checkout), path=str(tools))
    assert (ran.returncode, ran.stdout) == (0, "ci: installing chromium-headless-shell ...\nchecked\n")
    calls = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()
    assert calls == ["update -qq", "install -qq -y --no-install-recommends chromium-headless-shell"]


def test_ci_needs_no_apt_if_the_programs_are_there_and_says_what_is_missing_if_not(
    checkout: Path, tmp_path: Path
) -> None:
    tools = Path(path_of_tools(tmp_path / "bin"))
    program(tools / "chromium-headless-shell", "exit 0")
    run = ci_checkout(checkout)
    missing = call(run, path=str(tools))
    assert (missing.returncode, missing.stdout) == (1, "")
    assert missing.stderr == "ci: spin is not there, and no apt-get that could install spin\n"
    program(tools / "spin", "exit 0")
    assert call(run, path=str(tools)).stdout == "checked\n"
