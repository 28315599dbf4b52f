"""`perfsim sensitivity`: an answer in each form from real runs; refused in one line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Perfsim = Callable[..., tuple[int, str, str]]
Tiny = tuple[str, ...]

# Two figures with ranges take fewer samples than the 43 of a shipped machine.
PROFILE = """
name: two
extends: ideal
costs: {shrink_page: [80ns, 160ns, 400ns], lru_add_page: [8ns, 20ns, 50ns]}
"""
OPTIONS = ("--profile", "two.yaml", "--samples", "64", "--metric", "events", "--set", "machine.cpus=2")


def test_a_table_and_json_tell_the_same_with_any_number_of_jobs(perfsim: Perfsim, tiny: Tiny) -> None:
    Path("two.yaml").write_text(PROFILE, encoding="utf-8")
    command = ("sensitivity", "quickstart", *tiny, *OPTIONS)
    status, table, _ = perfsim(*command, "--jobs", "2")
    assert status == 0
    assert table.startswith("quickstart, two, 2 CPUs: events, redo/lock_page on 64 machines\n")
    assert "\nwith the best figures: ratio " in table
    assert "\nchance: the ratio of one pair of runs scatters by " in table
    content = json.loads(perfsim(*command, "--jobs", "1", "--format", "json")[1])
    assert {figure["figure"] for figure in content["figures"]} == {"shrink_page", "lru_add_page"}
    assert content["notes"][0] in table


@pytest.mark.parametrize(
    "words, told",
    [
        (("--design", "redo"), "sensitivity: redo alone has no ratio; expected two, the old and the new: --design OLD"),
        (("--profile", "ideal"), '--profile: no cost of profile "ideal" has a range; expected one that has, such as'),
        (("--samples", "131"), "--samples: 131 samples; expected 132 to 100000: three for each of 43 figures and one"),
        (("--samples", "-1"), "--samples: -1 samples; expected 132 to 100000"),
        (("--samples", "many"), "Invalid value for '--samples': "),
        (("--metric", "putback"), '--metric: "putback" is no figure of the results; expected one such as '),
        (("--metric", "wall_s"), '--metric: "wall_s" differs when a run is repeated; expected one such as '),
        (("--metric", "migrated_per_s"), "--metric: migrated_per_s is 0 in a run of "),
        (("--margin", "0%"), "--margin: 0: nothing can be shown to be exactly the same"),
        (("--jobs", "0"), "--jobs: 0 worker processes"),
        (("--engine", "fast"), "--engine: "),
        (("--format", "xml"), "Invalid value for '--format'"),
    ],
)
def test_bad_input_is_told_in_one_line(perfsim: Perfsim, tiny: Tiny, words: tuple[str, ...], told: str) -> None:
    status, out, err = perfsim("sensitivity", "quickstart", *tiny, "--jobs", "1", *words)
    assert (status, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1
