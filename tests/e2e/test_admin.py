"""The admin listener: who may ask it for what, and what it stands."""

import json
import socket

import pytest
import requests

from rig.http import RawConnection
from rig.larder import run
from rig.operator import BEARER, TOKEN, WITH_TOKEN, post, readiness, stats
from rig.processes import free_port
from rig.redis_server import RedisServer
from rig.rules import THINGS
from rig.waiting import eventually


@pytest.fixture
def origin(origin_of):
    return origin_of(lambda exchange: exchange.answer(body=b"hello"))


@pytest.fixture
def larder(start_larder, origin):
    return start_larder(origin.url, THINGS, env=WITH_TOKEN)


def test_what_changes_anything_needs_the_token(larder):
    for path, body in (("/reload", None), ("/purge", {"all": True})):
        assert post(larder, path, body, headers={}).status_code == 401
        wrong = post(larder, path, body, headers={"Authorization": "Bearer e2e-token-0123456789abcdeF"})
        assert (wrong.status_code, wrong.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert post(larder, path, body).status_code == 200
    assert TOKEN not in larder.process.log_text()


def test_without_a_token_nothing_can_be_changed(start_larder, origin):
    larder = start_larder(origin.url, THINGS)
    refused = post(larder, "/purge", {"all": True})
    assert refused.status_code == 403
    assert "LARDER_ADMIN_TOKEN" in refused.text


def test_the_token_may_come_from_a_file(start_larder, origin, tmp_path):
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    larder = start_larder(origin.url, THINGS, arguments=["--admin-token-file", file])
    assert post(larder, "/reload").status_code == 200


def test_no_page_of_another_origin_gets_in(larder):
    own = {"Origin": larder.admin_url}
    assert post(larder, "/reload", headers={**BEARER, **own}).status_code == 200
    for origin in ("http://evil.example", "null", larder.url):
        answer = post(larder, "/reload", headers={**BEARER, "Origin": origin})
        assert answer.status_code == 403
        assert not any(name.lower().startswith("access-control") for name in answer.headers)
    preflight = requests.options(larder.admin_url + "/purge", timeout=5,
                                 headers={"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"})
    assert preflight.status_code == 403
    assert not any(name.lower().startswith("access-control") for name in preflight.headers)
    # Its name rebound to our address.
    rebound = requests.get(larder.admin_url + "/stats", headers={"Host": "evil.example"}, timeout=5)
    assert rebound.status_code == 403


def test_a_listener_that_others_can_reach_needs_a_token_to_start_with(origin):
    refused = run("serve", "--upstream", origin.url, "--listen", "127.0.0.1:0", "--admin", f"0.0.0.0:{free_port()}")
    assert refused.returncode == 1
    assert "could be reached from other machines, and there is no token" in refused.stderr


def test_what_it_does_not_know_it_says(larder):
    assert requests.get(larder.admin_url + "/nothing", timeout=5).status_code == 404
    assert requests.get(larder.admin_url + "/purge", timeout=5).status_code in (401, 405)
    assert requests.get(larder.admin_url + "/reload", headers=BEARER, timeout=5).status_code == 405
    assert requests.post(larder.admin_url + "/stats", timeout=5).status_code == 405
    assert requests.head(larder.admin_url + "/healthz", timeout=5).status_code == 200


def test_its_bounds(larder):
    too_large = requests.post(larder.admin_url + "/purge", data=b"x" * 70_000, headers=BEARER, timeout=5)
    assert too_large.status_code == 413
    idle = [socket.create_connection(("127.0.0.1", larder.admin_port), timeout=5) for _ in range(64)]
    try:
        # No room for one more, until they have said nothing for too long.
        eventually(lambda: not _answers(larder), "one more is closed")
        assert larder.client().get("/things/").status_code == 200
        eventually(lambda: _answers(larder), "there is room again", within=20)
    finally:
        for connection in idle:
            connection.close()


def _answers(larder):
    try:
        return requests.get(larder.admin_url + "/healthz", timeout=2).status_code == 200
    except requests.RequestException:
        return False


def test_what_is_no_request_is_nobodys_loss(larder):
    for line in (b"\x16\x03\x01\x02\x00", b"GET / HTTP/9.9\r\n\r\n", b"GET /stats HTTP/1.1\r\n\r\n"):
        with RawConnection(larder.admin_url) as connection:
            connection.send(line + b"\r\n\r\n")
            connection.file.read()
    assert readiness(larder) == (200, "ready")


# --- larder stats ---

def test_stats_shows_what_was_done(larder):
    client = larder.client()
    for _ in range(3):
        client.get("/things/1/")
    shown = run("stats", "--admin", f"127.0.0.1:{larder.admin_port}")
    assert shown.returncode == 0, shown.stderr
    assert "requests   3, 66.7 % from the cache" in shown.stdout
    assert any(line.split()[:3] == ["things", "3", "66.7"] for line in shown.stdout.splitlines()), shown.stdout
    told = json.loads(run("stats", "--json", "--admin", f"127.0.0.1:{larder.admin_port}").stdout)
    assert (told["requests"], told["hit"]) == (3, 2)


def test_stats_of_nobody_fails(larder):
    port = free_port()
    failed = run("stats", "--admin", f"127.0.0.1:{port}")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert f"127.0.0.1:{port}: " in failed.stderr
    assert run("stats", "--nonsense").returncode == 2


def test_stats_and_readiness_tell_of_redis(start_larder, origin, redis):
    larder = start_larder(origin.url, THINGS, redis=redis.url)
    larder.client().get("/things/1/")
    eventually(lambda: redis.keys(), "something is in Redis")
    told = eventually(lambda: (lambda found: found if found.get("keys_of_ours") else None)(stats(larder)["redis"]),
                      "Redis has been asked", within=30)
    assert told["maxmemory_human"] == "256.00M"
    assert told["maxmemory_policy"] == "allkeys-lru"
    assert told["used_memory_human"].endswith("M")
    assert told["keys"] == told["keys_of_ours"] == len(redis.keys())
    assert readiness(larder) == (200, "ready")


def test_a_redis_without_a_cap_is_told_of(start_larder, origin, logs):
    uncapped = RedisServer(logs, options=["--maxmemory", "0"])
    try:
        larder = start_larder(origin.url, THINGS, redis=uncapped.url)
        eventually(lambda: readiness(larder) == (200, "ready, Redis has no memory limit (maxmemory)"),
                   "readiness tells of it", within=30)
        assert "it has no memory limit" in larder.process.log_text()
    finally:
        larder.stop()
        uncapped.stop()
