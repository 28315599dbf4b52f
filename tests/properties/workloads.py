"""Small workloads of every sort, for Hypothesis to draw: any kinds of tasks, on their own ranges or on each other's."""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from perfsim.kernel.constants import TASK_KINDS
from perfsim.kernel.designs import SHIPPED
from perfsim.numeric.random import EXPONENTIAL, FIXED, UNIFORM
from perfsim.scenario.schema import NEXT_NODE, Duration, KernelSpec, MachineSpec, TaskSpec

NS_PS = 1000
KIB = 1024
DESIGNS = SHIPPED

NEVER_ALLOCATE = ("kswapd", "lock_loop")
OWNERS = ("mlock", "migrate", "truncate", "shm_lock", "fault")
"""Kinds that have ranges of their own, a fault task if it says so."""
SHARERS = ("fault", "mlock", "migrate")
"""Kinds that may work on the ranges of another group."""

KSWAPDS: st.SearchStrategy[dict[str, Any]] = st.sampled_from([{"per": "node"}, {"count": 1}])
HOW_MANY: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.integers(1, 6).map(lambda count: {"count": count}),
    st.sampled_from(["node", "cpu"]).map(lambda per: {"per": per}),
    st.integers(5, 10).map(lambda tenths: {"share_ppm": tenths * 100_000}),  # of one CPU, half is still a task
)
RANGE_PAGES = st.one_of(st.integers(1, 8), st.integers(9, 40))
"""Less and more than a pagevec, and than what mlock looks up at once."""
CPUS = st.one_of(st.integers(1, 8), st.integers(9, 64))


@dataclass(frozen=True)
class Manner:
    """How tasks are drawn: how many a group is, and for how long they think and hold."""

    how_many: st.SearchStrategy[dict[str, Any]]
    thinks: st.SearchStrategy[Duration]
    holds: st.SearchStrategy[Duration]


def durations(low_ns: int, high_ns: int) -> st.SearchStrategy[Duration]:
    """Durations of every kind within these limits."""
    times_ps = st.integers(low_ns, high_ns).map(lambda ns: ns * NS_PS)
    return st.one_of(
        st.builds(Duration, st.just(FIXED), times_ps, st.just(0)),
        st.builds(Duration, st.just(EXPONENTIAL), times_ps, st.just(0)),
        st.tuples(times_ps, times_ps).map(lambda pair: Duration(UNIFORM, min(pair), max(pair))),
    )


@st.composite
def machines(draw: st.DrawFn, profiles: tuple[str, ...]) -> MachineSpec:
    """Machines of 1 to 64 CPUs on 1 to 8 nodes, some of which may have none."""
    return MachineSpec(draw(st.sampled_from(profiles)), draw(CPUS), draw(st.integers(1, 8)))


@st.composite
def kernels(draw: st.DrawFn, nodes: int) -> KernelSpec:
    """Kernels of every option; min_free is at least a page of each zone, whatever the size of a page."""
    return KernelSpec(
        DESIGNS,
        memcg=draw(st.booleans()),
        drain_all=draw(st.integers(0, 2)),
        page_size_bytes=draw(st.sampled_from([None, 4 * KIB, 64 * KIB])),
        pagevec_size=draw(st.sampled_from([14, 1, 2, 15])),
        swap_cluster_max=draw(st.sampled_from([32, 1, 256])),
        wait_table_size=draw(st.sampled_from([None, 4, 64])),
        min_free_bytes=draw(st.sampled_from([None, nodes * 64 * KIB, nodes * 512 * KIB])),
    )


@st.composite
def task_groups(draw: st.DrawFn, nodes: int, manner: Manner) -> tuple[TaskSpec, ...]:
    """One to five groups of different kinds, then one to three that share the ranges of one of these."""
    possible = [kind for kind in TASK_KINDS if nodes > 1 or kind != "migrate"]
    kinds = draw(st.lists(st.sampled_from(possible), min_size=1, max_size=5, unique=True))
    if "kswapd" in kinds and all(kind in NEVER_ALLOCATE for kind in kinds):
        kinds.append("direct_reclaim")
    groups = [draw(_own(kind, nodes, manner)) for kind in kinds]
    owners = [one for one in groups if one.range_pages]
    sharing = [kind for kind in SHARERS if kind in possible] if owners else []
    for number in range(draw(st.integers(1, 3)) if sharing else 0):
        owner = draw(st.sampled_from(owners))
        groups.append(draw(_sharing(f"sharers{number}", draw(st.sampled_from(sharing)), (owner, nodes), manner)))
    return tuple(groups)


@st.composite
def _own(draw: st.DrawFn, kind: str, nodes: int, manner: Manner) -> TaskSpec:
    """A group of tasks of one kind, named as its kind; what the kind does not have is left at its default."""
    own = draw(_times(kind, manner))
    if kind in OWNERS and (kind != "fault" or draw(st.booleans())):
        own["range_pages"] = draw(RANGE_PAGES)
    elif kind == "fault":
        own.pop("hold")
    if kind == "migrate":
        own["target_node"] = draw(st.sampled_from([NEXT_NODE, 0, nodes - 1]))
    if kind == "lock_loop" and draw(st.booleans()):
        own |= {"lock": "page_lock", "pages": draw(st.integers(1, 5))}
    return _group(kind, kind, draw(KSWAPDS if kind == "kswapd" else manner.how_many), own)


@st.composite
def _sharing(draw: st.DrawFn, name: str, kind: str, where: tuple[TaskSpec, int], manner: Manner) -> TaskSpec:
    """A group of tasks that work on another group's ranges, all of them or their first pages. where: it, and nodes."""
    owner, nodes = where
    part = st.just(owner.range_pages) if kind == "mlock" else st.integers(1, owner.range_pages)
    pages = draw(st.one_of(st.just(owner.range_pages), part))
    own = draw(_times(kind, manner)) | {"shares": owner.name, "range_pages": pages}
    if kind == "migrate":
        own["target_node"] = draw(st.sampled_from([NEXT_NODE, 0, nodes - 1]))
    return _group(name, kind, draw(manner.how_many), own)


@st.composite
def _times(draw: st.DrawFn, kind: str, manner: Manner) -> dict[str, Any]:
    """What a kind has of think and hold."""
    own: dict[str, Any] = {} if kind == "kswapd" else {"think": draw(manner.thinks)}
    if kind not in ("kswapd", "direct_reclaim", "migrate"):
        own["hold"] = draw(manner.holds)
    return own


def _group(name: str, kind: str, how_many: dict[str, Any], own: dict[str, Any]) -> TaskSpec:
    counts: dict[str, Any] = {"count": None, "share_ppm": None, "per": None}
    return TaskSpec(name, kind, **(counts | how_many), **own)
