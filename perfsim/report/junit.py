"""A check as JUnit XML, which Jenkins, GitLab and others show beside tests: a suite a metric, a case an answer.

Regressed is a failure. What cannot be told, and a point that only one of the two has, is skipped with its reason, so
that the file says what the exit status says.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

from perfsim.report.answers import evidence, only_there, place_text, subject, verdict_of
from perfsim.stats.regression import Answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfsim.report.answers import CheckedPoint
    from perfsim.report.check import Check

# Characters that XML 1.0 does not allow, whichever way they are written.
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(check: Check) -> bytes:
    """The whole file."""
    root = ET.Element("testsuites", {"name": _legal(f"perfsim check {check.name}")})
    for metric in dict.fromkeys(one.judged.metric for one in check.points):
        _add_suite(root, metric, [one for one in check.points if one.judged.metric == metric])
    if check.unmatched:
        suite = _suite(root, "unmatched")
        for one in check.unmatched:
            case = _case(suite, "unmatched", f"{place_text(one.place)}, in {one.results}")
            ET.SubElement(case, "skipped", {"message": _legal(only_there(one))})
    for element in (*root, root):
        for key, tag in (("tests", "testcase"), ("failures", "failure"), ("skipped", "skipped")):
            element.set(key, str(len(element.findall(f".//{tag}"))))
        element.set("errors", "0")
        element.set("time", "0")
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _add_suite(root: ET.Element, metric: str, points: Sequence[CheckedPoint]) -> None:
    suite = _suite(root, metric)
    for one in points:
        case = _case(suite, metric, subject(one))
        message = _legal(f"{verdict_of(one)}; {evidence(one)}")
        if one.judged.answer is Answer.REGRESSED:
            failure = ET.SubElement(case, "failure", {"message": message, "type": "regressed"})
            failure.text = _legal(f"{metric}: {subject(one)}: {message}")
        elif one.judged.answer is Answer.CANNOT_TELL:
            ET.SubElement(case, "skipped", {"message": message})
        else:
            ET.SubElement(case, "system-out").text = message


def _suite(root: ET.Element, name: str) -> ET.Element:
    return ET.SubElement(root, "testsuite", {"name": name})


def _case(suite: ET.Element, metric: str, name: str) -> ET.Element:
    return ET.SubElement(suite, "testcase", {"classname": metric, "name": _legal(name), "time": "0"})


def _legal(text: str) -> str:
    return _ILLEGAL.sub("\ufffd", text)
