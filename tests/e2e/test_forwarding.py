"""What the origin sees of a request: Host unchanged, X-Forwarded-* kept and extended, hop-by-hop gone."""

import pytest

from rig.admin import Admin
from rig.http import RawConnection, state
from rig.rules import THINGS

HTTPS = {"Host": "resumate.example", "X-Forwarded-Proto": "https"}


def seen_by(origin):
    return origin.requests[-1]


@pytest.fixture
def origin(origin_of):
    return origin_of(lambda exchange: exchange.answer(body=b"[]"))


def test_host_and_what_the_trusted_hop_before_said_reach_the_origin(start_larder, origin):
    client = start_larder(origin.url, THINGS).client()
    for path in ("/elsewhere/", "/things/"):
        client.get(path, headers={**HTTPS, "X-Forwarded-For": "203.0.113.7", "X-Forwarded-Host": "resumate.example"})
        request = seen_by(origin)
        assert request.path == path and request.field("host") == "resumate.example"
        assert request.field("x-forwarded-proto") == "https"
        assert request.field("x-forwarded-host") == "resumate.example"
        hops = [hop.strip() for hop in request.field("x-forwarded-for").split(",")]
        assert hops == ["203.0.113.7", "127.0.0.1"]
        assert "via" in dict(request.fields)


def test_without_a_hop_before_larder_names_the_client_itself(start_larder, origin):
    client = start_larder(origin.url, THINGS).client()
    client.get("/elsewhere/", headers={"Host": "resumate.example"})
    request = seen_by(origin)
    assert request.field("x-forwarded-for") == "127.0.0.1"
    assert request.field("x-forwarded-proto") == "http"


def test_an_untrusted_hop_is_not_believed(start_larder, origin):
    rules = THINGS + "settings:\n  trusted_proxies: [192.0.2.0/24]\n"
    client = start_larder(origin.url, rules).client()
    client.get("/elsewhere/", headers={**HTTPS, "X-Forwarded-For": "203.0.113.7", "X-Forwarded-Host": "evil.example",
                                       "Forwarded": "for=203.0.113.7;proto=https"})
    request = seen_by(origin)
    assert request.field("x-forwarded-for") == "127.0.0.1"
    assert request.field("x-forwarded-proto") == "http"
    assert request.field("x-forwarded-host") in (None, "resumate.example")
    assert "203.0.113.7" not in (request.field("forwarded") or "")


def test_hop_by_hop_fields_end_at_larder(start_larder, origin_of):
    origin = origin_of(lambda exchange: exchange.answer(
        fields={"Connection": "X-Secret-Hop", "X-Secret-Hop": "1", "Keep-Alive": "timeout=5", "X-Kept": "1"}))
    larder = start_larder(origin.url, rules=None)
    with RawConnection(larder.url) as raw:
        raw.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive, X-Drop\r\nX-Drop: 1\r\n"
                 b"Keep-Alive: timeout=9\r\nProxy-Connection: keep-alive\r\nTE: trailers\r\nX-Kept: 2\r\n\r\n")
        _, fields = raw.read_head()
    request = seen_by(origin)
    for name in ("x-drop", "keep-alive", "proxy-connection"):
        assert request.field(name) is None, name
    assert request.field("x-kept") == "2"
    assert "x-secret-hop" not in fields and "keep-alive" not in fields and fields["x-kept"] == "1"


def test_repeated_and_unusual_fields_survive(start_larder, origin_of):
    def script(exchange):
        exchange.send(b"HTTP/1.1 200 Fine\r\nSet-Cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\nX-Latin: caf\xe9\r\n"
                      b"Content-Length: 0\r\n\r\n")

    origin = origin_of(script)
    larder = start_larder(origin.url, rules=None)
    answer = larder.client().get("/", headers={"X-Many": "1", "Cookie": "a=1; b=2", "Accept-Encoding": "br;q=1"})
    assert answer.raw.headers.getlist("Set-Cookie") == ["a=1; Path=/", "b=2"]
    assert answer.headers["X-Latin"].encode("latin-1") == b"caf\xe9"
    assert seen_by(origin).field("cookie") == "a=1; b=2"


def test_absolute_urls_are_made_from_each_clients_host_and_never_shared(start_larder, demo, tier):
    client = start_larder(demo.url, **tier).client()
    seen = {}
    for _ in range(2):
        for host in ("resumate.example", "other.example", "localhost"):
            for scheme in ("https", "http"):
                answer = client.get("/api/example-job-applications/?page=2",
                                    headers={"Host": host, "X-Forwarded-Proto": scheme})
                assert answer.json()["next"].startswith(f"{scheme}://{host}/api/")
                assert answer.json()["previous"].startswith(f"{scheme}://{host}/api/")
                seen.setdefault((host, scheme), []).append(state(answer))
    assert list(seen.values()) == [["MISS", "HIT"]] * 6


def test_a_host_that_django_refuses_is_refused_and_not_stored(client):
    assert client.get("/api/ai/models/").status_code == 200
    for _ in range(2):
        answer = client.get("/api/ai/models/", headers={"Host": "evil.example"})
        assert answer.status_code == 400 and state(answer) != "HIT"


def test_login_works_behind_tls_that_ended_before(larder):
    admin = Admin(larder.client(), fields=HTTPS, origin="https://resumate.example")
    assert admin.change("/admin/ai/aimodel/2/change/", description="over https").status_code == 302


def test_django_still_checks_where_a_form_came_from(larder):
    # Proof that X-Forwarded-Proto arrives: over plain http Django would not look at the Referer.
    with pytest.raises(AssertionError, match="login failed: 403"):
        Admin(larder.client(), fields=HTTPS, origin="https://evil.example")


def test_redirects_lead_back_through_the_same_host(client):
    answer = client.get("/admin/", headers=HTTPS)
    assert answer.status_code == 302 and answer.headers["Location"].startswith("/admin/login/")
    slash = client.get("/api/ai/models", headers=HTTPS)
    assert slash.status_code == 301 and slash.headers["Location"] == "/api/ai/models/"


@pytest.mark.parametrize("request_text", [
    b"GET / HTTP/1.1\r\n\r\n",                                                   # no Host
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",                             # two of them
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nBad Name: 1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n\r\n",
    b"nonsense\r\n\r\n",
], ids=["no host", "two hosts", "two lengths", "length and chunked", "chunked not last", "space in name", "folding",
        "nonsense"])
def test_a_request_that_could_be_read_in_two_ways_is_refused(start_larder, origin, request_text):
    larder = start_larder(origin.url, rules=None)
    with RawConnection(larder.url) as raw:
        raw.send(request_text)
        status, fields = raw.read_head()
        assert 400 <= status < 500 or status == 501
    assert origin.requests == []
