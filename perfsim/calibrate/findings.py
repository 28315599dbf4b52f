"""What one measurement found, and how: the common form of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from perfsim.calibrate.samples import NOISE, Figure, Judged, Refused, judged, together


class Finding(NamedTuple):
    """key: of the cost profile, or a name of its own that no profile has. how: it was measured, in words."""

    key: str
    answer: Judged
    how: str

    @property
    def figure(self) -> Figure | None:
        """The figure, if there is one that may be used."""
        return self.answer if isinstance(self.answer, Figure) else None


def found(key: str, figure: Figure, how: str) -> Finding:
    """A figure, unless it is noise."""
    return Finding(key, judged(figure), how)


def not_measured(key: str, why: str, how: str = "") -> Finding:
    """Nothing was measured, and why."""
    return Finding(key, Refused("not measured", why), how)


def virtual(key: str, figure: Figure | None, how: str) -> Finding:
    """What a guest measures of this is its hypervisor: no figure for the profile (cost-profiles §9)."""
    return Finding(key, Refused("virtual", "in a virtual machine this measures the hypervisor", figure), how)


def pooled(passes: Sequence[Mapping[str, Finding]]) -> dict[str, Finding]:
    """Several passes over all measurements as one, each key judged anew; what most passes could not measure stays so.

    A machine drifts: batches that follow one another agree better than those some seconds later.
    """
    return {key: _pooled([one[key] for one in passes]) for key in passes[-1]}


def _pooled(findings: Sequence[Finding]) -> Finding:
    refused = [one for one in findings if isinstance(one.answer, Refused) and one.answer.kind != NOISE]
    if 2 * len(refused) > len(findings):
        return refused[-1]
    measured = [one for one in findings if one not in refused]
    figures = [one.answer if isinstance(one.answer, Figure) else one.answer.figure for one in measured]
    return measured[-1]._replace(answer=judged(together([figure for figure in figures if figure is not None])))


def by_key(findings: list[Finding]) -> dict[str, Finding]:
    """Findings by their key."""
    return {finding.key: finding for finding in findings}
