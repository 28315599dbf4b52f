"""Scenarios of the explorer, as they are written and as they are refused."""

from pathlib import Path

import pytest

from perfsim.errors import InputError
from perfsim.explore.calls import Call
from perfsim.explore.scenario import (
    check_calls,
    load_explore_scenario,
    script_of,
    shipped_scenarios,
)
from perfsim.kernel import constants as k
from perfsim.kernel.designs import SHIPPED, load_design

CONTRACT = (
    *("putback_munlock", "putback_shm_unlock", "putback_truncate", "putback_migrate", "putback_putback"),
    *("putback_reclaim", "munlock_munlock"),
)


def test_a_scenario_is_read_as_it_is_written(tmp_path: Path, good_text: str) -> None:
    file = tmp_path / "good.yaml"
    file.write_text(good_text)
    scenario = load_explore_scenario(str(file))
    page, other = scenario.pages
    assert (scenario.name, scenario.memcg, scenario.pagevec_size, scenario.designs) == ("good", False, 2, SHIPPED)
    assert page.flags == k.PG_UPTODATE | k.PG_SWAPBACKED | k.PG_MLOCKED
    assert (page.refcount, page.mapped, page.where, page.owner) == (2, True, "off", -1)
    assert (other.refcount, other.where, other.mapping) == (0, "free", "none")
    assert scenario.expect == {"redo": {"sc": "safe"}}
    assert [call.path for call in script_of(scenario, 0, "lock_page")] == ["cull_unevictable_page"]
    assert [call.path for call in script_of(scenario, 0, "redo")] == ["putback_lru_page"]
    assert script_of(scenario, 1, "redo") == (Call("__munlock_vma_pages_range", ("pte(page)", 1), f"{file}:9:28"),)


@pytest.mark.parametrize(
    "where, flags, references",
    [
        ("off", 0, 2),
        ("free", 0, 0),
        ("inactive_anon", k.PG_LRU, 1),
        ("active_anon", k.PG_LRU | k.PG_ACTIVE, 1),
        ("unevictable", k.PG_LRU | k.PG_UNEVICTABLE, 1),
        ("{private: PAGELIST, cpu: munlock}", 0, 2),
        ("{pagevec: inactive_anon, cpu: munlock}", 0, 2),
    ],
)
def test_where_a_page_is_says_its_flags_and_references(
    tmp_path: Path, good_text: str, where: str, flags: int, references: int
) -> None:
    page = "{name: page, flags: [swapbacked], mapping: anon, pte: true, where: off}"
    page = page.replace("off", where) if where != "free" else "{name: page, where: free}"
    lines = good_text.splitlines()
    file = tmp_path / "good.yaml"
    file.write_text("\n".join([*lines[:4], f"  - {page}", *lines[5:]]).replace("pte(page)", "0"))
    read = load_explore_scenario(str(file)).pages[0]
    assert read.flags & ~k.PG_SWAPBACKED == flags
    assert read.refcount == references
    assert read.owner == (1 if "cpu" in where else -1)


def test_a_page_of_a_file_has_the_reference_of_the_page_cache(tmp_path: Path, good_text: str) -> None:
    file = tmp_path / "good.yaml"
    old = "flags: [uptodate, swapbacked, mlocked], mapping: anon, pte: true, where: off, references: 2"
    file.write_text(good_text.replace(old, "mapping: file, pte: true, where: off"))
    assert load_explore_scenario(str(file)).pages[0].refcount == 3


def test_the_scenarios_of_the_contract_are_shipped() -> None:
    assert set(CONTRACT) <= set(shipped_scenarios())


@pytest.mark.parametrize("name", shipped_scenarios())
def test_a_shipped_scenario_runs_under_each_of_its_designs(name: str) -> None:
    scenario = load_explore_scenario(name)
    assert scenario.name == name
    for design in scenario.designs:
        check_calls(scenario, load_design(design))


BAD_EDITS = {
    # what is wrong: (text to replace, its replacement, line and column, words of the message)
    "a list": ("name: good\n", "- name: good\n", None, "not YAML"),
    "empty": (None, "", "1:1", "it is empty"),
    "no mapping": (None, "3", "1:1", "3 where a mapping belongs; expected the keys name, meaning"),
    "unknown key": ("cpus:", "cpu:", "7:1", 'unknown key "cpu"; expected one of name, .*did you mean "cpus"'),
    "duplicate key": ("expect:", "name:", "10:1", 'duplicate key "name"'),
    "no name": ("name: good\n", "", "1:1", "the key name is missing; expected for example name: my_race"),
    "name of a path": ("name: good", "name: ../good", "1:7", "letters, digits"),
    "no meaning": ("meaning: a page goes back to the LRU while it is munlocked.\n", "", "1:1", "meaning is missing"),
    "memcg is no": ("memcg: false", "memcg: no", "3:17", "no truth value; expected true or false"),
    "pagevec of nothing": ("pagevec_size: 2", "pagevec_size: 0", "3:38", "0 is out of range; expected a whole number"),
    "pagevec of 15": ("pagevec_size: 2", "pagevec_size: 15", "3:38", "from 1 to 14"),
    "unknown setting": ("memcg:", "memcgs:", "3:10", 'unknown key "memcgs".*did you mean "memcg"'),
    "designs empty": ("pages:", "designs: []\npages:", "4:10", "an empty list; expected a list of designs"),
    "unknown design": ("pages:", "designs: [redoo]\npages:", "4:11", 'called "redoo".*did you mean "redo"'),
    "no such file": ("pages:", "designs: [nothing.py]\npages:", "4:11", "is no file; expected the path of a design"),
    "a design twice": ("pages:", "designs: [redo, redo]\npages:", "4:17", 'a second "redo"'),
    "nine pages": (
        "  - {name: other, where: free}",
        "\n".join(f"  - {{name: p{i}, where: free}}" for i in range(8)),
        "13:5",
        "9 entries; expected at most 8",
    ),
    "two pages of a name": ("name: other", "name: page", "6:12", 'a second "page"'),
    "page called as a constant": ("name: other", "name: PG_LRU", "6:12", "is a constant of the kernel"),
    "page without a place": (", where: free", "", "6:5", "the key where is missing"),
    "place unknown": ("where: off", "where: of", "5:91", 'one of off, free, .*did you mean "off"'),
    "flag unknown": ("swapbacked,", "swapback,", "5:36", 'called "swapback".*did you mean "swapbacked"'),
    "flag of a list": ("swapbacked,", "lru,", "5:36", "`where` says it"),
    "flag of a lock": ("swapbacked,", "locked,", "5:36", r"take it in a script, with lock_page\(page\)"),
    "flag twice": ("uptodate,", "mlocked,", "5:47", 'a second "mlocked"'),
    "mapping unknown": ("mapping: anon", "mapping: an", "5:67", "expected one of none, anon, file, shm"),
    "anon without swapbacked": ("swapbacked, ", "", "5:25", "swapbacked and mapping: anon do not agree"),
    "pte of no mapping": (" mapping: anon,", "", "5:63", "a pte of a page without mapping"),
    "locked by nobody": ("pte: true", "vm_locked: true", "5:84", "VM_LOCKED range that does not map the page"),
    "AS_UNEVICTABLE of anon": ("pte: true", "unevictable: true", "5:86", "AS_UNEVICTABLE of mapping: anon"),
    "too few references": ("references: 2", "references: 1", "5:108", "1 references; expected at least 2"),
    "references minus": ("references: 2", "references: -1", "5:108", "-1 is out of range"),
    "a free page in use": ("where: free", "where: free, pte: true", "6:32", "pte of a free page"),
    "list of another kind": ("where: off", "where: inactive_file", "5:91", "a page that is anon; expected a list"),
    "active and unevictable": ("mlocked]", "active, unevictable]", "5:103", "expected one of them at most"),
    "list and flag": (
        "mlocked], mapping: anon, pte: true, where: off",
        "active], mapping: anon, where: active_anon",
        "5:79",
        "says it",
    ),
    "place of nobody": ("where: off", "where: {private: PAGELIST}", "5:91", "the key cpu is missing"),
    "place of an unknown CPU": ("where: off", "where: {private: PAGELIST, cpu: x}", "5:116", "one of reclaim, munlock"),
    "unknown private list": ("where: off", "where: {private: L, cpu: munlock}", "5:101", "one of L_HOLD"),
    "pagevec of unevictable": ("where: off", "where: {pagevec: unevictable, cpu: munlock}", "5:101", "is unknown"),
    "two places": ("where: off", "where: {private: PAGELIST, pagevec: inactive_anon}", "5:91", "neither one list"),
    "a CPU without a script": (', does: ["__munlock_vma_pages_range(pte(page), 1)"]', "", "9:5", "does is missing"),
    "five CPUs": (
        "expect:",
        "".join(f"  - {{name: c{i}, does: [put_page(page)]}}\n" for i in range(3)) + "expect:",
        "12:5",
        "5 entries",
    ),
    "two CPUs of a name": ("name: munlock", "name: reclaim", "9:12", 'a second "reclaim"'),
    "script of no calls": ('["__munlock_vma_pages_range(pte(page), 1)"]', "[]", "9:27", "an empty list"),
    "script for no design": ("{lock_page: [", "{lock_pag: [", "8:28", 'called "lock_pag".*did you mean "lock_page"'),
    "scripts of none": (
        "{lock_page: [cull_unevictable_page(page)], otherwise: [putback_lru_page(page)]}",
        "{}",
        "8:27",
        "an empty mapping",
    ),
    "no call": ("[putback_lru_page(page)]", "[putback_lru_page]", "8:82", "is no call; expected a path"),
    "comma without quotes": (
        '["__munlock_vma_pages_range(pte(page), 1)"]',
        "[f(pte(page), 1)]",
        "9:28",
        "in quotes if it has",
    ),
    "unknown page": ("putback_lru_page(page)", "putback_lru_page(pag)", "8:82", 'argument "pag".*did you mean "page"'),
    "pte of no page": ("pte(page)", "pte(pag)", "9:28", 'did you mean "page"'),
    "pte of a page that has none": (
        ", mapping: anon, pte: true",
        "",
        "9:28",
        r'"pte\(page\)" of a page that no range maps',
    ),
    "argument left out": ("pte(page), 1", "pte(page),", "9:28", 'the argument ""'),
    "unknown constant": ("pte(page), 1", "pte(page), LRU_LOK", "9:28", 'did you mean "LRU_LOCK"'),
    "a number too large": ("pte(page), 1", "pte(page), 12345678901", "9:28", "stands for nothing"),
    "outcome of nobody": ("expect:", "exists: {nobody: 1}\nexpect:", "10:10", "no page is called"),
    "outcome too large": ("expect:", "exists: {page: 99999}\nexpect:", "10:16", "99999 is out of range"),
    "expects on no model": (
        "{sc: safe}",
        "{scc: safe}",
        "10:17",
        'no memory model is called "scc"; expected one of sc',
    ),
    "expects a number": ("{sc: safe}", "3", "10:16", "3 where a mapping belongs; expected a word"),
    "expects of no design": ("expect: {redo", "expect: {reda", "10:10", 'did you mean "redo"'),
}


@pytest.mark.parametrize("what", BAD_EDITS)
def test_a_bad_scenario_is_refused_where_it_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, good_text: str, what: str
) -> None:
    old, new, place, words = BAD_EDITS[what]
    monkeypatch.chdir(tmp_path)
    assert old is None or good_text.count(old) >= 1, f"{old!r} is not in the good scenario"
    Path("bad.yaml").write_text(good_text.replace(old, new, 1) if old else new)
    with pytest.raises(InputError, match=words) as refused:
        load_explore_scenario("bad.yaml")
    assert "\n" not in str(refused.value)
    if place:
        assert str(refused.value).startswith(f"bad.yaml:{place}: ")


def test_two_designs_of_one_name_are_refused_for_their_verdicts_would_be_told_as_one(
    tmp_path: Path, good_text: str
) -> None:
    (tmp_path / "redo.py").touch()
    file = tmp_path / "two.yaml"
    file.write_text(good_text.replace("pages:", "designs: [redo, redo.py]\npages:"))
    with pytest.raises(InputError, match=r':4:17: designs\.1: a second "redo"; expected each name once'):
        load_explore_scenario(str(file))


def test_an_unknown_scenario_gets_the_nearest_name() -> None:
    with pytest.raises(InputError, match=r'SCENARIO: "putback_munlok" is no file.*did you mean "putback_munlock"'):
        load_explore_scenario("putback_munlok")


@pytest.mark.parametrize(
    "old, new, words",
    [
        ("[putback_lru_page(page)]", "[putback_lru_pag(page)]", 'no path "putback_lru_pag".*"putback_lru_page"'),
        ("[putback_lru_page(page)]", "[putback_lru_page()]", r"with 0 arguments; expected putback_lru_page\(page\)"),
        ("pte(page), 1", "pte(page)", r"with 1 argument; expected __munlock_vma_pages_range\(slot, nr_pages\)"),
        ("otherwise:", "redo_merged:", 'CPU "reclaim" does nothing under redo; expected one of lock_page, redo_merged'),
    ],
)
def test_a_call_that_the_design_cannot_make_is_refused(
    tmp_path: Path, good_text: str, old: str, new: str, words: str
) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(good_text.replace(old, new))
    with pytest.raises(InputError, match=words) as refused:
        check_calls(load_explore_scenario(str(file)), load_design("redo"))
    assert str(refused.value).startswith(f"{file}:")
