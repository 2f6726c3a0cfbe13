"""Every case of tests/wire against the built binary: the client's bytes, the origin's bytes, and what others get.

One Larder for clients that are strangers and one for trusted hops, one origin for both. Each case has URLs of
its own and is looked at from all sides: what the client sees, whether its connection is in step afterwards,
each byte that reached the origin, whether Larder's connections to the origin are in step, and, where the
case names an innocent, that somebody else's request for the same URL gets what it would have got without.
"""

import re
from collections import Counter

import pytest

from rig import wire_corpus
from rig.waiting import eventually
from rig.wire_client import Client
from rig.wire_corpus import NEVER_WHOLE, NO_WHOLE_REQUEST, NOTHING
from rig.wire_origin import WireOrigin, joined_chunks, values_of
from rig.wire_runner import check_connection, converse, probe, start_larders, stop_larders

CASES = wire_corpus.load()

# Written by Larder on every request; left out of the comparison unless the case names them itself.
OWN_LINES = (b"X-Forwarded-For", b"X-Forwarded-Proto", b"X-Forwarded-Host", b"Via", b"X-Request-ID")
# Written by Larder on a fill, which says nothing of the client's; left out likewise.
OWN_FILL_LINES = (b"Accept-Encoding: identity\r\n", b"User-Agent: larder\r\n")
# What differs between a stored response and the same one passed on, and from second to second. The length of
# a mirrored request differs with it; that content is as long as its length says, the client has seen.
MOMENTARY = {"age", "date", "cache-status", "x-cache-status", "content-length", "x-request-id"}


@pytest.fixture(scope="module")
def origin():
    server = WireOrigin()
    yield server
    server.close()


@pytest.fixture(scope="module")
def larders(origin, logs, tmp_path_factory):
    started = start_larders(origin.url, tmp_path_factory.mktemp("wire"), logs)
    yield started
    stop_larders(started)


@pytest.fixture(scope="module")
def seen():
    """How many cases of each class were run."""
    return Counter()


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_wire(case, larders, origin, seen, request):
    larder = larders[case.client]
    request.node.larder_logs = [larder.process.log]
    origin.begin([_filled_in(case, reply) for reply in case.origin])
    with Client(larder.url) as client:
        answers, cut_off = converse(client, case)
        origin.client_is_done()
        check_answers(case, answers, cut_off)
        origin.wait_for_closed()
        check_connection(case, client)
    settle(larder, origin)
    check_reached(case, origin)
    if case.innocent:
        check_innocent(case, larder, origin)
    if case.on in (None, "passed on"):
        seen[case.corpus_class] += 1


def test_every_case_of_every_file_was_run(seen, request, capsys):
    counted = wire_corpus.count()
    with capsys.disabled():
        print("\n" + wire_corpus.format_count(counted))
    chosen = [item for item in request.session.items if item.name.startswith("test_wire[")]
    if len(chosen) < len(CASES) or request.session.testsfailed:
        pytest.skip("only a part of the corpus was run to its end")
    assert seen == counted


# --- the client's side ---

def check_answers(case, answers, cut_off):
    if case.answers == NEVER_WHOLE:
        final = answers[-1] if answers else None
        assert cut_off or final is None or final.status == 502, f"a whole answer: {final}"
        return
    got = [answer.status if answer else "the end" for answer in answers]
    assert got == [answer.status for answer in case.answers], answers
    assert cut_off == (bool(case.answers) and case.answers[-1].is_cut_off), f"cut off or not: {answers[-1]}"
    for answer, expected in zip(answers, case.answers):
        whole = answer.head + answer.body
        if expected.body is not None:
            assert answer.body == case.fill_in(expected.body)
        for part in expected.contains:
            assert case.fill_in(part) in whole
        for part in expected.lacks:
            assert case.fill_in(part) not in whole
        if expected.cache:
            assert answer.values("x-cache-status") == [expected.cache.encode()]


# --- the origin's side ---

def _filled_in(case, reply):
    return wire_corpus.Reply(tuple(case.fill_in(part) for part in reply.parts), reply.after,
                             case.fill_in(reply.later), reply.ends, reply.awaits_close)


def settle(larder, origin):
    """Uses up the connections that Larder has kept: each must give a request its own answer."""
    def is_settled():
        if origin.has_open_connections():
            with Client(larder.url) as client:
                probe(client)
        return not origin.has_open_connections()

    eventually(is_settled, "no connection to the origin is left", every=0.001)


def without_own_lines(request, expected):
    """A request without what Larder has to add to it; that this is there, and right, is checked."""
    head, _, content = request.partition(b"\r\n\r\n")
    head += b"\r\n"
    host = values_of(head, b"host")
    right = {b"X-Forwarded-For": [b"127.0.0.1"], b"X-Forwarded-Proto": [b"http"], b"X-Forwarded-Host": host}
    for name in OWN_LINES:
        if re.search(rb"(?im)^" + name + rb":", expected):
            continue
        values = values_of(head, name)
        assert len(values) == 1 and values[0] and values == right.get(name, values), f"{name} in {request!r}"
        assert name != b"X-Request-ID" or re.fullmatch(rb"[0-9a-f]{32}", values[0]), f"one of Larder's own: {request!r}"
        head = re.sub(rb"(?im)^" + name + rb":[^\r\n]*\r\n", b"", head)
    for line in OWN_FILL_LINES:
        if line not in expected:
            head = head.replace(line, b"")
    return head + b"\r\n" + content


def is_of_another(case, data):
    return case.slug not in data and re.search(rb"/[wt][a-z][0-9a-f]{2}[/ ]", data)


def check_reached(case, origin):
    # The beginning of a request may also be the case's before, whose connection has only now been seen to end.
    arrived = [request for request in origin.arrived() if request.is_whole or not is_of_another(case, request.data)]
    assert not origin.errors, origin.errors
    if case.reached == NOTHING:
        assert arrived == []
        return
    if case.reached == NO_WHOLE_REQUEST:
        assert not [request for request in arrived if request.is_whole]
        return
    expected = case.bytes_reached
    assert all(request.is_whole for request in arrived), arrived
    got = [joined_chunks(request.data) for request in arrived]
    assert len(got) == len(expected), got
    for request, wanted in zip(got, expected):
        assert without_own_lines(request, wanted) == wanted


# --- the others ---

def check_innocent(case, larder, origin):
    """What somebody else gets for the same URL is what he gets for a URL that nobody has touched."""
    origin.begin()
    after_the_case, untouched = (ask(larder, case.fill_in(case.innocent, slug))
                                 for slug in (case.slug, case.twin_slug))
    settle(larder, origin)
    assert not origin.errors, origin.errors
    touched = {name: [value.replace(case.slug, case.twin_slug) for value in values]
               for name, values in after_the_case[2].items()}
    assert after_the_case[0] == untouched[0] == 200
    assert mirrored(after_the_case[1].replace(case.slug, case.twin_slug)) == mirrored(untouched[1])
    assert touched == untouched[2]


def ask(larder, request):
    with Client(larder.url) as client:
        client.send(request)
        answer = client.read(request.split(b" ")[0])
        assert answer, "the innocent got no answer"
        fields = {}
        for name, value in answer.fields:
            if name not in MOMENTARY:
                fields.setdefault(name, []).append(value)
        return answer.status, answer.body, fields


def mirrored(body):
    """The lines of a mirrored request, but those that tell a fill from a request passed on, and whose it was."""
    for line in OWN_FILL_LINES:
        body = body.replace(line, b"")
    of_one = re.compile(rb"X-Forwarded-For: [0-9., ]+|X-Request-ID: [0-9a-f]{32}")
    return sorted(line for line in body.split(b"\r\n") if not of_one.fullmatch(line))
