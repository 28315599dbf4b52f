"""The JSON Schema of workload files takes what the reader takes, and refuses what is mistyped as the reader does."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from perfsim.errors import InputError
from perfsim.scenario.json_schema import workload_schema
from perfsim.scenario.validate import load_scenario

ROOT = Path(__file__).resolve().parents[2]
WORKLOADS = sorted([*(ROOT / "workloads").glob("*.yaml"), ROOT / "results" / "baselines" / "model.yaml"])
TASK = "{name: lockers, kind: mlock, per: cpu, hold: 100us, think: 50us}"
START = "name: mine\nmachine: {profile: x86_64}\n"
VALIDATOR = Draft202012Validator(workload_schema())


def is_read(text: str, folder: Path) -> bool:
    file = folder / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    try:
        load_scenario(str(file))
    except InputError:
        return False
    return True


def parsed(text: str) -> Any:
    return yaml.safe_load(text)


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(workload_schema())


@pytest.mark.parametrize("file", WORKLOADS, ids=lambda file: file.stem)
def test_every_shipped_workload_is_valid(file: Path) -> None:
    assert list(VALIDATOR.iter_errors(parsed(file.read_text(encoding="utf-8")))) == []


GOOD = [
    f"tasks: [{TASK}]",
    f"tasks: [{TASK}, {{name: k, kind: kswapd}}]",
    "tasks: [{name: l, kind: lock_loop, think: {exponential: 1us}, hold: {uniform: [0ns, .5us]}}]",
    "tasks: [{name: l, kind: lock_loop, per: node, think: 1us, hold: 1us, lock: page_lock, pages: 4}]",
    "tasks: [{name: m, kind: migrate, count: 2, think: 1 us, target_node: 0}]",
    "tasks: [{name: m, kind: migrate, share: 50%, think: 1\N{MICRO SIGN}s, target_node: next}]",
    f"tasks: [{TASK}]\nmeasure: {{warmup: auto, duration: 1ms}}",
    f"tasks: [{TASK}]\nkernel: {{designs: [redo], memcg: false, drain_all: once}}",
    f"tasks: [{TASK}]\nkernel: {{page_size: 16KiB, wait_table_size: 64, min_free: 1MiB}}",
    f"tasks: [{TASK}]\nmemory: {{pages_per_node: 4096, file_fraction: 0.25, dirty_fraction: 10%}}",
    f"tasks: [{TASK}]\ncheck: {{putback_per_s: {{max_regression: 3%}}}}",
    f"tasks: [{TASK}]\nsweep: {{axes: {{machine.cpus: [1, 2]}}, replications: 10, seed: 7, precision: "
    "{metric: putback_per_s, relative: 2%, max_replications: 40}}",
]
BAD = [
    "",
    "tasks: []",
    "tasks: [{name: k}]",
    "tasks: [{name: k, kind: kswap}]",
    "tasks: [{name: k, kind: kswapd, share: 50%}]",
    "tasks: [{name: l, kind: mlock, per: cpu, hold: 100us}]",
    "tasks: [{name: l, kind: mlock, hold: 100us, think: 50us}]",
    "tasks: [{name: l, kind: mlock, count: 1, per: cpu, hold: 100us, think: 50us}]",
    "tasks: [{name: l, kind: lock_loop, count: 1, share: 50%, hold: 100us, think: 50us}]",
    "tasks: [{name: k, kind: kswapd, count: 1, per: node}]",
    "tasks: [{name: l, kind: mlock, per: socket, hold: 100us, think: 50us}]",
    "tasks: [{name: l, kind: mlock, per: cpu, hold: 100, think: 50us}]",
    "tasks: [{name: l, kind: mlock, per: cpu, hold: 100 minutes, think: 50us}]",
    "tasks: [{name: l, kind: mlock, per: cpu, hold: {normal: 1us}, think: 50us}]",
    "tasks: [{name: l, kind: mlock, per: cpu, hold: {uniform: [1us]}, think: 50us}]",
    "tasks: [{name: l, kind: mlock, per: cpu, hold: 1us, think: 50us, pages: 4}]",
    f"tasks: [{{name: {'l' * 65}, kind: mlock, per: cpu, hold: 1us, think: 50us}}]",
    "tasks: [{name: 4, kind: mlock, per: cpu, hold: 1us, think: 50us}]",
    "tasks: [{name: m, kind: migrate, count: 2, think: 1us, target_node: last}]",
    "tasks: [{name: m, kind: migrate, count: 0, think: 1us}]",
    f"tasks: [{TASK}]\nmeasure: {{duration: 5}}",
    f"tasks: [{TASK}]\nmeasure: {{warmup: never}}",
    f"tasks: [{TASK}]\nkernel: {{drain_all: thrice}}",
    f"tasks: [{TASK}]\nkernel: {{memcg: 'yes'}}",
    f"tasks: [{TASK}]\nkernel: {{pagevec_size: 16}}",
    f"tasks: [{TASK}]\nkernel: {{wait_table_size: 5}}",
    f"tasks: [{TASK}]\nkernel: {{designs: redo}}",
    f"tasks: [{TASK}]\nmemory: {{file_fraction: 1.5}}",
    f"tasks: [{TASK}]\nmemory: {{file_fraction: '0.5'}}",
    f"tasks: [{TASK}]\nmemory: {{pages: 4096}}",
    f"tasks: [{TASK}]\nsweep: {{replications: 0}}",
    f"tasks: [{TASK}]\nsweep: {{axes: {{machine.cpus: []}}}}",
    f"tasks: [{TASK}]\nsweep: {{precision: {{metric: putback_per_s}}}}",
    f"tasks: [{TASK}]\ncheck: {{putback_per_s: 3%}}",
    f"tasks: [{TASK}]\ncheck: {{{'p' * 65}: {{max_regression: 3%}}}}",
    f"tasks: [{TASK}]\nkernal: {{memcg: true}}",
]


@pytest.mark.parametrize("text", GOOD)
def test_what_the_reader_takes_is_valid(text: str, tmp_path: Path) -> None:
    assert is_read(START + text, tmp_path)
    assert list(VALIDATOR.iter_errors(parsed(START + text))) == []


@pytest.mark.parametrize("text", BAD)
def test_what_is_mistyped_is_refused_by_both(text: str, tmp_path: Path) -> None:
    assert not is_read(START + text, tmp_path)
    assert not VALIDATOR.is_valid(parsed(START + text))
