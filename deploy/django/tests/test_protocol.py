"""The protocol, by the files that Larder's C++ tests hold themselves to (tests/golden/protocol-1)."""

import re
from pathlib import Path

import pytest

from larder_django import protocol, tags

FOLDER = Path(__file__).resolve().parents[3] / "tests" / "golden" / "protocol-1"


def rows_of(name):
    lines = (FOLDER / name).read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("row", rows_of("tags.txt"))
def test_what_an_eviction_comes_to(row):
    asked, _, told = row.partition(" = ")
    what, _, text = asked.partition(" ")
    expected = told.split()
    made = {
        "resource": lambda: tags.tags_of_response(text)[:1],
        "response": lambda: sorted(tags.tags_of_response(text)),
        "url": lambda: tags.tags_of_resource(tags.path_of(text)),
        "prefix": lambda: tags.tags_of_prefix(tags.path_of(text)),
        "write": lambda: tags.tags_of_write(text),
        "tag": lambda: [tags.named_tag(text)],
        "rule": lambda: [tags.rule_tag(text)],
        "all": lambda: [tags.EVERYTHING],
    }[what]()
    assert made == expected
    if what == "resource":
        assert set(expected) <= set(tags.tags_of_resource(text))


@pytest.mark.parametrize("row", rows_of("keys.txt"))
def test_the_keys_of_tags(row):
    named, _, keys = row.partition(" = ")
    assert protocol.stamp_keys(named.split()) == keys.split()


def test_the_script_and_its_call():
    assert protocol.END_SCRIPT == (FOLDER / "end.lua").read_text()
    for row, settle_ms in zip(rows_of("call.txt"), (0, 1500)):
        verb, sha1, count, *rest = row.split()
        keys, arguments = rest[:int(count)], rest[int(count):]
        assert (verb, sha1) == ("EVALSHA", protocol.END_SHA1)
        made = [str(argument) for argument in protocol.end_arguments(keys, settle_ms)]
        assert len(made) == len(arguments)
        for word, expected in zip(made, arguments):
            if expected == "STAMP":
                assert re.fullmatch("[0-9a-f]{16}", word) and set(word) != {"0"}
            else:
                assert word == ("" if expected == "''" else expected)


def test_partitions():
    assert protocol.PARTITIONS == 16
    assert protocol.roots(is_cluster=True)[5] == "larder:1:{5}:"
    assert protocol.roots(is_cluster=False) == ["larder:1:"]


def test_everything_is_what_is_below_the_root_and_the_root():
    assert protocol.stamp_keys(["e:", "t:x"]) == [f"larder:1:s:{tag}" for tag in ("n:", "b:/", "p:/", "t:x")]


@pytest.mark.parametrize("path, expected", [
    ("/" + "a" * 510 + "/", ["b:/", "p:/"]),
    ("/api/" + "a" * 600 + "/b/", ["b:/api", "p:/", "p:/api"]),
    ("/a" * 22, None),  # the deepest that is stored
    ("/a" * 23, []),
], ids=["a name that Larder hashes", "below a collection", "deep", "too deep"])
def test_what_larder_hashes_or_does_not_store(path, expected):
    made = tags.tags_of_write(path)
    if expected is None:
        assert len([tag for tag in made if tag.startswith("p:")]) == 23
    elif expected == []:
        assert tags.tags_of_resource(path) == []
    else:
        assert made == expected
