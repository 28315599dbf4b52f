"""Timelines as a file that ui.perfetto.dev opens: protobuf packets of Perfetto's TrackEvent, a group of tracks each.

Perfetto counts nanoseconds: instants are rounded down, and their order is kept. Equal timelines give equal bytes.
Source: perfetto.dev/docs/reference/synthetic-track-event
"""

from __future__ import annotations

from heapq import merge
from typing import TYPE_CHECKING, Any, BinaryIO

from perfsim.measure.timeline import Counter, Lane, Mark, Slice, Timeline, Value
from perfsim.units import PS_PER_NS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SEQUENCE = 1
"""All packets are of one writer."""
NO_TRACK = 0


def write_perfetto(file: BinaryIO, timelines: Iterable[tuple[str, Timeline]]) -> None:
    """Write timelines, each under its name, to a file, one after the other. Raises OSError if it cannot be written."""
    writer = _Writer(file)
    for name, timeline in timelines:
        writer.write_timeline(name, timeline)


class _Writer:
    """A trace file under way: the numbers given to tracks, names and arrows so far."""

    def __init__(self, file: BinaryIO) -> None:
        from perfetto.protos.perfetto.trace import perfetto_trace_pb2

        self.file = file
        self.proto: Any = perfetto_trace_pb2
        self.tracks = 0
        self.arrows = 0
        self.interned: dict[str, dict[str, int]] = {}
        first = self._packet()
        first.packet[0].sequence_flags = self.proto.TracePacket.SEQ_INCREMENTAL_STATE_CLEARED
        self._write(first)

    def write_timeline(self, name: str, timeline: Timeline) -> None:
        """A track of this name, and all others of the timeline in it."""
        tracks: dict[tuple[str, ...], int] = {(): self._track(name, NO_TRACK)}
        lanes: list[Lane | Counter] = [*timeline.lanes, *timeline.counters]
        for lane in sorted(lanes, key=lambda lane: lane.order):
            for depth in range(1, len(lane.path)):
                outer = lane.path[:depth]
                if outer not in tracks:
                    tracks[outer] = self._track(outer[-1], tracks[outer[:-1]])
            unit = lane.unit if isinstance(lane, Counter) else ""
            tracks[lane.path] = self._track(lane.path[-1], tracks[lane.path[:-1]], unit)
        lane_tracks = [tracks[lane.path] for lane in timeline.lanes]
        counter_tracks = [tracks[counter.path] for counter in timeline.counters]
        for at in _in_order(timeline):
            if isinstance(at, Value):
                self._count(at, counter_tracks[at.counter])
            else:
                self._mark(at, lane_tracks[at.lane])
        self.arrows += timeline.arrows

    def _track(self, name: str, parent: int, unit: str = "") -> int:
        """Describe a track, to be shown behind those that there are. unit: of a counter. Returns its number."""
        self.tracks += 1
        trace = self._packet()
        track = trace.packet[0].track_descriptor
        track.uuid = self.tracks
        track.name = name
        track.child_ordering = self.proto.TrackDescriptor.EXPLICIT
        track.sibling_order_rank = self.tracks
        if parent != NO_TRACK:
            track.parent_uuid = parent
        if unit:
            track.counter.unit_name = unit
        self._write(trace)
        return self.tracks

    def _mark(self, mark: Mark, track: int) -> None:
        trace = self._packet(mark.at_ps)
        event = trace.packet[0].track_event
        event.track_uuid = track
        if mark.begins is None:
            event.type = self.proto.TrackEvent.TYPE_SLICE_END
        else:
            event.type = self.proto.TrackEvent.TYPE_SLICE_BEGIN
            self._describe(mark.begins, event, trace.packet[0].interned_data)
        self._write(trace)

    def _describe(self, slice_: Slice, event: Any, interned: Any) -> None:
        """Name, facts and arrows of a slice that begins."""
        event.name_iid = self._number(interned.event_names, "name", slice_.name)
        for key, value in slice_.facts.items():
            fact = event.debug_annotations.add()
            fact.name_iid = self._number(interned.debug_annotation_names, "fact", key)
            if isinstance(value, int):
                fact.int_value = value
            else:
                fact.string_value = value
        event.flow_ids.extend(self.arrows + arrow for arrow in slice_.leaves)
        event.terminating_flow_ids.extend(self.arrows + arrow for arrow in slice_.enters)

    def _count(self, value: Value, track: int) -> None:
        trace = self._packet(value.at_ps)
        event = trace.packet[0].track_event
        event.type = self.proto.TrackEvent.TYPE_COUNTER
        event.track_uuid = track
        event.counter_value = value.value
        self._write(trace)

    def _number(self, table: Any, kind: str, text: str) -> int:
        """A text's number; it is told with it when it comes for the first time."""
        numbers = self.interned.setdefault(kind, {})
        if text not in numbers:
            numbers[text] = len(numbers) + 1
            table.add(iid=numbers[text], name=text)
        return numbers[text]

    def _packet(self, at_ps: int = 0) -> Any:
        trace = self.proto.Trace()
        packet = trace.packet.add()
        packet.trusted_packet_sequence_id = SEQUENCE
        packet.sequence_flags = self.proto.TracePacket.SEQ_NEEDS_INCREMENTAL_STATE
        packet.timestamp = at_ps // PS_PER_NS
        return trace

    def _write(self, trace: Any) -> None:
        self.file.write(trace.SerializeToString(deterministic=True))


def _in_order(timeline: Timeline) -> Iterator[Mark | Value]:
    """Marks and values by time; those of one instant stay in their order."""
    marks = sorted(timeline.marks, key=lambda mark: mark.at_ps)
    values = sorted(timeline.values, key=lambda value: value.at_ps)
    return merge(marks, values, key=lambda at: at.at_ps)
