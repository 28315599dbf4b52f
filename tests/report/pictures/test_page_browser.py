"""The page in a real browser: what it draws, what it asks for (nothing), and who can read it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from perfsim.report.comparison import Asked
from perfsim.report.pictures.facts import facts_of
from perfsim.report.pictures.gallery import shown
from perfsim.report.pictures.material import gather
from perfsim.report.pictures.page import PLAIN_BYTES_MAX, page_of
from perfsim.report.pictures.view import first_view
from perfsim.scenario.schema import Scenario
from tests.report.browser import chromium
from tests.report.pictures.made import ONE_AXIS, figures, of_many_designs, results, scenario_of
from tests.report.pictures.test_influence import answer
from tests.sweep.stored import rows_of

DRAWN = "body[data-state=drawn]"
CHARTS = ("figures", "map", "ratios", "percentiles", "tails", "spent", "utilization", "waits", "influence")

Opened = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for all tests here, that has no network."""
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of three axes, with a sensitivity."""
    return page_with_sensitivity(tmp_path_factory.mktemp("page") / "a", scenario_of())


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with every picture and every control, and few marks: axe looks at each for long."""
    axes = "sweep.axes={machine.profile: [ia64, x86_64], machine.cpus: [1, 4, 16]}"
    scenario = scenario_of(axes, designs=("lock_page", "redo", "redo_merged"))
    return page_with_sensitivity(tmp_path_factory.mktemp("small") / "a", scenario)


def page_with_sensitivity(directory: Path, scenario: Scenario) -> Path:
    """A report of such results, beside them."""
    name = results(directory, scenario)
    (directory / "sensitivity.json").write_text(json.dumps(answer(5)))
    return page_at(directory / "report.html", name)


def page_at(path: Path, name: str) -> Path:
    """A report of results, in a file. Returns its path."""
    path.write_text(page_of(gather(Asked(name))), encoding="utf-8")
    return path


@pytest.fixture
def opened(browser: Browser, path: Path) -> Iterator[Opened]:
    """Opens the page, and holds it to silence: no word on the console, no error, no request but for the page."""
    heard: list[str] = []
    contexts = []

    def open_page(width: int = 1400, scheme: Any = "light", of: Path = path) -> Page:
        context = browser.new_context(offline=True, viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: heard.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: heard.append(f"error: {error}"))
        page.on("request", lambda asked: heard.append(f"request: {asked.url}") if asked.url != of.as_uri() else None)
        page.on("dialog", lambda dialog: heard.append(f"dialog: {dialog.message}"))
        page.goto(of.as_uri())
        page.wait_for_selector(DRAWN)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert heard == []


def marks(page: Page, chart: str) -> list[str]:
    """Where and how the marks of a chart are drawn."""
    found: list[str] = page.eval_on_selector_all(
        f"#{chart}-chart .mark-symbol.role-mark path, #{chart}-chart .mark-rect.role-mark path",
        "nodes => nodes.map(node => ['transform', 'd', 'fill'].map(key => node.getAttribute(key)).join())",
    )
    return found


def test_every_chart_is_drawn_with_marks_and_words_for_who_cannot_see_it(opened: Opened) -> None:
    page = opened()
    for chart in CHARTS:
        assert len(marks(page, chart)) >= 4, chart
        assert page.get_attribute(f"#{chart}-chart[role=graphics-document]", "aria-label"), chart
    said = page.get_attribute("#figures-chart[role=graphics-document]", "aria-label")
    assert said == "reclaim scanned, pages/s, along cpus"


def test_another_metric_changes_the_charts_of_metrics_and_no_other(opened: Opened) -> None:
    page = opened()
    before = {chart: marks(page, chart) for chart in CHARTS}
    page.select_option("#choose-metric", "putback_latency_p99_ns")
    page.wait_for_selector(DRAWN)
    changed = {chart for chart in CHARTS if marks(page, chart) != before[chart]}
    assert changed == {"figures", "map", "ratios"}
    assert "putback, p99" in page.inner_text("#figures-chart")


def test_nanoseconds_stand_at_the_head_of_times_and_not_of_ratios(opened: Opened) -> None:
    page = opened()
    page.select_option("#choose-metric", "putback_latency_p99_ns")
    page.wait_for_selector(DRAWN)
    for chart, has_unit in (("figures", True), ("map", False)):
        page.click(f"#{chart}-data summary")
        page.wait_for_selector(f"#{chart}-data td")
        assert page.inner_text(f"#{chart}-data caption") == "putback, p99"
        assert ("putback, p99, ns" in page.inner_text(f"#{chart}-data tr:first-child")) is has_unit


def test_profile_axis_and_moment_can_be_chosen(opened: Opened) -> None:
    page = opened()
    assert "profile ia64" in page.inner_text("#figures-chart")
    page.select_option("#choose-axis-0", label="x86_64")
    page.wait_for_selector(DRAWN)
    assert "ia64" not in page.inner_text("main .picture:has(#figures-chart)")
    page.select_option("#choose-x", label="dirty_fraction")
    page.wait_for_selector(DRAWN)
    assert "cpus 16" in page.inner_text("#waits-chart")
    page.select_option("#percentiles-at", label="dirty_fraction 0.1")
    page.wait_for_selector(DRAWN)
    assert page.input_value("#spent-at") == "0"
    assert len(marks(page, "percentiles")) >= 4


def test_each_picture_has_its_data_below_it_by_keyboard_alone(opened: Opened) -> None:
    page = opened()
    for chart in CHARTS:
        page.focus(f"#{chart}-data summary")
        page.keyboard.press("Enter")
        page.wait_for_selector(f"#{chart}-data td")
        assert page.locator(f"#{chart}-data tbody tr").count() >= 4, chart
    row = page.locator("#map-data tbody tr").first.inner_text().split("\t")
    assert row[:2] == ["profile ia64, cpus 1, dirty_fraction 0.1", "redo / lock_page"]
    assert row[-1] == "slower"


def test_figures_are_shown_where_the_pointer_is(opened: Opened) -> None:
    page = opened()
    page.locator("#figures-chart .mark-symbol.role-mark path").first.hover()
    tooltip = page.wait_for_selector("#vg-tooltip-element.visible")
    assert tooltip is not None
    text = tooltip.inner_text()
    assert "lock_page" in text
    assert "profile ia64, cpus 1, dirty_fraction 0.1" in text


def test_the_page_draws_the_rows_and_words_of_the_static_pictures(opened: Opened, path: Path) -> None:
    page = opened()
    facts = facts_of(gather(Asked(str(path.parent))))
    for picture in shown(facts, first_view(facts), 960):
        told = page.evaluate(
            "name => perfsim.filledOf(perfsim.gallery.find(one => one.name === name), 960)", picture.entry.name
        )
        assert rounded(told["rows"]) == rounded(picture.filled.rows), picture.entry.name
        assert rounded(told["words"]) == rounded(picture.filled.words), picture.entry.name


def rounded(value: Any) -> Any:
    """With figures to twelve digits, as both languages' logarithms agree."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(one) for one in value]
    return float(f"{value:.12g}") if isinstance(value, int | float) else value


@pytest.mark.parametrize("width", [1400, 400])
def test_nothing_is_wider_than_the_window(width: int, opened: Opened) -> None:
    page = opened(width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    wide = "nodes => nodes.filter(node => node.scrollWidth > node.clientWidth + 1).map(node => node.id)"
    assert page.eval_on_selector_all(".chart", wide) == []


@pytest.mark.parametrize("scheme, rules", [("light", {}), ("dark", {"runOnly": ["color-contrast"]})])
def test_axe_finds_nothing_and_all_text_has_contrast(
    scheme: str, rules: dict[str, Any], small: Path, opened: Opened
) -> None:
    page = opened(1400, scheme, small)
    page.evaluate("for (const part of ['#map-data', '#how details']) document.querySelector(part).open = true")
    page.wait_for_selector("#map-data td")
    found = Axe().run(page, options=rules).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
    pairs = page.evaluate(TEXT_AND_PAPER)
    assert len(pairs) > 100
    faint = [pair for pair in pairs if contrast(*pair[:2]) < 4.5]
    assert faint == []


TEXT_AND_PAPER = """() => {
  const paper = getComputedStyle(document.documentElement).backgroundColor;
  const every = [...document.querySelectorAll('.chart svg text')];
  const texts = every.filter((one) => one.textContent && one.getBBox().width);
  const cells = texts.filter((one) => one.closest('#map-chart .mark-text.role-mark'));
  const others = texts.filter((one) => !cells.includes(one));
  const drawn = [...document.querySelectorAll('#map-chart .mark-rect.role-mark path')];
  const fills = drawn.map((one) => one.getAttribute('fill'));
  return [
    ...others.map((one) => [getComputedStyle(one).fill, paper, one.textContent]),
    ...cells.flatMap((one) => fills.map((fill) => [getComputedStyle(one).fill, fill, one.textContent])),
  ];
}"""


def contrast(text: str, paper: str) -> float:
    """The ratio of two colours' luminances, as WCAG 2 has it."""
    light, dark = sorted(map(luminance, (text, paper)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    shares = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_names_with_html_in_them_are_text(tmp_path: Path, opened: Opened) -> None:
    scenario = scenario_of("sweep.replications=2")
    evil = "</script><img src=x onerror=alert(1)>'\"${x}\\"
    rows = [
        row | {"design": evil if row["design"] == "redo" else row["design"], "profile": "<i>p</i>"}
        for row in rows_of(scenario, figures)
    ]
    name = results(tmp_path / "a", scenario, rows)
    (tmp_path / "a" / "sweep.json").unlink()
    page = opened(of=page_at(tmp_path / "report.html", name))
    assert page.locator("img").count() == 0
    assert evil in page.inner_text("h1 + p")
    assert evil in page.inner_text("#figures-chart")
    assert len(marks(page, "figures")) >= 4


def test_forty_designs_are_drawn_eight_at_a_time(tmp_path: Path, opened: Opened) -> None:
    scenario = scenario_of(ONE_AXIS, "sweep.replications=2", designs=("lock_page",))
    rows = of_many_designs(rows_of(scenario, figures), 40)
    name = results(tmp_path / "a", scenario, rows)
    (tmp_path / "a" / "sweep.json").unlink()
    page = opened(400, of=page_at(tmp_path / "report.html", name))
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    assert "8 of 40 designs are drawn" in page.inner_text("#figures-said")
    page.click("#choose-series input[value='20']")
    assert not page.is_checked("#choose-series input[value='20']"), "a ninth is not drawn"
    page.uncheck("#choose-series input[value='0']")
    page.wait_for_selector(DRAWN)
    page.check("#choose-series input[value='39']")
    page.wait_for_selector(DRAWN)
    assert "design_39" in page.inner_text("#figures-chart")


def test_a_page_of_very_many_figures_is_packed_and_draws_alike(
    path: Path, tmp_path: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perfsim.report.pictures.page.PLAIN_BYTES_MAX", PLAIN_BYTES_MAX // 10**4)
    packed = page_at(tmp_path / "packed.html", str(path.parent))
    assert packed.stat().st_size < path.stat().st_size
    assert marks(opened(of=packed), "figures") == marks(opened(), "figures")


def test_results_without_any_figure_say_so(tmp_path: Path, opened: Opened) -> None:
    scenario = scenario_of("sweep.axes={}", "sweep.replications=1")
    rows = [{key: _nothing(key, value) for key, value in row.items()} for row in rows_of(scenario, figures)]
    path = page_at(tmp_path / "report.html", results(tmp_path / "a", scenario, rows))
    assert "nothing to compare" in opened(of=path).inner_text("#verdict")


def _nothing(key: str, value: Any) -> Any:
    """No value of any figure."""
    if key.endswith("_hist"):
        return []
    return None if isinstance(value, float) and key not in ("simulated_ns", "warmup_ns") else value
