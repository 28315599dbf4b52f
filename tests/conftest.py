"""What every test may ask for. Hypothesis draws the same cases on every machine and every run."""

import gc
import os
import sys

import pytest
from hypothesis import settings

from perfsim.engine import ENGINES

# Tests start hundreds of processes, each of which would compile all sources again.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

settings.register_profile("perfsim", derandomize=True, deadline=None, database=None, print_blob=True)
settings.load_profile("perfsim")


def pytest_collection_finish() -> None:
    """What has been imported and collected stays to the end: no pass of the garbage collector need walk it again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """The name of each engine in turn: a test of what a run does holds for every one."""
    name = request.param
    assert isinstance(name, str)
    return name
