"""JUnit XML: well formed, of the shape that readers of it know, and saying what the exit status says."""

import xml.etree.ElementTree as ET
from pathlib import Path

from perfsim.report.check import check
from perfsim.report.junit import junit
from tests.report.checking import ALIKE, P99, SCANNED, by_hand, checked, stored

CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"testcase"},
    "testcase": {"failure", "skipped", "system-out"},
    "failure": set(),
    "skipped": set(),
    "system-out": set(),
}
REQUIRED = {
    "testsuites": {"name", "tests", "failures", "errors", "skipped", "time"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time"},
    "testcase": {"classname", "name", "time"},
    "failure": {"message", "type"},
    "skipped": {"message"},
    "system-out": set(),
}


def parsed(data: bytes) -> ET.Element:
    """The file's root, once every element has the attributes and the children that the form allows."""
    assert data.startswith(b"<?xml version='1.0' encoding='utf-8'?>\n")
    root = ET.fromstring(data)  # noqa: S314 - it is our own
    assert root.tag == "testsuites"
    for element in root.iter():
        assert {child.tag for child in element} <= CHILDREN[element.tag]
        assert set(element.attrib) == REQUIRED[element.tag]
    for suite in (root, *root):
        counted = {name: len(suite.findall(f".//{tag}")) for name, tag in COUNTED.items()}
        assert {name: int(suite.attrib[name]) for name in counted} == counted
    names = [(case.attrib["classname"], case.attrib["name"]) for case in root.iter("testcase")]
    assert len(names) == len(set(names)), "cases that readers would take for one"
    return root


COUNTED = {"tests": "testcase", "failures": "failure", "skipped": "skipped"}


def test_a_suite_a_metric_and_a_case_an_answer_with_its_evidence(tmp_path: Path) -> None:
    root = parsed(junit(checked(tmp_path, (0.9, 1.0, 1.1, 1.0))))
    assert [suite.attrib["name"] for suite in root] == [SCANNED, P99]
    assert root.attrib["tests"] == "20"
    (failed,) = [case for case in root.iter("testcase") if case.find("failure") is not None]
    assert failed.attrib["name"] == "redo, profile ia64, cpus 1"
    (failure,) = failed
    assert failure.attrib["message"].startswith("regressed; ratio to the baseline 0.900 [")
    assert failure.attrib["message"].endswith("; allowed is at least 0.97")
    skipped = [case for case in root.iter("testcase") if case.find("skipped") is not None]
    assert {case.attrib["name"] for case in skipped} >= {"redo, profile x86_64, cpus 4"}
    assert all(case[0].attrib["message"].startswith("cannot tell: ") for case in skipped)


def test_what_is_fine_has_no_failures(tmp_path: Path) -> None:
    assert parsed(junit(by_hand(tmp_path, "3%"))).attrib["failures"] == "0"


def test_points_without_a_partner_are_skipped_with_their_reason(tmp_path: Path) -> None:
    now = stored(tmp_path / "now", (1.0,) * 4, "sweep.axes={machine.profile: [ia64], machine.cpus: [1, 9]}")
    root = parsed(junit(check(now, stored(tmp_path / "before"), [])))
    cases = list(root[-1])
    assert root[-1].attrib["name"] == "unmatched"
    assert len(cases) == 4
    assert f"only in {now}: profile ia64, cpus 9" in [case[0].attrib["message"] for case in cases]


def test_axes_that_share_their_last_part_are_told_by_their_whole_paths(tmp_path: Path) -> None:
    axes = "sweep.axes={tasks.reclaimers.share: [25%], tasks.lockers.share: [50%]}"
    now = stored(tmp_path / "now", ALIKE, axes)
    first = next(parsed(junit(check(now, now, []))).iter("testcase"))
    assert first.attrib["name"] == "lock_page, tasks.reclaimers.share 0.25, tasks.lockers.share 0.5"


def test_letters_that_xml_does_not_know_are_replaced(tmp_path: Path) -> None:
    found = by_hand(tmp_path, "3%")
    assert (
        parsed(junit(found._replace(name="a\x00b\x1b&<\ud800>"))).attrib["name"]
        == "perfsim check a\ufffdb\ufffd&<\ufffd>"
    )
