"""`perfsim calibrate`, on whatever machine and with whatever noise: what must hold all the same."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

from perfsim.machine.costs import COST_NAMES
from perfsim.machine.profile import load_profile

Perfsim = Callable[..., tuple[int, str, str]]


def test_the_profile_written_is_one_that_is_shown_and_run_with(perfsim: Perfsim, tiny: tuple[str, ...]) -> None:
    status, out, err = perfsim("calibrate", "--out", "my machine.yaml", "--format", "csv")
    assert (status, err.splitlines()[-1][:20]) == (0, "my machine.yaml: the")
    rows = {row["key"]: row for row in csv.DictReader(io.StringIO(out))}
    profile = load_profile("my machine.yaml")
    assert profile.name == "my_machine"
    for index, name in enumerate(COST_NAMES):
        source = profile.sources[name]
        if name != "prefetch_hidden":
            assert float(rows[name]["best_ns"]) * 1000 == profile.best_ps[index]
            assert rows[name]["from"] in ("measured", "x86_64_modern")
            assert ("measured 2" in source) == (rows[name]["from"] == "measured"), (name, source)
    assert perfsim("profiles", "show", "my machine.yaml")[0] == 0
    assert perfsim("run", "quickstart", "--profile", "my machine.yaml", *tiny)[0] == 0


def test_a_place_that_can_hold_no_profile_is_refused_before_anything_is_measured(perfsim: Perfsim) -> None:
    Path("there.yaml").mkdir()
    for out, problem in (
        ("mine.txt", '"mine.txt" is no name of a profile; expected a .yaml file'),
        ("", '"" is no name of a profile; expected a .yaml file'),
        ("there.yaml", '"there.yaml" is a directory; expected a file to be written'),
        ("nowhere/mine.yaml", "there is no directory nowhere; expected one that is there"),
    ):
        assert perfsim("calibrate", "--out", out) == (2, "", f"--out: {problem}\n")
