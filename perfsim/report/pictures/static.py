"""The key pictures as files, PNG for slides and SVG for print: the charts of the page, as it shows them first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from perfsim.errors import InputError
from perfsim.report.pictures.charts import charts
from perfsim.report.pictures.gallery import shown
from perfsim.report.pictures.look import CONFIG
from perfsim.report.pictures.view import axis_text, fill, first_view
from perfsim.store.atomic import replacing, unwritable

if TYPE_CHECKING:
    from pathlib import Path

    from perfsim.report.pictures.gallery import Shown
    from perfsim.report.pictures.view import Facts

WIDTH = 960
SCALE = 2
PADDING = 14

_NUMBERED = re.compile(r'((?:id="|"url\(#)(?:gradient_|clip))(\d+)')


def make_directory(directory: Path) -> None:
    """Make the directory of the pictures. Raises InputError if that cannot be."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise InputError(str(directory), "is a file; expected a directory for pictures") from error
    except OSError as error:
        raise unwritable(directory, error) from error


def write_pictures(facts: Facts, directory: Path) -> list[Path]:
    """Write every picture as PNG and as SVG into a directory that is there. The same facts give the same SVG."""
    paths: list[Path] = []
    for number, picture in enumerate(shown(facts, first_view(facts), WIDTH), start=1):
        spec = spec_of(facts, picture)
        paths += write_chart(spec, directory, f"{number}-{picture.entry.name}")
    return paths


def write_chart(spec: dict[str, Any], directory: Path, stem: str) -> list[Path]:
    """Write one chart as SVG and as PNG, in files of this stem; their paths."""
    import vl_convert

    svg = _numbered_anew(vl_convert.vegalite_to_svg(spec))
    contents = {f"{stem}.svg": svg.encode(), f"{stem}.png": vl_convert.svg_to_png(svg, scale=SCALE)}
    for name, content in contents.items():
        with replacing(directory / name) as file:
            file.write(content)
    return [directory / name for name in contents]


def _numbered_anew(svg: str) -> str:
    """With its gradients and clips numbered from 0: Vega counts on through a process."""
    numbers: dict[str, int] = {}
    return _NUMBERED.sub(lambda found: f"{found[1]}{numbers.setdefault(found[2], len(numbers))}", svg)


def spec_of(facts: Facts, picture: Shown) -> dict[str, Any]:
    """One picture, filled, with its title above it."""
    words = picture.filled.words | {"rows": picture.filled.rows}
    whole: dict[str, Any] = fill(charts()[picture.entry.name], words)
    title = {"text": picture.entry.heading, "subtitle": _subtitle(facts, picture)}
    return whole | {"title": title, "config": CONFIG | {"background": "#ffffff"}, "padding": PADDING}


def _subtitle(facts: Facts, picture: Shown) -> str:
    """Whose figures, and of what."""
    view = first_view(facts)
    choices = facts["tables"][picture.entry.table]["choices"]
    text = next(one["text"] for one in choices if one["key"] == picture.choice)
    is_at = picture.entry.choice in ("curves", "spent") and view["x"] is not None
    at = f", {axis_text(facts, view['x'], view['at'])}" if is_at else ""
    return f"{facts['name']}: {text}{at}"
