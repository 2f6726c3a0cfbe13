"""MISS, then HIT: over the memory tier, over Redis, over both."""

import re

import pytest

from rig.http import RawConnection, cache_status, receive, state
from rig.rules import THINGS, with_settings
from rig.waiting import eventually

PUBLIC = ["/api/ai/models/", "/api/example-job-applications/", "/api/example-job-applications/?page=2",
          "/api/example-job-applications/5/"]


@pytest.mark.parametrize("path", PUBLIC)
def test_the_first_get_misses_and_the_second_hits_with_the_same_body_and_an_age(start_larder, demo, tier, path):
    client = start_larder(demo.url, **tier).client()
    first = client.get(path)
    assert (first.status_code, state(first)) == (200, "MISS")
    assert cache_status(first)["fwd"] == "uri-miss" and "stored" in cache_status(first)
    assert "Age" not in first.headers

    second = client.get(path)
    assert (second.status_code, state(second)) == (200, "HIT")
    said = cache_status(second)
    assert "hit" in said and "fwd" not in said and 3000 < int(said["ttl"]) <= 86400
    assert re.fullmatch(r"\d+", second.headers["Age"]) and int(second.headers["Age"]) < 60
    assert second.content == first.content
    assert second.content == demo.client().get(path, headers={"Host": f"127.0.0.1:{client.base[-5:]}"}).content
    for name in ("Content-Type", "Vary", "Allow", "X-Frame-Options"):
        assert second.headers[name] == first.headers[name], name


def test_a_hit_does_not_ask_the_origin(start_larder, origin_of, tier):
    origin = origin_of(lambda exchange: exchange.answer(body=b'["once"]'))
    client = start_larder(origin.url, THINGS, **tier).client()
    states = [state(client.get("/things/")) for _ in range(20)]
    assert states == ["MISS"] + ["HIT"] * 19
    assert len(origin.requests) == 1


def test_the_origins_own_cache_status_is_replaced(start_larder, origin_of):
    origin = origin_of(lambda exchange: exchange.answer(fields={"X-Cache-Status": "HIT"}, body=b"[]"))
    client = start_larder(origin.url, THINGS).client()
    assert [state(client.get("/things/")) for _ in range(2)] == ["MISS", "HIT"]
    assert state(client.get("/elsewhere/")) == "BYPASS"


def test_what_no_rule_names_is_passed_on_and_says_so(client):
    for _ in range(2):
        response = client.get("/healthz")
        assert (response.status_code, state(response)) == (200, "BYPASS")
        assert "fwd" in cache_status(response)
        assert "stored" not in cache_status(response)


def test_a_method_that_writes_is_passed_on_and_says_so(client):
    response = client.post("/api/auth/token/", json={"username": "alice", "password": "alice-password"})
    assert (response.status_code, state(response)) == (200, "BYPASS")
    assert cache_status(response)["fwd"] == "method"


def test_only_a_200_is_stored(client):
    for _ in range(2):
        missing = client.get("/api/example-job-applications/99999999/")
        assert missing.status_code == 404 and state(missing) != "HIT"
        assert "stored" not in cache_status(missing)
    for _ in range(2):
        redirect = client.get("/api/ai/models")
        assert redirect.status_code == 301 and redirect.headers["Location"].endswith("/api/ai/models/")
        assert state(redirect) != "HIT"


def test_options_is_answered_by_the_origin_each_time(client):
    client.get("/api/ai/models/")
    for _ in range(2):
        response = client.options("/api/ai/models/")
        assert response.status_code == 200 and "renders" in response.json()
        assert state(response) == "BYPASS"


def test_head_has_no_body_and_leaves_nothing_behind_for_the_next_request(client):
    # gunicorn sends the content of a HEAD all the same (test_demo_backend.py). On a connection that is
    # kept it would be taken for the answer to somebody's next request.
    expected = {path: client.get(path).content for path in ("/healthz", "/api/notices/", "/api/ai/models/")}
    for path in expected:
        for _ in range(8):
            head = client.head(path)
            assert head.status_code in (200, 405) and head.content == b""
            for other, body in expected.items():
                answer = client.get(other)
                assert (answer.status_code, answer.content) == (200, body)


def test_a_head_on_a_stored_list_agrees_with_the_get(client):
    for _ in range(2):
        got = client.get("/api/ai/models/")
    head = client.head("/api/ai/models/")  # with the same Accept-Encoding
    assert head.status_code == 200 and head.content == b""
    assert head.headers["Content-Type"] == got.headers["Content-Type"]
    assert head.headers["Content-Length"] == got.headers["Content-Length"]


@pytest.mark.parametrize("fields", [
    {"Set-Cookie": "session=1"}, {"Cache-Control": "no-store"}, {"Cache-Control": "private"},
    {"Cache-Control": "no-cache"}, {"Vary": "*"}, {"Vary": "Accept, *"},
], ids=lambda fields: "; ".join(f"{name}: {value}" for name, value in fields.items()))
def test_what_the_origin_forbids_is_not_stored(start_larder, origin_of, redis, fields):
    origin = origin_of(lambda exchange: exchange.answer(fields=fields, body=b"[]"))
    client = start_larder(origin.url, THINGS, redis=redis.url).client()
    for _ in range(2):
        response = client.get("/things/")
        assert response.status_code == 200 and state(response) != "HIT"
        assert "stored" not in cache_status(response)
    assert len(origin.requests) == 2


def test_an_object_above_the_limit_is_delivered_whole_and_not_stored(start_larder, origin_of, redis):
    sizes = {"/things/1/": 64 * 1024, "/things/2/": 64 * 1024 + 1}
    bodies = {path: bytes(range(256)) * (size // 256) + b"x" * (size % 256) for path, size in sizes.items()}

    def script(exchange):
        body = bodies[exchange.request.path]
        if exchange.request.query.get("chunked"):
            exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for start in range(0, len(body), 10_000):
                exchange.chunk(body[start:start + 10_000])
            exchange.send(b"0\r\n\r\n")
        else:
            exchange.answer(body=body)

    rules = with_settings(THINGS, object_limit="64KiB")
    client = start_larder(origin_of(script).url, rules, redis=redis.url).client()
    for query in ("", "?chunked=1"):
        for path, expected in (("/things/1/", [False, True]), ("/things/2/", [False, False])):
            got = [client.get(path + query) for _ in range(2)]
            assert all(answer.content == bodies[path] for answer in got)
            assert [state(answer) == "HIT" for answer in got] == expected, (path, query)


def test_what_one_process_stored_in_redis_the_next_one_finds_there(start_larder, demo, redis):
    before = start_larder(demo.url, redis=redis.url)
    host = {"Host": "resumate.example"}  # the two differ by port, their clients' Host does not
    body = before.client().get("/api/ai/models/", headers=host).content
    eventually(redis.large_keys, "the response is in Redis")
    assert before.stop() is None
    after = start_larder(demo.url, redis=redis.url).client().get("/api/ai/models/", headers=host)
    assert (state(after), after.content) == ("HIT", body)


def test_without_redis_nothing_is_shared_and_nothing_is_missing(start_larder, demo, redis):
    for _ in range(2):
        client = start_larder(demo.url).client()
        assert [state(client.get("/api/ai/models/")) for _ in range(3)] == ["MISS", "HIT", "HIT"]
    assert redis.keys() == []


def test_without_rules_everything_is_passed_on(start_larder, demo):
    client = start_larder(demo.url, rules=None).client()
    for _ in range(2):
        response = client.get("/api/ai/models/")
        assert (response.status_code, state(response)) == (200, "BYPASS")


def test_an_http_1_0_client_gets_a_body_with_an_end(start_larder, demo):
    larder = start_larder(demo.url)
    for path in ("/api/ai/models/", "/api/ai/models/", "/api/files/100000/?chunked=1"):
        with RawConnection(larder.url) as raw:
            raw.send(f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode())
            status, fields = raw.read_head()
            assert status == 200 and "transfer-encoding" not in fields
            assert len(raw.read_body(fields)) == len(receive(demo.url, path).body)
