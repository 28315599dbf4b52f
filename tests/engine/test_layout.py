"""Where a run's columns lie: each has a place, a page takes 64 bytes at most, and no column is too narrow."""

from typing import get_type_hints

import numpy as np
import pytest

from perfsim.engine import compiled
from perfsim.engine.layout import (
    ALONE,
    BY_PAGE,
    GROUP_OF,
    GROUPS,
    LINKS_MAX,
    PLACES,
    RECORDS,
    Column,
    Number,
    as_arrays,
    as_lists,
    length_of,
    table_of,
)
from perfsim.engine.loop import Run
from perfsim.engine.prepare import BYTES_PER_PAGE, COMPILED_OBJECTS_MAX, profile_of, task_names
from perfsim.engine.program import Row
from perfsim.engine.translate import translate
from perfsim.kernel.boot import Seed, blueprint
from perfsim.kernel.constants import LRU_LISTS, PG_MLOCKED
from perfsim.kernel.designs import SHIPPED, load_design
from perfsim.machine.profile_values import COST_PS_MAX
from perfsim.numeric import columns
from perfsim.numeric.columns import Filled, Ints, leaves
from perfsim.scenario.schema import CPUS_MAX, NODES_MAX, TASK_COUNT_MAX, Scenario
from tests.engine.conftest import WORKLOAD, ScenarioMaker


def new_run(scenario: Scenario, trace_room: int = 8) -> Run:
    """A run of redo before anything is made of its columns."""
    profile = profile_of(scenario)
    design = load_design("redo")
    authored = compiled.Authored(design, translate(design), task_names(scenario, profile))
    return compiled.new_run(blueprint(scenario, profile, Seed(1, 0)), authored, trace_room)


def largest(format_: str) -> int:
    return int(np.iinfo(format_).max)


def test_every_column_and_number_of_a_run_has_a_place(scenario_of: ScenarioMaker) -> None:
    found = dict(leaves(new_run(scenario_of())))
    assert list(found) == list(PLACES)
    for name, value in found.items():
        assert isinstance(PLACES[name], Number if isinstance(value, int) else Column), name


def test_every_name_of_a_group_is_a_column_of_the_run() -> None:
    grouped = [name for names in GROUPS.values() for name in names]
    assert len(grouped) == len(set(grouped)) == len(GROUP_OF)
    assert {*grouped, *ALONE} <= PLACES.keys()


def test_a_page_takes_at_most_64_bytes_with_its_lines_and_its_pte() -> None:
    """Two cache lines a page: its own and its page_cgroup's. A page has a pte at most, were all in ranges."""
    page = RECORDS["page"].itemsize
    assert set(BY_PAGE) == {"page", "line"}
    assert page == sum(np.dtype(format_).itemsize for format_ in GROUPS["page"].values()) <= 32
    pte = np.dtype(ALONE["s.ranges.pte"]).itemsize
    assert page + 2 * RECORDS["line"].itemsize + pte <= BYTES_PER_PAGE["compiled"] == 64


def test_what_grows_with_pages_is_in_a_group_of_pages_or_is_counted_as_the_pte(scenario_of: ScenarioMaker) -> None:
    few, many = (lengths(scenario_of(WORKLOAD, f"memory.pages_per_node={pages}")) for pages in (2048, 8192))
    grown = {name for name in few if many[name] - few[name] >= 2 * (8192 - 2048)}
    assert grown == {*GROUPS["page"], *GROUPS["line"]}


def lengths(scenario: Scenario) -> dict[str, int]:
    """How long each column is."""
    return {name: length_of(value) for name, value in leaves(new_run(scenario)) if not isinstance(value, int)}


def test_columns_of_a_group_are_fields_of_one_array(scenario_of: ScenarioMaker) -> None:
    with_an_object = "  - {name: writers, kind: truncate, count: 1, hold: 1us, think: 1us}\nmeasure:"
    run = as_arrays(new_run(scenario_of(WORKLOAD.replace("measure:", with_an_object))))
    table = table_of(run)
    for name, value in leaves(run):
        place = PLACES[name]
        if isinstance(place, Number):
            assert table[place.word] == value, name
            continue
        assert int(table[place.word]) + place.offset == value.__array_interface__["data"][0], name
        assert value.strides == (place.stride,), name
        assert value.dtype == np.dtype(place.format), name


def test_a_state_of_arrays_is_the_state_of_lists_again(scenario_of: ScenarioMaker) -> None:
    run = new_run(scenario_of())
    lists = columns.as_lists(run.s)
    assert as_lists(as_arrays(run).s) == lists
    without = as_lists(as_arrays(run).s, pages=False)
    assert (without.pages.flags, without.m.line_holders) == ([], [])
    assert without.tasks == lists.tasks
    assert without.settings == lists.settings


def test_a_column_to_be_filled_is_as_long_as_it_will_be() -> None:
    assert (length_of(Filled(-1, 5)), length_of([1, 2])) == (5, 2)


@pytest.mark.parametrize(
    "column,most",
    [
        ("s.pages.flags", 2 * PG_MLOCKED - 1),
        ("s.pages.locker", TASK_COUNT_MAX - 1),
        ("s.pages.cgroup", 2 * LRU_LISTS + 1),
        ("s.pages.mapping", 2 * (NODES_MAX + 1 + COMPILED_OBJECTS_MAX) + 1),
        ("s.pages.refcount", 2 + CPUS_MAX),
        ("s.pages.slot", LINKS_MAX),
        ("s.pages.next", LINKS_MAX),
        ("s.pages.before", LINKS_MAX),
        ("s.ranges.pte", LINKS_MAX),
        ("code.before_ps", COST_PS_MAX),
    ],
)
def test_a_narrow_column_holds_all_that_it_may_have_to(column: str, most: int) -> None:
    place = PLACES[column]
    assert isinstance(place, Column)
    assert largest(place.format) >= most


def test_columns_that_are_not_narrow_have_64_bits() -> None:
    narrow = {name for name, place in PLACES.items() if isinstance(place, Column) and place.format != "i8"}
    pages = {name for name in GROUPS["page"] if name != "s.pages.locked_ps"}
    rows = {name for name in PLACES if name.startswith("code.")} - {"code.before_ps", "code.target"}
    assert narrow == {*pages, *rows, "s.m.line_stamp", "s.ranges.pte"}


def test_a_row_takes_half_a_cache_line() -> None:
    """With 28 bytes, of which some lie on two lines, an event took a fifth of the time more."""
    assert RECORDS["row"].itemsize == 32


@pytest.mark.parametrize("name", SHIPPED)
def test_the_rows_of_a_shipped_design_fit_their_columns_with_room_to_spare(name: str) -> None:
    program = translate(load_design(name))
    for field in get_type_hints(Row):
        place = PLACES[f"code.{field}"]
        assert isinstance(place, Column)
        assert 4 * max(getattr(row, field) for row in program.rows) <= largest(place.format), field


def test_arrays_hold_what_lists_hold_column_by_column(scenario_of: ScenarioMaker) -> None:
    run = new_run(scenario_of())
    arrays = dict(leaves(as_arrays(run)))
    for name, value in leaves(columns.as_lists(run)):
        if not isinstance(value, int):
            column: Ints = arrays[name].tolist()
            assert column == value, name
