"""Starting, handing over, stopping: what becomes of those who are being served."""

import http.client
import os
import signal
import subprocess
import threading

import pytest
import requests

from rig.http import RawConnection, receive
from rig.processes import free_port
from rig.rules import THINGS
from rig.waiting import Background, eventually

LONG = ["--drain-timeout", "80s"]


def ends_with(larder, code):
    eventually(lambda: larder.process.exit_code is not None, "larder has ended", within=30)
    assert larder.process.exit_code == code, larder.process.log_text()[-2000:]
    larder.kill()


# --- starting ---

@pytest.mark.parametrize("tier", ["memory", "redis"])
@pytest.mark.parametrize("settle, second", [("0", "HIT"), ("60s", "MISS")])
def test_what_was_written_before_it_started_has_to_settle_as_well(start_larder, origin_of, redis, tier, settle, second):
    origin = origin_of(lambda exchange: exchange.answer(body=b"x"))
    shared = {"redis": redis.url} if tier == "redis" else {}
    larder = start_larder(origin.url, THINGS, arguments=["--settle", settle], **shared)
    assert [receive(larder.url, "/things/1/").fields["x-cache-status"] for _ in range(2)] == ["MISS", second]


# --- handing over ---

def test_a_restart_under_load_loses_no_request(start_larder, origin_of):
    """Two processes on one port; the first is ended while both are asked all the time."""
    origin = origin_of(lambda exchange: exchange.answer(body=exchange.request.path.encode()))
    port = free_port()
    both = ["--listen", f"127.0.0.1:{port}", *LONG]
    before = start_larder(origin.url, THINGS, arguments=both)
    stopped = threading.Event()
    counts = [0] * 12

    def fetch(connection, target):
        connection.request("GET", target)
        response = connection.getresponse()
        assert (response.status, response.read()) == (200, target.encode())

    def ask_on_new_connections(number):
        while not stopped.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            try:
                fetch(connection, f"/things/{counts[number] % 5}/")
            finally:
                connection.close()
            counts[number] += 1

    def ask_on_kept_connections(number):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        used = False
        while not stopped.is_set():
            try:
                fetch(connection, "/things/1/" if number % 2 else "/passed-on/")
            except (http.client.RemoteDisconnected, ConnectionError):
                # Between two requests a server may close at any time (RFC 9112 9.5).
                assert used, "a new connection was closed before its first answer"
                connection.close()
                used = False
                continue
            used = connection.sock is not None
            counts[number] += 1

    clients = [Background(ask_on_new_connections if number < 8 else ask_on_kept_connections, number)
               for number in range(12)]
    try:
        eventually(lambda: min(counts) > 5, "all clients are at work", within=30)
        after = start_larder(origin.url, THINGS, arguments=both)
        eventually(lambda: requests.get(after.admin_url + "/stats", timeout=5).json()["requests"] > 20,
                   "the second process is at work", within=30)
        before.process.send_signal(signal.SIGTERM)
        ends_with(before, 0)
        so_far = list(counts)
        eventually(lambda: all(now > then + 5 for now, then in zip(counts, so_far)), "all clients are still at work",
                   within=30)
    finally:
        stopped.set()
        for client in clients:
            client.result()


def test_whoever_has_just_connected_is_waited_for_longer_than_who_was_answered_before(start_larder, origin_of):
    origin = origin_of(lambda exchange: exchange.answer(body=b"hello"))
    larder = start_larder(origin.url, THINGS, threads=1)
    ask = b"GET /things/1/ HTTP/1.1\r\nHost: things.example\r\n\r\n"
    with RawConnection(larder.url) as used, RawConnection(larder.url) as new:
        used.send(ask)
        assert used.read_body(used.read_head()[1]) == b"hello"
        larder.process.send_signal(signal.SIGTERM)
        assert used.file.read() == b""
        new.send(ask)
        assert new.read_body(new.read_head()[1]) == b"hello"
    ends_with(larder, 0)


# --- stopping ---

def test_an_upload_in_flight_is_finished(start_larder, origin_of):
    origin = origin_of(lambda exchange: exchange.answer(body=exchange.request.body))
    larder = start_larder(origin.url, None, arguments=LONG)
    with RawConnection(larder.url) as connection:
        connection.send(b"POST /upload/ HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello")
        eventually(lambda: origin.connection_count > 0, "the upload has begun")
        larder.process.send_signal(signal.SIGTERM)
        eventually(lambda: "finishing what is in flight" in larder.process.log_text(), "the drain has begun")
        connection.send(b"world")
        status, fields = connection.read_head()
        assert (status, connection.read_body(fields)) == (200, b"helloworld")
    ends_with(larder, 0)


def test_an_event_stream_does_not_hold_up_the_end(start_larder, origin_of):
    gate = threading.Event()

    def script(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        exchange.chunk(b"data: 1\n\n")
        gate.wait(60)

    larder = start_larder(origin_of(script).url, None, arguments=LONG)
    with RawConnection(larder.url) as connection:
        connection.send(b"GET /events/ HTTP/1.1\r\nHost: a\r\n\r\n")
        assert connection.read_head()[0] == 200
        assert connection.file.readline() == b"9\r\n"
        larder.process.send_signal(signal.SIGTERM)
        ends_with(larder, 0)
        # Not one byte that would make it look complete.
        assert connection.file.read() == b"data: 1\n\n\r\n"
    gate.set()


def test_a_tunnel_does_not_hold_up_the_end_but_outlives_requests_in_flight(start_larder, origin_of):
    gate, released, arrived = threading.Event(), threading.Event(), threading.Event()

    def script(exchange):
        if exchange.request.field("upgrade"):
            exchange.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
            exchange.hold(released)
            exchange.send(b"still here")
            gate.wait(60)
        else:
            arrived.set()
            exchange.hold(gate)
            exchange.answer(body=b"done")

    larder = start_larder(origin_of(script).url, None, threads=1, arguments=LONG)
    with RawConnection(larder.url) as tunnel:
        tunnel.send(b"GET /socket/ HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        assert tunnel.read_head()[0] == 101
        held = Background(larder.client().get, "/held")
        assert arrived.wait(10)
        larder.process.send_signal(signal.SIGTERM)
        eventually(lambda: "finishing what is in flight" in larder.process.log_text(), "the drain has begun")
        released.set()
        assert tunnel.file.read(10) == b"still here"
        gate.set()
        assert held.result().content == b"done"
        assert tunnel.file.read() == b""
    ends_with(larder, 0)


@pytest.fixture
def stuck(start_larder, origin_of):
    """A Larder with a request in flight that nobody will answer."""
    gate, arrived = threading.Event(), threading.Event()

    def script(exchange):
        arrived.set()
        gate.wait(80)

    def start(*arguments):
        larder = start_larder(origin_of(script).url, None, arguments=arguments)
        client = Background(receive, larder.url, "/stuck")
        assert arrived.wait(10)
        return larder, client

    yield start
    gate.set()


def test_when_time_is_up_what_is_left_is_broken_off_and_said(stuck):
    larder, client = stuck("--drain-timeout", "300ms")
    larder.process.send_signal(signal.SIGTERM)
    ends_with(larder, 3)
    assert not client.result().complete


def test_a_second_signal_ends_it_at_once(stuck):
    larder, client = stuck(*LONG)
    larder.process.send_signal(signal.SIGTERM)
    eventually(lambda: "finishing what is in flight" in larder.process.log_text(), "the drain has begun")
    larder.process.send_signal(signal.SIGTERM)
    ends_with(larder, 3)
    assert not client.result().complete


def test_sighup_is_no_end(start_larder, origin_of):
    larder = start_larder(origin_of(lambda exchange: exchange.answer(body=b"hello")).url, None)
    larder.process.send_signal(signal.SIGHUP)
    assert larder.client().get("/").content == b"hello"


# --- a log that takes nothing ---

@pytest.mark.parametrize("stderr, written_to", [
    ("2>&-", "/dev/null"), ("2>/dev/full", "/dev/full"), ("0<&- 1>&- 2>&-", "/dev/null")])
def test_without_a_log_the_service_goes_on(start_larder, origin_of, stderr, written_to):
    origin = origin_of(lambda exchange: exchange.answer(body=exchange.request.path.encode()))
    larder = start_larder(origin.url, THINGS, wrapped=["bash", "-c", f'exec "$@" {stderr}', "larder"])
    # Not to a socket that got the number of the closed stream.
    assert os.readlink(f"/proc/{larder.process.pid}/fd/2") == written_to
    client = larder.client()
    for number in range(50):
        assert client.get(f"/things/{number % 3}/").content == f"/things/{number % 3}/".encode()


def test_a_log_that_nobody_reads_stops_neither_the_service_nor_its_end(origin_of):
    origin = origin_of(lambda exchange: exchange.answer(body=b"hello"))
    port, admin = free_port(), free_port()
    reader, writer = os.pipe()
    child = subprocess.Popen([os.environ["LARDER_BINARY"], "serve", "--upstream", origin.url,
                              "--listen", f"127.0.0.1:{port}", "--admin", f"127.0.0.1:{admin}"], stderr=writer)
    os.close(writer)
    url = f"http://127.0.0.1:{port}"

    def answers():
        try:
            return requests.get(url + "/", timeout=10).content == b"hello"
        except requests.ConnectionError:
            return False

    try:
        eventually(answers, "it serves", within=20)
        with RawConnection(url) as connection:
            line = b"GET /" + b"x" * 4000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"
            # Several times what a pipe and the lines gathered may hold.
            for _ in range(600):
                connection.send(line)
                status, fields = connection.read_head()
                assert (status, connection.read_body(fields)) == (200, b"hello")
        child.terminate()
        assert child.wait(20) == 0
    finally:
        child.kill()
        child.wait()
        os.close(reader)
