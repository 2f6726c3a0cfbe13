"""A write holds a lease until it is answered: what is read meanwhile is not stored, and a killed Larder still evicts."""

import threading

import pytest

from rig.http import cache_status, state
from rig.rules import THINGS
from rig.waiting import Background, eventually

HOST = {"Host": "things.example"}  # one key on both replicas, whose ports differ
STAMP = "larder:1:s:p:/things"


class Table:
    """An origin with one row. A write commits it, and its answer waits for `answered`."""

    def __init__(self, status=200):
        self.row, self._status = 0, status
        self.committed, self.answered = threading.Event(), threading.Event()

    def __call__(self, exchange):
        if exchange.request.method == "GET":
            return exchange.answer(body=b"%d" % self.row)
        if self._status < 400:
            self.row += 1
        self.committed.set()
        exchange.hold(self.answered, within=60)
        return exchange.answer(status=self._status)


def get(replica, path="/things/"):
    return replica.client().get(path, headers=HOST)


def write(replica, path="/things/"):
    return replica.client().post(path, data=b"x", headers=HOST, timeout=40)


def fill(replica, expected=b"0"):
    eventually(lambda: state(get(replica)) == "HIT", "it is stored")
    assert get(replica).content == expected


def is_leased(redis):
    value = redis.client().get(STAMP)
    return value is not None and len(value) > 16


def test_a_larder_killed_before_it_evicts_has_its_write_evicted_by_its_lease(start_larder, origin_of, redis):
    table = Table()
    origin = origin_of(table)
    env = {"LARDER_LEASE": "2s"}
    killed, other = (start_larder(origin.url, THINGS, redis=redis.url, env=env) for _ in range(2))
    fill(killed)
    fill(other)
    writing = Background(write, killed)
    assert table.committed.wait(20)
    killed.kill()
    with pytest.raises(Exception):
        writing.result()
    eventually(lambda: get(other).content == b"1", "the write is seen, once its lease has run out")
    eventually(lambda: state(get(other)) == "HIT", "what is new is stored again")
    assert get(other).content == b"1"
    table.answered.set()


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_refused_write_evicts_nothing(start_larder, origin_of, redis, status):
    table = Table(status)
    origin = origin_of(table)
    one, other = (start_larder(origin.url, THINGS, redis=redis.url) for _ in range(2))
    fill(one)
    fill(other)
    writing = Background(write, one)
    assert table.committed.wait(20)
    assert is_leased(redis)
    assert [state(get(replica)) for replica in (one, other)] == ["HIT", "HIT"]
    table.answered.set()
    assert writing.result().status_code == status
    eventually(lambda: not is_leased(redis), "the lease is given back")
    assert [state(get(replica)) for replica in (one, other)] == ["HIT", "HIT"]


def test_a_write_that_outlasts_its_lease_keeps_it(start_larder, origin_of, redis):
    table = Table()
    larder = start_larder(origin_of(table).url, THINGS, redis=redis.url, env={"LARDER_LEASE": "3s"})
    fill(larder)
    writing = Background(write, larder)
    assert table.committed.wait(20)

    def leases():
        return (redis.client().get(STAMP) or b"").split()[1:]

    first = leases()
    assert len(first) == 1
    holder, _, expiry = first[0].partition(b":")

    def is_past_the_first():
        seconds, microseconds = redis.client().time()
        return seconds * 1000 + microseconds // 1000 > int(expiry)

    eventually(is_past_the_first, "the time of the lease as it was taken is over", within=20)
    eventually(lambda: [lease.partition(b":")[0] for lease in leases()] == [holder], "the same write holds it")
    table.answered.set()
    assert writing.result().status_code == 200
    assert not is_leased(redis)
    assert get(larder).content == b"1"


@pytest.mark.parametrize("memory", ["0", "64MiB"], ids=["without memory tier", "with memory tier"])
def test_what_is_read_while_a_write_is_in_flight_is_not_stored(start_larder, origin_of, redis, memory):
    table = Table()
    origin = origin_of(table)
    one, other = (start_larder(origin.url, THINGS, redis=redis.url, memory=memory) for _ in range(2))
    writing = Background(write, one)
    assert table.committed.wait(20)
    for replica in (one, other, one, other):
        answer = get(replica)
        assert (state(answer), cache_status(answer).get("detail")) == ("MISS", "written-meanwhile")
        assert "stored" not in cache_status(answer)
    table.answered.set()
    assert writing.result().status_code == 200
    for replica in (one, other):
        fill(replica, b"1")


def test_a_write_that_concerns_no_rule_leaves_redis_alone(start_larder, origin_of, redis):
    table = Table()
    larder = start_larder(origin_of(table).url, THINGS, redis=redis.url)
    table.answered.set()

    def calls():
        stats = redis.client().info("commandstats")
        return {name: stats.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("evalsha", "set", "del")}

    before = calls()
    assert write(larder, "/elsewhere/").status_code == 200
    assert calls() == before
    assert write(larder).status_code == 200
    assert calls()["evalsha"] == before["evalsha"] + 2


def test_what_is_read_from_a_lagging_replica_is_not_stored(start_larder, origin_of, tier, request):
    caught_up, row = threading.Event(), {"replica": b"old", "primary": b"old"}

    def script(exchange):
        if exchange.request.method == "POST":
            row["primary"] = b"new"
            return exchange.answer()
        return exchange.answer(body=row["primary" if caught_up.is_set() else "replica"])

    origin = origin_of(script)
    if "redis" in tier:
        # Where it is in use already, nothing has to settle for want of knowing what was before.
        fill(start_larder(origin.url, THINGS, **tier), b"old")
    larder = start_larder(origin.url, THINGS, env={"LARDER_SETTLE": "60s" if "redis" in tier else "5s"}, **tier)
    eventually(lambda: state(get(larder)) == "HIT", "what was before the start has settled", within=30)
    assert write(larder).status_code == 200
    for expected in (b"old", b"new", b"new"):
        answer = get(larder)
        assert (answer.content, state(answer)) == (expected, "MISS")
        assert cache_status(answer)["detail"] == "written-meanwhile"
        caught_up.set()
    if "redis" in tier:
        request.getfixturevalue("redis").client().flushall()  # the leases with all else
        fill(larder, b"new")


@pytest.mark.parametrize("status", [None, 502, 504])
def test_a_write_that_is_carried_out_after_it_was_given_up_is_seen(start_larder, origin_of, tier, status):
    """By us, or by a gateway between us and the application, which says `status`."""
    row, commit, committed = [0], threading.Event(), threading.Event()

    def script(exchange):
        if exchange.request.method == "GET":
            return exchange.answer(body=b"%d" % row[0])
        if status:
            exchange.answer(status)
        exchange.hold(commit, within=60)
        row[0] += 1
        committed.set()

    env = {"LARDER_LEASE": "60s", "LARDER_FIRST_BYTE_TIMEOUT": "500ms"}
    larder = start_larder(origin_of(script).url, THINGS, env=env, **tier)
    fill(larder)
    assert write(larder).status_code == (status or 504)
    for _ in range(2):
        answer = get(larder)
        assert (answer.content, state(answer)) == (b"0", "MISS")
        assert cache_status(answer)["detail"] == "written-meanwhile"
    commit.set()
    assert committed.wait(20)
    assert get(larder).content == b"1"


def test_a_given_up_write_evicts_when_its_lease_is_over_also_if_redis_has_lost_it(start_larder, origin_of, redis):
    row, commit = [0], threading.Event()

    def script(exchange):
        if exchange.request.method == "GET":
            return exchange.answer(body=b"%d" % row[0])
        exchange.hold(commit, within=60)
        row[0] += 1

    env = {"LARDER_LEASE": "2s", "LARDER_FIRST_BYTE_TIMEOUT": "500ms"}
    larder = start_larder(origin_of(script).url, THINGS, redis=redis.url, env=env)
    fill(larder)
    assert write(larder).status_code == 504
    redis.client().flushall()
    fill(larder)
    commit.set()
    eventually(lambda: get(larder).content == b"1", "it is evicted")
