"""What completes the words of a command line in the shell."""

import pytest

from perfsim.cli.options import check_engine, designs_like, profiles_like, workloads_like
from perfsim.errors import InputError


def test_names_that_begin_like_the_word_complete_it() -> None:
    assert workloads_like("quick") == ["quickstart"]
    assert designs_like("lock") == ["lock_page"]
    assert profiles_like("x86") == ["x86_64"]


def test_nothing_completes_a_word_that_no_name_begins_with() -> None:
    assert workloads_like("zzz") == designs_like("zzz") == profiles_like("zzz") == []


def test_the_one_engine_there_is_passes_and_another_is_refused() -> None:
    check_engine("simpy")
    with pytest.raises(InputError, match="not available in this version; expected simpy"):
        check_engine("compiled")
