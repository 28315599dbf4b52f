"""What holds for all runs of a workload, as text."""

from perfsim.scenario.settings import settings
from perfsim.scenario.validate import load_scenario


def test_every_key_that_changes_all_runs_is_there_as_it_is_written(good_file: str) -> None:
    assert settings(load_scenario(good_file)) == {
        "machine.profile": "x86_64",
        "machine.nodes": "2",
        "memory.pages_per_node": "1024",
        "memory.mlocked_fraction": "0.5",
        "kernel.memcg": "true",
        "kernel.drain_all": "once",
        "tasks.kswapd.kind": "kswapd",
        "tasks.lockers.kind": "mlock",
        "tasks.lockers.share": "50%",
        "tasks.lockers.hold": "100us",
        "tasks.lockers.think": "{exponential: 50us}",
        "tasks.loop.kind": "lock_loop",
        "tasks.loop.think": "900ns",
        "tasks.loop.hold": "{uniform: [10us, 30us]}",
        "measure.warmup": "1ms",
        "measure.duration": "2ms",
        "sweep.seed": "1",
    }


def test_what_says_which_runs_there_are_is_left_out(good_file: str) -> None:
    other = ("sweep.axes.machine.cpus=[2]", "sweep.replications=7", "kernel.designs=[redo]")
    assert settings(load_scenario(good_file, other)) == settings(load_scenario(good_file))
    assert "machine.nodes" not in settings(load_scenario(good_file, ["sweep.axes.machine.nodes=[1, 2]"]))


def test_an_option_is_told_like_the_file(good_file: str) -> None:
    changed = settings(load_scenario(good_file, ["tasks.lockers.hold=7us"], seed=9, profile="ia64"))
    assert (changed["tasks.lockers.hold"], changed["sweep.seed"], changed["machine.profile"]) == ("7us", "9", "ia64")
