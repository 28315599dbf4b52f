"""What is known of each row before the search: which begin a step, which locals live, which loads may be early."""

from perfsim.engine.program import FIRST_PRIMITIVE
from perfsim.explore import acts
from perfsim.explore.columns import IA64, KERNEL, SC, Code
from perfsim.explore.locations import FLAGS, MAPPING
from perfsim.explore.memory import ACQUIRED
from perfsim.explore.prepare import code_of, known_of
from perfsim.explore.rows import ORDERED, Scripts, scripts_of
from tests.explore.searches import shipped

NOTHING_MORE = {name: [0] for name in ("step_reads", "step_writes", "ahead_reads", "ahead_writes", "checked")}


def scripts(name: str, number: int) -> Scripts:
    return scripts_of(*shipped(name, number))


def code(found: Scripts, model: int, fences: tuple[int, ...] = ()) -> Code:
    return code_of(found, known_of(found, fences), model, NOTHING_MORE)


def rows_of(found: Scripts, *names: str) -> list[int]:
    """The rows of primitives."""
    shared = [number for number, row in enumerate(found.rows) if row.op >= FIRST_PRIMITIVE]
    return [number for number in shared if ORDERED[found.rows[number].op - FIRST_PRIMITIVE].name in names]


def test_a_step_begins_at_each_shared_primitive_and_at_nothing_else() -> None:
    found = scripts("munlock_munlock", 1)
    known = known_of(found, ())
    for number in rows_of(found, "test_flag", "spin_lock_irq", "put_page_testzero", "waitqueue_active"):
        assert known.act[number] != acts.LOCAL
    for number in rows_of(found, "page_zone", "cond_resched", "add_page_to_lru_list"):
        assert known.act[number] == acts.LOCAL


def test_nothing_is_early_or_late_where_memory_is_strong() -> None:
    found = scripts("munlock_munlock", 1)
    strong = code(found, SC)
    assert not any(strong.early)
    assert not any(strong.late)


def test_a_volatile_load_acquires_on_ia64_and_not_by_what_the_kernel_promises() -> None:
    found = scripts("munlock_munlock", 1)
    on_ia64, promised = code(found, IA64), code(found, KERNEL)
    loads = rows_of(found, "test_flag")
    assert {on_ia64.early[row] for row in loads} == {1 << ACQUIRED + FLAGS}
    assert any(promised.early[row] & (1 << FLAGS | 1 << MAPPING) for row in loads)


def test_no_load_comes_before_a_lock_or_what_returns_a_value() -> None:
    found = scripts("munlock_munlock", 1)
    for model in (IA64, KERNEL):
        weak = code(found, model)
        assert not any(
            weak.early[row] for row in rows_of(found, "spin_lock_irq", "test_and_clear", "put_page_testzero")
        )


def test_what_is_behind_an_acquire_may_be_early_if_the_acquire_is() -> None:
    found = scripts("putback_munlock", 1)
    weak = code(found, IA64)
    plain = [row for row in rows_of(found, "page_mapping") if weak.act[row] == acts.LOAD]
    assert any(weak.early[row] & (1 << FLAGS) for row in plain)


def test_a_fence_before_a_row_keeps_loads_behind_it() -> None:
    found = scripts("rescue_order", 0)
    loads = [row for row in rows_of(found, "test_flag") if code(found, KERNEL).early[row]]
    fenced = code(found, KERNEL, tuple(loads))
    assert loads
    assert all(fenced.fence[row] and not fenced.early[row] for row in loads)
