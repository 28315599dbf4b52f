"""What every CPU does is one table of rows, each CPU's by itself."""

from pathlib import Path

import pytest

from perfsim.engine.program import CALL, FIRST_PRIMITIVE, RETURN
from perfsim.errors import InputError
from perfsim.explore import rows
from perfsim.explore.flow import after
from perfsim.explore.rows import ORDERED, Scripts, scripts_of, writes_of
from perfsim.kernel.designs import load_design
from tests.explore.searches import shipped
from tests.explore.test_search import scenario_file


def scripts(name: str, number: int) -> Scripts:
    return scripts_of(*shipped(name, number))


def test_every_call_is_copied_and_no_cpu_reaches_rows_of_another() -> None:
    found = scripts("drain_release", 1)
    assert len(found.rows) == len(found.places) == len(found.cpus)
    assert not any(row.op == CALL for row in found.rows)
    for number, row in enumerate(found.rows):
        assert all(found.cpus[one] == found.cpus[number] for one in after(row))


def test_a_script_never_writes_a_constant() -> None:
    found = scripts("putback_migrate", 1)
    for row, cpu in zip(found.rows, found.cpus, strict=True):
        assert all(len(found.constants[cpu]) <= slot < found.slots for slot in writes_of(row))


def test_each_cpu_has_a_script_and_drains_in_the_end() -> None:
    found = scripts("munlock_munlock", 1)
    for cpu in (0, 1):
        assert found.cpus[found.begin[cpu]] == found.cpus[found.settle[cpu]] == cpu
        assert reached(found, found.settle[cpu]) & {"pagevec_count", "pagevec_page", "add_page_to_lru_list"}
        assert "test_and_clear" in reached(found, found.begin[cpu])


def reached(found: Scripts, first: int) -> set[str]:
    """The primitives that can be come to from a row on."""
    seen, waiting = {first}, [first]
    while waiting:
        following = [one for one in after(found.rows[waiting.pop()]) if one not in seen]
        seen.update(following)
        waiting += following
    ops = [found.rows[number].op for number in seen if found.rows[number].op != RETURN]
    return {ORDERED[op - FIRST_PRIMITIVE].name for op in ops if op >= FIRST_PRIMITIVE}


def test_a_pair_is_translated_once_and_the_last_few_are_kept() -> None:
    rows._translated.clear()
    first = scripts("recheck", 0)
    assert scripts("recheck", 0) is first
    for number in range(rows.KEPT_MAX):
        scripts("munlock_munlock", number)
    assert scripts("recheck", 0) is not first


def test_a_cpu_may_be_called_like_a_path_of_the_design(tmp_path: Path) -> None:
    scenario = scenario_file(tmp_path, ["lock_page(page), unlock_page(page)"] * 2)
    cpus = (scenario.cpus[0]._replace(name="unlock_page"), scenario.cpus[1])
    found = scripts_of(scenario._replace(cpus=cpus), load_design("redo"))
    assert {place.path for place in found.places} >= {"unlock_page_", "unlock_page", "lock_page"}


def test_a_cpu_that_does_nothing_under_a_design_is_refused() -> None:
    scenario, _ = shipped("mlock_reclaim", 1)
    spec = scenario.cpus[0]._replace(scripts={"lock_page": ()})
    cpus = (spec, scenario.cpus[1])
    with pytest.raises(InputError, match="does nothing under redo"):
        scripts_of(scenario._replace(cpus=cpus), load_design("redo"))
