"""A baseline: what of a sweep's results a later check needs, as text, small enough to be committed and reviewed.

One JSON object. Its head says what the runs are of; then each run is a line of its own, so that a diff shows which ones
have changed. Equal results give equal bytes.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, NamedTuple

from perfsim import __version__
from perfsim.errors import InputError
from perfsim.store.atomic import replacing

if TYPE_CHECKING:
    from pathlib import Path

Value = str | int | float | None

FORM = 1
_FORM_KEY = "perfsim_baseline"
_EXPECTED = "expected one that perfsim check --update-baseline wrote"

_WHOLE_END = 2**63

IDENTITY = ("design", "seed", "replication")


class Baseline(NamedTuple):
    """Runs to check against.

    workload: its name. settings: what it says of every run, by dotted path; {} if unknown. first_draws: how many
    replications, the first ones, have decided how many there are; None if nothing has. axes: dotted paths. figures:
    columns of results. runs: each a value of each of IDENTITY, axes and figures; None is no value. perfsim_version:
    which one made the runs, "" if unknown.
    """

    workload: str
    settings: dict[str, str]
    first_draws: int | None
    axes: tuple[str, ...]
    figures: tuple[str, ...]
    runs: tuple[tuple[Value, ...], ...]
    perfsim_version: str = __version__


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Replace a baseline at once or not at all. Raises InputError(path) if the place cannot be written."""
    head = {_FORM_KEY: FORM, **baseline._asdict()}
    del head["runs"]
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
    runs = ",\n".join(json.dumps([_short(value) for value in run], allow_nan=False) for run in baseline.runs)
    text = "{\n" + ",\n".join([*lines, f'"runs": [\n{runs}\n]']) + "\n}\n"
    with replacing(path) as file:
        file.write(text.encode())


def _short(value: Value) -> Value:
    """A whole float without its point: figures are read as floats again."""
    if isinstance(value, float) and abs(value) < _WHOLE_END and value.is_integer():
        return int(value)
    return value


def is_baseline(path: Path) -> bool:
    """Whether a file is meant to be one, sound or not: it begins as JSON's objects do. False without a file."""
    try:
        with path.open("rb") as file:
            return file.read(1) == b"{"
    except OSError:
        return False


def read_baseline(path: Path) -> Baseline:
    """A baseline as it was written. Raises InputError(path) for one that is damaged, foreign or newer."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(str(path), f"cannot be read: {error.strerror}; {_EXPECTED}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(str(path), f"damaged: no JSON; {_EXPECTED}") from error
    if not isinstance(content, dict) or type(content.get(_FORM_KEY)) is not int:
        raise InputError(str(path), f"no baseline of perfsim; {_EXPECTED}")
    form = content.pop(_FORM_KEY)
    if form != FORM:
        problem = f"a baseline of form {form}; this perfsim {__version__} reads form {FORM}"
        raise InputError(str(path), f"{problem}: expected one that it has updated")
    if content.keys() != set(Baseline._fields) or not all(_fits(name, value) for name, value in content.items()):
        raise InputError(str(path), f"damaged: a part of it is missing or of the wrong type; {_EXPECTED}")
    parts: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in content.items()}
    baseline = Baseline(**parts)
    columns = (*IDENTITY, *baseline.axes, *baseline.figures)
    if len(set(columns)) < len(columns):
        raise InputError(str(path), f"damaged: a column is named twice; {_EXPECTED}")
    named_count = len(IDENTITY) + len(baseline.axes)
    seen: dict[tuple[Value, ...], int] = {}
    for number, run in enumerate(baseline.runs, start=1):
        if not _is_run(run, named_count, len(columns)):
            raise InputError(str(path), f"damaged: run {number} has other columns or types; {_EXPECTED}")
        first = seen.setdefault(tuple(run[:named_count]), number)
        if first != number:
            raise InputError(str(path), f"damaged: run {number} is run {first} once more; {_EXPECTED}")
    return baseline._replace(runs=tuple(map(tuple, baseline.runs)))


def _fits(name: str, value: Any) -> bool:
    if name == "settings":
        return isinstance(value, dict) and all(isinstance(one, str) for one in value.values())
    if name == "first_draws":
        return value is None or type(value) is int
    if name == "runs":
        return isinstance(value, list) and all(isinstance(run, list) for run in value)
    if name in ("axes", "figures"):
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    return isinstance(value, str)


def _is_run(run: Any, named_count: int, columns_count: int) -> bool:
    """Whether a run has its columns: a design, whole numbers, values of axes, and then figures."""
    if len(run) != columns_count:
        return False
    design, *numbers = run[: len(IDENTITY)]
    if not (isinstance(design, str) and all(type(one) is int and abs(one) < _WHOLE_END for one in numbers)):
        return False
    are_values = all(isinstance(one, str) or (one is not None and _is_figure(one)) for one in run[:named_count])
    return are_values and all(map(_is_figure, run[named_count:]))


def _is_figure(value: Any) -> bool:
    if type(value) is int:
        return abs(value) < _WHOLE_END
    return value is None or (type(value) is float and math.isfinite(value))
