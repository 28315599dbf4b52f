"""The rows and words of each picture, from what is chosen of the facts. `fillers.js` says the same for the page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from perfsim.report.pictures.look import DASHES, EXPRESSIONS, PARTS
from perfsim.report.pictures.view import (
    NAMED_TAILS,
    Cell,
    Filled,
    axis_text,
    cells,
    round_values,
    series_words,
    x_words,
)
from perfsim.report.spent import WORDS
from perfsim.stats.spent import TOTAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfsim.report.pictures.view import Facts, Row, View


def _where(facts: Facts, point: int) -> str:
    return ", ".join(axis_text(facts, axis, number) for axis, number in enumerate(facts["points"][point]))


def _row(facts: Facts, cell: Cell, series: str) -> Row:
    return {"panel": cell.panel, "order": cell.order, "series": series, "where": _where(facts, cell.point)}


def _series_row(facts: Facts, cell: Cell) -> Row:
    return _row(facts, cell, facts["series"][cell.one]) | {"dash": DASHES[cell.one % len(DASHES)]}


def _x_value(facts: Facts, view: View, point: int) -> Any:
    if view["x"] is None:
        return "all"
    axis = facts["axes"][view["x"]]
    value = axis["values"][facts["points"][point][view["x"]]]
    return value if axis["scale"] else str(value)


def _x_texts(facts: Facts, axis: int) -> list[Any]:
    """All values of an axis as rows have them."""
    values = facts["axes"][axis]["values"]
    return list(values) if facts["axes"][axis]["scale"] else list(map(str, values))


def _shifted(facts: Facts, view: View, value: Any, rank: int, count: int) -> Any:
    """A place beside the value, so that intervals of several series do not hide each other."""
    axis: Facts = {"scale": None} if view["x"] is None else facts["axes"][view["x"]]
    if not axis["scale"]:
        return value
    share = (rank - (count - 1) / 2) * min(0.01, 0.05 / count)
    first, last = axis["values"][0], axis["values"][-1]
    return value * (last / first) ** share if axis["scale"] == "log" else value + (last - first) * share


def over_x(facts: Facts, view: View, table: str, key: str) -> Filled:
    """A figure of each series along x."""
    found = facts["tables"][table]["values"][key]
    choice = next(one for one in facts["tables"][table]["choices"] if one["key"] == key)
    rows = []
    for cell in cells(facts, view["shown"], view, [view["x"]]):
        if found["y"][cell.at] is None:
            continue
        x = _x_value(facts, view, cell.point)
        shifted = _shifted(facts, view, x, view["shown"].index(cell.one), len(view["shown"]))
        figures = {figure: found[figure][cell.at] for figure in ("y", "low", "high")}
        rows.append(_series_row(facts, cell) | {"x": x, "shifted": shifted, **figures})
    is_log = choice["unit"] == "time" and all(row["y"] > 0 for row in rows)
    least = min((row["y"] for row in rows), default=0)
    for row in rows:
        is_known = row["low"] is not None
        low = row["low"] if is_known else row["y"]
        row["drawn_low"] = max(low, least if is_log else 0)
        row["drawn_high"] = row["high"] if is_known else row["y"]
    words = {
        **x_words(facts, view),
        **series_words(facts, view),
        "y_title": choice["text"],
        "y_scale": {"type": "log", "nice": False, "padding": 6} if is_log else {"zero": True},
        "y_axis": {"labelExpr": EXPRESSIONS[choice["unit"]]["axis"]}
        | ({"values": round_values([row["y"] for row in rows], is_nice=False)} if is_log else {"tickCount": 5}),
        "told": EXPRESSIONS[choice["unit"]]["told"],
        "description": f"{choice['text']}, {_along(facts, view)}",
    }
    return Filled(rows, words)


def ratios(facts: Facts, view: View, key: str) -> Filled:
    """The ratios of each pair along x, and where they turn over."""
    found = facts["tables"]["ratios"]["values"][key]
    rows = []
    pairs = [number for number, (new, _) in enumerate(facts["pairs"]) if _is_drawn(facts, view, new)]
    for cell in cells(facts, pairs, view, [view["x"]]):
        if found["y"][cell.at] is None:
            continue
        x = _x_value(facts, view, cell.point)
        shifted = _shifted(facts, view, x, pairs.index(cell.one), len(pairs))
        figures = _ratio_figures(facts, key, cell)
        row = _row(facts, cell, _pair_text(facts, cell.one))
        row["dash"] = DASHES[_series_of(facts, cell.one) % len(DASHES)]
        rows.append(row | {"kind": "ratio", "x": x, "shifted": shifted, **figures})
    rows += _turn_rows(facts, view, key, pairs)
    text = _choice_text(facts, "ratios", key)
    values = [1.0, *(row[figure] for row in rows for figure in ("y", "low", "high") if row.get(figure))]
    is_wide = max(values) > 4 * min(values)
    words = {
        **x_words(facts, view),
        **series_words(facts, view | {"shown": [_series_of(facts, pair) for pair in pairs]}),
        "series": [_pair_text(facts, pair) for pair in pairs],
        "y_title": "ratio new/old",
        "y_scale": {"domain": [min(values), max(values)], "padding": 8, "nice": False}
        | ({"type": "log"} if is_wide else {"zero": False}),
        "description": f"ratio new/old of {text}, {_along(facts, view)}",
    }
    return Filled(rows, words)


def _ratio_figures(facts: Facts, key: str, cell: Cell) -> Row:
    table = facts["tables"]["ratios"]
    found = table["values"][key]
    figures = {figure: found[figure][cell.at] for figure in ("y", "low", "high")}
    return figures | {"verdict": table["words"][found["verdict"][cell.at]]}


def _pair_text(facts: Facts, pair: int) -> str:
    new, old = facts["pairs"][pair]
    return f"{new} / {old}"


def _series_of(facts: Facts, pair: int) -> int:
    return int(facts["series"].index(facts["pairs"][pair][0]))


def _is_drawn(facts: Facts, view: View, label: str) -> bool:
    return facts["series"].index(label) in view["shown"]


def _turn_rows(facts: Facts, view: View, key: str, pairs: Sequence[int]) -> list[Row]:
    """The places where verdicts turn, at ratio 1, in the panels that are drawn."""
    if view["x"] is None or not facts["axes"][view["x"]]["scale"]:
        return []
    axis = facts["axes"][view["x"]]
    by_point = {cell.point: cell for cell in cells(facts, [0], view, [view["x"]])}
    rows = []
    for turn in facts["turns"].get(key, {"turns": []})["turns"]:
        cell = by_point.get(turn["point"])
        if cell is None or turn["axis"] != view["x"] or turn["pair"] not in pairs:
            continue
        at, low, high = turn["place"]
        rows.append(
            _row(facts, cell, _pair_text(facts, turn["pair"]))
            | {"kind": "turn", "x": at, "y": 1, "low_x": low or axis["values"][0], "high_x": high or axis["values"][-1]}
            | {"verdict": turn["verdict"]}
        )
    return rows


def ratio_map(facts: Facts, view: View, key: str) -> Filled:
    """The ratios of one pair over two axes."""
    table = facts["tables"]["ratios"]
    found = table["values"][key]
    new, old = facts["pairs"][view["pair"]]
    second = None if view["second"] == view["x"] else view["second"]
    direction = table["is_higher_faster"][key]
    sign = -1 if direction is False else 1
    rows = []
    for cell in cells(facts, [view["pair"]], view, [view["x"], second]):
        if found["y"][cell.at] is None:
            continue
        numbers = facts["points"][cell.point]
        place = {
            "x": _x_value(facts, view, cell.point),
            "second": "" if second is None else facts["axes"][second]["values"][numbers[second]],
        }
        figures = _ratio_figures(facts, key, cell)
        gain = {"gain": sign * math.log(figures["y"]), "is_shown": found["is_shown"][cell.at]}
        rows.append(_row(facts, cell, _pair_text(facts, cell.one)) | place | figures | gain)
    reach = max([math.log(1.1), *(abs(row["gain"]) for row in rows)])
    better = "higher" if direction is None else "faster"
    words = {
        **x_words(facts, view),
        "x_values": ["all"] if view["x"] is None else _x_texts(facts, view["x"]),
        "second_title": None if second is None else facts["axes"][second]["text"],
        "second_values": [""] if second is None else list(reversed(facts["axes"][second]["values"])),
        "gain_domain": [-reach, reach],
        "gain_values": [-reach, 0, reach],
        "gain_title": f"{new} / {old}: blue is {better}, bold is shown",
        "gain_label": f"format(exp({sign}*datum.value),'.2f')",
        "description": f"ratio of {new} to {old} of {_choice_text(facts, 'ratios', key)}, over two axes",
    }
    return Filled(rows, words)


def curves(facts: Facts, view: View, key: str) -> Filled:
    """The whole distribution of a latency at one value of x."""
    table = facts["tables"]["curves"]
    found = table["values"][key]["curve"]
    rows = []
    for cell in cells(facts, view["shown"], _at(view), []):
        for tail, ns in zip(table["tails"], found[cell.at], strict=True):
            if ns is not None:
                named = {"tail": tail, "q": -math.log10(tail), "is_named": tail in NAMED_TAILS}
                rows.append(_series_row(facts, cell) | named | {"ns": ns})
    text = _choice_text(facts, "curves", key)
    words = {
        **series_words(facts, view),
        "time_title": f"time of a {text}",
        "q_values": [
            -math.log10(tail) for tail in NAMED_TAILS if tail >= min((row["tail"] for row in rows), default=1)
        ],
        "time_values": round_values([row["ns"] for row in rows], is_nice=True),
        "description": f"distribution of the time of a {text}{_at_text(facts, view)}",
    }
    return Filled(rows, words)


def spent(facts: Facts, view: View, key: str) -> Filled:
    """Where the time goes at one value of x, by kind."""
    found = facts["tables"]["spent"]["values"][key]
    parts = [part for part in found if part != WORDS[TOTAL]]
    rows = []
    for cell in cells(facts, view["shown"], _at(view), []):
        total = found[WORDS[TOTAL]][cell.at] if WORDS[TOTAL] in found else None
        for order, part in enumerate(parts):
            ns = found[part][cell.at]
            if ns and total:
                told = {"part": part, "part_order": order, "ns": ns, "of_total": ns / total}
                rows.append(_series_row(facts, cell) | told)
    text = _choice_text(facts, "spent", key)
    words = {
        "parts": parts,
        "part_colors": [PARTS[part] for part in parts],
        "y_title": f"time per {text}",
        "description": f"where the time of a {text} goes{_at_text(facts, view)}",
    }
    return Filled(rows, words)


def _at(view: View) -> View:
    """The view with x at its one value."""
    if view["x"] is None:
        return view
    fixed = list(view["fixed"])
    fixed[view["x"]] = view["at"]
    return view | {"fixed": fixed}


def _at_text(facts: Facts, view: View) -> str:
    return "" if view["x"] is None else f", at {axis_text(facts, view['x'], view['at'])}"


def _along(facts: Facts, view: View) -> str:
    return "of all runs" if view["x"] is None else f"along {facts['axes'][view['x']]['text']}"


def _choice_text(facts: Facts, table: str, key: str) -> str:
    return next(str(one["text"]) for one in facts["tables"][table]["choices"] if one["key"] == key)
