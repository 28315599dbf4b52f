import math
import re
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfsim.units import (
    LIMIT,
    TIME_UNITS_PS,
    counted,
    format_count,
    format_duration,
    format_percentage,
    format_size,
    format_width,
    parse_duration_ps,
    parse_fraction_ppm,
    parse_frequency_hz,
    parse_percentage_ppm,
    parse_size_bytes,
    whole_size,
)


@pytest.mark.parametrize(
    "text, duration_ps",
    [
        ("0ps", 0),
        ("1ps", 1),
        ("20ns", 20_000),
        ("0.1us", 100_000),
        (".5us", 500_000),
        ("20 us", 20_000_000),
        ("20\N{MICRO SIGN}s", 20_000_000),
        ("20\N{GREEK SMALL LETTER MU}s", 20_000_000),
        ("2ms", 2_000_000_000),
        ("1.000000000001s", 1_000_000_000_001),
        ("4611686.018427387903s", LIMIT - 1),
    ],
)
def test_a_duration_is_read_exactly_into_picoseconds(text: str, duration_ps: int) -> None:
    assert parse_duration_ps(text) == duration_ps


@pytest.mark.parametrize(
    "text, words",
    [
        ("20", "has no unit; expected a duration such as 20ns or 20us or 20ms"),
        ("20US", 'unknown unit "US".*did you mean "us"'),
        ("20sec", "expected one of ps, ns, us, ms, s"),
        ("20GHz", 'unknown unit "GHz"'),
        ("-5us", "is negative"),
        ("0.1ps", "no whole number of ps"),
        ("4611686.018427387904s", "too large"),
        ("nan", "is no duration"),
        ("infs", "is no duration"),
        ("1e3us", "is no duration"),
        ("1,000us", "is no duration"),
        ("1_000us", "is no duration"),
        ("12:30:00", "is no duration"),
        ("20  us", "is no duration"),
        ("20us\n", "is no duration"),
        ("\N{ARABIC-INDIC DIGIT TWO}us", "is no duration"),
        ("", "is no duration"),
        ("9" * 1_000_000 + "us", r"\(1,000,002 characters\) is no duration"),
    ],
)
def test_what_is_no_duration_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        parse_duration_ps(text)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    "text, size_bytes",
    [("1B", 1), ("64 KiB", 65_536), ("4GiB", 4 * 2**30), ("0.5TiB", 2**39), ("1KB", 1000), ("9MB", 9_000_000)],
)
def test_a_size_has_binary_units_and_units_of_ten(text: str, size_bytes: int) -> None:
    assert parse_size_bytes(text) == size_bytes


@pytest.mark.parametrize("text, frequency_hz", [("1Hz", 1), ("1.6GHz", 1_600_000_000), ("33.333333MHz", 33_333_333)])
def test_a_frequency_is_read_into_whole_hertz(text: str, frequency_hz: int) -> None:
    assert parse_frequency_hz(text) == frequency_hz


@pytest.mark.parametrize(
    "parse, text, words",
    [
        (parse_size_bytes, "4096", "has no unit; expected a size such as 4096KiB"),
        (parse_size_bytes, "0.5B", "no whole number of B"),
        (parse_size_bytes, "4194304TiB", "at most 4,611,686,018,427,387,903 B"),
        (parse_frequency_hz, "1.6ghz", 'did you mean "GHz"'),
        (parse_frequency_hz, "0.5Hz", "no whole number of Hz"),
    ],
)
def test_what_is_no_size_or_frequency_is_refused(parse: Callable[[str], int], text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse(text)


@pytest.mark.parametrize(
    "value, ppm",
    [
        (0, 0),
        (1, 1_000_000),
        (0.1, 100_000),
        (0.3, 300_000),
        (1e-6, 1),
        (np.float64(0.3), 300_000),
        ("50%", 500_000),
        ("0.0001%", 1),
        ("2 %", 20_000),
    ],
)
def test_a_fraction_is_read_exactly_into_parts_per_million(value: str | int | float, ppm: int) -> None:
    assert parse_fraction_ppm(value) == ppm


@pytest.mark.parametrize(
    "value, words",
    [
        (1.0000001, "out of range"),
        (-0.1, "out of range"),
        (2, "out of range"),
        ("101%", "out of range"),
        ("-1%", "out of range"),
        (1e-7, "finer than a millionth"),
        (float("nan"), "not finite"),
        (float("inf"), "not finite"),
        (True, "no number"),
        ("0.5", "bare number from 0 to 1"),
        ("%", "no fraction"),
        ("five%", "no fraction"),
    ],
)
def test_what_is_no_fraction_is_refused_in_words(value: str | int | float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_fraction_ppm(value)


@given(st.integers(min_value=0, max_value=LIMIT - 1))
def test_a_printed_duration_reads_back_as_itself(duration_ps: int) -> None:
    assert parse_duration_ps(format_duration(duration_ps)) == duration_ps


@given(st.integers(min_value=1, max_value=999), st.sampled_from(["s", "ms", "us", "ns", "ps"]))
def test_a_duration_is_printed_as_people_write_it(count: int, unit: str) -> None:
    assert format_duration(parse_duration_ps(f"{count}{unit}")) == f"{count}{unit}"


@given(st.fractions(min_value=0, max_value=1000), st.sampled_from(sorted(TIME_UNITS_PS)))
def test_a_decimal_with_a_unit_is_exact_or_refused(number: Fraction, unit: str) -> None:
    text = f"{float(number):.6f}{unit}"
    exact_ps = Fraction(text.removesuffix(unit)) * TIME_UNITS_PS[unit]
    if exact_ps.denominator == 1:
        assert parse_duration_ps(text) == exact_ps
    else:
        with pytest.raises(ValueError, match="no whole number of ps"):
            parse_duration_ps(text)


QUANTITIES = st.from_regex(r"[-+]?[0-9.]{1,45} ?([pnum]?s|[KMGT]i?B|[kMG]?Hz|%)", fullmatch=True)


@given(st.one_of(st.text(max_size=60), QUANTITIES))
def test_no_text_makes_a_reader_fail_in_another_way(text: str) -> None:
    for parse in (parse_duration_ps, parse_size_bytes, parse_frequency_hz, parse_fraction_ppm, parse_percentage_ppm):
        try:
            assert 0 <= parse(text) < LIMIT
        except ValueError as error:
            assert re.search("expected", str(error))  # noqa: PT017 - it may also succeed


@pytest.mark.parametrize(
    "size_bytes, text",
    [
        (0, "0B"),
        (1000, "1000B"),
        (4096, "4KiB"),
        (1536, "1.5KiB"),
        (2**20 - 1, "1.0MiB"),
        (8_123_456_789, "7.6GiB"),
        (3 * 2**40, "3TiB"),
        (1024 * 2**40 - 1, "1024.0TiB"),
    ],
)
def test_a_size_is_printed_short_for_people(size_bytes: int, text: str) -> None:
    assert format_size(size_bytes) == text


@pytest.mark.parametrize("text, ppm", [("2%", 20_000), ("0.0001%", 1), ("100%", 1_000_000), ("1.25%", 12_500)])
def test_a_percentage_is_read_and_printed_exactly(text: str, ppm: int) -> None:
    assert (parse_percentage_ppm(text), format_percentage(ppm)) == (ppm, text)


@pytest.mark.parametrize("text, words", [("2", '"2" has no unit'), ("0.02", "such as 2%"), ("-1%", "out of range")])
def test_what_is_no_percentage_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_percentage_ppm(text)


@pytest.mark.parametrize(
    "fraction, text", [(0.0, "0%"), (0.031416, "3.14%"), (0.00012, "0.012%"), (12.345, "1,234%"), (math.inf, "inf%")]
)
def test_a_width_is_printed_in_three_digits(fraction: float, text: str) -> None:
    assert format_width(fraction) == text


@pytest.mark.parametrize(
    "size_bytes, whole", [(0, (0, "B")), (1000, (1000, "B")), (16_384, (16, "KiB")), (5 * 2**39, (2560, "GiB"))]
)
def test_a_size_is_exact_in_the_largest_unit_of_which_it_is_a_whole_number(
    size_bytes: int, whole: tuple[int, str]
) -> None:
    assert whole_size(size_bytes) == whole


def test_a_count_is_printed_with_its_thousands_apart() -> None:
    assert format_count(1_000_000) == "1,000,000"
    assert [counted(count, "point") for count in (0, 1, 1234)] == ["0 points", "1 point", "1,234 points"]
