"""C: mm/memcontrol.c, mem_cgroup_move_lists() (kernel-protocol §3.5)."""

from perfsim.kernel.constants import LRU_INACTIVE_FILE, LRU_LOCK, LRU_UNEVICTABLE, MZ_LOCK
from perfsim.kernel.cpu import Cpu
from tests.kernel.paths.conftest import StageMaker
from tests.kernel.paths.stage import Stage, pages_on, play, steps_of


def move(stage: Stage, page: int, lru: int, *, bit_taken: bool = False) -> list[str]:
    """Names of the steps of one move."""

    async def script(cpu: Cpu) -> None:
        if bit_taken:
            assert await cpu.trylock_page_cgroup(page)
        await stage.paths["mem_cgroup_move_lists"](cpu, page, lru)

    play(stage, script)
    return [name for name, _ in steps_of(stage, 0)][1:-1]


def test_a_move_holds_the_bit_lock_over_the_memcg_zones_lock(stage: Stage) -> None:
    page = pages_on(stage, LRU_INACTIVE_FILE)[0]
    before = list(stage.s.zones.cgroup_length)
    assert move(stage, page, LRU_UNEVICTABLE) == [
        "trylock_page_cgroup",
        "spin_lock_irqsave",
        "spin_unlock_irqrestore",
        "unlock_page_cgroup",
    ]
    assert stage.s.zones.cgroup_length[LRU_INACTIVE_FILE] == before[LRU_INACTIVE_FILE] - 1
    assert stage.s.zones.cgroup_length[LRU_UNEVICTABLE] == before[LRU_UNEVICTABLE] + 1
    assert stage.s.m.tally.acquisitions[MZ_LOCK] == 1


def test_a_page_on_that_list_already_stays(stage: Stage) -> None:
    page = pages_on(stage, LRU_INACTIVE_FILE)[0]
    before = list(stage.s.zones.cgroup_length)
    move(stage, page, LRU_INACTIVE_FILE)
    assert stage.s.zones.cgroup_length == before


def test_a_taken_bit_lock_leaves_the_list_wrong_rather_than_wait(stage: Stage) -> None:
    page = pages_on(stage, LRU_INACTIVE_FILE)[0]
    before = list(stage.s.zones.cgroup_length)
    assert move(stage, page, LRU_UNEVICTABLE, bit_taken=True) == ["trylock_page_cgroup", "trylock_page_cgroup"]
    assert stage.s.zones.cgroup_length == before


def test_without_memcg_nothing_is_done(make_stage: StageMaker) -> None:
    stage = make_stage("redo", "kernel.memcg=false")
    assert move(stage, pages_on(stage, LRU_INACTIVE_FILE)[0], LRU_UNEVICTABLE) == []


def test_reclaims_put_back_loops_nest_it_in_lru_lock(stage: Stage) -> None:
    async def script(cpu: Cpu) -> None:
        await stage.paths["shrink_active_list"](cpu, 1, 0, LRU_INACTIVE_FILE)

    play(stage, script)
    locks = ("spin_lock_irq", "spin_lock_irqsave", "spin_unlock_irq", "spin_unlock_irqrestore")
    steps = [(name, arguments[0]) for name, arguments in steps_of(stage, 0) if name in locks]
    assert steps[2:6] == [
        ("spin_lock_irq", LRU_LOCK),
        ("spin_lock_irqsave", MZ_LOCK),
        ("spin_unlock_irqrestore", MZ_LOCK),
        ("spin_unlock_irq", LRU_LOCK),
    ]
