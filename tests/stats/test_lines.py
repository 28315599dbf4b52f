"""Lines of points along the axes that have numbers."""

from perfsim.stats.lines import lines

POINTS = tuple(
    (profile, cpus, hold) for profile in ("ia64", "x86_64") for cpus in (4, 1) for hold in ("100ns", "1us", "50ns")
)


def test_a_line_is_points_that_differ_in_one_axis_in_the_order_of_its_values() -> None:
    found = list(lines(("machine.profile", "machine.cpus", "tasks.a.hold"), POINTS))
    assert [line.axis for line in found] == ["machine.cpus"] * 6 + ["tasks.a.hold"] * 4
    assert found[0].points.tolist() == [3, 0]
    assert found[0].values.tolist() == [1.0, 4.0]


def test_durations_are_numbers_of_picoseconds() -> None:
    *_, last = lines(("machine.profile", "machine.cpus", "tasks.a.hold"), POINTS)
    assert [POINTS[point] for point in last.points] == [("x86_64", 1, hold) for hold in ("50ns", "100ns", "1us")]
    assert last.values.tolist() == [50_000.0, 100_000.0, 1_000_000.0]


def test_a_point_alone_is_no_line_and_words_are_no_numbers() -> None:
    assert list(lines(("machine.cpus",), ((4,),))) == []
    assert list(lines((), ((),))) == []
    assert list(lines(("kernel.memcg",), (("true",), ("false",)))) == []


def test_a_line_has_the_points_that_are_there() -> None:
    (line,) = lines(("a", "b"), ((1, "x"), (2, "x"), (4, "x"), (1, "y")))
    assert line.points.tolist() == [0, 1, 2]
