"""Profile files: found by name and by path, laid over one another, and refused where their keys are not a profile's."""

import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from perfsim.errors import InputError
from perfsim.machine.costs import COST_NAMES, DRAM_LOCAL, IO, LINE_SERVICE, WAKEUP
from perfsim.machine.profile import load_profile, profile_names
from perfsim.machine.profile_files import GROUP, SHIPPED
from perfsim.machine.profiles import IDEAL


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that paths in messages are as short as a user's."""
    monkeypatch.chdir(tmp_path)


def write(name: str, text: str) -> str:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text, encoding="utf-8")
    return name


def refusal(name_or_path: str, place: str = "w.yaml:2:20") -> str:
    """The message about a profile that is refused, once it is known to be one short printable line."""
    with pytest.raises(InputError) as caught:
        load_profile(name_or_path, place)
    told = str(caught.value)
    assert told.isprintable()
    assert len(told) < 500
    return told


def install(package: str, module: str, names: str) -> None:
    """A distribution in the current folder that offers profiles as entry points; each name of a module of its own."""
    write(f"{package}.py", module)
    write(f"{package}-1.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1\n")
    write(f"{package}-1.dist-info/entry_points.txt", f"[perfsim.profiles]\n{names}\n")


def test_what_a_file_does_not_say_is_taken_from_the_profile_that_it_extends() -> None:
    path = write("mine.yaml", "{name: mine, extends: x86_64, costs: {wakeup: [2us, 4us, 7.5us], io: 8ms}}")
    profile, base = load_profile(path), load_profile("x86_64")
    assert profile.name == "mine"
    assert (profile.low_ps[WAKEUP], profile.best_ps[WAKEUP], profile.high_ps[WAKEUP]) == (
        2 * 10**6,
        4 * 10**6,
        7_500_000,
    )
    assert profile.low_ps[IO] == profile.best_ps[IO] == profile.high_ps[IO] == 8 * 10**9
    others = [index for index in range(len(COST_NAMES)) if index not in (WAKEUP, IO)]
    assert [profile.best_ps[index] for index in others] == [base.best_ps[index] for index in others]
    assert (profile.node_hops, profile.algorithm, profile.nodes) == (base.node_hops, base.algorithm, base.nodes)


def test_a_key_is_overridden_alone_and_its_neighbours_stay() -> None:
    text = "{name: a, extends: x86_64, machine: {line_size: 128B}, spinlock: {algorithm: queued}}"
    profile, base = load_profile(write("a.yaml", text)), load_profile("x86_64")
    assert (profile.line_size_bytes, profile.page_size_bytes) == (128, 4096)
    assert profile.algorithm == "queued"
    assert profile.best_ps[LINE_SERVICE] == base.best_ps[LINE_SERVICE]


def test_an_example_of_the_contract_charges_a_hand_off_by_its_waiters() -> None:
    lock = "spinlock: {algorithm: ideal, order: fifo, handoff_fixed: 0ns, handoff_per_waiter: 20ns}"
    profile = load_profile(write("collapse.yaml", f"{{name: collapse, extends: ideal, {lock}}}"))
    assert (profile.algorithm, profile.order, profile.handoff_fixed_ps) == ("ideal", "fifo", 0)
    assert profile.handoff_per_waiter_ps == 20_000
    assert set(profile.best_ps) == {0}


def test_files_extend_files_by_paths_that_start_at_their_own_folder() -> None:
    write("sets/base/low.yaml", "{name: low, extends: ia64, costs: {io: 4ms, wakeup: 1us}}")
    write("sets/mid.yaml", "{name: mid, extends: base/low.yaml, costs: {io: 6ms}}")
    write("top.yaml", "{name: top, extends: ./sets/mid.yaml, machine: {nodes: 2}}")
    profile = load_profile("top.yaml")
    assert (profile.best_ps[IO], profile.best_ps[WAKEUP], profile.nodes) == (6 * 10**9, 10**6, 2)
    assert profile.best_ps[DRAM_LOCAL] == 241_000


def test_extends_null_is_as_good_as_none_and_everything_must_then_be_said() -> None:
    path = write(
        "alone.yaml", IDEAL.read_text(encoding="utf-8").replace("name: ideal", "name: alone\nextends: null", 1)
    )
    assert load_profile(path).content_sha256 == load_profile("ideal").content_sha256


def test_a_source_is_inherited_with_its_figure_and_goes_when_the_figure_is_overridden() -> None:
    write("low.yaml", "{name: low, extends: x86_64, costs: {io: 4ms}, sources: {io: 'a  newer\n disk', wakeup: same}}")
    write("top.yaml", "{name: top, extends: low.yaml, costs: {wakeup: 1us}, spinlock: {line_service: 50ns}}")
    low, top = load_profile("low.yaml").sources, load_profile("top.yaml").sources
    assert (low["io"], low["wakeup"], low["ipi"]) == ("a newer disk", "same", load_profile("x86_64").sources["ipi"])
    assert (top["io"], top["wakeup"]) == ("a newer disk", "no source given in top")
    assert top["line_service"] == "no source given in top"
    assert top["cache_size"] == load_profile("x86_64").sources["cache_size"]


def test_a_source_cannot_steer_the_terminal_that_shows_it() -> None:
    path = write("a.yaml", '{name: a, extends: ideal, sources: {io: "\\e[2Jgone"}}')
    assert load_profile(path).sources["io"] == "\\x1b[2Jgone"


@pytest.mark.parametrize(
    "name, words",
    [
        ("x86_65", 'no profile is called "x86_65"; expected one of ia64, x86_64, x86_64_modern, ideal'),
        ("x86_65", 'did you mean "x86_64"?'),
        ("IA64", 'did you mean "ia64"?'),
        ("x86_64.yml", 'no profile is called "x86_64.yml"'),
        ("", "an empty text; expected a name"),
        ("-x", '"-x" is neither name nor .yaml file'),
        ("../../etc/passwd", "is neither name nor .yaml file"),
        ("a\0b", '"a\\x00b" is neither name nor .yaml file'),
        ("a\0b.yaml", "is neither name nor .yaml file"),
        ("\ud800.yaml", "is neither name nor .yaml file"),
        ("x" * 1_000_000, "(1,000,000 characters) is neither name nor .yaml file"),
        ("ia65.yaml", "ia65.yaml: cannot read it: no such file or directory; expected a YAML file"),
        ("ia65.yaml", 'did you mean "ia64"?'),
        ("-.yaml", "-.yaml: cannot read it: no such file"),
        ("n" * 300 + ".yaml", "cannot read it: file name too long"),
        ("folder.yaml", "folder.yaml: it is a directory; expected a YAML file"),
        ("loop.yaml", "loop.yaml: cannot read it: too many levels of symbolic links"),
    ],
)
def test_what_is_not_there_is_refused_where_it_was_asked_for(name: str, words: str) -> None:
    Path("folder.yaml").mkdir()
    Path("loop.yaml").symlink_to("loop.yaml")
    told = refusal(name)
    assert told.startswith("w.yaml:2:20: ")
    assert words in told


@pytest.mark.parametrize(
    "text, told",
    [
        ("[]", "p.yaml:1:1: a list where a mapping belongs"),
        ("", "p.yaml:1:1: it is empty"),
        ("{extends: ideal}", "p.yaml:1:1: the key name is missing; expected for example name: my_machine"),
        ("{name: a, extends: ideal, cost: {}}", 'p.yaml:1:27: unknown key "cost"; expected one of name, extends, mach'),
        ("{name: a, extends: ideal, cost: {}}", '(did you mean "costs"?)'),
        ("{name: a, name: b}", 'p.yaml:1:11: duplicate key "name"'),
        (
            "{name: a, extends: ideal, costs: {wakup: 1us}}",
            'p.yaml:1:35: costs: unknown key "wakup"; expected one of 44',
        ),
        ("{name: a, extends: ideal, costs: {wakup: 1us}}", '(did you mean "wakeup"?)'),
        ("{name: a, extends: ideal, costs: {line_service: 1us}}", "(line_service belongs under spinlock)"),
        ("{name: a, extends: ideal, wakeup: 1us}", "p.yaml:1:27: unknown key"),
        ("{name: a, extends: ideal, wakeup: 1us}", "(wakeup belongs under costs)"),
        ("{name: a, extends: ideal, machine: {node_hops: []}}", "(node_hops belongs at the top)"),
        ("{name: a, extends: ideal, spinlock: {releaser: 1}}", "(releaser belongs under spinlock_bias)"),
        ("{name: a, extends: ideal, sources: {wakup: x}}", 'p.yaml:1:37: sources: unknown key "wakup"'),
        ("{name: a, extends: ideal, sources: [x]}", "p.yaml:1:36: sources: a list where a mapping belongs"),
        ("{name: a, extends: ideal, costs: 5}", "p.yaml:1:34: costs: 5 where a mapping belongs"),
        ("{name: a, extends: ideal, costs: }", "costs: nothing where a mapping belongs"),
        ("{name: 'a b', extends: ideal}", 'p.yaml:1:8: name: "a b" is no such name'),
        ("{name: 2008, extends: ideal}", "p.yaml:1:8: name: 2008 where text belongs"),
        ("{name: a, extends: [ideal]}", "p.yaml:1:20: extends: a list where text belongs"),
        ("{name: a, extends: idael}", 'p.yaml:1:20: extends: no profile is called "idael"'),
        ("{name: a, extends: gone.yaml}", "p.yaml:1:20: extends: gone.yaml: cannot read it: no such file"),
        ("{name: a, extends: !!python/name:os.system x}", "p.yaml:1:20: tag"),
    ],
)
def test_a_file_that_is_no_profile_is_refused_at_the_place(text: str, told: str) -> None:
    message = refusal(write("p.yaml", text))
    assert message.startswith("p.yaml:1:")
    assert told in message


def test_a_base_that_is_wrong_is_refused_in_its_own_file() -> None:
    write("base.yaml", "name: base\nextends: ideal\ncosts: {io: 5}\n")
    assert refusal(write("top.yaml", "{name: top, extends: base.yaml}")).startswith(
        "base.yaml:3:13: costs.io: 5 has no"
    )


@pytest.mark.parametrize("files", [("a",), ("a", "b"), ("a", "b", "c")])
def test_a_profile_that_extends_itself_is_refused_and_the_circle_shown(files: tuple[str, ...]) -> None:
    for name, base in zip(files, (*files[1:], files[0]), strict=True):
        write(f"{name}.yaml", f"name: {name}\nextends: {base}.yaml\n")
    told = refusal("a.yaml")
    circle = " -> ".join(f'"{name}.yaml"' for name in (*files, "a"))
    assert told.startswith(f"{files[-1]}.yaml:2:10: extends: it goes round in a circle, {circle}; expected ")


def test_a_circle_through_a_link_is_found_too() -> None:
    write("a.yaml", "{name: a, extends: link.yaml}")
    Path("link.yaml").symlink_to("a.yaml")
    assert "circle" in refusal("a.yaml")


def test_a_profile_stands_on_eight_others_and_no_more() -> None:
    write("p0.yaml", "{name: p0, extends: ideal}")
    for number in range(1, 9):
        write(f"p{number}.yaml", f"{{name: p{number}, extends: p{number - 1}.yaml}}")
    assert load_profile("p7.yaml").name == "p7"
    assert refusal("p8.yaml").startswith("p0.yaml:1:21: extends: the profile stands on more than 8 others; expected")


def test_an_installed_package_offers_profiles_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    write("fast.yaml", "{name: fast, extends: x86_64, costs: {wakeup: 0.5us}}")
    module = "from pathlib import Path\nPATH = Path(__file__).with_name('fast.yaml')\nTEXT = str(PATH)\n"
    install("fast_machines", module, "fast = fast_machines:PATH\nfast_too = fast_machines:TEXT\nia64 = no_such:PATH")
    monkeypatch.syspath_prepend(str(Path.cwd()))
    assert profile_names() == ("ia64", "x86_64", "x86_64_modern", "ideal", "fast", "fast_too")
    assert load_profile("fast").best_ps[WAKEUP] == load_profile("fast_too").best_ps[WAKEUP] == 500_000
    assert load_profile("ia64").nodes == 4
    assert load_profile(write("mine.yaml", "{name: mine, extends: fast}")).best_ps[WAKEUP] == 500_000
    assert 'did you mean "fast"?' in refusal("fats")


def test_an_entry_point_that_is_no_path_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    install(
        "bad_machines",
        "NUMBER = 5\nMISSING = 'gone.yaml'\nNUL = 'a\\0.yaml'\n",
        "number = bad_machines:NUMBER\nnobody = bad_machines:ABSENT\nmodule = no_such_module\n"
        "missing = bad_machines:MISSING\nnul = bad_machines:NUL",
    )
    monkeypatch.syspath_prepend(str(Path.cwd()))
    expected = "expected an object that is the path of a .yaml file"
    head = "w.yaml:2:20: the entry point"
    assert refusal("number") == f'{head} "number = bad_machines:NUMBER" of perfsim.profiles is of type int; {expected}'
    told = refusal("nobody")
    assert told.startswith(
        f'{head} "nobody = bad_machines:ABSENT" of perfsim.profiles cannot be imported: "AttributeError'
    )
    assert told.endswith(expected)
    assert "ModuleNotFoundError" in refusal("module")
    assert refusal("missing").startswith("w.yaml:2:20: gone.yaml: cannot read it: no such file")
    assert "it is no file name" in refusal("nul")


def test_the_shipped_profiles_are_declared_as_entry_points_too() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = project["entry-points"][GROUP]
    assert set(declared) == set(SHIPPED)
    for name, value in declared.items():
        path = EntryPoint(name, value, GROUP).load()
        assert load_profile(str(path)).content_sha256 == load_profile(name).content_sha256
