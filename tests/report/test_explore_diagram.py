"""The diagram of a race, drawn of moments made up."""

from perfsim.engine.program import Place
from perfsim.explore.scenario import load_explore_scenario
from perfsim.explore.walk import LATE_LOAD, LATER, LOCALLY, PERFORM, STEP, Moment, Waiting
from perfsim.kernel import constants as k
from perfsim.report.explore_diagram import diagram_text

SCENARIO = load_explore_scenario("putback_munlock")
RECORD = {"scenario": "putback_munlock", "design": "redo", "memory_model": "kernel", "flags": "word"}
BREACH = {"property": "stranded", "defect": None, "replay": "1/word"}


def moment(kind: str, cpu: int, name: str, arguments: tuple[int, ...], **more: object) -> Moment:
    place = Place("putback_lru_page" if cpu == 0 else "munlock_vma_page", "/kernel/paths/redo/vmscan.py", 70 + cpu)
    plain: dict[str, object] = {"value": 0, "old": False, "waiting": (), "place": place, "row": 0}
    return Moment(kind, cpu, name, arguments, **(plain | more))  # type: ignore[arg-type]


def drawn(*moments: Moment, **more: object) -> list[str]:
    return diagram_text(SCENARIO, RECORD | BREACH | more, moments).splitlines()


def test_each_cpu_has_a_column_and_each_step_its_place() -> None:
    lines = drawn(
        moment(STEP, 0, "test_flag", (0, k.PG_MLOCKED), value=1),
        moment(STEP, 1, "test_and_clear", (0, k.PG_MLOCKED), value=1),
        moment(STEP, 0, "put_page_testzero", (0,), value=0),
    )
    head = next(line for line in lines if line.startswith("CPU0"))
    second = head.index("CPU1 munlock")
    assert lines[0].startswith("putback_munlock, redo, kernel: reclaim puts an mlocked page back")
    assert "  PageMlocked(page) -> 1" in [line[:second].rstrip() for line in lines]
    other = next(line for line in lines if "TestClearPageMlocked" in line)
    assert other.index("TestClearPageMlocked(page) -> 1") == second + 2
    assert other.endswith("redo/vmscan.py:71")
    assert lines[-2:] == ["stranded: " + lines[-2].split(": ", 1)[1], "replay: 1/word"]


def test_a_path_is_named_when_a_cpu_comes_to_it() -> None:
    lines = drawn(
        moment(STEP, 0, "smp_mb", ()),
        moment(STEP, 1, "smp_mb", ()),
        moment(STEP, 0, "smp_mb", ()),
    )
    assert sum(line.strip() == "putback_lru_page()" for line in lines) == 1
    assert sum(line.strip() == "munlock_vma_page()" for line in lines) == 1


def test_what_others_do_not_see_yet_is_told() -> None:
    waiting = (Waiting("set_flag", (0, k.PG_LRU)),)
    text = " ".join(
        " ".join(
            drawn(
                moment(STEP, 0, "set_flag", (0, k.PG_LRU), value=None, waiting=waiting),
                moment(PERFORM, 0, "set_flag", (0, k.PG_LRU), value=None),
                moment(STEP, 1, "test_flag", (0, k.PG_LRU), value=0, old=True),
                moment(LATER, 1, "page_has_mapping", (0,), value=None),
                moment(LATE_LOAD, 1, "page_has_mapping", (0,), value=1),
            )
        ).split()
    )
    assert "SetPageLRU(page) [buffered]" in text
    assert "(SetPageLRU(page) is seen by all)" in text
    assert "PageLRU(page) -> 0 (not what memory holds now)" in text
    assert "page->mapping != NULL (read later)" in text
    assert "(now read: page->mapping != NULL -> 1)" in text


def test_private_glue_is_left_out_and_lists_are_not() -> None:
    text = "\n".join(
        drawn(
            moment(LOCALLY, 0, "page_zone", (0,)),
            moment(LOCALLY, 0, "count_vm_event", (4, 1)),
            moment(LOCALLY, 0, "add_page_to_lru_list", (0, 0, k.LRU_UNEVICTABLE)),
        )
    )
    assert "page_zone" not in text
    assert "count_vm_event" not in text
    assert "list_add(page, LRU_UNEVICTABLE)" in text


def test_a_defect_that_the_design_declares_is_named() -> None:
    assert "stranded (as R3 shows, which the design declares): " in "\n".join(
        drawn(moment(STEP, 0, "smp_mb", ()), defect="R3")
    )


def test_a_way_that_breaks_nothing_has_no_last_words() -> None:
    assert "replay:" not in "\n".join(drawn(moment(STEP, 0, "smp_mb", ()), property=None))


def test_a_long_call_is_wrapped_within_its_column() -> None:
    flags = k.PG_LOCKED | k.PG_DIRTY | k.PG_ACTIVE | k.PG_UNEVICTABLE | k.PG_MLOCKED
    lines = drawn(moment(STEP, 0, "test_flag", (0, flags), value=0))
    assert sum("Page" in line for line in lines[4:-3]) > 1
    assert max(map(len, lines[2:-3])) <= 52 + 2 + 28 + 2 + len("redo/vmscan.py:70")


def test_a_question_about_no_mapping_is_none() -> None:
    assert "AS_UNEVICTABLE" not in "\n".join(drawn(moment(STEP, 0, "mapping_unevictable", (0,))))
    assert "AS_UNEVICTABLE" in "\n".join(drawn(moment(STEP, 0, "mapping_unevictable", (2,))))


def test_in_markdown_it_is_a_code_block() -> None:
    text = diagram_text(SCENARIO, RECORD | BREACH, [moment(STEP, 0, "smp_mb", ())], fenced=True)
    assert text.startswith("```\nputback_munlock")
    assert text.endswith("\n```\n")
