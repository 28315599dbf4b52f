"""Designs: a name, and the table of paths that run under it.

A path calls another by its plain name, and the name is looked up in the running design's table: each design runs copies
of the functions whose globals are the table. So a design may replace one function and keep all others, a user's own
file included, and two designs never see each other.
"""

from __future__ import annotations

import ast
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
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.defects import DEFECTS, Defect
from perfsim.kernel.state import FAULT, MLOCK_CALL, MUNLOCK_CALL, PUTBACK, RECLAIM_BATCH
from perfsim.kernel.subset import refusals

PathFunction = Callable[..., Coroutine[Any, Any, Any]]

GROUP = "perfsim.designs"
SHIPPED = ("lock_page", "redo")
PROBES = {
    "cull_unevictable_page": PUTBACK,
    "putback_lru_page": PUTBACK,
    "shrink_zone": RECLAIM_BATCH,
    "sys_mlock": MLOCK_CALL,
    "sys_munlock": MUNLOCK_CALL,
    "handle_mm_fault": FAULT,
}
"""Paths whose latency is recorded; nested ones of the same probe are part of the outermost."""

_PACKAGE = "perfsim.kernel.paths"
_SHARED = ("filemap", "memcontrol", "memory", "page_alloc", "reclaim", "swap", "syscalls", "vmscan")
_OWN = ("vmscan", "mlock")


@dataclass(frozen=True)
class Design:
    """paths: every path by its C name, bound to this design. source_sha256: of the files that make it differ."""

    name: str
    summary: str
    paths: Mapping[str, PathFunction]
    defects: tuple[Defect, ...]
    source_sha256: str
    files: tuple[str, ...]


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
            module = _imported(point.value, place)
            return _derived(name_or_path, module, place)
    raise InputError(place, _unknown(name_or_path))


def failure(design: Design, error: Exception) -> InputError:
    """What to tell the user whose design failed in a run: where in the file, and how. A cause carries the place."""
    place = design.files[0]
    trace = (error.__cause__ or error).__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == design.files[0]:
            place = f"{design.files[0]}:{trace.tb_lineno}:1"
        trace = trace.tb_next
    return InputError(place, f"the design fails when it runs: {one_line(f'{type(error).__name__}: {error}')}")


def _unknown(name: str) -> str:
    known = ", ".join(design_names())
    return f"no design is called {quoted(name)}{did_you_mean(name, design_names())}; known: {known}, or a .py file"


def _shipped(name: str) -> Design:
    package = importlib.import_module(f"{_PACKAGE}.{name}")
    files = tuple(str(importlib.import_module(f"{_PACKAGE}.{name}.{own}").__file__) for own in _OWN)
    return Design(name, _first_line(package), _bind(_modules(name)), DEFECTS[name], _sha256(files), files)


def _modules(name: str) -> list[ModuleType]:
    """The modules of a shipped design: those that all share, then its own."""
    shared = [f"shared.{module}" for module in _SHARED]
    own = [f"{name}.{module}" for module in _OWN]
    return [importlib.import_module(f"{_PACKAGE}.{module}") for module in (*shared, "tasks", *own)]


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
    _refuse_outside_subset(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise InputError(
            str(path), f"the design cannot be imported: {one_line(f'{type(error).__name__}: {error}')}"
        ) from None
    return _derived(path.stem, module, str(path))


def _refuse_outside_subset(path: Path) -> None:
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except SyntaxError as error:
        raise InputError(f"{path}:{error.lineno or 1}:{error.offset or 1}", f"{error.msg}; expected Python") from None
    except (OSError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(str(path), f"the design cannot be read: {one_line(str(error))}") from None
    for refusal in refusals(tree)[:1]:
        raise InputError(f"{path}:{refusal.line}:{refusal.column}", refusal.problem)


def _imported(target: str, place: str) -> ModuleType:
    try:
        return importlib.import_module(target)
    except ImportError as error:
        raise InputError(place, f"entry point {target!r} cannot be imported: {error}") from None


def _derived(name: str, module: ModuleType, place: str) -> Design:
    """A design that replaces functions of another: `extends` names it (lock_page unless said)."""
    base_name = getattr(module, "extends", "lock_page")
    if base_name not in SHIPPED:
        raise InputError(place, f"extends = {base_name!r}: expected one of {', '.join(SHIPPED)}")
    base = _shipped(base_name)
    own = _own_paths(module)
    if not own:
        raise InputError(place, "the file defines no async function; expected at least one path to replace")
    for path_name, function in own.items():
        _check_arguments(path_name, function, base, place)
    files = (str(module.__file__),)
    sha256 = hashlib.sha256((base.source_sha256 + _sha256(files)).encode()).hexdigest()
    return Design(name, _first_line(module), _bind([*_modules(base_name), module]), base.defects, sha256, files)


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
    """The coroutine functions that a module defines itself."""
    return {
        name: value
        for name, value in vars(module).items()
        if inspect.iscoroutinefunction(value) and value.__module__ == module.__name__
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
