"""Random numbers: reproducible to the bit, uniform, independent of one another, and within a signed 64-bit word."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from perfsim.numeric.random import (
    EXPONENTIAL,
    FIXED,
    LONGEST_MEAN_PS,
    MASK_32,
    STREAMS_PER_OWNER,
    UNIFORM,
    below,
    bit_length,
    chance,
    draw,
    duration,
    minus_log_q31,
    mix,
    scaled,
    stream_key,
)

WORDS = st.integers(0, MASK_32)
Q31 = 1 << 31

# A true generator fails a test at this level once in a million seeds; ours is tried at one seed that never changes.
P_MIN = 1e-6

KEY = stream_key(seed=1, replication=0, owner=0, stream=0)


def draws(key: int, count: int) -> list[int]:
    """The first numbers of a stream."""
    return [draw(key, counter) for counter in range(count)]


def uniformity(numbers: list[int], cells: int) -> float:
    """p-value of the chi-square test of 32-bit numbers for uniformity over equal cells."""
    counts = Counter(below(number, cells) for number in numbers)
    return float(stats.chisquare([counts[cell] for cell in range(cells)]).pvalue)


def undo_shift(word: int, shift: int) -> int:
    """The word that gives `word` by x ^= x >> shift."""
    found = word
    while word:
        word >>= shift
        found ^= word
    return found


def unmix(word: int) -> int:
    """The inverse of mix(), from the inverses of its five steps."""
    word = undo_shift(word, 15)
    word = word * pow(0x735A2D97, -1, 1 << 32) & MASK_32
    word = undo_shift(word, 15)
    word = word * pow(0x21F0AAAD, -1, 1 << 32) & MASK_32
    return undo_shift(word, 16)


@given(WORDS)
def test_mixing_can_be_undone_so_it_is_one_to_one(word: int) -> None:
    assert unmix(mix(word)) == word


def test_mixing_meets_no_word_twice_in_a_row_of_words() -> None:
    assert len({mix(word) for word in range(100_000)}) == 100_000


def test_mixing_one_changed_bit_changes_half_of_the_bits() -> None:
    flips = [(mix(word) ^ mix(word ^ 1 << bit)).bit_count() for word in range(500) for bit in range(32)]
    assert 15.9 < sum(flips) / len(flips) < 16.1


def test_draws_are_the_same_numbers_on_every_machine() -> None:
    assert (KEY, draws(KEY, 4)) == (3703876647, [2133825113, 2148868202, 4083106215, 2245115291])


@pytest.mark.parametrize("cells", [2, 7, 256, 1000])
def test_draws_fall_into_all_cells_alike(cells: int) -> None:
    assert uniformity(draws(KEY, 50_000), cells) > P_MIN


def test_the_low_bits_of_draws_are_uniform_too() -> None:
    counts = Counter(number & 0xFF for number in draws(KEY, 50_000))
    assert stats.chisquare([counts[byte] for byte in range(256)]).pvalue > P_MIN


def test_the_first_draws_of_many_streams_are_uniform() -> None:
    firsts = [draw(stream_key(1, 0, owner, stream), 0) for owner in range(5000) for stream in range(6)]
    assert uniformity(firsts, 256) > P_MIN


def test_a_draw_says_nothing_about_the_next_one() -> None:
    numbers = draws(KEY, 60_001)
    pairs = Counter((below(a, 16), below(b, 16)) for a, b in pairwise(numbers))
    assert stats.chisquare([pairs[a, b] for a in range(16) for b in range(16)]).pvalue > P_MIN


@pytest.mark.parametrize(
    "other",
    [(2, 0, 0, 0), (1 + (1 << 32), 0, 0, 0), (1, 1, 0, 0), (1, 0, 1, 0), (1, 0, 0, 1)],
    ids=["seed", "high half of the seed", "replication", "owner", "stream"],
)
def test_streams_are_independent_of_one_another(other: tuple[int, int, int, int]) -> None:
    mine, its = draws(KEY, 20_000), draws(stream_key(*other), 20_000)
    pairs = Counter((below(a, 10), below(b, 10)) for a, b in zip(mine, its, strict=True))
    assert stats.chisquare([pairs[a, b] for a in range(10) for b in range(10)]).pvalue > P_MIN


@pytest.mark.parametrize("seed", [0, 1, (1 << 63) - 1])
def test_no_two_streams_of_a_run_have_one_key(seed: int) -> None:
    keys = [stream_key(seed, 3, owner, stream) for owner in range(4096) for stream in range(STREAMS_PER_OWNER)]
    assert len(set(keys)) == len(keys)


def test_owner_and_stream_cannot_be_exchanged() -> None:
    assert stream_key(1, 0, 2, 3) != stream_key(1, 0, 3, 2)


@given(WORDS, st.integers(1, Q31))
def test_a_scaled_draw_lies_below_its_limit(number: int, limit: int) -> None:
    assert below(number, limit) == number * limit // 2**32 < limit


def test_a_chance_of_zero_never_comes_and_one_of_a_million_always() -> None:
    assert [chance(number, 0) for number in (0, MASK_32)] == [0, 0]
    assert [chance(number, 1_000_000) for number in (0, MASK_32)] == [1, 1]


@pytest.mark.parametrize("ppm", [1_000, 200_000, 500_000, 990_000])
def test_a_chance_comes_as_often_as_it_says(ppm: int) -> None:
    count = 50_000
    hits = sum(chance(number, ppm) for number in draws(KEY, count))
    share = ppm / 1e6
    assert abs(hits - count * share) < 4 * math.sqrt(count * share * (1 - share))


@given(st.integers(0, 2**63 - 1))
def test_bit_length_agrees_with_python(value: int) -> None:
    assert bit_length(value) == value.bit_length()


@pytest.mark.parametrize("power", range(63))
def test_bit_length_is_right_on_both_sides_of_a_power_of_two(power: int) -> None:
    assert [bit_length((1 << power) - 1), bit_length(1 << power)] == [power, power + 1]


LOG_ERROR_MAX = 2**-28


def true_log(high: int, low: int) -> float:
    """-ln u by the floating-point library, u as minus_log_q31 says."""
    return -math.log((2 * (high << 21 | low >> 11) + 1) / 2**54)


EDGES = [0, 1, 2, 0x7FF, 0x800, 0x5A827999, 0x5A82799A, 0xB504F333, 0xB504F334, 1 << 31, MASK_32 - 1, MASK_32]


@pytest.mark.parametrize("high", EDGES)
@pytest.mark.parametrize("low", EDGES)
def test_minus_log_is_right_at_the_edges(high: int, low: int) -> None:
    assert abs(minus_log_q31(high, low) / Q31 - true_log(high, low)) < LOG_ERROR_MAX


@given(WORDS, WORDS)
def test_minus_log_is_right_anywhere(high: int, low: int) -> None:
    assert abs(minus_log_q31(high, low) / Q31 - true_log(high, low)) < LOG_ERROR_MAX


@given(st.integers(0, 31), WORDS)
def test_minus_log_is_right_for_small_numbers(shift: int, low: int) -> None:
    high = MASK_32 >> 1 + shift
    assert abs(minus_log_q31(high, low) / Q31 - true_log(high, low)) < LOG_ERROR_MAX


def test_minus_log_is_neither_negative_nor_infinite() -> None:
    assert minus_log_q31(MASK_32, MASK_32) >= 0
    assert minus_log_q31(0, 0) / Q31 == pytest.approx(54 * math.log(2), abs=1e-8)


@given(st.integers(0, LONGEST_MEAN_PS - 1), WORDS)
def test_scaling_in_two_halves_loses_less_than_two_picoseconds(duration_ps: int, number: int) -> None:
    assert -2 < scaled(duration_ps, number) - duration_ps * number / 2**32 < 8  # 8: doubles have 53 bits
    assert 0 <= (duration_ps * number >> 32) - scaled(duration_ps, number) <= 1


def test_a_fixed_duration_is_always_itself() -> None:
    assert {duration(FIXED, 123, 0, high, low) for high in EDGES for low in EDGES} == {123}


@given(st.integers(0, 10**15), st.integers(0, 10**15), WORDS, WORDS)
def test_a_uniform_duration_keeps_within_its_bounds(first_ps: int, width_ps: int, high: int, low: int) -> None:
    assert first_ps <= duration(UNIFORM, first_ps, first_ps + width_ps, high, low) <= first_ps + width_ps


def test_a_uniform_duration_reaches_from_bound_to_bound() -> None:
    assert duration(UNIFORM, 1000, 2000, 0, 0) == 1000
    assert duration(UNIFORM, 1000, 2000, MASK_32, 0) == 1999
    assert duration(UNIFORM, 1000, 1000, MASK_32, 0) == 1000


def durations_of(kind: int, first_ps: int, second_ps: int, count: int) -> list[int]:
    """Durations as a task draws them, two numbers each."""
    return [
        duration(kind, first_ps, second_ps, draw(KEY, 2 * number), draw(KEY, 2 * number + 1)) for number in range(count)
    ]


def test_uniform_durations_pass_a_test_of_their_distribution() -> None:
    drawn = durations_of(UNIFORM, 10**6, 3 * 10**6, 20_000)
    assert stats.kstest(drawn, stats.uniform(10**6, 2 * 10**6).cdf).pvalue > P_MIN


def test_exponential_durations_have_their_mean_and_their_distribution() -> None:
    mean_ps, count = 20_000_000, 200_000
    drawn = durations_of(EXPONENTIAL, mean_ps, 0, count)
    assert abs(sum(drawn) / count - mean_ps) < 4 * mean_ps / math.sqrt(count)
    assert stats.kstest(drawn, stats.expon(scale=mean_ps).cdf).pvalue > P_MIN


@given(st.integers(0, LONGEST_MEAN_PS - 1), WORDS, WORDS)
def test_an_exponential_duration_is_its_mean_times_the_logarithm(mean_ps: int, high: int, low: int) -> None:
    exact = mean_ps * minus_log_q31(high, low) / Q31
    assert duration(EXPONENTIAL, mean_ps, 0, high, low) == pytest.approx(exact, rel=1e-7, abs=70)


class Word(int):
    """A whole number of which no operation may leave a signed 64-bit word, as in the compiled engine."""


def _checked(name: str) -> Callable[..., Word]:
    operation = getattr(int, name)

    def checked(first: int, second: int) -> Word:
        result = operation(first, second)
        assert -(1 << 63) <= result < 1 << 63, f"int.{name}({first}, {second}) = {result}"
        return Word(result)

    return checked


OPERATIONS = ("add", "radd", "sub", "rsub", "mul", "rmul", "floordiv", "lshift", "rlshift", "rshift", "rrshift")
for _operation in (*OPERATIONS, "and", "rand", "or", "ror", "xor", "rxor"):
    setattr(Word, f"__{_operation}__", _checked(f"__{_operation}__"))

FULL = Word(MASK_32)
LONGEST = Word(LONGEST_MEAN_PS - 1)

LARGEST: dict[str, tuple[Callable[..., int], tuple[Any, ...]]] = {
    "mix": (mix, (FULL,)),
    "stream_key": (stream_key, (Word((1 << 63) - 1), Word((1 << 31) - 1), Word((1 << 28) - 1), Word(15))),
    "draw": (draw, (FULL, Word((1 << 32) - 1))),
    "below": (below, (FULL, Word(1 << 31))),
    "chance": (chance, (FULL, Word(1_000_000))),
    "bit_length": (bit_length, (Word((1 << 63) - 1),)),
    "log of the smallest": (minus_log_q31, (Word(0), Word(0))),
    "log of the largest": (minus_log_q31, (FULL, FULL)),
    "scaled": (scaled, (LONGEST, FULL)),
    "exponential": (duration, (Word(EXPONENTIAL), LONGEST, Word(0), Word(0), Word(0))),
    "uniform": (duration, (Word(UNIFORM), Word(0), LONGEST, FULL, FULL)),
}


@pytest.mark.parametrize("name", LARGEST)
def test_no_intermediate_of_the_largest_inputs_leaves_64_bits(name: str) -> None:
    function, arguments = LARGEST[name]
    assert function(*arguments) == function(*(int(argument) for argument in arguments))


@given(WORDS, WORDS, WORDS)
def test_no_intermediate_of_any_draw_leaves_64_bits(key: int, high: int, low: int) -> None:
    assert draw(Word(key), Word(high)) == draw(key, high)
    assert minus_log_q31(Word(high), Word(low)) == minus_log_q31(high, low)
    assert duration(EXPONENTIAL, LONGEST, Word(0), Word(high), Word(low)) >= 0


def test_a_result_beyond_64_bits_is_found() -> None:
    with pytest.raises(AssertionError, match="__mul__"):
        below(FULL, Word(1 << 33))
