"""down_read() and down_write(): mmap_sem between tasks on different CPUs."""

from perfsim.kernel.constants import NONE
from perfsim.kernel.cpu import Cpu
from tests.kernel.paths.conftest import StageMaker
from tests.kernel.paths.stage import Script, Stage, broken, calls_of, gate, play, until

MM = 0


def holder(stage: Stage, path: str, order: list[str], name: str) -> Script:
    """Take mmap_sem, keep it for a hold time, release it."""

    async def script(cpu: Cpu) -> None:
        await stage.paths[path](cpu, MM)
        order.append(f"{name} in")
        await cpu.hold()
        await (cpu.up_write(MM) if path == "down_write" else cpu.up_read(MM))
        order.append(f"{name} out")

    return script


def test_writers_take_turns_and_sleep_meanwhile(stage: Stage) -> None:
    order: list[str] = []
    play(stage, *(holder(stage, "down_write", order, name) for name in "abc"))
    assert order == ["a in", "a out", "b in", "b out", "c in", "c out"]
    assert [calls_of(stage, "rwsem_schedule", cpu) for cpu in range(3)] == [0, 1, 1]
    assert broken(stage) == []


def test_readers_are_in_together(stage: Stage) -> None:
    order: list[str] = []
    play(stage, *(holder(stage, "down_read", order, name) for name in "abc"))
    assert order[:3] == ["a in", "b in", "c in"]
    assert broken(stage) == []


def test_a_release_between_queueing_and_sleeping_is_no_lost_wake_up(stage: Stage) -> None:
    window = gate(stage, 1, "rwsem_schedule")

    async def first(cpu: Cpu) -> None:
        await stage.paths["down_write"](cpu, MM)
        await until(window.reached)
        await cpu.up_write(MM)
        window.opened.succeed()

    async def second(cpu: Cpu) -> None:
        await stage.paths["down_write"](cpu, MM)
        assert stage.s.mms.writer[MM] == cpu.task  # type: ignore[attr-defined]  # the stage's Cpu is an engine's
        await cpu.up_write(MM)

    play(stage, first, second)
    assert set(stage.s.mms.waits_for) == {NONE}
    assert broken(stage) == []


def test_mlock_waits_for_the_readers_of_its_own_mmap_sem(make_stage: StageMaker) -> None:
    stage = make_stage("redo")
    locked = stage.s.ranges.locked
    before, seen = list(locked), []
    begun = gate(stage, 1, "down_write_or_queue")
    window = gate(stage, 1, "rwsem_schedule")
    ended = gate(stage, 1, "up_write")

    async def reader(cpu: Cpu) -> None:
        await until(begun.reached)
        await stage.paths["down_read"](cpu, 1)
        begun.opened.succeed()
        await until(window.reached)
        seen.append(list(locked))
        window.opened.succeed()
        await cpu.up_read(1)
        await until(ended.reached)
        seen.append([await cpu.down_read_trylock(1)])
        ended.opened.succeed()

    async def mlocker(cpu: Cpu) -> None:
        await stage.paths["sys_mlock"](cpu, await cpu.pick_unlocked_range(), 16)

    play(stage, reader, mlocker)
    assert seen == [before, [0]], "nothing is locked while there is a reader, nobody reads while it is being locked"
    assert sum(locked) == sum(before) + 1
    assert broken(stage) == []
