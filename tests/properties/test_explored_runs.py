"""What the timed engines do at random is what the explorer calls reachable: their ends are ends of its search.

Both begin with the very same small state. The engines run the scripts on a machine of ia64 or x86, each CPU after a
think time that is drawn; at the end each drains its pagevecs, as a task does, and so does the script that is explored.
"""

import ast
from dataclasses import replace
from functools import cache
from unittest.mock import patch

import pytest

from perfsim.engine import compiled, reference
from perfsim.engine.budget import Budget
from perfsim.engine.cache import engine_code
from perfsim.engine.checks import Checks
from perfsim.engine.layout import as_arrays, table_of
from perfsim.engine.load import linked
from perfsim.engine.program import Program
from perfsim.engine.translate import translate_script
from perfsim.explore import small
from perfsim.explore.calls import Call
from perfsim.explore.question import Question
from perfsim.explore.rows import _value
from perfsim.explore.scenario import ExploreScenario, script_of
from perfsim.explore.small import numbers_of, small_state
from perfsim.kernel.constants import STREAMS, TASK_DONE
from perfsim.kernel.designs import Design
from perfsim.kernel.state import State
from perfsim.machine.profile import load_profile
from perfsim.machine.state import new_machine
from perfsim.numeric.random import UNIFORM, stream_key
from tests.explore.searches import Rest, compiled_search, final_states, rest_of, shipped
from tests.tier import SLOW

RUNS = 300 if SLOW else 24
NEVER_PS = 10**12
THINKS_PS = (200_000, 1_000_000, 4_000_000)
"""The longest think time, run by run: about as long as a script, so that the CPUs meet at every place."""

MEETINGS = {
    # scenario, number of its design: different ends that the runs are to come to, at least
    ("recheck", 1): 2,
    ("putback_reclaim", 0): 2,
    ("putback_reclaim", 1): 2,
    ("mlock_reclaim", 2): 1,
    ("putback_putback", 1): 1,
}
MORE = {
    **{("putback_migrate", number): 2 for number in range(5)},
    **{("migrate_fault", number): 2 for number in range(4)},
    ("migrate_munlock", 0): 2,
    ("migrate_munlock", 2): 3,
    **{("drain_release", number): 1 for number in range(5)},
    **{("putback_munlock", number): 1 for number in range(5)},
    **{("mlock_truncate", number): 1 for number in range(3)},
}
ASKED = {**MEETINGS, **(MORE if SLOW else {})}


def with_drains(scenario: ExploreScenario, design: str) -> ExploreScenario:
    """Every CPU drains its pagevecs at the end of its script."""
    drain = Call("lru_add_drain", ())
    cpus = [
        spec._replace(scripts={design: (*script_of(scenario, cpu, design), drain)})
        for cpu, spec in enumerate(scenario.cpus)
    ]
    return scenario._replace(cpus=tuple(cpus))


def timed_script(scenario: ExploreScenario, design: Design) -> ast.Module:
    """A task's first step to its last, by the number of its CPU."""
    lines = ["async def run_task(cpu):", "    await cpu.task_begin()", "    await cpu.think()"]
    lines.append("    mm = await cpu.current_mm()")
    for cpu in range(len(scenario.cpus)):
        lines.append(f"    {'if' if cpu == 0 else 'elif'} mm == {cpu}:")
        for call in script_of(scenario, cpu, design.name):
            arguments = ["cpu", *(str(_value(one, numbers_of(scenario))) for one in call.arguments)]
            lines.append(f"        await {call.path}({', '.join(arguments)})")
    return ast.parse("\n".join([*lines, "    await cpu.task_exit()"]))


def timed_state(scenario: ExploreScenario, design: Design, machine: str, run: int) -> State:
    """The small state on a machine whose steps take time, with think times that are drawn."""
    profile = load_profile(machine)
    timed = patch.object(small, "new_machine", lambda _, __, layout: new_machine(profile, profile.best_ps, layout))
    with timed:
        s = small_state(scenario, unevictable_lru=design.unevictable_lru)
    tasks = s.settings.tasks
    keys = [stream_key(run, 0, task, stream) for task in range(tasks) for stream in range(STREAMS)]
    s.tasks.think[:] = [UNIFORM, 0, THINKS_PS[run % len(THINKS_PS)]] * tasks
    s.tasks.key[:] = keys
    s.m.pending_ps[:] = [0] * tasks  # of putting the pages on their lists: nobody's
    return s


def end_on_reference(s: State, scenario: ExploreScenario, design: Design) -> State:
    """SimPy runs the paths as they stand."""
    bound = dict(design.paths)
    exec(compile(timed_script(scenario, design), "timed", "exec"), bound)  # noqa: S102 - of text made here
    own = replace(design, paths={**design.paths, "run_task": bound["run_task"]})
    running = reference.start(s, own, ["task"] * s.settings.tasks)
    reference.advance(running, NEVER_PS)
    return s


PROGRAMS: dict[tuple[str, str], Program] = {}


def program(scenario: ExploreScenario, design: Design) -> Program:
    """The rows of the timed script, once."""
    if (scenario.name, design.name) not in PROGRAMS:
        [script] = timed_script(scenario, design).body
        assert isinstance(script, ast.AsyncFunctionDef)
        PROGRAMS[scenario.name, design.name] = translate_script(design, script, "timed")
    return PROGRAMS[scenario.name, design.name]


def end_on_compiled(s: State, scenario: ExploreScenario, design: Design) -> State:
    """One compiled loop runs the rows of the same paths."""
    authored = compiled.Authored(design, program(scenario, design), ["task"] * s.settings.tasks)
    run = as_arrays(compiled.new_run(s, authored, 0))
    running = compiled.Running(run, table_of(run), linked(engine_code()), authored, None, Checks(), Budget())
    compiled.advance(running, NEVER_PS)
    return running.run.s


ENDS = {"simpy": end_on_reference, "compiled": end_on_compiled}


@cache
def reachable(name: str, number: int) -> frozenset[Rest]:
    """The ends of the whole search; nothing that goes wrong on the way ends it."""
    scenario, design = shipped(name, number)
    question = Question(properties=("stranded",), reduce=False)
    running = compiled_search(with_drains(scenario, design.name), design, question)
    assert not running.why
    return frozenset(rest_of(s) for s in final_states(running))


def met(name: str, number: int, engine: str) -> list[Rest]:
    """The ends of so many runs."""
    scenario, design = shipped(name, number)
    scenario = with_drains(scenario, design.name)
    found = []
    for run in range(RUNS):
        s = timed_state(scenario, design, ("ia64", "x86_64")[run % 2], run)
        end = ENDS[engine](s, scenario, design)
        assert all(state == TASK_DONE for state in end.tasks.state)
        found.append(rest_of(end))
    return found


@pytest.mark.parametrize("name, number", ASKED)
def test_runs_of_the_engines_end_where_the_explorer_does(name: str, number: int, engine: str) -> None:
    ends = set(met(name, number, engine))
    assert ends <= reachable(name, number)
    assert len(ends) >= ASKED[name, number]


def test_an_end_that_the_search_left_out_would_be_met() -> None:
    ends = set(met("recheck", 1, "simpy"))
    assert ends == reachable("recheck", 1)
    for left_out in reachable("recheck", 1):
        assert not ends <= reachable("recheck", 1) - {left_out}
