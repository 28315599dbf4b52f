"""SPIN agrees: the explorer under sequential consistency, and models of the same paths written by hand in Promela.

Both search without reduction, a shared primitive a step. They must agree on what is wrong, on the number of final
states (memory when every CPU is at the end of its script), and on the number of all states. The largest
model takes seconds: scripts/bench_explore compares that one.
"""

from pathlib import Path

import pytest

from perfsim.explore.question import Question
from perfsim.explore.scenario import load_explore_scenario
from perfsim.explore.search import explore
from perfsim.kernel.designs import load_design
from scripts.spin_models import FOLDER, LARGEST, NO_SPIN, build, can_run, model_names, search
from tests.tier import SLOW

pytestmark = pytest.mark.skipif(not can_run(), reason=NO_SPIN)

NOTHING = ("outcome",)
"""A property that no scenario here asks for: the search goes on behind whatever is wrong."""

WRONG = {
    "mlock_truncate": {"freed_mlocked", "counter_drift"},
    "putback_munlock_no_recheck": {"stranded"},
    "wait_queue_peek_first": {"deadlock"},
}
"""What is to be found wrong, by model; in all others nothing."""


LARGE = ("two_pages_four_cpus", LARGEST)
"""Models of half a million states and more: `two_pages_four_cpus` in the slow tier, the largest in the benchmark."""


@pytest.mark.parametrize("name", [name for name in model_names() if name not in LARGE[0 if not SLOW else 1 :]])
def test_the_explorer_and_spin_agree(name: str, tmp_path: Path) -> None:
    spin = search(build(name, tmp_path, "-O0"))  # an optimized one takes seconds to compile, for a search of a moment
    assert spin.wrong == WRONG.get(name, set())

    scenario = load_explore_scenario(str(FOLDER / f"{name}.yaml"))
    [design] = [load_design(one) for one in scenario.designs]
    found = explore(scenario, design, Question(reduce=False, symmetry=False))
    broken = {"deadlock" if one == "lost_wakeup" else one for one in (found.property, *dict(found.others)) if one}
    assert found.verdict == ("broken" if spin.wrong else "safe")
    assert broken <= spin.wrong

    whole = explore(scenario, design, Question(properties=NOTHING, reduce=False, symmetry=False))
    assert whole.verdict == "safe"
    assert (whole.states, whole.final_states) == (spin.states, len(spin.final_states))
    if not spin.wrong:
        assert found.final_states == whole.final_states  # what commutes is left out, and no end is
