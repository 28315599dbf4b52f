"""Sizes that a reader can hold: files, functions, nesting, parameters."""

import ast
import io
import tokenize

from tests.tidy.modules import Function, Module, complaints, functions, modules, parse

FILE_LINES = 400
CODE_LINES = 50
TEST_LINES = 40
PARAMETERS = 5
NESTING = 3
NESTING_IN_PATHS = 4  # a path nests as its C does

# What every primitive is given: the state, who, and when. Its own arguments are the parameters that count.
PRIMITIVE_HEAD = ["s", "task", "now"]

COMPOUND = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)
NOT_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def long_file(module: Module) -> list[str]:
    """A file of too many lines."""
    count = len(module.text.splitlines())
    return [f"{module.path}:{count}: {count} lines, at most {FILE_LINES}"] if count > FILE_LINES else []


def long_function(module: Module) -> list[str]:
    """Functions of too many code lines: those with neither comment nor docstring alone, nor blank."""
    code = code_lines(module)
    counts = ((function, len(code & set(body_lines(function)))) for function in functions(module.tree))
    return [
        module.at(function, f"{function.name} has {count} code lines, at most {CODE_LINES}")
        for function, count in counts
        if count > CODE_LINES
    ]


def code_lines(module: Module) -> set[int]:
    """Line numbers that hold code; a line inside a text of many lines counts."""
    tokens = tokenize.generate_tokens(io.StringIO(module.text).readline)
    spans = (range(token.start[0], token.end[0] + 1) for token in tokens if token.type not in NOT_CODE)
    return {line for span in spans for line in span}


def body_lines(function: Function) -> range:
    """Line numbers of a function's body without its docstring."""
    body = function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body
    return range(body[0].lineno, (body[-1].end_lineno or 0) + 1) if body else range(0)


def long_test(module: Module) -> list[str]:
    """Test functions of too many lines of any sort, decorators aside."""
    return [
        module.at(function, f"{function.name} has more than {TEST_LINES} lines")
        for function in functions(module.tree)
        if function.name.startswith("test_") and (function.end_lineno or 0) - function.lineno >= TEST_LINES
    ]


def many_parameters(module: Module) -> list[str]:
    """Functions of too many parameters; the options of a command are the user's, not ours, and do not count."""
    return [
        module.at(function, f"{function.name} has {len(names)} parameters, at most {PARAMETERS}")
        for function in functions(module.tree)
        if len(names := own_parameters(module, function)) > PARAMETERS and not is_command(module, function)
    ]


def own_parameters(module: Module, function: Function) -> list[str]:
    """Names of parameters of every sort, without self, cls, and the head that all primitives share."""
    listed = function.args
    every = [*listed.posonlyargs, *listed.args, *listed.kwonlyargs, listed.vararg, listed.kwarg]
    names = [parameter.arg for parameter in every if parameter is not None and parameter.arg not in {"self", "cls"}]
    is_primitive = module.path.startswith("perfsim/kernel/effects/") and names[: len(PRIMITIVE_HEAD)] == PRIMITIVE_HEAD
    return names[len(PRIMITIVE_HEAD) :] if is_primitive else names


def is_command(module: Module, function: Function) -> bool:
    """Whether a function is one of the commands, or the same for Python: its parameters are the command's options."""
    if module.path == "perfsim/__init__.py":
        return True
    return module.path.startswith("perfsim/cli/") and any(
        ".command(" in ast.unparse(decorator) or ".callback(" in ast.unparse(decorator)
        for decorator in function.decorator_list
    )


def deep_nesting(module: Module) -> list[str]:
    """Functions that nest too deeply; a function inside another begins at zero again."""
    most = NESTING_IN_PATHS if module.path.startswith("perfsim/kernel/paths/") else NESTING
    return [
        module.at(function, f"{function.name} nests {depth} deep, at most {most}")
        for function in functions(module.tree)
        if (depth := depth_below(function)) > most
    ]


def depth_below(node: ast.AST) -> int:
    """How many compound statements stand inside one another below a node; `elif` is beside its `if`, not in it."""
    return max((depth_of(child, node) for child in ast.iter_child_nodes(node)), default=0)


def depth_of(child: ast.AST, parent: ast.AST) -> int:
    """The depth of one child, itself included if it is compound."""
    if isinstance(child, Function | ast.ClassDef | ast.Lambda):
        return 0
    is_elif = isinstance(child, ast.If) and isinstance(parent, ast.If) and child.col_offset == parent.col_offset
    return depth_below(child) + (isinstance(child, COMPOUND) and not is_elif)


def test_no_file_is_too_long_to_read() -> None:
    assert complaints(long_file, "perfsim", "tests", "scripts") == []


def test_no_function_has_too_many_code_lines() -> None:
    assert complaints(long_function, "perfsim", "tests", "scripts") == []


def test_no_test_is_longer_than_a_screen() -> None:
    assert complaints(long_test, "tests") == []


def test_no_function_takes_too_many_parameters() -> None:
    assert complaints(many_parameters, "perfsim", "scripts") == []


def test_no_function_nests_too_deeply() -> None:
    assert complaints(deep_nesting, "perfsim", "tests", "scripts") == []


def test_a_file_one_line_too_long_is_found() -> None:
    assert long_file(parse("x = 1\n" * 400, "perfsim/a.py")) == []
    assert len(long_file(parse("x = 1\n" * 401, "perfsim/a.py"))) == 1


def test_comments_docstrings_and_blank_lines_are_not_code() -> None:
    padding = '    """Two\n    lines."""\n    # why\n\n'
    at_the_limit = parse("def f():\n" + padding + "    x = 1\n" * 50, "perfsim/a.py")
    over_the_limit = parse("def f():\n" + padding + "    x = 1\n" * 51, "perfsim/a.py")
    assert long_function(at_the_limit) == []
    assert len(long_function(over_the_limit)) == 1


def test_a_test_one_line_too_long_is_found() -> None:
    assert long_test(parse("def test_a():\n" + "    x = 1\n" * 39, "tests/test_a.py")) == []
    assert len(long_test(parse("def test_a():\n" + "    x = 1\n" * 40, "tests/test_a.py"))) == 1


def test_a_sixth_parameter_is_found_unless_it_is_an_option_of_a_command() -> None:
    assert many_parameters(parse("def f(self, a, b, c, *, d, e): ...", "perfsim/a.py")) == []
    assert len(many_parameters(parse("def f(a, b, /, c, *d, e, **f): ...", "perfsim/a.py"))) == 1
    command = "@app.command()\ndef f(a, b, c, d, e, f): ..."
    assert many_parameters(parse(command, "perfsim/cli/run.py")) == []
    assert len(many_parameters(parse(command, "perfsim/sweep/run.py"))) == 1


def test_the_head_of_a_primitive_does_not_count_among_its_parameters() -> None:
    primitive = "def list_add(s, task, now, a, b, c, d, e): ..."
    assert many_parameters(parse(primitive, "perfsim/kernel/effects/lru.py")) == []
    assert len(many_parameters(parse(primitive, "perfsim/machine/locks.py"))) == 1
    assert len(many_parameters(parse(primitive.replace("e)", "e, f)"), "perfsim/kernel/effects/lru.py"))) == 1


def test_nesting_is_counted_without_elif_and_one_deeper_in_paths() -> None:
    chain = "def f():\n    if a: pass\n    elif b: pass\n    elif c: pass\n    elif d: pass\n    elif e: pass"
    four = "def f():\n for a in b:\n  while c:\n   with d:\n    if e: pass"
    five = "def f():\n for a in b:\n  while c:\n   try:\n    if e:\n     if f: pass\n   finally: pass"
    assert deep_nesting(parse(chain, "perfsim/a.py")) == []
    assert len(deep_nesting(parse(four, "perfsim/a.py"))) == 1
    assert deep_nesting(parse(four, "perfsim/kernel/paths/redo/vmscan.py")) == []
    assert len(deep_nesting(parse(five, "perfsim/kernel/paths/redo/vmscan.py"))) == 1


def test_every_file_of_the_checkout_is_among_those_measured() -> None:
    paths = {module.path for module in modules("perfsim", "tests", "scripts")}
    assert {"perfsim/__init__.py", "tests/tidy/test_sizes.py", "scripts/environment.py"} <= paths
