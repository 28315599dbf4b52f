"""What a kernel path may contain, complete: the page is perfsim/kernel/paths/README.md.

Every reader of a path understands the same small language, so a design that leaves it is refused when it is loaded, not
when an engine meets it. First the form, before anything of the file is run; then the names, when it is known what they
stand for. The one mistake that Python would not show is among them: a coroutine that is called and not awaited does
nothing, silently.
"""

from __future__ import annotations

import ast

from perfsim.kernel.refusal import Refusal
from perfsim.kernel.subset_form import form_refusals, paths_in
from perfsim.kernel.subset_names import Scope, Shape, name_refusals, recursion_refusals, shape_of, used_values

__all__ = ["Refusal", "Scope", "Shape", "form_refusals", "paths_in", "refusals", "shape_of", "used_values"]


def refusals(tree: ast.Module, scope: Scope) -> list[Refusal]:
    """What the paths of a file hold that no path may, in the order of the file.

    tree: the whole file, whose async functions at the top are its paths. scope: what their names stand for. The names
    are looked at only if the form is right.
    """
    return form_refusals(tree) or sorted(name_refusals(tree, scope) + recursion_refusals(tree, scope.paths))
