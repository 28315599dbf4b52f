"""A file of timelines, read back by Perfetto's own trace processor."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from perfsim.kernel import constants as k
from perfsim.kernel.boot import Seed
from perfsim.measure.row import Result, simulate_counted
from perfsim.measure.timeline import Counter, Lane, Slice, Timeline
from perfsim.measure.tracing import timeline_of
from perfsim.report.perfetto import write_perfetto
from perfsim.scenario.schema import Scenario
from perfsim.scenario.validate import load_scenario
from perfsim.units import PS_PER_NS
from tests.report.trace_processor import Query, trace_processor

DURATIONS = {"lock_page": "300us", "redo": "1ms"}
"""Of the windows, that of redo long enough for a redo. Without a warm-up no wait began before them."""
SEED = Seed(1, 0)
US = 1_000_000


def storm(design: str) -> Scenario:
    return load_scenario("munlock_storm", ["measure.warmup=0us", f"measure.duration={DURATIONS[design]}"])


@pytest.fixture(scope="module")
def results() -> dict[str, Result]:
    return {design: simulate_counted(storm(design), design, SEED) for design in DURATIONS}


@pytest.fixture(scope="module")
def timelines() -> dict[str, Timeline]:
    return {
        design: timeline_of(storm(design), design, SEED, (0, storm(design).measure.duration_ps)) for design in DURATIONS
    }


@pytest.fixture(scope="module")
def query(timelines: dict[str, Timeline], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Query]:
    path: Path = tmp_path_factory.mktemp("trace") / "storm.pftrace"
    with path.open("wb") as file:
        write_perfetto(file, timelines.items())
    with trace_processor(path) as ask:
        yield ask


def roots(query: Query) -> dict[str, int]:
    """The track of each design."""
    return {str(name): int(number or 0) for name, number in query("select name, id from track where parent_id is null")}


def below(root: int) -> str:
    """SQL of the tracks in a design's."""
    return f"""(with recursive inner_track(id) as (select {root} union all
        select track.id from track join inner_track on track.parent_id = inner_track.id) select id from inner_track)"""


def test_the_trace_processor_finds_no_fault_and_loses_nothing(query: Query) -> None:
    faults = "select name, value from stats where severity in ('error', 'data_loss') and value > 0"
    assert query(faults) == []
    assert query("select count(*) from slice where dur < 0") == [[0]]


def test_it_counts_as_many_slices_arrows_and_values_as_there_are(query: Query, timelines: dict[str, Timeline]) -> None:
    assert list(roots(query)) == list(DURATIONS)
    for design, root in roots(query).items():
        timeline, tracks = timelines[design], below(root)
        assert query(f"select count(*) from slice where track_id in {tracks}") == [[timeline.slices()]]
        assert query(f"select count(*) from counter where track_id in {tracks}") == [[len(timeline.values)]]
    assert query("select count(*) from flow") == [[sum(timeline.arrows for timeline in timelines.values())]]


@pytest.mark.parametrize("design", DURATIONS)
def test_the_longest_spin_is_the_longest_wait_of_lock_stat(
    query: Query, results: dict[str, Result], design: str
) -> None:
    lru_lock = results[design].counts.locks[k.LRU_LOCK]
    waits = f"""select count(*), max(int_value)
        from slice join args using (arg_set_id) join track on track.id = track_id
        where track_id in {below(roots(query)[design])} and slice.name glob 'spin: lru_lock *' and key = 'debug.wait_ps'
        and track.name glob 'CPU *'"""
    assert query(waits) == [[lru_lock.contentions, lru_lock.wait_max_ps]]
    longest = f"""select max(dur) from slice where name glob 'spin: lru_lock *' and track_id in
        {below(roots(query)[design])}"""
    assert query(longest)[0][0] == pytest.approx(lru_lock.wait_max_ps / PS_PER_NS, abs=1)


def test_every_redo_has_its_arrow_in_the_file_too(query: Query, results: dict[str, Result]) -> None:
    arrows = """select source.name, target.name from flow
        join slice source on source.id = slice_out join slice target on target.id = slice_in
        where target.name glob 'redo: *'"""
    found = query(arrows)
    assert len(found) == results["redo"].row["redo_retries"] > 0
    assert all(source == f"TestClearPageMlocked: {str(target).removeprefix('redo: ')}" for source, target in found)


def test_lanes_stand_in_the_order_of_locks_cpus_tasks_and_pages(query: Query) -> None:
    ranked = f"""select name from track where parent_id = {roots(query)["redo"]}
        order by extract_arg(source_arg_set_id, 'sibling_order_rank')"""
    names = [str(name) for [name] in query(ranked)]
    locks = [f"{lock} 0{of}" for lock in ("lru_lock", "memcg_lock") for of in ("", ": CPUs that spin")]
    cpus = [f"CPU {cpu}" for cpu in range(16)]
    assert [name for name in names if name not in ("timer[0]", "disk[0]")] == [
        *locks,
        *cpus,
        "tasks off their CPU",
        "pages",
    ]


def test_equal_runs_are_equal_bytes() -> None:
    one, other = (timeline_of(storm("redo"), "redo", SEED, (50 * US, 150 * US)) for _ in range(2))
    assert written(redo=one) == written(redo=other)


def test_instants_are_whole_nanoseconds_and_slices_of_one_instant_keep_their_order() -> None:
    from perfetto.protos.perfetto.trace import perfetto_trace_pb2

    timeline = Timeline(0, 10_000)
    lane = Lane(("CPU 0",), (0,))
    timeline.begin(lane, 1_999, Slice("outer", {"page": 7, "in": "putback_lru_page"}))
    timeline.begin(lane, 1_999, Slice("inner"))
    timeline.count(Counter(("pages",), (1,), "pages"), 1_999, 3)
    timeline.close()
    packets = perfetto_trace_pb2.Trace.FromString(written(redo=timeline)).packet
    events = [packet for packet in packets if packet.HasField("track_event")]
    assert [packet.timestamp for packet in events] == [1, 1, 1, 10, 10]
    assert [packet.track_event.type for packet in events] == [1, 1, 4, 2, 2]
    assert [name.name for packet in events for name in packet.interned_data.event_names] == ["outer", "inner"]
    tracks = [packet.track_descriptor for packet in packets if packet.HasField("track_descriptor")]
    assert [track.name for track in tracks] == ["redo", "CPU 0", "pages"]
    assert [track.sibling_order_rank for track in tracks] == sorted(track.sibling_order_rank for track in tracks)


def written(**timelines: Timeline) -> bytes:
    file = io.BytesIO()
    write_perfetto(file, timelines.items())
    return file.getvalue()
