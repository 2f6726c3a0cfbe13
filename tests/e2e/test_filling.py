"""Who fills: one of two Larders on one Redis, also when it dies; and which keys are worth it."""

import threading
import time

import pytest

from rig import operator
from rig.http import cache_status, state
from rig.redis_stats import count_commands
from rig.relay import Relay
from rig.rules import THINGS
from rig.waiting import Background, eventually

HOST = {"Host": "things.example"}  # one key on both replicas, whose ports differ
LONG = {"LARDER_FILL_LOCK": "60s"}  # longer than any client of these tests waits


class Replicas:
    """Two Larders before one origin, and a sign that one of them waits for the other's fill."""

    def __init__(self, start_larder, origin, redis, env, memory="64MiB"):
        self._redis = redis.client()
        self.one, self.other = (start_larder(origin.url, THINGS, redis=redis.url, env=env, memory=memory)
                                for _ in range(2))

    def get(self, replica, path="/things/"):
        return Background(replica.client().get, path, headers=HOST, timeout=40)

    def wait_until_one_waits(self):
        """Nothing but a replica that waits reads locks again and again."""
        def reads():
            return self._redis.info("commandstats").get("cmdstat_get", {}).get("calls", 0)

        before = reads()
        eventually(lambda: reads() >= before + 5, "a replica waits for the other's fill")


class Gate:
    """Holds the first GET of /things/ until it is opened; tells that it has come."""

    def __init__(self, held, others=None):
        self.opened, self.reached = threading.Event(), threading.Event()
        self._held, self._others, self._lock = held, others or held, threading.Lock()

    def __call__(self, exchange):
        if exchange.request.method != "GET" or exchange.request.path != "/things/":
            return exchange.answer()
        with self._lock:
            is_first = not self.reached.is_set()
            self.reached.set()
        if is_first:
            exchange.hold(self.opened, within=60)
        exchange.answer(**(self._held if is_first else self._others))


@pytest.mark.parametrize("memory", ["0", "64MiB"], ids=["without memory tier", "with memory tier"])
def test_a_herd_on_both_replicas_causes_one_request(start_larder, origin_of, redis, memory):
    gate = Gate({"body": b"once", "fields": {"Age": "100"}})
    origin = origin_of(gate)
    replicas = Replicas(start_larder, origin, redis, LONG, memory)
    herd = [replicas.get(replicas.one) for _ in range(10)]
    assert gate.reached.wait(20)
    herd += [replicas.get(replica) for replica in (replicas.one, replicas.other) * 10]
    replicas.wait_until_one_waits()
    gate.opened.set()
    answers = [client.result(40) for client in herd]
    assert all((answer.status_code, answer.content) == (200, b"once") for answer in answers)
    assert all(int(answer.headers["Age"]) >= 100 for answer in answers)
    asked = [answer for answer in answers if not {"hit", "collapsed"} & set(cache_status(answer))]
    assert len(asked) == len(origin.seen(path="/things/")) == 1
    eventually(lambda: not [key for key in redis.keys() if key.startswith(b"larder:1:f:")], "the lock is given back")


def test_when_the_filling_replica_is_killed_the_other_goes_on(start_larder, origin_of, redis):
    gate = Gate({"body": b"never"}, {"body": b"from the other"})
    origin = origin_of(gate)
    replicas = Replicas(start_larder, origin, redis, {"LARDER_FILL_LOCK": "6s"})
    abandoned = replicas.get(replicas.one)
    assert gate.reached.wait(20)
    began = time.monotonic()
    waiting = replicas.get(replicas.other)
    replicas.wait_until_one_waits()
    replicas.one.kill()
    answer = waiting.result(40)
    assert answer.content == b"from the other"
    assert time.monotonic() - began < 6 + 6, "the lock of a dead replica holds the others for longer than it lives"
    assert len(origin.seen(path="/things/")) == 2
    assert state(replicas.get(replicas.other).result()) == "HIT"
    gate.opened.set()
    with pytest.raises(Exception):
        abandoned.result()


def test_an_answer_that_is_not_stored_lets_the_other_replica_go_on_at_once(start_larder, origin_of, redis):
    gate = Gate({"body": b"mine", "fields": {"Set-Cookie": "a=b"}})
    origin = origin_of(gate)
    replicas = Replicas(start_larder, origin, redis, LONG)
    leader = replicas.get(replicas.one)
    assert gate.reached.wait(20)
    others = [replicas.get(replicas.other) for _ in range(5)]
    replicas.wait_until_one_waits()
    gate.opened.set()
    answers = [client.result(30) for client in [leader, *others]]  # half as long as the lock would last
    assert all(answer.status_code == 200 and cache_status(answer).get("detail") in ("set-cookie", "not-stored-lately")
               for answer in answers)
    assert len(origin.seen(path="/things/")) >= 6


@pytest.mark.parametrize("fields", [{}, {"Surrogate-Key": "thing-7"}], ids=["plain", "names a tag"])
def test_nobody_waits_until_an_answer_is_stored_but_whoever_asks_next_finds_it(start_larder, origin_of, redis, fields):
    gate = Gate({"body": b"once", "fields": fields})
    origin = origin_of(gate)
    larder = start_larder(origin.url, THINGS, redis=redis.url, threads=1, env={"LARDER_REDIS_TIMEOUT": "20s", **LONG})
    first = Background(larder.client().get, "/things/")
    assert gate.reached.wait(20)
    redis.process.pause()
    gate.opened.set()
    assert first.result(10).content == b"once"  # a tenth of a second would do; Redis would be waited for for 20
    following = Background(larder.client().get, "/things/")
    eventually(lambda: operator.stats(larder)["requests_in_flight"] == 1, "the next has asked")
    redis.process.resume()
    answer = following.result(20)
    assert (answer.content, state(answer)) == (b"once", "HIT")
    assert len(origin.seen(path="/things/")) == 1


def test_who_has_had_a_newer_answer_is_not_given_the_older_one_while_that_is_being_stored(start_larder, origin_of, redis):
    answers, reached, opened = [b"older", b"newer"], threading.Event(), threading.Event()

    def script(exchange):
        body = answers.pop(0)
        if not answers:
            reached.set()
            exchange.hold(opened, within=60)
        exchange.answer(body=body)

    larder = start_larder(origin_of(script).url, THINGS, redis=redis.url, env={"LARDER_REDIS_TIMEOUT": "20s", **LONG})
    assert larder.client().get("/things/").content == b"older"
    assert state(larder.client().get("/things/")) == "HIT"
    renewed = Background(larder.client().get, "/things/", headers={"Cache-Control": "no-cache"})
    assert reached.wait(20)
    redis.process.pause()
    opened.set()
    assert renewed.result(10).content == b"newer"
    following = Background(larder.client().get, "/things/")
    eventually(lambda: operator.stats(larder)["requests_in_flight"] == 1, "the next has asked")
    redis.process.resume()
    answer = following.result(20)
    assert (answer.content, state(answer)) == (b"newer", "HIT")


@pytest.mark.parametrize("memory", ["0", "64MiB"], ids=["without memory tier", "with memory tier"])
def test_what_is_answered_anew_ends_what_was_stored_though_it_may_not_be_stored(start_larder, origin_of, redis, memory):
    answers = [(200, b"as it was"), (404, b"gone"), (404, b"gone, for the other too"), (404, b"gone")]
    origin = origin_of(lambda exchange: exchange.answer(*answers[0][:1], body=answers.pop(0)[1]))
    one = start_larder(origin.url, THINGS, redis=redis.url, memory=memory).client()
    other = start_larder(origin.url, THINGS, redis=redis.url, memory="0").client()
    one.get("/things/", headers=HOST)
    # Until it is stored, which its client does not wait for, the other one shares the fill.
    eventually(lambda: state(other.get("/things/", headers=HOST)) == "HIT", "it is in Redis")
    assert one.get("/things/", headers={**HOST, "Cache-Control": "no-cache"}).content == b"gone"
    assert other.get("/things/", headers=HOST).content == b"gone, for the other too"


def test_what_has_grown_too_large_ends_what_was_stored(start_larder, origin_of, redis):
    """One limit shows while the content comes, whose length nobody told; the other when it is to be stored."""
    sizes = [10, 300_000, 10]

    def script(exchange):
        size = sizes.pop(0)
        if exchange.request.path == "/things/":
            return exchange.answer(body=b"x" * size)
        exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        exchange.chunk(b"x" * size)
        exchange.send(b"0\r\n\r\n")

    origin = origin_of(script)
    in_memory = start_larder(origin.url, THINGS + "    compress: false\n", memory="1MiB").client()
    bounded = start_larder(origin.url, THINGS, redis=redis.url, env={"LARDER_OBJECT_LIMIT": "100KiB"}).client()
    other = start_larder(origin.url, THINGS, redis=redis.url, memory="0").client()
    for path, one, next_one in (("/things/", in_memory, in_memory), ("/things/7/", bounded, other)):
        sizes[:] = [10, 300_000, 10]
        one.get(path, headers=HOST)
        eventually(lambda path=path, next_one=next_one: state(next_one.get(path, headers=HOST)) == "HIT", "it is stored")
        assert len(one.get(path, headers={**HOST, "Cache-Control": "no-cache"}).content) == 300_000
        assert state(next_one.get(path, headers=HOST)) == "MISS"


@pytest.mark.parametrize("memory", ["0", "64MiB"], ids=["without memory tier", "with memory tier"])
def test_what_redis_does_not_drop_in_time_is_not_served_when_it_is_back(start_larder, origin_of, redis, memory):
    reached, opened = threading.Event(), threading.Event()
    answers = [b"as it was", None, b"new"]

    def script(exchange):
        body = answers.pop(0)
        if body is None:
            reached.set()
            exchange.hold(opened, within=60)
            return exchange.answer(404, body=b"gone")
        exchange.answer(body=body)

    origin = origin_of(script)
    other = start_larder(origin.url, THINGS, redis=redis.url, memory="0").client()
    with Relay(redis.port) as relay:
        url = f"redis://127.0.0.1:{relay.port}/1"
        larder = start_larder(origin.url, THINGS, redis=url, memory=memory, env=LONG)
        larder.client().get("/things/", headers=HOST)
        eventually(lambda: [key for key in redis.keys() if key.startswith(b"larder:1:v:")], "it is in Redis")
        assert state(other.get("/things/", headers=HOST)) == "HIT"
        reload = Background(larder.client().get, "/things/", headers={**HOST, "Cache-Control": "no-cache"})
        assert reached.wait(20)
        relay.fall_silent()
        opened.set()
        assert reload.result(20).content == b"gone"
        relay.cut()
        relay.heal()
        eventually(lambda: other.get("/things/", headers=HOST).content == b"new", "Redis has heard of it")


def test_a_write_is_not_hidden_by_a_fill_that_is_waited_for(start_larder, origin_of, redis):
    gate = Gate({"body": b"old"}, {"body": b"new"})
    replicas = Replicas(start_larder, origin_of(gate), redis, LONG)
    before = replicas.get(replicas.one)
    assert gate.reached.wait(20)
    waiting = replicas.get(replicas.other)
    replicas.wait_until_one_waits()
    assert replicas.other.client().post("/things/", data="x", headers=HOST).status_code == 200
    # Nobody waits for what is old already: the gate is still closed.
    assert replicas.get(replicas.other).result(30).content == b"new"
    gate.opened.set()
    assert before.result(30).content == b"old"
    assert waiting.result(30).content in (b"old", b"new")  # it asked before the write
    for replica in (replicas.one, replicas.other) * 2:
        assert replicas.get(replica).result().content == b"new"


def test_after_two_misses_in_a_row_one_round_trip_comes_before_django(start_larder, origin_of, redis):
    """Stamps are read by one MGET for the lookup and by another one for the fill, unless they go together."""
    reads = []

    def count():
        return count_commands(redis)["mget"]

    def script(exchange):
        reads.append(count() - before)
        exchange.answer(body=b"x")

    client = start_larder(origin_of(script).url, THINGS, redis=redis.url, threads=1).client()
    for number in range(4):
        before = count()
        assert state(client.get(f"/things/{number}/")) == "MISS"
        eventually(lambda: len([key for key in redis.keys() if key.startswith(b"larder:1:v:")]) == number + 1,
                   "it is stored")
    assert reads == [2, 2, 1, 1]


def test_after_two_the_second_request_is_stored(start_larder, origin_of, tier):
    origin = origin_of(lambda exchange: exchange.answer(body=b"x"))
    client = start_larder(origin.url, THINGS + "    after: 2\n", **tier).client()
    first, second, third = (client.get("/things/") for _ in range(3))
    assert (state(first), cache_status(first)["detail"]) == ("MISS", "not-admitted-yet")
    assert (state(second), "stored" in cache_status(second)) == ("MISS", True)
    assert state(third) == "HIT"
    assert len(origin.seen(path="/things/")) == 2


def test_beyond_the_cap_a_query_has_to_be_asked_for_twice(start_larder, origin_of, tier, redis):
    origin = origin_of(lambda exchange: exchange.answer(body=b"x"))
    client = start_larder(origin.url, THINGS + "    variants: 3\n", env=LONG, **tier).client()
    for number in range(3):
        assert "stored" in cache_status(client.get(f"/things/?x={number}"))
    for number in range(3, 30):
        answer = client.get(f"/things/?x={number}")
        assert (answer.content, cache_status(answer)["detail"]) == (b"x", "too-many-variants")
    if "redis" in tier:
        def stored():
            return [key for key in redis.keys() if key.startswith(b"larder:1:v:")]

        eventually(lambda: len(stored()) == 3, "the three are stored")
        eventually(lambda: not [key for key in redis.keys() if key.startswith(b"larder:1:f:")],
                   "whoever was refused has given its lock back")
    assert "stored" in cache_status(client.get("/things/?x=7"))
    assert state(client.get("/things/?x=7")) == "HIT"
    assert state(client.get("/things/?x=0")) == "HIT"
    assert "stored" in cache_status(client.get("/things/")), "no query is no variant"
    assert "stored" in cache_status(client.get("/things/5/"))
