"""Memory that is believed without asking Redis: what is saved by it, and how old what it says may be."""

import threading
import time

import pytest

from rig.http import state
from rig.redis_server import DATABASE
from rig.relay import Relay
from rig.rules import THINGS
from rig.waiting import eventually

STRICT = THINGS + "    coherence: strict\n"
HOST = {"Host": "resumate.example"}  # the replicas differ by port, their clients' Host does not
THING = "/things/1/"


class Versions:
    """An origin whose thing gets a new version by each PUT."""

    def __init__(self):
        self._lock = threading.Lock()
        self._version = 0

    def __call__(self, exchange):
        with self._lock:
            self._version += exchange.request.method == "PUT"
            body = b"%d" % self._version
        exchange.answer(body=body)


@pytest.fixture
def origin(origin_of):
    return origin_of(Versions())


def get(client):
    response = client.get(THING, headers=HOST)
    assert response.status_code == 200
    return int(response.text)


def put(client):
    """The version after it, and when the answer was there."""
    response = client.put(THING, headers=HOST, data=b"x")
    assert response.status_code == 200
    return int(response.text), time.monotonic()


def reads_asked(redis):
    """How often anybody has looked into Redis."""
    commands = redis.client().info("commandstats")
    return sum(commands.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("mget", "hmget"))


def is_asked_nothing(redis, client):
    before = reads_asked(redis)
    get(client)
    return reads_asked(redis) == before


def heartbeat(value, **more):
    return {"env": {"LARDER_HEARTBEAT": value, **more}}


def test_a_hit_from_memory_asks_redis_nothing(start_larder, origin, redis):
    client = start_larder(origin.url, THINGS, redis=redis.url, **heartbeat("60s")).client()
    eventually(lambda: is_asked_nothing(redis, client), "memory is believed")
    before = reads_asked(redis)
    for _ in range(50):
        assert state(client.get(THING, headers=HOST)) == "HIT"
    assert reads_asked(redis) == before


@pytest.mark.parametrize("rules, beat", [(STRICT, "60s"), (THINGS, "0")], ids=["strict", "without heartbeat"])
def test_each_hit_asks_redis(start_larder, origin, redis, rules, beat):
    client = start_larder(origin.url, rules, redis=redis.url, **heartbeat(beat)).client()
    eventually(lambda: state(client.get(THING, headers=HOST)) == "HIT", "it is stored")
    before = reads_asked(redis)
    for _ in range(50):
        assert state(client.get(THING, headers=HOST)) == "HIT"
    assert reads_asked(redis) >= before + 50


def test_what_one_writes_the_other_reads_within_the_heartbeat(start_larder, origin, redis):
    one, other = (start_larder(origin.url, THINGS, redis=redis.url).client() for _ in range(2))
    for _ in range(20):
        eventually(lambda: is_asked_nothing(redis, other), "the other's memory is believed")
        version, answered = put(one)
        assert get(one) == version  # at once where the write was
        began = time.monotonic()
        while get(other) != version:
            assert began < answered + 1.0, "old for longer than the heartbeat"
            began = time.monotonic()


def test_under_a_strict_rule_there_is_no_old_read_at_all(start_larder, origin, redis):
    one, other = (start_larder(origin.url, STRICT, redis=redis.url, **heartbeat("60s")).client() for _ in range(2))
    for _ in range(50):
        get(other)
        version, _ = put(one)
        assert get(other) == version
        assert get(one) == version


def test_a_replica_that_hears_nothing_believes_its_memory_no_longer_than_the_heartbeat(start_larder, origin, redis):
    with Relay(redis.port) as relay:
        one = start_larder(origin.url, THINGS, redis=redis.url).client()
        deaf = start_larder(origin.url, THINGS, redis=f"redis://127.0.0.1:{relay.port}/{DATABASE}",
                            **heartbeat("500ms", LARDER_REDIS_TIMEOUT="50ms")).client()
        eventually(lambda: is_asked_nothing(redis, deaf), "the deaf one's memory is believed")
        relay.fall_silent()
        version, answered = put(one)
        began = time.monotonic()
        while began < answered + 1.5:
            # Told by when the GET began, so that a slow machine changes nothing.
            assert get(deaf) == version or began < answered + 0.5, "old for longer than the heartbeat"
            began = time.monotonic()
        relay.heal()
        eventually(lambda: is_asked_nothing(redis, deaf), "it hears again")
        assert get(deaf) == version


def test_a_replica_whose_connections_are_cut_has_nothing_from_before(start_larder, origin, redis):
    with Relay(redis.port) as relay:
        one = start_larder(origin.url, THINGS, redis=redis.url).client()
        other = start_larder(origin.url, THINGS, redis=f"redis://127.0.0.1:{relay.port}/{DATABASE}",
                             **heartbeat("60s")).client()
        for _ in range(3):
            eventually(lambda: is_asked_nothing(redis, other), "the other's memory is believed")
            relay.fall_silent()
            version, _ = put(one)
            relay.cut()
            relay.heal()
            eventually(lambda: get(other) == version, "the other has the new version")
            eventually(lambda: is_asked_nothing(redis, other), "the other's memory is believed again")
            assert get(other) == version


def test_after_flushall_nothing_is_served_from_memory(start_larder, origin, redis):
    client = start_larder(origin.url, THINGS, redis=redis.url, **heartbeat("60s")).client()
    eventually(lambda: is_asked_nothing(redis, client), "memory is believed")
    before = len(origin.seen("GET"))
    redis.client().flushall()
    eventually(lambda: (get(client), len(origin.seen("GET")) > before)[1], "the origin is asked again")
