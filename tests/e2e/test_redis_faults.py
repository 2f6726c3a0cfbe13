"""Redis is a help, never a need: whatever happens to it, the API answers, in time and with nothing old."""

import functools
import random
import threading
import time
import uuid

import pytest

from rig.admin import Admin
from rig.http import state
from rig.processes import free_port
from rig.rules import NOTICES, THINGS
from rig.waiting import Background, eventually, throughout

MODELS = "/api/ai/models/"
PATIENCE = 2.0  # seconds for any one answer, sanitizers and a busy machine included

FAULTS = {
    "killed": lambda server: server.process.kill(),
    "stopped": lambda server: server.process.pause(),
}
RETURNS = {
    "killed": lambda server: server.start(),
    "stopped": lambda server: server.process.resume(),
}


@pytest.fixture
def start_larder(start_larder):
    """With the deadline for Redis as it is shipped."""
    return functools.partial(start_larder, env={"LARDER_REDIS_TIMEOUT": "50ms"})


@pytest.fixture(params=["0", "64MiB"], ids=["Redis alone", "both tiers"])
def memory(request):
    return request.param


def get_in_time(client, path=MODELS, **options):
    began = time.monotonic()
    response = client.get(path, **options)
    took = time.monotonic() - began
    assert response.status_code == 200, response.text[:500]
    assert took < PATIENCE, f"{path} took {took:.1f} s"
    return response


def hits_again(client, path=MODELS, within=15):
    eventually(lambda: state(get_in_time(client, path)) == "HIT", "there are hits again", within)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_api_answers_while_redis_is_gone_and_hits_when_it_is_back(start_larder, demo, redis_server, redis,
                                                                      memory, fault):
    client = start_larder(demo.url, redis=redis.url, memory=memory).client()
    body = client.get(MODELS).content
    assert state(client.get(MODELS)) == "HIT"
    FAULTS[fault](redis_server)
    for number in range(15):
        assert get_in_time(client).content == body
        get_in_time(client, f"/api/example-job-applications/?page={number % 6 + 1}")
        assert get_in_time(client, "/healthz").json() == {"status": "ok"}
    assert client.post("/api/auth/token/", json={"username": "alice", "password": "alice-password"}).status_code == 200
    RETURNS[fault](redis_server)
    hits_again(client)
    assert client.get(MODELS).content == body


@pytest.mark.parametrize("fault", FAULTS)
def test_what_was_written_while_redis_was_gone_is_never_undone_by_its_return(start_larder, demo, redis_server, redis,
                                                                             memory, fault, staff):
    client = start_larder(demo.url, NOTICES, redis=redis.url, memory=memory).client()
    detail = f"/api/notices/{client.post('/api/notices/', json={'title': 'old'}, headers=staff).json()['id']}/"
    for _ in range(2):
        assert client.get(detail).json()["title"] == "old"
    assert state(client.get(detail)) == "HIT"

    FAULTS[fault](redis_server)
    title = f"new {uuid.uuid4()}"
    began = time.monotonic()
    assert client.patch(detail, json={"title": title}, headers=staff).status_code == 200
    assert time.monotonic() - began < PATIENCE
    for _ in range(5):
        assert get_in_time(client, detail).json()["title"] == title
    RETURNS[fault](redis_server)

    def is_new():
        assert client.get(detail).json()["title"] == title

    throughout(2.0, is_new)
    hits_again(client, detail)
    is_new()
    client.delete(detail, headers=staff)


def test_an_admin_edit_while_redis_hangs_is_seen_at_once_and_after(start_larder, demo, redis_server, redis, memory):
    larder = start_larder(demo.url, redis=redis.url, memory=memory)
    client, admin = larder.client(), Admin(larder.client())
    row = client.get(MODELS).json()[0]
    assert state(client.get(MODELS)) == "HIT"
    redis_server.process.pause()
    text = f"edited {uuid.uuid4()}"
    assert admin.change(f"/admin/ai/aimodel/{row['id']}/change/", description=text).status_code == 302
    assert get_in_time(client).json()[0]["description"] == text
    redis_server.process.resume()

    def is_new():
        assert client.get(MODELS).json()[0]["description"] == text

    throughout(1.5, is_new)
    hits_again(client)
    is_new()


@pytest.mark.parametrize("fault", FAULTS)
def test_redis_that_goes_in_the_middle_of_a_fill_or_a_write_costs_no_answer(start_larder, origin_of, redis_server,
                                                                            redis, memory, fault):
    gate, arrived, text = threading.Event(), threading.Event(), [b"old"]

    def script(exchange):
        if exchange.request.method != "GET":
            text[0] = exchange.request.body
        now = text[0]
        arrived.set()
        exchange.hold(gate)
        exchange.answer(body=now)

    larder = start_larder(origin_of(script).url, THINGS, redis=redis.url, memory=memory)
    reader = Background(larder.client().get, "/things/1/")
    assert arrived.wait(10)
    arrived.clear()
    writer = Background(larder.client().put, "/things/2/", data=b"new")
    assert arrived.wait(10)
    FAULTS[fault](redis_server)
    gate.set()
    assert reader.result(PATIENCE + 5).content == b"old"
    assert writer.result(PATIENCE + 5).status_code == 200
    client = larder.client()
    assert get_in_time(client, "/things/2/").content == b"new"
    RETURNS[fault](redis_server)
    hits_again(client, "/things/2/")
    assert client.get("/things/2/").content == b"new"


def test_redis_that_comes_and_goes_under_load_costs_no_answer(start_larder, demo, redis_server, redis, memory):
    larder = start_larder(demo.url, redis=redis.url, memory=memory)
    expected = {path: demo.client().get(path).json() for path in [MODELS] + [
        f"/api/example-job-applications/{number}/" for number in range(1, 9)]}
    done = threading.Event()

    def load(seed):
        client, choose, count = larder.client(), random.Random(seed), 0
        while not done.is_set():
            path = choose.choice(list(expected))
            assert get_in_time(client, path).json() == expected[path]
            count += 1
        return count

    clients = [Background(load, seed) for seed in range(6)]
    client = larder.client()
    for fault in ("stopped", "killed", "stopped", "killed"):
        throughout(0.4, lambda: get_in_time(client))
        FAULTS[fault](redis_server)
        throughout(0.4, lambda: get_in_time(client))
        RETURNS[fault](redis_server)
    hits_again(client)
    done.set()
    assert all(client.result() > 10 for client in clients)


def test_larder_starts_without_redis_and_uses_it_when_it_comes(start_larder, demo, redis_server, redis, memory):
    redis_server.process.kill()
    client = start_larder(demo.url, redis=redis.url, memory=memory).client()
    for _ in range(3):
        get_in_time(client)
    redis_server.start()
    hits_again(client)
    eventually(redis_server.large_keys, "something is stored in Redis")


def test_a_redis_that_nobody_ever_answers_for_is_no_error(start_larder, demo, memory):
    client = start_larder(demo.url, redis=f"redis://127.0.0.1:{free_port()}/1", memory=memory).client()
    for _ in range(5):
        get_in_time(client)


def test_a_redis_that_is_full_costs_hits_and_nothing_else(start_larder, demo, redis, memory, staff):
    store = redis.client()
    store.config_set("maxmemory-policy", "noeviction")
    store.config_set("maxmemory", "1mb")  # less than it needs for itself: no write is taken
    client = start_larder(demo.url, NOTICES, redis=redis.url, memory=memory).client()
    detail = f"/api/notices/{client.post('/api/notices/', json={'title': 'old'}, headers=staff).json()['id']}/"
    for number in range(5):
        assert client.patch(detail, json={"title": f"title {number}"}, headers=staff).status_code == 200
        for _ in range(3):
            assert get_in_time(client, detail).json()["title"] == f"title {number}"


def test_emptied_redis_and_keys_dropped_at_random_are_plain_misses(start_larder, demo, redis, memory):
    client, store = start_larder(demo.url, redis=redis.url, memory=memory).client(), redis.client()
    body, drop = client.get(MODELS).content, random.Random(7)
    for _ in range(30):
        answer = get_in_time(client)
        assert answer.content == body
        for key in redis.keys():
            if drop.random() < 0.4:
                store.delete(key)
    store.flushall()
    assert get_in_time(client).content == body
    hits_again(client)


VANDALS = {
    "empty": lambda store, key: store.set(key, b""),
    "garbage": lambda store, key: store.set(key, bytes(range(256)) * 20),
    "of another type": lambda store, key: (store.delete(key), store.rpush(key, b"a", b"b")),
    "cut short": lambda store, key: _change_string(store, key, lambda value: value[:len(value) // 2]),
    "with a flipped bit": lambda store, key: _change_string(
        store, key, lambda value: value[:-9] + bytes([value[-9] ^ 4]) + value[-8:]),
}


def _change_string(store, key, change):
    if store.type(key) == b"string":
        store.set(key, change(store.get(key)))
    elif store.type(key) == b"hash":
        for field, value in store.hgetall(key).items():
            if len(value) > 20:
                store.hset(key, field, change(value))


@pytest.mark.parametrize("vandal", VANDALS)
def test_a_value_that_is_not_ours_is_a_miss(start_larder, demo, redis, vandal):
    larder = start_larder(demo.url, redis=redis.url, memory="0")
    client = larder.client()
    body = client.get(MODELS).content
    assert state(client.get(MODELS)) == "HIT"
    for key in redis.large_keys():
        VANDALS[vandal](redis.client(), key)
    answer = get_in_time(client)
    assert (answer.content, state(answer)) == (body, "MISS")
    hits_again(client)
    assert client.get(MODELS).content == body


@pytest.mark.parametrize("setting,value", [("maxmemory", "0"), ("maxmemory-policy", "volatile-ttl")])
def test_a_redis_without_cap_or_with_another_policy_is_warned_of(start_larder, demo, redis, setting, value):
    redis.client().config_set(setting, value)
    larder = start_larder(demo.url, redis=redis.url)
    get_in_time(larder.client())
    eventually(lambda: setting in larder.process.log_text(), f"the log says something about {setting}")
