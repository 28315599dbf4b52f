// The rows and words of each picture, from what is chosen of the facts. view.py and fillers.py say the same for the static
// pictures; a test holds the two against each other.

const { facts, view, charts, gallery, config, palette, expressions, limits } = JSON.parse(
  await content(document.getElementById("facts")),
);
const { axes, points, series, pairs, tables, turns } = facts;

async function content(node) {
  if (node.type === "application/json") return node.textContent;
  const packed = Uint8Array.from(atob(node.textContent), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
}

// ---- places of figures: see cells() in view.py

const axisText = (axis, number) => `${axes[axis].text} ${axes[axis].values[number]}`;
const where = (point) => points[point].map((number, axis) => axisText(axis, number)).join(", ");

function cells(of, chosen, spread) {
  const panels = new Map();
  const free = axes.map((_, axis) => axis).filter((axis) => !spread.includes(axis));
  const told = free.filter((axis) => axes[axis].values.length > 1 && chosen.fixed[axis] === null);
  const found = [];
  points.forEach((numbers, point) => {
    if (free.some((axis) => chosen.fixed[axis] !== null && chosen.fixed[axis] !== numbers[axis])) return;
    const panel = told.map((axis) => axisText(axis, numbers[axis])).join(", ");
    if (!panels.has(panel)) panels.set(panel, panels.size);
    const order = panels.get(panel);
    if (order >= limits.panels) return;
    for (const one of of) found.push({ at: one * points.length + point, point, one, panel, order });
  });
  found.panelsCount = panels.size;
  return found;
}

const row = (cell, name) => ({ panel: cell.panel, order: cell.order, series: name, where: where(cell.point) });
const dashOf = (number) => palette.dashes[number % palette.dashes.length];
const seriesRow = (cell) => ({ ...row(cell, series[cell.one]), dash: dashOf(cell.one) });
const pick = (found, at, figures) => Object.fromEntries(figures.map((figure) => [figure, found[figure][at]]));
const ratioFigures = (found, cell) => ({
  ...pick(found, cell.at, ["y", "low", "high"]),
  verdict: tables.ratios.words[found.verdict[cell.at]],
});
const pairText = (pair) => pairs[pair].join(" / ");
const seriesOf = (pair) => series.indexOf(pairs[pair][0]);
const choiceOf = (table, key) => tables[table].choices.find((one) => one.key === key);

function xValue(chosen, point) {
  if (chosen.x === null) return "all";
  const axis = axes[chosen.x];
  const value = axis.values[points[point][chosen.x]];
  return axis.scale ? value : String(value);
}

const xTexts = (axis) => (axis.scale ? axis.values : axis.values.map(String));

function shifted(chosen, value, rank, count) {
  const axis = chosen.x === null ? { scale: null } : axes[chosen.x];
  if (!axis.scale) return value;
  const share = (rank - (count - 1) / 2) * Math.min(0.01, 0.05 / count);
  const [first, last] = [axis.values[0], axis.values.at(-1)];
  return axis.scale === "log" ? value * (last / first) ** share : value + (last - first) * share;
}

const atOne = (chosen) =>
  chosen.x === null
    ? chosen
    : { ...chosen, fixed: chosen.fixed.map((value, axis) => (axis === chosen.x ? chosen.at : value)) };
const atText = (chosen) => (chosen.x === null ? "" : `, at ${axisText(chosen.x, chosen.at)}`);
const along = (chosen) => (chosen.x === null ? "of all runs" : `along ${axes[chosen.x].text}`);

function roundValues(values, isNice) {
  const [low, high] = values.length ? [least(values), most(values)] : [1, 1];
  const tens = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) tens.push(Number(`1e${power}`));
  if (isNice) return tens;
  const isInside = (value) => low <= value && value <= high;
  const inside = tens.filter(isInside);
  return inside.length > 2 ? inside : tens.flatMap((value) => [1, 2, 5].map((step) => value * step)).filter(isInside);
}
const least = (values) => values.reduce((a, b) => Math.min(a, b), Infinity);
const most = (values) => values.reduce((a, b) => Math.max(a, b), -Infinity);

// ---- words: see view.py

function xWords(chosen) {
  const axis = chosen.x === null ? { text: null, values: ["all"], scale: null } : axes[chosen.x];
  const title = { x_title: axis.text };
  if (!axis.scale) {
    const label = { labelLimit: 120, labelAngle: axis.values.length <= 3 ? 0 : -40 };
    return { ...title, x_type: "ordinal", x_scale: { type: "point", padding: 0.5 }, x_axis: label };
  }
  const ticks = axis.values.length <= limits.labels ? { values: axis.values } : { tickCount: 5 };
  const ends = [axis.values[0], axis.values.at(-1)];
  const domain = ends[0] === ends[1] ? [ends[0] - 1, ends[0] + 1] : ends;
  const scale = axis.scale === "log" ? { type: "log", base: 2 } : { type: "linear", zero: false };
  return {
    ...title,
    x_type: "quantitative",
    x_scale: { ...scale, domain, nice: false, padding: chosen.shown.length <= 3 ? 12 : 24 },
    x_axis: { format: "~g", ...ticks },
  };
}

const dark = window.matchMedia("(prefers-color-scheme: dark)");

function seriesWords(shown) {
  const cycle = (range) => shown.map((number) => range[number % range.length]);
  return {
    series: shown.map((number) => series[number]),
    colors: cycle(dark.matches ? palette.on_dark : palette.colors),
    shapes: cycle(palette.shapes),
  };
}

// ---- fillers: rows and words of each picture

function overX(chosen, table, key) {
  const found = tables[table].values[key];
  const choice = choiceOf(table, key);
  const rows = [];
  const places = cells(chosen.shown, chosen, [chosen.x]);
  for (const cell of places) {
    if (found.y[cell.at] === null) continue;
    const x = xValue(chosen, cell.point);
    const beside = shifted(chosen, x, chosen.shown.indexOf(cell.one), chosen.shown.length);
    rows.push({ ...seriesRow(cell), x, shifted: beside, ...pick(found, cell.at, ["y", "low", "high"]) });
  }
  const isLog = choice.unit === "time" && rows.every((one) => one.y > 0);
  const bottom = rows.length ? least(rows.map((one) => one.y)) : 0;
  for (const one of rows) {
    one.drawn_low = Math.max(one.low ?? one.y, isLog ? bottom : 0);
    one.drawn_high = one.high ?? one.y;
  }
  const { axis, told } = expressions[choice.unit];
  const ticks = isLog ? { values: roundValues(rows.map((one) => one.y), false) } : { tickCount: 5 };
  const words = {
    ...xWords(chosen),
    ...seriesWords(chosen.shown),
    y_title: choice.text,
    y_scale: isLog ? { type: "log", nice: false, padding: 6 } : { zero: true },
    y_axis: { labelExpr: axis, ...ticks },
    told,
    description: `${choice.text}, ${along(chosen)}`,
  };
  return { rows, words, panelsCount: places.panelsCount };
}

function ratiosOver(chosen, table, key) {
  const found = tables.ratios.values[key];
  const drawn = pairs.map((_, pair) => pair).filter((pair) => chosen.shown.includes(seriesOf(pair)));
  const rows = [];
  const places = cells(drawn, chosen, [chosen.x]);
  for (const cell of places) {
    if (found.y[cell.at] === null) continue;
    const x = xValue(chosen, cell.point);
    const beside = shifted(chosen, x, drawn.indexOf(cell.one), drawn.length);
    const figures = ratioFigures(found, cell);
    const dash = dashOf(seriesOf(cell.one));
    rows.push({ ...row(cell, pairText(cell.one)), dash, kind: "ratio", x, shifted: beside, ...figures });
  }
  rows.push(...turnRows(chosen, key, drawn));
  const values = [1, ...rows.flatMap((one) => [one.y, one.low, one.high]).filter((value) => value)];
  const isWide = most(values) > 4 * least(values);
  const words = {
    ...xWords(chosen),
    ...seriesWords(drawn.map(seriesOf)),
    series: drawn.map(pairText),
    y_title: "ratio new/old",
    y_scale: {
      domain: [least(values), most(values)],
      padding: 8,
      nice: false,
      ...(isWide ? { type: "log" } : { zero: false }),
    },
    description: `ratio new/old of ${choiceOf("ratios", key).text}, ${along(chosen)}`,
  };
  return { rows, words, panelsCount: places.panelsCount };
}

function turnRows(chosen, key, drawn) {
  if (chosen.x === null || !axes[chosen.x].scale) return [];
  const ends = [axes[chosen.x].values[0], axes[chosen.x].values.at(-1)];
  const byPoint = new Map(cells([0], chosen, [chosen.x]).map((cell) => [cell.point, cell]));
  const rows = [];
  for (const turn of turns[key]?.turns ?? []) {
    const cell = byPoint.get(turn.point);
    if (!cell || turn.axis !== chosen.x || !drawn.includes(turn.pair)) continue;
    const [at, low, high] = turn.place;
    const place = { kind: "turn", x: at, y: 1, low_x: low || ends[0], high_x: high || ends[1] };
    rows.push({ ...row(cell, pairText(turn.pair)), ...place, verdict: turn.verdict });
  }
  return rows;
}

function ratioMap(chosen, table, key) {
  const found = tables.ratios.values[key];
  const [fresh, old] = pairs[chosen.pair];
  const second = chosen.second === chosen.x ? null : chosen.second;
  const direction = tables.ratios.is_higher_faster[key];
  const sign = direction === false ? -1 : 1;
  const rows = [];
  const places = cells([chosen.pair], chosen, [chosen.x, second]);
  for (const cell of places) {
    if (found.y[cell.at] === null) continue;
    const place = {
      x: xValue(chosen, cell.point),
      second: second === null ? "" : axes[second].values[points[cell.point][second]],
    };
    const figures = ratioFigures(found, cell);
    const gain = { gain: sign * Math.log(figures.y), is_shown: found.is_shown[cell.at] };
    rows.push({ ...row(cell, pairText(cell.one)), ...place, ...figures, ...gain });
  }
  const reach = most([Math.log(1.1), ...rows.map((one) => Math.abs(one.gain))]);
  const words = {
    ...xWords(chosen),
    x_values: chosen.x === null ? ["all"] : xTexts(axes[chosen.x]),
    second_title: second === null ? null : axes[second].text,
    second_values: second === null ? [""] : [...axes[second].values].reverse(),
    gain_domain: [-reach, reach],
    gain_values: [-reach, 0, reach],
    gain_title: `${fresh} / ${old}: blue is ${direction === null ? "higher" : "faster"}, bold is shown`,
    gain_label: `format(exp(${sign}*datum.value),'.2f')`,
    description: `ratio of ${fresh} to ${old} of ${choiceOf("ratios", key).text}, over two axes`,
  };
  return { rows, words, panelsCount: places.panelsCount };
}

function curvesAt(chosen, table, key) {
  const { tails, values } = tables.curves;
  const rows = [];
  const places = cells(chosen.shown, atOne(chosen), []);
  for (const cell of places) {
    values[key].curve[cell.at].forEach((ns, number) => {
      if (ns === null) return;
      const tail = tails[number];
      const named = { tail, q: -Math.log10(tail), is_named: limits.named_tails.includes(tail) };
      rows.push({ ...seriesRow(cell), ...named, ns });
    });
  }
  const { text } = choiceOf("curves", key);
  const words = {
    ...seriesWords(chosen.shown),
    time_title: `time of a ${text}`,
    q_values: limits.named_tails.filter((tail) => tail >= least(rows.map((one) => one.tail))).map((tail) => -Math.log10(tail)),
    time_values: roundValues(rows.map((one) => one.ns), true),
    description: `distribution of the time of a ${text}${atText(chosen)}`,
  };
  return { rows, words, panelsCount: places.panelsCount };
}

function spentAt(chosen, table, key) {
  const found = tables.spent.values[key];
  const parts = Object.keys(found).filter((part) => part !== limits.total);
  const rows = [];
  const places = cells(chosen.shown, atOne(chosen), []);
  for (const cell of places) {
    const total = found[limits.total]?.[cell.at];
    parts.forEach((part, order) => {
      const ns = found[part][cell.at];
      if (!ns || !total) return;
      rows.push({ ...seriesRow(cell), part, part_order: order, ns, of_total: ns / total });
    });
  }
  const { text } = choiceOf("spent", key);
  const words = {
    parts,
    part_colors: parts.map((part) => palette.parts[part]),
    y_title: `time per ${text}`,
    description: `where the time of a ${text} goes${atText(chosen)}`,
  };
  return { rows, words, panelsCount: places.panelsCount };
}

function influenceOf(chosen, table, key) {
  const rows = tables.influence.values[key].rows.slice(0, limits.influences).map((one) => ({ ...one, order: 0 }));
  const { text } = tables.influence.choices[0];
  const words = {
    x_title: "ratio at the high end over that at the low end",
    description: `what decides: ${text}`,
  };
  return { rows, words, panelsCount: 1 };
}

const fillers = {
  figures: overX,
  map: ratioMap,
  ratios: ratiosOver,
  percentiles: curvesAt,
  tails: curvesAt,
  spent: spentAt,
  utilization: overX,
  waits: overX,
  influence: influenceOf,
};

function sized(filled, entry, width) {
  const count = Math.max(1, new Set(filled.rows.map((one) => one.order)).size);
  const columns = columnsOf(count, Math.max(1, Math.min(limits.columns, Math.floor(width / limits.panel_width))));
  const panel = Math.max(140, Math.floor((width - entry.inset - (columns - 1) * 20) / columns));
  const cell = panel / Math.max(1, new Set(filled.rows.map((one) => one.x)).size);
  const rowsCount = entry.row_field ? new Set(filled.rows.map((one) => one[entry.row_field])).size : 0;
  const longest = most([0, ...(filled.words.series ?? []).map((name) => name.length)]);
  const height = Math.max(entry.height, entry.row_step * rowsCount);
  const sizes = {
    columns,
    width: panel,
    height: entry.row_field || width >= limits.narrow ? height : Math.floor((height * 3) / 4),
    has_panels: count > 1,
    header_width: columns > 1 ? panel : width - 20,
    series_legend: { columns: Math.max(1, Math.floor(width / (60 + 7 * longest))), labelLimit: width - 60 },
    legend_width: width - 60,
    part_columns: Math.max(1, Math.min(5, Math.floor(width / 140))),
    cell_size: cell >= 38 ? 11 : cell >= 28 ? 9 : 0,
    cell_format: cell >= 34 ? ".3f" : ".2f",
  };
  return { ...filled, words: { ...sizes, ...filled.words } };
}

function columnsOf(count, atMost) {
  for (let columns = atMost; columns > 1; columns--) if (count % columns === 0) return columns;
  return Math.min(count, atMost);
}

function fill(chart, words) {
  if (Array.isArray(chart)) return chart.map((one) => fill(one, words));
  if (chart === null || typeof chart !== "object") return chart;
  if ("$" in chart) return words[chart.$];
  return Object.fromEntries(Object.entries(chart).map(([key, value]) => [key, fill(value, words)]));
}
