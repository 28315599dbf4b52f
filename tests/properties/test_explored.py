"""The explorer on small scenarios that are drawn: what must be so of every one.

A search sees the same when it leaves out what only permutes steps or interchangeable CPUs, and when CPUs or pages are
numbered otherwise; what is broken on a stronger memory is broken on a weaker one. PERFSIM_SLOW=1 draws more of them.
"""

import tempfile
from pathlib import Path
from typing import NamedTuple

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from perfsim.explore.question import Limits, Question
from perfsim.explore.scenario import ExploreScenario, load_explore_scenario
from perfsim.kernel.designs import load_design
from tests.explore.searches import Seen, compiled_search, seen_by
from tests.tier import SLOW

EXAMPLES = 250 if SLOW else 5
STATES_MAX = 200_000 if SLOW else 12_000
DESIGNS = ("lock_page", "redo", "redo_merged", "redo_barrier", "no_unevictable_lru")
DEPENDS_ON_WHAT_CAN_END = {"livelock"}
"""More behaviour may also be a way out."""


class Role(NamedTuple):
    """What a CPU does to a page. script: of lock_page, and of the other designs; P is the page. references: that it
    brings. of: the kinds of pages that it makes sense of. puts_back: it holds the page, which is off the LRU.
    """

    scripts: tuple[str, str]
    references: int
    of: str
    puts_back: bool = False


def same(script: str, references: int, of: str) -> Role:
    return Role((script, script), references, of)


PUTBACK = Role(("cull_unevictable_page(P)", "putback_lru_page(P)"), 0, "anon file shm", puts_back=True)
ROLES = (
    same("__munlock_pte_handler(pte(P))", 0, "anon"),
    same('"__munlock_vma_pages_range(pte(P), 1)"', 0, "anon"),
    same("lock_page(P), mlock_vma_page(P), unlock_page(P), put_page(P)", 1, "anon"),
    same("put_page(P)", 1, "anon file shm"),
    same("migrate_page_add(P), putback_lru_pages(), put_page(P)", 1, "anon file shm"),
    same('"shrink_inactive_list(1, 0, LRU_INACTIVE_ANON)"', 0, "anon"),
    same('"sys_ftruncate(range(P), 1)"', 0, "file"),
    same('"shmem_unlock(range(P), 1)"', 0, "shm"),
    same("lock_page(P), unlock_page(P)", 0, "anon file shm"),
)
PAGES = {
    # kind: flags that all have, and the rest by where the page is
    "anon": (
        "uptodate, swapbacked",
        "mapping: anon, pte: true",
        ("off", "inactive_anon", "active_anon", "unevictable"),
    ),
    "file": ("uptodate", "mapping: file", ("off", "inactive_file", "active_file")),
    "shm": ("uptodate, swapbacked", "mapping: shm, unevictable: true", ("off", "inactive_anon", "unevictable")),
}


class DrawnPage(NamedTuple):
    """where: `off`, or a list."""

    kind: str
    where: str
    mlocked: bool


class Drawn(NamedTuple):
    """roles: by CPU, each with the number of its page."""

    pages: tuple[DrawnPage, ...]
    roles: tuple[tuple[Role, int], ...]
    memcg: bool
    pagevec_size: int
    design: str


@st.composite
def scenarios(draw: st.DrawFn) -> Drawn:
    """Two or three CPUs at one or two pages; somebody puts back each page that is off the LRU. No list has two."""
    pages: list[DrawnPage] = []
    roles: list[tuple[Role, int]] = []
    for number in range(draw(st.integers(1, 2))):
        kind = draw(st.sampled_from(sorted(PAGES)))
        free = [one for one in PAGES[kind][2] if one == "off" or one not in [page.where for page in pages]]
        where = draw(st.sampled_from(free))
        pages.append(DrawnPage(kind, where, kind == "anon" and draw(st.booleans())))
        if where == "off":
            roles.append((PUTBACK, number))
    while len(roles) < 2 or (len(roles) < 3 and draw(st.booleans())):
        number = draw(st.integers(0, len(pages) - 1))
        roles.append((draw(st.sampled_from([one for one in ROLES if pages[number].kind in one.of])), number))
    memcg, pagevec_size = draw(st.booleans()), draw(st.integers(1, 3))
    return Drawn(tuple(pages), tuple(roles), memcg, pagevec_size, draw(st.sampled_from(DESIGNS)))


def scenario_of(drawn: Drawn, folder: Path, cpus: list[int], pages: list[int]) -> ExploreScenario:
    """The scenario, its CPUs and pages declared in an order."""
    lines = ["name: drawn", "meaning: drawn.", "pages:"]
    lines.insert(2, f"kernel: {{memcg: {str(drawn.memcg).lower()}, pagevec_size: {drawn.pagevec_size}}}")
    for number in pages:
        page = drawn.pages[number]
        flags, rest, _ = PAGES[page.kind]
        mapped = 1  # by a pte, or in the page cache
        held = sum(role.references for role, of in drawn.roles if of == number)
        references = mapped + (page.where == "off") + held
        all_flags = f"{flags}{', mlocked' if page.mlocked else ''}"
        fields = f"name: p{number}, flags: [{all_flags}], {rest}, where: {page.where}, references: {references}"
        lines.append(f"  - {{{fields}}}")
    lines.append("cpus:")
    for cpu in cpus:
        role, number = drawn.roles[cpu]
        script = role.scripts[drawn.design != "lock_page"].replace("(P", f"(p{number}")
        lines.append(f"  - {{name: c{cpu}, does: [{script}]}}")
    file = folder / "drawn.yaml"
    file.write_text("\n".join(lines), encoding="utf-8")
    return load_explore_scenario(str(file))


def seen(drawn: Drawn, question: Question, *, turned: bool = False) -> Seen:
    """What a search sees, or a part of it: see Seen.why. turned: with CPUs and pages declared the other way round."""
    step = -1 if turned else 1
    with tempfile.TemporaryDirectory() as folder:
        cpus, pages = list(range(len(drawn.roles)))[::step], list(range(len(drawn.pages)))[::step]
        scenario = scenario_of(drawn, Path(folder), cpus, pages)
    limits = Limits(states_max=STATES_MAX)
    return seen_by(compiled_search(scenario, load_design(drawn.design), question._replace(limits=limits)))


DRAWN = settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))


@DRAWN
@given(scenarios(), st.sampled_from(["sc", "sc", "tso", "ia64", "kernel"]))
def test_a_reduced_search_of_anything_sees_what_the_whole_one_sees(drawn: Drawn, model: str) -> None:
    whole = seen(drawn, Question(model, reduce=False))
    assume(not whole.why)
    reduced = seen(drawn, Question(model, reduce=True))
    assert (reduced.finals, set(reduced.ways)) == (whole.finals, set(whole.ways))
    assert reduced.states <= whole.states


def with_a_twin(drawn: Drawn) -> Drawn:
    """What the last CPU does, one more does too."""
    return drawn._replace(roles=(*drawn.roles, drawn.roles[-1]))


@st.composite
def doubled(draw: st.DrawFn) -> Drawn:
    """Two pages that begin alike, off the LRU, and one or two CPUs for each that do the same to it."""
    kind = draw(st.sampled_from(["anon", "shm"]))
    page = DrawnPage(kind, "off", kind == "anon" and draw(st.booleans()))
    more = draw(st.lists(st.sampled_from([one for one in ROLES if kind in one.of]), max_size=1))
    roles = tuple((role, number) for number in (0, 1) for role in (PUTBACK, *more))
    memcg, pagevec_size = draw(st.booleans()), draw(st.integers(1, 3))
    return Drawn((page, page), roles, memcg, pagevec_size, draw(st.sampled_from(DESIGNS)))


@DRAWN
@given(doubled(), st.sampled_from(["sc", "tso", "kernel"]))
def test_nothing_is_missed_when_cpus_change_places_with_their_pages(drawn: Drawn, model: str) -> None:
    check_symmetry(drawn, model)


@DRAWN
@given(scenarios().filter(lambda drawn: not drawn.roles[-1][0].puts_back), st.sampled_from(["sc", "tso", "kernel"]))
def test_nothing_is_missed_when_cpus_that_do_the_same_are_interchangeable(drawn: Drawn, model: str) -> None:
    check_symmetry(with_a_twin(drawn), model)


def check_symmetry(alike: Drawn, model: str) -> None:
    """All that is wrong is found with fewer states, and by as short a way."""
    whole = seen(alike, Question(model, reduce=False, symmetry=False))
    assume(not whole.why)
    half = seen(alike, Question(model, reduce=False))
    assert {name: len(way) for name, way in half.ways.items()} == {name: len(way) for name, way in whole.ways.items()}
    assert half.states <= whole.states <= 6 * half.states
    assert set(seen(alike, Question(model)).ways) == set(whole.ways)


@DRAWN
@given(scenarios(), st.sampled_from(["sc", "tso"]))
def test_no_number_of_a_cpu_or_a_page_matters(drawn: Drawn, model: str) -> None:
    one, other = (seen(drawn, Question(model, reduce=False), turned=turned) for turned in (False, True))
    assume(not one.why)
    assert one[:3] == other[:3]
    lengths = [{name: len(way) for name, way in each.ways.items()} for each in (one, other)]
    assert lengths[0] == lengths[1]


@DRAWN
@given(scenarios())
def test_what_is_broken_on_strong_memory_is_broken_on_weaker_memory(drawn: Drawn) -> None:
    broken: set[str] = set()
    for model in ("sc", "tso", "kernel"):
        weaker = seen(drawn, Question(model))
        assume(not weaker.why)
        assert broken <= set(weaker.ways), model
        broken = set(weaker.ways) - DEPENDS_ON_WHAT_CAN_END
