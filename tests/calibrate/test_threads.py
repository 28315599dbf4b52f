"""Jobs on threads: each on its CPU, results in the order of the jobs."""

import os

import pytest

from perfsim.calibrate import kernels as k
from perfsim.calibrate.threads import LINE_WORDS, Job, address, aligned, queue_nodes, run_together

CPUS = sorted(os.sched_getaffinity(0))


@pytest.mark.parametrize("count", [1, 16, 17])
def test_words_begin_with_a_pair_of_lines_that_nobody_else_has(count: int) -> None:
    words = aligned(count)
    assert address(words) % (8 * LINE_WORDS) == 0
    assert len(words) % LINE_WORDS == 0
    assert len(words) >= count
    assert not words.any()


def test_kernels_find_each_word_of_a_block_where_it_is_put_by_name() -> None:
    assert [getattr(k, name.upper()) for name in k.BLOCK_NAMES] == [8 * at for at in range(len(k.BLOCK_NAMES))]


def test_turns_of_two_threads_alternate_to_the_last() -> None:
    line = aligned(1)
    words = {"line": address(line), "rounds": 100}
    run_together([Job(CPUS[side % len(CPUS)], k.PING_PONG, words | {"side": side}) for side in (0, 1)])
    assert line[0] == 200


def test_additions_of_all_threads_arrive() -> None:
    line = aligned(1)
    run_together([Job(CPUS[side % len(CPUS)], k.HAMMER, {"line": address(line), "rounds": 1000}) for side in (0, 1)])
    assert line[0] == 2000


def test_a_thread_in_the_background_ends_when_it_is_told() -> None:
    stop = aligned(1)
    waiting = Job(CPUS[0], k.WAIT_FOR_STOP, {"line": 0, "stop": address(stop)}, is_idle=True)
    region = aligned(1)
    words = {"line": address(region), "rounds": 0, "function": 0, "stop": address(stop)}
    assert len(run_together([Job(CPUS[-1], k.DISCARD, words), waiting])) == 2


def test_the_calling_thread_keeps_its_cpus() -> None:
    run_together([Job(CPUS[0], k.NOTHING, {"line": 0, "rounds": 1})])
    assert sorted(os.sched_getaffinity(0)) == CPUS


def test_nodes_of_a_queue_know_their_number_and_the_first() -> None:
    nodes = queue_nodes(3)
    assert [node[2] for node in nodes] == [1, 2, 3]
    assert {node[3] for node in nodes} == {address(nodes[0])}
