"""Records of columns: made anew, listed by name, and filled."""

from typing import NamedTuple

from perfsim.numeric.columns import Filled, Ints, as_lists, leaves, mapped


class Inner(NamedTuple):
    """A record within."""

    flags: Ints
    room: int


class Outer(NamedTuple):
    """A record with a column, a number and a record."""

    number: int
    events: Ints
    inner: Inner


def outer() -> Outer:
    return Outer(3, [1, 2], Inner(Filled(-1, 4), 9))


def test_a_filled_column_is_empty_and_knows_what_it_will_be() -> None:
    column = Filled(7, 3)
    assert (list(column), column.value, column.count_) == ([], 7, 3)
    assert column.count(7) == 0


def test_as_lists_fills_what_is_to_be_filled_and_copies_the_rest() -> None:
    record = outer()
    made = as_lists(record)
    assert made == Outer(3, [1, 2], Inner([-1, -1, -1, -1], 9))
    made.events.append(3)
    made.inner.flags[0] = 5
    assert record.events == [1, 2]
    assert list(record.inner.flags) == []


def test_mapped_gives_every_column_its_dotted_name_and_leaves_numbers_alone() -> None:
    asked: list[tuple[str, Ints]] = []

    def make(name: str, column: Ints) -> str:
        asked.append((name, column))
        return name.upper()

    record = outer()
    made = mapped(record, make, "s.")
    assert tuple(made) == (3, "S.EVENTS", ("S.INNER.FLAGS", 9))
    assert (type(made), type(made.inner)) == (Outer, Inner)
    assert asked == [("s.events", record.events), ("s.inner.flags", record.inner.flags)]


def test_leaves_are_every_column_and_number_in_the_order_of_the_fields() -> None:
    assert [name for name, _ in leaves(outer())] == ["number", "events", "inner.flags", "inner.room"]
    assert dict(leaves(outer(), "r."))["r.inner.room"] == 9
    assert isinstance(dict(leaves(outer()))["inner.flags"], Filled)
