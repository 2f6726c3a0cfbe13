"""`manage.py larder_purge`, on a real Redis. On a running Larder: tests/e2e/test_django_bridge.py."""

import pytest
from django.core.management import CommandError, call_command

STAMP = "0123456789abcdef"
ALL = [f"larder:1:s:{tag}" for tag in ("b:/", "b:/api/x", "n:", "p:/", "p:/api/x", "p:/api/x/7", "r:x", "t:x")]


@pytest.fixture
def client(redis, larder):
    larder(REDIS=redis.url, TIMEOUT=2)
    redis.client().mset({key: STAMP for key in ALL})
    return redis.client()


def gone(client):
    return [key.rpartition("s:")[2] for key in ALL if client.get(key) is None]


@pytest.mark.parametrize("arguments, tags", [
    (["/api/x/"], ["p:/api/x"]),
    (["https://any.example/api/x/07/?page=1"], ["p:/api/x/7"]),
    (["--prefix", "/api/x/"], ["b:/api/x", "p:/api/x"]),
    (["--rule", "x"], ["r:x"]),
    (["--tag", "x"], ["n:", "t:x"]),
    (["--all"], ["b:/", "p:/"]),
    (["/api/x/7/", "/api/x/", "--rule=x"], ["p:/api/x", "p:/api/x/7", "r:x"]),
])
def test_what_is_purged(client, arguments, tags, capsys):
    call_command("larder_purge", *arguments)
    assert gone(client) == tags
    assert capsys.readouterr().out.startswith("evicted: ")


def test_a_dry_run_counts_and_evicts_nothing(client, capsys):
    client.sadd("larder:1:i:p:/api/x", "one", "two")
    call_command("larder_purge", "--prefix", "/api/x/", "--dry-run")
    assert capsys.readouterr().out == ("b:/api/x\t0 entries of the index in Redis, about\n"
                                       "p:/api/x\t2 entries of the index in Redis, about\n")
    assert gone(client) == []


@pytest.mark.parametrize("arguments, complaint", [
    ([], "say what to evict"),
    (["api/x/"], "has no path"),
    (["/a" * 30], "deeper than anything"),
    (["--tag", ""], "1 to 256 bytes"),
])
def test_wrong_usage(client, arguments, complaint):
    with pytest.raises(CommandError, match=complaint) as error:
        call_command("larder_purge", *arguments)
    assert error.value.returncode == 2
    assert gone(client) == []


def test_redis_away_is_said(client, redis):
    redis.process.kill()
    with pytest.raises(CommandError, match="has not acknowledged it") as error:
        call_command("larder_purge", "--all")
    assert error.value.returncode == 1


def test_nobody_to_tell(larder):
    larder()
    with pytest.raises(CommandError, match="neither REDIS nor ADMIN"):
        call_command("larder_purge", "--all")
