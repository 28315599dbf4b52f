"""A search under way: its columns as arrays, which grow, and the compiled code that works on them."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Collection
from typing import Any

import numpy as np

from perfsim.engine.cache import COMPILED_MODULES, directory, identity_of, kept_code
from perfsim.engine.layout import table_of
from perfsim.engine.load import linked
from perfsim.explore import entry, frontier
from perfsim.explore.columns import Search
from perfsim.explore.layout import PLACES, as_arrays
from perfsim.explore.question import Limits
from perfsim.kernel.constants import NONE
from perfsim.units import format_size

_COMPILED = (
    "acts",
    "columns",
    "compile",
    "entry",
    "frontier",
    "layout",
    "locations",
    "memory",
    "mirror",
    "properties",
    "rest",
    "step",
)
SOURCES = (
    *(*COMPILED_MODULES, "kernel/static/accesses.py", "explore/supported.py"),
    *(f"explore/{name}.py" for name in _COMPILED),
)
"""Files of the package that the search's code depends on."""

STATES_AT_A_TIME = 50_000
"""States between two looks at the clock: a tenth of a second."""
FIRST_ROOM = 1 << 12
ENTRIES_PER_ROOM = (8, 5)
"""The table is enlarged when five of eight entries are used: its pages cost more time than a look at the next entry."""
STATES_MAX = 1 << frontier.NUMBER_BITS - 1
"""States that there are numbers for."""

_OF_STATES = ("parent", "action", "ends", "edges")


class Running:
    """A search under way: its arrays, the table of their addresses, and why it ended before its end, or ""."""

    def __init__(self, x: Search, unused: Collection[str]) -> None:
        self.x = _with_room_for_successors(as_arrays(x, unused))
        self.act = linked(explorer_code())
        self.table = table_of(self.x, PLACES)
        self.why = ""

    def do(self, what: int, amount: int = 0) -> int:
        """One act of entry.py."""
        return self.act(self.table.ctypes.data, what, amount)

    def grow(self) -> None:
        """Make room for twice as much of what there may be too little room for."""
        found: Any = self.x.found
        turn = self.x.turn
        states, edges = int(turn.states[0]), int(turn.transitions[0])
        if states + frontier.SUCCESSORS_MAX > turn.states_room[0]:
            entries = max(2 * (int(turn.table_mask[0]) + 1), 2 * FIRST_ROOM)
            turn.old_mask[0], turn.table_mask[0] = turn.table_mask[0], entries - 1
            turn.states_room[0] = room = entries * ENTRIES_PER_ROOM[1] // ENTRIES_PER_ROOM[0]
            columns = {name: _longer(getattr(found, name), states, room) for name in _OF_STATES}
            found = found._replace(**columns, old_table=found.table, table=np.full(2 * entries, NONE, "i8"))
        if edges + frontier.SUCCESSORS_MAX > turn.edges_room[0]:
            turn.edges_room[0] = room = max(2 * int(turn.edges_room[0]), FIRST_ROOM)
            found = found._replace(edge_to=_longer(found.edge_to, edges, room))
        if states - turn.expanded[0] + frontier.SUCCESSORS_MAX > turn.ring_room[0]:
            found = found._replace(ring=self._longer_ring(states))
        is_new = found.table is not self.x.found.table
        self.x = self.x._replace(found=found)
        self.table = table_of(self.x, PLACES)
        if is_new and states:
            self.do(entry.FILL_TABLE)
        self.x = self.x._replace(found=found._replace(old_table=np.empty(0, "i8")))
        self.table = table_of(self.x, PLACES)

    def needs_bytes(self) -> int:
        """Memory of the columns that grow, once they have grown."""
        columns: Any = self.x.found
        return 2 * sum(int(column.nbytes) for column in columns)

    def _longer_ring(self, states: int) -> np.ndarray:
        turn, words = self.x.turn, self.x.settings.words
        old_room = int(turn.ring_room[0])
        turn.ring_room[0] = room = max(2 * old_room, FIRST_ROOM)
        old: Any = self.x.found.ring
        ring = np.empty(room * words, "i8")
        waiting = np.arange(int(turn.expanded[0]), states)
        if len(waiting):
            ring.reshape(-1, words)[waiting % room] = old.reshape(-1, words)[waiting % old_room]
        return ring


def search_all(x: Search, unused: Collection[str], limits: Limits, begin: float) -> Running:
    """Search to the end, or to a limit. unused: columns that do not change, see as_arrays(). begin: when the clock
    began to run, of time.monotonic().
    """
    running = Running(x, unused)
    running.grow()
    running.do(entry.BEGIN)
    status = frontier.PAUSED
    while status != frontier.DONE and not running.why:
        status = running.do(entry.EXPAND, STATES_AT_A_TIME)
        states = int(running.x.turn.states[0])
        if states > limits.states_max:
            running.why = f"more than {limits.states_max:,} states"
        elif time.monotonic() - begin > limits.seconds_max:
            running.why = f"more than {limits.seconds_max:g} s"
        elif status == frontier.NO_ROOM:
            if running.needs_bytes() > limits.memory_max_bytes or states > STATES_MAX:
                running.why = f"more memory than {format_size(limits.memory_max_bytes)}, for {states:,} states"
            else:
                running.grow()
    return running


def explorer_code() -> bytes:
    """The machine code of the search: kept, else compiled now, by a process of its own."""
    file = directory() / f"explorer-{identity_of(SOURCES)}.o"
    return kept_code(file, "explorer", "a minute or two", _made)


def _made() -> bytes:
    command = "import sys; from perfsim.explore.compile import machine_code; sys.stdout.buffer.write(machine_code())"
    return subprocess.run([sys.executable, "-c", command], check=True, stdout=subprocess.PIPE).stdout  # noqa: S603


def _with_room_for_successors(x: Search) -> Search:
    count = frontier.SUCCESSORS_MAX
    sizes = {"next_mark": count, "next_tag": count, "next_action": count, "next_words": count * x.settings.words}
    columns: Any = {name: np.zeros(size, "i8") for name, size in sizes.items()}
    return x._replace(found=x.found._replace(**columns))


def _longer(column: np.ndarray, used: int, room: int) -> np.ndarray:
    longer = np.empty(room, column.dtype)
    longer[:used] = column[:used]
    return longer
