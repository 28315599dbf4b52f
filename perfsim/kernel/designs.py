"""Designs: a name, and the table of paths that run under it.

A path calls another by its plain name, and the name is looked up in the running design's table: each design runs copies
of the functions whose globals are the table. So a design may replace one function and keep all others, a user's own
file included, and two designs never see each other.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from perfsim.errors import InputError, did_you_mean, one_line, quoted
from perfsim.kernel.constants import FAULT, MLOCK_CALL, MUNLOCK_CALL, PUTBACK, RECLAIM_BATCH
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.defects import DEFECTS, Defect
from perfsim.kernel.primitives import PRIMITIVES
from perfsim.kernel.subset import Refusal, Scope, Shape, form_refusals, paths_in, refusals, shape_of, used_values

PathFunction = Callable[..., Coroutine[Any, Any, Any]]

GROUP = "perfsim.designs"
SHIPPED = ("lock_page", "redo", "redo_merged", "redo_barrier", "no_unevictable_lru")
PROBES = {
    "cull_unevictable_page": PUTBACK,
    "putback_lru_page": PUTBACK,
    "shrink_list": RECLAIM_BATCH,
    "sys_mlock": MLOCK_CALL,
    "sys_munlock": MUNLOCK_CALL,
    "handle_mm_fault": FAULT,
}
"""Paths whose latency is recorded; nested ones of the same probe are part of the outermost."""

_PACKAGE = "perfsim.kernel.paths"
_SHARED = (
    *("filemap", "memcontrol", "memory", "migrate", "mmap", "page_alloc", "reclaim", "rwsem", "shmem", "swap"),
    *("swap_state", "syscalls", "timer", "truncate", "unevictable", "vmscan", "workqueue", "writeback"),
)
OWN_FILES = ("vmscan", "mlock", "migrate", "shmem")
"""The files that a design may have, named as those of the kernel."""


@dataclass(frozen=True)
class Design:
    """paths: every path by its C name, bound to this design. source_sha256: of the files that make it differ.

    unevictable_lru: whether its kernel is built with CONFIG_UNEVICTABLE_LRU. files: its own, the first one to be named.
    is_shipped: whether it comes with perfsim; a user's file may have a shipped design's name.
    """

    name: str
    summary: str
    paths: Mapping[str, PathFunction]
    defects: tuple[Defect, ...]
    source_sha256: str
    files: tuple[str, ...]
    unevictable_lru: bool = True
    is_shipped: bool = False


def design_names() -> tuple[str, ...]:
    """Names of the designs shipped and of those that installed packages offer."""
    offered = {point.name for point in entry_points(group=GROUP)}
    return SHIPPED + tuple(sorted(offered - set(SHIPPED)))


def load_design(name_or_path: str, place: str = "--design") -> Design:
    """A design by name, or from a .py file of the user's.

    Raises InputError at `place` for a name that nobody offers, at the file for one that is no design.
    """
    if name_or_path in SHIPPED:
        return _shipped(name_or_path)
    if name_or_path.endswith(".py"):
        return _from_file(Path(name_or_path), place)
    for point in entry_points(group=GROUP):
        if point.name == name_or_path:
            return _from_entry_point(name_or_path, point.value, place)
    raise InputError(place, _unknown(name_or_path))


def failure(design: Design, error: Exception) -> Exception:
    """What to raise for a design that failed in a run: see failed_at(). A cause carries the place."""
    line = 0
    trace = (error.__cause__ or error).__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == design.files[0]:
            line = trace.tb_lineno
        trace = trace.tb_next
    return failed_at(design, line, error)


def failed_at(design: Design, line: int, error: Exception) -> Exception:
    """The error itself for a shipped design, which is our bug; else InputError: where in the user's file, and how.

    line: of the file, 0 if unknown.
    """
    if design.is_shipped:
        return error
    place = f"{design.files[0]}:{line}:1" if line else design.files[0]
    return InputError(place, f"the design fails when it runs: {_in_words(error)}")


def _unknown(name: str) -> str:
    known = ", ".join(design_names())
    return f"no design is called {quoted(name)}{did_you_mean(name, design_names())}; known: {known}, or a .py file"


def _shipped(name: str) -> Design:
    package = importlib.import_module(f"{_PACKAGE}.{name}")
    files = tuple(str(module.__file__) for one in reversed(_lineage(name)) for module in _own_modules(one))
    return Design(
        name,
        _first_line(package),
        _bind(_modules(name)),
        DEFECTS[name],
        _sha256(files),
        files,
        getattr(package, "unevictable_lru", True),
        is_shipped=True,
    )


def _lineage(name: str) -> tuple[str, ...]:
    """A shipped design and those it extends, the first one first: a design holds only what differs."""
    extends = getattr(importlib.import_module(f"{_PACKAGE}.{name}"), "extends", None)
    return (name,) if extends is None else (*_lineage(extends), name)


def _own_modules(name: str) -> list[ModuleType]:
    folder = Path(str(importlib.import_module(f"{_PACKAGE}.{name}").__file__)).parent
    own = [file for file in OWN_FILES if (folder / f"{file}.py").is_file()]
    return [importlib.import_module(f"{_PACKAGE}.{name}.{file}") for file in own]


def _modules(name: str) -> list[ModuleType]:
    """The modules of a shipped design: those that all share, those of the designs it extends, then its own."""
    shared = [importlib.import_module(f"{_PACKAGE}.shared.{module}") for module in _SHARED]
    tasks = importlib.import_module(f"{_PACKAGE}.tasks")
    return [*shared, tasks, *(module for one in _lineage(name) for module in _own_modules(one))]


def _from_file(path: Path, place: str) -> Design:
    try:
        found = path.is_file()
    except OSError as error:
        raise InputError(place, f"{quoted(str(path))} cannot be looked for: {error.strerror}") from None
    if not found:
        raise InputError(place, f"{quoted(str(path))} is no file; expected a design's name or a .py file")
    spec = importlib.util.spec_from_file_location(f"perfsim_design_{path.stem}", path)
    assert spec is not None, f"no module in {path}"
    assert spec.loader is not None, f"no loader for {path}"
    tree = _parsed(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise InputError(str(path), f"the design cannot be imported: {_in_words(error)}") from None
    return _derived(path.stem, module, tree)


def _from_entry_point(name: str, target: str, place: str) -> Design:
    """A design that an installed package offers: a module of it, checked as a user's file is."""
    try:
        spec = importlib.util.find_spec(target)
        origin = str(spec.origin) if spec is not None else ""
        if not origin.endswith(".py"):
            raise InputError(place, f"entry point {target!r} is no module with a source file")
        tree = _parsed(Path(origin))
        module = importlib.import_module(target)
    except InputError:
        raise
    except (Exception, SystemExit) as error:
        raise InputError(place, f"entry point {target!r} cannot be imported: {_in_words(error)}") from None
    return _derived(name, module, tree)


def _in_words(error: BaseException) -> str:
    """Python's own words for an error, on one line."""
    return one_line(f"{type(error).__name__}: {error}")


def _parsed(path: Path) -> ast.Module:
    """The tree of a file whose paths are of the right form; nothing of it has run yet."""
    try:
        tree = ast.parse(path.read_bytes(), str(path))
        compile(tree, str(path), "exec")  # finds what parses and is no Python, such as a break outside of a loop
        _refuse(path, form_refusals(tree))
    except SyntaxError as error:
        raise InputError(f"{path}:{error.lineno or 1}:{error.offset or 1}", f"{error.msg}; expected Python") from None
    except (OSError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(str(path), f"the design cannot be read: {one_line(str(error))}") from None
    return tree


def _refuse(path: Path, found: list[Refusal]) -> None:
    """Raise the first refusal, if there is any."""
    for refusal in found[:1]:
        raise InputError(f"{path}:{refusal.line}:{refusal.column}", refusal.problem)


def _derived(name: str, module: ModuleType, tree: ast.Module) -> Design:
    """A design that replaces functions of another: `extends` names it (lock_page unless said)."""
    place = str(module.__file__)
    base_name = getattr(module, "extends", "lock_page")
    if base_name not in SHIPPED:
        raise InputError(place, f"extends = {base_name!r}: expected one of {', '.join(SHIPPED)}")
    base = _shipped(base_name)
    own = _own_paths(module)
    if not own:
        raise InputError(place, "the file defines no async function; expected at least one path to replace")
    for path_name, function in own.items():
        _check_arguments(path_name, function, base, place)
    _check_paths(module, tree, base_name)
    files = (place,)
    sha256 = hashlib.sha256((base.source_sha256 + _sha256(files)).encode()).hexdigest()
    paths = _bind([*_modules(base_name), module])
    return Design(name, _first_line(module), paths, base.defects, sha256, files, base.unevictable_lru)


def _check_paths(module: ModuleType, tree: ast.Module, base_name: str) -> None:
    """Refuse what no path may contain, in a module's own paths, and what the paths of its base cannot use."""
    place = str(module.__file__)
    own = _own_paths(module)
    written = {node.name: node for node in paths_in(tree) if node.name in own}
    for name, function in own.items():
        if name not in written or function.__code__.co_firstlineno != written[name].lineno:
            line = function.__code__.co_firstlineno
            raise InputError(f"{place}:{line}:1", f"{name} is made, not written; write async def {name}(cpu, ...)")
    shapes = {name: shape_of(node) for name, node in written.items()}
    integers = {name: int(value) for name, value in vars(module).items() if isinstance(value, int)}
    primitives = {name: primitive.arguments for name, primitive in PRIMITIVES.items()}
    scope = Scope(integers, dict(_base_shapes(base_name)) | shapes, primitives)
    _refuse(Path(place), refusals(tree, scope))
    _refuse(Path(place), _missed_values(written, shapes, base_name))


def _missed_values(
    written: Mapping[str, ast.AsyncFunctionDef],
    shapes: Mapping[str, Shape],
    base_name: str,
) -> list[Refusal]:
    """Paths of a file that return no value, where a path of the base that calls them wants one."""
    return [
        Refusal(
            written[name].lineno,
            written[name].col_offset + 1,
            f"{name}() returns no value, and {caller}() uses it; end it with return and an integer",
        )
        for caller, used in _values_used(base_name).items()
        if caller not in written
        for name in used
        if name in shapes and not shapes[name].returns_value
    ]


@functools.cache
def base_paths(name: str) -> dict[str, ast.AsyncFunctionDef]:
    """The source of every path of a shipped design, by name."""
    files = [Path(str(module.__file__)) for module in _modules(name)]
    return {node.name: node for file in files for node in paths_in(ast.parse(file.read_bytes()))}


@functools.cache
def _base_shapes(name: str) -> dict[str, Shape]:
    """Kept, for each run of a user's design asks."""
    return {path: shape_of(node) for path, node in base_paths(name).items()}


@functools.cache
def _values_used(name: str) -> dict[str, list[str]]:
    """The paths whose values each path of a shipped design uses."""
    return {path: sorted(used_values(node)) for path, node in base_paths(name).items()}


def _check_arguments(path_name: str, function: FunctionType, base: Design, place: str) -> None:
    expected = base.paths.get(path_name)
    if expected is None:
        return
    wanted = list(inspect.signature(inspect.unwrap(expected)).parameters)
    given = list(inspect.signature(function).parameters)
    if len(wanted) != len(given):
        line = function.__code__.co_firstlineno
        raise InputError(
            f"{place}:{line}:1", f"{path_name}({', '.join(given)}): expected the arguments ({', '.join(wanted)})"
        )


def _bind(modules: list[ModuleType]) -> dict[str, PathFunction]:
    """Copies of the modules' paths that find each other in one table; a later module's replaces an earlier one's."""
    table: dict[str, PathFunction] = {}
    scopes: list[dict[str, Any]] = []
    for module in modules:
        scope = dict(vars(module))
        scopes.append(scope)
        for name, function in _own_paths(module).items():
            copy = FunctionType(function.__code__, scope, name, function.__defaults__, function.__closure__)
            copy.__doc__ = function.__doc__
            copy.__annotations__ = function.__annotations__
            table[name] = _probed(copy, PROBES[name]) if name in PROBES else copy
    for scope in scopes:
        scope.update(table)
    return table


def _own_paths(module: ModuleType) -> dict[str, FunctionType]:
    """The coroutine functions that a module defines itself. Every run asks; what is cheap to ask comes first."""
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, FunctionType)
        and value.__module__ == module.__name__
        and inspect.iscoroutinefunction(value)
    }


def _probed(path: FunctionType, probe: int) -> PathFunction:
    async def measured(cpu: Cpu, *arguments: int) -> Any:
        await cpu.probe_begin(probe)
        result = await path(cpu, *arguments)
        await cpu.probe_end(probe)
        return result

    measured.__wrapped__ = path  # type: ignore[attr-defined]
    return measured


def _first_line(module: ModuleType) -> str:
    return str(module.__doc__ or "").strip().split("\n")[0]


def _sha256(files: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(Path(file).read_bytes())
    return digest.hexdigest()
