"""Every module, every public class and every public function of perfsim says what it is for."""

import ast

from tests.tidy.modules import Function, Module, complaints, parse


def undocumented(module: Module) -> list[str]:
    """Modules, public classes, their public methods, and public functions without a docstring."""
    found = [] if ast.get_docstring(module.tree) else [f"{module.path}:1: the module has no docstring"]
    return found + [
        module.at(node, f"{node.name} has no docstring")
        for node in public_definitions(module.tree)
        if not ast.get_docstring(node) and not hands_on(node)
    ]


def hands_on(node: Function | ast.ClassDef) -> bool:
    """Whether all that a method does is to hand its arguments to self.perform: its effect says what it is for."""
    only = node.body[0] if len(node.body) == 1 else None
    return isinstance(only, ast.Return) and ast.unparse(only).startswith("return self.perform(")


def public_definitions(parent: ast.Module | ast.ClassDef) -> list[Function | ast.ClassDef]:
    """Public functions and classes of a module, with the public methods of those classes; none inside functions."""
    found: list[Function | ast.ClassDef] = []
    for node in parent.body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            found.append(node)
            found += public_definitions(node) if isinstance(node, ast.ClassDef) else []
    return found


def empty_words(module: Module) -> list[str]:
    """Docstrings that only repeat the name."""
    return [
        module.at(node, f"the docstring of {node.name} only repeats the name")
        for node in public_definitions(module.tree)
        if letters(ast.get_docstring(node) or "-") == letters(node.name)
    ]


def letters(text: str) -> str:
    """A text's letters alone, in lower case."""
    return "".join(character for character in text.lower() if character.isalpha())


def untyped(module: Module) -> list[str]:
    """Public functions whose parameters or result have no type. (mypy would accept this of a file it is not shown.)"""
    return [
        module.at(node, f"{node.name} is not wholly typed")
        for node in public_definitions(module.tree)
        if isinstance(node, Function) and not is_typed(node)
    ]


def is_typed(function: Function) -> bool:
    """Whether every parameter but self and cls, and the result, have types."""
    listed = function.args
    parameters = [*listed.posonlyargs, *listed.args, *listed.kwonlyargs]
    named = [parameter for parameter in parameters if parameter.arg not in {"self", "cls"}]
    return function.returns is not None and all(parameter.annotation for parameter in named)


def test_everything_public_has_a_docstring() -> None:
    assert complaints(undocumented, "perfsim", "scripts") == []


def test_no_docstring_only_repeats_the_name() -> None:
    assert complaints(empty_words, "perfsim", "scripts") == []


def test_every_public_function_has_types() -> None:
    assert complaints(untyped, "perfsim", "scripts") == []


def test_a_missing_docstring_is_found_on_module_class_method_and_function() -> None:
    sample = parse(
        """
        class Page:
            def flags(self): ...
            def _own(self): ...
            def get_page(self): return self.perform(p.GET_PAGE)
            def __len__(self): ...
        async def putback(page):
            def inner(): ...
        def _own(): ...
        """,
        "perfsim/a.py",
    )
    named = [complaint.split()[1] for complaint in undocumented(sample)]
    assert named == ["the", "Page", "flags", "putback"]


def test_a_docstring_of_the_name_alone_is_found() -> None:
    assert len(empty_words(parse('def load_rows():\n    """Load rows."""', "perfsim/a.py"))) == 1
    assert empty_words(parse('def load_rows():\n    """Load rows in job order."""', "perfsim/a.py")) == []


def test_a_missing_type_is_found() -> None:
    sample = parse("def f(a: int): ...\ndef g(a) -> int: ...\ndef h(a: int) -> int: ...", "perfsim/a.py")
    assert len(untyped(sample)) == 2
