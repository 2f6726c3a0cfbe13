"""Two Larders on one Redis: they share what is stored, and a write through one is seen through the other."""

import threading
import uuid

import pytest

from rig.admin import Admin
from rig.http import state
from rig.rules import NOTICES, THINGS
from rig.waiting import Background, eventually

LIST = "/api/notices/"


@pytest.fixture(params=["0", "64MiB"], ids=["without memory tier", "with memory tier"])
def memory(request):
    return request.param


@pytest.fixture
def replicas(start_larder, demo, redis, memory):
    return [start_larder(demo.url, NOTICES, redis=redis.url, memory=memory).client() for _ in range(2)]


HOST = {"Host": "resumate.example"}  # the replicas differ by port, their clients' Host does not
HOST_OF_THINGS = {"Host": "things.example"}


def test_what_one_stored_the_other_serves(replicas, redis):
    one, other = replicas
    first = one.get(LIST, headers=HOST)
    assert state(first) == "MISS"
    eventually(redis.large_keys, "the response is in Redis") if len(first.content) > 1000 else None
    answer = eventually(lambda: (lambda r: r if state(r) == "HIT" else None)(other.get(LIST, headers=HOST)),
                        "the other replica hits")
    assert answer.content == first.content


def test_a_write_through_one_is_seen_through_the_other(replicas, memory, staff):
    one, other = replicas
    made = one.post(LIST, json={"title": "for two"}, headers=staff)
    detail = f"{LIST}{made.json()['id']}/"
    for number in range(10):
        for replica in (one, other, one, other):
            replica.get(detail, headers=HOST)
        title = f"round {number} {uuid.uuid4()}"
        writer, reader = (one, other) if number % 2 else (other, one)
        assert writer.patch(detail, json={"title": title}, headers={**staff, **HOST}).status_code == 200
        assert writer.get(detail, headers=HOST).json()["title"] == title
        if memory == "0":  # nothing but Redis is asked: at once
            assert reader.get(detail, headers=HOST).json()["title"] == title
        else:  # as soon as an invalidation message takes
            eventually(lambda: reader.get(detail, headers=HOST).json()["title"] == title,
                       "the other replica has the new title", within=5)
    one.delete(detail, headers=staff)


def test_an_admin_edit_through_one_is_seen_through_the_other(start_larder, demo, redis, memory):
    one, other = (start_larder(demo.url, redis=redis.url, memory=memory).client() for _ in range(2))
    admin = Admin(start_larder(demo.url, redis=redis.url, memory=memory).client())
    models = "/api/ai/models/"
    for replica in (one, other, one, other):
        row = replica.get(models, headers=HOST).json()[0]
    text = f"edited {uuid.uuid4()}"
    assert admin.change(f"/admin/ai/aimodel/{row['id']}/change/", description=text).status_code == 302
    for replica in (one, other):
        def new():
            return replica.get(models, headers=HOST).json()[0]["description"] == text

        assert new() if memory == "0" else eventually(new, "the edit is seen", within=5)


def test_no_cache_is_validated_for_each_request_whichever_replica_stored_it_last(start_larder, origin_of, redis, memory):
    """RFC 9111 5.2.2.4. One replica finds in Redis what the other has just had validated: it still has to ask."""
    tag = {"ETag": '"1"', "Cache-Control": "no-cache"}

    def script(exchange):
        if exchange.request.field("if-none-match") == '"1"':
            exchange.answer(304, tag, reason="Not Modified")
        else:
            exchange.answer(fields=tag, body=b"as it is now")

    origin = origin_of(script)
    one, other = (start_larder(origin.url, THINGS, redis=redis.url, memory=memory).client() for _ in range(2))
    for number, replica in enumerate((one, other, one, one, other, other, one), start=1):
        answer = replica.get("/things/", headers=HOST_OF_THINGS)
        assert (answer.status_code, answer.content) == (200, b"as it is now")
        assert len(origin.seen(path="/things/")) == number, answer.headers["Cache-Status"]


def test_no_cache_does_not_wait_for_what_another_replica_has_validated(start_larder, origin_of, redis, memory):
    """It would have to ask all the same, and later."""
    holding, reached, opened = threading.Event(), threading.Event(), threading.Event()

    def script(exchange):
        if holding.is_set() and not reached.is_set():
            reached.set()
            exchange.hold(opened)
        exchange.answer(fields={"ETag": '"1"', "Cache-Control": "no-cache"}, body=b"as it is now")

    origin = origin_of(script)
    one, other = (start_larder(origin.url, THINGS, redis=redis.url, memory=memory,
                               env={"LARDER_FILL_LOCK": "60s"}).client() for _ in range(2))
    one.get("/things/", headers=HOST_OF_THINGS)
    eventually(lambda: "fwd=uri-miss" not in other.get("/things/", headers=HOST_OF_THINGS).headers["Cache-Status"],
               "the other finds it stored")
    holding.set()
    held = Background(one.get, "/things/", headers=HOST_OF_THINGS, timeout=20)
    assert reached.wait(10)
    assert other.get("/things/", headers=HOST_OF_THINGS, timeout=10).content == b"as it is now"
    assert not held.is_done()
    opened.set()
    assert held.result().content == b"as it is now"
