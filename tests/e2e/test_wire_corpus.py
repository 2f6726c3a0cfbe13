"""What tests/wire says is taken as it stands or refused; a slip of the pen is not a test that passes."""

import pytest

from rig import wire_corpus

pytestmark = pytest.mark.demo_only

GOOD = r"""
class: things
about: the least that a file may say
cases:
  - name: a case
    source: RFC 9112
    sends: "GET /passed/CASE/ HTTP/1.1\r\nHost: a\r\n\r\n"
    answers: [200]
    then: open
    reached: as sent
"""

SLIPS = {
    "an unknown key of a case": ("then: open", "then: open\n    reachd: nothing"),
    "a key given twice": ("then: open", "then: open\n    then: closed"),
    "a missing key": ("    reached: as sent\n", ""),
    "an unknown key of the file": ("about:", "abuot:"),
    "an unknown word": ("as sent", "as it was sent"),
    "an unknown key of an answer": ("[200]", "[{status: 200, boddy: x}]"),
    "an answer without status": ("[200]", "[{body: x}]"),
    "a `cut off` that says no": ("[200]", "[{status: 200, cut off: false}]"),
    "an open connection behind an answer that was cut off": ("[200]", "[{status: 200, cut off: true}]"),
    "an unknown client": ("then: open", "then: open\n    client: friend"),
    "an unknown key of the origin": ("then: open", "then: open\n    origin: {sends: x, thrown away: true}"),
    "an innocent who asks for another URL": ("then: open", "then: open\n    innocent: GET /"),
    "a text that is not bytes": ("Host: a", "Host: \\u20ac"),
    "a name that says nothing": ("name: a case", "name: ''"),
    "`never whole` where the connection must be open": ("[200]", "never whole"),
    "YAML that is none": ("[200]", "[200"),
    "a number of times that is none": ("as sent", "[{repeat: x, times: many}]"),
}


def load(text, folder):
    file = folder / "things.yaml"
    file.write_text(text)
    return wire_corpus.load(folder)


def test_the_least_a_file_may_say(tmp_path):
    case, = load(GOOD, tmp_path)
    assert case.bytes_reached == [case.bytes_sent] and len(case.slug) == len("CASE")
    assert case.bytes_sent == b"GET /passed/" + case.slug + b"/ HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_refused(tmp_path, slip):
    right, wrong = SLIPS[slip]
    assert right in GOOD
    with pytest.raises(wire_corpus.Malformed, match="things.yaml"):
        load(GOOD.replace(right, wrong), tmp_path)


def test_a_name_given_to_two_cases_is_refused(tmp_path):
    case = GOOD[GOOD.index("  - name"):]
    with pytest.raises(wire_corpus.Malformed, match="two cases"):
        load(GOOD + case, tmp_path)


def test_a_folder_without_a_corpus_is_refused(tmp_path):
    with pytest.raises(wire_corpus.Malformed, match="no corpus"):
        wire_corpus.load(tmp_path)


def test_the_lines_of_the_files_and_the_loaded_cases_are_as_many():
    loaded = {(case.corpus_class, case.number) for case in wire_corpus.load()}
    assert len(loaded) == sum(wire_corpus.count().values())
    assert len({case.id for case in wire_corpus.load()}) == len(wire_corpus.load())
