"""The classic litmus tests: what the explorer says is what has been published, for each memory model.

No sequentially consistent run ends in any of the outcomes; of the other models, A is allowed and F is forbidden. Where
a source says it of this very test it is named; `rule` is a verdict derived from the rule that RULES names, `spec` one
that the reference model computes from the rules of Intel's specification.
"""

from functools import cache
from typing import NamedTuple

import pytest

from perfsim.explore.question import Question
from perfsim.explore.scenario import load_explore_scenario
from perfsim.explore.search import explore
from perfsim.kernel.designs import Design, load_design
from tests.explore.litmus_programs import FOLDER, read_program
from tests.explore.reference_models import reaches

SOURCES = {
    "sdm": "Intel 64 and IA-32 Architectures Software Developer's Manual, volume 3A, section",
    "ipf": "Intel Itanium Architecture Software Developer's Manual, volume 2, part 2, revision 2.3, section",
    "spec": "Intel, A Formal Specification of Intel Itanium Processor Family Memory Ordering, 251429, 2002",
    "lkmm": "Linux, tools/memory-model/litmus-tests",
    "luc": "github.com/paulmckrcu/litmus, luc/RelAcq",
    "manual": "github.com/paulmckrcu/litmus, manual/kernel",
    "rule": "derived: RULES",
}

RULES = {
    "fifo": "x86-TSO (Owens, Sarkar, Sewell 2009): a CPU's loads and its stores are each in order and no store "
    "passes a load, so a cycle in which no load comes behind a store of its own CPU is forbidden",
    "passes": "x86-TSO: a load may be performed while an older store of its CPU is still in the buffer, fence or "
    "locked instruction aside; x86 has no weaker and no stronger load or store than the plain one",
    "mfence": "x86-TSO (Sewell, Sarkar, Owens, Zappa Nardelli, Myreen, CACM 53(7), 2010): MFENCE waits until the "
    "buffer of its CPU is empty",
    "forward": "sdm 8.2.3.5, of plain accesses: x86 has no other ones",
    "locked": "sdm 8.2.3.9: no load and no store is reordered with a locked instruction; 8.2.3.8: all CPUs see "
    "locked instructions in one order",
    "mb": "memory-barriers.txt: a general barrier orders all accesses before it with all behind it, for everybody: "
    "it is no weaker than the acquire, release, or barrier for which the source says never",
    "weaker": "what the source says of stronger accesses holds of these",
    "stronger": "coherence is promised of plain accesses already",
    "full": "atomic_ops.txt: an operation that returns a value has a full barrier before and behind it",
    "none": "atomic_ops.txt: an operation that returns nothing implies no barrier: as with plain stores",
    "acquires": "the loads acquire: as with plain stores",
    "readers": "what orders is the barrier between a reader's loads (LKMM's propagation rule); the writers' do not",
    "own": "an acquire orders what follows; that its value is its own CPU's, from the buffer, orders nothing before it",
}


class Row(NamedTuple):
    """verdicts: on tso, ia64 and kernel, in this order, as sources; the first letter of each is the verdict."""

    name: str
    variant: str
    tso: str
    ia64: str
    kernel: str


TABLE = """
SB    plain            A sdm 8.2.3.4   | A ipf 2.2.1.4   | A lkmm SB+poonceonces
SB    fences           F rule mfence   | F ipf 2.2.1.5   | F lkmm SB+fencembonceonces
SB    acquire          A rule passes   | A spec          | A luc C-SB+poonceacquires
SB    acquire_release  A rule passes   | A spec          | A luc C-SB+poreleaseacquires
SB    exchanges        F sdm 8.2.3.9   | F spec          | F rule full
SB    updates          F rule locked   | F spec          | A rule none
MP    plain            F sdm 8.2.3.2   | A ipf 2.2.1.2   | A lkmm MP+poonceonces
MP    fences           F rule fifo     | F spec          | F rule mb MP+fencewmbonceonce+fencermbonceonce
MP    acquire          F rule fifo     | A spec          | A luc C-MP+poonceonce+poacquireacquire
MP    acquire_release  F rule fifo     | F ipf 2.2.1.3   | F lkmm MP+pooncerelease+poacquireonce
MP    exchanges        F rule locked   | F spec          | F rule full
MP    updates          F rule locked   | F spec          | A rule none
MP    exchange_second  F rule locked   | A spec          | F rule full
LB    plain            F sdm 8.2.3.3   | A spec          | A lkmm LB+poonceonces
LB    fences           F rule fifo     | F spec          | F rule mb C-LB+fencembonceonce+poacquireonce
LB    acquire          F rule fifo     | F spec          | F luc C-LB+poacquireonces
LB    acquire_release  F rule fifo     | F spec          | F luc C-LB+poacquirereleases
LB    exchanges        F rule locked   | F spec          | F rule full
LB    updates          F rule locked   | F spec          | F rule acquires
S     plain            F rule fifo     | A spec          | A lkmm S+poonceonces
S     fences           F rule fifo     | F spec          | F rule mb S+fencewmbonceonce+poacquireonce
S     acquire          F rule fifo     | A spec          | A luc C-S+poonceonce+poacquireonce
S     acquire_release  F rule fifo     | F spec          | F luc C-S+poreleaserelease+poacquirerelease
S     exchanges        F rule locked   | F spec          | F rule full
R     plain            A rule passes   | A spec          | A lkmm R+poonceonces
R     fences           F rule mfence   | F spec          | F lkmm R+fencembonceonces
R     acquire          A rule passes   | A spec          | A luc C-R+poonceonce+poonceacquire
R     acquire_release  A rule passes   | A spec          | A luc C-R+poreleaserelease+poreleaseacquire
R     exchanges        F rule locked   | F spec          | F rule full
2-2W  plain            F rule fifo     | A spec          | A rule weaker C-2+2W+poonceonce+pooncerelease
2-2W  fences           F rule fifo     | F spec          | F manual C-2+2W+o-sync-o+o-sync-o
2-2W  acquire          F rule fifo     | A spec          | A rule weaker C-2+2W+poonceonce+pooncerelease
2-2W  acquire_release  F rule fifo     | F spec          | A luc C-2+2W+poreleasereleases
2-2W  exchanges        F rule locked   | F spec          | F rule full
CoRR  plain            F rule fifo     | A spec          | F lkmm CoRR+poonceonce+Once
CoRR  acquire          F rule fifo     | F spec          | F rule stronger
CoRR  exchanges        F rule fifo     | F spec          | F rule stronger
CoWW  plain            F rule fifo     | F spec          | F lkmm CoWW+poonceonce
CoWW  exchanges        F rule fifo     | F spec          | F rule stronger
CoRW  plain            F rule fifo     | F spec          | F lkmm CoRW+poonceonce+Once
CoRW  exchanges        F rule fifo     | F spec          | F rule stronger
CoWR  plain            F rule fifo     | F spec          | F lkmm CoWR+poonceonce+Once
CoWR  exchanges        F rule fifo     | F spec          | F rule stronger
IRIW  plain            F sdm 8.2.3.7   | A spec          | A lkmm IRIW+poonceonces+OnceOnce
IRIW  fences           F rule fifo     | A spec          | F lkmm IRIW+fencembonceonces+OnceOnce
IRIW  acquire          F rule fifo     | A ipf 2.2.1.11  | A luc C-IRIW+poacquireacquires+OnceOnce
IRIW  acquire_release  F rule fifo     | F ipf 2.2.1.12  | A luc C-IRIW+poacquireacquires+ReleaseRelease
IRIW  exchanges        F sdm 8.2.3.8   | F ipf 2.2.1.12  | A rule readers
IRIW  updates          F rule locked   | F ipf 2.2.1.12  | A rule none
WRC   plain            F sdm 8.2.3.6   | A spec          | A lkmm WRC+poonceonces+Once
WRC   fences           F rule fifo     | A spec          | F rule mb WRC+pooncerelease+fencermbonceonce+Once
WRC   acquire          F rule fifo     | A spec          | A luc C-WRC+poacquireonce+poacquireacquire+Once
WRC   acquire_release  F rule fifo     | F ipf 2.2.1.12  | F luc C-WRC+poacquirerelease+poacquireacquire+Release
WRC   exchanges        F rule locked   | F ipf 2.2.1.12  | F rule full
WRC   updates          F rule locked   | F ipf 2.2.1.12  | A rule none
SB-rfi plain           A sdm 8.2.3.5   | A spec          | A lkmm SB+rfionceonce-poonceonces
SB-rfi acquire         A rule forward  | A spec          | A rule own
SB-rfi acquire_release A rule forward  | A spec          | A rule own
"""

MODELS = ("sc", "tso", "ia64", "kernel")
VERDICTS = {"safe": "F", "broken": "A"}

_COHERENT = "the issue's decision: coherence always; Intel's specification has no rule for two plain loads of a word"
_ATOMIC = "an update is seen by all at one time; the kernel's documents promise that of none"
_PERFORMED = "LKMM does not order two stores by the release between them; no memory that performs stores can show it"
DIFFERENT = {
    ("CoRR", "plain"): ({"ia64"}, _COHERENT),
    ("IRIW", "exchanges"): ({"kernel"}, _ATOMIC),
    ("IRIW", "updates"): ({"kernel"}, _ATOMIC),
    ("WRC", "updates"): ({"kernel"}, _ATOMIC),
    ("2-2W", "acquire_release"): ({"kernel"}, _PERFORMED),
}
"""Where the explorer forbids what is allowed: on which models, and why."""


def rows() -> list[Row]:
    """The table."""
    found = []
    for line in TABLE.strip().splitlines():
        test, *verdicts = (part.strip() for part in line.split("|"))
        name, variant, tso = test.split(maxsplit=2)
        found.append(Row(name, variant, tso, *verdicts))
    return found


def test_every_verdict_has_a_known_source() -> None:
    for row in rows():
        for text in row[2:]:
            verdict, source, *place = text.split()
            assert verdict in "AF", row
            assert source in SOURCES, row
            assert source != "rule" or place[0] in RULES, row


def test_the_table_has_every_scenario_with_every_variant() -> None:
    shipped = {(path.stem, name) for path in FOLDER.glob("*.yaml") for name in variants_of(path.stem)}
    assert {(row.name, row.variant) for row in rows()} == shipped


def variants_of(name: str) -> list[str]:
    """The variants that a scenario names."""
    scenario = load_explore_scenario(str(FOLDER / f"{name}.yaml"))
    return [design.split("/")[-1].removesuffix(".py") for design in scenario.designs]


def test_the_table_is_what_the_published_rules_give() -> None:
    """An independent reading of the rules of SC, x86-TSO and Itanium: neither the table nor the explorer made it."""
    for row in rows():
        program = read_program(row.name, row.variant)
        computed = "".join("A" if reaches(program, model) else "F" for model in MODELS[:3])
        assert computed == f"F{row.tso[0]}{row.ia64[0]}", row


def cases() -> list[object]:
    """Every verdict that the explorer is to give: of SC for plain accesses alone, where nothing is weaker."""
    found: list[object] = []
    for row in rows():
        verdicts = dict(zip(MODELS, ("F", row.tso[0], row.ia64[0], row.kernel[0]), strict=True))
        if row.variant != "plain":
            del verdicts["sc"]
        models, why = DIFFERENT.get((row.name, row.variant), (set(), ""))
        equal = {model: verdict for model, verdict in verdicts.items() if model not in models}
        found.append(pytest.param(row, equal, id=f"{row.name}-{row.variant}"))
        for model in sorted(models):
            marks = pytest.mark.xfail(reason=why, strict=True)
            found.append(
                pytest.param(row, {model: verdicts[model]}, marks=marks, id=f"{row.name}-{row.variant}-{model}")
            )
    return found


@cache
def variant(name: str) -> Design:
    """The paths of a variant."""
    return load_design(str(FOLDER / f"{name}.py"))


@pytest.mark.parametrize("row, verdicts", cases())
def test_the_explorer_gives_the_published_verdict(row: Row, verdicts: dict[str, str]) -> None:
    scenario = load_explore_scenario(str(FOLDER / f"{row.name}.yaml"))
    for model, verdict in verdicts.items():
        outcome = explore(scenario, variant(row.variant), Question(model))
        assert VERDICTS.get(outcome.verdict, outcome.why) == verdict, f"{row.name} {row.variant} on {model}"
