"""Litmus tests that are drawn: as a program of the reference models, and as a scenario with its paths."""

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

from hypothesis import strategies as st

from perfsim.explore.properties import DEADLOCK
from perfsim.explore.question import Question
from perfsim.explore.scenario import load_explore_scenario
from perfsim.kernel.constants import NONE
from perfsim.kernel.designs import load_design
from tests.explore import reference_models
from tests.explore.litmus_programs import Op, Program
from tests.explore.reference_models import Event
from tests.explore.searches import compiled_search, final_states

WORDS = ("x", "y", "z")
WRITES = {"": "write_word", "release": "write_word_release"}
READS = {"": "read_word", "acquire": "read_word_acquire"}

Outcome = tuple[tuple[int, ...], ...]
"""The registers of each CPU in the order of its loads, then the words."""


@st.composite
def programs(draw: st.DrawFn, sizes: tuple[tuple[int, ...], ...], words: int) -> Program:
    """A program whose threads have as many accesses as one of the sizes says; every write has a value of its own."""
    threads = []
    value = 0
    for cpu, size in enumerate(draw(st.sampled_from(sizes))):
        ops = []
        for place in range(size):
            kind, order = draw(st.sampled_from(KINDS))
            value += kind in ("store", "update")
            word = "" if kind == "fence" else draw(st.sampled_from(WORDS[:words]))
            ops.append(Op(kind, word, value, register=f"r{cpu}{place}" if kind == "load" else "", order=order))
        threads.append(tuple(ops))
    return Program(tuple(threads), {}, {})


KINDS = (
    *(("load", ""), ("load", ""), ("load", "acquire"), ("store", ""), ("store", ""), ("store", "release")),
    *(("fence", ""), ("update", "")),
)


def allowed(program: Program, model: str) -> set[Outcome]:
    """Every outcome that the published rules allow, with coherence for all loads of a word."""
    found: set[Outcome] = set()

    def keep(_: Program, words: dict[str, int], registers: dict[tuple[int, str], int]) -> bool:
        read = tuple(
            tuple(registers[cpu, op.register] for op in ops if op.kind == "load")
            for cpu, ops in enumerate(program.threads)
        )
        found.add((*read, tuple(words.get(word, 0) for word in WORDS)))
        return False

    ordered = reference_models._comes_before

    def coherent(program: Program, one: Event, two: Event) -> bool:
        first, second = program.threads[one.cpu][one.place], program.threads[two.cpu][two.place]
        loads = first.word == second.word and first.kind == second.kind == "load"
        return ordered(program, one, two) or (loads and one.cpu == two.cpu and one.place < two.place)

    with patch.object(reference_models, "_ends_well", keep), patch.object(reference_models, "_comes_before", coherent):
        reference_models.reaches(program, model)
    return found


def reached(program: Program, folder: Path, question: Question) -> set[Outcome]:
    """Every outcome that the explorer reaches."""
    (folder / "drawn.py").write_text("\n".join(_paths(program)), encoding="utf-8")
    (folder / "drawn.yaml").write_text("\n".join(_scenario(program)), encoding="utf-8")
    scenario, design = load_explore_scenario(str(folder / "drawn.yaml")), load_design(str(folder / "drawn.py"))
    running = compiled_search(scenario, design, question)
    assert not running.why
    assert not running.x.turn.lost[0]
    assert running.x.found.hit_state[DEADLOCK] == NONE
    return {
        _outcome(program, [s.pages.mapping[page] for page in range(s.settings.pages)]) for s in final_states(running)
    }


def _outcome(program: Program, mapping: list[int]) -> Outcome:
    read = []
    for cpu, ops in enumerate(program.threads):
        loads = sum(op.kind == "load" for op in ops)
        read.append(tuple(mapping[len(WORDS) + cpu] // 10**place % 10 for place in reversed(range(loads))))
    return (*read, tuple(mapping[: len(WORDS)]))


def _paths(program: Program) -> Iterator[str]:
    yield '"""A litmus test."""\n\nfrom perfsim.kernel.cpu import Cpu\n'
    for cpu, ops in enumerate(program.threads):
        yield f"\nasync def p{cpu}(cpu: Cpu) -> None:"
        for op in ops:
            yield f"    {_statement(op)}"
        loads = [op.register for op in ops if op.kind == "load"]
        terms = [f"{10**place} * {name}" for place, name in zip(reversed(range(len(loads))), loads, strict=True)]
        yield f"    await cpu.observe({len(WORDS) + cpu}, {' + '.join(terms) or 0})"


def _statement(op: Op) -> str:
    if op.kind == "fence":
        return "await cpu.smp_mb()"
    if op.kind == "load":
        return f"{op.register} = await cpu.{READS[op.order]}({WORDS.index(op.word)})"
    name = "xchg_word" if op.kind == "update" else WRITES[op.order]
    return f"await cpu.{name}({WORDS.index(op.word)}, {op.value})"


def _scenario(program: Program) -> Iterator[str]:
    yield "name: drawn\nmeaning: a litmus test.\nexists: {x: 9}\npages:"
    for name in (*WORDS, *(f"q{cpu}" for cpu in range(len(program.threads)))):
        yield f"  - {{name: {name}, where: off}}"
    yield "cpus:"
    for cpu in range(len(program.threads)):
        yield f"  - {{name: P{cpu}, does: [p{cpu}()]}}"
