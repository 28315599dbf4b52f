"""Counter-based random numbers, in integers only.

A draw is a function of (stream key, counter): no hidden state, so two designs at one seed meet the same think times
and the same choices (common random numbers), and no floating-point library can make two machines differ. The mixing
is the 32-bit xor-shift-multiply finaliser of C. Wellons' hash prospector, with both multipliers below 2**31 so that
every product fits a signed 64-bit word.
"""

from __future__ import annotations

MASK_32 = 0xFFFFFFFF
STREAMS_PER_OWNER = 16

FIXED = 0
EXPONENTIAL = 1
UNIFORM = 2

LONGEST_MEAN_PS = 1 << 55
"""Longest duration a draw can scale without leaving 63 bits: ten hours."""

_ONE_Q31 = 1 << 31
_LN2_Q31 = 1488522236
_SQRT2_Q31 = 3037000500


def mix(word: int) -> int:
    """Scramble a 32-bit word, one to one."""
    word &= MASK_32
    word ^= word >> 16
    word = (word * 0x21F0AAAD) & MASK_32
    word ^= word >> 15
    word = (word * 0x735A2D97) & MASK_32
    word ^= word >> 15
    return word


def stream_key(seed: int, replication: int, owner: int, stream: int) -> int:
    """Key of one stream of draws. owner: task or lock; stream: what the draws decide, below STREAMS_PER_OWNER.

    Within a run no two streams have one key, as mix() is one to one. The design is not in it.
    """
    run = mix(seed & MASK_32)
    run = mix(run ^ (seed >> 32 & MASK_32))
    run = mix(run + 0x9E3779B9 * (replication & 0x7FFFFFFF))
    return mix(run ^ (owner * STREAMS_PER_OWNER + stream))


def draw(key: int, counter: int) -> int:
    """The counter-th 32-bit number of a stream."""
    return mix(mix(key + counter) ^ (counter * 0x2545F491 & MASK_32) ^ key >> 7)


def below(number: int, limit: int) -> int:
    """A 32-bit draw scaled to 0 .. limit-1; limit at most 2**31."""
    return number * limit >> 32


def chance(number: int, probability_ppm: int) -> int:
    """1 when a 32-bit draw falls under a probability in parts per million, else 0."""
    return 1 if number * 1_000_000 >> 32 < probability_ppm else 0


def bit_length(value: int) -> int:
    """Number of bits of a non-negative integer below 2**63; 0 for 0."""
    bits = 0
    step = 32
    while step:
        if value >> step:
            value >>= step
            bits += step
        step >>= 1
    return bits + value


def minus_log_q31(high: int, low: int) -> int:
    """-ln(u) in units of 2**-31 for u = (2x + 1) / 2**54, x the 53 bits of two 32-bit draws; never infinite.

    Reduction to a factor between sqrt(1/2) and sqrt(2), then six terms of the atanh series: error below 2**-28.
    """
    odd = ((high << 21 | low >> 11) << 1) | 1
    length = bit_length(odd)
    factor = odd << 54 - length >> 22
    doublings = 55 - length
    if factor > _SQRT2_Q31:
        factor >>= 1
        doublings -= 1
    ratio = (factor - _ONE_Q31) * _ONE_Q31 // (factor + _ONE_Q31)
    square = ratio * ratio >> 31
    series = _ONE_Q31 // 11
    series = (series * square >> 31) + _ONE_Q31 // 9
    series = (series * square >> 31) + _ONE_Q31 // 7
    series = (series * square >> 31) + _ONE_Q31 // 5
    series = (series * square >> 31) + _ONE_Q31 // 3
    series = (series * square >> 31) + _ONE_Q31
    return doublings * _LN2_Q31 - (2 * ratio * series >> 31)


def scaled(duration_ps: int, number: int) -> int:
    """duration_ps * number / 2**32 for a 32-bit number, without leaving 63 bits; duration below 2**55."""
    return (number * (duration_ps >> 24) >> 8) + (number * (duration_ps & 0xFFFFFF) >> 32)


def duration(kind: int, first_ps: int, second_ps: int, high: int, low: int) -> int:
    """One duration in ps. FIXED: first; EXPONENTIAL: mean first; UNIFORM: between first and second.

    high, low: two 32-bit draws. Durations below LONGEST_MEAN_PS.
    """
    if kind == EXPONENTIAL:
        log = minus_log_q31(high, low)
        return (first_ps >> 31) * log + ((first_ps & 0x7FFFFFFF) * (log >> 6) >> 25)
    if kind == UNIFORM:
        return first_ps + scaled(second_ps - first_ps, high)
    return first_ps
