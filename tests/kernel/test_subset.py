"""What a path may not contain is refused where it stands, in one line that says what to write instead."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

from perfsim.kernel.designs import SHIPPED, load_design
from perfsim.kernel.primitives import PRIMITIVES
from perfsim.kernel.static.source import path_texts
from perfsim.kernel.subset import Refusal, Scope, Shape, form_refusals, paths_in, refusals, shape_of
from perfsim.kernel.subset_form import EXPRESSIONS, OPERATORS, STATEMENTS

PATHS = Path(str(importlib.import_module("perfsim.kernel.paths").__file__)).parent
PRIMITIVE_ARGUMENTS = {name: primitive.arguments for name, primitive in PRIMITIVES.items()}
KNOWN_PATHS = {"get": Shape(1, returns_value=True), "put": Shape(2, returns_value=False)}
INTEGERS = {"FLAG": 4, "HUGE": 2**70, "ZERO": 0, "NONE": -1}


def refused(text: str) -> list[Refusal]:
    """What is refused in a file's text."""
    tree = ast.parse(text)
    own = {} if form_refusals(tree) else {path.name: shape_of(path) for path in paths_in(tree)}
    return refusals(tree, Scope(INTEGERS, KNOWN_PATHS | own, PRIMITIVE_ARGUMENTS))


def in_body(body: str) -> str:
    """A file with one path of these statements; its arguments are a and b."""
    lines = body.replace("\n", "\n    ")
    return f"async def path(cpu, a, b):\n    {lines}\n"


def only(text: str) -> str:
    """The one refusal of a text, as `LINE:COLUMN: PROBLEM`."""
    found = refused(text)
    assert len(found) == 1, found
    assert "\n" not in found[0].problem
    return f"{found[0].line}:{found[0].column}: {found[0].problem}"


@pytest.mark.parametrize("name", SHIPPED)
def test_every_path_that_is_shipped_is_inside_the_subset(name: str) -> None:
    """Those that all designs share too, whichever design's paths they call."""
    texts = path_texts(load_design(name))
    paths = {path: shape_of(text.tree) for path, text in texts.items()}
    files = {text.file: text.constants for text in texts.values()}
    assert len(files) > 10
    for file, integers in files.items():
        tree = ast.parse(Path(file).read_bytes())
        assert refusals(tree, Scope(integers, paths, PRIMITIVE_ARGUMENTS)) == [], file


@pytest.mark.parametrize("file", sorted(PATHS.rglob("*.py")), ids=lambda file: str(file.relative_to(PATHS)))
def test_a_shipped_path_returns_what_its_type_says(file: Path) -> None:
    for path in paths_in(ast.parse(file.read_bytes())):
        assert path.returns is not None, path.name
        assert ast.unparse(path.returns) == ("int" if shape_of(path).returns_value else "None"), path.name


@pytest.mark.parametrize(
    "body",
    [
        '"""Text."""\npass',
        "x = y = a + FLAG\nx, y = y, x\nx -= 1\nz: int = ~x\nreturn z",
        "while a < b <= FLAG:\n    a += 1\n    if a == 3:\n        continue\n    break",
        "for i in range(1, a, -FLAG):\n    await put(cpu, i, -(b if a else 2))",
        "x = await get(cpu, await cpu.page_mapping(a)) and not await cpu.test_flag(a, b)\nreturn x",
        "while True:\n    x = await cpu.numa_zone()\n    if x:\n        break\nreturn x",
        "while 1:\n    if a:\n        return 1\n    a = 5",
        "if a:\n    x = 1\nelif b:\n    x = 2\nelse:\n    return\nawait cpu.work(x)",
        "x = await get(cpu, a)",
        "FLAG = 1\nawait cpu.work(FLAG)",
        "return (a << 3) >> 70 | 1 if False else 9223372036854775807",
    ],
)
def test_what_belongs_to_the_subset_is_accepted(body: str) -> None:
    assert refused(in_body(body)) == []


@pytest.mark.parametrize(
    "body, found",
    [
        ("try:\n    pass\nfinally:\n    pass", "2:5: a path has no try; kernel code returns an error"),
        ("raise ValueError", "2:5: a path raises nothing; write await cpu.VM_BUG_ON(page, flags)"),
        ("assert a", "2:5: a path raises nothing; write await cpu.VM_BUG_ON(page, flags)"),
        ("with a: pass", "2:5: a path has no with"),
        ("async with a: pass", "2:5: a path has no with"),
        ("async for i in a: pass", "2:5: a path has no async for; write for NAME in range(...)"),
        ("def f(): pass", "2:5: a path defines nothing; write async def at the top of the file, and await it"),
        ("async def f(cpu): pass", "2:5: a path defines nothing; write async def at the top of the file"),
        ("class A: pass", "2:5: a path knows integers alone; write constants at the top"),
        ("import sys", "2:5: a path imports nothing; import at the top of the file"),
        ("from sys import path", "2:5: a path imports nothing; import at the top of the file"),
        ("global x", "2:5: a path has locals alone"),
        ("nonlocal x", "2:5: a path has locals alone"),
        ("del a", "2:5: a path has no del; leave it out"),
        ("match a:\n    case 1: pass", "2:5: a path has no match; write if and elif"),
        ("while a:\n    a = 0\nelse:\n    a = 1", "5:9: while has no else; set a local before break"),
        ("for i in range(3):\n    pass\nelse:\n    a = 1", "5:9: for has no else; set a local before break"),
        ("for i in a: pass", "2:14: for goes over range(...) alone"),
        ("for i in range(): pass", "2:14: range takes one to three arguments"),
        ("for i in range(stop=3): pass", "2:14: range takes one to three arguments"),
        ("for i, j in range(3): pass", "2:9: write a, b = x, y"),
        ("for i in range(1, 2, a): pass", "2:26: the step of a range is a constant other than 0"),
        ("for i in range(1, 2, ZERO): pass", "2:26: the step of a range is a constant other than 0"),
        ("return None", "2:12: None is no integer; write return alone"),
        ("a", "2:5: nobody uses this value"),
        ("a and await cpu.smp_mb()", "2:5: nobody uses this value; give it to a name, or write if"),
        ("pass\n'text'", "3:5: write text as a comment"),
        ("...", "2:5: it does nothing; write pass, or leave it out"),
    ],
    ids=lambda value: value.splitlines()[0],
)  # fmt: skip
def test_a_statement_outside_of_the_subset_is_refused(body: str, found: str) -> None:
    assert only(in_body(body)).startswith(found)


@pytest.mark.parametrize(
    "expression, found",
    [
        ("1.5", "2:9: 1.5 is no integer; a path knows integers alone"),
        ("2j", "2:9: 2j is no integer"),
        ("...", "2:9: ... is no integer"),
        ("None", "2:9: None is no integer; write a number that stands for it, such as -1"),
        ("'text'", "2:9: a path knows integers alone; write text as a comment"),
        ("b'text'", "2:9: a path knows integers alone; write text as a comment"),
        ("f'{a}'", "2:9: a path knows integers alone; write text as a comment"),
        ("[a]", "2:9: a path knows integers alone; keep pages with await cpu.list_add() or cpu.pagevec_add()"),
        ("a, b", "2:9: a path knows integers alone; write a, b = x, y"),
        ("{a}", "2:9: a path knows integers alone; keep pages with"),
        ("{a: b}", "2:9: a path knows integers alone; keep pages with"),
        ("[i for i in range(3)]", "2:9: a path knows integers alone; keep pages with"),
        ("a[0]", "2:9: a path knows integers alone; ask a primitive, as in await cpu.pagevec_page(pvec, i)"),
        ("lambda: 0", "2:9: a path has no lambda; write async def at the top"),
        ("(y := 1)", "2:10: a path has no :=; give the value to the name on a line of its own"),
        ("yield a", "2:9: a path yields nothing; await a primitive, or return"),
        ("a / b", "2:9: / gives no integer; write //"),
        ("a ** b", "2:9: a path has no **; multiply, or write 1 << n for a power of 2"),
        ("a @ b", "2:9: a path knows integers alone; write *"),
        ("a is b", "2:9: a path has no is; write =="),
        ("a is not b", "2:9: a path has no is not; write !="),
        ("a not in b", "2:9: a path has no not in; write a != b and a != c"),
        ("a < b in b", "2:9: a path has no in; write a == b or a == c"),
        ("a.b", "2:9: a path knows integers alone; import b by its name"),
        ("cpu", "2:9: cpu is the CPU, no value; await a primitive"),
        ("cpu.smp_mb", "2:9: cpu.smp_mb is no value; write await cpu.smp_mb(...)"),
        ("range(3)", "2:9: range() stands behind for NAME in alone"),
        ("cpu.test_flag(a, 1)", "2:9: cpu.test_flag() is not awaited; write await before it"),
        ("get(cpu, a)", "2:9: get() is not awaited; write await before it"),
        ("max(a, b)", "2:9: max() is not awaited; write await before it"),
        ("9223372036854775808", '2:9: "9223372036854775808" does not fit 64 bits'),
        ("1 << 63", '2:9: "1 << 63" has no value of 64 bits'),
        ("FLAG // ZERO", '2:9: "FLAG // ZERO" has no value of 64 bits'),
        ("HUGE", "2:9: HUGE does not fit 64 bits"),
        ("FLAGS", '2:9: FLAGS is no integer (did you mean "FLAG"?); a path reads its locals and integer constants'),
        ("get", "2:9: get is a path, no value; write await get(cpu, ...)"),
    ],
)  # fmt: skip
def test_an_expression_outside_of_the_subset_is_refused(expression: str, found: str) -> None:
    assert only(in_body(f"x = {expression}")).startswith(found)


@pytest.mark.parametrize(
    "body, found",
    [
        ("await a", "2:11: await a primitive, cpu.NAME(...), or a path, NAME(cpu, ...)"),
        ("await a.b(cpu)", "2:11: await a primitive"),
        ("await cpu.a.b()", "2:11: await a primitive"),
        ("await range(3)", "2:11: range() stands behind for NAME in alone"),
        ("await get(a)", "2:15: a path runs on the CPU of its caller; write await get(cpu, ...)"),
        ("await get()", "2:11: a path runs on the CPU of its caller; write await get(cpu, ...)"),
        ("await get(cpu, page=a)", "2:20: give arguments by position"),
        ("await get(cpu, *a)", "2:20: a path has no *; write each value by itself"),
        ("await get(cpu, cpu)", "2:20: cpu is the CPU, no value"),
        ("await get(cpu)", "2:11: get(cpu, ...) is given 0; expected 1 argument beside the CPU"),
        ("await put(cpu, a, b, a)", "2:11: put(cpu, ...) is given 3; expected 2 arguments beside the CPU"),
        ("await cpu.test_flag(a)", "2:11: cpu.test_flag() is given 1; expected 2 arguments"),
        ("await cpu.smp_mb(a)", "2:11: cpu.smp_mb() is given 1; expected 0 arguments"),
        ("await cpu.test_flags(a, b)", '2:11: cpu.test_flags() is no primitive (did you mean "test_flag"?)'),
        ("await cpu.put(a, b)", "2:11: cpu.put() is no primitive"),
        ("await cpu.perform(a)", "2:11: cpu.perform() is no primitive"),
        ("await gets(cpu, a)", '2:11: gets() is no path of this design (did you mean "get"?); write it as async def'),
        ("get = 1\nawait get(cpu, a)", "3:11: get is a local here, no path"),
        ("x = await put(cpu, a, b)", "2:15: put() returns no value; await it on a line of its own"),
        ("if not await put(cpu, a, b): pass", "2:18: put() returns no value"),
        ("cpu = 1", "2:5: cpu stays the CPU; write another name"),
        ("for cpu in range(3): pass", "2:9: cpu stays the CPU; write another name"),
        ("cpu.page = 1", '2:5: "cpu.page" is no local; await a primitive that changes it'),
        ("a[0] = 1", '2:5: "a[0]" is no local'),
        ("a, b = 1, 2, 3", "2:5: 2 names are given 3 values"),
        ("a, b = await get(cpu, 1)", "2:5: write a, b = x, y with as many values as names"),
        ("a, *b = 1, 2", "2:8: a path has no *; write each value by itself"),
        ("x: int", "2:5: x has no value; give it one, as in x: int = 0"),
        ("a /= 2", "2:5: / gives no integer; write //"),
        ("range = 1\nfor i in range(3): pass", "3:14: range has another meaning in this file"),
    ],
)  # fmt: skip
def test_a_call_or_an_assignment_outside_of_the_subset_is_refused(body: str, found: str) -> None:
    assert only(in_body(body)).startswith(found)


@pytest.mark.parametrize(
    "text, found",
    [
        ("async def f(): pass", "1:1: f() has no parameter; the first is the CPU: write async def f(cpu)"),
        ("async def f(cpu, a, b, c, d): pass", "1:27: f() takes at most 3 arguments beside cpu"),
        ("async def f(cpu, a=1): pass", "1:20: a parameter has no default"),
        ("async def f(cpu, *a): pass", "1:19: write each parameter by itself"),
        ("async def f(cpu, **a): pass", "1:20: write each parameter by itself"),
        ("async def f(cpu, *, a): pass", "1:21: a path has plain parameters; leave out the *"),
        ("async def f(cpu, /, a): pass", "1:13: a path has plain parameters; leave out the /"),
        ("@cache\nasync def f(cpu): pass", "1:2: a path has no decorator; leave it out"),
        ("async def f(cpu): pass\nasync def f(cpu): pass", "2:1: f() is defined twice; keep one"),
        ("async def f(cpu): await f(cpu)", "1:25: f() calls itself; write a loop"),
        (
            "def helper(): pass\nasync def f(cpu): await helper(cpu)",
            "2:25: helper() is no path; write async def helper",
        ),
        ("def get(cpu, page): pass\nasync def f(cpu): pass", "1:1: get() is a path of the design; write async def get"),
    ],
)
def test_a_path_of_another_form_is_refused(text: str, found: str) -> None:
    assert only(text).startswith(found)


def test_paths_that_call_each_other_in_a_circle_are_refused_at_each_call() -> None:
    found = refused("async def f(cpu): await g(cpu)\nasync def g(cpu): await f(cpu)\n")
    assert [refusal.problem for refusal in found] == [
        "f() calls itself through g(); write a loop",
        "g() calls itself through f(); write a loop",
    ]


@pytest.mark.parametrize(
    "body, place",
    [
        ("return x\nx = 1", "2:12"),
        ("x += 1", "2:5"),
        ("if a:\n    x = 1\nreturn x", "4:12"),
        ("while a:\n    x = a\n    a = 0\nawait cpu.work(x)", "5:20"),
        ("for i in range(a):\n    x = 1\nawait cpu.work(i)", "4:20"),
        ("while True:\n    if a:\n        break\n    x = 1\nawait cpu.work(x)", "6:20"),
        ("x, y = 1, x", "2:15"),
        ("x = x if a else 1", "2:9"),
        ("for i in range(3):\n    if a:\n        continue\n    x = 1\nawait cpu.work(x)", "6:20"),
    ],
)
def test_a_local_that_may_have_no_value_is_refused(body: str, place: str) -> None:
    assert only(in_body(body)).startswith(f"{place}: ")
    assert "may have no value here; give it one before, on every way" in only(in_body(body))


@pytest.mark.parametrize(
    "body, place, rest",
    [
        ("if a:\n    return 1", "1:1", "end it with return and an integer"),
        ("while a:\n    return 1", "1:1", "end it with return and an integer"),
        ("while True:\n    if a:\n        break\n    return 1", "1:1", "end it with return and an integer"),
        ("if a:\n    return\nreturn 1", "3:9", "return an integer here too"),
    ],
)
def test_a_path_that_returns_a_value_on_some_ways_only_is_refused(body: str, place: str, rest: str) -> None:
    assert only(in_body(body)) == f"{place}: path() returns a value on some ways only; {rest}"


def test_what_is_refused_comes_in_the_order_of_the_file() -> None:
    found = refused(in_body("x = 1.5\ny = a / 2\nassert x"))
    assert [refusal.line for refusal in found] == [2, 3, 4]


def test_names_are_looked_at_only_when_the_form_is_right() -> None:
    assert [refusal.line for refusal in refused(in_body("x = nothing\ny = 1.5"))] == [3]


def test_functions_that_are_no_paths_may_hold_anything() -> None:
    text = "def table(): return [x.y for x in ()]\nclass A:\n    async def f(self): return {}\n"
    assert refused(text + in_body("pass")) == []


@pytest.mark.parametrize("name", [*STATEMENTS, *EXPRESSIONS, *OPERATORS])
def test_every_refusal_says_what_to_write_instead(name: str) -> None:
    problem = {**STATEMENTS, **EXPRESSIONS, **OPERATORS}[name]
    assert hasattr(ast, name) or name == "TemplateStr"  # of Python 3.14
    assert ";" in problem
    assert len(problem) < 120
