"""Reading YAML, with libyaml's parser and the pure-Python one."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from perfsim.scenario.source import Node, parse_document, read_document, read_text

Refused = Callable[[Callable[[], object]], str]

pytestmark = pytest.mark.usefixtures("yaml_parser")


def plain(node: Node) -> object:
    """A node's value without its places."""
    if isinstance(node.value, dict):
        return {key: plain(inner) for key, inner in node.value.items()}
    return [plain(part) for part in node.value] if isinstance(node.value, tuple) else node.value


@pytest.mark.parametrize(
    "text, value",
    [
        ("a:", None),
        ("a: ~", None),
        ("a: true", True),
        ("a: FALSE", False),
        ("a: 017", 17),
        ("a: -5", -5),
        ("a: +1", 1),
        ("a: 1e3", 1000.0),
        ("a: .5", 0.5),
        ("a: -.inf", float("-inf")),
        ("a: no", "no"),
        ("a: on", "on"),
        ("a: 12:30:00", "12:30:00"),
        ("a: 2008-06-18", "2008-06-18"),
        ("a: 0x1f", "0x1f"),
        ("a: 1_000", "1_000"),
        ("a: '5'", "5"),
        ('a: "true"', "true"),
        ("a: =", "="),
        ("a: |\n  two\n  lines\n", "two\nlines\n"),
    ],
)
def test_a_scalar_is_what_yaml_1_2_says(text: str, value: object) -> None:
    read = plain(parse_document(text, "w.yaml"))
    assert read == {"a": value}
    assert isinstance(read, dict)
    assert type(read["a"]) is type(value)


def test_not_a_number_is_a_float_for_others_to_refuse() -> None:
    assert str(parse_document(".nan", "w.yaml").value) == "nan"


def test_every_value_and_key_knows_its_line_and_column() -> None:
    root = parse_document("über: {a: [1, 'x']}\nb:\n  c: 20us\n", "w.yaml")
    assert isinstance(root.value, dict)
    assert root.key_places == {"über": "w.yaml:1:1", "b": "w.yaml:2:1"}
    inner = root.value["über"].value
    assert isinstance(inner, dict)
    assert inner["a"].place == "w.yaml:1:11"
    assert [part.place for part in inner["a"].value or ()] == ["w.yaml:1:12", "w.yaml:1:15"]  # type: ignore[union-attr]
    assert root.value["b"].value["c"].place == "w.yaml:3:6"  # type: ignore[union-attr,call-overload,index]


def test_every_scalar_knows_how_it_was_written() -> None:
    root = parse_document("a: 5\nb: '5'\nc: \"5\"\nd: >\n  5\ne: []\n", "w.yaml")
    assert isinstance(root.value, dict)
    assert [node.style for node in root.value.values()] == ["plain", "quoted", "quoted", "block", ""]


def test_keys_may_contain_dots_and_keep_their_order() -> None:
    assert plain(parse_document("b.c: 1\na: 2\n", "w.yaml")) == {"b.c": 1, "a": 2}
    assert list(parse_document("b.c: 1\na: 2\n", "w.yaml").key_places) == ["b.c", "a"]


BAD_TEXTS = {
    "duplicate key": ("a: 1\nb: 2\na: 3\n", "3:1", 'duplicate key "a"; the first is at line 1, column 1'),
    "duplicate key in flow": ("{a: 1, a: 2}", "1:8", "duplicate key"),
    "alias": ("a: 1\nb: *x\n", "2:4", "alias"),
    "alias bomb": ("a: &a [1]\nb: &b [*a, *a, *a]\n", "1:4", "anchor"),
    "recursive alias": ("&a [*a]", "1:1", "anchor"),
    "anchored mapping": ("a: &x {b: 1}\n", "1:4", "anchor"),
    "anchored scalar": ("a: &x 1\n", "1:4", "anchor"),
    "merge key with alias": ("a: {<<: *x}\n", "1:9", "alias"),
    "object tag": ("a: !!python/object/apply:os.system [ls]\n", "1:4", "no object tags"),
    "scalar tag": ("a: !!str 5\n", "1:4", "tag"),
    "tagged mapping": ("a: !x {b: 1}\n", "1:4", "tag"),
    "non-specific tag": ("a: ! 5\n", "1:4", "tag"),
    "second document": ("a: 1\n---\nb: 2\n", "2:1", "second document"),
    "tag directive": ("%TAG ! x:\n---\na: 1\n", "1:1", "directive"),
    "list as key": ("{[a]: 1}", "1:2", "as a key"),
    "mapping as key": ("? {a: 1}\n: 2\n", "1:3", "as a key"),
    "number as key": ("1: 2\n", "1:1", "no name"),
    "no name as key": ("~: 2\n", "1:1", "no name"),
    "deep nesting": ("[" * 100, "1:65", "at most 64 levels"),
    "deep mappings": ("{a: " * 100, "1:257", "at most 64 levels"),
    "too long integer": ("a: " + "9" * 4000, "1:4", "too long a"),
    "twenty digits": ("a: " + "9" * 20, "1:4", "at most 19 digits"),
    "too long float": ("a: 0." + "1" * 100, "1:4", "at most 40 characters"),
    "long scalar": ("a: " + "x" * 200_000, "1:4", "200,000 characters; expected at most 4,096"),
    "long quoted scalar": ("a: '" + "x" * 200_000 + "'", "1:4", "200,000 characters"),
    "long key": ("? " + "k" * 200_000 + "\n: 1\n", "1:3", "200,000 characters"),
    "too many values": ("[" + "1," * 30_000 + "]", "1:40000", "at most 20,000"),
    "empty": ("", "1:1", "it is empty"),
    "comments only": ("# nothing\n\n", "1:1", "it is empty"),
    "NUL": ("a: 1\nb: \x00\n", "2:4", "U+0000"),
    "escape": ("a: \x1b[31m\n", "1:4", "U+001B"),
    "lone surrogate": ("a: \ud800\n", "1:4", "U+D800"),
    "tab as indentation": ("a:\n\tb: 1\n", "2:1", "not YAML"),
    "stray colon": ("a: b: c\n", "1:5", "not YAML"),
    "unclosed quote": ("a: 'x\n", "2:1", "not YAML"),
}


@pytest.mark.parametrize("case", BAD_TEXTS)
def test_what_is_not_plain_yaml_is_refused_with_its_place(case: str, refused: Refused) -> None:
    text, line_column, words = BAD_TEXTS[case]
    told = refused(lambda: parse_document(text, "w.yaml"))
    assert told.startswith(f"w.yaml:{line_column}: ")
    assert words in told


@pytest.mark.parametrize(
    "text",
    [
        "a: [1\n",
        ": 2\n",
        "[" * 200_000,
        "%YAML 1.3\n---\na: 1\n",
        f"%YAML {'9' * 5000}.1\n---\n1",
        '"\\UFFFFFFFF"',
        '"\\ud800"',
        "a: %x",
        "'",
    ],
)
def test_broken_yaml_is_refused_whatever_the_parser_says(text: str, refused: Refused) -> None:
    """The two parsers find these at different places, and in different words."""
    assert refused(lambda: parse_document(text, "w.yaml")).startswith("w.yaml")


def test_more_text_than_any_workload_has_is_refused_unread(refused: Refused) -> None:
    assert "expected at most 262,144" in refused(lambda: parse_document("x" * 1_000_000, "--set name"))


def test_a_long_file_name_keeps_its_end(refused: Refused) -> None:
    told = refused(lambda: parse_document("", "/long" * 500 + "/w.yaml"))
    assert told.startswith("…")
    assert "/long/w.yaml:1:1: " in told


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_bytes("\ufeffa: é\n".encode())
    assert plain(read_document(tmp_path / "w.yaml")) == {"a": "é"}


@pytest.mark.parametrize(
    "data, place, words",
    [
        ("a: 1\n".encode("utf-16"), ":1:1", "UTF-16"),
        ("a: 1\n".encode("utf-16-le"), ":1:2", "U+0000"),
        ("a: 1\n".encode("utf-32"), ":1:1", "UTF-32"),
        (b"a: 1\nb: caf\xe9\n", ":2:7", "byte 0xe9 is not UTF-8"),
        (b"\xef\xbb\xbfa: \xff\n", ":1:4", "byte 0xff is not UTF-8"),
        (b"", ":1:1", "empty"),
        (b"a: " + b"x" * 1_000_000, "", "too large; expected at most 256 KiB"),
        (bytes(range(256)), ":3:115", "byte 0x80"),
    ],
)
def test_a_file_that_is_no_such_text_is_refused(
    data: bytes, place: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Refused
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("w.yaml").write_bytes(data)
    told = refused(lambda: read_document("w.yaml"))
    assert told.startswith(f"w.yaml{place}: ")
    assert words in told


@pytest.mark.parametrize(
    "path, words",
    [
        ("missing.yaml", "no such file"),
        ("folder", "it is a directory"),
        ("pipe", "a device or a pipe"),
        ("/dev/zero", "a device or a pipe"),
        ("", "no such file"),
        ("a\0b", "no file name"),
        ("x" * 5000, "file name too long"),
        ("loop", "too many levels"),
    ],
)
def test_what_is_no_file_is_refused_without_waiting(
    path: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Refused
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    os.mkfifo("pipe")
    Path("loop").symlink_to("loop")
    assert words in refused(lambda: read_text(path))
