// The page: what fillers.js makes is drawn, tabled and said, and drawn again when something else is chosen.

// ---- drawing

const element = (id) => document.getElementById(id);
const made = (tag, text, attributes = {}) => {
  const node = Object.assign(document.createElement(tag), attributes);
  if (text !== null) node.textContent = text;
  return node;
};

function filledOf(entry, width) {
  const key = view[entry.choice];
  return sized(fillers[entry.name](view, entry.table, key), entry, width);
}

async function draw(entry) {
  const place = element(`${entry.name}-chart`);
  const key = view[entry.choice];
  const isThere = key !== null && key in tables[entry.table].values;
  const filled = isThere ? filledOf(entry, place.clientWidth) : { rows: [], words: {}, panelsCount: 0 };
  said(entry, filled);
  tabled(entry, filled);
  place.finalize?.();
  place.replaceChildren();
  for (const name of ["role", "aria-label", "aria-roledescription"]) place.removeAttribute(name);
  if (!filled.rows.length) return;
  const spec = fill(charts[entry.name], { ...filled.words, rows: filled.rows });
  const options = { mode: "vega-lite", renderer: "svg", actions: false, ast: true, config, defaultStyle: false };
  const drawn = await vegaEmbed(place, spec, { ...options, tooltip: { disableDefaultStyle: true } });
  place.finalize = () => drawn.finalize();
}

function said(entry, filled) {
  const lines = [];
  if (!filled.rows.length) lines.push("Nothing to show: no run has a value of this here.");
  if (filled.panelsCount > limits.panels) {
    lines.push(`${limits.panels} of ${filled.panelsCount} panels are drawn; choose one value of an axis for others.`);
  }
  if (view.shown.length < series.length && entry.name !== "map" && entry.name !== "influence") {
    lines.push(`${view.shown.length} of ${series.length} designs are drawn; choose others above.`);
  }
  if (entry.name === "ratios") lines.push(...(turns[view.figures]?.lines ?? []));
  element(`${entry.name}-said`).replaceChildren(...lines.slice(0, limits.lines).map((line) => made("p", line)));
}

// ---- the table below each picture

const DATA = {
  figures: { y: null, low: "low, 95 %", high: "high, 95 %" },
  map: { y: "ratio", low: "low, 95 %", high: "high, 95 %", verdict: "verdict" },
  percentiles: { share: "values up to it, %", ns: "time, ns" },
  spent: { part: "spent on", ns: "time, ns" },
  influence: { figure: "figure", range: "range", y: "ratio high/low", low: "low, 95 %", high: "high, 95 %", total: "share of the variance", matters: "matters" },
};
DATA.utilization = DATA.waits = DATA.figures;
DATA.ratios = DATA.map;
DATA.tails = DATA.percentiles;

function tabled(entry, filled) {
  const details = element(`${entry.name}-data`);
  const build = () => {
    const place = details.querySelector(".scroll");
    place.replaceChildren(...(details.open ? tableOf(entry, filled.rows) : []));
  };
  details.ontoggle = build;
  build();
}

function tableOf(entry, rows) {
  const choice = choiceOf(entry.table, view[entry.choice]);
  const own = Object.entries(DATA[entry.name]).map(([key, text]) => [key, text ?? titled(choice)]);
  const columns = entry.name === "influence" ? own : [["where", "at"], ["series", "runs"], ...own];
  const listed = rows
    .filter((one) => one.kind !== "turn" && one.is_named !== false)
    .map((one) => ("tail" in one ? { ...one, share: Number((100 * (1 - one.tail)).toPrecision(6)) } : one));
  const table = made("table", null);
  table.append(made("caption", `${choice.text}${listed.length > limits.rows ? `: the first ${limits.rows} of ${listed.length} rows` : ""}`));
  const head = made("tr", null);
  head.append(...columns.map(([, text]) => made("th", text, { scope: "col" })));
  table.createTHead().append(head);
  const body = table.createTBody();
  for (const one of listed.slice(0, limits.rows)) {
    const line = body.insertRow();
    for (const [key] of columns) line.append(cellOf(one[key]));
  }
  return [table];
}

const titled = (choice) => (choice.unit === "time" ? `${choice.text}, ns` : choice.text);

function cellOf(value) {
  if (typeof value !== "number") return made("td", value ?? "-");
  return made("td", value.toLocaleString("en-US", { maximumSignificantDigits: 5 }), { className: "number" });
}

// ---- choosing

function select(id, options, value, change) {
  const node = element(id);
  if (!node) return;
  node.replaceChildren(...options.map(([key, text]) => made("option", text, { value: String(key) })));
  node.value = String(value);
  node.onchange = () => change(options.find(([key]) => String(key) === node.value)[0]);
}

function choices() {
  for (const entry of gallery) {
    const listed = tables[entry.table].choices.map((one) => [one.key, one.text]);
    select(`${entry.name}-choice`, listed, view[entry.choice], (key) => {
      view[entry.choice] = key;
      redraw((other) => other.choice === entry.choice);
    });
    if (view.x === null) continue;
    const along = axes[view.x].values.map((value, number) => [number, `${axes[view.x].text} ${value}`]);
    select(`${entry.name}-at`, along, view.at, (number) => {
      view.at = number;
      redraw((other) => other.choice === "curves" || other.choice === "spent");
    });
  }
  const named = axes.map((axis, number) => [number, axis.text]);
  select("choose-metric", tables.figures.choices.map((one) => [one.key, one.text]), view.figures, (key) => {
    view.figures = key;
    redraw((entry) => entry.choice === "figures");
  });
  select("choose-x", named, view.x, (number) => {
    if (view.second === number) view.second = view.x;
    Object.assign(view, { x: number, at: axes[number].values.length - 1 });
    redraw();
  });
  select("choose-second", named.filter(([number]) => number !== view.x), view.second, (number) => {
    view.second = number;
    redraw((entry) => entry.name === "map");
  });
  select("choose-pair", pairs.map((_, pair) => [pair, pairText(pair)]), view.pair, (pair) => {
    view.pair = pair;
    redraw((entry) => entry.name === "map");
  });
  axes.forEach((axis, number) => {
    const values = axis.values.map((value, at) => [at, String(value)]);
    const label = element(`choose-axis-${number}`)?.parentNode;
    if (label) label.hidden = number === view.x;
    select(`choose-axis-${number}`, [[null, "all"], ...values], view.fixed[number], (at) => {
      view.fixed[number] = at;
      redraw();
    });
  });
  document.querySelectorAll("#choose-series input").forEach((box) => {
    box.checked = view.shown.includes(Number(box.value));
    box.onchange = () => {
      const ticked = [...document.querySelectorAll("#choose-series input:checked")];
      if (ticked.length === 0 || ticked.length > limits.series) box.checked = !box.checked;
      else {
        view.shown = ticked.map((one) => Number(one.value));
        redraw();
      }
    };
  });
}

let turnOf = Promise.resolve();
function redraw(isMeant = () => true) {
  choices();
  turnOf = turnOf.then(async () => {
    document.body.dataset.state = "drawing";
    for (const entry of gallery.filter(isMeant)) await draw(entry);
    document.body.dataset.state = "drawn";
  });
  return turnOf;
}

let width = document.documentElement.clientWidth;
let waiting;
window.addEventListener("resize", () => {
  if (document.documentElement.clientWidth === width) return;
  width = document.documentElement.clientWidth;
  clearTimeout(waiting);
  waiting = setTimeout(() => redraw(), 150);
});
dark.addEventListener("change", () => redraw());
window.addEventListener("beforeprint", () => document.querySelectorAll("#how details").forEach((one) => (one.open = true)));
window.perfsim = { filledOf, gallery, view };
redraw();
