"""Purging: what changed without a write that a proxy sees."""

import os
import json
import threading
import time

import pytest
import requests

from rig.http import RawConnection, receive, state
from rig.larder import run
from rig.operator import BEARER, TOKEN, WITH_TOKEN, post, purge, stats
from rig.waiting import Background, eventually

RULES = """
rules:
  - name: things
    path: ["/things/", "/things/<int:pk>/"]
    ttl: 1h
    share: everyone
    tags: [inventory]
  - name: others
    path: "/others/<int:pk>/"
    ttl: 1h
    share: everyone
"""
HOST = {"Host": "resumate.example"}
PATHS = ["/things/", "/things/1/", "/things/1/?page=2", "/things/2/", "/others/1/"]


@pytest.fixture
def origin(origin_of):
    return origin_of(lambda exchange: exchange.answer(body=exchange.request.target.encode()))


@pytest.fixture
def larder(start_larder, origin, tier):
    return start_larder(origin.url, RULES, env=WITH_TOKEN, **tier)


def fill(client, paths=PATHS):
    for path in paths:
        client.get(path, headers=HOST)
    for path in paths:
        eventually(lambda: state(client.get(path, headers=HOST)) == "HIT", f"{path} is stored")


def missing(client, paths=PATHS):
    return [path for path in paths if state(client.get(path, headers=HOST)) != "HIT"]


@pytest.mark.parametrize("what, gone", [
    ({"url": "/things/1/"}, ["/things/1/", "/things/1/?page=2"]),
    ({"url": "https://anything.example/things/01/?page=9"}, ["/things/1/", "/things/1/?page=2"]),
    ({"prefix": "/things/"}, ["/things/", "/things/1/", "/things/1/?page=2", "/things/2/"]),
    ({"rule": "others"}, ["/others/1/"]),
    ({"tag": "inventory"}, ["/things/", "/things/1/", "/things/1/?page=2", "/things/2/"]),
    ({"all": True}, PATHS),
], ids=["url", "another spelling", "prefix", "rule", "tag", "all"])
def test_what_is_purged_is_gone_and_nothing_else(larder, what, gone):
    client = larder.client()
    fill(client)
    told = purge(larder, **what)
    assert told["evicted"] is True
    assert told["redis"] in ("done", "none")
    assert missing(client) == gone


def test_a_dry_run_counts_and_leaves_everything(start_larder, origin):
    larder = start_larder(origin.url, RULES, env=WITH_TOKEN)
    client = larder.client()
    fill(client)
    for what, count in (({"prefix": "/things/"}, 4), ({"url": "/things/2/"}, 1), ({"all": True}, 5),
                        ({"rule": "others"}, 1), ({"tag": "inventory"}, 4), ({"tag": "no-such-tag"}, 0)):
        told = purge(larder, dry_run=True, **what)
        assert (told["evicted"], told["in_memory"]) == (False, count), what
        assert "redis" not in told
    assert missing(client) == []


def test_every_replica_hears_of_it(start_larder, origin, redis):
    larders = [start_larder(origin.url, RULES, env=WITH_TOKEN, redis=redis.url) for _ in range(2)]
    clients = [larder.client() for larder in larders]
    for client in clients:
        fill(client)
    before = len(redis.keys())
    # From the one that is asked to the one that is not.
    for asked, other in zip(larders, reversed(clients)):
        assert purge(asked, all=True)["redis"] == "done"
        eventually(lambda: missing(other), "it asks again")
    eventually(lambda: len(redis.keys()) <= before, "what was stored has gone from Redis, too")


def test_redis_away_is_said(start_larder, origin, redis):
    larder = start_larder(origin.url, RULES, env=WITH_TOKEN, redis=redis.url)
    fill(larder.client())
    redis.process.kill()
    eventually(lambda: stats(larder)["redis"]["state"] != "in use", "the loss is noticed")
    assert purge(larder, url="/things/1/")["redis"] == "deferred"
    shown = run("purge", "/things/1/", "--admin", f"127.0.0.1:{larder.admin_port}", env=WITH_TOKEN)
    assert shown.returncode == 1
    assert "Redis has not acknowledged it" in shown.stderr


def test_a_fill_that_was_under_way_stores_nothing_of_it(start_larder, origin_of):
    gate, arrived = threading.Event(), threading.Event()

    def script(exchange):
        if not arrived.is_set():
            arrived.set()
            exchange.hold(gate)
        exchange.answer(body=b"hello")

    larder = start_larder(origin_of(script).url, RULES, env=WITH_TOKEN)
    client = larder.client()
    reader = Background(receive, larder.url, "/things/1/", "GET", HOST)
    assert arrived.wait(10)
    purge(larder, url="/things/1/")
    gate.set()
    assert reader.result().body == b"hello"
    assert state(client.get("/things/1/", headers=HOST)) == "MISS"


def test_what_is_refused(larder):
    for body, status, part in (({"url": "things"}, 400, "has no path"), ({"rule": "thing"}, 400, "did you mean 'things'"),
                               ({"al": True}, 400, "unknown member"), ({}, 400, "exactly one"),
                               ({"all": True, "soft": "yes"}, 400, "true or false is expected")):
        answer = post(larder, "/purge", body)
        assert (answer.status_code, part in answer.text) == (status, True), answer.text


def test_the_command(start_larder, origin):
    larder = start_larder(origin.url, RULES, env=WITH_TOKEN)
    client = larder.client()
    fill(client)
    admin = ["--admin", f"127.0.0.1:{larder.admin_port}"]

    def command(*arguments, env=WITH_TOKEN):
        done = run("purge", *arguments, *admin, env=env)
        return done.returncode, done.stdout, done.stderr

    assert command("--prefix", "/things/", "--dry-run") == (
        0, "would purge /things/ and what lies below it: 4 responses in memory\n", "")
    assert missing(client) == []
    assert command("/others/1/") == (0, "purged /others/1/: 1 response in memory\n", "")
    told = run("purge", *admin, "/others/1/", env=WITH_TOKEN)  # a flag before the URL does not swallow it
    assert (told.returncode, told.stdout) == (0, "purged /others/1/: 0 responses in memory\n"), told.stderr
    code, told, _ = command("--tag", "inventory", "--json")
    assert (code, json.loads(told)["tags"]) == (0, ["t:inventory"])
    assert command("--all")[0] == 0
    assert missing(client) == PATHS
    code, _, error = command("/others/1/", env={"LARDER_ADMIN_TOKEN": "another-token-0123456"})
    assert (code, "answered 401" in error) == (1, True)
    code, _, error = command("--rule", "thing")
    assert (code, "did you mean 'things'" in error) == (1, True)
    assert command("--all", "--soft") == (0, "purged everything softly: 5 responses in memory\n", "")
    assert command()[0] == 2
    assert command("/others/1/", "--all")[0] == 2
    assert stats(larder)["purges"] == 5


# --- softly: stale rather than gone ---

STALE = """
rules:
  - name: things
    path: ["/things/", "/things/<int:pk>/"]
    ttl: 1h
    share: everyone
    tags: [inventory]
    stale_while_revalidate: 1h
  - name: others
    path: "/others/<int:pk>/"
    ttl: 1h
    share: everyone
"""


class Shelf:
    """An origin whose answers name its count; with an ETag where asked for. `away`: it answers 503."""

    def __init__(self):
        self.count, self.away = 0, False

    def __call__(self, exchange):
        etag = f'"{self.count}"'
        if self.away:
            exchange.answer(status=503, body=b"away")
        elif exchange.request.field("If-None-Match") == etag:
            exchange.answer(status=304, fields={"ETag": etag})
        else:
            exchange.answer(fields={"ETag": etag}, body=b"%d" % self.count)


@pytest.fixture
def shelf():
    return Shelf()


@pytest.mark.parametrize("what, softened", [
    ({"url": "/things/1/"}, ["/things/1/"]),
    ({"prefix": "/things/"}, ["/things/", "/things/1/"]),
    ({"rule": "things"}, ["/things/", "/things/1/"]),
    ({"tag": "inventory"}, ["/things/", "/things/1/"]),
    ({"all": True}, ["/things/", "/things/1/"]),
], ids=["url", "prefix", "rule", "tag", "all"])
def test_softly_purged_it_is_served_once_more_and_refreshed_behind(start_larder, origin_of, shelf, tier, what, softened):
    larder = start_larder(origin_of(shelf).url, STALE, env=WITH_TOKEN, **tier)
    client = larder.client()
    paths = ["/things/", "/things/1/"]
    fill(client, paths)
    shelf.count = 1
    told = purge(larder, soft=True, **what)
    assert (told["evicted"], told["soft"], told["redis"] in ("done", "none")) == (True, True, True)
    for path in paths:
        answer = client.get(path, headers=HOST)
        assert (state(answer), answer.text) == ("STALE" if path in softened else "HIT", "0")
    for path in softened:
        eventually(lambda: client.get(path, headers=HOST).text == "1", f"{path} is refreshed")
        assert state(client.get(path, headers=HOST)) == "HIT"


def test_without_stale_while_revalidate_it_is_validated_first(start_larder, origin_of, shelf, tier):
    origin = origin_of(shelf)
    larder = start_larder(origin.url, RULES, env=WITH_TOKEN, **tier)
    client = larder.client()
    fill(client, ["/others/1/"])
    purge(larder, url="/others/1/", soft=True)
    asked = client.get("/others/1/", headers=HOST)
    assert (state(asked), asked.text) == ("EXPIRED", "0")
    assert origin.requests[-1].field("If-None-Match") == '"0"'  # and was answered 304
    assert state(client.get("/others/1/", headers=HOST)) == "HIT"
    shelf.count = 1
    purge(larder, url="/others/1/", soft=True)
    assert client.get("/others/1/", headers=HOST).text == "1"


def test_softly_purged_it_stands_in_for_an_origin_that_is_away_and_hard_purged_it_does_not(
        start_larder, origin_of, shelf, tier):
    rules = RULES.replace("tags: [inventory]", "stale_if_error: 1h")
    larder = start_larder(origin_of(shelf).url, rules, env=WITH_TOKEN, **tier)
    client = larder.client()
    fill(client, ["/things/1/", "/things/2/"])
    shelf.away = True
    purge(larder, rule="things", soft=True)
    for _ in range(2):  # memory does not take it from Redis for what is not softened
        answer = client.get("/things/1/", headers=HOST)
        assert (answer.status_code, state(answer), answer.text) == (200, "STALE", "0")
    purge(larder, url="/things/2/")
    assert client.get("/things/2/", headers=HOST).status_code == 503
    purge(larder, url="/things/2/", soft=True)  # does not bring it back
    assert client.get("/things/2/", headers=HOST).status_code == 503


def test_what_has_outgrown_memory_is_not_followed_by_what_was_there_before(start_larder, origin_of, redis):
    content = b"old"
    origin = origin_of(lambda exchange: exchange.answer(body=content))
    client = start_larder(origin.url, STALE, env=WITH_TOKEN, redis=redis.url, memory="1MiB").client()
    fill(client, ["/things/1/"])
    content = os.urandom(300_000)  # more than a quarter of memory: Redis alone keeps it
    reloaded = client.get("/things/1/", headers={**HOST, "Cache-Control": "no-cache"})
    assert reloaded.content == content
    for _ in range(2):
        again = client.get("/things/1/", headers=HOST)
        assert (state(again), again.content == content) == ("HIT", True)


@pytest.mark.parametrize("memory", ["0", "64MiB"])
def test_every_replica_hears_of_a_soft_purge(start_larder, origin_of, shelf, redis, memory):
    origin = origin_of(shelf)
    one, other = (start_larder(origin.url, STALE, env=WITH_TOKEN, redis=redis.url, memory=memory) for _ in range(2))
    for larder in (one, other):
        fill(larder.client(), ["/things/1/"])
    shelf.count = 1
    purge(one, url="/things/1/", soft=True)
    # Within the time that the news takes it may be a hit from memory; then it is stale once, then new.
    seen = []
    eventually(lambda: seen.append(other.client().get("/things/1/", headers=HOST)) or seen[-1].text == "1",
               "the other one asks again")
    assert {state(answer) for answer in seen[:-1]} <= {"HIT", "STALE"}
    assert "STALE" in {state(answer) for answer in seen}


def test_a_write_evicts_what_was_softened(start_larder, origin_of, shelf, tier):
    larder = start_larder(origin_of(shelf).url, STALE, env=WITH_TOKEN, **tier)
    client = larder.client()
    fill(client, ["/things/1/"])
    purge(larder, url="/things/1/", soft=True)
    shelf.count = 1
    assert client.put("/things/1/", data=b"x", headers=HOST).status_code == 200
    answer = client.get("/things/1/", headers=HOST)
    assert (state(answer), answer.text) == ("MISS", "1")


def test_a_soft_dry_run_counts_and_changes_nothing(start_larder, origin_of, shelf):
    larder = start_larder(origin_of(shelf).url, STALE, env=WITH_TOKEN)
    client = larder.client()
    fill(client, ["/things/1/"])
    told = purge(larder, url="/things/1/", soft=True, dry_run=True)
    assert (told["evicted"], told["soft"], told["in_memory"]) == (False, True, 1)
    assert state(client.get("/things/1/", headers=HOST)) == "HIT"


def test_a_running_larder_explains_what_is_softened(start_larder, origin_of, shelf):
    larder = start_larder(origin_of(shelf).url, RULES, env=WITH_TOKEN)
    fill(larder.client(), ["/others/1/"])
    purge(larder, url="/others/1/", soft=True)
    told = requests.get(larder.admin_url + "/explain", timeout=5, params={
        "method": "GET", "url": "/others/1/", "field": "Host: " + HOST["Host"], "format": "json"}).json()
    assert told["stored"]["softened"] is True


# --- PURGE, where clients connect ---

def test_the_method_is_djangos_unless_it_is_switched_on(larder, origin):
    client = larder.client()
    fill(client)
    answer = client.request("PURGE", "/things/1/", headers={**HOST, **BEARER})
    assert answer.text == "/things/1/"  # the origin's
    assert origin.seen("PURGE")


def test_the_method_with_the_token(start_larder, origin, tier):
    larder = start_larder(origin.url, RULES, env={**WITH_TOKEN, "LARDER_PURGE_METHOD": "true"}, **tier)
    client = larder.client()
    fill(client)
    for headers in ({}, {"Authorization": "Bearer nonsense"}):
        refused = client.request("PURGE", "/things/1/", headers={**HOST, **headers})
        assert refused.status_code == 403
    assert missing(client) == []
    done = client.request("PURGE", "/things/1/?whatever", headers={**HOST, **BEARER})
    assert (done.status_code, done.json()["tags"]) == (200, ["p:/things/1"])
    assert missing(client) == ["/things/1/", "/things/1/?page=2"]
    assert not origin.seen("PURGE")
    assert TOKEN not in larder.process.log_text()
    assert requests.get(larder.admin_url + "/stats", timeout=5).json()["purges"] == 1
    fill(client)
    softly = client.request("PURGE", "/things/1/", headers={**HOST, **BEARER, "Larder-Soft-Purge": "1"})
    assert (softly.status_code, softly.json()["soft"]) == (200, True)
    assert state(client.get("/things/1/", headers=HOST)) == "EXPIRED"


def test_more_than_a_hundred_at_once_are_refused(start_larder, origin):
    larder = start_larder(origin.url, RULES, env={**WITH_TOKEN, "LARDER_PURGE_METHOD": "true"})
    request = (f"PURGE /things/1/ HTTP/1.1\r\nHost: resumate.example\r\n"
               f"Authorization: {BEARER['Authorization']}\r\n\r\n").encode()
    with RawConnection(larder.url) as connection:
        began = time.monotonic()
        connection.send(request * 400)
        statuses = []
        for _ in range(400):
            status, fields = connection.read_head()
            connection.read_body(fields)
            statuses.append(status)
        took = time.monotonic() - began
    assert statuses[:100] == [200] * 100
    assert statuses.count(429) >= 400 - 101 - 50 * took, "50 a second come to it"
    assert set(statuses) == {200, 429}


def test_the_admin_listener_refuses_as_many(start_larder, origin):
    larder = start_larder(origin.url, RULES, env=WITH_TOKEN)
    with requests.Session() as operator:
        began = time.monotonic()
        statuses = [operator.post(larder.admin_url + "/purge", json={"url": "/things/1/"}, headers=BEARER,
                                  timeout=5).status_code for _ in range(300)]
        took = time.monotonic() - began
    assert statuses[:100] == [200] * 100
    assert statuses.count(429) >= 300 - 101 - 50 * took, "50 a second come to it"


def test_the_method_needs_a_token_to_be_switched_on(origin):
    refused = run("serve", "--upstream", origin.url, "--listen", "127.0.0.1:0", "--admin", "off", "--purge-method",
                  "true")
    assert refused.returncode == 1
    assert "purge_method: there is no token" in refused.stderr
