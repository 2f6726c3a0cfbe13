"""GETs and writes through two Larders while Redis, the origin and they themselves fail: no answer is wrong.

Drawn from a seed (LARDER_SEED=7 LARDER_SEQUENCES=15 for others, and more); what is wrong: rig/fault_history.
"""

import collections
import functools
import os

import pytest

from rig.fault_history import BLIND_TRUST, HEARTBEAT, LEASE, Commit, History, Read, Said, Span, Write, wrongs
from rig.fault_origin import Origin
from rig.random_faults import RULES, STEPS, Replica, Sequence

SEED = int(os.environ.get("LARDER_SEED", "1"))
COUNT = int(os.environ.get("LARDER_SEQUENCES", "4"))

NO_FAULTS = {"hits", "hits after a write here", "hits after a write elsewhere", "old, as they may be", "writes"}
FAULTS = {"deferred", "unknown outcomes", "unanswered", "left to a lease", "failed", "replica killed"}


@pytest.fixture
def play(start_larder, origin_of, redis_server, logs, tmp_path):
    """Plays a sequence: play(seed, steps=..., rules=..., lease=...). Returns it, and what was wrong."""
    origin = Origin()
    url = origin_of(origin.script).url

    def play(seed, steps=None, **options):
        redis_server.make_new()
        replicas = [Replica(number, functools.partial(start_larder, url), redis_server.port, tmp_path, **options)
                    for number in range(2)]
        sequence = Sequence(seed, origin, redis_server, replicas)
        try:
            wrong = sequence.play(steps)
        except BaseException as error:
            raise AssertionError(f"sequence {seed}: {error}\n" + "\n".join(sequence.history.lines())) from error
        complaints = [complaint for complaint in (replica.stop() for replica in replicas) if complaint]
        assert not complaints, "\n\n".join(complaints)
        return sequence, wrong

    yield play
    (logs / "dump.rdb").unlink(missing_ok=True)  # others' Redis comes back empty


def test_no_answer_is_wrong_whatever_fails(play):
    counted = collections.Counter()
    for number in range(COUNT):
        sequence, wrong = play(f"{SEED} {number}")
        lines = "\n".join(sequence.history.lines())
        assert not wrong, f"sequence {SEED} {number}:\n" + "\n".join(wrong) + "\n\n" + lines
        counted += sequence.counted
    if SEED == 1 and COUNT >= 4:
        assert not [what for what in NO_FAULTS | FAULTS if not counted[what]], counted
        assert counted["hits"] > counted["GETs"] / 5 and counted["writes"] > 20 * COUNT, counted


# --- what is wrong is found ---

def test_what_no_write_evicts_is_found(play):
    _, wrong = play("1", ["fill", "write"] * 8, rules=RULES.replace(", evict_on: [/things/, /admin/]", ""))
    assert wrong and all("/summary/ -> 200" in line and "is older than" in line for line in wrong), wrong


def test_a_lease_that_takes_too_long_is_found(play):
    _, wrong = play("1", ["kill"] * 3, lease=5 * LEASE)
    assert wrong and all("leased" in line and "is older than" in line for line in wrong), wrong


HERE, ELSEWHERE = (0, 1), (1, 1)
WRITTEN = 10.0  # when the write was answered; its commit is version 2


def read(via, sent, path="/things/1/", version=1, **more):
    one = Read(1, via, "GET", path, sent)
    one.answered, one.status, one.complete = sent + 0.1, 200, True
    one.fields = {"x-answer": str(version), "x-version": str(version), "cache-status": "larder; hit"}
    one.body = b"answer %d" % version
    for name, value in more.items():
        setattr(one, name, value)
    return one


def is_wrong(one, path="/things/1/", history=None, **more):
    """Is it, when the origin said versions 1 and 2 of the path, and one write made the latter?"""
    history = history or History()
    history.said = {number: Said(path, number, number, b"answer %d" % number) for number in (1, 2)}
    write = Write(1, HERE, "PUT", path, 8.0)
    write.commits, write.status, write.answered, write.is_deferred = [Commit(9.0, 2, {path})], 200, WRITTEN, False
    for name, value in more.items():
        setattr(write, name, value)
    history.writes, history.reads = [write], [one]
    return wrongs(history)


DEFERRED = {"is_deferred": True}
KILLED = {"status": None, "answered": None, "over": WRITTEN, "is_leased": True}
LAPSED = WRITTEN + LEASE * 1.25
JOINED = {"fields": {"x-answer": "1", "x-version": "1",
                     "cache-status": "larder; fwd=uri-miss; collapsed; detail=store-unavailable"}}
STRICT = "/strict/1/"


@pytest.mark.demo_only
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


@pytest.mark.demo_only
def test_the_judge_knows_when_an_eviction_was_delivered():
    history = History()
    history.delivered = [(HERE, WRITTEN - 1, WRITTEN - 0.9), (ELSEWHERE, WRITTEN, WRITTEN), (HERE, 11.0, 12.0)]
    assert not is_wrong(read(ELSEWHERE, 11.999, STRICT), STRICT, history, **DEFERRED)
    assert is_wrong(read(ELSEWHERE, 12.0, STRICT), STRICT, history, **DEFERRED)


@pytest.mark.demo_only
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


def test_a_lease_that_redis_drops_is_witnessed(play):
    sequence, wrong = play("1", ["forget"] * 2)
    assert not wrong, "\n".join(wrong + sequence.history.lines())
    assert sequence.counted["left to a lease"] == 2, sequence.counted


@pytest.mark.demo_only
def test_each_step_is_there():
    assert not [step for step in STEPS if not hasattr(Sequence, f"_{step}")]
