"""requirements.lock names the exact version of everything that perfsim, its checks and its build need."""

import re
import tomllib
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.tidy.modules import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def locked_versions() -> dict[str, str]:
    """Distribution name to locked version."""
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pinned = [line.partition("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, _, version in pinned}


def asked_for() -> list[Requirement]:
    """What pyproject.toml asks for: to run, to check, to build."""
    texts = [
        *PROJECT["project"]["dependencies"],
        *PROJECT["project"]["optional-dependencies"]["dev"],
        *PROJECT["build-system"]["requires"],
    ]
    return [Requirement(text) for text in texts]


def needed_by(requirements: Iterable[Requirement]) -> set[str]:
    """The requirements' names, and those of all that the installed distributions of these names need in turn."""
    waiting, found = list(requirements), set[str]()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name not in found and (requirement.marker is None or requirement.marker.evaluate({"extra": ""})):
            found.add(name)
            waiting += [Requirement(text) for text in own_requirements(name)]
    return found


def own_requirements(name: str) -> list[str]:
    """What an installed distribution needs; nothing if it is not installed, as a build tool need not be."""
    try:
        return requires(name) or []
    except PackageNotFoundError:
        return []


def test_every_line_of_the_lock_is_one_exact_version() -> None:
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    exact = re.compile(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.+!]*")
    assert [line for line in lines if not line.startswith("#") and not exact.fullmatch(line)] == []


def test_the_locked_versions_lie_within_the_ranges_for_users() -> None:
    locked = locked_versions()
    outside = [one for one in asked_for() if locked.get(canonicalize_name(one.name), "none") not in one.specifier]
    assert [str(requirement) for requirement in outside] == []


def test_nothing_that_is_needed_is_left_out_of_the_lock() -> None:
    assert sorted(needed_by(asked_for()) - set(locked_versions())) == []


def test_nothing_is_locked_that_is_not_needed() -> None:
    assert sorted(set(locked_versions()) - needed_by(asked_for())) == []


def test_what_checks_perfsim_has_every_extra_of_it() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    assert set(extras["cluster"]) <= set(extras["dev"])


def test_needs_of_needs_are_followed() -> None:
    assert needed_by([Requirement("typer")]) >= {"typer", "rich", "markdown-it-py", "mdurl"}
