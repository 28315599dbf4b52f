"""`perfsim profiles`: which there are, and every figure of one."""

import json
from collections.abc import Callable
from pathlib import Path

from perfsim.machine.costs import COST_NAMES
from perfsim.machine.profile import profile_names

Perfsim = Callable[..., tuple[int, str, str]]


def test_every_profile_is_listed(perfsim: Perfsim) -> None:
    status, out, err = perfsim("profiles", "--format", "json")
    assert (status, err) == (0, "")
    assert [one["profile"] for one in json.loads(out)["profiles"]] == list(profile_names())


def test_a_profile_is_shown_with_unit_range_and_source_of_every_cost(perfsim: Perfsim) -> None:
    status, out, err = perfsim("profiles", "show", "x86_64", "--format", "json")
    figures = {figure["key"]: figure for figure in json.loads(out)["figures"]}
    assert (status, err) == (0, "")
    assert set(COST_NAMES) < set(figures)
    assert all(figure.keys() == {"key", "low", "best", "high", "unit", "source"} for figure in figures.values())
    assert all(figures[name]["source"] for name in COST_NAMES)


def test_a_profile_of_the_users_own_is_shown(perfsim: Perfsim) -> None:
    Path("slow.yaml").write_text("{name: slow, extends: x86_64, costs: {wakeup: [2us, 4us, 7us]}}", encoding="utf-8")
    status, out, _ = perfsim("profiles", "show", "slow.yaml")
    assert status == 0
    assert out.startswith("slow: runs take the best figure\n")


def test_an_unknown_profile_is_refused_with_the_nearest_name(perfsim: Perfsim) -> None:
    status, out, err = perfsim("profiles", "show", "x86-64")
    assert (status, out) == (2, "")
    assert err.startswith("PROFILE: ")
    assert "x86_64" in err
    assert err.count("\n") == 1
