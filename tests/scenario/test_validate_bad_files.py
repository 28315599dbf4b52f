"""Bad workload files: each is one edit of the good one, refused at the place of the edit, with what was expected."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from perfsim.scenario.validate import load_scenario

Refused = Callable[[Callable[[], object]], str]

pytestmark = pytest.mark.usefixtures("yaml_parser")


def precise(old: str, new: str) -> tuple[str, str]:
    """An edit that puts a precision in place of the replications, itself edited."""
    good = "precision: {metric: pgscan, relative: 2%, max_replications: 40}"
    return "replications: 2", good.replace(old, new)


BAD_EDITS = {
    # what is wrong: (text to replace, its replacement, line and column, words of the message)
    "no mapping at all": ("name: good", "- name: good", None, "not YAML"),
    "name missing": ("name: good", "", "2:1", "the key name is missing; expected for example name: mlock_heavy"),
    "name with a path in it": ("name: good", "name: ../good", "1:7", "letters, digits"),
    "name is a number": ("name: good", "name: 2008", "1:7", "in quotes"),
    "name is empty": ("name: good", "name: ''", "1:7", "an empty text"),
    "name too long": ("name: good", "name: " + "x" * 65, "1:7", "at most 64 characters"),
    "name breaks lines": ("name: good", 'name: "a\\nb"', "1:7", "letters, digits"),
    "unknown section": (
        "memory:",
        "memry:",
        "3:1",
        'unknown key "memry"; expected one of name, .*did you mean "memory"',
    ),
    "key in the wrong section": ("{pages_per_node", "{cpus: 4, pages_per_node", "3:10", 'did you mean "machine.cpus"'),
    "key without its section": ("name: good", "name: good\nwarmup: 1ms", "2:1", 'did you mean "measure.warmup"'),
    "merge key": ("{profile: x86_64", "{<<: {}, profile: x86_64", "2:11", 'unknown key "<<"'),
    "duplicate section": ("measure:", "machine: {}\nmeasure:", "9:1", "first is at line 2, column 1"),
    "duplicate key": ("cpus: 4,", "cpus: 4, cpus: 8,", "2:37", 'duplicate key "cpus"; the first is at line 2'),
    "section without a value": ("{pages_per_node: 1024, mlocked_fraction: 0.5}", "", "3:8", "nothing where a mapping"),
    "section is a list": ("{profile: x86_64, cpus: 4, nodes: 2}", "[x86_64]", "2:10", "the keys profile, cpus, nodes"),
    "profile missing": ("{profile: x86_64, ", "{", "2:10", "the key profile is missing"),
    "profile is no file": ("profile: x86_64", "profile: ../../etc/passwd", "2:20", "neither name nor .yaml file"),
    "profile is empty": ("profile: x86_64", "profile: ''", "2:20", "an empty text; expected a name"),
    "profile absurdly long": ("profile: x86_64", "profile: " + "p" * 4000, "2:20", r"\(4,000 characters\)"),
    "profile path absurdly long": ("profile: x86_64", f"profile: {'p' * 2000}.yaml", "2:20", "neither name"),
    "profile with an escape": ("profile: x86_64", 'profile: "a\\0b.yaml"', "2:20", "neither name"),
    "profile is a list": ("profile: x86_64", "profile: [x86_64]", "2:20", "a list where text belongs"),
    "profile is a number": ("profile: x86_64", "profile: 86", "2:20", "in quotes"),
    "cpus zero": ("cpus: 4", "cpus: 0", "2:34", "from 1 to 1,024"),
    "cpus negative": ("cpus: 4", "cpus: -4", "2:34", "-4 is out of range"),
    "cpus too many": ("cpus: 4", "cpus: 1025", "2:34", "from 1 to 1,024"),
    "cpus a fraction": ("cpus: 4", "cpus: 4.0", "2:34", "4.0 is no whole number"),
    "cpus a truth value": ("cpus: 4", "cpus: true", "2:34", "true is no whole number"),
    "cpus a text": ("cpus: 4", "cpus: '4'", "2:34", "without quotes"),
    "cpus not a number": ("cpus: 4", "cpus: .nan", "2:34", "nan is no whole number"),
    "cpus infinite": ("cpus: 4", "cpus: .inf", "2:34", "inf is no whole number"),
    "cpus of 30 digits": ("cpus: 4", "cpus: " + "9" * 30, "2:34", "at most 19 digits"),
    "cpus nothing": ("cpus: 4", "cpus: ", None, "nothing is no whole number"),
    "nodes too many": ("nodes: 2", "nodes: 65", "2:44", "from 1 to 64"),
    "memory in bytes": ("1024", "4GiB", "3:26", "from 64 to 2,147,483,648"),
    "memory absurd": ("1024", "2147483649", "3:26", "out of range"),
    "memory tiny": ("1024", "63", "3:26", "out of range"),
    "fraction above one": ("0.5}", "1.5}", "3:50", "expected a fraction from 0 to 1"),
    "fraction negative": ("0.5}", "-0.5}", "3:50", "out of range"),
    "fraction not a number": ("0.5}", ".NaN}", "3:50", "nan is not finite"),
    "fraction infinite": ("0.5}", "1e999}", "3:50", "inf is not finite"),
    "fraction in quotes": ("0.5}", "'0.5'}", "3:50", "bare number from 0 to 1, or a percentage such as 50%"),
    "fraction a truth value": ("0.5}", "false}", "3:50", "false is no fraction"),
    "fraction a list": ("0.5}", "[0.5]}", "3:50", "a list is no fraction"),
    "fraction too fine": ("0.5}", "0.50000001}", "3:50", "finer than a millionth"),
    "memcg of YAML 1.1": ("memcg: true", "memcg: on", "4:45", '"on" is no truth value; expected true or false'),
    "drain_all a number": ("drain_all: once", "drain_all: 2", "4:62", "2 where text belongs; expected one of never"),
    "drain_all unknown": ("drain_all: once", "drain_all: one", "4:62", r'"one" is unknown.*did you mean "once"'),
    "designs empty": ("[lock_page, redo]", "[]", "4:19", "an empty list"),
    "designs a text": ("[lock_page, redo]", "redo", "4:19", r"a list of designs such as \[lock_page, redo\]"),
    "design twice": ("[lock_page, redo]", "[redo, redo]", "4:26", 'duplicate design "redo"'),
    "design is no file": ("[lock_page, redo]", "[../../etc/passwd]", "4:20", "neither name nor .py file"),
    "warmup without unit": ("warmup: 1ms", "warmup: 1", "9:19", "1 has no unit; expected a duration such as 20ns"),
    "warmup negative": ("warmup: 1ms", "warmup: -1ms", "9:19", '"-1ms" is negative'),
    "warmup by another word": (
        "warmup: 1ms",
        "warmup: Auto",
        "9:19",
        '"Auto" is no duration; expected one such as 2ms, or auto',
    ),
    "warmup nothing": ("warmup: 1ms", "warmup: ", None, "nothing is no duration"),
    "duration auto": ("duration: 2ms", "duration: auto", "9:34", "expected"),
    "duration zero": ("duration: 2ms", "duration: 0s", "9:34", "measures nothing; expected for example 20ms"),
    "duration of weeks": ("duration: 2ms", "duration: 999999s", "9:34", "expected at most 3600s"),
    "duration infinite": ("duration: 2ms", "duration: .inf", "9:34", "inf is no duration"),
    "duration beyond 64 bits": ("duration: 2ms", "duration: 99999999999s", "9:34", "too large"),
    "duration in parsecs": ("duration: 2ms", "duration: 2pc", "9:34", 'unknown unit "pc"; expected one of ps, ns'),
    "duration drawn": ("duration: 2ms", "duration: {exponential: 2ms}", "9:34", "a mapping is no duration"),
    "duration below a picosecond": ("duration: 2ms", "duration: 0.0001ns", "9:34", "no whole number of ps"),
    "precision of nothing": ("replications: 2", "precision: {relative: 2%}", "13:14", "metric is missing"),
    "precision without a width": ("replications: 2", "precision: {metric: x}", "13:14", "relative is missing"),
    "precision without an end": (
        "replications: 2",
        "precision: {metric: x, relative: 2%}",
        "13:14",
        "max_replications is missing; expected for example max_replications: 40",
    ),
    "precision misspelt": ("replications: 2", "precision: {metrik: x}", "13:15", 'did you mean "metric"'),
    "precision elsewhere": ("seed: 1", "relative: 2%", "14:3", 'did you mean "sweep.precision.relative"'),
    "precision a figure": ("replications: 2", "precision: 2%", "13:14", "the keys metric, relative, max_replications"),
    "width without unit": (*precise("relative: 2%", "relative: 2"), "13:41", "2 has no unit; expected a percentage"),
    "width in quotes": (*precise("2%", "'0.02'"), "13:41", '"0.02" has no unit; expected a percentage such as 2%'),
    "width of nothing": (*precise("2%", "0%"), "13:41", "no interval is as narrow as 0%; expected more, such as 2%"),
    "width negative": (*precise("2%", "-2%"), "13:41", '"-2%" is out of range'),
    "width a truth value": (*precise("2%", "true"), "13:41", "true is no percentage; expected a percentage such as 2%"),
    "metric a number": (*precise("pgscan", "5"), "13:23", "5 where text belongs; expected a result column"),
    "fewer at most than at first": (*precise("40", "9"), "13:63", r"9 are fewer than the first ones, 10 \(sweep.repl"),
    "no more than none": (*precise("40", "0"), "13:63", "from 1 to 10,000"),
    "too few at first": (*precise("40}", "40}\n  replications: 4"), "14:17", "4 say too little .* expected 5 or more"),
    "replications zero": ("replications: 2", "replications: 0", "13:17", "from 1 to 10,000"),
    "replications too many": ("replications: 2", "replications: 10001", "13:17", "from 1 to 10,000"),
    "seed negative": ("seed: 1", "seed: -1", "14:9", "out of range"),
    "seed too long": ("seed: 1", "seed: 9223372036854775808", "14:9", "out of range"),
    "axis unknown": ("machine.cpus:", "machine.cpu:", "12:5", 'unknown key "machine.cpu".*did you mean "machine.cpus"'),
    "axis of a task unknown": ("machine.cpus:", "tasks.lokers.hold:", "12:5", 'did you mean "tasks.lockers.hold"'),
    "axis of another kind's key": ("machine.cpus:", "tasks.kswapd.hold:", "12:5", "unknown key"),
    "axis of the sweep": ("machine.cpus:", "sweep.seed:", "12:5", '"sweep.seed" cannot vary'),
    "axis of names": ("machine.cpus:", "name:", "12:5", '"name" cannot vary'),
    "axis of designs": ("machine.cpus:", "kernel.designs:", "12:5", "every point runs all designs"),
    "axis of one value": ("[1, 4]", "4", "12:19", "4 where a list belongs"),
    "axis without values": ("[1, 4]", "[]", "12:19", "an empty list"),
    "axis with a bad value": ("[1, 4]", "[1, 0]", "12:23", "machine.cpus: 0 is out of range"),
    "axis with a value twice": ("[1, 4]", "[4, 1, 4]", "12:26", 'value "4"; the first is at line 12, column 20'),
    "axis with a list": ("[1, 4]", "[1, [4]]", "12:23", "a list where one value"),
    "axis with nothing": ("[1, 4]", "[1, ~]", "12:23", "nothing where one value"),
    "axes a list": ("\n    machine.cpus: [1, 4]", " [machine.cpus]", "11:9", "lists of values by dotted key"),
    "no such metric": ("putback_per_s", "Putback-per-s", "16:3", "expected a result column"),
    "rule is a number": ("{max_regression: 3%}", "3%", "16:18", "the keys max_regression"),
    "rule without figure": ("{max_regression: 3%}", "{}", "16:18", "max_regression is missing"),
    "rule above all": ("3%", "300%", "16:35", "out of range"),
    "rule misspelt": ("max_regression", "max_regresion", "16:19", 'did you mean "max_regression"'),
    "range larger than a node": (
        "hold: 100us",
        "range_pages: 1025, hold: 100us",
        "7:59",
        "memory.pages_per_node, 1,024",
    ),
    "too many tasks": ("share: 50%", "count: 65536", "6:3", "65,542 tasks in all; expected at most 65,536"),
    "more kswapds than nodes": ("kind: kswapd", "kind: kswapd, count: 3", "6:41", "3 kswapds, .* at most one a node"),
    "kswapd that nobody wakes": (
        "kind: mlock, share: 50%, hold",
        "kind: lock_loop, hold",
        "6:5",
        "tasks.kswapd: nothing to do, for no task allocates pages",
    ),
    "a second kswapd": (
        "kind: lock_loop, think: 900ns, hold: {uniform: [10us, 30us]}",
        "kind: kswapd",
        "8:5",
        "one group",
    ),
    "target node that is not there": (
        "kind: mlock, share: 50%, hold: 100us,",
        "kind: migrate, share: 50%, target_node: 2,",
        "7:61",
        "no node 2, for the machine has 2 nodes; expected a whole number from 0 to 1, or next",
    ),
    "page size that is no power of two": (
        "memcg: true",
        "page_size: 12KiB",
        "4:49",
        "a power of two from 4KiB to 64KiB",
    ),
    "page size too small": ("memcg: true", "page_size: 2KiB", "4:49", "a power of two from 4KiB to 64KiB"),
    "page size too large": ("memcg: true", "page_size: 128KiB", "4:49", "a power of two from 4KiB to 64KiB"),
    "page size without unit": (
        "memcg: true",
        "page_size: 4096",
        "4:49",
        "4096 has no unit; expected a size such as 16KiB",
    ),
    "page size in durations": ("memcg: true", "page_size: 4us", "4:49", 'unknown unit "us"'),
    "page size a list": (
        "memcg: true",
        "page_size: [4KiB]",
        "4:49",
        "a list is no size; expected a size such as 16KiB",
    ),
    "pagevec of nothing": ("memcg: true", "pagevec_size: 0", "4:52", "from 1 to 15"),
    "pagevec too large": ("memcg: true", "pagevec_size: 16", "4:52", "16 is out of range; .* from 1 to 15"),
    "pagevec in bytes": ("memcg: true", "pagevec_size: 14B", "4:52", '"14B" is no whole number'),
    "batch of nothing": ("memcg: true", "swap_cluster_max: 0", "4:56", "from 1 to 256"),
    "batch too large": ("memcg: true", "swap_cluster_max: 257", "4:56", "from 1 to 256"),
    "wait table too small": ("memcg: true", "wait_table_size: 2", "4:55", "from 4 to 4,096"),
    "wait table too large": ("memcg: true", "wait_table_size: 8192", "4:55", "from 4 to 4,096"),
    "wait table of odd size": ("memcg: true", "wait_table_size: 48", "4:55", "48 is no power of two; expected a power"),
    "min_free without unit": ("memcg: true", "min_free: 4096", "4:48", "has no unit; expected a size such as 4MiB"),
    "min_free of nothing": ("memcg: true", "min_free: 0B", "4:48", "a whole number of KiB, at least 1KiB"),
    "min_free of bytes": ("memcg: true", "min_free: 1000B", "4:48", "a whole number of KiB, at least 1KiB"),
    "min_free negative": ("memcg: true", "min_free: -4MiB", "4:48", '"-4MiB" is negative'),
    "kernel option misspelt": ("memcg: true", "pagevecsize: 14", "4:38", 'did you mean "pagevec_size"'),
    "kernel option elsewhere": (
        "drain_all: once}",
        "drain_all: once}\npage_size: 4KiB",
        "5:1",
        'did you mean "kernel.page_size"',
    ),
    "too many points": ("[1, 4]", str(list(range(10_001))), "12:19", "at most 10,000"),
    "too many runs": (
        "[1, 4]\n  replications: 2",
        f"{list(range(1, 52))}\n  replications: 10000",
        "11:3",
        r"1,020,000 runs .* at most 1,000,000",
    ),
    "object tag": ("name: good", "name: !!python/name:os.system x", "1:7", "no object tags"),
    "alias bomb": ("name: good", "name: &a [x]\nb: &b [*a, *a]", "1:7", "no aliases"),
    "deep nesting": ("name: good", "name: " + "[" * 80, "1:70", "at most 64 levels"),
    "megabyte of a scalar": ("name: good", "name: " + "x" * 1_000_000, "", "too large; expected at most 256 KiB"),
    "long scalar": ("name: good", "name: " + "x" * 250_000, "1:7", "250,000 characters"),
    "control character": ("name: good", "name: \x07", "1:7", r"U\+0007"),
    "second document": ("sweep:", "---\nsweep:", "10:1", "second document"),
}


@pytest.mark.parametrize("case", BAD_EDITS)
def test_a_bad_file_is_refused_where_it_is_bad(case: str, good_file: str, good_text: str, refused: Refused) -> None:
    old, new, line_column, words = BAD_EDITS[case]
    assert good_text.count(old) >= 1
    Path(good_file).write_text(good_text.replace(old, new, 1), encoding="utf-8")
    told = refused(lambda: load_scenario(good_file))
    assert told.startswith(f"w.yaml:{line_column}: " if line_column else "w.yaml:")
    assert re.search(words, told)


@pytest.mark.parametrize("text", ["[]", "5", "text", "~", "20us", "- a\n- b\n"])
def test_a_document_that_is_no_mapping_is_refused(text: str, good_file: str, refused: Refused) -> None:
    Path(good_file).write_text(text, encoding="utf-8")
    told = refused(lambda: load_scenario(good_file))
    assert told.startswith("w.yaml:1:1: ")
    assert "where a mapping belongs; expected the keys name, machine" in told


@pytest.mark.parametrize("size", [0, 1, 50, 100, 150, 230, 300, 400])
def test_a_workload_cut_off_anywhere_is_refused(size: int, good_file: str, good_text: str, refused: Refused) -> None:
    """None of these sizes ends behind the last task, from where on a workload is whole."""
    Path(good_file).write_text(good_text[:size], encoding="utf-8")
    assert refused(lambda: load_scenario(good_file)).startswith("w.yaml:")
