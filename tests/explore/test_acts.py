"""A CPU's next shared primitive: when it may happen, in how many ways, and what happens; in plain Python."""

from perfsim.explore.acts import LOAD, RMW_VALUE, UNDER_LOCK, ways
from perfsim.explore.columns import RELEASE_STORE, Search
from perfsim.explore.memory import may_perform
from perfsim.explore.properties import RECURSION, UNLOCK_NOT_HELD
from perfsim.explore.question import Question
from perfsim.explore.step import perform_one, step, unpack
from perfsim.kernel.constants import NONE
from tests.explore.searches import on_lists, primitive_at, shipped, steps_of


def of(name: str, number: int = 0, model: str = "sc", flags: str = "word") -> Search:
    return on_lists(*shipped(name, number), Question(model, flags, reduce=False))


def ways_of(x: Search, cpu: int) -> int:
    unpack(x, cpu)
    return ways(x, cpu, x.b.row[cpu])


def make_step(x: Search, cpu: int, choice: int = 0) -> None:
    unpack(x, cpu)
    step(x, cpu, choice)


def test_a_spinlock_that_another_cpu_holds_is_waited_for() -> None:
    x = of("reclaim_reclaim", 1)
    for cpu in (0, 1):
        steps_of(x, cpu, until="spin_lock_irq")
    assert (ways_of(x, 0), ways_of(x, 1)) == (1, 1)
    make_step(x, 0)
    assert (ways_of(x, 0), ways_of(x, 1)) == (1, 0)
    steps_of(x, 0, until="spin_unlock_irq")
    assert ways_of(x, 1) == 0
    make_step(x, 0)
    assert ways_of(x, 1) == 1


def test_a_spinlock_that_a_cpu_holds_itself_is_a_recursion() -> None:
    x = of("munlock_munlock", 1)
    steps_of(x, 0, until="spin_lock_irq")
    x.s.m.lock_owner[0] = 0
    assert ways_of(x, 0) == 1
    make_step(x, 0)
    assert x.turn.failed[0] == RECURSION


def test_an_unlock_of_what_is_not_held_is_told() -> None:
    x = of("munlock_munlock", 1)
    steps_of(x, 0, until="spin_unlock_irq")
    x.s.m.lock_owner[0] = NONE
    make_step(x, 0)
    assert x.turn.failed[0] == UNLOCK_NOT_HELD


def test_who_sleeps_on_a_page_lock_goes_on_when_it_is_woken() -> None:
    x = of("wait_queue")
    steps_of(x, 0, until="test_and_clear")
    steps_of(x, 1)
    assert (primitive_at(x, 1), ways_of(x, 1)) == ("io_schedule", 0)
    steps_of(x, 0)
    assert primitive_at(x, 0) == ""
    assert ways_of(x, 1) == 1
    steps_of(x, 1)
    assert primitive_at(x, 1) == ""


def test_on_x86_an_unlock_waits_and_a_locked_instruction_waits_for_it() -> None:
    x = of("munlock_munlock", 1, "tso")
    steps_of(x, 0, until="spin_unlock_irq")
    make_step(x, 0)
    assert (x.b.waiting[0], x.s.m.lock_owner[0]) == (1, 0)
    while x.code.act[x.b.row[0]] == LOAD:
        make_step(x, 0)
    assert x.code.act[x.b.row[0]] in (RMW_VALUE, UNDER_LOCK)
    assert ways_of(x, 0) == 0
    perform_one(x, 0, 0)
    assert (x.b.waiting[0], x.s.m.lock_owner[0], ways_of(x, 0)) == (0, NONE, 1)


def test_the_kernel_promises_no_order_of_what_returns_nothing_but_a_release_is_last() -> None:
    x = of("munlock_munlock", 1, "kernel", "bits")
    steps_of(x, 0, until="spin_unlock_irq")
    make_step(x, 0)
    kinds = x.b.wait_kind[: x.b.waiting[0]]
    assert len(kinds) > 1
    assert kinds[-1] == RELEASE_STORE
    assert [may_perform(x, 0, number) for number in range(len(kinds))] == [*([1] * (len(kinds) - 1)), 0]


def test_updates_of_one_word_keep_their_order_and_of_separate_flags_do_not() -> None:
    allowed = []
    for flags in ("word", "bits"):
        x = of("munlock_munlock", 1, "kernel", flags)
        steps_of(x, 0, until="spin_unlock_irq")
        allowed.append([may_perform(x, 0, number) for number in range(x.b.waiting[0])])
    words, bits = allowed
    assert words[0] == 1
    assert not any(words[1:])
    assert all(bits)
