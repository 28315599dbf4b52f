"""What completes the words of a command line in the shell."""

from perfsim.cli.options import designs_like, engines_like, profiles_like, workloads_like


def test_names_that_begin_like_the_word_complete_it() -> None:
    assert workloads_like("quick") == ["quickstart"]
    assert designs_like("lock") == ["lock_page"]
    assert profiles_like("x86") == ["x86_64", "x86_64_modern"]
    assert engines_like("s") == ["simpy"]


def test_nothing_completes_a_word_that_no_name_begins_with() -> None:
    assert workloads_like("zzz") == designs_like("zzz") == profiles_like("zzz") == engines_like("zzz") == []
