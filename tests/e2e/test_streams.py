"""What takes its time: server-sent events, slow answers, WebSocket."""

import asyncio
import json
import threading
import time

import pytest
import websockets

from rig.demo import GENERATE_SECONDS
from rig.http import RawConnection, state
from rig.rules import THINGS
from rig.waiting import Background


def test_server_sent_events_arrive_one_by_one(larder, client):
    events, interval = 5, 0.4
    began, arrived, body = time.monotonic(), [], b""
    with client.get(f"/api/ai/stream/?events={events}&interval={interval}", stream=True) as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        assert state(answer) == "BYPASS"
        for part in answer.iter_content(None):
            body += part
            arrived += [time.monotonic() - began] * (body.count(b"\n\n") - len(arrived))
    assert [json.loads(event.split(b"data: ")[1])["token"] for event in body.strip().split(b"\n\n")] == [1, 2, 3, 4, 5]
    assert len(arrived) == events
    # The origin takes 1.6 s from the first to the last. Buffered, they would come together.
    assert arrived[-1] - arrived[0] > interval * (events - 1) * 0.6
    assert arrived[0] < interval * 3


def test_an_event_is_delivered_before_the_next_one_exists(start_larder, origin_of):
    go_on = threading.Event()

    def script(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        exchange.chunk(b"data: 1\n\n")
        exchange.hold(go_on)
        exchange.chunk(b"data: 2\n\n")
        exchange.send(b"0\r\n\r\n")

    larder = start_larder(origin_of(script).url, rules=None)
    with RawConnection(larder.url) as raw:
        raw.send(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        raw.read_head()
        assert raw.file.readline().strip() == b"9"  # a chunk of nine bytes
        assert raw.file.read(9) == b"data: 1\n\n"
        go_on.set()
        raw.file.readline()
        raw.file.readline()
        assert raw.file.read(9) == b"data: 2\n\n"


def test_a_stream_under_a_rule_is_delivered_as_it_comes(start_larder, origin_of):
    go_on = threading.Event()

    def script(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        exchange.chunk(b"[1,")
        exchange.hold(go_on)
        exchange.chunk(b"2]")
        exchange.send(b"0\r\n\r\n")

    larder = start_larder(origin_of(script).url, THINGS)
    with RawConnection(larder.url) as raw:
        raw.send(b"GET /things/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
        _, fields = raw.read_head()
        raw.file.readline()
        assert raw.file.read(3) == b"[1,"
        go_on.set()
        raw.file.readline()
        raw.file.readline()
        assert raw.file.read(2) == b"2]"


def test_a_client_that_leaves_a_stream_frees_the_origin(start_larder, origin_of):
    gone = threading.Event()

    def script(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                exchange.chunk(b"x" * 4096)
                gone.wait(0.02)
        except OSError:
            gone.set()
            raise

    larder = start_larder(origin_of(script).url, rules=None)
    with RawConnection(larder.url) as raw:
        raw.send(b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n")
        raw.read_head()
        raw.file.read(100)
    assert gone.wait(10), "the origin still sends to nobody"


def test_a_slow_answer_is_waited_for_and_hinders_nobody(larder, client):
    slow = Background(larder.client().post, "/api/ai/generate/", json={"prompt": "write"}, timeout=30)
    for _ in range(20):
        assert client.get("/api/ai/models/").status_code == 200
    answer = slow.result(30)
    assert (answer.status_code, answer.json()["seconds"]) == (200, GENERATE_SECONDS)
    assert answer.elapsed.total_seconds() >= GENERATE_SECONDS


# --- WebSocket ---

def test_a_websocket_goes_through_in_both_directions(start_larder, asgi):
    larder = start_larder(asgi)

    async def talk(number):
        async with websockets.connect(larder.url.replace("http", "ws") + "/ws/", open_timeout=10) as socket:
            for turn in range(5):
                await asyncio.wait_for(socket.send(f"hello {number} {turn}"), 10)
                assert await asyncio.wait_for(socket.recv(), 10) == f"HELLO {number} {turn}"
            large = bytes(range(256)) * 1000
            await asyncio.wait_for(socket.send(large), 10)
            assert await asyncio.wait_for(socket.recv(), 10) == large[::-1]

    async def talk_at_once():
        await asyncio.gather(*(talk(number) for number in range(5)))

    asyncio.run(talk_at_once())
    assert larder.client().get("/").text == "plain"


def test_an_upgrade_that_the_origin_ignores_is_an_ordinary_request(start_larder, origin_of):
    origin = origin_of(lambda exchange: exchange.answer(body=b"no"))
    larder = start_larder(origin.url, rules=None)
    with RawConnection(larder.url) as raw:
        for _ in range(2):
            raw.send(b"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                     b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
            status, fields = raw.read_head()
            assert (status, raw.read_body(fields)) == (200, b"no")
