"""What makes up a state is one block of words; a vector's first pages are the same memory as one word."""

import numpy as np

from perfsim.explore.layout import IN_STATE, PLACES, WORD_BYTES, as_arrays
from perfsim.explore.question import Question
from perfsim.numeric.columns import leaves
from tests.explore.searches import before_search, shipped


def test_the_block_holds_every_column_of_a_state_and_no_other() -> None:
    x, unused = before_search(*shipped("wait_queue", 0), Question("kernel"))
    made = as_arrays(x, unused)
    block = np.asarray(made.words)
    for name, column in leaves(made):
        if name in IN_STATE and len(column) and not name.startswith(tuple(unused)):
            assert np.shares_memory(block, column), name
        elif name != "words" and isinstance(column, np.ndarray) and name not in IN_STATE:
            assert not np.shares_memory(block, column), name
    assert block.nbytes % (2 * WORD_BYTES) == 0
    assert made.settings.words == len(block)


def test_no_two_columns_of_a_state_overlap() -> None:
    x, _ = before_search(*shipped("drain_release", 1), Question("ia64"))
    made = as_arrays(x)
    columns = {name: column for name, column in leaves(made) if name in IN_STATE}
    assert sum(column.nbytes for column in columns.values()) <= np.asarray(made.words).nbytes
    for number, column in enumerate(columns.values()):
        column[:] = number + 1
    for number, column in enumerate(columns.values()):
        assert (column == number + 1).all()


def test_a_column_that_never_changes_is_outside_of_the_state() -> None:
    x, unused = before_search(*shipped("recheck", 0), Question())
    assert "s.mms." in unused
    whole, less = as_arrays(x), as_arrays(x, unused)
    assert less.settings.words < whole.settings.words


def test_a_vectors_first_pages_are_one_word() -> None:
    x, unused = before_search(*shipped("drain_release", 1), Question())
    made = as_arrays(x, unused)
    made.vector_words[2] = 0x03020100
    width = len(made.s.vectors.pages) // len(made.vector_words)
    assert list(made.s.vectors.pages[2 * width : 2 * width + 4]) == [0, 1, 2, 3]


def test_every_column_and_number_has_a_place() -> None:
    x, unused = before_search(*shipped("recheck", 0), Question())
    assert {name for name, _ in leaves(as_arrays(x, unused))} == set(PLACES)
