"""The instructions that the kernels of this folder are made of. An address is a number; a word has 64 bits.

They exist in compiled code alone, where engine/atomics.py stands for them: a thread of Python's has no such thing.
"""

from __future__ import annotations

WORD_BYTES = 8

Seven = tuple[int, int, int, int, int, int, int]


def load(at: int) -> int:
    """The word at an address, with acquire meaning: on x86 a plain load."""
    raise _not_compiled("load", at)


def store(at: int, value: int) -> None:
    """Write a word, with release meaning: on x86 a plain store."""
    raise _not_compiled("store", at, value)


def store_byte(at: int, value: int) -> None:
    """Write 8 bits, as store()."""
    raise _not_compiled("store_byte", at, value)


def store_half(at: int, value: int) -> None:
    """Write 16 bits, as store()."""
    raise _not_compiled("store_half", at, value)


def fetch_and_add(at: int, amount: int) -> int:
    """Add to a word; what it was."""
    raise _not_compiled("fetch_and_add", at, amount)


def fetch_and_store(at: int, value: int) -> int:
    """Write a word; what it was."""
    raise _not_compiled("fetch_and_store", at, value)


def fetch_and_store_half(at: int, value: int) -> int:
    """Write 16 bits; what they were."""
    raise _not_compiled("fetch_and_store_half", at, value)


def fetch_and_or(at: int, bits: int) -> int:
    """Set bits of a word; what it was."""
    raise _not_compiled("fetch_and_or", at, bits)


def compare_and_swap(at: int, expected: int, value: int) -> int:
    """Write a word if it is as expected; what it was."""
    raise _not_compiled("compare_and_swap", at, expected, value)


def memory_barrier() -> None:
    """Keep everything before apart from everything behind."""
    raise _not_compiled("memory_barrier")


def pause() -> None:
    """What a loop that waits does between two looks."""
    raise _not_compiled("pause")


def clock() -> int:
    """The processor's clock, in ticks of its own."""
    raise _not_compiled("clock")


def keep(value: int) -> int:
    """The value, and the compiler may not know it: so a loop stays a loop."""
    raise _not_compiled("keep", value)


def call(function: int, words: Seven) -> int:
    """Call the C function at an address; words: its arguments, and 0 for those that it does not have."""
    raise _not_compiled("call", function, words)


def _not_compiled(name: str, *arguments: object) -> AssertionError:
    return AssertionError(f"{name}{arguments} outside of compiled code")
