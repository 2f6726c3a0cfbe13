"""The origin refuses, hangs, dies in the middle or talks nonsense."""

import json
import threading
import time

import pytest

from rig.http import RawConnection, receive, state
from rig.processes import free_port
from rig.rules import THINGS, with_settings
from rig.waiting import eventually


def assert_problem(answer, *statuses):
    assert answer.status_code in statuses
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    problem = answer.json()
    assert problem["status"] == answer.status_code and problem["title"]


@pytest.mark.parametrize("redis_too", [False, True], ids=["memory alone", "with Redis"])
def test_when_django_is_killed_hits_go_on_and_misses_say_502(start_larder, demo, redis, redis_too):
    client = start_larder(demo.url, redis=redis.url if redis_too else None).client()
    body = client.get("/api/ai/models/").content
    client.get("/healthz")  # a connection to Django is in the pool
    demo.process.kill()
    for _ in range(5):
        hit = client.get("/api/ai/models/")
        assert (state(hit), hit.content) == ("HIT", body)
        began = time.monotonic()
        assert_problem(client.get("/api/example-job-applications/"), 502)
        assert_problem(client.post("/api/auth/token/", json={}), 502)
        assert time.monotonic() - began < 2
    demo.start()
    assert client.get("/api/example-job-applications/").status_code == 200
    assert state(client.get("/api/ai/models/")) == "HIT"


def test_a_502_is_not_stored(start_larder, origin_of):
    port = free_port()
    client = start_larder(f"http://127.0.0.1:{port}", THINGS).client()
    assert_problem(client.get("/things/"), 502)
    assert client.get("/things/").status_code == 502


def test_an_origin_that_hangs_is_a_504_while_hits_go_on(start_larder, origin_of):
    never = threading.Event()

    def script(exchange):
        if exchange.request.path in ("/things/2/", "/hung/"):
            never.wait(30)
            return exchange.close()
        exchange.answer(body=b"stored")

    rules = with_settings(THINGS, first_byte_timeout="700ms")
    client = start_larder(origin_of(script).url, rules).client()
    client.get("/things/1/")
    for path in ("/things/2/", "/hung/"):
        began = time.monotonic()
        assert_problem(client.get(path), 504)
        assert 0.6 < time.monotonic() - began < 5
        assert (state(client.get("/things/1/")), client.get("/things/1/").content) == ("HIT", b"stored")
    began = time.monotonic()
    assert_problem(client.post("/hung/", data=b"x"), 504)
    assert time.monotonic() - began < 5
    never.set()


def raw(*parts, end="close"):
    def script(exchange):
        for part in parts:
            exchange.send(part)
        getattr(exchange, end)()
    return script


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
NONSENSE = {
    "nothing at all": raw(),
    "a reset": raw(end="reset"),
    "half a status line": raw(b"HTTP/1.1 20", end="reset"),
    "half a head": raw(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "garbage": raw(b"\x00\x01\x02 what is this?\r\n\r\n"),
    "another protocol": raw(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "a status of four digits": raw(b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n"),
    "two lengths": raw(HEAD + b"Content-Length: 5\r\nContent-Length: 7\r\n\r\nhello!!"),
    "a length that is no number": raw(HEAD + b"Content-Length: five\r\n\r\nhello"),
    "a field without colon": raw(HEAD + b"no colon here\r\nContent-Length: 0\r\n\r\n"),
    "HTTP/0.9": raw(b"hello\r\n"),
    "HTTP/2 by name": raw(b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"),
    "a status below all": raw(b"HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n"),
    "a status above all": raw(b"HTTP/1.1 600 OK\r\nContent-Length: 0\r\n\r\n"),
    "a list of lengths": raw(HEAD + b"Content-Length: 5, 5\r\n\r\nhello"),
    "a length and chunks": raw(HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
    "chunks within gzip": raw(HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
    "the identity coding": raw(HEAD + b"Transfer-Encoding: identity\r\n\r\nhello"),
    "chunks twice": raw(HEAD + b"Transfer-Encoding: chunked, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
    "chunks in HTTP/1.0": raw(b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
    "a folded field": raw(HEAD + b"X-Long: a\r\n b\r\nContent-Length: 5\r\n\r\nhello"),
    "interim responses without end": raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 40),
    "a switch of protocols that nobody asked for": raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
    "an endless head": raw(HEAD + b"X-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 2000),
    "a NUL in a field": raw(HEAD + b"X-Bad: a\x00b\r\nContent-Length: 0\r\n\r\n"),
}


@pytest.mark.parametrize("nonsense", NONSENSE)
@pytest.mark.parametrize("path", ["/things/", "/elsewhere/"])
def test_nonsense_is_a_502_and_never_a_bare_close(start_larder, origin_of, nonsense, path):
    origin = origin_of(NONSENSE[nonsense])
    client = start_larder(origin.url, THINGS).client()
    for _ in range(2):
        assert_problem(client.get(path), 502)
    assert len(origin.requests) <= 4  # a GET may be tried once more, no oftener


CUT = {
    "a length that does not come, then close": raw(HEAD + b"Content-Length: 1000\r\n\r\n" + b"x" * 400),
    "a length that does not come, then reset": raw(HEAD + b"Content-Length: 1000\r\n\r\n" + b"x" * 400, end="reset"),
    "no last chunk": raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n190\r\n" + b"x" * 400 + b"\r\n"),
    "half a chunk, then reset": raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n3e8\r\n" + b"x" * 400, end="reset"),
    "a chunk size that is none": raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n190\r\n" + b"x" * 400 + b"\r\nzz\r\n"),
    "a chunk longer than it says": raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n" + b"x" * 400 + b"\r\n0\r\n\r\n"),
}


@pytest.mark.parametrize("cut", CUT)
@pytest.mark.parametrize("path", ["/things/", "/elsewhere/"])
def test_a_body_that_was_cut_off_never_looks_complete_and_is_never_stored(start_larder, origin_of, tier, cut, path):
    misbehave = [True]

    def script(exchange):
        if misbehave[0]:
            CUT[cut](exchange)
        else:
            exchange.answer(body=b"whole")

    larder = start_larder(origin_of(script).url, THINGS, **tier)
    for _ in range(2):
        got = receive(larder.url, path)
        assert not (got.complete and got.status == 200), f"{len(got.body)} bytes looked like all"
    misbehave[0] = False
    got = receive(larder.url, path)
    assert (got.status, got.body, got.complete) == (200, b"whole", True)


def test_a_body_that_ends_with_the_connection_is_delivered_and_marked(start_larder, origin_of):
    # No length, no chunks: complete as far as anyone can tell, so it is delivered; kept or not is open.
    client = start_larder(origin_of(raw(HEAD + b"\r\n" + b"x" * 400)).url, THINGS).client()
    for _ in range(2):
        assert client.get("/things/").content == b"x" * 400


def test_a_get_on_a_connection_that_died_meanwhile_is_tried_again(start_larder, origin_of):
    served, lock = {}, threading.Lock()

    def script(exchange):
        with lock:
            turn = served[exchange.connection_number] = served.get(exchange.connection_number, 0) + 1
        if turn == 1:
            exchange.answer(body=b"well")
        else:  # as gunicorn at the end of its keep-alive: the request arrives, the connection goes
            exchange.reset()

    origin = origin_of(script)
    client = start_larder(origin.url, rules=None, threads=1).client()
    for _ in range(10):
        answer = client.get("/")
        assert (answer.status_code, answer.content) == (200, b"well")
    assert any(turns > 1 for turns in served.values()), "no connection was ever used again"


def test_a_post_never_reaches_the_origin_twice(start_larder, origin_of):
    served, lock = {}, threading.Lock()

    def script(exchange):
        with lock:
            turn = served[exchange.connection_number] = served.get(exchange.connection_number, 0) + 1
        exchange.answer(body=b"well") if turn == 1 else exchange.reset()

    origin = origin_of(script)
    client = start_larder(origin.url, rules=None, threads=1).client()
    for number in range(10):
        client.get("/")
        answer = client.post("/", data=json.dumps({"number": number}).encode())
        assert answer.status_code in (200, 502)
    bodies = [request.body for request in origin.seen("POST")]
    assert len(bodies) == len(set(bodies)), "a POST was repeated"


def test_an_idle_connection_that_the_origin_closed_is_not_used(start_larder, origin_of):
    def script(exchange):
        exchange.answer(body=b"well")
        exchange.close()  # without having said `Connection: close`

    client = start_larder(origin_of(script).url, rules=None, threads=1).client()
    for number in range(20):
        answer = client.post("/", data=b"%d" % number)
        # Between the answer and the close there is an instant in which the connection looks usable.
        assert answer.status_code in (200, 502)
    assert eventually(lambda: client.get("/").status_code == 200, "it goes on")


def test_an_interim_response_is_no_answer(start_larder, origin_of):
    def script(exchange):
        exchange.send(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")
        exchange.answer(body=b"final")

    larder = start_larder(origin_of(script).url, THINGS)
    for path in ("/elsewhere/", "/things/", "/things/"):
        with RawConnection(larder.url) as raw_client:
            raw_client.send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            status, fields = raw_client.read_head()
            if status == 103:  # passed on, or not: both are right
                status, fields = raw_client.read_head()
            assert (status, raw_client.read_body(fields)) == (200, b"final")


POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned"


def test_bytes_after_an_answer_are_no_answer_to_the_next_request(start_larder, origin_of):
    def script(exchange):
        body = exchange.request.path.encode()
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body + POISON)

    client = start_larder(origin_of(script).url, rules=None, threads=1).client()
    for number in range(30):
        answer = client.get(f"/{number}")
        assert answer.status_code == 200 and answer.content == b"/%d" % number


def test_bytes_on_an_idle_connection_are_no_answer_to_the_next_request(start_larder, origin_of):
    answered, poisoned = threading.Event(), threading.Event()

    def script(exchange):
        exchange.answer(body=exchange.request.path.encode())
        exchange.hold(answered)
        exchange.send(POISON)
        eventually(exchange.is_delivered, "the bytes are with the other side")
        poisoned.set()

    client = start_larder(origin_of(script).url, rules=None, threads=1).client()
    for number in range(10):
        answered.clear()
        poisoned.clear()
        answer = client.get(f"/{number}")
        assert answer.status_code == 200 and answer.content == b"/%d" % number
        answered.set()
        assert poisoned.wait(10)
