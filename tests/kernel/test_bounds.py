"""What a primitive may be given: every argument of every one has bounds, and what is out of them is told in words."""

from typing import Any

import pytest

from perfsim.kernel import constants as k
from perfsim.kernel.bounds import Bounds, argument_names, bounds_of, check_arguments
from perfsim.kernel.primitives import PRIMITIVES
from perfsim.kernel.state import State
from tests.kernel.conftest import StateMaker


@pytest.mark.parametrize("name", PRIMITIVES)
def test_every_argument_of_a_primitive_has_bounds_within_64_bits(name: str, ranged: State) -> None:
    primitive = PRIMITIVES[name]
    bounds = bounds_of(ranged, primitive)
    assert len(bounds) == len(argument_names(primitive)) == primitive.arguments
    for bound in bounds:
        assert -(1 << 63) < bound.low <= bound.high < 1 << 63


def bounds_by_name(s: State, name: str) -> dict[str, Bounds]:
    """The bounds of a primitive's arguments."""
    primitive = PRIMITIVES[name]
    return dict(zip(argument_names(primitive), bounds_of(s, primitive), strict=True))


def test_bounds_are_those_of_the_machine_that_runs(make_state: StateMaker) -> None:
    s = make_state()
    assert bounds_by_name(s, "test_flag")["page"] == (0, 2 * 512 - 1)
    assert bounds_by_name(s, "page_zone")["page"] == (0, len(s.pages.flags) - 1)
    assert bounds_by_name(s, "rmqueue")["zone"] == (0, len(s.zones.free_count) - 1)
    assert bounds_by_name(s, "waitqueue_active")["bucket"] == (0, len(s.queues.head) - 1)
    assert bounds_by_name(s, "follow_page")["slot"] == (0, len(s.ranges.pte) - 1)
    assert bounds_by_name(s, "vma_start")["range_"] == (0, len(s.ranges.locked) - 1)
    assert bounds_by_name(s, "count_vm_event")["event"] == (0, len(s.events) - 1)
    assert bounds_by_name(s, "work")["cost"] == (0, len(s.m.cost_ps) - 1)


def test_an_argument_that_means_less_or_more_in_one_primitive_has_its_own_bounds(make_state: StateMaker) -> None:
    s = make_state()
    assert bounds_by_name(s, "pagevec_page")["index"].high == k.VECTOR_SLOTS - 1
    assert bounds_by_name(s, "spin_lock")["index"].high == len(s.queues.head) - 1
    assert bounds_by_name(s, "new_page")["slot"].low == k.MAPPED_ELSEWHERE
    assert bounds_by_name(s, "follow_page")["slot"].low == 0
    assert bounds_by_name(s, "next_batch")["lru"].high == k.LRU_UNEVICTABLE - 1
    assert bounds_by_name(s, "lru_length")["lru"].high == k.LRU_LISTS - 1


def test_what_pages_of_an_object_are_asked_for_by_is_of_a_range_that_maps_one(ranged: State) -> None:
    first = ranged.settings.first_object_range
    slots, ranges = (first * 16, len(ranged.ranges.pte) - 1), (first, len(ranged.ranges.locked) - 1)
    for name in ("find_get_page", "page_cached_at", "add_to_page_cache"):
        assert bounds_by_name(ranged, name)["slot"] == slots
    for name in ("i_size_write", "mapping_set_unevictable", "mapping_clear_unevictable"):
        assert bounds_by_name(ranged, name)["range_"] == ranges
    assert bounds_by_name(ranged, "i_size_write")["size"] == (0, 16)
    assert bounds_by_name(ranged, "mapped_object")["slot"] == (k.MAPPED_ELSEWHERE, slots[1])
    assert bounds_by_name(ranged, "set_vm_locked")["range_"] == (0, ranges[1])
    assert bounds_by_name(ranged, "pick_slot") == {"range_": (0, ranges[1]), "count": (1, 16)}


def test_arguments_of_two_pages_of_a_semaphore_and_of_a_cpu_are_those_of_the_machine(ranged: State) -> None:
    pages = (0, 2 * 512 - 1)
    assert bounds_by_name(ranged, "copy_mapping") == {"newpage": pages, "page": pages}
    assert bounds_by_name(ranged, "replace_slot") == {"page": pages, "newpage": pages}
    assert bounds_by_name(ranged, "down_read_trylock")["mm"] == (0, len(ranged.mms.activity) - 1)
    assert bounds_by_name(ranged, "queue_work")["on_cpu"] == (0, 3)
    assert bounds_by_name(ranged, "mapping_unevictable")["mapping"] == (0, len(ranged.mapping_flags) - 1)


def test_a_workload_without_objects_has_nothing_to_ask_their_pages_by(make_state: StateMaker) -> None:
    primitive = PRIMITIVES["find_get_page"]
    bounds = bounds_of(make_state(), primitive)
    assert bounds[0].low > bounds[0].high
    with pytest.raises(ValueError, match=r"^find_get_page\(\): slot is 511; this workload has none that it could be$"):
        check_arguments(primitive, bounds, (511,))


@pytest.mark.parametrize("value", [0, 5, 1023])
def test_arguments_within_their_bounds_are_no_error(value: int) -> None:
    check_arguments(PRIMITIVES["test_flag"], (Bounds(0, 1023), Bounds(0, 4)), (value, 4))


@pytest.mark.parametrize(
    "arguments,text",
    [
        ((-1, 0), "test_flag(): page is -1; expected 0 to 1023"),
        ((1024, 9), "test_flag(): page is 1024; expected 0 to 1023"),
        ((0, 5), "test_flag(): {second} is 5; expected 0 to 4"),
        ((0, 1 << 70), "test_flag(): {second} is 1180591620717411303424; expected 0 to 4"),
    ],
)
def test_the_first_argument_out_of_bounds_is_named_with_its_value_and_bounds(arguments: Any, text: str) -> None:
    primitive = PRIMITIVES["test_flag"]
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - its whole text is compared
        check_arguments(primitive, (Bounds(0, 1023), Bounds(0, 4)), arguments)
    assert str(refused.value) == text.format(second=argument_names(primitive)[1])


def test_as_many_arguments_as_the_primitive_has_are_checked() -> None:
    with pytest.raises(ValueError, match=r"zip\(\)"):
        check_arguments(PRIMITIVES["test_flag"], (Bounds(0, 1), Bounds(0, 1)), (0,))
