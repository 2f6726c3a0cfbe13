"""Who may get a stored response: `share: everyone` and `share: anonymous`."""

import pytest

from rig.demo import token
from rig.http import bearer, cache_status, state
from rig.rules import THINGS
from rig.waiting import eventually

ANONYMOUS = THINGS.replace("share: everyone", "share: anonymous")
LIST = "/api/ai/models/"


def echo(exchange):
    """Says with whose credentials it was asked; an honest backend does not say it in Vary."""
    who = exchange.request.field("authorization") or exchange.request.field("cookie") or "nobody"
    exchange.answer(body=who.encode())


CREDENTIALS = [{"Authorization": "Bearer alices"}, {"Cookie": "sessionid=alices"},
               {"Cookie": "theme=dark; sessionid=alices; csrftoken=x"}]


@pytest.mark.parametrize("credentials", CREDENTIALS, ids=str)
def test_under_everyone_all_get_the_same_and_the_origin_never_sees_credentials(
        start_larder, origin_of, tier, credentials):
    origin = origin_of(echo)
    client = start_larder(origin.url, THINGS, **tier).client()
    first = client.get("/things/", headers=credentials)
    assert (state(first), first.content) == ("MISS", b"nobody")
    for headers in (credentials, {}, {"Authorization": "Bearer bobs"}):
        again = client.get("/things/", headers=headers)
        assert (state(again), again.content) == ("HIT", b"nobody")
    assert [(r.field("authorization"), r.field("cookie")) for r in origin.requests] == [(None, None)]


def test_under_everyone_the_real_backend_never_sees_the_token(client, demo, alice, bob):
    before = len(demo.requests_seen())
    assert [state(client.get(LIST, headers=h)) for h in (alice, {}, bob)] == ["MISS", "HIT", "HIT"]
    seen = [line for line in demo.requests_seen()[before:] if LIST in line[0]]
    assert [(line[2], line[3]) for line in seen] == [("-", "-")]


def test_under_everyone_an_expired_token_spoils_nothing(client):
    # Django refuses an expired token even where anyone may read. It never gets to see it.
    expired = bearer(token(2, expires_in=-60))
    for expected in ("MISS", "HIT"):
        response = client.get(LIST, headers=expired)
        assert (response.status_code, state(response)) == (200, expected)


def test_a_401_under_everyone_is_not_stored(start_larder, origin_of, tier):
    refuse = [True]
    origin = origin_of(lambda exchange: exchange.answer(401 if refuse[0] else 200, body=b"no" if refuse[0] else b"yes"))
    client = start_larder(origin.url, THINGS, **tier).client()
    assert client.get("/things/").status_code == 401
    refuse[0] = False
    got = client.get("/things/")
    assert (got.status_code, got.content) == (200, b"yes") and state(got) != "HIT"
    eventually(lambda: state(client.get("/things/")) == "HIT", "one refusal does not end caching", within=15)


@pytest.mark.parametrize("credentials", CREDENTIALS, ids=str)
def test_under_anonymous_a_request_with_credentials_is_passed_on_and_not_stored(
        start_larder, origin_of, tier, credentials):
    origin = origin_of(echo)
    client = start_larder(origin.url, ANONYMOUS, **tier).client()
    own = next(iter(credentials.values())).encode()
    for _ in range(2):
        response = client.get("/things/", headers=credentials)
        assert (state(response), response.content) == ("BYPASS", own)
        assert "stored" not in cache_status(response)
    anonymous = [client.get("/things/") for _ in range(2)]
    assert [(state(r), r.content) for r in anonymous] == [("MISS", b"nobody"), ("HIT", b"nobody")]
    again = client.get("/things/", headers=credentials)
    assert (state(again), again.content) == ("BYPASS", own)


def test_under_anonymous_a_cookie_that_is_no_session_does_not_make_a_user(start_larder, demo):
    rules = "rules:\n  - path: /api/ai/models/\n    ttl: 1h\n    share: anonymous\n"
    client = start_larder(demo.url, rules).client()
    assert state(client.get(LIST)) == "MISS"
    assert state(client.get(LIST, headers={"Cookie": "theme=dark"})) == "HIT"


def test_anonymous_is_the_default(start_larder, demo, alice):
    client = start_larder(demo.url, "rules:\n  - path: /api/ai/models/\n    ttl: 1h\n").client()
    assert [state(client.get(LIST)) for _ in range(2)] == ["MISS", "HIT"]
    assert state(client.get(LIST, headers=alice)) == "BYPASS"
    refused = client.get(LIST, headers=bearer(token(2, expires_in=-60)))
    assert (refused.status_code, state(refused)) == (401, "BYPASS")
    assert state(client.get(LIST)) == "HIT"
