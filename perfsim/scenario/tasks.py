"""The kinds of tasks, the keys that each kind has, and how many tasks a group is."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from perfsim.errors import InputError, quoted
from perfsim.scenario import fields
from perfsim.scenario.fields import Item, optional, refusal, required, section, shown
from perfsim.scenario.schema import (
    NEXT_NODE,
    NO_TIME,
    NODES_MAX,
    PAGES_PER_NODE_MAX,
    TASK_COUNT_MAX,
    Duration,
    TaskSpec,
)
from perfsim.scenario.source import earlier
from perfsim.units import PPM_PER_WHOLE, format_percentage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Kind(NamedTuple):
    """The keys of one kind of task beside name and kind.

    needs: keys without a default; may: keys with one; how_many: which of count, share and per it can have; per: what
    it is per if it has none of them, or None where the file must say.
    """

    needs: tuple[str, ...]
    may: tuple[str, ...]
    how_many: tuple[str, ...] = ("count", "share", "per")
    per: str | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key that a task of this kind can have."""
        return ("name", "kind", *self.how_many, *self.needs, *self.may)


KINDS: Mapping[str, Kind] = {
    "kswapd": Kind(needs=(), may=(), how_many=("count", "per"), per="node"),
    "direct_reclaim": Kind(needs=("think",), may=()),
    "fault": Kind(needs=("think",), may=("range_pages", "hold", "shares")),
    "mlock": Kind(needs=("hold", "think"), may=("range_pages", "shares")),
    "migrate": Kind(needs=("think",), may=("range_pages", "target_node", "shares")),
    "truncate": Kind(needs=("hold", "think"), may=("range_pages",)),
    "shm_lock": Kind(needs=("hold", "think"), may=("range_pages",)),
    "lock_loop": Kind(needs=("hold", "think"), may=("lock", "pages"), per="cpu"),
}
LOCKS = ("lru_lock", "page_lock")
PER = ("node", "cpu")

RANGE_PAGES_DEFAULT = 64
EXAMPLE = "{name: lockers, kind: mlock, per: cpu, hold: 100us, think: 50us}"
_TIME_EXAMPLE = "{exponential: 20us}"


def read_tasks(item: Item) -> tuple[TaskSpec, ...]:
    """All tasks of a workload; at least one, with different names."""
    tasks: list[TaskSpec] = []
    name_places: dict[str, str] = {}
    for index, entry in enumerate(fields.items(item, f"a list of tasks such as [{EXAMPLE}]")):
        name_item = _name_item(Item(entry.node, f"tasks[{index}]"))
        name = fields.identifier(name_item)
        if name in name_places:
            raise refusal(
                name_item, f"duplicate task {quoted(name)}; {earlier(name_places[name], name_item.node.place)}"
            )
        name_places[name] = name_item.node.place
        tasks.append(_task(Item(entry.node, f"tasks.{name}"), name))
    return tuple(_with_shared_range(task, tasks) for task in tasks)


def task_count(task: TaskSpec, cpus: int, nodes: int) -> int:
    """How many tasks the group is on a machine of this size; a share of the CPUs is rounded half up.

    Raises InputError for a share that comes to no task at all.
    """
    if task.count is not None:
        return task.count
    if task.per is not None:
        return cpus if task.per == "cpu" else nodes
    assert task.share_ppm is not None, f"task {task.name} has no count"
    count = (2 * cpus * task.share_ppm + PPM_PER_WHOLE) // (2 * PPM_PER_WHOLE)
    if count == 0:
        share = format_percentage(task.share_ppm)
        machine = "1 CPU" if cpus == 1 else f"{cpus} CPUs"
        problem = f"{share} of {machine} comes to no task; expected a larger share, or count: 1"
        raise InputError(task.count_place, f"tasks.{task.name}.share: {problem}")
    return count


def _name_item(task: Item) -> Item:
    """The name, read first so that every other message can use it."""
    return required(task, fields.mapping(task, f"a task such as {EXAMPLE}"), "name", "lockers")


def _task(item: Item, name: str) -> TaskSpec:
    """One task, whose keys depend on its kind."""
    kind_name = _kind(item)
    kind = KINDS[kind_name]
    keys = _keys_of_kind(item, kind_name)
    for key in kind.needs:
        required(item, keys, key, _TIME_EXAMPLE)
    count, share_ppm, per = _how_many(item, keys, kind)
    think = optional(keys, "think", fields.duration, NO_TIME)
    hold = optional(keys, "hold", fields.duration, NO_TIME)
    if kind.needs:
        _check_time_passes(item, keys, think, hold)
    shares = optional(keys, "shares", fields.identifier, "")
    range_pages = _range_pages(keys, kind_name, shares)
    if "hold" in keys and "hold" in kind.may and not (range_pages or shares):
        raise refusal(keys["hold"], "hold needs a range to keep; expected range_pages too, or no hold")
    lock = optional(keys, "lock", partial(fields.choice, choices=LOCKS), "lru_lock")
    return TaskSpec(
        name=name,
        kind=kind_name,
        count=count,
        share_ppm=share_ppm,
        per=per,
        think=think,
        hold=hold,
        range_pages=range_pages,
        shares=shares,
        target_node=optional(keys, "target_node", _target_node, NEXT_NODE),
        lock=lock,
        pages=_lock_pages(keys, lock),
        count_place=next((keys[key].node.place for key in kind.how_many if key in keys), item.node.place),
    )


def _kind(item: Item) -> str:
    entries = fields.mapping(item, f"a task such as {EXAMPLE}")
    kind_item = required(item, entries, "kind", "mlock")
    return fields.choice(kind_item, KINDS)


def _keys_of_kind(item: Item, kind_name: str) -> dict[str, Item]:
    """The task's keys, refused if they are unknown or belong to other kinds."""
    known = KINDS[kind_name].keys
    for key in fields.mapping(item, EXAMPLE):
        owners = [other for other, kind in KINDS.items() if key in kind.keys]
        if key in known or not owners:
            continue
        problem = f"{quoted(key)} belongs to {', '.join(owners)} tasks; expected for {kind_name}: {', '.join(known)}"
        raise fields.key_refusal(item, key, problem)
    return section(item, known)


def _how_many(item: Item, keys: dict[str, Item], kind: Kind) -> tuple[int | None, int | None, str | None]:
    """count, share in parts per million, per: one of the three is not None."""
    given = [keys[key] for key in keys if key in kind.how_many]
    example_of = {"count": "4", "share": "50%", "per": kind.per or "cpu"}
    examples = ", ".join(f"{key}: {example_of[key]}" for key in kind.how_many)
    if len(given) > 1:
        names = " and ".join(entry.path.rpartition(".")[2] for entry in given)
        raise refusal(given[1], f"{names} both say how many; expected one of {examples}")
    if not given and kind.per is None:
        raise refusal(item, f"nothing says how many; expected one of {examples}")
    count = optional(keys, "count", partial(fields.integer, low=1, high=TASK_COUNT_MAX), None)
    share_ppm = optional(keys, "share", _share_ppm, None)
    per = optional(keys, "per", partial(fields.choice, choices=PER), None)
    return count, share_ppm, per if given else kind.per


def _share_ppm(item: Item) -> int:
    share_ppm = fields.fraction_ppm(item)
    if share_ppm == 0:
        raise refusal(item, "a share of 0 is no task; expected more than 0% and at most 100% of the CPUs")
    return share_ppm


def _check_time_passes(item: Item, keys: dict[str, Item], think: Duration, hold: Duration) -> None:
    """A round that takes no time would go on for ever at one instant where the machine costs nothing either."""
    if max(think.a_ps, think.b_ps, hold.a_ps, hold.b_ps) > 0:
        return
    zero = "think and hold are" if "hold" in keys else "think is"
    raise refusal(Item(keys["think"].node, item.path), f"{zero} 0, so no time would pass; expected at least 1ps")


def _range_pages(keys: dict[str, Item], kind_name: str, shares: str) -> int:
    """What the task says, or its kind's default; 0 where that is the range of the group whose ranges it shares."""
    if "range_pages" not in KINDS[kind_name].may:
        return 0
    without = kind_name == "fault" and not shares
    default = 0 if without or shares else RANGE_PAGES_DEFAULT
    return optional(
        keys, "range_pages", partial(fields.integer, low=0 if without else 1, high=PAGES_PER_NODE_MAX), default
    )


def _with_shared_range(task: TaskSpec, tasks: Sequence[TaskSpec]) -> TaskSpec:
    """The task with the size of the range it shares, if it says none. Whether it can share it is asked later."""
    if not task.shares or task.range_pages:
        return task
    return replace(task, range_pages=next((other.range_pages for other in tasks if other.name == task.shares), 0))


def _target_node(item: Item) -> int:
    """A node's number, or the word for each after the other; whether the machine has it is asked later."""
    if item.node.value == "next":
        return NEXT_NODE
    if isinstance(item.node.value, str):
        raise refusal(item, f"{shown(item.node)} is no node; expected a whole number from 0 on, or next")
    return fields.integer(item, 0, NODES_MAX - 1)


def _lock_pages(keys: dict[str, Item], lock: str) -> int:
    """Over how many page locks a lock_loop spreads; 0 where there is no page lock."""
    if lock != "page_lock":
        if "pages" in keys:
            raise refusal(keys["pages"], "pages needs lock: page_lock; expected that, or no pages")
        return 0
    return optional(keys, "pages", partial(fields.integer, low=1, high=PAGES_PER_NODE_MAX), 1)
