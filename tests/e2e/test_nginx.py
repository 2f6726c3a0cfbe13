"""nginx with TLS before Larder, as deploy/nginx has it, and what Django makes of what the two tell it."""

import asyncio
import ssl
import threading
import uuid

import pytest
import websockets

from rig.admin import Admin
from rig.http import FETCH, state, url_client
from rig.nginx import Nginx
from rig.processes import free_port
from rig.rules import THINGS
from rig.waiting import Background, eventually

HOST = "resumate.example"
ORIGIN = f"https://{HOST}"
MODELS = "/api/ai/models/"


@pytest.fixture
def start_nginx(tmp_path, certificates):
    certificate, key = certificates.make("nginx", f"DNS:{HOST},IP:127.0.0.1")
    started = []

    def start(*larders):
        started.append(Nginx(tmp_path / "nginx", [larder.port for larder in larders], certificate, key))
        return started[-1]

    yield start
    for nginx in started:
        nginx.stop()


@pytest.fixture
def client_of(certificates):
    def make(nginx):
        client = url_client(nginx.url)
        client.verify = str(certificates.ca)
        client.headers["Host"] = HOST
        return client

    return make


def test_a_person_logs_in_and_edits_behind_tls(start_larder, demo, redis, start_nginx, client_of):
    nginx = start_nginx(start_larder(demo.url, redis=redis.url))
    client = client_of(nginx)
    assert [state(client.get(MODELS)) for _ in range(2)] == ["MISS", "HIT"]
    admin = Admin(client_of(nginx), origin=ORIGIN)  # Django checks the scheme, Host and Origin
    row, text = client.get(MODELS).json()[0], f"edited {uuid.uuid4()}"
    saved = admin.change(f"/admin/ai/aimodel/{row['id']}/change/", description=text)
    assert (saved.status_code, saved.headers["Location"]) == (302, "/admin/ai/aimodel/")
    answer = client.get(MODELS)
    assert (state(answer), answer.json()[0]["description"]) == ("MISS", text)


def test_absolute_urls_are_those_that_the_browser_used(start_larder, demo, redis, start_nginx, client_of):
    client = client_of(start_nginx(start_larder(demo.url, redis=redis.url)))
    for expected in ("MISS", "HIT"):
        page = client.get("/api/example-job-applications/?page=2", headers={"Accept": FETCH})
        assert state(page) == expected
        assert page.json()["next"] == f"{ORIGIN}/api/example-job-applications/?page=3"
    client.headers["Host"] = f"{HOST}:8443"  # a port is a part of it
    page = client.get("/api/example-job-applications/?page=2", headers={"Accept": FETCH})
    assert page.json()["next"] == f"https://{HOST}:8443/api/example-job-applications/?page=3"


def test_plain_http_is_sent_to_https(start_larder, demo, start_nginx):
    nginx = start_nginx(start_larder(demo.url))
    answer = url_client(nginx.http_url).get("/admin/?a=b", headers={"Host": HOST})
    assert (answer.status_code, answer.headers["Location"]) == (301, f"{ORIGIN}/admin/?a=b")


def test_what_a_client_says_of_itself_counts_for_nothing(start_larder, origin_of, start_nginx, client_of):
    origin = origin_of(lambda exchange: exchange.answer(body=b"[]"))
    client = client_of(start_nginx(start_larder(origin.url, THINGS)))
    answer = client.get("/things/", headers={
        "X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.example",
        "Forwarded": "for=203.0.113.7;proto=http", "Larder-Explain": "1"})
    request = origin.requests[-1]
    assert request.field("host") == HOST
    assert request.field("x-forwarded-proto") == "https"
    assert request.field("x-forwarded-host") == HOST
    assert request.field("x-forwarded-for").split(", ")[0] == "127.0.0.1"
    assert "203.0.113.7" not in str(request.fields)
    # nginx is a trusted hop; its clients are not told keys and tags for that.
    assert not [name for name in answer.headers if name.lower().startswith("larder-")]
    assert "key=" not in answer.headers["Cache-Status"]


def test_an_event_passes_before_the_next_one_exists(start_larder, origin_of, start_nginx, client_of):
    go_on = threading.Event()

    def script(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        exchange.chunk(b"data: 1\n\n")
        exchange.hold(go_on)
        exchange.chunk(b"data: 2\n\n")
        exchange.send(b"0\r\n\r\n")

    client = client_of(start_nginx(start_larder(origin_of(script).url, rules=None)))
    with client.get("/events", stream=True) as answer:
        parts = answer.iter_content(None)
        assert next(parts) == b"data: 1\n\n"
        go_on.set()
        assert next(parts) == b"data: 2\n\n"


def test_a_websocket_passes_both(start_larder, asgi, start_nginx, certificates):
    nginx = start_nginx(start_larder(asgi))
    trusting = ssl.create_default_context(cafile=certificates.ca)

    async def talk():
        async with websockets.connect(nginx.url.replace("https", "wss") + "/ws/", ssl=trusting, open_timeout=10) as socket:
            await asyncio.wait_for(socket.send("hello"), 10)
            assert await asyncio.wait_for(socket.recv(), 10) == "HELLO"

    asyncio.run(talk())


def test_connections_to_larder_are_used_again(start_larder, origin_of, start_nginx, client_of):
    origin = origin_of(lambda exchange: exchange.answer(body=b"[]"))
    larder = start_larder(origin.url, THINGS)
    client = client_of(start_nginx(larder))
    opened = set()
    for _ in range(30):
        assert client.get("/things/").status_code == 200
        opened |= connections_to(larder.port)
    assert len(opened) <= 2  # one a worker of nginx


def connections_to(port):
    """The local ports of established connections from this machine to that port of it (/proc/net/tcp)."""
    with open("/proc/net/tcp") as table:
        rows = [line.split() for line in table][1:]
    return {row[1] for row in rows if row[2] == f"0100007F:{port:04X}" and row[3] == "01"}


def test_replicas_that_restart_one_after_the_other_cost_no_request(start_larder, origin_of, start_nginx, client_of):
    """Posts too: a port that nobody listens on refuses, so nginx knows that nothing was sent."""
    origin = origin_of(lambda exchange: exchange.answer(body=exchange.request.path.encode()))
    ports = [free_port(), free_port()]
    replicas = [start_larder(origin.url, THINGS, port=port) for port in ports]
    nginx = start_nginx(*replicas)
    stopped, counts = threading.Event(), [0] * 6

    def ask(number):
        client = client_of(nginx)
        while not stopped.is_set():
            target = f"/things/{counts[number] % 5}/" if number < 4 else "/elsewhere/"
            answer = client.get(target) if number < 4 else client.post(target, data=b"x")
            assert (answer.status_code, answer.text) == (200, target), answer.text[:300]
            counts[number] += 1

    def all_went_on():
        so_far = list(counts)

        def is_so():
            for client in clients:
                if client.is_done():
                    client.result()  # raises what ended it
            return all(now > then + 5 for now, then in zip(counts, so_far))

        eventually(is_so, "all clients are at work", within=30)

    clients = [Background(ask, number) for number in range(6)]
    try:
        all_went_on()
        for index, port in enumerate(ports):
            assert replicas[index].stop() is None
            all_went_on()
            replicas[index] = start_larder(origin.url, THINGS, port=port)
            all_went_on()
    finally:
        stopped.set()
    for client in clients:
        client.result()
