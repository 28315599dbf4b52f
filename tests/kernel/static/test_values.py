"""Values that only a run knows: what follows from their bounds, and what does not."""

import ast

import pytest

from perfsim.kernel.static.values import Some, Value, combined, compared, truth

PAGE = Some("page")
COUNT = Some("count", 1)


def operator_of(text: str) -> ast.BinOp | ast.UnaryOp:
    node = ast.parse(text, mode="eval").body
    assert isinstance(node, ast.BinOp | ast.UnaryOp)
    return node


@pytest.mark.parametrize("value, expected", [(0, False), (-1, True), (PAGE, None), (COUNT, True)])
def test_a_value_is_true_when_it_cannot_be_zero(value: Value, expected: bool | None) -> None:
    assert truth(value) is expected


@pytest.mark.parametrize(
    "text, left, right, expected",
    [
        ("a < b", 1, 2, True),
        ("a < b", PAGE, 0, False),
        ("a >= b", PAGE, 0, True),
        ("a >= b", PAGE, 1, None),
        ("a != b", PAGE, -1, True),
        ("a == b", PAGE, -1, False),
        ("a == b", PAGE, 0, None),
        ("a > b", 0, PAGE, False),
        ("a <= b", 0, PAGE, True),
        ("a == b", PAGE, PAGE, True),
        ("a < b", PAGE, PAGE, False),
        ("a == b", PAGE, COUNT, None),
    ],
)
def test_a_comparison_is_decided_where_the_bounds_decide_it(
    text: str, left: Value, right: Value, expected: bool | None
) -> None:
    node = ast.parse(text, mode="eval").body
    assert isinstance(node, ast.Compare)
    assert compared(node.ops[0], left, right) is expected


def test_integers_are_combined_as_python_does() -> None:
    assert combined(operator_of("a - b"), [3, 5]) == -2
    assert combined(operator_of("~a"), [0]) == -1


def test_a_sum_keeps_its_bound_and_its_name_and_nothing_else_does() -> None:
    assert combined(operator_of("a + b"), [PAGE, 1]) == Some("page+1", 1)
    product = combined(operator_of("a * b"), [PAGE, 2])
    assert truth(product) is None
    assert compared(ast.Lt(), product, 0) is None


@pytest.mark.parametrize("text", ["a - b", "a * b", "a & b"])
def test_one_expression_of_other_operands_is_another_value(text: str) -> None:
    value, same = combined(operator_of(text), [PAGE, 1]), combined(operator_of(text), [PAGE, 1])
    assert compared(ast.Eq(), value, same) is True
    for operands in ([PAGE, 2], [COUNT, 1], [Some("not page"), 1]):
        other = combined(operator_of(text), operands)  # type: ignore[arg-type]
        assert compared(ast.Eq(), value, other) is None


def test_what_python_refuses_to_combine_has_no_known_value() -> None:
    assert isinstance(combined(operator_of("a // b"), [1, 0]), Some)
