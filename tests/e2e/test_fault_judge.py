"""The judge of test_random_faults: what it finds wrong, and what it excuses, in histories that are made up."""

import pytest

from rig.fault_history import (BLIND_TRUST, GIVEN_UP, HEARTBEAT, LEASE, Commit, History, Read, Rules, Said, Span,
                               Write)
from rig.fault_judge import wrongs
from rig.fault_rules import VARIANTS
from rig.fault_users import person_of

pytestmark = pytest.mark.demo_only

HERE, ELSEWHERE = (0, 1), (1, 1)
WRITTEN = 10.0  # when the write was answered; its commit is version 2


def read(via, sent, path="/things/1/", version=1, **more):
    one = Read(1, via, "GET", path, sent)
    one.answered, one.status, one.complete = sent + 0.1, 200, True
    one.fields = {"x-answer": str(version), "x-version": str(version), "age": "0", "x-cache-status": "HIT",
                  "cache-status": "larder; hit"}
    one.body = b"answer %d" % version
    one.fields.update(more.pop("fields", {}))
    for name, value in more.items():
        setattr(one, name, value)
    return one


def is_wrong(one, path="/things/1/", history=None, path_of_write=None, **more):
    """Is it, when the origin said versions 1 and 2 of the path, and one write made the latter?"""
    history = history or History()
    history.said = {number: Said(path, number, number, b"answer %d" % number) for number in (1, 2)}
    write = Write(1, HERE, "PUT", path_of_write or path, 8.0)
    write.commits, write.status, write.answered, write.is_deferred = [Commit(9.0, 2, {path})], 200, WRITTEN, False
    for name, value in more.items():
        setattr(write, name, value)
    history.writes, history.reads = [write], [one]
    return wrongs(history)


DEFERRED = {"is_deferred": True}
KILLED = {"status": None, "answered": None, "over": WRITTEN, "is_leased": True}
LAPSED = WRITTEN + LEASE * 1.25
MISS = {"x-cache-status": "MISS", "cache-status": "larder; fwd=uri-miss; stored"}
JOINED = {"fields": {"x-cache-status": "MISS",
                     "cache-status": "larder; fwd=uri-miss; collapsed; detail=store-unavailable"}}
STRICT = "/strict/1/"


@pytest.mark.parametrize("one, write, expected", [
    (read(HERE, WRITTEN), {}, True),
    (read(HERE, WRITTEN - 0.001), {}, False),
    (read(HERE, WRITTEN, version=2), {}, False),
    (read(HERE, WRITTEN), DEFERRED, True),
    (read((0, 2), WRITTEN), {}, False),
    (read(ELSEWHERE, WRITTEN + HEARTBEAT - 0.001), {}, False),
    (read(ELSEWHERE, WRITTEN + HEARTBEAT), {}, True),
    (read(ELSEWHERE, WRITTEN, STRICT), {}, True),
    (read(ELSEWHERE, WRITTEN - 0.001, STRICT), {}, False),
    (read(ELSEWHERE, WRITTEN + BLIND_TRUST - 0.001, STRICT, **JOINED), {}, False),
    (read(ELSEWHERE, WRITTEN + BLIND_TRUST, STRICT, **JOINED), {}, True),
    (read(HERE, WRITTEN, **JOINED), {}, True),
    (read(ELSEWHERE, WRITTEN + 100), DEFERRED, False),
    (read(ELSEWHERE, LAPSED, STRICT), {**DEFERRED, "is_leased": True, "over": WRITTEN}, True),
    (read(ELSEWHERE, LAPSED - 0.001, STRICT), {**DEFERRED, "is_leased": True, "over": WRITTEN}, False),
    (read(HERE, WRITTEN), {"status": 502}, True),
    (read(HERE, WRITTEN), {"status": 409}, False),
    (read(ELSEWHERE, LAPSED + HEARTBEAT), KILLED, True),
    (read(ELSEWHERE, LAPSED + HEARTBEAT - 0.001), KILLED, False),
    (read(ELSEWHERE, LAPSED, STRICT), KILLED, True),
    (read(ELSEWHERE, LAPSED + 100), {**KILLED, "is_leased": False}, False),
    (read(HERE, WRITTEN, version=2, body=b"answer"), {}, True),
    (read(HERE, WRITTEN, version=2, body=b"answer 1"), {}, True),
    (read(HERE, WRITTEN, version=2, complete=False), {}, True),
    (read(HERE, WRITTEN, version=2, status=206, body=b"answer 2"[:10]), {}, False),
    (read(HERE, WRITTEN, version=2, status=502), {}, True),
    (read(HERE, WRITTEN, version=2, target="/things/1/?page=2"), {}, True),
    (read(HERE, WRITTEN, version=3), {}, True),
    (read(HERE, WRITTEN, status=304, known='"version 1"', fields={"etag": '"version 1"'}), {}, True),
    (read(HERE, WRITTEN, status=304, known='"version 2"', fields={"etag": '"version 2"'}), {}, False),
    (read(HERE, WRITTEN, status=304, known='"version 1"', fields={"etag": '"version 2"'}), {}, True),
])
def test_the_judge_knows_what_is_promised_and_no_more(one, write, expected):
    assert bool(is_wrong(one, one.path, **write)) == expected


def test_the_judge_knows_when_an_eviction_was_delivered():
    history = History()
    history.delivered = [(HERE, WRITTEN - 1, WRITTEN - 0.9), (ELSEWHERE, WRITTEN, WRITTEN), (HERE, 11.0, 12.0)]
    assert not is_wrong(read(ELSEWHERE, 11.999, STRICT), STRICT, history, **DEFERRED)
    assert is_wrong(read(ELSEWHERE, 12.0, STRICT), STRICT, history, **DEFERRED)


def test_the_judge_excuses_what_fails_where_something_went_wrong():
    for broken in ({"status": 502}, {"complete": False}, {"status": None, "complete": False}):
        history = History()
        history.troubles = [("/things/1/", Span(19.0, 20.0))]
        assert is_wrong(read(HERE, 15.0, **broken), history=history)
        assert not is_wrong(read(HERE, 19.5, **broken), history=history)
    history = History()
    history.away = [(0, Span(19.0, 20.0))]
    assert not is_wrong(read(HERE, 19.5, status=None, complete=False), history=history)
    assert is_wrong(read(ELSEWHERE, 19.5, status=None, complete=False), history=history)


# --- whose, and of which meaning ---

MINE = "/mine/1/"


def is_wrong_of(one, said, **more):
    """Is it, when this is what the origin said?"""
    history = History()
    history.said, history.reads = {1: said}, [one]
    for name, value in more.items():
        setattr(history, name, value)
    return wrongs(history)


def asked(path=MINE, who="Ada", at=5.0, fields=MISS, **more):
    one = read(HERE, at, path, fields=fields, who=who, **more)
    one.person, one.known = person_of(who), None
    return one


def said(path=MINE, person="Ada", at=4.0, **more):
    return Said(path, 1, at, b"answer 1", person=person, **more)


BYPASS = {"x-cache-status": "BYPASS", "cache-status": "larder; fwd=bypass; detail=no-identity"}
FORGED = "who forges Ada"


@pytest.mark.parametrize("one, answer, expected", [
    (asked(), said(), False),
    (asked(fields={}), said(), False),
    (asked(who="Ada, by another token", fields={}), said(), False),
    (asked(who="Ben", fields={}), said(), True),
    (asked(who="Ben"), said(), True),
    (asked(who=FORGED, fields={}), said(), True),
    (asked(who=FORGED, fields=BYPASS), said(person=FORGED), False),
    (asked(who=FORGED), said(person=FORGED), True),  # looked up, for one who cannot be told
    (asked(who="nobody", fields=BYPASS), said(), True),
    # For everyone nobody is asked; whoever is passed on gets an answer of their own.
    (asked("/things/1/", fields={}), said("/things/1/", "nobody"), False),
    (asked("/things/1/", fields={}), said("/things/1/"), True),
    (asked("/things/1/", fields=BYPASS), said("/things/1/"), False),
    (asked("/things/1/", fields=BYPASS), said("/things/1/", "Ben"), True),
    (asked("/moody/1/", "nobody"), said("/moody/1/", "nobody", is_for_one=True), False),
    (asked("/moody/1/", "nobody", fields={}), said("/moody/1/", "nobody", is_for_one=True), True),
    (asked("/varied/1/", "nobody", kind="a"), said("/varied/1/", "nobody", kind="a"), False),
    (asked("/varied/1/", "nobody", kind="b"), said("/varied/1/", "nobody", kind="a"), True),
    (asked("/varied/1/", "nobody"), said("/varied/1/", "nobody", kind="a"), True),
    (asked("/varied/1/", "nobody", kind="b"), said("/varied/1/", "nobody"), False),
])
def test_the_judge_knows_whose_an_answer_is(one, answer, expected):
    assert bool(is_wrong_of(one, answer)) == expected


def test_what_is_for_one_alone_is_given_once():
    history = History()
    history.said = {1: said("/moody/1/", "nobody", is_for_one=True)}
    history.reads = [asked("/moody/1/", "nobody"), asked("/moody/1/", "nobody")]
    assert wrongs(history)


@pytest.mark.parametrize("fields, expected", [
    ({}, False), ({"age": "2"}, False), ({"age": "3"}, True), ({"age": "-1"}, True), ({"age": None}, True),
    ({"x-cache-status": "FOUND"}, True), ({"x-cache-status": "MISS"}, True), ({"cache-status": "larder"}, True),
    ({"cache-status": "larder; fwd=uri-miss"}, True), ({"cache-status": "larder; hit; fwd=stale"}, True),
    ({"x-cache-status": "STALE", "cache-status": "larder; fwd=stale; fwd-status=500"}, False),
])
def test_the_judge_reads_what_an_answer_says_of_itself(fields, expected):
    assert bool(is_wrong_of(asked("/things/1/", "nobody", fields=fields), said("/things/1/", "nobody"))) == expected


MOVED, _, WITHOUT_QUERY, PER_USER, LIST_ALONE, _ = VARIANTS
LIST = "/ruled/"
PAGE = "/ruled/?page=2"


def read_again(variant, before=WITHOUT_QUERY, begin=3.0):
    return [Rules(HERE, before, 0.0, 1.0), Rules(HERE, variant, begin, begin + 0.5)]


@pytest.mark.parametrize("one, answer, rules, expected", [
    (asked(PAGE, fields={}), said(PAGE, "nobody"), read_again(MOVED), False),
    (asked(PAGE, fields={}), said(LIST, "nobody"), read_again(MOVED), True),
    (asked(PAGE, fields={}), said(LIST, "nobody"), read_again(WITHOUT_QUERY, MOVED), False),
    (asked(PAGE, fields={}), said(PAGE, "nobody"), read_again(WITHOUT_QUERY, MOVED), True),
    (asked(PAGE, fields={}), said(LIST, "nobody"), read_again(MOVED, begin=5.05), False),  # either may hold
    (asked(PAGE, fields={}), said(PAGE, "nobody"), read_again(MOVED, begin=5.05), False),
    (asked(LIST, fields={}), said(LIST, "nobody"), read_again(PER_USER), True),
    (asked(LIST, fields={}), said(LIST), read_again(PER_USER), False),
    (asked(LIST, "Ben", fields={}), said(LIST), read_again(PER_USER), True),
    (asked(LIST, fields={}), said(LIST), read_again(MOVED, PER_USER), True),
    (asked("/ruled/1/", fields={}), said("/ruled/1/", "nobody"), read_again(LIST_ALONE), True),
    (asked("/ruled/1/", fields=BYPASS), said("/ruled/1/"), read_again(LIST_ALONE), False),
    (asked(LIST, fields={}), said(LIST, "nobody", at=2.9), read_again(MOVED), True),  # from before the change
    (asked(LIST, fields={}), said(LIST, "nobody", at=2.9), read_again(MOVED, MOVED), False),
    (asked(LIST), said(LIST, "nobody", at=2.9), read_again(MOVED), False),
])
def test_the_judge_knows_what_the_rules_said(one, answer, rules, expected):
    assert bool(is_wrong_of(one, answer, rules=rules)) == expected


# --- given up, and settling ---

UP = 8.0 + GIVEN_UP  # not before that was the write given up
GIVEN = {"status": 504, "answered": UP + 0.1, "over": UP + 0.1, "calm_until": 30.0}


def late(when, **more):
    return {**GIVEN, "commits": [Commit(when, 2, {"/things/1/"})], **more}


@pytest.mark.parametrize("one, write, expected", [
    (read(HERE, 9.3), late(9.2), True),
    (read(HERE, 9.1), late(9.2), False),
    (read(HERE, 9.3, fields=MISS), late(9.2), False),  # a fill that others wait for may go on
    (read(ELSEWHERE, 9.3), late(9.2), True),
    (read(ELSEWHERE, UP + 0.1 + HEARTBEAT - 0.001), late(UP + 0.11), False),
    (read(HERE, UP + LEASE + 1), late(UP + LEASE), True),
    (read(HERE, UP + LEASE + 1), late(UP + LEASE + 0.001), False),  # too late
    (read(HERE, 9.3), late(9.2, calm_until=None), False),
    (read(HERE, 9.3), late(9.2, calm_until=9.35), False),
    (read(HERE, 9.3), late(9.2, status=200), False),
    (read(HERE, 20.0, fields=MISS), late(9.2, is_leased=True), True),
])
def test_the_judge_knows_what_is_promised_of_a_given_up_write(one, write, expected):
    assert bool(is_wrong(one, **write)) == expected


SETTLE = 0.4


@pytest.mark.parametrize("one, losses, expected", [
    (read(HERE, WRITTEN), [], True),
    (read(HERE, WRITTEN, fields=MISS), [], False),
    (read(HERE, WRITTEN + SETTLE * 1.25, fields=MISS), [], True),
    (read(HERE, WRITTEN + 1), [7.9], True),
    (read(HERE, WRITTEN + 1), [WRITTEN + 0.1], False),
    (read(HERE, WRITTEN + 1), [WRITTEN + SETTLE * 1.25 + 0.1], True),
])
def test_the_judge_knows_what_is_promised_while_a_replica_lags(one, losses, expected):
    history = History()
    history.settle, history.losses = SETTLE, losses
    assert bool(is_wrong(one, history=history)) == expected


@pytest.mark.parametrize("arrived, expected", [([], False), ([b"x"], False), ([b"y"], True), ([b"x", b"x"], True)])
def test_a_write_comes_to_the_origin_once_and_whole(arrived, expected):
    assert bool(is_wrong(read(HERE, 7.0), arrived=arrived)) == expected


def test_a_write_that_no_rule_knew_is_excused():
    assert is_wrong(read(HERE, WRITTEN), is_known=True)
    assert not is_wrong(read(HERE, WRITTEN), is_known=False)


@pytest.mark.parametrize("status, expected", [(200, True), (500, False), (504, False)])
def test_what_only_an_answer_names_counts_once_that_came(status, expected):
    assert bool(is_wrong(read(HERE, WRITTEN, "/things/2/"), "/things/2/", status=status, path_of_write="/named/")) \
        == expected
