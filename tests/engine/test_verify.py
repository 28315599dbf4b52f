"""Both engines, the same events; and whatever differs is found, with its place in the source."""

import functools
import linecache
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from perfsim.engine import compiled, engines, reference
from perfsim.engine.calendar import NEVER
from perfsim.engine.verify import BEFORE_MAX, Ended, Event, EventDifference, StateDifference, Verified, verify
from perfsim.errors import InputError, StuckError
from perfsim.kernel import primitives as p
from perfsim.kernel.boot import Seed, boot
from perfsim.kernel.constants import PGSCAN
from perfsim.kernel.designs import load_design
from perfsim.kernel.state import State
from perfsim.machine.costs import ATOMIC_LOCAL
from perfsim.machine.profile import CostProfile
from perfsim.scenario.schema import Scenario
from tests.engine.conftest import WORKLOAD, ScenarioMaker

SEED = Seed(1, 0)
FAULTS = "  - {name: faults, kind: fault, count: 2, think: 3us}\nmeasure:"
MIXED = WORKLOAD.replace("measure:", FAULTS)

OWN_PUT_PAGE = """\
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.shared.swap import __page_cache_release


async def put_page(cpu: Cpu, page: int) -> None:
    await cpu.smp_mb()
    if await cpu.put_page_testzero(page):  # a line of mine
        await __page_cache_release(cpu, page)
"""

LOCKED_TWICE = """\
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.shared.filemap import lock_page


async def direct_reclaim(cpu: Cpu) -> None:
    await lock_page(cpu, 3)
    await lock_page(cpu, 3)
"""

DIVIDES_BY_ZERO = """\
from perfsim.kernel.cpu import Cpu


async def direct_reclaim(cpu: Cpu) -> None:
    zone = await cpu.numa_zone()
    await cpu.think()
    await cpu.zone_watermark_ok(1 // (zone - zone), 0)
"""


@pytest.fixture
def wrong_effect(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Callable[..., int]], None]:
    """Replace a primitive's effect, for the reference engine alone. The new one is given the real one first."""

    def replace(name: str, wrong: Callable[..., int]) -> None:
        primitive = getattr(p, name)
        effect = primitive.effect

        @functools.wraps(effect)
        def replacement(*given: Any) -> int:
            return wrong(effect, *given)

        monkeypatch.setattr(p, name, primitive._replace(effect=replacement))

    return replace


def verified(scenario: Scenario, design: str = "redo") -> Verified:
    return verify(scenario, design, SEED)


def event_difference(scenario: Scenario, design: str = "redo") -> EventDifference:
    """What differs, which has to be an event."""
    found = verified(scenario, design)
    assert isinstance(found.difference, EventDifference)
    assert found.events == found.difference.number
    return found.difference


def inverted(real: Callable[..., int], *given: Any) -> int:
    """An effect with the opposite result."""
    return 1 - real(*given)


@pytest.mark.parametrize("profile", ["x86_64", "ia64", "ideal"])
@pytest.mark.parametrize("design", ["lock_page", "redo"])
def test_both_engines_are_equal_on_a_mixed_workload(scenario_of: ScenarioMaker, profile: str, design: str) -> None:
    found = verified(scenario_of(MIXED, f"machine.profile={profile}", "machine.cpus=6"), design)
    assert found.difference is None
    assert found.events == found.compiled_events > 1000
    assert found.reference_s > found.compiled_s > 0


def test_a_run_longer_than_the_trace_buffer_is_compared_to_its_end(
    scenario_of: ScenarioMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = verified(scenario_of())
    monkeypatch.setattr(compiled, "TRACE_ROOM", 64)
    told: list[tuple[int, int]] = []
    found = verify(scenario_of(), "redo", SEED, lambda events, at_ps: told.append((events, at_ps)))
    assert (found.difference, found.events) == (None, whole.events)
    assert len(told) > found.events // 64
    assert all(0 <= later - earlier <= 64 for (earlier, _), (later, _) in pairwise(told))
    assert told == sorted(told)


def test_a_wrong_result_of_a_primitive_shows_at_the_next_event_of_its_cpu(
    scenario_of: ScenarioMaker, wrong_effect: Callable[..., None]
) -> None:
    wrong_effect("PUT_PAGE_TESTZERO", inverted)
    found = event_difference(scenario_of())
    wrong = found.before[-1]
    assert wrong.row[2] == "put_page_testzero"
    assert (wrong.place.path, wrong.source) == ("put_page", "if await cpu.put_page_testzero(page):")
    assert isinstance(found.reference, Event)
    assert found.reference.row[2] == "test_flag"
    assert found.reference.place.path == "__page_cache_release"
    assert linecache.getline(found.reference.place.file, found.reference.place.line).strip() == found.reference.source


def test_the_twenty_events_before_a_difference_are_those_of_its_cpus(
    scenario_of: ScenarioMaker, wrong_effect: Callable[..., None]
) -> None:
    scenario = scenario_of(MIXED, "machine.cpus=6", "kernel.drain_all=never")
    wrong_effect("PUT_PAGE_TESTZERO", inverted)
    found = event_difference(scenario)
    rows = traced(scenario)[: found.number + 1]
    cpus = {one.row[1] for one in (found.reference, found.compiled) if isinstance(one, Event)}
    expected = [(number, row) for number, row in enumerate(rows[:-1]) if row[1] in cpus][-BEFORE_MAX:]
    assert [(event.number, event.row) for event in found.before] == expected
    assert len(expected) == BEFORE_MAX
    assert isinstance(found.compiled, Event)
    assert found.compiled.row == rows[-1]


def traced(scenario: Scenario) -> list[Any]:
    """The compiled engine's trace up to the end of the window."""
    rows: list[Any] = []
    engine = engines.begin("compiled", scenario, load_design("redo"), SEED, rows.append)
    engine.advance(scenario.measure.warmup_ps + scenario.measure.duration_ps)
    return rows


def test_a_wrong_cost_differs_in_time_alone(scenario_of: ScenarioMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    def dearer(scenario: Scenario, profile: CostProfile, seed: Seed, *, unevictable_lru: bool) -> State:
        s = boot(scenario, profile, seed, unevictable_lru=unevictable_lru)
        s.m.cost_ps[ATOMIC_LOCAL] += 1
        return s

    monkeypatch.setattr(engines, "boot", dearer)
    found = event_difference(scenario_of())
    assert isinstance(found.reference, Event)
    assert isinstance(found.compiled, Event)
    assert found.reference.row[0] == found.compiled.row[0] + 1
    assert found.reference.row[1:] == found.compiled.row[1:]
    assert (found.reference.task, found.reference.source) == (found.compiled.task, found.compiled.source)
    assert found.reference.place[:3] == found.compiled.place[:3]


def test_a_wrong_local_primitive_shows_at_the_next_event_that_depends_on_it(
    scenario_of: ScenarioMaker, wrong_effect: Callable[..., None]
) -> None:
    def to_another_list(real: Callable[..., int], s: State, task: int, now: int, *given: int) -> int:
        page, zone, lru = given
        return real(s, task, now, page, zone, lru ^ 1)

    wrong_effect("ADD_PAGE_TO_LRU_LIST", to_another_list)
    found = verified(scenario_of())
    assert found.difference is not None
    assert found.events > 0


def test_a_state_that_differs_without_an_event_is_found_at_the_end_of_the_window(
    scenario_of: ScenarioMaker, wrong_effect: Callable[..., None]
) -> None:
    def twice(real: Callable[..., int], s: State, task: int, now: int, event: int, count: int) -> int:
        return real(s, task, now, event, 2 * count if event == PGSCAN else count)

    wrong_effect("COUNT_VM_EVENT", twice)
    found = verified(scenario_of(WORKLOAD, "kernel.drain_all=never")).difference
    assert isinstance(found, StateDifference)
    assert found[:3] == ("at the end of the window", "events", PGSCAN)
    assert found.reference == 2 * (found.compiled or 0) > 0


def test_a_state_that_differs_only_after_the_window_is_found_at_the_end(
    scenario_of: ScenarioMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def finish(running: reference.Running, at_ps: int) -> None:
        really(running, at_ps)
        running.s.pages.mapcount[7] += 1

    really = reference.finish
    monkeypatch.setattr(reference, "finish", finish)
    found = verified(scenario_of()).difference
    assert isinstance(found, StateDifference)
    assert found[:3] == ("at the end", "pages.mapcount", 7)
    assert found.reference == (found.compiled or 0) + 1


def test_figures_that_differ_with_equal_states_are_found(
    scenario_of: ScenarioMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "stranded_pages", lambda _: 5)
    assert verified(scenario_of()).difference == StateDifference("at the end", "stranded pages", None, 5, 0)


def test_a_reference_engine_that_ends_earlier_is_found(
    scenario_of: ScenarioMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference, "finish", lambda *_: None)
    found = event_difference(scenario_of())
    assert found.reference == Ended("")
    assert isinstance(found.compiled, Event)
    assert {event.row[1] for event in found.before} == {found.compiled.row[1]}


def test_a_compiled_engine_that_ends_earlier_is_found(
    scenario_of: ScenarioMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill_trace(running: compiled.Running, until_ps: int) -> bool:
        if until_ps == NEVER:
            raise StuckError(("nobody can run",))
        return really(running, until_ps)

    really = compiled.fill_trace
    monkeypatch.setattr(compiled, "fill_trace", fill_trace)
    found = event_difference(scenario_of())
    assert isinstance(found.reference, Event)
    assert found.compiled == Ended("nobody can run")


def test_a_window_with_an_event_too_few_is_an_event_that_differs(
    scenario_of: ScenarioMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = scenario_of()
    end_ps = scenario.measure.warmup_ps + scenario.measure.duration_ps
    really = reference.advance
    monkeypatch.setattr(
        reference, "advance", lambda running, until_ps: really(running, until_ps - 10**7 * (until_ps == end_ps))
    )
    monkeypatch.setattr(reference, "finish", lambda *_: None)
    found = event_difference(scenario)
    assert found.reference == Ended("")
    assert isinstance(found.compiled, Event)
    assert found.compiled.row[0] < end_ps


def test_a_design_of_ones_own_is_equal_in_both_engines(
    scenario_of: ScenarioMaker, design_file: Callable[[str], str]
) -> None:
    found = verified(scenario_of(MIXED, "machine.cpus=6"), design_file(OWN_PUT_PAGE))
    assert found.difference is None


def test_the_lines_of_a_design_of_ones_own_are_shown_when_it_differs(
    scenario_of: ScenarioMaker, design_file: Callable[[str], str], wrong_effect: Callable[..., None]
) -> None:
    wrong_effect("PUT_PAGE_TESTZERO", inverted)
    own = design_file(OWN_PUT_PAGE)
    before = event_difference(scenario_of(), own).before
    wrong = next(event for event in reversed(before) if event.place.file == own)
    text = Path(own).read_text(encoding="utf-8").splitlines()
    assert wrong.place.path == "put_page"
    assert wrong.source == text[wrong.place.line - 1].strip()
    assert wrong.source.endswith("# a line of mine")


def test_a_deadlock_that_both_engines_meet_is_raised(
    scenario_of: ScenarioMaker, design_file: Callable[[str], str]
) -> None:
    with pytest.raises(StuckError, match="sleeps on the lock of page 3"):
        verified(scenario_of(), design_file(LOCKED_TWICE))


def test_a_design_that_fails_alike_in_both_engines_is_refused_at_its_line(
    scenario_of: ScenarioMaker, design_file: Callable[[str], str]
) -> None:
    with pytest.raises(InputError, match=r"mine\.py:11:1: the design fails when it runs: ZeroDivisionError"):
        verified(scenario_of(), design_file(DIVIDES_BY_ZERO))
