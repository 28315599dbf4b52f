"""Names: modules say what they hold, tests say what is so, and a test stands where its subject stands."""

from pathlib import Path

import pytest

from tests.tidy.modules import ROOT, Module, complaints, functions, parse

SAY_NOTHING = {"util", "utils", "helper", "helpers", "common", "misc"}

# Tests of what is no module of perfsim: of the whole, of its rules, of what it must reproduce, of path after path.
FREE_FOLDERS = ("tests/tidy/", "tests/scripts/", "tests/properties/", "tests/truth/", "tests/kernel/paths/")
FREE_FILES = {
    *("tests/test_exports.py", "tests/test_readme.py", "tests/test_scripts.py", "tests/test_workloads.py"),
    *("tests/explore/test_litmus.py", "tests/explore/test_shipped.py", "tests/explore/test_spin.py"),
}

WORDS = 4


def empty_name(module: Module) -> list[str]:
    """A file or a folder with a name that says nothing."""
    parts = Path(module.path).with_suffix("").parts
    return [f"{module.path}:1: the name {part!r} says nothing" for part in parts if part in SAY_NOTHING]


def hidden_by_a_folder(module: Module) -> list[str]:
    """A module beside a folder of its name: Python imports the one, mypy may read the other and say nothing of it."""
    is_hidden = (ROOT / module.path).with_suffix("").is_dir()
    return [f"{module.path}:1: a folder beside it has its name"] if is_hidden else []


def short_test_name(module: Module) -> list[str]:
    """Tests whose name is no sentence."""
    return [
        module.at(function, f"{function.name} is no sentence of {WORDS} words or more")
        for function in functions(module.tree)
        if function.name.startswith("test_") and len(words(function.name)) < WORDS
    ]


def words(test_name: str) -> list[str]:
    """The words of a test's name that are words: more than a figure."""
    return [word for word in test_name.removeprefix("test_").split("_") if word and not word.isdigit()]


def repeated_test_name(module: Module) -> list[str]:
    """Tests of one name in one file: Python would keep only the last."""
    tests = [function for function in functions(module.tree) if function.name.startswith("test_")]
    names = [test.name for test in tests]
    return [module.at(test, f"{test.name} stands twice") for test in tests if names.count(test.name) > 1]


def without_subject(module: Module) -> list[str]:
    """A test file that mirrors no module: tests/<layer>/test_<file>.py, or test_<file>_<aspect>.py, is of <file>.py."""
    path = Path(module.path)
    if not path.name.startswith("test_") or module.path.startswith(FREE_FOLDERS) or module.path in FREE_FILES:
        return []
    folder = ROOT / "perfsim" / path.parent.relative_to("tests")
    parts = path.stem.removeprefix("test_").split("_")
    subjects = ["_".join(parts[:count]) for count in range(1, len(parts) + 1)]
    if any((folder / f"{subject}.py").is_file() for subject in subjects):
        return []
    return [f"{module.path}:1: there is no {folder.relative_to(ROOT)}/{subjects[-1]}.py that it could be the test of"]


def test_no_file_has_a_name_that_says_nothing() -> None:
    assert complaints(empty_name, "perfsim", "tests", "scripts") == []


def test_no_module_has_the_name_of_a_folder_beside_it() -> None:
    assert complaints(hidden_by_a_folder, "perfsim", "tests", "scripts") == []


def test_the_name_of_every_test_is_a_sentence() -> None:
    assert complaints(short_test_name, "tests") == []


def test_no_test_hides_another_of_its_name() -> None:
    assert complaints(repeated_test_name, "tests") == []


def test_every_test_file_mirrors_a_module() -> None:
    assert complaints(without_subject, "tests") == []


@pytest.mark.parametrize("path", ["perfsim/engine/utils.py", "tests/helpers/test_state.py"])
def test_a_name_that_says_nothing_is_found(path: str) -> None:
    assert len(empty_name(parse("", path))) == 1


def test_a_module_that_a_folder_hides_is_found() -> None:
    assert len(hidden_by_a_folder(parse("", "perfsim/truth.py"))) == 1
    assert hidden_by_a_folder(parse("", "perfsim/truth/theory.py")) == []


def test_a_test_named_by_number_is_found() -> None:
    sample = parse("def test_putback_takes_page_2_again(): ...\ndef test_parse_2(): ...", "tests/test_a.py")
    assert len(short_test_name(sample)) == 1


def test_two_tests_of_one_name_are_found() -> None:
    sample = parse("def test_a(): ...\ndef test_b(): ...\ndef test_a(): ...", "tests/test_a.py")
    assert len(repeated_test_name(sample)) == 2


def test_a_test_file_without_a_module_is_found() -> None:
    assert len(without_subject(parse("", "tests/engine/test_turbine.py"))) == 1
    assert without_subject(parse("", "tests/test_errors.py")) == []
    assert without_subject(parse("", "tests/test_errors_that_pickle.py")) == []
