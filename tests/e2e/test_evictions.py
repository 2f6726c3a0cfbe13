"""A write evicts its own resource, in all its variants, before the client has its answer."""

import threading
import uuid

import pytest

from rig.http import CHROME, RawConnection, cache_status, receive, state
from rig.rules import NOTICES, THINGS
from rig.waiting import Background, eventually

LIST = "/api/notices/"


@pytest.fixture
def notices(start_larder, demo, tier):
    return start_larder(demo.url, NOTICES, **tier)


@pytest.fixture
def notice(demo, staff):
    """A notice of the test's own, made behind Larder's back; its path."""
    made = demo.client().post(LIST, json={"title": f"notice {uuid.uuid4()}"}, headers=staff)
    path = f"{LIST}{made.json()['id']}/"
    yield path
    demo.client().delete(path, headers=staff)


def fill(client, *paths, **fields):
    for path in paths:
        client.get(path, headers=fields.get("headers"))
        response = client.get(path, headers=fields.get("headers"))
        assert (response.status_code, state(response)) == (200, "HIT"), path


def states(client, *paths):
    return [state(client.get(path)) for path in paths]


WRITES = {
    "PUT": lambda client, path, staff, title: client.put(path, json={"title": title}, headers=staff),
    "PATCH": lambda client, path, staff, title: client.patch(path, json={"title": title}, headers=staff),
}
VARIANTS = [LIST, LIST + "?page=1", LIST + "?page_size=100", LIST + "?page=1&page_size=50", LIST + "?format=json"]


@pytest.mark.parametrize("method", WRITES)
def test_a_change_is_seen_by_the_next_get_of_detail_and_list(notices, notice, staff, method):
    client, title = notices.client(), f"changed {uuid.uuid4()}"
    fill(client, *VARIANTS, notice, notice + "?format=json")
    assert WRITES[method](client, notice, staff, title).status_code == 200
    after = client.get(notice)
    assert (state(after), after.json()["title"]) == ("MISS", title)
    listed = client.get(LIST + "?page_size=100")
    assert state(listed) == "MISS" and title in listed.text
    assert "HIT" not in states(client, LIST, *VARIANTS[3:], notice + "?format=json")


def test_a_number_with_zeros_before_it_is_the_same_resource(notices, notice, staff):
    """Django's <int:pk> takes 07 for 7: a write to either is a write to both."""
    client, title = notices.client(), f"changed {uuid.uuid4()}"
    number = notice.rstrip("/").rsplit("/", 1)[1]
    zeros = f"{LIST}00{number}/"
    fill(client, LIST, notice, zeros)
    assert WRITES["PATCH"](client, zeros, staff, title).status_code == 200
    assert [client.get(path).json()["title"] for path in (notice, zeros)] == [title, title]
    fill(client, notice, zeros)
    assert WRITES["PUT"](client, notice, staff, title + "!").status_code == 200
    assert [client.get(path).json()["title"] for path in (notice, zeros)] == [title + "!", title + "!"]


def test_a_post_makes_every_page_and_query_of_the_list_new(notices, staff, demo):
    client, title = notices.client(), f"posted {uuid.uuid4()}"
    fill(client, *VARIANTS)
    made = client.post(LIST, json={"title": title}, headers=staff)
    assert (made.status_code, state(made)) == (201, "BYPASS")
    answers = [client.get(path) for path in VARIANTS]
    assert [state(answer) for answer in answers] == ["MISS"] * len(VARIANTS)
    assert title in answers[2].text
    demo.client().delete(f"{LIST}{made.json()['id']}/", headers=staff)


def test_a_write_that_waits_for_the_database_longer_than_larder_for_it_is_seen(start_larder, demo, postgres, tier,
                                                                                notice, staff):
    larder, title = start_larder(demo.url, NOTICES, env={"LARDER_FIRST_BYTE_TIMEOUT": "1s"}, **tier), f"{uuid.uuid4()}"
    client = larder.client()
    fill(client, notice)
    with postgres.connect() as connection, connection.cursor() as cursor:
        cursor.execute("LOCK TABLE jobs_notice IN EXCLUSIVE MODE")  # until the end of the block: readers read on
        assert client.patch(notice, json={"title": title}, headers=staff).status_code == 504
        answers = [client.get(notice) for _ in range(6)]  # a worker that waits for the database answers nobody
        old = [answer.json()["title"] for answer in answers if answer.status_code == 200]
        assert old and title not in old
    eventually(lambda: demo.client().get(notice).json()["title"] == title, "Django has carried it out")
    assert client.get(notice).json()["title"] == title


def test_a_deleted_row_is_gone_from_detail_and_list(notices, notice, staff):
    client = notices.client()
    fill(client, LIST + "?page_size=100", notice)
    assert client.delete(notice, headers=staff).status_code == 204
    assert client.get(notice).status_code == 404
    listed = client.get(LIST + "?page_size=100")
    assert state(listed) == "MISS" and notice.split("/")[-2] not in [str(r["id"]) for r in listed.json()["results"]]


def test_a_write_that_was_refused_evicts_nothing(notices, notice, staff, alice):
    client = notices.client()
    fill(client, LIST, notice)
    assert client.post(LIST, json={"title": "x"}).status_code == 401
    assert client.post(LIST, json={"title": "x"}, headers=alice).status_code == 403
    assert client.patch(notice, json={"title": "x"}, headers=alice).status_code == 403
    assert client.patch(notice, json={"title": ""}, headers=staff).status_code == 400
    assert client.delete(f"{LIST}99999999/", headers=staff).status_code == 404
    assert client.post(notice, json={"title": "x"}, headers=staff).status_code == 405
    assert states(client, LIST, notice) == ["HIT", "HIT"]


def test_a_write_to_one_row_leaves_the_others_stored(notices, notice, staff, demo):
    client = notices.client()
    other = f"{LIST}{demo.client().get(LIST).json()['results'][0]['id']}/"
    assert other != notice
    fill(client, other, notice)
    client.patch(notice, json={"title": "new"}, headers=staff)
    assert states(client, other, notice) == ["HIT", "MISS"]


@pytest.mark.parametrize("spelling", ["?force=1", "encoded"])
def test_a_write_evicts_however_its_url_is_spelled(notices, notice, staff, spelling):
    # Django sees the path decoded and without its query. So must an eviction.
    client = notices.client()
    fill(client, notice, LIST)
    target = notice.replace("notices", "%6Eotices") if spelling == "encoded" else notice + spelling
    written = receive(notices.url, target, "DELETE", {**staff, "Host": "127.0.0.1"})
    assert written.status == 204
    assert client.get(notice).status_code == 404
    assert state(client.get(LIST)) == "MISS"


def test_a_write_on_one_host_evicts_what_was_stored_on_another(start_larder, demo, tier, notice, staff):
    # One Django behind two names: api.example for the app, admin.example for the staff.
    client = start_larder(demo.url, NOTICES, **tier).client()
    fill(client, notice, headers={"Host": "resumate.example"})
    client.patch(notice, json={"title": "across"}, headers={**staff, "Host": "admin.resumate.example"})
    after = client.get(notice, headers={"Host": "resumate.example"})
    assert (state(after), after.json()["title"]) == ("MISS", "across")


def test_a_write_through_one_of_several_threads_is_seen_through_all(start_larder, demo, notice, staff):
    larder = start_larder(demo.url, NOTICES, threads=4)
    clients = [larder.client() for _ in range(12)]  # a connection each: spread over the threads
    for number in range(5):
        for client in clients:
            client.get(notice)
        clients[number].patch(notice, json={"title": f"round {number}"}, headers=staff)
        assert {client.get(notice).json()["title"] for client in clients} == {f"round {number}"}


# --- against a scripted origin ---

class Document:
    """An origin with one document: GET reads it, PUT writes it, POST does as the test says."""

    def __init__(self):
        self.text = b"old"
        self.hold_reads, self.read_started = None, threading.Event()
        self.on_write = lambda exchange: exchange.answer(body=b"written")

    def __call__(self, exchange):
        if exchange.request.method == "GET":
            text = self.text  # read now, sent later: as a database snapshot
            gate, self.hold_reads = self.hold_reads, None
            self.read_started.set()
            if gate:
                exchange.hold(gate)
            exchange.answer(body=text)
        else:
            self.text = exchange.request.body or self.text
            self.on_write(exchange)


@pytest.fixture
def document():
    return Document()


@pytest.fixture
def larder_of(start_larder, origin_of, document, tier):
    return start_larder(origin_of(document).url, THINGS, **tier)


def test_a_get_under_way_during_a_write_is_not_stored_as_current(larder_of, document):
    gate = document.hold_reads = threading.Event()
    reader = Background(larder_of.client().get, "/things/1/")
    assert document.read_started.wait(10)
    client = larder_of.client()
    assert client.put("/things/1/", data=b"new").status_code == 200

    after_write = Background(larder_of.client().get, "/things/1/")  # must not join the old fill
    eventually(lambda: client.get("/things/1/").content == b"new", "a GET after the write reads the new text")
    gate.set()
    assert reader.result().content in (b"old", b"new")  # it began before the write: either is right
    assert after_write.result().content == b"new"
    for _ in range(5):
        assert client.get("/things/1/").content == b"new"
    assert state(client.get("/things/1/")) == "HIT"


def test_a_get_that_starts_after_the_writes_answer_waits_for_no_older_one(larder_of, document):
    gate = document.hold_reads = threading.Event()
    reader = Background(larder_of.client().get, "/things/1/")
    assert document.read_started.wait(10)
    client = larder_of.client()
    client.put("/things/1/", data=b"new")
    answer = client.get("/things/1/", timeout=10)  # the old fill is still held
    assert answer.content == b"new"
    gate.set()
    reader.result()


def drop(exchange):
    exchange.reset()


def drop_in_head(exchange):
    exchange.send(b"HTTP/1.1 200 O")
    exchange.reset()


UNKNOWN = {
    "500": lambda exchange: exchange.answer(500, body=b"oops"),
    "503": lambda exchange: exchange.answer(503, body=b"busy"),
    "303": lambda exchange: exchange.answer(303, fields={"Location": "/elsewhere/"}),
    "reset": drop,
    "reset in the head": drop_in_head,
}


@pytest.mark.parametrize("outcome", UNKNOWN)
def test_a_write_that_may_have_happened_evicts(larder_of, document, outcome):
    client = larder_of.client()
    fill(client, "/things/1/", "/things/")
    document.on_write = UNKNOWN[outcome]
    answer = client.put("/things/1/", data=b"new")
    assert answer.status_code == (int(outcome) if outcome.isdigit() else 502)
    assert [client.get(path).content for path in ("/things/1/", "/things/")] == [b"new", b"new"]


def test_a_write_whose_client_went_away_evicts(larder_of, document):
    client = larder_of.client()
    fill(client, "/things/1/")
    arrived, gate = threading.Event(), threading.Event()

    def slow_write(exchange):
        arrived.set()
        exchange.hold(gate)
        exchange.answer(body=b"written")

    document.on_write = slow_write
    with RawConnection(larder_of.url) as raw:
        raw.send(b"PUT /things/1/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\n\r\nnew")
        assert arrived.wait(10)
    gate.set()
    eventually(lambda: client.get("/things/1/").content == b"new", "the new text is served")


def test_the_resource_named_by_location_is_evicted(larder_of, document):
    client = larder_of.client()
    fill(client, "/things/7/")
    document.on_write = lambda exchange: exchange.answer(201, fields={"Location": "/things/7/"}, reason="Created")
    client.post("/things/", data=b"new")
    assert client.get("/things/7/").content == b"new"


def test_the_browser_variant_goes_with_the_others(larder_of, document):
    client = larder_of.client()
    for accept in ("*/*", CHROME):
        fill(client, "/things/1/", headers={"Accept": accept})
    client.put("/things/1/", data=b"new")
    for accept in ("*/*", CHROME):
        assert client.get("/things/1/", headers={"Accept": accept}).content == b"new"


@pytest.mark.parametrize("method", ["PURGE", "MKCOL", "PROPPATCH"])
def test_a_method_that_nobody_knows_is_taken_for_a_write(larder_of, document, method):
    client = larder_of.client()
    fill(client, "/things/1/")
    client.request(method, "/things/1/", data=b"new")
    assert client.get("/things/1/").content == b"new"


def test_a_4xx_to_a_write_leaves_what_is_stored(larder_of, document):
    client = larder_of.client()
    fill(client, "/things/1/")
    for status in (400, 401, 403, 404, 405, 409, 422, 429):
        document.on_write = lambda exchange, status=status: exchange.answer(status, body=b"no")
        assert client.post("/things/1/").status_code == status
        answer = client.get("/things/1/")
        assert state(answer) == "HIT" and "hit" in cache_status(answer)
