"""How fast the explorer is, beside SPIN on the same models, unreduced both, in turns of one run.

A turn runs SPIN's search of a model (spin -a, gcc -O2, no partial order reduction) and the explorer's of the same
scenario, each in a process of its own. Prints distinct states/s of each, their ratio, and bytes of memory a state.
SPIN's seconds are of its search, the explorer's of the whole call, translating the scenario too; SPIN's memory is what
it says, the explorer's the growth of its process. Both must find the same number of states, and of final states.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from perfsim.explore.question import Question
from perfsim.explore.running import explorer_code
from perfsim.explore.scenario import load_explore_scenario
from perfsim.explore.search import explore
from perfsim.kernel.designs import load_design
from scripts.bench_engines import say
from scripts.bench_memory import peak_bytes
from scripts.bench_table import Case, Column, Section, table, target
from scripts.spin_models import FOLDER, LARGEST, NO_SPIN, SpinSearch, build, can_run, model_names, search

RATIO_MIN = 1.0
NOTHING = ("outcome",)
"""A property that these scenarios do not ask for: nothing ends the search."""

COLUMNS = (
    Column("states", "states"),
    Column("spin_per_s", "SPIN/s"),
    Column("explorer_per_s", "explorer/s"),
    Column("ratio", "ratio", ".2f"),
    Column("ratio_min", "min", ".2f"),
    Column("ratio_max", "max", ".2f"),
    Column("spin_bytes", "SPIN bytes/state", ".0f"),
    Column("explorer_bytes", "explorer bytes/state", ".0f"),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; with --alone, be one process of the explorer's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"of tests/explore/spin ({LARGEST})")
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="turns of each model (3)")
    parser.add_argument("--alone", metavar="MODEL", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.alone:
        sys.stdout.write(json.dumps(explored(options.alone)) + "\n")
        return
    if not can_run():
        sys.exit(f"bench: {NO_SPIN}")
    unknown = sorted(set(options.models) - set(model_names()))
    if unknown or options.repeats < 1:
        parser.error(f"no model is called {unknown[0]}" if unknown else "--repeats: expected at least 1")
    explorer_code()
    load = os.getloadavg()[0]
    cases = {name: measured(name, options.repeats) for name in options.models or [LARGEST]}
    title = f"distinct states/s, SPIN and the explorer in turns (load before: {load:.2f}, {os.cpu_count()} cores)"
    sys.stdout.write(table(Section(title, COLUMNS, lambda _: cases), cases))


def measured(name: str, repeats: int) -> Case:
    """The figures of one model: medians, and the span of the ratio. Raises SystemExit if the two do not agree."""
    say(f"{name}: {repeats} turns")
    with tempfile.TemporaryDirectory(prefix="perfsim-spin-") as folder:
        program = build(name, Path(folder))
        turns = [_turn(name, program) for _ in range(repeats)]
    ratios, spin_per_s, explorer_per_s = [], [], []
    for spin, own in turns:
        if (spin.states, len(spin.final_states)) != (own["states"], own["final_states"]):
            finals = f"{len(spin.final_states)} and {own['final_states']} final ones"
            sys.exit(f"bench: {name}: SPIN finds {spin.states} states, the explorer {own['states']}; {finals}")
        spin_per_s.append(spin.states / max(spin.seconds, 1e-3))
        explorer_per_s.append(own["states"] / own["seconds"])
        ratios.append(explorer_per_s[-1] / spin_per_s[-1])
    states = turns[0][0].states
    return {
        "states": states,
        "spin_per_s": median(spin_per_s),
        "explorer_per_s": median(explorer_per_s),
        "ratio": median(ratios),
        "ratio_min": min(ratios),
        "ratio_max": max(ratios),
        "spin_bytes": median(spin.memory_bytes for spin, _ in turns) / states,
        "explorer_bytes": median(own["bytes"] for _, own in turns) / states,
        "target": target(median(ratios), RATIO_MIN, at_least=True),
    }


def explored(name: str) -> dict[str, Any]:
    """The explorer's search of a model, and by how much this process grew for it."""
    scenario = load_explore_scenario(str(FOLDER / f"{name}.yaml"))
    [design] = [load_design(one) for one in scenario.designs]
    before = peak_bytes()
    outcome = explore(scenario, design, Question(properties=NOTHING, reduce=False, symmetry=False))
    return {
        "states": outcome.states,
        "final_states": outcome.final_states,
        "seconds": outcome.seconds,
        "bytes": peak_bytes() - before,
    }


def _turn(name: str, program: Path) -> tuple[SpinSearch, dict[str, Any]]:
    """Both searches of a model. SPIN is given a hash table with an entry a state, and more."""
    own = _in_a_process(name)
    return search(program, own["states"].bit_length()), own


def _in_a_process(name: str) -> dict[str, Any]:
    command = [sys.executable, __file__, "--alone", name]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return found


if __name__ == "__main__":
    main()
