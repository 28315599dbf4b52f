"""The memory models allow what their published rules allow: no outcome more, none fewer, of programs that are drawn.

The rules are read by reference_models.py, which has no line in common with the explorer.
"""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perfsim.explore.columns import MODELS
from perfsim.explore.question import Question
from tests.explore.drawn_litmus import allowed, programs, reached
from tests.explore.litmus_programs import Op, Program
from tests.tier import SLOW

SMALL = ((2, 2), (3, 2), (1, 3), (2, 2, 1))
LARGE = ((3, 3), (4, 2), (2, 2, 2), (1, 3, 2), (3, 2, 1))
DRAWN = settings(max_examples=400 if SLOW else 10, suppress_health_check=list(HealthCheck))

Y, X, Z = "y", "x", "z"
REGRESSIONS = {
    "a release goes behind the store that its CPU has read early": [
        [Op("load", Y, 0, "a", "acquire"), Op("store", Y, 1), Op("store", X, 2)],
        [Op("load", Y, 0, "b"), Op("store", Y, 3, "", "release")],
    ],
    "an acquire sees what was written while its CPU stood before it": [
        [Op("load", Z, 0, "a"), Op("load", X, 0, "b", "acquire"), Op("load", Y, 0, "c")],
        [Op("store", Y, 1), Op("store", X, 2, "", "release"), Op("fence"), Op("store", Z, 3)],
    ],
    "an acquire of a store that a third CPU does not see yet orders all the same": [
        [Op("load", Z, 0, "a"), Op("load", X, 0, "b", "acquire"), Op("load", Y, 0, "c")],
        [Op("store", Y, 1), Op("fence"), Op("store", X, 2)],
        [Op("store", Z, 3)],
    ],
}


@pytest.mark.parametrize("model", ["sc", "tso", "ia64"])
@DRAWN
@given(program=programs(SMALL + (LARGE if SLOW else ()), words=3 if SLOW else 2), reduce=st.booleans())
def test_the_explorer_allows_what_the_rules_allow(
    tmp_path_factory: pytest.TempPathFactory, program: Program, model: str, *, reduce: bool
) -> None:
    folder = tmp_path_factory.getbasetemp()
    assert reached(program, folder, Question(model, reduce=reduce)) == allowed(program, model)


@DRAWN
@given(program=programs(SMALL, words=2))
def test_each_memory_model_allows_what_a_stronger_one_does(
    tmp_path_factory: pytest.TempPathFactory, program: Program
) -> None:
    folder = tmp_path_factory.getbasetemp()
    sc, tso, ia64, kernel = (reached(program, folder, Question(model)) for model in MODELS)
    assert sc <= tso
    assert tso <= ia64
    assert tso <= kernel


@pytest.mark.parametrize("what", REGRESSIONS)
def test_a_program_that_went_wrong_once_is_right(what: str, tmp_path: Path) -> None:
    program = Program(tuple(tuple(ops) for ops in REGRESSIONS[what]), {}, {})
    assert reached(program, tmp_path, Question("ia64", reduce=False)) == allowed(program, "ia64")
