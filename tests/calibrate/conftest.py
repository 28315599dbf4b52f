"""This machine, ready to be measured."""

import pytest

from perfsim.calibrate import bench as bench_module
from perfsim.calibrate.bench import Bench, prepare
from perfsim.calibrate.here import look_around


@pytest.fixture(scope="session")
def bench() -> Bench:
    """This machine, whose clock need not settle: nothing here depends on how fast it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench_module, "SETTLING_NS_MAX", 0)
        return prepare(look_around())
