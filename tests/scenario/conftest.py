"""A small good workload, both YAML parsers, and what holds for every refusal."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from perfsim.errors import InputError

Refused = Callable[[Callable[[], object]], str]

GOOD = """\
name: good
machine: {profile: x86_64, cpus: 4, nodes: 2}
memory: {pages_per_node: 1024, mlocked_fraction: 0.5}
kernel: {designs: [lock_page, redo], memcg: true, drain_all: once}
tasks:
  - {name: kswapd, kind: kswapd}
  - {name: lockers, kind: mlock, share: 50%, hold: 100us, think: {exponential: 50us}}
  - {name: loop, kind: lock_loop, think: 900ns, hold: {uniform: [10us, 30us]}}
measure: {warmup: 1ms, duration: 2ms}
sweep:
  axes:
    machine.cpus: [1, 4]
  replications: 2
  seed: 1
check:
  putback_per_s: {max_regression: 3%}
"""


@pytest.fixture
def good_text() -> str:
    return GOOD


@pytest.fixture
def good_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The good workload as a file, by a path as short as a user's."""
    monkeypatch.chdir(tmp_path)
    Path("w.yaml").write_text(GOOD, encoding="utf-8")
    return "w.yaml"


@pytest.fixture(params=["libyaml", "python"] if yaml.__with_libyaml__ else ["python"])
def yaml_parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each YAML parser in turn: libyaml's, and the pure-Python one that stands in where it is missing."""
    monkeypatch.setattr(yaml, "__with_libyaml__", request.param == "libyaml")


@pytest.fixture
def refused() -> Refused:
    """Do what must be refused; the message, once it is known to be quick, short, and one printable line."""

    def message(action: Callable[[], object]) -> str:
        started_s = time.process_time()
        with pytest.raises(InputError) as caught:
            action()
        assert time.process_time() - started_s < 1
        told = str(caught.value)
        assert told.isprintable()
        assert len(told) < 400
        return told

    return message
