"""The trace of a way, read back from the file: what each CPU does in which step, where, under which lock."""

from __future__ import annotations

import io
from typing import Any, NamedTuple

import pytest

from perfsim.explore.confirm import STEP_PS, confirm
from perfsim.explore.question import Question
from perfsim.explore.scenario import load_explore_scenario
from perfsim.explore.search import explore
from perfsim.explore.walk import STEP, Moment, walk_to_rest
from perfsim.kernel.designs import load_design
from perfsim.measure.timeline import Timeline
from perfsim.report.explore_diagram import TELLING, said
from perfsim.report.explore_trace import StepTracer
from perfsim.report.perfetto import write_perfetto
from perfsim.units import PS_PER_NS

STEP_NS = STEP_PS // PS_PER_NS


class Read(NamedTuple):
    """A slice of the file: its lane, name, beginning and end in ns, the slices that it lies in, and the step, 0 for one
    that is more than that.
    """

    lane: str
    name: str
    begin_ns: int
    end_ns: int
    inside: tuple[str, ...]
    step: int = 0


def traced(name: str, number: int) -> tuple[Timeline, list[Moment]]:
    """The shortest way that breaks one of a scenario's designs, as a timeline, and its moments."""
    scenario = load_explore_scenario(name)
    design = load_design(scenario.designs[number])
    way = walk_to_rest(scenario, design, explore(scenario, design, Question("sc", reduce=False)).actions)
    tracer = StepTracer(scenario, way)
    found = confirm(scenario, design, way, tracer)
    assert not found.differs
    return tracer.close(found.broken), way.moments[: way.acted]


def read_back(timeline: Timeline) -> tuple[list[Read], dict[str, list[tuple[int, int]]]]:
    """The slices of a file, in the order of their ends, and the values of its counters."""
    from perfetto.protos.perfetto.trace import perfetto_trace_pb2

    file = io.BytesIO()
    write_perfetto(file, [("a way", timeline)])
    tracks: dict[int, str] = {}
    names: dict[int, str] = {}
    facts: dict[int, str] = {}
    open_: dict[str, list[tuple[str, int, int]]] = {}
    slices: list[Read] = []
    values: dict[str, list[tuple[int, int]]] = {}
    packets: Any = perfetto_trace_pb2.Trace.FromString(file.getvalue()).packet
    for packet in packets:
        names |= {one.iid: one.name for one in packet.interned_data.event_names}
        facts |= {one.iid: one.name for one in packet.interned_data.debug_annotation_names}
        if packet.HasField("track_descriptor"):
            tracks[packet.track_descriptor.uuid] = packet.track_descriptor.name
        elif packet.HasField("track_event"):
            event, lane = packet.track_event, tracks[packet.track_event.track_uuid]
            stack = open_.setdefault(lane, [])
            if event.type == event.TYPE_COUNTER:
                values.setdefault(lane, []).append((packet.timestamp, event.counter_value))
            elif event.type == event.TYPE_SLICE_BEGIN:
                said_ = {facts[one.name_iid]: one.int_value for one in event.debug_annotations}
                stack.append((names[event.name_iid], packet.timestamp, said_.get("step", 0)))
            else:
                name, begin_ns, step = stack.pop()
                slices.append(Read(lane, name, begin_ns, packet.timestamp, tuple(one for one, *_ in stack), step))
    return slices, values


@pytest.fixture(scope="module")
def recheck() -> tuple[Timeline, list[Moment]]:
    return traced("recheck", 1)


def test_each_primitive_is_a_slice_of_its_cpu_in_its_step_and_function(recheck: tuple[Timeline, list[Moment]]) -> None:
    timeline, moments = recheck
    slices, _ = read_back(timeline)
    steps = {id(moment): number for number, moment in enumerate((m for m in moments if m.kind == STEP), 1)}
    for lane, cpu in (("CPU0 reclaim", 0), ("CPU1 munlock", 1)):
        told = [one for one in moments if one.cpu == cpu and (one.kind == STEP or one.primitive in TELLING)]
        done = [one for one in slices if one.lane == lane and one.step]
        assert [one.name for one in done] == [said(moment, ["page"]) for moment in told]
        assert [one.inside[-1] for one in done] == [f"{moment.place.path}()" for moment in told]
        begin = [(one.step, one.begin_ns) for one, moment in zip(done, told, strict=True) if moment.kind == STEP]
        assert begin == [(steps[id(one)], steps[id(one)] * STEP_NS) for one in told if one.kind == STEP]
    assert max(one.end_ns for one in slices) == timeline.end_ps // PS_PER_NS


def test_locks_are_held_from_the_step_that_takes_them_to_the_one_that_releases_them(
    recheck: tuple[Timeline, list[Moment]],
) -> None:
    slices, values = read_back(recheck[0])
    [lru_lock] = [one for one in slices if one.lane == "lru_lock 0"]
    [page_lock] = [one for one in slices if one.lane == "lock of page"]
    assert lru_lock[1:4] == ("CPU0 reclaim: add_page_to_unevictable_list()", 6 * STEP_NS, 17 * STEP_NS)
    assert page_lock[1:4] == ("CPU1 munlock: lock_page()", 9 * STEP_NS, 21 * STEP_NS)
    assert values == {
        "pages: unevictable": [(0, 0), (15 * STEP_NS, 1)],
        "pages: mlocked": [(0, 1), (13 * STEP_NS, 0)],
    }


def test_the_end_says_what_is_broken(recheck: tuple[Timeline, list[Moment]]) -> None:
    slices, _ = read_back(recheck[0])
    [breach] = [one for one in slices if one.lane == "what breaks"]
    assert breach.name.startswith("stranded: at rest an evictable page")
    assert breach.begin_ns == 21 * STEP_NS


def test_who_waits_for_ever_is_shown_where_it_waits() -> None:
    timeline, moments = traced("munlock_pagevec", 0)
    slices, _ = read_back(timeline)
    [waits] = [one for one in slices if one.name.startswith("waits for ever")]
    steps = sum(moment.kind == STEP for moment in moments)
    assert waits == Read(
        "CPU0 munlock",
        "waits for ever: spin_lock_irqsave(&zone->lru_lock)",
        steps * STEP_NS,
        timeline.end_ps // PS_PER_NS,
        ("munlock_vma_page()", "put_page()", "__page_cache_release()"),
    )
