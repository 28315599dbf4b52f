"""The form of a path: which statements and expressions it may hold, whatever the names in it stand for."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from perfsim.errors import quoted
from perfsim.kernel.folding import INTEGER_MAX
from perfsim.kernel.refusal import Refusal, refusal_of

PATH_ARGUMENTS_MAX = 3
"""Arguments of a path, `cpu` aside: a row of the compiled engine has room for no more."""

DEPTH_MAX = 100
"""Statements and expressions inside one another: what every reader can follow without running out of its stack."""

_INTEGERS_ALONE = "a path knows integers alone"
_NO_VALUES = f"{_INTEGERS_ALONE}; keep pages with await cpu.list_add() or cpu.pagevec_add()"
_NO_TEXT = f"{_INTEGERS_ALONE}; write text as a comment"
_NO_EXCEPTION = "a path raises nothing; write await cpu.VM_BUG_ON(page, flags)"
_NO_BLOCK = "a path has no with; take and release with two awaits of their own"
_NO_TRY = "a path has no try; kernel code returns an error number: test it with if"
_NO_IMPORT = "a path imports nothing; import at the top of the file"
_NO_SCOPE = "a path has locals alone; hand the value on as an argument, or return it"
_NO_YIELD = "a path yields nothing; await a primitive, or return"
_AWAIT_WHAT = "await a primitive, cpu.NAME(...), or a path, NAME(cpu, ...)"
_FOR_WHAT = "for goes over range(...) alone; write for NAME in range(...), or while"

STATEMENTS: dict[str, str] = {
    "Try": _NO_TRY,
    "TryStar": _NO_TRY,
    "Raise": _NO_EXCEPTION,
    "Assert": _NO_EXCEPTION,
    "With": _NO_BLOCK,
    "AsyncWith": _NO_BLOCK,
    "AsyncFor": "a path has no async for; write for NAME in range(...), and await inside",
    "FunctionDef": "a path defines nothing; write async def at the top of the file, and await it",
    "AsyncFunctionDef": "a path defines nothing; write async def at the top of the file",
    "ClassDef": f"{_INTEGERS_ALONE}; write constants at the top of the file instead of a class",
    "Import": _NO_IMPORT,
    "ImportFrom": _NO_IMPORT,
    "Global": _NO_SCOPE,
    "Nonlocal": _NO_SCOPE,
    "Delete": "a path has no del; leave it out: a local ends with its path",
    "Match": "a path has no match; write if and elif",
}
"""What to write instead of each statement, by the name of its node."""

EXPRESSIONS: dict[str, str] = {
    "List": _NO_VALUES,
    "Tuple": f"{_INTEGERS_ALONE}; write a, b = x, y with as many values as names",
    "Set": _NO_VALUES,
    "Dict": _NO_VALUES,
    "ListComp": _NO_VALUES,
    "SetComp": _NO_VALUES,
    "DictComp": _NO_VALUES,
    "GeneratorExp": _NO_VALUES,
    "Subscript": f"{_INTEGERS_ALONE}; ask a primitive, as in await cpu.pagevec_page(pvec, i)",
    "Lambda": "a path has no lambda; write async def at the top of the file, and await it",
    "JoinedStr": _NO_TEXT,
    "TemplateStr": _NO_TEXT,
    "NamedExpr": "a path has no :=; give the value to the name on a line of its own",
    "Yield": _NO_YIELD,
    "YieldFrom": _NO_YIELD,
    "Starred": "a path has no *; write each value by itself",
}
"""What to write instead of each expression, by the name of its node."""

OPERATORS: dict[str, str] = {
    "Div": "/ gives no integer; write //",
    "Pow": "a path has no **; multiply, or write 1 << n for a power of 2",
    "MatMult": f"{_INTEGERS_ALONE}; write * for a product",
    "Is": "a path has no is; write ==",
    "IsNot": "a path has no is not; write !=",
    "In": "a path has no in; write a == b or a == c",
    "NotIn": "a path has no not in; write a != b and a != c",
}
"""What to write instead of each operator, by the name of its node."""


def paths_in(tree: ast.Module) -> list[ast.AsyncFunctionDef]:
    """The paths of a file: its async functions at the top, those under an `if` there included."""
    found: list[ast.AsyncFunctionDef] = []
    open_ends: list[ast.AST] = list(reversed(tree.body))
    while open_ends:
        node = open_ends.pop()
        if isinstance(node, ast.AsyncFunctionDef):
            found.append(node)
        elif isinstance(node, ast.stmt | ast.excepthandler) and not isinstance(node, ast.FunctionDef | ast.ClassDef):
            open_ends += reversed(list(ast.iter_child_nodes(node)))
    return found


def form_refusals(tree: ast.Module) -> list[Refusal]:
    """What the paths of a file hold that no path may, in the order of the file. Nothing of the file is run."""
    paths = paths_in(tree)
    names = [path.name for path in paths]
    found = [
        refusal_of(path, f"{path.name}() is defined twice; keep one")
        for index, path in enumerate(paths)
        if path.name in names[:index]
    ]
    return sorted(found + [refusal for path in paths for refusal in _of_path(path)])


def called_path(node: ast.Await) -> str:
    """The name of the path that an `await` calls; "" if it awaits a primitive."""
    assert isinstance(node.value, ast.Call), "the form is checked first"
    return node.value.func.id if isinstance(node.value.func, ast.Name) else ""


def _of_path(path: ast.AsyncFunctionDef) -> Iterator[Refusal]:
    head = list(_head(path))
    yield from head
    if head:
        return
    if _depth(path) > DEPTH_MAX:
        yield refusal_of(path, f"{path.name}() nests more than {DEPTH_MAX} deep; give names to parts of it")
        return
    form = _Form(path.args.args[0].arg)
    body = path.body[1:] if ast.get_docstring(path, clean=False) is not None else path.body
    yield from form.block(body)


def _depth(path: ast.AsyncFunctionDef) -> int:
    depth, level = -1, list[ast.AST]([path])
    while level:
        depth += 1
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return depth


def _head(path: ast.AsyncFunctionDef) -> Iterator[Refusal]:
    arguments = path.args
    for decorator in path.decorator_list:
        yield refusal_of(decorator, "a path has no decorator; leave it out")
    for default in [*arguments.defaults, *(default for default in arguments.kw_defaults if default)]:
        yield refusal_of(default, "a parameter has no default; give every argument at every call")
    for parameter in (arguments.vararg, arguments.kwarg):
        if parameter is not None:
            yield refusal_of(parameter, f"write each parameter by itself instead of *{parameter.arg}")
    for parameter in arguments.posonlyargs:
        yield refusal_of(parameter, "a path has plain parameters; leave out the /")
    for parameter in arguments.kwonlyargs:
        yield refusal_of(parameter, "a path has plain parameters; leave out the *")
    if getattr(path, "type_params", None):
        yield refusal_of(path, "a path has no type parameters; its arguments are integers")
    if not arguments.args:
        yield refusal_of(
            path, f"{path.name}() has no parameter; the first is the CPU: write async def {path.name}(cpu)"
        )
    for parameter in arguments.args[PATH_ARGUMENTS_MAX + 1 :]:
        yield refusal_of(
            parameter, f"{path.name}() takes at most {PATH_ARGUMENTS_MAX} arguments beside {arguments.args[0].arg}"
        )


class _Form:
    """Checks the statements of one path. cpu: the name of its first parameter."""

    def __init__(self, cpu: str) -> None:
        self.cpu = cpu

    def block(self, statements: list[ast.stmt]) -> Iterator[Refusal]:
        """Refusals of statements, one after another."""
        for statement in statements:
            yield from self._statement(statement)

    def _statement(self, node: ast.stmt) -> Iterator[Refusal]:
        match node:
            case ast.Pass() | ast.Break() | ast.Continue() | ast.Return(value=None):
                return
            case ast.Return(value=ast.Constant(value=None) as none):
                yield refusal_of(none, "None is no integer; write return alone, or return an integer")
            case ast.Return(value=ast.expr() as value):
                yield from self._expression(value)
            case ast.If(test=test, body=body, orelse=orelse):
                yield from self._expression(test)
                yield from self.block(body)
                yield from self.block(orelse)
            case ast.While() | ast.For():
                yield from self._loop(node)
            case ast.Expr(value=value):
                yield from self._alone(value)
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
                yield from self._assignment(node)
            case _:
                yield refusal_of(
                    node, STATEMENTS.get(type(node).__name__, "a path has no such statement; see the page")
                )

    def _alone(self, value: ast.expr) -> Iterator[Refusal]:
        """An expression that is a statement: only an `await` does something."""
        if isinstance(value, ast.Constant):
            text = isinstance(value.value, str)
            yield refusal_of(
                value, "write text as a comment" if text else "it does nothing; write pass, or leave it out"
            )
            return
        found = list(self._expression(value))
        yield from found
        if not found and not isinstance(value, ast.Await):
            yield refusal_of(value, "nobody uses this value; give it to a name, or write if")

    def _loop(self, node: ast.While | ast.For) -> Iterator[Refusal]:
        word = "while" if isinstance(node, ast.While) else "for"
        if isinstance(node, ast.While):
            yield from self._expression(node.test)
        else:
            yield from self._target(node.target)
            yield from self._range(node.iter)
        yield from self.block(node.body)
        if node.orelse:
            yield refusal_of(node.orelse[0], f"{word} has no else; set a local before break, and test it afterwards")

    def _range(self, node: ast.expr) -> Iterator[Refusal]:
        match node:
            case ast.Call(func=ast.Name(id="range"), args=arguments, keywords=[]) if 1 <= len(arguments) <= 3:
                for argument in arguments:
                    yield from self._expression(argument)
            case ast.Call(func=ast.Name(id="range")):
                yield refusal_of(node, "range takes one to three arguments, by position: stop; start, stop; and step")
            case _:
                yield refusal_of(node, _FOR_WHAT)

    def _assignment(self, node: ast.Assign | ast.AnnAssign | ast.AugAssign) -> Iterator[Refusal]:
        match node:
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                for part in names:
                    yield from self._target(part)
                for part in values:
                    yield from self._expression(part)
                if len(names) != len(values):
                    yield refusal_of(node, f"{len(names)} names are given {len(values)} values; write one value each")
            case ast.Assign(targets=targets, value=value):
                for part in targets:
                    yield from self._target(part)
                yield from self._expression(value)
            case ast.AnnAssign(target=target, value=None):
                yield refusal_of(node, f"{ast.unparse(target)} has no value; give it one, as in x: int = 0")
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                yield from self._target(target)
                yield from self._expression(value)
            case ast.AugAssign(target=target, op=sign, value=value):
                yield from self._target(target)
                yield from self._expression(value)
                yield from _operator(node, sign)

    def _target(self, node: ast.expr) -> Iterator[Refusal]:
        match node:
            case ast.Name(id=name) if name == self.cpu:
                yield refusal_of(node, f"{name} stays the CPU; write another name")
            case ast.Name():
                return
            case ast.Tuple() | ast.List():
                yield refusal_of(node, "write a, b = x, y with as many values as names, or one name alone")
            case ast.Attribute() | ast.Subscript():
                yield refusal_of(node, f"{quoted(ast.unparse(node))} is no local; await a primitive that changes it")
            case _:
                yield refusal_of(node, EXPRESSIONS.get(type(node).__name__, "a value is given to a plain name alone"))

    def _expression(self, node: ast.expr) -> Iterator[Refusal]:
        match node:
            case ast.Constant(value=value):
                yield from _constant(node, value)
            case ast.Name(id=name) if name == self.cpu:
                yield refusal_of(node, f"{name} is the CPU, no value; {_AWAIT_WHAT}")
            case ast.Name():
                return
            case ast.UnaryOp() | ast.BinOp() | ast.BoolOp() | ast.Compare() | ast.IfExp():
                for part in ast.iter_child_nodes(node):
                    yield from self._expression(part) if isinstance(part, ast.expr) else _operator(node, part)
            case ast.Await(value=awaited):
                yield from self._await(awaited)
            case ast.Call(func=ast.Name(id="range")):
                yield refusal_of(node, "range() stands behind for NAME in alone; write a loop")
            case ast.Call(func=function):
                yield refusal_of(node, f"{ast.unparse(function)}() is not awaited; write await before it")
            case ast.Attribute():
                yield refusal_of(node, self._attribute(node))
            case _:
                yield refusal_of(node, EXPRESSIONS.get(type(node).__name__, f"{_INTEGERS_ALONE}; see the page"))

    def _attribute(self, node: ast.Attribute) -> str:
        if isinstance(node.value, ast.Name) and node.value.id == self.cpu:
            return f"{ast.unparse(node)} is no value; write await {ast.unparse(node)}(...)"
        return f"{_INTEGERS_ALONE}; import {node.attr} by its name at the top of the file"

    def _await(self, node: ast.expr) -> Iterator[Refusal]:
        if not isinstance(node, ast.Call):
            yield refusal_of(node, _AWAIT_WHAT)
            return
        for keyword in node.keywords:
            yield refusal_of(keyword, "give arguments by position, without a name or **")
        match node.func:
            case ast.Attribute(value=ast.Name(id=name)) if name == self.cpu:
                for argument in node.args:
                    yield from self._expression(argument)
            case ast.Name(id="range"):
                yield refusal_of(node, "range() stands behind for NAME in alone; write a loop")
            case ast.Name(id=name) if name != self.cpu:
                yield from self._path_arguments(name, node)
            case _:
                yield refusal_of(node, _AWAIT_WHAT)

    def _path_arguments(self, name: str, call: ast.Call) -> Iterator[Refusal]:
        first = call.args[0] if call.args else call
        if not (isinstance(first, ast.Name) and first.id == self.cpu):
            yield refusal_of(first, f"a path runs on the CPU of its caller; write await {name}({self.cpu}, ...)")
        for argument in call.args[1:]:
            yield from self._expression(argument)


def _operator(node: ast.expr | ast.stmt, sign: ast.AST) -> Iterator[Refusal]:
    if type(sign).__name__ in OPERATORS:
        yield refusal_of(node, OPERATORS[type(sign).__name__])


def _constant(node: ast.Constant, value: object) -> Iterator[Refusal]:
    if isinstance(value, int):
        if value > INTEGER_MAX:
            yield refusal_of(node, f"{quoted(value)} does not fit 64 bits; write a number up to 2**63 - 1")
    elif isinstance(value, str | bytes):
        yield refusal_of(node, _NO_TEXT)
    elif value is None:
        yield refusal_of(node, "None is no integer; write a number that stands for it, such as -1")
    else:
        yield refusal_of(node, f"{ast.unparse(node)} is no integer; {_INTEGERS_ALONE}: time in ps, shares in percent")
