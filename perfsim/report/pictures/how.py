"""How results were made, as HTML: where they come from, what was asked, and what the machines cost."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from perfsim.report.pictures.provenance import changes, machine

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from perfsim.machine.profile import Figure
    from perfsim.report.pictures.provenance import Source

FIGURE_HEADS = ("figure", "low", "best", "high", "unit", "source")


def how_html(sources: list[Source]) -> str:
    """Everything about the runs, the long parts closed."""
    parts = [_source(source, len(sources) > 1) for source in sources]
    changed = changes(sources)
    if changed:
        lines = "".join(f"<li><code>{escape(text)}</code></li>" for _, text in changed)
        parts.append(f"<h3>What differs in the workload</h3><ul>{lines}</ul>")
    names = list(dict.fromkeys(profile for source in sources for profile in source.profiles))
    parts += [_profile(name) for name in names]
    return "\n".join(parts)


def _source(source: Source, is_one_of_two: bool) -> str:
    heading = f"<h3>{escape(source.name)}</h3>" if is_one_of_two else ""
    facts = _table("", (), source.facts) if source.facts else "<p>Nothing but figures is known of these runs.</p>"
    workload = _closed("Workload", f'<pre tabindex="0">{escape(source.workload)}</pre>') if source.workload else ""
    return heading + facts + workload


def _profile(name: str) -> str:
    """What a machine costs, with the sources."""
    content_sha256, figures = machine(name)
    if not figures:
        return f"<p>Profile {escape(name)} is not installed here: its figures are not told.</p>"
    table = _table(f"hash of what runs read: {content_sha256}", FIGURE_HEADS, map(_once, figures))
    return _closed(f"Profile {name}: figures and sources", _scrolling(f"Figures of {name}", table))


def _once(figure: Figure) -> Figure:
    """A figure without a range is told once."""
    return figure._replace(low="", high="") if figure.low == figure.high else figure


def _closed(summary: str, content: str) -> str:
    return f"<details><summary>{escape(summary)}</summary>{content}</details>"


def _scrolling(label: str, content: str) -> str:
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(label)}">{content}</div>'


def _table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose rows begin with their heads."""
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    lines = [
        f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in rest)}</tr>'
        for first, *rest in rows
    ]
    above = f"<caption>{escape(caption)}</caption>" if caption else ""
    thead = f"<thead><tr>{head}</tr></thead>" if heads else ""
    return f"<table>{above}{thead}<tbody>{''.join(lines)}</tbody></table>"
