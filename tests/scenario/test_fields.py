"""Readers of single values that no workload test shows by itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfsim.errors import InputError
from perfsim.numeric.random import EXPONENTIAL, FIXED, UNIFORM
from perfsim.scenario.fields import (
    Item,
    described,
    described_size,
    duration,
    mapping,
    name_or_file,
    power_of_two,
    section,
    size_bytes,
)
from perfsim.scenario.schema import Duration
from perfsim.scenario.source import parse_document


def item(text: str, path: str = "tasks.a.think") -> Item:
    """A value as a file would have it."""
    return Item(parse_document(text, "w.yaml"), path)


@pytest.mark.parametrize(
    "text, drawn, words",
    [
        ("20us", Duration(FIXED, 20_000_000, 0), "20us"),
        ("'1.5 ms'", Duration(FIXED, 1_500_000_000, 0), "1.5ms"),
        ("{exponential: 0.9us}", Duration(EXPONENTIAL, 900_000, 0), "exponential 900ns"),
        ("{uniform: [10us, 10us]}", Duration(UNIFORM, 10_000_000, 10_000_000), "uniform 10us to 10us"),
        ("3600s", Duration(FIXED, 3600 * 10**12, 0), "3600s"),
    ],
)
def test_a_duration_is_read_and_described(text: str, drawn: Duration, words: str) -> None:
    assert duration(item(text)) == drawn
    assert described(drawn) == words


@pytest.mark.parametrize(
    "value", ["redo", "x86_64-2008.v2", "./mine.py", "mine.yaml", "../designs/mine.py", "/abs/é t.py"]
)
def test_a_name_or_a_path_with_the_suffix_is_taken(value: str) -> None:
    assert name_or_file(item(value), ".py") == value


@pytest.mark.parametrize("value", ["../redo", "-x", "a b", "redo.yaml/", "/etc/passwd", ".", '"a\\n.py"'])
def test_anything_else_is_neither_name_nor_file(value: str) -> None:
    with pytest.raises(InputError, match=r"neither name nor \.py file"):
        name_or_file(item(value), ".py")


def test_an_unknown_key_has_its_own_place_and_its_nearest_neighbour() -> None:
    with pytest.raises(InputError) as caught:
        section(item("{exponental: 1us}"), ("exponential", "uniform"))
    assert str(caught.value) == (
        'w.yaml:1:2: tasks.a.think: unknown key "exponental"; expected one of exponential, uniform'
        ' (did you mean "exponential"?)'
    )


def test_the_root_has_no_path_to_name() -> None:
    with pytest.raises(InputError) as caught:
        mapping(item("5", path=""), "the keys a, b")
    assert str(caught.value) == "w.yaml:1:1: 5 where a mapping belongs; expected the keys a, b"


@given(st.one_of(st.integers(0, 2**62 - 1), st.integers(0, 2**22 - 1).map(lambda count: count << 40)))
def test_a_described_size_reads_back_as_the_same_number_of_bytes(bytes_: int) -> None:
    assert size_bytes(item(described_size(bytes_))) == bytes_


@given(st.integers(0, 70))
def test_a_power_of_two_is_a_number_with_one_bit(value: int) -> None:
    if value in (4, 8, 16, 32, 64):
        assert power_of_two(item(str(value)), 4, 64) == value
        return
    with pytest.raises(InputError, match=r"expected a (power of two|whole number) from 4 to 64"):
        power_of_two(item(str(value)), 4, 64)
