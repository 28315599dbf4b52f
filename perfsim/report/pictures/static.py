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
    from collections.abc import Iterator
    from pathlib import Path

    from perfsim.report.pictures.gallery import Entry, Shown
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
    """Whose figures, of what, and what is left out: other values of an axis, other designs."""
    choices = facts["tables"][picture.entry.table]["choices"]
    text = next(one["text"] for one in choices if one["key"] == picture.choice)
    return f"{facts['name']}: {', '.join([text, *_part_shown(facts, picture.entry)])}"


def _part_shown(facts: Facts, entry: Entry) -> Iterator[str]:
    """Such as: cpus 16, 8 of 40 designs."""
    if entry.name == "influence":
        return
    view = first_view(facts)
    fixed = dict(enumerate(view["fixed"]))
    if entry.choice in ("curves", "spent"):
        fixed[view["x"]] = view["at"]
    if entry.name == "map":
        fixed[view["second"]] = None
    yield from (axis_text(facts, axis, fixed[axis]) for axis in range(len(facts["axes"])) if fixed[axis] is not None)
    if entry.name != "map" and len(view["shown"]) < len(facts["series"]):
        yield f"{len(view['shown'])} of {len(facts['series'])} designs"
