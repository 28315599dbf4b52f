"""What follows a row, lives at it, and can be reached from it."""

from perfsim.engine.program import RETURN
from perfsim.explore import acts
from perfsim.explore.acts import ways
from perfsim.explore.columns import END
from perfsim.explore.flow import after, live_slots, reach
from perfsim.explore.prepare import known_of
from perfsim.explore.question import Question
from perfsim.explore.rows import Scripts, reads_of, scripts_of, writes_of
from perfsim.explore.step import step, unpack
from tests.explore.searches import on_lists, shipped


def scripts(name: str, number: int) -> Scripts:
    return scripts_of(*shipped(name, number))


def test_a_slot_lives_from_its_write_to_its_last_read() -> None:
    found = scripts("reclaim_reclaim", 1)
    live = live_slots(found)
    for number, row in enumerate(found.rows):
        constants = len(found.constants[found.cpus[number]])
        assert {slot for slot in reads_of(row) if slot >= constants} <= set(live[number])
        for one in after(row):
            assert set(live[one]) - set(writes_of(row)) <= set(live[number])


def test_a_step_leads_to_no_row_but_those_that_can_be_reached_through_local_ones() -> None:
    scenario, design = shipped("reclaim_reclaim", 1)
    found, x = scripts_of(scenario, design), on_lists(scenario, design, Question())
    local, steps = [act == acts.LOCAL for act in known_of(found, ()).act], 0
    while x.b.row[0] != END:
        row = x.b.row[0]
        unpack(x, 0)
        assert ways(x, 0, row)
        step(x, 0, 0)
        x.s.m.wakes.length[0] = 0
        passed = reach(found, row, local.__getitem__)
        behind = {one for inner in passed for one in after(found.rows[inner])}
        ends = any(found.rows[one].op == RETURN for one in behind)
        assert x.b.row[0] in behind or (x.b.row[0] == END and ends)
        steps += 1
    assert steps > 30
