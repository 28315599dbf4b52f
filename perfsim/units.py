"""Quantities with units, read exactly into integers and printed back: "20us", "1.6GHz", "4GiB", "50%".

A quantity is a decimal number without exponent, at most one blank, and a unit of the tables below. Readers go through
`Fraction`, so "0.1us" is 100,000 ps and never 99,999.999. All raise `ValueError`, whose text says what was expected;
who reads a file adds the place.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import TYPE_CHECKING

from perfsim.errors import did_you_mean, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

LIMIT = 2**62
"""Every figure is smaller: sums of two still fit a signed 64-bit integer. In picoseconds it is 53 days."""

PPM_PER_WHOLE = 1_000_000
PS_PER_NS = 1000
CHARACTERS_MAX = 40

TIME_UNITS_PS: Mapping[str, int] = {
    "ps": 1,
    "ns": 10**3,
    "us": 10**6,
    "\N{MICRO SIGN}s": 10**6,
    "\N{GREEK SMALL LETTER MU}s": 10**6,
    "ms": 10**9,
    "s": 10**12,
}
SIZE_UNITS_BYTES: Mapping[str, int] = {
    "B": 1,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
}
FREQUENCY_UNITS_HZ: Mapping[str, int] = {"Hz": 1, "kHz": 10**3, "MHz": 10**6, "GHz": 10**9}
FRACTION_UNITS_PPM: Mapping[str, int] = {"%": PPM_PER_WHOLE // 100}

_PRINTED_TIME_UNITS = ("s", "ms", "us", "ns", "ps")
_PRINTED_SIZE_UNITS = ("TiB", "GiB", "MiB", "KiB", "B")
_QUANTITY = re.compile(r"([+-]?)([0-9]+(?:\.[0-9]+)?|\.[0-9]+) ?([A-Za-z%\N{MICRO SIGN}\N{GREEK SMALL LETTER MU}]*)")


def parse_duration_ps(text: str) -> int:
    """A duration such as "20us" in whole picoseconds, 0 <= ps < 2**62."""
    return _whole(text, TIME_UNITS_PS, "duration", "20us")


def parse_size_bytes(text: str) -> int:
    """A size such as "4GiB" in whole bytes; KB, MB and GB are powers of ten."""
    return _whole(text, SIZE_UNITS_BYTES, "size", "4GiB")


def parse_frequency_hz(text: str) -> int:
    """A frequency such as "1.6GHz" in whole hertz."""
    return _whole(text, FREQUENCY_UNITS_HZ, "frequency", "1.6GHz")


def parse_fraction_ppm(value: str | int | float) -> int:
    """A fraction of a whole in parts per million: 0.5 and "50%" both give 500,000; 0 <= ppm <= 1,000,000."""
    shown = quoted(value) if isinstance(value, str) else str(value)
    if isinstance(value, bool):
        raise ValueError(f"{shown} is no number; expected a fraction from 0 to 1, or 0% to 100%")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{shown} is not finite; expected a fraction from 0 to 1, or 0% to 100%")
    if isinstance(value, str) and "%" not in value:
        raise ValueError(f"{shown} is no fraction; expected a bare number from 0 to 1, or a percentage such as 50%")
    if isinstance(value, str):
        ppm = _exact(value, FRACTION_UNITS_PPM, "fraction", "50%")
    else:
        # str() is the shortest decimal that reads back as this float: what the user wrote, not its binary neighbour.
        ppm = Fraction(str(value)) * PPM_PER_WHOLE
    if not 0 <= ppm <= PPM_PER_WHOLE:
        raise ValueError(f"{shown} is out of range; expected a fraction from 0 to 1, or 0% to 100%")
    if ppm.denominator != 1:
        raise ValueError(f"{shown} is finer than a millionth; expected at most 6 decimals, or 4 before a %")
    return ppm.numerator


def parse_percentage_ppm(text: str) -> int:
    """A percentage such as "2%" in parts per million; 0 <= ppm <= 1,000,000."""
    if "%" not in text:
        raise ValueError(f"{quoted(text)} has no unit; expected a percentage such as 2%")
    return parse_fraction_ppm(text)


def format_duration(duration_ps: int) -> str:
    """A duration in its largest fitting unit, exact: `parse_duration_ps(format_duration(ps)) == ps`."""
    assert 0 <= duration_ps < LIMIT, f"duration of {duration_ps} ps"
    if duration_ps == 0:
        return "0s"
    unit = next(unit for unit in _PRINTED_TIME_UNITS if TIME_UNITS_PS[unit] <= duration_ps)
    whole, rest = divmod(duration_ps, TIME_UNITS_PS[unit])
    digits = len(str(TIME_UNITS_PS[unit])) - 1
    decimals = f"{rest:0{digits}d}".rstrip("0") if rest else ""
    return f"{whole}.{decimals}{unit}" if decimals else f"{whole}{unit}"


def format_percentage(ppm: int) -> str:
    """Parts per million as a percentage, exact: 20,000 gives "2%", 12,500 "1.25%"."""
    whole, rest = divmod(ppm, FRACTION_UNITS_PPM["%"])
    return f"{whole}.{f'{rest:04d}'.rstrip('0')}%" if rest else f"{whole}%"


def format_width(fraction: float) -> str:
    """A width relative to its middle as people read it: a percentage of three digits or more."""
    return f"{100 * fraction:.3g}%" if fraction < 1 else f"{100 * fraction:,.0f}%"


def format_size(size_bytes: int) -> str:
    """A size for people, in its largest fitting binary unit: exact if whole, else to one decimal ("7.6GiB")."""
    assert size_bytes >= 0, f"size of {size_bytes} bytes"
    index = next((i for i, unit in enumerate(_PRINTED_SIZE_UNITS) if SIZE_UNITS_BYTES[unit] <= size_bytes), -1)
    unit = _PRINTED_SIZE_UNITS[index]
    whole, rest = divmod(size_bytes, SIZE_UNITS_BYTES[unit])
    if rest == 0:
        return f"{whole}{unit}"
    tenths = (size_bytes * 20 // SIZE_UNITS_BYTES[unit] + 1) // 2
    if tenths == 10_240 and index > 0:  # one byte under 1 MiB is 1.0MiB, not 1024.0KiB
        return f"1.0{_PRINTED_SIZE_UNITS[index - 1]}"
    return f"{tenths // 10}.{tenths % 10}{unit}"


def whole_size(size_bytes: int) -> tuple[int, str]:
    """A size, exact, in the largest binary unit of which it is a whole number: 16,384 gives (16, "KiB"), 0 (0, "B")."""
    assert size_bytes >= 0, f"size of {size_bytes} bytes"
    units = (unit for unit in _PRINTED_SIZE_UNITS if size_bytes and size_bytes % SIZE_UNITS_BYTES[unit] == 0)
    unit = next(units, "B")
    return size_bytes // SIZE_UNITS_BYTES[unit], unit


def format_count(count: int) -> str:
    """A count with its thousands set apart: 1000000 gives "1,000,000"."""
    return f"{count:,}"


def counted(count: int, noun: str) -> str:
    """A count with what is counted: "1 point", "1,234 points"."""
    return f"{format_count(count)} {noun}{'' if count == 1 else 's'}"


def _whole(text: str, units: Mapping[str, int], quantity: str, example: str) -> int:
    """The text in whole multiples of the table's unit of size 1."""
    smallest = next(iter(units))
    exact = _exact(text, units, quantity, example)
    if exact < 0:
        raise ValueError(f"{quoted(text)} is negative; expected a {quantity} of at least 0, such as {example}")
    if exact.denominator != 1:
        raise ValueError(f"{quoted(text)} is no whole number of {smallest}; expected a multiple of 1{smallest}")
    if exact >= LIMIT:
        largest = format_duration(LIMIT - 1) if units is TIME_UNITS_PS else f"{format_count(LIMIT - 1)} {smallest}"
        raise ValueError(f"{quoted(text)} is too large; expected a {quantity} of at most {largest}")
    return exact.numerator


def _exact(text: str, units: Mapping[str, int], quantity: str, example: str) -> Fraction:
    """Number times unit, sign and all."""
    names = ", ".join(unit for unit in units if unit.isascii())
    # The length first: Fraction of a megabyte of digits takes minutes.
    found = _QUANTITY.fullmatch(text) if len(text) <= CHARACTERS_MAX else None
    if found is None:
        raise ValueError(f"{quoted(text)} is no {quantity}; expected a number and a unit ({names}), such as {example}")
    sign, number, unit = found.groups()
    if not unit:
        likely = " or ".join(f"{number}{unit}" for unit in _likely_units(units))
        raise ValueError(f"{quoted(text)} has no unit; expected a {quantity} such as {likely}")
    if unit not in units:
        hint = did_you_mean(unit, units)
        raise ValueError(f"{quoted(text)} has the unknown unit {quoted(unit)}; expected one of {names}{hint}")
    return Fraction(sign + number) * units[unit]


def _likely_units(units: Mapping[str, int]) -> tuple[str, ...]:
    """The units people mean most often when they forget one."""
    common = ("ns", "us", "ms", "KiB", "MiB", "MHz", "GHz")
    return tuple(unit for unit in common if unit in units)
