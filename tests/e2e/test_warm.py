"""A Larder that is started again: with --warm it has in memory what the last one was asked for most."""

from rig.http import state
from rig.redis_stats import count_commands
from rig.rules import THINGS
from rig.waiting import eventually

HOST = {"Host": "resumate.example"}  # the two differ by port, their clients' Host does not


def one_that_ran_before(start_larder, origin, redis, *arguments):
    """It has answered /things/ several times, and /things/1/ once."""
    larder = start_larder(origin.url, THINGS, redis=redis.url, arguments=arguments)
    client = larder.client()
    for path in ("/things/1/", "/things/", "/things/", "/things/"):
        client.get(path, headers=HOST)
    assert state(client.get("/things/", headers=HOST)) == "HIT"
    assert larder.stop() is None


def test_with_warm_it_has_the_hottest_in_memory(start_larder, origin_of, redis):
    origin = origin_of(lambda exchange: exchange.answer(body=b"stored"))
    one_that_ran_before(start_larder, origin, redis, "--warm", "1")
    larder = start_larder(origin.url, THINGS, redis=redis.url, arguments=("--warm", "1"))
    eventually(lambda: "memory is warm: 1 of 1 responses" in larder.process.log_text(), "memory is warm")
    before = count_commands(redis)["hmget"]
    client = larder.client()
    assert state(client.get("/things/", headers=HOST)) == "HIT"
    assert count_commands(redis)["hmget"] == before, "its value was in memory"
    assert state(client.get("/things/1/", headers=HOST)) == "HIT"
    assert count_commands(redis)["hmget"] == before + 1, "this one's was not"


def test_a_restart_without_redis_is_ready_all_the_same(start_larder, origin_of, redis):
    origin = origin_of(lambda exchange: exchange.answer(body=b"stored"))
    one_that_ran_before(start_larder, origin, redis, "--warm", "10")
    redis.process.kill()
    client = start_larder(origin.url, THINGS, redis=redis.url, arguments=("--warm", "10")).client()
    assert client.get("/things/", headers=HOST).content == b"stored"
