"""One page that needs nothing else: no network, no second file. The same results give the same bytes."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from functools import cache
from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Any

from perfsim import __version__
from perfsim.report.pictures import view as views
from perfsim.report.pictures.charts import charts
from perfsim.report.pictures.facts import facts_of
from perfsim.report.pictures.gallery import GALLERY, Entry, to_json
from perfsim.report.pictures.how import how_html
from perfsim.report.pictures.influence import DRAWN_MAX
from perfsim.report.pictures.look import CONFIG, DASHES, EXPRESSIONS, OKABE_ITO, ON_DARK, PARTS, SHAPES
from perfsim.report.pictures.provenance import sentences, sources_of, warnings
from perfsim.report.spent import WORDS
from perfsim.stats.spent import TOTAL
from perfsim.units import counted

if TYPE_CHECKING:
    from perfsim.report.pictures.material import Material
    from perfsim.report.pictures.view import Facts

SENTENCES_FIRST = 6
"""So many verdicts are read at once; the others can be opened."""

PLAIN_BYTES_MAX = 2_000_000
"""Longer JSON takes a third as much packed, and nobody would read it."""

LIMITS = {
    "panels": views.PANELS_MAX,
    "series": views.SERIES_MAX,
    "labels": views.LABELS_MAX,
    "columns": views.COLUMNS_MAX,
    "narrow": views.NARROW,
    "panel_width": views.PANEL_WIDTH_MIN,
    "named_tails": list(views.NAMED_TAILS),
    "total": WORDS[TOTAL],
    "rows": 500,
    "lines": 12,
    "influences": DRAWN_MAX,
}


def page_of(material: Material, facts: Facts | None = None) -> str:
    """The report as HTML. facts: those of the material, if they have been made already."""
    facts = facts_of(material) if facts is None else facts
    entries = [entry for entry in GALLERY if facts["tables"][entry.table]["choices"]]
    sources = sources_of(material)
    library, script = _library(), _part("fillers.js") + _part("page.js")
    name = escape(material.matched.name)
    return Template(_part("page.html")).substitute(
        version=escape(__version__),
        title=f"{name}: perfsim report",
        heading=name,
        subheading=_subheading(material),
        style=_part("page.css"),
        verdict=_verdict(sentences(material), warnings(material, sources)),
        controls=_controls(facts),
        pictures="\n".join(_picture(entry, facts) for entry in entries),
        how=how_html(sources),
        facts=_embedded(_content(facts, entries)),
        library=library,
        script=script,
        script_hashes=" ".join(map(_hash, (library, script))),
    )


def _content(facts: Facts, entries: list[Entry]) -> dict[str, Any]:
    """Everything that the page's own program reads."""
    specs = charts()
    return {
        "facts": facts,
        "view": views.first_view(facts),
        "charts": {entry.name: specs[entry.name] for entry in entries},
        "gallery": [to_json(entry) for entry in entries],
        "config": CONFIG,
        "palette": {"colors": OKABE_ITO, "on_dark": ON_DARK, "shapes": SHAPES, "dashes": DASHES, "parts": PARTS},
        "expressions": EXPRESSIONS,
        "limits": LIMITS,
    }


def _embedded(content: dict[str, Any]) -> str:
    """The element with the content. Its JSON cannot end it, whatever users have named so; long JSON is packed."""
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    if len(text) <= PLAIN_BYTES_MAX:
        return f'<script type="application/json" id="facts">{text.replace("<", chr(92) + "u003c")}</script>'
    packed = base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
    return f'<script type="application/gzip" id="facts">{packed}</script>'


@cache
def _library() -> str:
    """Vega, Vega-Lite and vega-embed, as vl-convert carries them."""
    import vl_convert

    library: str = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # its types forget that it may be left out
    assert "</script" not in library, "the library ends its own element"
    return library


def _part(name: str) -> str:
    return files("perfsim.report.pictures").joinpath(name).read_text(encoding="utf-8")


def _hash(script: str) -> str:
    """By which the page's policy knows its own scripts; no other runs."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _subheading(material: Material) -> str:
    matched = material.matched
    runs_count = sum(int(series.side.has_run.sum()) for series in material.series)
    labels = [series.side.label for series in material.series]
    shown = ", ".join(labels[:SENTENCES_FIRST]) + (
        f" and {len(labels) - SENTENCES_FIRST} more" if labels[SENTENCES_FIRST:] else ""
    )
    return escape(f"{shown}: {counted(runs_count, 'run')} at {counted(len(matched.points), 'point')}")


def _verdict(told: list[str], warned: list[str]) -> str:
    lines = [f'<p class="sentence">{_kept_together(sentence)}</p>' for sentence in told[:SENTENCES_FIRST]]
    rest = told[SENTENCES_FIRST:]
    if rest:
        more = "".join(f"<p>{_kept_together(sentence)}</p>" for sentence in rest)
        lines.append(f"<details><summary>{counted(len(rest), 'more verdict')}</summary>{more}</details>")
    if warned:
        lines.append("<ul>" + "".join(f"<li>{escape(line)}</li>" for line in warned) + "</ul>")
    return "\n".join(lines)


def _kept_together(sentence: str) -> str:
    """A percentage is not broken over two lines."""
    return escape(sentence).replace(" %", "&nbsp;%")


def _controls(facts: Facts) -> str:
    """What is chosen for all pictures together; the program fills the choices in."""
    axes = facts["axes"]
    several = [number for number, axis in enumerate(axes) if len(axis["values"]) > 1]
    controls = [("choose-metric", "metric")]
    if len(axes) > 1:
        controls += [("choose-x", "along"), ("choose-second", "map's other axis")]
    if len(facts["pairs"]) > 1:
        controls.append(("choose-pair", "map's designs"))
    controls += [(f"choose-axis-{number}", axes[number]["text"]) for number in several]
    labels = [f'<label>{escape(text)}<select id="{name}"></select></label>' for name, text in controls]
    return "\n".join([*labels, _boxes(facts)])


def _boxes(facts: Facts) -> str:
    series = facts["series"]
    if len(series) < 3:
        return ""
    boxes = "".join(
        f'<label><input type="checkbox" value="{number}">{escape(label)}</label>' for number, label in enumerate(series)
    )
    legend = f"runs that are drawn, {views.SERIES_MAX} at most"
    return f'<fieldset id="choose-series"><legend>{legend}</legend>{boxes}</fieldset>'


def _picture(entry: Entry, facts: Facts) -> str:
    choices = []
    if entry.choice != "figures" and len(facts["tables"][entry.table]["choices"]) > 1:
        choices.append(f'<label>of<select id="{entry.name}-choice"></select></label>')
    if entry.choice in ("curves", "spent") and facts["axes"]:
        choices.append(f'<label>at<select id="{entry.name}-at"></select></label>')
    notes = facts["tables"][entry.table].get("notes", [])
    return f"""<section class="picture" id="{entry.name}" aria-labelledby="{entry.name}-heading">
<div class="top"><h2 id="{entry.name}-heading">{escape(entry.heading)}</h2>
<div class="choices">{"".join(choices)}</div></div>
<p class="about">{escape(entry.about)}</p>
<div class="chart" id="{entry.name}-chart"></div>
<div class="said" id="{entry.name}-said" aria-live="polite"></div>
{"".join(f'<p class="said">{escape(note)}</p>' for note in notes)}
<details id="{entry.name}-data"><summary>Data<span class="hidden"> of {escape(entry.heading)}</span></summary>
<div class="scroll" tabindex="0" role="region" aria-label="Data of {escape(entry.heading)}"></div></details>
</section>"""
