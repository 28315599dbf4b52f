"""What README shows works: commands parse, files and links exist, Python compiles, the examples load."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from perfsim.cli.main import app
from perfsim.explore.scenario import check_calls, load_explore_scenario
from perfsim.kernel.designs import load_design
from perfsim.machine.profile import load_profile
from perfsim.truth.case_files import load_cases

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """README's fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    """The lines of README's sh blocks that call perfsim, from wherever."""
    lines = "".join(blocks("sh")).replace("\\\n", " ").splitlines()
    return [line for line in lines if re.match(r"(scripts/)?perfsim\b", line)]


def example(name: str) -> str:
    """The block that begins with a comment naming this file."""
    found = [block for language in ("python", "yaml") for block in blocks(language) if block.startswith(f"# {name}\n")]
    assert len(found) == 1, f"{len(found)} blocks begin with # {name}"
    return found[0]


def parse_command(line: str) -> None:
    """Parse a command line as the program would, running nothing; raises what the program would complain of."""
    words = shlex.split(line, comments=True)[1:]
    words = words[: next((i for i, word in enumerate(words) if word in {"|", ">"}), len(words))]
    command: Any = get_command(app)
    while words and words[0] in getattr(command, "commands", ()):
        command = command.commands[words.pop(0)]
    if words and hasattr(command, "commands") and not words[0].startswith("-"):
        raise LookupError(f"No such command: {words[0]}")
    command.make_context("perfsim", words)


@pytest.mark.parametrize("line", commands())
def test_every_command_that_readme_shows_is_understood(line: str) -> None:
    parse_command(line)


@pytest.mark.parametrize("line", ["perfsim rum quickstart", "perfsim run quickstart --sets a=1", "perfsim run"])
def test_a_command_that_perfsim_does_not_understand_is_found(line: str) -> None:
    with pytest.raises(Exception, match=r"No such command|No such option|Missing parameter"):
        parse_command(line)


def test_readme_shows_the_two_commands_and_every_subcommand() -> None:
    shown = {word for line in commands() for word in shlex.split(line, comments=True)}
    group: Any = get_command(app)
    assert set(group.commands) <= shown
    assert "scripts/check" in README
    assert any(line.startswith("scripts/perfsim sweep") for line in commands())


@pytest.mark.parametrize("block", blocks("python"))
def test_every_python_block_of_readme_compiles(block: str) -> None:
    compile(block, "README.md", "exec")


def test_every_file_that_readme_names_is_there() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    paths = re.findall(r"(?<![\w/.-])(?:workloads|scripts|tests|perfsim)/[\w/.-]*\w", README)
    assert "ARCHITECTURE.md" in links
    assert "workloads/mlock_heavy.yaml" in paths
    assert [name for name in [*links, *paths] if not (ROOT / name).exists()] == []


def test_every_section_that_readme_points_to_is_there() -> None:
    anchors = {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in re.findall(r"^##+ (.+)$", README, re.M)
    }
    pointed = re.findall(r"\]\(#([^)]+)\)", README)
    assert "findings" in pointed
    assert [anchor for anchor in pointed if anchor not in anchors] == []


def test_every_workload_that_readme_lists_is_shipped_and_every_shipped_one_is_listed() -> None:
    table = README.partition("| workload | asks |")[2].partition("\n\n")[0]
    shipped = {path.stem for path in (ROOT / "workloads").glob("*.yaml")}
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == shipped


def shown(beginning: str) -> list[str]:
    """The lines of the text block that begins so."""
    (block,) = [block for block in blocks("text") if block.startswith(beginning)]
    return block.splitlines()


def said_by(*words: str) -> list[str]:
    """The lines that perfsim says on stdout."""
    command = [sys.executable, "-m", "perfsim", *words]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "100"}
    return subprocess.run(command, env=environment, check=False, capture_output=True, text=True).stdout.splitlines()


def test_the_way_that_readme_draws_is_that_which_the_search_finds() -> None:
    way = shown("recheck, no_recheck, sc: ")
    said = said_by("explore", "recheck", "--design", "no_recheck", "--memory-model", "sc", "--jobs", "1")
    assert said[said.index(way[0]) :] == way


def test_the_kernel_files_that_readme_shows_are_those_of_the_run_to_the_digit() -> None:
    locks = shown("# design lock_page\nlock_stat")
    run = ("run", "mlock_heavy", "--set", "machine.cpus=16")
    assert said_by(*run, "--design", "lock_page", "--lock-stat")[: len(locks) - 1] == locks[1:]
    pages = shown("nr_unevictable ")
    assert [line for line in said_by(*run, "--design", "redo", "--vmstat") if "unevictable" in line] == pages


@pytest.mark.parametrize(
    "beginning, words",
    [
        ("x86_64, 4 CPUs, 1 node", ("run", "quickstart")),
        ("static costs: what a way", ("designs", "diff", "lock_page", "redo")),
        ("A. Exact queueing theory", ("validate", "--only", "A1-8", "--only", "B13")),
    ],
)
def test_every_line_of_a_table_that_readme_shows_is_said_by_its_command(beginning: str, words: tuple[str, ...]) -> None:
    """Some lines are left out there, which may make columns narrower."""
    said = {" ".join(line.split()) for line in said_by(*words)}
    assert [line for line in shown(beginning) if set(line) - {"-", " "} and " ".join(line.split()) not in said] == []


def test_every_line_of_source_that_readme_shows_with_its_place_is_there() -> None:
    places = re.findall(r"\(\) +((?:\w+/)?\w+\.py):(\d+) +(\S.*)$", "".join(blocks("text")), re.MULTILINE)
    paths = ROOT / "perfsim" / "kernel" / "paths"
    found = [(paths / file, int(line), text) for file, line, text in places if (paths / file).is_file()]
    assert len(found) > 5
    for file, line, text in found:
        assert file.read_text(encoding="utf-8").splitlines()[line - 1].strip() == text, f"{file}:{line}"


def test_no_marked_place_is_left_in_the_documents() -> None:
    documents = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "ARCHITECTURE.md")}
    assert [name for name, text in documents.items() if "<<" in text] == []


def test_the_profile_that_readme_shows_loads(tmp_path: Path) -> None:
    path = tmp_path / "slow_wake.yaml"
    path.write_text(example(path.name), encoding="utf-8")
    profile = load_profile(str(path))
    assert profile.name == "slow_wake"


def test_the_truths_that_readme_shows_can_be_read(tmp_path: Path) -> None:
    for name in ("my_cases.yaml", "collapse.yaml"):
        (tmp_path / name).write_text(example(name), encoding="utf-8")
    theory, measured = load_cases(tmp_path / "my_cases.yaml").cases
    assert theory.theory is not None
    assert [run.name for run in measured.runs] == ["few", "many"]


def test_the_scenario_that_readme_shows_fits_every_design(tmp_path: Path) -> None:
    path = tmp_path / "my_race.yaml"
    path.write_text(example("my_race.yaml"), encoding="utf-8")
    scenario = load_explore_scenario(str(path))
    for design in scenario.designs:
        check_calls(scenario, load_design(design))


def test_the_design_that_readme_shows_loads(tmp_path: Path) -> None:
    path = tmp_path / "activate_all.py"
    path.write_text(example(path.name), encoding="utf-8")
    assert load_design(str(path), "README.md").name == "activate_all"


def ci_commands(name: str) -> list[str]:
    """The shell lines of a CI example, in order."""
    content = yaml.safe_load(example(name))
    if name == ".gitlab-ci.yml":
        return list(content["perfsim"]["script"])
    return [step["run"] for step in content["jobs"]["check"]["steps"] if "run" in step]


def test_the_ci_examples_pass_and_fail_as_they_should_in_a_fresh_directory(tmp_path: Path) -> None:
    installs, sweeps, checks = zip(*map(ci_commands, (".github/workflows/perfsim.yml", ".gitlab-ci.yml")), strict=True)
    assert {*installs} == {"pip install perfsim"}
    (sweep,) = {*sweeps}
    shutil.copy(ROOT / "workloads/quickstart.yaml", tmp_path / "bench.yaml")
    limit = "check: {reclaim_scanned_per_s: {max_regression: 3%}}\n"
    with (tmp_path / "bench.yaml").open("a", encoding="utf-8") as file:
        file.write(limit)
    program = f"perfsim() {{ PYTHONPATH='{ROOT}' '{sys.executable}' -m perfsim \"$@\"; }}; "

    def shell(line: str) -> int:
        command = ["sh", "-ec", program + line]
        return subprocess.run(
            command, check=False, cwd=tmp_path, capture_output=True, text=True, timeout=250
        ).returncode

    assert shell(sweep) == 0
    assert [shell(check) for check in checks] == [2, 2], "there is no baseline yet"
    assert shell("perfsim check results/bench --baseline bench.json --update-baseline") == 0
    for check in checks:
        (tmp_path / "perfsim.xml").unlink(missing_ok=True)
        assert shell(check) == 0
        assert (tmp_path / "perfsim.xml").read_text(encoding="utf-8").count("<testcase ") == 3 * 2 + 2
    baseline = json.loads((tmp_path / "bench.json").read_text(encoding="utf-8"))
    at = len(baseline["axes"]) + 3
    for run in baseline["runs"]:
        run[at] *= 1.2
    (tmp_path / "bench.json").write_text(json.dumps(baseline), encoding="utf-8")
    assert [shell(check) for check in checks] == [1, 1]
