"""The kernel's state at the start of a scenario: a zone of a few pages, and a task a CPU."""

from __future__ import annotations

from typing import NamedTuple

from perfsim.explore.pages import FREE, LRU_LISTS, OBJECTS, OFF, PAGEVEC, PRIVATE, PRIVATE_LISTS, PageSpec, list_of
from perfsim.explore.scenario import ExploreScenario
from perfsim.kernel import constants as k
from perfsim.kernel.boot import Owned, Seed, machine_layout, new_tasks, state_of
from perfsim.kernel.effects import lru
from perfsim.kernel.placement import Placed
from perfsim.kernel.state import Objects, Ranges, Settings, Shares, State
from perfsim.machine.costs import COST_NAMES
from perfsim.machine.profile import load_profile
from perfsim.machine.state import new_machine
from perfsim.numeric.columns import as_lists
from perfsim.scenario.schema import NO_TIME, TaskSpec

ZONE = 0


class Numbers(NamedTuple):
    """What the arguments of a script stand for: the number of each page, and of the range that maps or caches it; a
    range is of one page, so that its pte has the same number.
    """

    pages: dict[str, int]
    ranges: dict[str, int]


def numbers_of(scenario: ExploreScenario) -> Numbers:
    """Anonymous pages that are mapped have the first ranges, those of objects the last."""
    plain = [page.name for page in scenario.pages if page.has_range and page.mapping not in OBJECTS]
    objects = [page.name for page in scenario.pages if page.mapping in OBJECTS]
    pages = {page.name: number for number, page in enumerate(scenario.pages)}
    return Numbers(pages, {name: number for number, name in enumerate([*plain, *objects])})


def small_state(scenario: ExploreScenario, *, unevictable_lru: bool) -> State:
    """The state that a scenario begins with, in lists. unevictable_lru: whether the kernel has such lists."""
    numbers = numbers_of(scenario)
    cpus = len(scenario.cpus)
    spec = TaskSpec("cpu", "direct_reclaim", cpus, None, None, think=NO_TIME, hold=NO_TIME)
    placed = [Placed(spec, cpu, cpu, ZONE) for cpu in range(cpus)]
    settings = _settings(scenario, len(numbers.ranges))._replace(unevictable_lru=1 if unevictable_lru else 0)
    layout = machine_layout(settings, placed, cpus, Seed(0, 0))
    objects = settings.ranges - settings.first_object_range
    layout = layout._replace(homes=(*layout.homes, *([0] * objects)))
    machine = new_machine(load_profile("ideal"), (0,) * len(COST_NAMES), layout)
    owned = Owned(placed, new_tasks(placed, Seed(0, 0)), _ranges(scenario, numbers, cpus), _objects(scenario))
    s = as_lists(state_of(settings, machine, Shares(*([[0]] * len(Shares._fields))), owned, (0, 0, 0)))
    for head in range(settings.first_head, len(s.pages.next)):
        s.pages.next[head] = s.pages.before[head] = head
    for number, page in enumerate(scenario.pages):
        _place(s, number, page, numbers)
    return s


def _settings(scenario: ExploreScenario, ranges: int) -> Settings:
    pages, cpus = len(scenario.pages), len(scenario.cpus)
    objects = sum(1 for page in scenario.pages if page.mapping in OBJECTS)
    return Settings(
        tasks=cpus,
        pages=pages,
        pages_per_node=pages,
        nodes=1,
        buckets_per_zone=1,
        memcg=1 if scenario.memcg else 0,
        drain_all=k.DRAIN_NEVER,
        pagevec_size=scenario.pagevec_size,
        swap_cluster_max=k.SWAP_CLUSTER_MAX,
        unevictable_lru=1,
        file_ppm=0,
        referenced_ppm=0,
        dirty_ppm=0,
        ranges=ranges,
        first_own_range=0,
        first_object_range=ranges - objects,
        range_pages=1,
        inactive_ratio=1,
        first_device=cpus,
        disk_slots=1,
        stride=1,
        first_head=pages,
        first_private=pages + k.LRU_LISTS,
        first_mz_lock=1,
        first_bucket_lock=2,
        first_mapping_line=2 * pages + 3,
        first_mm_line=2 * pages + 5 + objects,
        first_work_line=2 * pages + 5 + objects + cpus,
    )


def _ranges(scenario: ExploreScenario, numbers: Numbers, cpus: int) -> Ranges:
    """All are of the last CPU's process."""
    pages = {page.name: page for page in scenario.pages}
    mapped = [pages[name] for name in numbers.ranges]
    return Ranges(
        order=list(range(len(mapped))),
        locked=[1 if page.locked_vma else 0 for page in mapped],
        owner=[cpus - 1] * len(mapped),
        file=[1 if page.mapping == "file" else 0 for page in mapped],
        zone=[ZONE] * len(mapped),
        pte=[numbers.pages[page.name] if page.mapped else k.NONE for page in mapped],
    )


def _objects(scenario: ExploreScenario) -> Objects:
    cached = [number for number, page in enumerate(scenario.pages) if page.mapping in OBJECTS]
    return Objects(size=[1] * len(cached), cached=cached)


def _place(s: State, number: int, page: PageSpec, numbers: Numbers) -> None:
    """Give a page its fields, and put it where it is."""
    if page.where == FREE:
        s.pages.next[number] = s.zones.free_head[ZONE]
        s.zones.free_head[ZONE] = number
        s.zones.free_count[ZONE] += 1
        return
    if not s.settings.unevictable_lru:
        page = _without_unevictable_lru(page)
    range_ = numbers.ranges.get(page.name, k.NONE)
    object_ = range_ - s.settings.first_object_range if page.mapping in OBJECTS else k.NONE
    s.pages.flags[number] = page.flags
    s.pages.refcount[number] = page.refcount
    s.pages.mapcount[number] = 1 if page.mapped else 0
    s.pages.slot[number] = range_
    s.pages.mapping[number] = _mapping(s, page, object_)
    if page.unevictable:
        s.mapping_flags[s.settings.nodes + 1 + object_] = k.AS_UNEVICTABLE
    if page.flags & k.PG_MLOCKED:
        s.zones.nr_mlock[ZONE] += 1
    if s.settings.memcg:
        charged = _list_before(page)
        s.pages.cgroup[number] = charged + 1 << 1
        s.zones.cgroup_length[charged] += 1
    _link(s, number, page)


def _without_unevictable_lru(page: PageSpec) -> PageSpec:
    """The page in a kernel that has neither flag nor list for it: it is inactive where it would be unevictable."""
    flags = page.flags & ~(k.PG_MLOCKED | k.PG_UNEVICTABLE)
    if page.where != "unevictable":
        return page._replace(flags=flags)
    return page._replace(flags=flags, where="inactive_anon" if flags & k.PG_SWAPBACKED else "inactive_file")


def _mapping(s: State, page: PageSpec, object_: int) -> int:
    if page.mapping == "none":
        return k.NO_MAPPING
    return 2 * (s.settings.nodes + 1 + object_) if page.mapping in OBJECTS else 2 * (ZONE + 1) | k.MAPPING_ANON


def _list_before(page: PageSpec) -> int:
    """The memcg's list that a page is on: where it is, or was before it was taken off."""
    if page.where in LRU_LISTS:
        return LRU_LISTS[page.where]
    if page.flags & k.PG_UNEVICTABLE:
        return k.LRU_UNEVICTABLE
    kind = 0 if page.flags & k.PG_SWAPBACKED else k.LRU_FILE
    return kind + (k.LRU_ACTIVE if page.flags & k.PG_ACTIVE else 0)


def _link(s: State, number: int, page: PageSpec) -> None:
    if page.where == OFF:
        return
    if page.where in LRU_LISTS:
        lru.add_page_to_lru_list(s, 0, 0, ZONE, number, LRU_LISTS[page.where])
        return
    kind, name = page.where.split(":")
    if kind == PRIVATE:
        lru.list_add(s, page.owner, 0, number, PRIVATE_LISTS[name])
    else:
        assert kind == PAGEVEC, f"page {number} is {page.where}"
        lru.pagevec_add(s, page.owner, 0, list_of(page.where), number)
