"""Scenarios of a few pages, and designs, as files of tests."""

from pathlib import Path

from perfsim.explore.scenario import ExploreScenario, load_explore_scenario
from perfsim.kernel.designs import Design, load_design

OFF = "mapping: anon, pte: true, where: off"
"""Of an anonymous page that somebody has taken off the LRU."""


def scenario_file(folder: Path, scripts: list[str]) -> ExploreScenario:
    """One page on the inactive list, and a CPU for each script."""
    cpus = "".join(f"  - {{name: cpu{number}, does: [{script}]}}\n" for number, script in enumerate(scripts))
    page = "{name: page, flags: [uptodate, swapbacked], mapping: anon, pte: true, where: inactive_anon}"
    text = f"name: drawn\nmeaning: a test.\npages:\n  - {page}\ncpus:\n{cpus}"
    file = folder / "drawn.yaml"
    file.write_text(text, encoding="utf-8")
    return load_explore_scenario(str(file))


def design_file(folder: Path, text: str) -> Design:
    file = folder / "own.py"
    file.write_text(text, encoding="utf-8")
    return load_design(str(file))


def with_pages(folder: Path, pages: str, scripts: list[str]) -> ExploreScenario:
    """Pages a, b, c that begin alike, and a CPU for each script."""
    named = "".join(f"  - {{name: {one}, flags: [uptodate, swapbacked, mlocked], {pages}}}\n" for one in "abc")
    cpus = "".join(f"  - {{name: cpu{number}, does: [{script}]}}\n" for number, script in enumerate(scripts))
    file = folder / "pages.yaml"
    file.write_text(f"name: pages\nmeaning: a test.\npages:\n{named}cpus:\n{cpus}", encoding="utf-8")
    return load_explore_scenario(str(file))
