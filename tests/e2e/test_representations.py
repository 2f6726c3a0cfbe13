"""One URL, several representations: never mixed, and no variant for each version of each browser."""

import random
import threading

import pytest

from rig.http import CHROME, CURL, FETCH, FIREFOX, FOR_HTML, FOR_JSON, JSON, SAFARI, cache_status, state
from rig.operator import stats
from rig.redis_server import DATABASE
from rig.relay import Relay
from rig.rules import THINGS
from rig.waiting import Background, eventually, in_parallel

LIST = "/api/ai/models/"


def get(client, accept, path=LIST):
    response = client.get(path, headers={"Accept": accept})
    assert response.status_code == 200
    return response


def test_programs_that_ask_for_json_share_one_stored_response(client):
    assert state(get(client, FETCH)) == "MISS"
    for accept in (JSON, FETCH, "application/json, text/html;q=0.9"):
        response = get(client, accept)
        assert state(response) == "HIT" and response.headers["Content-Type"] == "application/json"


def test_curl_hits_the_second_time_whatever_others_asked_for(client):
    get(client, FETCH)
    get(client, CURL)  # `*/*` leaves the choice to the origin: it may be a class of its own
    assert state(get(client, CURL)) == "HIT"


@pytest.mark.parametrize("accept", FOR_HTML.values(), ids=FOR_HTML)
def test_html_that_sets_a_cookie_is_never_stored(client, accept):
    cookies = set()
    for _ in range(3):
        client.cookies.clear()
        response = get(client, accept)
        assert response.headers["Content-Type"].startswith("text/html")
        assert state(response) != "HIT" and "stored" not in cache_status(response)
        cookies.add(response.headers["Set-Cookie"])
    assert len(cookies) == 3, "each browser gets a token of its own"


def test_json_and_html_of_one_url_are_never_mixed_whichever_comes_first(start_larder, demo, tier):
    for order in ([CURL, CHROME, FETCH, FIREFOX, JSON, SAFARI], [SAFARI, CURL, CHROME, FETCH, FIREFOX, JSON]):
        client = start_larder(demo.url, **tier).client()
        for accept in order * 2:
            kind = "text/html" if "html" in accept else "application/json"
            assert get(client, accept).headers["Content-Type"].startswith(kind)


@pytest.mark.parametrize("first", [CHROME, FETCH])
def test_json_and_html_are_not_mixed_under_a_rule_that_varies_by_something_else(start_larder, demo, first):
    """What the rule does not name is sent with no fill until an answer's Vary has named it."""
    rules = "rules: [{name: models, path: /api/ai/models/, ttl: 1h, share: everyone, vary: [Accept-Language]}]"
    client = start_larder(demo.url, rules).client()
    for accept in (first, CHROME, FETCH, CHROME, FETCH):
        kind = "text/html" if "html" in accept else "application/json"
        assert get(client, accept).headers["Content-Type"].startswith(kind)
    assert state(get(client, FETCH)) == "HIT"


def test_json_and_html_are_not_mixed_under_parallel_requests(larder):
    def ask(seed):
        client, choose = larder.client(), random.Random(seed)
        for _ in range(25):
            accept = choose.choice([*FOR_JSON.values(), *FOR_HTML.values()])
            client.cookies.clear()
            response = get(client, accept)
            assert response.headers["Content-Type"].startswith("text/html" if "html" in accept else "application/json")
            if "html" not in accept:
                assert "Set-Cookie" not in response.headers and len(response.json()) >= 12

    in_parallel([lambda seed=seed: ask(seed) for seed in range(8)], within=60)


def test_an_accept_that_the_backend_refuses_is_refused_also_after_json_was_stored(client):
    get(client, CURL)
    for _ in range(2):
        response = client.get(LIST, headers={"Accept": "application/xml"})
        assert response.status_code == 406
        assert state(response) != "HIT"


@pytest.mark.parametrize("accept", [
    None, "application/*", "text/*", "text/html", "text/html, */*", "application/json, text/html;q=0.5", "*/*;q=0.1",
    "image/png, */*", "APPLICATION/JSON", "application/json;charset=utf-8", "application/xml, text/plain",
], ids=str)
def test_an_unusual_accept_gets_what_django_alone_would_answer(client, demo, accept):
    get(client, CURL)
    for _ in range(2):
        answers = [asked.get(LIST, headers={"Accept": accept}) for asked in (client, demo.client())]
        through, direct = [(answer.status_code, answer.headers["Content-Type"]) for answer in answers]
        assert through == direct
    assert get(client, CURL).headers["Content-Type"] == "application/json"


def test_a_parameter_of_the_media_type_changes_nothing_for_the_others(client, demo):
    # DRF indents for `application/json; indent=4`.
    for _ in range(2):
        indented = get(client, "application/json; indent=4")
        assert indented.json() == demo.client().get(LIST).json()
        assert get(client, CURL).content == demo.client().get(LIST).content


def test_the_format_parameter_chooses_the_representation(client):
    for _ in range(2):
        assert get(client, CURL).headers["Content-Type"] == "application/json"
        page = "/api/example-job-applications/"
        assert get(client, CURL, page + "?format=api").headers["Content-Type"].startswith("text/html")
        assert get(client, CHROME, page + "?format=json").headers["Content-Type"] == "application/json"


def negotiating(exchange):
    """Answers as DRF negotiates, but sets no cookie, so that HTML may be stored as well."""
    html = "text/html" in exchange.request.field("accept")
    exchange.answer(fields={"Vary": "Accept", "Content-Type": "text/html" if html else "application/json"},
                    body=b"<p>" if html else b"[]")


def test_browsers_share_one_variant_and_programs_share_another(start_larder, origin_of, tier):
    origin = origin_of(negotiating)
    client = start_larder(origin.url, THINGS, **tier).client()
    for accept in [*FOR_HTML.values(), *FOR_JSON.values()] * 2:
        response = client.get("/things/", headers={"Accept": accept})
        assert response.content == (b"<p>" if "html" in accept else b"[]")
    assert len(origin.requests) <= 3  # HTML, JSON, and `*/*` where that is a class of its own


def test_the_responses_own_vary_is_honoured(start_larder, origin_of, tier):
    def script(exchange):
        language = exchange.request.field("accept-language") or "none"
        exchange.answer(fields={"Vary": "Accept, Accept-Language"}, body=language.encode())

    client = start_larder(origin_of(script).url, THINGS, **tier).client()
    seen = {}
    for _ in range(2):
        for language in ("de", "en", "fr"):
            response = client.get("/things/", headers={"Accept-Language": language})
            assert response.content == language.encode()
            seen.setdefault(language, []).append(state(response))
    assert all(states[0] == "MISS" for states in seen.values())
    assert "HIT" in [states[1] for states in seen.values()]


def test_a_vary_that_changes_from_answer_to_answer_mixes_nothing(start_larder, origin_of):
    # As with DRF: `Accept` on JSON, `Accept, Cookie` on HTML of the same URL.
    def script(exchange):
        if "text/html" in exchange.request.field("accept"):
            mark = exchange.request.field("x-mark") or "-"
            exchange.answer(fields={"Vary": "Accept, X-Mark", "Content-Type": "text/html"}, body=mark.encode())
        else:
            exchange.answer(fields={"Vary": "Accept"}, body=b"[]")

    client = start_larder(origin_of(script).url, THINGS).client()
    for _ in range(2):
        for mark in ("a", "b"):
            assert client.get("/things/", headers={"X-Mark": mark}).content == b"[]"
            html = client.get("/things/", headers={"Accept": CHROME, "X-Mark": mark})
            assert html.content == mark.encode()


def test_what_a_vary_teaches_while_the_store_is_asked_is_not_for_a_key_that_was_made_before(
        start_larder, origin_of, redis):
    """Nobody who asks Redis for that key afterwards could tell what its answer is for."""
    gate, arrived = threading.Event(), threading.Event()

    def script(exchange):
        if exchange.request.path == "/things/2/":
            arrived.set()
            exchange.hold(gate)
        mark = exchange.request.field("x-mark") or "none"
        exchange.answer(fields={"Vary": "X-Mark"}, body=mark.encode())

    def get(larder, path, mark):
        fields = {"Host": "things.example", **({"X-Mark": mark} if mark else {})}
        return larder.client().get(path, headers=fields, timeout=40)

    origin = origin_of(script)
    with Relay(redis.port) as relay:
        larder = start_larder(origin.url, THINGS, redis=f"redis://127.0.0.1:{relay.port}/{DATABASE}",
                              env={"LARDER_REDIS_TIMEOUT": "30s"})
        teaching = Background(get, larder, "/things/2/", "b")
        assert arrived.wait(20)
        relay.fall_silent()
        reading = Background(get, larder, "/things/1/", "a")
        eventually(lambda: stats(larder)["requests_in_flight"] == 2, "its key is made, and Redis is asked")
        gate.set()
        assert teaching.result().content == b"b"
        relay.heal()
        assert reading.result().content == b"a"
        assert get(larder, "/things/1/", None).content == b"none"
    other = start_larder(origin.url, THINGS, redis=redis.url)  # it has learned nothing
    assert get(other, "/things/1/", None).content == b"none"
