"""The shortest way to break a scenario as kernel people draw a race: CPU beside CPU, time downwards."""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from perfsim.errors import one_line
from perfsim.explore.properties import PROPERTIES
from perfsim.explore.walk import LATE_LOAD, LATER, LOCALLY, PERFORM, STEP
from perfsim.kernel.static.accesses import ACCESSES, Act
from perfsim.report.explore_calls import kernel_call, value_said

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfsim.explore.scenario import ExploreScenario
    from perfsim.explore.walk import Moment
    from perfsim.kernel.static.accesses import Access

COLUMN_MIN, COLUMN_MAX = 28, 52
GAP = "  "
INDENT = "  "

_MEANINGS = {one.name: one.meaning for one in PROPERTIES}
TELLING = (
    *("add_page_to_lru_list", "del_page_from_lru_list", "list_move_to_lru_head", "list_move_to_lru_tail"),
    *("list_add", "pagevec_add", "mem_cgroup_move"),
)
"""Local primitives that are drawn: where a page goes."""

_WITH_VALUE = (Act.LOAD, Act.RMW_VALUE, Act.RMW_LOCK)
_WITHOUT_VALUE = ("VM_BUG_ON", "VM_BUG_ON_NOT", "VM_BUG_ON_COUNT_NOT")
_LOCKED_WITH_VALUE = (
    *("pte_page", "pte_migration_page", "get_migration_page", "follow_page", "zap_pte", "find_get_page", "rmqueue"),
    *("try_to_unmap", "try_to_munlock", "within_i_size", "wait_queued", "pte_lock_none"),
)


def diagram_text(
    scenario: ExploreScenario, record: dict[str, Any], moments: Sequence[Moment], *, fenced: bool = False
) -> str:
    """What happens, one line a moment, in the column of its CPU; at the right the path and the line of its source.

    record: of the search, as in the matrix. Behind the columns: what is broken, and the word that replays it. fenced:
    as a code block of Markdown.
    """
    pages = [page.name for page in scenario.pages]
    drawn = [moment for moment in moments if _is_drawn(moment)]
    texts = [said(moment, pages) for moment in drawn]
    columns = _columns(scenario, [(moment.cpu, text) for moment, text in zip(drawn, texts, strict=True)])
    lines = [GAP.join(name.ljust(width) for name, width in columns).rstrip(), _ruler(columns)]
    last = [""] * len(columns)
    for moment, text in zip(drawn, texts, strict=True):
        if moment.place.path != last[moment.cpu] and moment.kind not in (PERFORM, LATE_LOAD):
            last[moment.cpu] = moment.place.path
            lines.append(_line(columns, moment.cpu, f"{moment.place.path}()", ""))
        lines += _lines(columns, moment, text)
    told = "\n".join(line.rstrip() for line in [*_head(scenario, record), "", *lines, "", *_end(record)])
    return f"```\n{told}\n```\n" if fenced else f"{told}\n"


def _is_drawn(moment: Moment) -> bool:
    """Whether a moment is more than glue that no other CPU can see, or a question about no mapping."""
    if moment.primitive == "mapping_unevictable" and moment.arguments == (0,):
        return False
    return moment.kind != LOCALLY or moment.primitive in TELLING


def said(moment: Moment, pages: Sequence[str]) -> str:
    """A moment in words: the call, what it returned, and what of it others cannot see yet."""
    call = kernel_call(moment.primitive, moment.arguments, pages)
    if moment.kind == PERFORM:
        return f"({call} is seen by all)"
    if moment.kind == LATER:
        return f"{call}  (read later)"
    value = f" -> {value_said(moment.primitive, moment.value, pages)}" if _shows_value(moment) else ""
    if moment.kind == LATE_LOAD:
        return f"(now read: {call}{value})"
    buffered = "  [buffered]" if _is_buffered(moment) else ""
    return f"{call}{value}{'  (not what memory holds now)' if moment.old else ''}{buffered}"


def place_said(moment: Moment) -> str:
    """Where in the paths a moment comes from."""
    return f"{'/'.join(Path(moment.place.file).parts[-2:])}:{moment.place.line}"


def _shows_value(moment: Moment) -> bool:
    if moment.value is None or moment.primitive in _WITHOUT_VALUE:
        return False
    access: Access = ACCESSES[moment.primitive]
    return access.act in _WITH_VALUE or moment.primitive in _LOCKED_WITH_VALUE


def _is_buffered(moment: Moment) -> bool:
    """Whether a step has left a write in its CPU's store buffer, until it is said to be seen by all."""
    own = (moment.primitive, moment.arguments)
    return moment.kind == STEP and moment.value is None and own in moment.waiting


def _columns(scenario: ExploreScenario, said: Sequence[tuple[int, str]]) -> list[tuple[str, int]]:
    """The head of each CPU's column, and its width."""
    columns = []
    for number, cpu in enumerate(scenario.cpus):
        name = cpu_said(number, cpu.name)
        longest = max((len(INDENT + text) for own, text in said if own == number), default=0)
        columns.append((name, max(len(name), COLUMN_MIN, min(longest, COLUMN_MAX))))
    return columns


def cpu_said(number: int, name: str) -> str:
    """What a CPU is called. name: the scenario's."""
    return f"CPU{number} {name}"


def _ruler(columns: Sequence[tuple[str, int]]) -> str:
    return GAP.join("-" * width for _, width in columns)


def _lines(columns: Sequence[tuple[str, int]], moment: Moment, text: str) -> list[str]:
    """The lines of one moment: a long one is wrapped within its column, the place at the first."""
    width = columns[moment.cpu][1] - len(INDENT)
    first, *rest = wrap(text, width, subsequent_indent=INDENT, break_long_words=True) or [""]
    place = place_said(moment)
    return [
        _line(columns, moment.cpu, INDENT + first, place),
        *(_line(columns, moment.cpu, INDENT + one, "") for one in rest),
    ]


def _line(columns: Sequence[tuple[str, int]], cpu: int, text: str, place: str) -> str:
    cells = [(text if number == cpu else "").ljust(width) for number, (_, width) in enumerate(columns)]
    return GAP.join([*cells, place])


def _head(scenario: ExploreScenario, record: dict[str, Any]) -> list[str]:
    bits = ", each flag a location of its own" if record["flags"] == "bits" else ""
    return [f"{record['scenario']}, {record['design']}, {record['memory_model']}{bits}: {one_line(scenario.meaning)}"]


def _end(record: dict[str, Any]) -> list[str]:
    if not record["property"]:
        return []
    known = f" (as {record['defect']} shows, which the design declares)" if record["defect"] else ""
    return [f"{record['property']}{known}: {_MEANINGS[record['property']]}", f"replay: {record['replay']}"]
