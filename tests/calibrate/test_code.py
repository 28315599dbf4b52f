"""Where the kernels can run at all."""

import platform

import pytest

from perfsim.calibrate.code import check_machine, kernels
from perfsim.errors import PerfsimError


@pytest.mark.parametrize("system, machine", [("Darwin", "arm64"), ("Linux", "riscv64")])
def test_a_machine_whose_clock_is_not_known_is_refused_in_a_line(
    system: str, machine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    with pytest.raises(PerfsimError) as raised:
        check_machine()
    assert str(raised.value) == (
        f"nothing can be measured on {system} on {machine}; expected Linux on x86_64 or aarch64"
    )


def test_the_kernels_are_made_and_linked_once_for_a_process() -> None:
    assert kernels() is kernels()


def test_this_machine_can_be_measured() -> None:
    check_machine()
