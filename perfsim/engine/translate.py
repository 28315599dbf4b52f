"""A design as a program table: every path that a task can reach, each with its frame, linked into one list of rows."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

from perfsim.engine.draft import PathDraft
from perfsim.engine.inline import inlined
from perfsim.engine.link import linked
from perfsim.engine.program import Program
from perfsim.engine.statements import NO_PROBE, PathSource, draft_of
from perfsim.errors import InputError
from perfsim.kernel.designs import PROBES, Design
from perfsim.kernel.subset import paths_in

ENTRY = "run_task"

_programs: dict[object, Program] = {}


def program_of(design: Design) -> Program:
    """translate(), once for each design in this process."""
    codes = tuple((name, inspect.unwrap(path).__code__) for name, path in design.paths.items())
    key = (design.files, design.source_sha256, codes)  # code that is equal may stand in another file
    if key not in _programs:
        _programs[key] = translate(design)
    return _programs[key]


def translate(design: Design) -> Program:
    """The program of a design: what its tasks do from run_task() on.

    Raises InputError, with file, line and column, for a path that holds what a path may not contain, or calls itself.
    """
    return linked(inlined(_Reader(design).read(ENTRY), ENTRY), ENTRY)


def translate_script(design: Design, script: ast.AsyncFunctionDef, file: str) -> Program:
    """The program of one function of no arguments that awaits paths of a design: every call is copied, nothing probed.

    file: what the places of its own rows name. Raises InputError as translate().
    """
    own = PathSource(script.name, file, script, {}, NO_PROBE)
    return linked(inlined(_Reader(design, own).read(script.name), script.name, rows_max=None), script.name)


class _Reader:
    """Reads the paths of a design, each when the first call of it is met. own: one more path, and then no probes."""

    def __init__(self, design: Design, own: PathSource | None = None) -> None:
        self.design = design
        self.own = own
        self.constants: dict[int, int] = {}
        self.paths: dict[str, dict[tuple[str, int], ast.AsyncFunctionDef]] = {}
        self.drafts: dict[str, PathDraft] = {}

    def read(self, entry: str) -> dict[str, PathDraft]:
        """Every path that can be reached from one, a caller before those it alone calls."""
        self._read(entry, ())
        return self.drafts

    def _read(self, name: str, callers: tuple[str, ...]) -> None:
        draft = self.drafts[name] = draft_of(self._source(name), self.design.paths, self.constants)
        for callee, call in draft.calls:
            if callee in (*callers, name):
                raise draft.refusal(call, _recursion(callee, (*callers, name)))
            if callee not in self.drafts:
                self._read(callee, (*callers, name))

    def _source(self, name: str) -> PathSource:
        if self.own and name == self.own.name:
            return self.own
        function = inspect.unwrap(self.design.paths[name])
        code = function.__code__
        if code.co_filename not in self.paths:
            tree = ast.parse(Path(code.co_filename).read_bytes(), code.co_filename)
            self.paths[code.co_filename] = {(path.name, path.lineno): path for path in paths_in(tree)}
        found = self.paths[code.co_filename].get((code.co_name, code.co_firstlineno))
        if found is None:
            raise InputError(f"{code.co_filename}:{code.co_firstlineno}:1", f"{name}() is no longer in the file")
        probe = NO_PROBE if self.own else PROBES.get(name, NO_PROBE)
        return PathSource(name, code.co_filename, found, function.__globals__, probe)


def _recursion(callee: str, callers: tuple[str, ...]) -> str:
    through = [f"{name}()" for name in callers[callers.index(callee) + 1 :]]
    return f"{callee}() calls itself{' through ' + ', '.join(through) if through else ''}; write a loop"
