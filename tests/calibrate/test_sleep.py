"""Which part of a sleep is told by what, and when none is."""

import pytest

from perfsim.calibrate import sleep
from perfsim.calibrate.bench import Bench
from perfsim.calibrate.findings import Finding, by_key, pooled
from perfsim.calibrate.samples import Figure, Refused
from perfsim.calibrate.sleep import futex_works, measure_sleep
from perfsim.machine.profile import load_profile

SYSCALL = Figure(80.0, 80.0, 80.0, 0.0)


def measured(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, *, is_virtual: bool, cpus: int = 2, spread: float = 0.0
) -> dict[str, Finding]:
    """What is made of turns that take 1,160 ns on one CPU, 2,860 ns on busy ones and 4,860 ns on idle ones."""

    def turns(asked: Bench, other: int, *, is_busy: bool) -> Figure:
        ns = 1160.0 if other == asked.cpu else 2860.0 if is_busy else 4860.0
        return Figure(ns, ns, ns * (1 + spread), spread)

    monkeypatch.setattr(sleep, "_turns", turns)
    one = bench.here.cpus[0]
    here = bench.here._replace(cpus=(one, one._replace(number=one.number + 1))[:cpus], is_virtual=is_virtual)
    return by_key(measure_sleep(bench._replace(here=here), SYSCALL, load_profile("x86_64_modern")))


def kind(finding: Finding) -> str:
    return finding.answer.kind if isinstance(finding.answer, Refused) else "measured"


def test_a_turn_on_one_cpu_less_two_calls_is_a_wake_up_and_a_switch(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = measured(bench, monkeypatch, is_virtual=False)
    figures = [found[key].figure for key in ("context_switch", "wakeup")]
    assert [figure and figure.best for figure in figures] == pytest.approx([600.0, 400.0])


def test_a_turn_that_is_noise_is_shared_out_as_well_so_that_other_passes_can_outvote_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    noisy = measured(bench, monkeypatch, is_virtual=True, spread=2.0)
    quiet = measured(bench, monkeypatch, is_virtual=True)
    assert kind(noisy["wakeup"]) == "noise"
    figures = [pooled([noisy, quiet, quiet])[key].figure for key in ("context_switch", "wakeup")]
    assert [figure and figure.best for figure in figures] == pytest.approx([600.0, 400.0])


def test_what_busy_and_idle_cpus_add_is_the_interrupt_and_the_way_out_of_idle(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = measured(bench, monkeypatch, is_virtual=False)
    figures = [found[key].figure for key in ("ipi", "idle_exit")]
    assert [figure and figure.best for figure in figures] == pytest.approx([700.0, 2000.0])


def test_in_a_guest_what_crosses_cpus_is_marked_virtual_and_the_rest_is_measured(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = measured(bench, monkeypatch, is_virtual=True)
    kinds = {key: kind(finding) for key, finding in found.items()}
    assert kinds == {"context_switch": "measured", "wakeup": "measured", "ipi": "virtual", "idle_exit": "virtual"}


def test_one_cpu_tells_nothing_of_interrupts(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    found = measured(bench, monkeypatch, is_virtual=False, cpus=1)
    assert [kind(found[key]) for key in ("ipi", "idle_exit")] == ["not measured"] * 2


def test_without_the_cost_of_a_system_call_nothing_is_told(bench: Bench) -> None:
    findings = measure_sleep(bench, None, load_profile("x86_64_modern"))
    assert {kind(finding) for finding in findings} == {"not measured"}


def test_a_system_without_futex_is_noticed(bench: Bench) -> None:
    assert futex_works(bench)
    without = bench.system.copy()
    without[1] = 1 << 20
    assert not futex_works(bench._replace(system=without))
