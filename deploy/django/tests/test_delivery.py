"""Whoever saves is not kept waiting, and nothing that was to be evicted is forgotten."""

import logging
import os
import subprocess
import sys
import time

import pytest

from larder_django import delivery as delivery_unit
from larder_django.backend import NotEvicted, Refused
from larder_django.delivery import Delivery
from rig.waiting import eventually
from shop.models import Article

KEY = "larder:1:s:p:/api/articles"


class Switched:
    """A backend that does as it is told."""

    name = "Redis (switched)"

    def __init__(self):
        self.failure, self.told, self.asked = None, [], 0

    def evict(self, tags):
        self.asked += 1
        if self.failure:
            raise self.failure
        self.told.append(sorted(tags))


@pytest.fixture
def switched(monkeypatch):
    monkeypatch.setattr(delivery_unit, "FIRST_PAUSE", 0.01)
    return Switched()


@pytest.fixture
def delivery(switched):
    made = Delivery(switched)
    yield made
    switched.failure = None
    made.leave()


def test_what_is_acknowledged_is_done(switched, delivery):
    assert delivery.evict({"p:/a", "p:/b"}) is True
    assert switched.told == [["p:/a", "p:/b"]] and delivery.pending == set()


def test_without_anybody_to_tell_nothing_happens():
    assert Delivery(None).evict({"p:/a"}) is True


@pytest.mark.parametrize("failure", [NotEvicted("gone"), RuntimeError("gone")], ids=["told", "a bug"])
def test_what_fails_is_tried_again_behind_the_callers_back(switched, delivery, caplog, failure):
    caplog.set_level(logging.INFO, "larder_django")
    switched.failure = failure
    assert delivery.evict({"p:/a"}) is False
    assert "did not acknowledge an eviction (p:/a): " in caplog.text and "gone" in caplog.text
    eventually(lambda: switched.asked > 3, "it is tried again")
    switched.failure = None
    eventually(lambda: delivery.pending == set(), "it is delivered")
    assert switched.told[-1] == ["p:/a"]
    assert len([record for record in caplog.records if record.levelno == logging.WARNING]) == 1
    assert "has acknowledged what was pending" in caplog.text
    assert delivery.evict({"p:/b"}) is True


def test_while_it_fails_nobody_waits(switched, delivery, monkeypatch):
    monkeypatch.setattr(delivery_unit, "FIRST_PAUSE", 60.0)
    switched.failure = NotEvicted("gone")
    for number in range(100):
        assert delivery.evict({f"p:/{number}"}) is False
    assert switched.asked == 1
    assert len(delivery.pending) == 100


def test_too_much_that_is_pending_becomes_everything(switched, delivery, monkeypatch):
    monkeypatch.setattr(delivery_unit, "MOST_PENDING", 10)
    switched.failure = NotEvicted("gone")
    for number in range(11):
        delivery.evict({f"p:/{number}"})
    assert delivery.pending == {"e:"}


def test_what_is_evicted_again_during_an_attempt_stays_pending(switched, delivery, monkeypatch):
    """The attempt may have been too early for it."""
    monkeypatch.setattr(delivery_unit, "FIRST_PAUSE", 60.0)

    def evict(tags):
        switched.asked += 1
        if switched.asked == 2:
            raise NotEvicted("gone")
        assert delivery.evict({"p:/a"}) is False  # while the first one is being told
        switched.told.append(sorted(tags))

    switched.evict = evict
    delivery.evict({"p:/a", "p:/b"})
    assert switched.told == [["p:/a", "p:/b"]] and delivery.pending == {"p:/a"}
    switched.evict = lambda tags: switched.told.append(sorted(tags))
    assert delivery.deliver() is True and switched.told[-1] == ["p:/a"]


def test_what_is_refused_for_good_is_said_and_let_be(switched, delivery, caplog):
    switched.failure = Refused("there is no rule 'x'")
    assert delivery.evict({"r:x"}) is True
    assert "refuses an eviction, which is not tried again: there is no rule 'x' (r:x)" in caplog.text


def test_the_end_of_a_process_is_one_more_attempt(switched, delivery, caplog):
    switched.failure = NotEvicted("gone")
    delivery.evict({"p:/a"})
    delivery.leave()
    assert "evictions are lost with this process (p:/a)" in caplog.text
    switched.failure = None
    delivery.leave()
    assert delivery.pending == set()


def test_a_child_does_not_deliver_what_its_parent_has_pending(switched, delivery, monkeypatch):
    monkeypatch.setattr(delivery_unit, "FIRST_PAUSE", 60.0)
    switched.failure = NotEvicted("gone")
    delivery.evict({"p:/a"})
    before = delivery_unit.replace_delivery(delivery)
    try:
        child = os.fork()
        if child == 0:
            switched.failure = None
            well = delivery.pending == set() and delivery.evict({"p:/b"}) is True
            os._exit(0 if well else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        delivery_unit.replace_delivery(before)
    assert delivery.pending == {"p:/a"}


# --- with a real Redis ---

def test_a_save_while_redis_is_down(redis, larder, caplog):
    larder(REDIS=redis.url, TIMEOUT=2)
    client = redis.client()
    Article.objects.create()
    redis.process.kill()
    for _ in range(10):  # that nobody waits for each of them: above
        Article.objects.create()
    assert Article.objects.count() == 11
    assert delivery_unit.delivery().pending
    redis.start()
    eventually(lambda: delivery_unit.delivery().pending == set(), "what was pending is delivered", within=20)
    assert "cmdstat_eval" in client.info("commandstats")  # to the new one, which knows no script yet
    assert caplog.text.count("did not acknowledge") == 1  # said once


def test_a_save_while_redis_does_not_answer(redis, larder):
    larder(REDIS=redis.url, TIMEOUT=0.2)
    Article.objects.create()
    redis.client().set(KEY, "0123456789abcdef")
    redis.process.pause()
    began = time.monotonic()
    Article.objects.create()
    assert time.monotonic() - began < 30  # 0.2 s, and whatever else keeps the machine
    redis.process.resume()
    eventually(lambda: redis.client().get(KEY) is None, "it is evicted when Redis answers again", within=20)


def test_redis_of_a_name_that_nobody_knows(larder, caplog):
    larder(REDIS="redis://no-such-host.invalid/1", TIMEOUT=0.2)
    Article.objects.create()
    assert Article.objects.count() == 1
    assert "did not acknowledge" in caplog.text


def test_a_script_of_a_few_lines_delivers_before_it_ends(redis):
    """Redis comes back between the save and the end of a process: no thread's pause is waited for."""
    client = redis.client()
    script = """
import conftest, logging
from types import SimpleNamespace
conftest.pytest_configure(SimpleNamespace(add_cleanup=lambda clean: None))
from django.core.management import call_command
call_command("migrate", run_syncdb=True, verbosity=0)
import os, sys
from django.conf import settings
from larder_django import delivery
delivery.FIRST_PAUSE = 60.0
from larder_django.testing import Recorder
from shop.models import Article
from larder_django.redis_backend import RedisBackend
backend = RedisBackend("redis://127.0.0.1:1/1", 0.2)
delivery.replace_delivery(delivery.Delivery(backend))
Article.objects.create()
assert delivery.delivery().pending
backend._client = RedisBackend(os.environ["REDIS_AT_LAST"], 2.0)._connected()
"""
    client.set(KEY, "0123456789abcdef")
    done = subprocess.run([sys.executable, "-c", script], cwd=os.path.dirname(__file__), capture_output=True, text=True,
                          timeout=60, env={**os.environ, "REDIS_AT_LAST": redis.url})
    assert done.returncode == 0, done.stderr
    assert client.get(KEY) is None, done.stderr
