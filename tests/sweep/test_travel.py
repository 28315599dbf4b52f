"""Files of designs and profiles arrive whole at a place that knows nothing of where they come from."""

from collections.abc import Callable
from pathlib import Path

import pytest

from perfsim.errors import InputError
from perfsim.scenario.schema import Scenario
from perfsim.sweep.plan import plan
from perfsim.sweep.travel import Packer, as_given, check_can_travel, unpacked
from perfsim.sweep.worker import Task, work

Tiny = Callable[..., Scenario]

BASE = "name: base\nextends: x86_64\n"
SLOW = 'name: slow\nextends: {base}\ncosts: {{wakeup: [2us, 4us, 7.5us]}}\nsources: {{wakeup: "an assumption"}}\n'


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the files are given."""
    (tmp_path / "home" / "mine").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "home")
    return tmp_path / "home"


def task_of(tiny: Tiny, base: str) -> Task:
    """A run of a design and a profile that are files."""
    Path("base.yaml").write_text(BASE, encoding="utf-8")
    Path("mine/slow.yaml").write_text(SLOW.format(base=base), encoding="utf-8")
    Path("mine/calm.py").write_text("async def page_mapping_inuse(cpu, page):\n    return 1\n", encoding="utf-8")
    scenario = tiny("machine.profile=mine/slow.yaml", designs=("redo", "mine/calm.py"))
    return next(run.task for run in plan(scenario, 1) if run.task.design == "mine/calm.py")


def test_a_run_has_the_same_row_where_its_files_are_not(
    tiny: Tiny, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = task_of(tiny, "../base.yaml")
    here = work(task)
    parcel = Packer().parcel(task)
    home.rename(tmp_path / "gone")
    monkeypatch.chdir(tmp_path)
    there = work(unpacked(parcel, tmp_path / "worker"))
    assert isinstance(here, dict)
    assert isinstance(there, dict)
    assert {**there, "wall_s": None} == {**here, "wall_s": None}
    assert unpacked(parcel, tmp_path / "worker") == unpacked(parcel, tmp_path / "worker")


def test_the_first_design_travels_where_it_decides_the_warm_up(
    tiny: Tiny, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("first.py").write_text("async def page_mapping_inuse(cpu, page):\n    return 1\n", encoding="utf-8")
    scenario = tiny("measure.warmup=auto", designs=("first.py", "redo"))
    tasks = [next(run.task for run in plan(scenario, 1) if run.task.design == name) for name in ("first.py", "redo")]
    here = [work(task) for task in tasks]
    parcels = [Packer().parcel(task) for task in tasks]
    home.rename(tmp_path / "gone")
    monkeypatch.chdir(tmp_path)
    moved = [unpacked(parcel, tmp_path / "worker") for parcel in parcels]
    assert moved[0].design == moved[0].scenario.kernel.designs[0] == moved[1].scenario.kernel.designs[0]
    there = [work(task) for task in moved]
    for one, other in zip(here, there, strict=True):
        assert isinstance(one, dict)
        assert isinstance(other, dict)
        assert {**one, "wall_s": None} == {**other, "wall_s": None}
    told = f"{moved[1].scenario.kernel.designs[0]}:1:1: bad"
    assert as_given(told, parcels[1], moved[1]) == "first.py:1:1: bad"


def test_files_are_told_as_they_were_given(tiny: Tiny, home: Path, tmp_path: Path) -> None:
    parcel = Packer().parcel(task_of(tiny, "../base.yaml"))
    task = unpacked(parcel, tmp_path / "worker")
    told = f"{task.design}:3:1: bad; {task.scenario.machine.profile}:2:1: bad"
    assert as_given(told, parcel, task) == "mine/calm.py:3:1: bad; mine/slow.yaml:2:1: bad"


def test_a_profile_that_extends_an_absolute_path_is_refused(tiny: Tiny, home: Path) -> None:
    task = task_of(tiny, str(home / "base.yaml"))
    with pytest.raises(InputError, match="which workers elsewhere do not have; expected a path relative to the file"):
        check_can_travel([task])


def test_a_file_that_is_gone_is_named(tiny: Tiny, home: Path) -> None:
    task = task_of(tiny, "../base.yaml")
    Path("mine/calm.py").unlink()
    with pytest.raises(InputError, match=r"mine/calm\.py: No such file or directory; expected the file to stay"):
        check_can_travel([task])
