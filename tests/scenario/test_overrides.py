"""`--set` and the tree of nodes under it."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perfsim.numeric.random import EXPONENTIAL, UNIFORM
from perfsim.scenario.overrides import with_set, without_axes
from perfsim.scenario.schema import Duration
from perfsim.scenario.source import parse_document
from perfsim.scenario.validate import load_scenario

Refused = Callable[[Callable[[], object]], str]


def test_a_value_is_set_by_its_dotted_key(good_file: str) -> None:
    scenario = load_scenario(good_file, ["machine.nodes=3", "memory.file_fraction=25%", "kernel.designs=[redo]"])
    assert scenario.machine.nodes == 3
    assert scenario.memory.file_ppm == 250_000
    assert scenario.kernel.designs == ("redo",)


def test_a_task_is_set_by_its_name(good_file: str) -> None:
    sets = ["tasks.lockers.hold={uniform: [1us, 2us]}", "tasks.lockers.think.exponential=7us", "tasks.loop.per=node"]
    tasks = {task.name: task for task in load_scenario(good_file, sets).tasks}
    assert tasks["lockers"].hold == Duration(UNIFORM, 10**6, 2 * 10**6)
    assert tasks["lockers"].think == Duration(EXPONENTIAL, 7 * 10**6, 0)
    assert tasks["loop"].per == "node"


def test_a_section_that_the_file_lacks_is_made(good_file: str, good_text: str) -> None:
    Path(good_file).write_text(good_text.partition("measure:")[0], encoding="utf-8")
    scenario = load_scenario(good_file, ["measure.duration=5ms", "check.faults_per_s.max_regression=1%"])
    assert scenario.measure.duration_ps == 5 * 10**9
    assert scenario.check[0].metric == "faults_per_s"


def test_the_last_of_two_values_counts(good_file: str) -> None:
    assert load_scenario(good_file, ["machine.nodes=3", "machine.nodes=1"]).machine.nodes == 1


def test_blanks_around_the_equals_sign_do_no_harm(good_file: str) -> None:
    assert load_scenario(good_file, ["machine.nodes = 3"]).machine.nodes == 3


def test_a_value_may_contain_equals_signs(good_file: str) -> None:
    assert load_scenario(good_file, ["machine.profile=a=b.yaml"]).machine.profile == "a=b.yaml"


def test_a_key_that_is_set_is_no_axis_any_more(good_file: str) -> None:
    assert load_scenario(good_file).sweep.axes != ()
    scenario = load_scenario(good_file, ["machine.cpus=2"])
    assert scenario.sweep.axes == ()
    assert scenario.machine.cpus == 2


def test_a_part_of_an_axis_value_that_is_set_ends_the_axis_too(good_file: str) -> None:
    sets = ["sweep.axes.tasks.lockers.think=[1us, 2us]", "tasks.lockers.think.exponential=7us"]
    assert [axis.path for axis in load_scenario(good_file, sets).sweep.axes] == ["machine.cpus"]


def test_an_axis_may_be_set_after_its_key(good_file: str) -> None:
    scenario = load_scenario(good_file, ["machine.cpus=2", "sweep.axes.machine.cpus=[8, 16]"])
    assert [value.column for value in scenario.sweep.axes[0].values] == [8, 16]


def test_all_axes_may_be_set_at_once(good_file: str) -> None:
    assert load_scenario(good_file, ["sweep.axes={}"]).sweep.axes == ()


def test_setting_changes_no_tree_but_its_own() -> None:
    root = parse_document("a: {b: 1}\n", "w.yaml")
    changed = with_set(root, "a.c=2")
    assert root == parse_document("a: {b: 1}\n", "w.yaml")
    assert changed != root


def test_a_tree_without_a_sweep_has_no_axes_to_lose() -> None:
    root = parse_document("sweep: 5\n", "w.yaml")
    assert without_axes(root) == root


BAD_SETS = {
    # the argument: (where, words of the message)
    "machine.cpus=0": ("--set machine.cpus:1:1: machine.cpus: ", "0 is out of range; expected .* from 1 to 1,024"),
    "machine.cpus=  x": ("--set machine.cpus:1:3: machine.cpus: ", '"x" is no whole number'),
    "machine.cpus=": ("--set machine.cpus:1:1: ", "it is empty; expected a value"),
    "machine.cpus=~": ("--set machine.cpus:1:1: machine.cpus: ", "nothing is no whole number"),
    "machine.cpus=[1, 2]": ("--set machine.cpus:1:1: machine.cpus: ", "a list is no whole number"),
    "machine.cpus=.inf": ("--set machine.cpus:1:1: machine.cpus: ", "inf is no whole number"),
    "machine.cpus": ("--set: ", "expected for example machine.cpus=64"),
    "": ("--set: ", "no KEY=VALUE"),
    "=4": ("--set: ", "no KEY=VALUE"),
    "machine..cpus=4": ("--set: ", "no KEY=VALUE"),
    "x" * 300 + "=4": ("--set: ", r"\(302 characters\) is no KEY=VALUE"),
    "cpus=4": ("--set cpus:1:1: ", 'unknown key "cpus".*did you mean "machine.cpus"'),
    "machine.cpu=4": ("--set machine.cpu:1:1: machine: ", 'did you mean "cpus"'),
    "machin.cpus=4": ("--set machin.cpus:1:1: ", 'did you mean "machine"'),
    "machine=64": ("--set machine:1:1: machine: ", "64 where a mapping belongs"),
    "machine.cpus.x=4": ("--set machine.cpus.x:1:1: ", "machine.cpus has no keys to set"),
    "kernel.designs.0=redo": ("--set kernel.designs.0:1:1: ", "kernel.designs has no keys to set"),
    "tasks.lokers.hold=1us": ("--set tasks.lokers.hold:1:1: ", 'no task is named "lokers".*did you mean "lockers"'),
    "tasks.0.hold=1us": ("--set tasks.0.hold:1:1: ", 'expected one of "kswapd", "lockers", "loop"'),
    "tasks.lockers.hold=20": ("--set tasks.lockers.hold:1:1: tasks.lockers.hold: ", "20 has no unit"),
    "tasks.lockers.hold={exp: 1us}": ("--set tasks.lockers.hold:1:2: ", "expected one of exponential, uniform"),
    "tasks.lockers.name=loop": ("w.yaml:8:12: ", "the first is at --set tasks.lockers.name:1:1"),
    "tasks.lockers=5": ("--set tasks.lockers:1:1: ", "5 where a mapping belongs"),
    "sweep.axes.machine.cpu=[1]": ("--set sweep.axes.machine.cpu:1:1: ", 'did you mean "machine.cpus"'),
    "memory.pages_per_node=" + "9" * 19: ("--set memory.pages_per_node:1:1: ", "out of range"),
    "machine.profile=../x": ("--set machine.profile:1:1: ", "neither name nor .yaml file"),
    "machine.cpus=!!python/object:os.x {}": ("--set machine.cpus:1:1: ", "no object tags"),
    "machine.cpus=&a [*a]": ("--set machine.cpus:1:1: ", "no aliases"),
    "machine.cpus=" + "[" * 100: ("--set machine.cpus:1:65: ", "at most 64 levels"),
    "machine.cpus=" + "9" * 1_000_000: ("--set machine.cpus: ", "1,000,000 characters; expected at most 262,144"),
    "machine.profile=" + "x" * 100_000: ("--set machine.profile:1:1: ", "100,000 characters"),
    "machine.cpus=\ud800": ("--set machine.cpus:1:1: ", r"U\+D800"),
    "machine.cpus=4\x00": ("--set machine.cpus:1:2: ", r"U\+0000"),
    "machine\n.cpus=4": ("--set machine", "unknown key"),
    "sweep.axes.machine.nodes=[1, 1]": ("--set sweep.axes.machine.nodes:1:5: ", "line 1, column 2"),
    "machine.cpus=4\n---\n5": ("--set machine.cpus:2:1: ", "second document"),
}


@pytest.mark.parametrize("argument", BAD_SETS, ids=lambda argument: ascii(argument[:40]))
@pytest.mark.usefixtures("yaml_parser")
def test_a_bad_set_is_refused_where_it_is_bad(argument: str, good_file: str, refused: Refused) -> None:
    where, words = BAD_SETS[argument]
    told = refused(lambda: load_scenario(good_file, [argument]))
    assert told.startswith(where)
    assert re.search(words, told)


@pytest.mark.parametrize(
    "text, words",
    [
        ("[]", "the workload has no keys to set"),
        ("machine: 5", "machine has no keys to set"),
        ("tasks: []", "expected one of none"),
        ("tasks: [a, {name: 5}]", "expected one of none"),
        ("sweep: {axes: 5}\nmachine: 5", "machine has no keys to set"),
    ],
)
def test_a_set_into_a_broken_file_is_refused_too(text: str, words: str, good_file: str, refused: Refused) -> None:
    Path(good_file).write_text(text, encoding="utf-8")
    sets = ["machine.cpus=2"] if "tasks" not in text else ["tasks.lockers.hold=1us"]
    assert words in refused(lambda: load_scenario(good_file, sets))


@pytest.mark.parametrize(
    "options, where",
    [
        ({"profile": ""}, "--profile: machine.profile: an empty text"),
        ({"profile": "../../etc/passwd"}, "--profile: machine.profile: "),
        ({"profile": "x" * 1_000_000}, "--profile: machine.profile: "),
        ({"profile": "\ud800"}, "--profile: machine.profile: "),
        ({"designs": ["redo", "redo"]}, '--design: kernel.designs.1: duplicate design "redo"'),
        ({"designs": ["redo/"]}, "--design: kernel.designs.0: "),
        ({"seed": -1}, "--seed: sweep.seed: -1 is out of range"),
        ({"seed": 2**63}, "--seed: sweep.seed: "),
    ],
)
def test_a_bad_option_is_refused_by_its_name(
    options: dict[str, Any], where: str, good_file: str, refused: Refused
) -> None:
    assert refused(lambda: load_scenario(good_file, **options)).startswith(where)
