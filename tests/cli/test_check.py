"""`perfsim check`: from a real sweep and its baseline to exit statuses, files and one line for what is wrong."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from perfsim.scenario.points import Job
from perfsim.scenario.validate import load_scenario
from tests.cli.conftest import Ended
from tests.sweep.stored import rows_of, store

Perfsim = Callable[..., Ended]
Tiny = tuple[str, ...]

LIMIT = ("--max-regression", "reclaim_scanned_per_s=3%")
KEPT = ("--baseline", "kept.json")


def test_a_sweep_is_checked_against_the_baseline_that_was_made_of_it(perfsim: Perfsim, tiny_sweep: Tiny) -> None:
    assert perfsim("sweep", "quickstart", *tiny_sweep, "--out", "out", "--jobs", "2").status == 0
    made = perfsim("check", "out", *KEPT, "--update-baseline", *LIMIT)
    assert (made.status, made.out) == (0, "")
    assert made.err == f"kept.json: 8 runs of quickstart, {Path('kept.json').stat().st_size:,} bytes\n"
    status, out, err = perfsim("check", "out", *KEPT, *LIMIT)
    assert (status, err) == (0, "")
    assert "\nquickstart: fine: fine 6 of 6 answers, 2 of them about all points together\n" in out
    assert "nothing that is checked has changed in 8 runs, to the last digit" in out
    assert perfsim("sweep", "quickstart", *tiny_sweep, "--out", "again", "--jobs", "1", "--engine", "simpy").status == 0
    assert perfsim("check", "again", *KEPT, *LIMIT).out.replace("again", "out") == out
    before = Path("kept.json").read_bytes()
    assert perfsim("check", "again", *KEPT, "--update-baseline", *LIMIT).status == 0
    assert Path("kept.json").read_bytes() == before


@pytest.fixture
def made(perfsim: Perfsim, tmp_path: Path) -> Perfsim:
    """The command line where `out`, and a baseline of it, have equal figures, and `slow` and `noisy` have others."""
    scenario = load_scenario("quickstart", ["sweep.replications=3"])
    for name, factors in (("out", [1.0, 1.0, 1.0]), ("slow", [0.9, 0.901, 0.902]), ("noisy", [0.8, 1.0, 1.2])):

        def figures(job: Job, factors: list[float] = factors) -> dict[str, object]:
            return {"reclaim_scanned_per_s": 1e6 * factors[job.replication]}

        store(tmp_path / name, scenario, rows_of(scenario, figures))
    assert perfsim("check", "out", *KEPT, "--update-baseline", *LIMIT).status == 0
    return perfsim


@pytest.mark.parametrize(
    "name, status, answer", [("out", 0, "fine"), ("slow", 1, "regressed"), ("noisy", 0, "cannot tell")]
)
def test_only_what_has_regressed_is_a_failure(made: Perfsim, name: str, status: int, answer: str) -> None:
    ended = made("check", name, *KEPT, *LIMIT, "--format", "json")
    assert (ended.status, ended.err) == (status, "")
    assert json.loads(ended.out)["verdict"] == answer


def test_junit_is_written_beside_every_form_of_the_answer(made: Perfsim) -> None:
    for form in ("table", "json", "markdown", "csv", "github"):
        assert made("check", "slow", *KEPT, *LIMIT, "--junit", f"{form}.xml", "--format", form).status == 1
        assert ET.parse(f"{form}.xml").getroot().attrib["failures"] == "8"  # noqa: S314 - it is our own


@pytest.mark.parametrize(
    "name, told",
    [
        ("", "--junit: is empty; expected a file to be written, such as perfsim.xml"),
        ("out", "out: is there and is no file; expected a file to be written"),
        ("/dev/null", "/dev/null: is there and is no file; expected a file to be written"),
        ("no/such/folder.xml", "no/such/folder.xml: cannot be written: No such file or directory; expected a place"),
    ],
)
def test_a_place_for_junit_that_can_be_none_is_one_line(made: Perfsim, name: str, told: str) -> None:
    ended = made("check", "slow", *KEPT, *LIMIT, "--junit", name)
    assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert ended.err.startswith(told)


def test_github_gets_annotations_and_the_summary_of_the_step(
    made: Perfsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    ended = made("check", "slow", *KEPT, *LIMIT, "--format", "github")
    assert ended.status == 1
    assert ended.out.startswith(
        "::error title=reclaim_scanned_per_s regressed::lock_page, all points together: regressed"
    )
    text = summary.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith(made("check", "slow", *KEPT, *LIMIT, "--format", "markdown").out)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    ended = made("check", "slow", *KEPT, *LIMIT, "--format", "github")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == f"{tmp_path}: cannot be written: Is a directory; expected a place with room to write\n"


@pytest.mark.parametrize(
    "words, told",
    [
        (("nowhere", *KEPT), "nowhere: no such file; expected results that perfsim sweep wrote"),
        (("", *KEPT), "RESULTS: is empty; expected"),
        (
            ("out", *LIMIT, "--baseline", "nowhere"),
            "nowhere: no such file; expected a baseline: --update-baseline writes",
        ),
        (("out", *LIMIT, "--baseline", ""), "--baseline: is empty; expected a file, or a directory"),
        (("out", *LIMIT, "--baseline", "", "--update-baseline"), "--baseline: is empty; expected a file to write"),
        (("out", *LIMIT, "--baseline", "."), ".: no results in it, neither runs.parquet nor runs.parts"),
        (("out", *KEPT), "out: the workload has no section check; expected --max-regression reclaim_scanned_per_s=3%"),
        (("out", *KEPT, "--max-regression", "nan%"), '--max-regression: "nan%"'),
        (("out", *KEPT, "--max-regression", "3"), '--max-regression: "3" is no fraction; expected'),
        (("out", *KEPT, "--max-regression", "events=3%"), '--max-regression: "events" is better neither higher nor '),
        (
            ("out", *KEPT, *LIMIT, "--max-regression", "3%"),
            'kept.json: there is no "putback_latency_p99_ns" in the base',
        ),
        (("out",), "Missing option '--baseline'"),
        (("out", *KEPT, "--format", "xml"), "Invalid value for '--format'"),
    ],
)
def test_bad_input_is_told_in_one_line(made: Perfsim, words: tuple[str, ...], told: str) -> None:
    status, out, err = made("check", *words)
    assert (status, out) == (2, "")
    assert err.startswith(told)
    assert err.count("\n") == 1


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"garbage", b"PAR1" + bytes(64) + b"PAR1"])
def test_a_broken_baseline_is_refused(made: Perfsim, content: bytes) -> None:
    Path("kept.json").write_bytes(content)
    status, out, err = made("check", "out", *KEPT, *LIMIT)
    assert (status, out) == (2, "")
    assert err.startswith("kept.json: ")
    assert err.count("\n") == 1


def test_a_baseline_bears_results_that_have_further_columns(made: Perfsim) -> None:
    """Columns that perfsim adds later are in results and not in a baseline of today; it holds what is checked alone."""
    content = json.loads(Path("kept.json").read_text(encoding="utf-8"))
    assert content["figures"] == ["reclaim_scanned_per_s", "invariant_violations"]
    assert len(pq.read_schema("slow/runs.parquet").names) > 100
    assert made("check", "slow", *KEPT, *LIMIT).status == 1
