"""Kernel paths keep to the subset that every reader of them understands, and `await` stands wherever time may pass."""

import ast
import re

import pytest

from tests.tidy.modules import Module, complaints, parse

PATHS = "perfsim/kernel/paths"
SAMPLE = f"{PATHS}/redo/vmscan.py"
FIRST_FILE = f"{PATHS}/redo_merged/__init__.py"
SETTINGS = r"extends = '\w+'|unevictable_lru = (True|False)"


def not_a_path(module: Module) -> list[str]:
    """What a file of paths may not hold at its top: anything but text, imports, constants and `async def`."""
    return [
        module.at(node, "a file of paths holds imports, constants in upper case, and async functions")
        for node in module.tree.body
        if not (isinstance(node, ast.AsyncFunctionDef | ast.Import | ast.ImportFrom) or is_text(node))
        and not (is_constant(node) or is_late_import(node) or is_setting(module, node))
    ]


def is_late_import(node: ast.stmt) -> bool:
    """Whether a statement imports, for the type checker alone, what the running design's table provides."""
    return (
        isinstance(node, ast.If)
        and ast.unparse(node.test) == "TYPE_CHECKING"
        and not node.orelse
        and all(isinstance(inner, ast.ImportFrom) for inner in node.body)
    )


def is_setting(module: Module, node: ast.stmt) -> bool:
    """Whether a statement of a design's first file says what the design stands on, or how its kernel is built."""
    return module.path.endswith("/__init__.py") and bool(re.fullmatch(SETTINGS, ast.unparse(node)))


def is_text(node: ast.stmt) -> bool:
    """Whether a statement is a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def is_constant(node: ast.stmt) -> bool:
    """Whether a statement gives values, free of calls, to names in upper case."""
    if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
        return False
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    upper = all(isinstance(target, ast.Name) and target.id.isupper() for target in targets)
    return upper and not any(isinstance(inner, ast.Call | ast.Await) for inner in ast.walk(node.value))


def unawaited_call(module: Module) -> list[str]:
    """Calls that are not directly under `await`. The one exception is `range` of a `for`: it takes no time."""
    awaited = {id(node.value) for node in ast.walk(module.tree) if isinstance(node, ast.Await)}
    ranges = {id(node.iter) for node in ast.walk(module.tree) if isinstance(node, ast.For) and is_range(node.iter)}
    return [
        module.at(node, f"await {ast.unparse(node.func)}(...), directly")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and id(node) not in awaited | ranges
    ]


def is_range(node: ast.expr) -> bool:
    """Whether an expression is range(...)."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range"


def await_of_no_call(module: Module) -> list[str]:
    """An `await` of anything but the call of a primitive or a path, such as of a coroutine kept in a name."""
    return [
        module.at(node, f"await a call, not {ast.unparse(node.value)}")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Await) and not isinstance(node.value, ast.Call)
    ]


def hidden_window(module: Module) -> list[str]:
    """Constructs that hide where time passes: `async with`, `async for`, and an `await` in a `finally`."""
    blocks = [node for node in ast.walk(module.tree) if isinstance(node, ast.AsyncWith | ast.AsyncFor)]
    final = [step for node in ast.walk(module.tree) if isinstance(node, ast.Try) for step in node.finalbody]
    return [module.at(node, "async with and async for hide where time passes") for node in blocks] + [
        module.at(inner, "no await in a finally")
        for step in final
        for inner in ast.walk(step)
        if isinstance(inner, ast.Await)
    ]


def test_files_of_paths_hold_paths_and_constants_alone() -> None:
    assert complaints(not_a_path, PATHS) == []


def test_every_call_in_a_path_is_directly_under_await() -> None:
    assert complaints(unawaited_call, PATHS) == []


def test_every_await_in_a_path_is_of_a_call() -> None:
    assert complaints(await_of_no_call, PATHS) == []


def test_no_path_hides_where_time_passes() -> None:
    assert complaints(hidden_window, PATHS) == []


@pytest.mark.parametrize(
    "statement", ["def f(): ...", "class A: ...", "limit = 32", "BATCH = int('32')", "for a in b: pass", "print()"]
)
def test_anything_but_a_path_or_a_constant_is_found(statement: str) -> None:
    assert len(not_a_path(parse(statement, SAMPLE))) == 1
    assert not_a_path(parse('"""Text."""\nBATCH = 32\nasync def f(): ...', SAMPLE)) == []


def test_a_design_says_in_its_first_file_alone_what_it_stands_on() -> None:
    assert not_a_path(parse('extends = "redo"\nunevictable_lru = False', FIRST_FILE)) == []
    assert len(not_a_path(parse('extends = "redo"', SAMPLE))) == 1
    assert len(not_a_path(parse("unevictable_lru = redo()\nlimit = 32", FIRST_FILE))) == 2


@pytest.mark.parametrize(
    "statement",
    [
        "cpu.spin_lock(0)",
        "found = cpu.test_flag(page, 1)",
        "while cpu.test_flag(page, 1): pass",
        "putback_lru_page(cpu, page)",
        "work = cpu.put_page(page); await work",
        "await gather(cpu.put_page(page))",
        "for page in sorted(range(3)): pass",
    ],
)
def test_a_call_without_its_await_is_found(statement: str) -> None:
    assert unawaited_call(parse(f"async def f(cpu, page):\n    {statement}", SAMPLE)) != []


def test_awaited_calls_and_ranges_are_allowed() -> None:
    body = "for i in range(3):\n        if await cpu.test_flag(page, i) and not await lru(cpu, page): break"
    assert unawaited_call(parse(f"async def f(cpu, page):\n    {body}", SAMPLE)) == []


def test_an_await_of_a_name_is_found() -> None:
    assert len(await_of_no_call(parse("async def f(work): await work", SAMPLE))) == 1


@pytest.mark.parametrize(
    "body",
    ["async with cpu.lock(): pass", "async for a in b: pass", "try: pass\n    finally:\n        await cpu.unlock()"],
)
def test_a_hidden_window_is_found(body: str) -> None:
    assert len(hidden_window(parse(f"async def f(cpu, page):\n    {body}", SAMPLE))) == 1
