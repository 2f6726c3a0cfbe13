"""Simultaneous misses of one key ask Django once."""

import threading

from rig.http import CHROME, RawConnection, state
from rig.rules import THINGS
from rig.waiting import Background, in_parallel

CLIENTS = 50


class Crowd:
    """Clients that all ask before the origin answers."""

    def __init__(self, larder, path="/things/", fields=None):
        self.asked = threading.Barrier(CLIENTS + 1)

        def ask():
            client = larder.client()
            client.get("/warm-up/")  # the connection is open; what is left is one write
            self.asked.wait(20)
            return client.get(path, headers=fields, timeout=20)

        self.result = Background(in_parallel, [ask] * CLIENTS, within=40)


def test_fifty_clients_that_miss_together_cause_one_request(start_larder, origin_of, tier):
    gate = threading.Event()

    def script(exchange):
        if exchange.request.path == "/things/":
            exchange.hold(gate)
        exchange.answer(body=b"x" * 5000)

    origin = origin_of(script)
    crowd = Crowd(start_larder(origin.url, THINGS, **tier))
    crowd.asked.wait(20)
    gate.set()
    answers = crowd.result.result(40)
    assert all((answer.status_code, answer.content) == (200, b"x" * 5000) for answer in answers)
    assert len(origin.seen(path="/things/")) == 1
    states = [state(answer) for answer in answers]
    assert set(states) <= {"MISS", "HIT"} and "MISS" in states


def test_those_who_ask_for_another_representation_do_not_get_the_first(start_larder, origin_of):
    gate = threading.Event()

    def script(exchange):
        exchange.hold(gate)
        html = "text/html" in exchange.request.field("accept")
        exchange.answer(fields={"Vary": "Accept", "Content-Type": "text/html" if html else "application/json"},
                        body=b"<p>" if html else b"[]")

    larder = start_larder(origin_of(script).url, THINGS)
    crowd = [Background(larder.client().get, "/things/", headers={"Accept": accept})
             for accept in ("*/*", CHROME) * 10]
    gate.set()
    assert [client.result().content for client in crowd] == [b"[]", b"<p>"] * 10


def test_an_answer_that_may_not_be_shared_is_not_shared_with_those_who_waited(start_larder, origin_of):
    gate, serial, lock = threading.Event(), [0], threading.Lock()

    def script(exchange):
        if exchange.request.path == "/warm-up/":
            return exchange.answer()
        with lock:
            serial[0] += 1
            number = serial[0]
        exchange.hold(gate)
        exchange.answer(fields={"Set-Cookie": f"user={number}"}, body=b"%d" % number)

    crowd = Crowd(start_larder(origin_of(script).url, THINGS))
    crowd.asked.wait(20)
    gate.set()
    answers = crowd.result.result(40)
    assert len({answer.content for answer in answers}) == CLIENTS
    assert all(answer.headers["Set-Cookie"] == f"user={answer.text}" for answer in answers)


def test_a_fill_that_fails_does_not_fail_those_who_waited_for_ever(start_larder, origin_of):
    gate, first = threading.Event(), threading.Lock()

    def script(exchange):
        if exchange.request.path == "/things/" and first.acquire(blocking=False):
            exchange.hold(gate)
            return exchange.reset()
        exchange.answer(body=b"well")

    larder = start_larder(origin_of(script).url, THINGS)
    crowd = Crowd(larder)
    crowd.asked.wait(20)
    gate.set()
    answers = crowd.result.result(40)
    assert {answer.status_code for answer in answers} <= {200, 502}
    assert all(answer.content == b"well" for answer in answers if answer.status_code == 200)
    assert larder.client().get("/things/").content == b"well"


def test_one_who_leaves_does_not_take_the_others_answer_along(start_larder, origin_of):
    gate, started = threading.Event(), threading.Event()

    def script(exchange):
        started.set()
        exchange.hold(gate)
        exchange.answer(body=b"whole")

    larder = start_larder(origin_of(script).url, THINGS)
    with RawConnection(larder.url) as leader:
        leader.send(b"GET /things/ HTTP/1.1\r\nHost: " + larder.url[7:].encode() + b"\r\nAccept: */*\r\n\r\n")
        assert started.wait(10)
        followers = [Background(larder.client().get, "/things/") for _ in range(10)]
    gate.set()
    assert [follower.result().content for follower in followers] == [b"whole"] * 10
