"""Heads of the columns of axes."""

from perfsim.report.axes import axis_heads
from perfsim.report.render import Kind


def test_people_read_the_last_part_of_a_path_unless_two_share_it_and_scripts_the_whole() -> None:
    paths = ("tasks.a.share", "machine.cpus", "tasks.b.share")
    heads = axis_heads(paths)
    assert tuple(head.key for head in heads) == paths
    assert [head.text for head in heads] == ["tasks.a.share", "cpus", "tasks.b.share"]
    assert {head.kind for head in heads} == {Kind.EXACT}
