"""What a client may not take more of, and what it is told."""

import json
import socket
import threading

import pytest

from rig.http import RawConnection, cache_status, state
from rig.rules import THINGS
from rig.waiting import Background, eventually, throughout

GET = b"GET /things/ HTTP/1.1\r\nHost: things.example\r\n\r\n"
RULES = """
rules:
  - name: uploads
    path: /uploads/
    mode: off
    body_limit: 10
  - name: things
    path: [/things/, /things/<int:pk>/]
    ttl: 1h
    share: everyone
"""


def upload(framing, content):
    return b"POST /uploads/ HTTP/1.1\r\nHost: a\r\n" + framing + b"\r\n\r\n" + content


@pytest.fixture
def origin(origin_of):
    return origin_of(lambda exchange: exchange.answer(body=exchange.request.path.encode()))


def ask(connection, request=GET):
    """Status, fields and content of the answer."""
    connection.send(request)
    status, fields = connection.read_head()
    return status, fields, connection.read_body(fields)


def told(connection):
    """What is answered without being asked, before the end of the connection."""
    status, fields = connection.read_head()
    problem = json.loads(connection.read_body(fields))
    assert connection.file.read() == b""
    return status, fields, problem["detail"]


# --- connections and requests ---

def test_beyond_the_limit_of_connections_the_new_one_is_told(start_larder, origin):
    larder = start_larder(origin.url, THINGS, threads=1, arguments=["--connection-limit", "2"])
    first, second = RawConnection(larder.url), RawConnection(larder.url)
    assert ask(first)[0] == ask(second)[0] == 200
    with RawConnection(larder.url) as third:
        status, fields, detail = told(third)
        assert (status, fields["retry-after"]) == (503, "1")
        assert "connection_limit" in detail
    assert ask(first)[0] == 200
    second.close()

    def is_let_in():
        with RawConnection(larder.url) as another:
            return ask(another)[0] == 200

    eventually(is_let_in, "a place is free again")
    first.close()


def test_one_address_may_not_have_them_all(start_larder, origin):
    larder = start_larder(origin.url, THINGS, arguments=["--connections-per-address", "1", "--trusted-proxies", "off"])
    first = RawConnection(larder.url)
    assert ask(first)[0] == 200
    with RawConnection(larder.url) as second:
        status, fields, detail = told(second)
        assert (status, fields["retry-after"]) == (503, "1")
        assert "connections_per_address" in detail
    assert ask(first)[0] == 200
    first.close()


def test_a_trusted_address_speaks_for_many(start_larder, origin):
    larder = start_larder(origin.url, THINGS, arguments=["--connections-per-address", "1"])
    with RawConnection(larder.url) as first, RawConnection(larder.url) as second:
        assert ask(first)[0] == ask(second)[0] == 200


def test_beyond_the_limit_of_requests_the_new_one_is_told(start_larder, origin_of):
    gate, arrived = threading.Event(), threading.Event()

    def script(exchange):
        arrived.set()
        exchange.hold(gate)
        exchange.answer(body=b"done")

    larder = start_larder(origin_of(script).url, None, arguments=["--request-limit", "1"])
    held = Background(larder.client().get, "/held")
    assert arrived.wait(10)
    refused = larder.client().get("/refused")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert "request_limit" in refused.json()["detail"]
    gate.set()
    assert held.result().content == b"done"
    eventually(lambda: larder.client().get("/next").status_code == 200, "there is room again")


def test_a_connection_ends_after_its_number_of_requests(start_larder, origin):
    larder = start_larder(origin.url, THINGS, arguments=["--requests-per-connection", "3"])
    with RawConnection(larder.url) as connection:
        ends = [ask(connection)[1].get("connection") for _ in range(3)]
        assert ends == [None, None, "close"]
        assert connection.file.read() == b""


def test_a_connection_that_rested_is_served_as_before(start_larder, origin):
    larder = start_larder(origin.url, THINGS)
    with RawConnection(larder.url) as used, RawConnection(larder.url) as unused:
        assert ask(used)[0] == 200
        # Longer than a connection keeps its buffers.
        client = larder.client()
        throughout(1.5, lambda: client.get("/things/"))
        for connection in (used, unused, used):
            status, _, body = ask(connection)
            assert (status, body) == (200, b"/things/")


@pytest.mark.parametrize("last, expected", [
    (GET, [200]),
    (GET[:30], []),
    (GET + GET[:30], [200]),
    (upload(b"Content-Length: 5", b"abc"), []),
], ids=["a whole request", "half of one", "one and a half", "content that is cut off"])
def test_an_end_in_the_same_packet_as_the_last_bytes_is_seen(start_larder, origin, last, expected):
    # Each time-out is longer than the test waits.
    larder = start_larder(origin.url, THINGS, threads=1,
                          arguments=["--head-timeout", "10m", "--idle-timeout", "10m", "--client-timeout", "10m"])
    with RawConnection(larder.url) as connection:
        assert ask(connection)[0] == 200
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        connection.send(last)
        connection.socket.shutdown(socket.SHUT_WR)
        for status in expected:
            answered, fields = connection.read_head()
            assert answered == status
            connection.read_body(fields)
        try:
            assert connection.file.read() == b""
        except ConnectionResetError:
            pass  # as for content that is cut off


def test_pipelined_requests_are_answered_in_order(start_larder, origin):
    larder = start_larder(origin.url, THINGS, threads=1)
    paths = [f"/things/{number % 7}/" for number in range(200)]
    with RawConnection(larder.url) as connection:
        connection.send(b"".join(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % path.encode() for path in paths))
        for path in paths:
            status, fields = connection.read_head()
            assert (status, connection.read_body(fields)) == (200, path.encode())


# --- content ---

def test_content_that_says_it_is_too_large_is_refused_before_anything_is_sent(start_larder, origin):
    larder = start_larder(origin.url, RULES)
    with RawConnection(larder.url) as connection:
        connection.send(upload(b"Content-Length: 11\r\nExpect: 100-continue", b""))
        status, fields, detail = told(connection)
        assert status == 413
        assert "body_limit" in detail
    with RawConnection(larder.url) as connection:
        assert ask(connection, upload(b"Content-Length: 10", b"0123456789"))[0] == 200
    assert [request.body for request in origin.requests] == [b"0123456789"]


def test_chunked_content_that_becomes_too_large_never_looks_complete(start_larder, origin):
    larder = start_larder(origin.url, RULES)
    with RawConnection(larder.url) as connection:
        status, fields, body = ask(connection, upload(b"Transfer-Encoding: chunked", b"6\r\n012345\r\n5\r\n67890\r\n0\r\n\r\n"))
        assert status == 413
        assert "body_limit" in json.loads(body)["detail"]
    with RawConnection(larder.url) as connection:
        assert ask(connection, upload(b"Transfer-Encoding: chunked", b"a\r\n0123456789\r\n0\r\n\r\n"))[0] == 200
    assert [request.body for request in origin.requests] == [b"0123456789"]


def test_the_setting_holds_where_no_rule_says_otherwise(start_larder, origin):
    larder = start_larder(origin.url, RULES.replace("body_limit: 10", "body_limit: 0"), arguments=["--body-limit", "5"])
    client = larder.client()
    assert client.post("/elsewhere/", data=b"012345").status_code == 413
    assert client.post("/elsewhere/", data=b"01234").status_code == 200
    assert client.post("/uploads/", data=b"x" * 1000).status_code == 200


def test_an_expectation_that_nobody_knows_is_refused(start_larder, origin):
    larder = start_larder(origin.url, RULES)
    with RawConnection(larder.url) as connection:
        status, fields, body = ask(connection, upload(b"Content-Length: 1\r\nExpect: miracles", b"x"))
        assert status == 417
    assert origin.requests == []


def test_a_rule_that_is_off_caches_nothing(start_larder, origin):
    client = start_larder(origin.url, RULES).client()
    for _ in range(2):
        response = client.get("/uploads/")
        assert state(response) == "BYPASS"
        assert cache_status(response)["detail"] == "mode-off"
    assert len(origin.seen(path="/uploads/")) == 2


# --- too slow ---

RATE = ["--minimum-rate", "1MiB", "--rate-grace", "300ms", "--client-timeout", "60s", "--head-timeout", "60s"]


def test_content_that_comes_too_slowly_is_not_waited_for(start_larder, origin):
    larder = start_larder(origin.url, None, arguments=RATE)
    with RawConnection(larder.url) as connection:
        connection.send(upload(b"Content-Length: 1000", b"a few"))
        assert told(connection)[0] == 408
    assert origin.requests == []


def test_a_reader_that_is_too_slow_is_cut_off(start_larder, origin_of):
    origin = origin_of(lambda exchange: exchange.answer(body=bytes(32 << 20)))
    larder = start_larder(origin.url, None, arguments=RATE)
    with RawConnection(larder.url) as connection:
        connection.send(GET)
        eventually(lambda: "[cut off]" in larder.process.log_text(), "the log says that it was cut off")
        with pytest.raises(ConnectionResetError):
            connection.file.read()


def test_waiting_for_the_origin_makes_no_client_slow(start_larder, origin_of):
    gate, arrived = threading.Event(), threading.Event()

    def script(exchange):
        if exchange.request.path == "/first":
            arrived.set()
            exchange.hold(gate)
        exchange.answer(body=b"done")

    larder = start_larder(origin_of(script).url, None, arguments=RATE)
    held = Background(larder.client().post, "/first", data=b"x")
    assert arrived.wait(10)
    # Longer than the grace, in requests that are cut off for its sake.
    for _ in range(2):
        with RawConnection(larder.url) as connection:
            connection.send(upload(b"Content-Length: 1000", b"a few"))
            assert told(connection)[0] == 408
    gate.set()
    assert held.result().content == b"done"


# --- descriptors ---

def test_without_descriptors_those_who_are_served_stay_served(start_larder, origin, redis):
    larder = start_larder(origin.url, THINGS, redis=redis.url,
                          wrapped=["bash", "-c", 'ulimit -n 256; exec "$@"', "larder"])
    assert "the process may have 256 files open" in eventually(larder.process.log_text, "the log says so")
    client = larder.client()
    assert state(client.get("/things/")) == "MISS"
    crowd = [RawConnection(larder.url) for _ in range(500)]
    for round_number in range(5):
        assert state(client.get("/things/")) == "HIT"
        assert state(client.get(f"/things/{round_number}/")) == "MISS"
        assert state(client.get(f"/things/{round_number}/")) == "HIT"
        assert client.post("/elsewhere/", data=b"x").status_code == 200
    assert redis.keys()
    for connection in crowd:
        connection.close()

    def is_let_in():
        return larder.client().get("/things/").status_code == 200

    eventually(is_let_in, "new clients are served again")
