import pickle

import pytest

from perfsim.errors import (
    InputError,
    InterruptedSweep,
    LimitError,
    PerfsimError,
    StuckError,
    did_you_mean,
    one_line,
    quoted,
)

EVERY_ERROR = [
    (InputError("w.yaml:3:7", "machine.cpus: 0 is out of range"), 2),
    (StuckError(("CPU 0 waits for page 7", "CPU 1 waits for page 7")), 1),
    (LimitError("600 s", 1_250_000_000), 1),
    (InterruptedSweep(12, 420, "perfsim sweep w.yaml"), 130),
    (InterruptedSweep(12, 420, "perfsim sweep w.yaml", may_grow=True), 130),
]


@pytest.mark.parametrize("error, exit_status", EVERY_ERROR)
def test_each_error_survives_pickling_and_knows_its_exit_status(error: PerfsimError, exit_status: int) -> None:
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)
    assert copy.exit_status == exit_status


@pytest.mark.parametrize("error", [error for error, _ in EVERY_ERROR])
def test_each_error_can_be_rebuilt_from_its_args(error: PerfsimError) -> None:
    """SimPy does so when it passes an exception on from a process."""
    assert str(type(error)(*error.args)) == str(error)


def test_an_input_error_is_place_then_problem() -> None:
    assert str(InputError("w.yaml:3:7", "no such key")) == "w.yaml:3:7: no such key"


def test_an_input_error_is_one_line_whatever_the_user_wrote() -> None:
    told = str(InputError("a\nb.yaml:1:1", "found \x1b[31mred\r\n and \udc80"))
    assert told.isprintable()
    assert told == r"a\nb.yaml:1:1: found \x1b[31mred\r\n and \udc80"


def test_a_stuck_simulation_tells_one_line_per_waiter() -> None:
    assert str(StuckError(("first", "second"))).splitlines() == ["first", "second"]


def test_what_took_too_much_is_told_with_the_simulated_time_it_had_come_to() -> None:
    told = str(LimitError("600 s", 1_250_000_000))
    assert told == "given up after 600 s, the most that a run may take, at 1.25 ms simulated"


def test_an_interrupted_sweep_says_what_is_kept_and_how_to_go_on() -> None:
    told = str(InterruptedSweep(12, 420, "perfsim sweep w.yaml"))
    assert "12 of 420" in told
    assert told.endswith("perfsim sweep w.yaml")
    assert "12 of at least 420" in str(InterruptedSweep(12, 420, "perfsim sweep w.yaml", may_grow=True))


def test_printable_text_of_any_language_stays_as_it_is() -> None:
    assert one_line("größe 20µs, Ядро, 頁") == "größe 20µs, Ядро, 頁"


def test_a_quoted_value_is_cut_and_its_length_told() -> None:
    assert quoted("redo") == '"redo"'
    assert quoted("x" * 1_000_000) == f'"{"x" * 40}…" (1,000,000 characters)'


@pytest.mark.parametrize(
    "word, hint",
    [
        ("machin", ' (did you mean "machine"?)'),
        ("MACHINE", ' (did you mean "machine"?)'),
        ("zzz", ""),
        ("", ""),
        ("machine" * 100_000, ""),
    ],
)
def test_the_nearest_name_is_offered_only_if_it_is_near(word: str, hint: str) -> None:
    assert did_you_mean(word, ["machine", "memory"]) == hint
