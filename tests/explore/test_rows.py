"""What every CPU does is one table of rows, each CPU's by itself."""

from pathlib import Path

import numpy as np
import pytest

from perfsim.engine.program import CALL, FIRST_PRIMITIVE, RETURN
from perfsim.errors import InputError
from perfsim.explore import rows
from perfsim.explore.flow import after
from perfsim.explore.layout import IN_STATE
from perfsim.explore.rows import ORDERED, Scripts, scripts_of, writes_of
from perfsim.kernel.designs import load_design
from tests.explore.files import design_file, scenario_file
from tests.explore.searches import shipped


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


@pytest.mark.parametrize("name", ["unlock_page", "my-cpu", "class"])
def test_a_cpu_may_be_called_like_a_path_and_like_nothing_in_python(tmp_path: Path, name: str) -> None:
    scenario = scenario_file(tmp_path, ["lock_page(page), unlock_page(page)"] * 2)
    cpus = (scenario.cpus[0]._replace(name=name), scenario.cpus[1])
    found = scripts_of(scenario._replace(cpus=cpus), load_design("redo"))
    assert {place.path for place in found.places} >= {"script", "unlock_page", "lock_page", "lru_add_drain"}


def test_a_path_may_be_called_like_a_script(tmp_path: Path) -> None:
    text = '"""Own."""\nfrom perfsim.kernel.cpu import Cpu\nextends = "redo"\n'
    design = design_file(
        tmp_path, f"{text}\nasync def script(cpu: Cpu, page: int) -> None:\n    await cpu.get_page(page)\n"
    )
    found = scripts_of(scenario_file(tmp_path, ["script(page)"]), design)
    assert {place.path for place in found.places} >= {"script_", "script"}


def test_scripts_of_more_rows_than_a_state_can_name_are_refused_at_the_cpu_that_goes_too_far(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = scenario_file(tmp_path, ["lock_page(page), unlock_page(page)"] * 2)
    first = scripts_of(scenario, load_design("redo")).cpus.count(0)
    monkeypatch.setattr(rows, "ROWS_MAX", first)
    rows._translated.clear()
    with pytest.raises(InputError, match=f"scripts of .* rows under redo; expected {first} at most") as refused:
        scripts_of(scenario, load_design("redo"))
    assert refused.value.place == scenario.cpus[1].place


def test_the_number_of_a_row_has_room_in_a_state() -> None:
    assert {np.iinfo(IN_STATE[f"b.{name}"]).max for name in ("row", "late", "wait_row")} == {rows.ROWS_MAX}


def test_a_cpu_that_does_nothing_under_a_design_is_refused() -> None:
    scenario, _ = shipped("mlock_reclaim", 1)
    spec = scenario.cpus[0]._replace(scripts={"lock_page": ()})
    cpus = (spec, scenario.cpus[1])
    with pytest.raises(InputError, match="does nothing under redo"):
        scripts_of(scenario._replace(cpus=cpus), load_design("redo"))
