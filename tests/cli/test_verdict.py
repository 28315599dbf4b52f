"""A violated invariant is the answer "no"."""

from collections.abc import Callable
from typing import Any

import pytest
import typer

from perfsim.cli.verdict import exit_on_violations
from perfsim.measure import row as measured

Perfsim = Callable[..., tuple[int, str, str]]


def row(design: str, violations: int) -> dict[str, Any]:
    return {"design": design, "invariant_violations": violations}


def test_rows_without_violations_say_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    exit_on_violations([row("redo", 0), row("lock_page", 0)])
    assert capsys.readouterr() == ("", "")


def test_violations_are_counted_by_those_that_have_them(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended:
        exit_on_violations([row("redo", 2), row("lock_page", 0), row("mine", 1), row("redo", 1)])
    assert ended.value.exit_code == 1
    assert capsys.readouterr().err.startswith(
        "redo, mine: 4 violated invariants that no design declares, in 3 of 4 runs"
    )


def test_a_command_prints_its_answer_and_then_says_no(
    perfsim: Perfsim, tiny: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    simulate = measured.simulate_counted

    def violated(*given: Any) -> measured.Result:
        result = simulate(*given)
        return result._replace(row=result.row | {"invariant_violations": 1})

    monkeypatch.setattr(measured, "simulate_counted", violated)
    status, out, err = perfsim("run", "quickstart", *tiny)
    assert status == 1
    assert "reclaim_scanned_per_s" in out
    assert err.startswith("lock_page, redo: 2 violated invariants")
