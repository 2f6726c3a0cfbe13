"""Writes that end badly, with a Redis Cluster: each partition has leases of its own, and all of them must hold."""

import threading

import pytest

from rig.http import cache_status, state
from rig.redis_places import PARTITIONS, Cluster
from rig.rules import THINGS
from rig.waiting import Background, eventually

HOST = {"Host": "things.example"}  # one key on both replicas, whose ports differ
# One in each partition, as keys are hashed.
PATHS = [f"/things/{number}/" for number in (0, 1, 2, 3, 5, 7, 8, 10, 15, 18, 20, 26, 29, 49, 57, 76)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    yield made
    made.stop()


class Table:
    """An origin with one row, that all paths show. It carries a write out at `commit`, and then answers at `answer`."""

    def __init__(self):
        self.row = 0
        self.commit, self.committed, self.answer = threading.Event(), threading.Event(), threading.Event()

    def __call__(self, exchange):
        if exchange.request.method == "GET":
            return exchange.answer(body=b"%d" % self.row)
        exchange.hold(self.commit, within=60)
        self.row += 1
        self.committed.set()
        exchange.hold(self.answer, within=60)
        return exchange.answer()


@pytest.fixture
def table(origin_of):
    made = Table()
    made.url = origin_of(made).url
    yield made
    made.commit.set()
    made.answer.set()


@pytest.fixture
def start(start_larder, cluster, table):
    """start(lease=...): two Larders over the Cluster, and everything stored."""
    for master in cluster.masters:
        master.client().flushall()

    def make(**settings):
        env = {f"LARDER_{name.upper()}": value for name, value in settings.items()}
        replicas = [start_larder(table.url, THINGS, redis=cluster.url, env=env) for _ in range(2)]
        wait_until_all_hit(replicas, b"0")
        partitions = {key.split(b":")[2] for master in cluster.masters for key in master.keys() if b":v:" in key}
        assert len(partitions) == PARTITIONS
        return replicas
    return make


def get(replica, path):
    return replica.client().get(path, headers=HOST)


def put(replica):
    """What lies below is concerned, too."""
    return replica.client().put("/things/", data=b"x", headers=HOST, timeout=40)


def wait_until_all_hit(replicas, content):
    def is_hit(answer):
        return (state(answer), answer.content) == ("HIT", content)

    for path in PATHS:
        for replica in replicas:
            eventually(lambda: is_hit(get(replica, path)), f"{path} is stored")


def test_a_given_up_write_holds_back_what_is_read_until_it_is_carried_out(start, table):
    replicas = start(lease="60s", first_byte_timeout="1s")
    assert put(replicas[0]).status_code == 504
    for path in PATHS:
        for replica in replicas:
            answer = get(replica, path)
            assert (answer.content, state(answer)) == (b"0", "MISS")
            assert cache_status(answer)["detail"] == "written-meanwhile"
    table.commit.set()
    assert table.committed.wait(20)
    for path in PATHS:
        assert [get(replica, path).content for replica in replicas] == [b"1", b"1"]


def test_a_given_up_write_evicts_when_its_lease_is_over_also_if_the_masters_have_lost_it(start, cluster, table):
    replicas = start(lease="6s", first_byte_timeout="1s")
    assert put(replicas[0]).status_code == 504
    for master in cluster.masters:
        master.client().flushall()
    for path in PATHS:  # what is stored now is from before the write
        for replica in replicas:
            get(replica, path)
    table.commit.set()
    wait_until_all_hit(replicas, b"1")


def test_a_larder_killed_in_a_write_has_it_evicted_by_its_leases(start, table):
    killed, other = start(lease="2s")
    writing = Background(put, killed)
    table.commit.set()
    assert table.committed.wait(20)
    killed.kill()
    with pytest.raises(Exception):
        writing.result()
    wait_until_all_hit([other], b"1")
