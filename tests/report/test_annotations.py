"""GitHub's annotations: one line each, escaped, the worst first, no more than are shown."""

import re
from pathlib import Path

from perfsim.report.annotations import SHOWN_MAX, annotated
from perfsim.report.check import check
from tests.report.checking import SCANNED, by_hand, checked, stored

LINE = re.compile(r"::(error|warning|notice) title=([^:,\r\n]+)::([^\r\n]*)")


def lines(text: str) -> list[tuple[str, str, str]]:
    """Level, title and message of each line; all of them are annotations."""
    found = [LINE.fullmatch(line) for line in text.splitlines()]
    assert text.endswith("\n")
    assert None not in found
    return [(one[1], one[2], one[3]) for one in found if one]


def test_what_has_regressed_is_an_error_and_what_cannot_be_told_a_warning(tmp_path: Path) -> None:
    found = lines(annotated(checked(tmp_path, (0.9, 1.0, 1.1, 1.0))))
    assert [level for level, _, _ in found] == ["error", *["warning"] * (len(found) - 2), "notice"]
    level, title, message = found[0]
    assert (level, title) == ("error", f"{SCANNED} regressed")
    assert message.startswith("redo, profile ia64, cpus 1: regressed; ratio to the baseline 0.900 [")
    assert {title for level, title, _ in found if level == "warning"} == {f"{SCANNED} cannot tell"}
    assert any(message.startswith("redo, profile x86_64, cpus 4: cannot tell: ") for _, _, message in found)
    assert found[-1][2].startswith("mlock_heavy: regressed: ")


def test_what_is_fine_is_a_notice(tmp_path: Path) -> None:
    assert {level for level, _, _ in lines(annotated(by_hand(tmp_path, "3%")))} == {"notice"}


def test_more_than_are_shown_are_counted(tmp_path: Path) -> None:
    cpus = f"sweep.axes={{machine.profile: [ia64], machine.cpus: [{', '.join(map(str, range(1, 21)))}]}}"
    now = stored(tmp_path / "now", (0.5,) * 4, cpus)
    found = lines(annotated(check(now, stored(tmp_path / "before", (1.0,) * 4, cpus), [])))
    errors = [message for level, _, message in found if level == "error"]
    assert len(errors) == SHOWN_MAX + 1
    assert errors[0].startswith("redo, all points together: regressed; ")
    assert re.fullmatch(r"and \d+ more", errors[-1])


def test_what_would_end_a_line_or_a_title_is_escaped(tmp_path: Path) -> None:
    found = by_hand(tmp_path, "3%")._replace(notes=("50 %\r\n::error::x",))
    assert annotated(found).startswith("::warning title=perfsim check::50 %25%0D%0A::error::x\n")
