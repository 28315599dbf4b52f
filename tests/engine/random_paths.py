"""Random programs in the subset of Python that paths are written in, as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from hypothesis import strategies as st

CONSTANTS = {"FLAG": 4, "NONE": -1, "BATCH": 3, "ZERO": 0, "TRUE": True}
LOCALS = ("a", "b", "c", "i")
PRIMITIVES = (("numa_zone", 0), ("page_mapping", 1), ("test_flag", 2), ("add_page_to_lru_list", 3), ("work", 1))
ARITHMETIC = ("+", "-", "//", "%", "&", "|", "^", ">>")
COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
DEPTH_MAX = 3

TAPE_BYTES = 1500
"""Choices are read from a tape of random bytes: one draw a program, where a draw a choice would take ten times as long.
Beyond its end every choice is the simplest, so all programs end."""


class Signature(NamedTuple):
    """A path that others may call."""

    name: str
    arguments: int
    returns_value: bool = True


SIGNATURES = (Signature("last", 3), Signature("middle", 1, returns_value=False), Signature("first", 2))
"""Each may call those before it."""


class PathWriter:
    """Writes one path; every choice is read from the tape, so that a failure shrinks."""

    def __init__(self, tape: Iterator[int], callees: tuple[Signature, ...], *, returns_value: bool) -> None:
        self.tape = tape
        self.values = [callee for callee in callees if callee.returns_value]
        self.callees = callees
        self.returns_value = returns_value
        self.statements_left = 12

    def below(self, count: int) -> int:
        """A number from 0 on, below count; 0 is the simplest choice."""
        return next(self.tape, 0) % count

    def pick(self, options: tuple[str, ...]) -> str:
        """One of some texts."""
        return options[self.below(len(options))]

    def expression(self, depth: int = 0) -> str:
        """An expression, in parentheses unless it is a name or a number."""
        kind = self.below(10) if depth < DEPTH_MAX else self.below(3)
        inner = depth + 1
        if kind == 0:
            return str(self.below(8) - 2)
        if kind == 1:
            return self.pick(LOCALS)
        if kind == 2:
            return self.pick(tuple(CONSTANTS))
        if kind in {3, 4}:
            return f"(await {self.call(inner)})"
        if kind == 5:
            return f"({self.pick(('not ', '-', '~', '+', 'not '))}{self.expression(inner)})"
        if kind == 6:
            return self.arithmetic(inner)
        if kind == 7:
            return self.comparison(inner)
        if kind == 8:
            parts = [self.expression(inner) for _ in range(2 + self.below(2))]
            return f"({self.pick((' and ', ' or ')).join(parts)})"
        return f"({self.expression(inner)} if {self.expression(inner)} else {self.expression(inner)})"

    def test(self) -> str:
        """A condition: half of them as plain as those that people write."""
        name, other = self.pick(LOCALS), self.pick(LOCALS)
        plain = (
            name,
            f"not {name}",
            f"{name} == 0",
            f"{name} != ZERO",
            f"{name} and not {other}",
            f"{name} or {other}",
        )
        return self.pick(plain) if self.below(2) else self.expression()

    def arithmetic(self, depth: int) -> str:
        """An operation whose result does not grow without end when it is repeated."""
        left, right = self.expression(depth), self.expression(depth)
        kind = self.below(10)
        if kind == 8:
            return f"({left} * {right} % 997)"
        if kind == 9:
            return f"(({left} << ({right} & 7)) % -1009)"
        sign = ARITHMETIC[kind]
        if sign in {"//", "%", ">>"} and self.below(8):  # else it may raise, which both must do alike
            return f"({left} {sign} ({right} & 3 or 2))"
        return f"({left} {sign} {right})"

    def comparison(self, depth: int) -> str:
        """A comparison, perhaps a chain."""
        text = self.expression(depth)
        for _ in range(1 + self.below(3)):
            text += f" {self.pick(COMPARISONS)} {self.expression(depth)}"
        return f"({text})"

    def call(self, depth: int) -> str:
        """A call whose value is used: of a primitive, or of a path that returns one."""
        number = self.below(len(PRIMITIVES) + len(self.values))
        if number >= len(PRIMITIVES):
            return self.path_call(self.values[number - len(PRIMITIVES)], depth)
        name, count = PRIMITIVES[number]
        return f"cpu.{name}({', '.join(self.expression(depth) for _ in range(count))})"

    def path_call(self, callee: Signature, depth: int) -> str:
        """A call of a path."""
        arguments = "".join(f", {self.expression(depth)}" for _ in range(callee.arguments))
        return f"{callee.name}(cpu{arguments})"

    def block(self, indent: str, *, in_loop: bool) -> list[str]:
        """One to three statements."""
        return [line for _ in range(1 + self.below(3)) for line in self.statement(indent + "    ", in_loop=in_loop)]

    def statement(self, indent: str, *, in_loop: bool) -> list[str]:
        """A statement's lines; a compound one only while there is room."""
        self.statements_left -= 1
        room = self.statements_left > 0 and len(indent) < 16
        kind = self.below(12) if room else self.below(7)
        if kind < 5:
            return [indent + self.assignment(kind)]
        if kind == 5:
            callee = self.callees[self.below(len(self.callees))] if self.callees and self.below(2) else None
            return [f"{indent}await {self.path_call(callee, 1) if callee else self.call(1)}"]
        if kind == 6:
            return [indent + (self.leave(in_loop) if len(indent) > 4 else "pass")]
        if kind < 9:
            return self.condition(indent, in_loop=in_loop)
        return self.loop(indent)

    def assignment(self, kind: int) -> str:
        """Each sort of assignment."""
        name = self.pick(LOCALS)
        if kind == 0:
            return f"{name} = {self.expression()}"
        if kind == 1:
            return f"{name} {self.pick(('+', '-', '&', '|', '^', '//', '%'))}= {self.expression()}"
        if kind == 2:
            names = [self.pick(LOCALS) for _ in range(2 + self.below(2))]
            return f"{', '.join(names)} = {', '.join(self.expression(1) for _ in names)}"
        if kind == 3:
            return f"{name} = {self.pick(LOCALS)} = {self.expression()}"
        return f"{name}: int = {self.expression()}"

    def leave(self, in_loop: bool) -> str:
        """break, continue, return, or pass."""
        kind = self.below(4)
        if kind < 2 and in_loop:
            return ("break", "continue")[kind]
        if kind == 2:
            return f"return {self.expression()}" if self.returns_value else "return"
        return "pass"

    def condition(self, indent: str, *, in_loop: bool) -> list[str]:
        """if, perhaps with elif and else."""
        lines = [f"{indent}if {self.test()}:", *self.block(indent, in_loop=in_loop)]
        if self.below(2):
            lines += [f"{indent}elif {self.test()}:", *self.block(indent, in_loop=in_loop)]
        if self.below(2):
            lines += [f"{indent}else:", *self.block(indent, in_loop=in_loop)]
        return lines

    def loop(self, indent: str) -> list[str]:
        """while, whose body performs something, so that a script ends it; or for over a few numbers."""
        work = f"{indent}    await cpu.work({self.pick(LOCALS)})"
        if self.below(2):
            test = self.pick(("True", "1")) if not self.below(4) else self.test()
            return [f"{indent}while {test}:", work, *self.block(indent, in_loop=True)]
        head = f"{indent}for {self.pick(LOCALS)} in range"
        if self.below(3) == 1:
            far = self.pick(LOCALS)  # perhaps millions, or changed by the loop
            return [
                f"{head}({self.pick((far, f'-9, {far}', f'5, {far}, NONE'))}):",
                work,
                *self.block(indent, in_loop=True),
            ]
        start, stop, step = self.expression(2), self.expression(2), self.pick(("1", "-1", "2", "-3", "BATCH", "NONE"))
        bounds = self.pick((f"{stop} & 3", f"{start} % 5, {stop} % 7", f"{start} % 9, {stop} % 9, {step}"))
        return [f"{head}({bounds}):", *self.block(indent, in_loop=True)]

    def path(self, signature: Signature) -> str:
        """A whole path."""
        parameters = LOCALS[: signature.arguments]
        lines = [f"async def {signature.name}({', '.join(('cpu', *parameters))}):"]
        lines += [f"    {name} = {self.below(4) - 1}" for name in LOCALS[signature.arguments :]]
        for _ in range(2 + self.below(4)):
            lines += self.statement("    ", in_loop=False)
        lines += [f"    return {self.expression()}"] if self.returns_value else []
        return "\n".join(lines)


def program_text(tape: bytes) -> str:
    """A file of paths that begins with run_task(), and calls up to three others."""
    choices = iter(tape)
    signatures = (*SIGNATURES[: next(choices, 0) % 4], Signature("run_task", 0))
    texts = [f"{name} = {value}" for name, value in CONSTANTS.items()]
    for index, signature in reversed(list(enumerate(signatures))):
        writer = PathWriter(choices, signatures[:index], returns_value=signature.returns_value)
        texts.append(writer.path(signature))
    return "\n\n\n".join(texts) + "\n"


PROGRAMS = st.binary(min_size=TAPE_BYTES, max_size=TAPE_BYTES).map(program_text)
