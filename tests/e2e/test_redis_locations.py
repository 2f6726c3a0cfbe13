"""Where Redis is: a socket, TLS, a user of its own, behind Sentinels, in a Cluster; and what a failover may not do."""

import random
import threading

import pytest
import redis as redis_py
import requests

from rig.http import state, url_client
from rig.redis_places import PARTITIONS, Cluster, RedisNode, Watched
from rig.rules import THINGS
from rig.waiting import Background, eventually

PASSWORD = "correct-horse-battery"
# As rules/README.md gives them to a user of Larder's own.
RIGHTS = ["~larder:1:*", "&larder:1:*", "&__redis__:invalidate", "+@read", "+@write", "+@transaction",
          "+@connection", "+@pubsub", "+eval", "+evalsha", "+script|load", "+info", "+time"]


@pytest.fixture
def started():
    """Nodes that end with the test: started(node)."""
    nodes = []

    def keep(node):
        nodes.append(node)
        return node

    yield keep
    for node in nodes:
        node.process.stop(within=5.0)


class Things:
    """An origin whose resources hold what was last written to them."""

    def __init__(self, origin_of):
        self.texts = {}
        self.url = origin_of(self._answer).url

    def _answer(self, exchange):
        path = exchange.request.path
        if exchange.request.method != "GET":
            self.texts[path] = exchange.request.body
        exchange.answer(body=path.encode() + b" " + self.texts.get(path, b"0"))


def readiness(larder):
    return requests.get(larder.admin_url + "/readyz", timeout=5).text


def hits(client, path):
    return eventually(lambda: (lambda r: r if state(r) == "HIT" else None)(client.get(path)), f"{path} is a hit", 20)


def check_caching(larder):
    """Stored, found, evicted: a resource that no other Larder of the test has asked for."""
    client, path = larder.client(), f"/things/{larder.port}/"
    assert hits(client, path).text == f"{path} 0"
    assert client.put(path, data=b"1").status_code == 200
    assert client.get(path).text == f"{path} 1"
    assert hits(client, path).text == f"{path} 1"


def check_refused(larder, reason):
    """Redis is not used, the log says why, and the API answers."""
    eventually(lambda: "degraded" in readiness(larder), "it says that Redis is not usable")
    eventually(lambda: reason in larder.process.log_text(), f"the log says {reason!r}")
    client = larder.client()
    assert [state(client.get("/things/1/")) for _ in range(3)].count("HIT") == 0
    assert PASSWORD not in larder.process.log_text()


def test_a_unix_socket(start_larder, origin_of, started, tmp_path):
    path = tmp_path / "redis.sock"
    node = started(RedisNode(tmp_path, ["--unixsocket", path], port=0))
    node.start(unix_socket_path=str(path), db=1)
    check_caching(start_larder(Things(origin_of).url, THINGS, redis=f"unix:{path}?db=1", memory="0"))
    assert any(key.startswith(b"larder:1:v:") for key in node.keys())


def test_a_user_with_no_more_rights_than_it_needs(start_larder, origin_of, started, tmp_path):
    node = started(RedisNode(tmp_path)).start()
    node.client().execute_command("ACL", "SETUSER", "larder", "on", f">{PASSWORD}", *RIGHTS)
    things = Things(origin_of)
    larder = start_larder(things.url, THINGS, redis=f"redis://larder:{PASSWORD}@{node.address}/1")
    check_caching(larder)
    eventually(lambda: "it tells of evictions" in larder.process.log_text(), "it hears of evictions")
    refusals = [entry for entry in node.client().execute_command("ACL", "LOG")]
    assert not refusals, f"Redis refused what it asked for: {refusals}"
    wrong = start_larder(things.url, THINGS, redis=f"redis://larder:{PASSWORD}x@{node.address}/1", memory="0")
    check_refused(wrong, "WRONGPASS")
    assert PASSWORD not in larder.process.log_text()


@pytest.fixture
def encrypted(started, certificates, tmp_path):
    """A Redis that speaks TLS alone and wants a certificate of its clients. (node, port, the client's files)"""
    server, server_key = certificates.make("redis-server", "DNS:localhost,IP:127.0.0.1")
    client, client_key = certificates.make("redis-client", "DNS:client")
    node = RedisNode(tmp_path, port=0)
    port = RedisNode(tmp_path).port
    node = started(RedisNode(tmp_path, ["--tls-port", port, "--tls-cert-file", server, "--tls-key-file", server_key,
                                        "--tls-ca-cert-file", certificates.ca, "--tls-auth-clients", "yes"], port=0))
    node.start(host="localhost", port=port, db=1, ssl=True, ssl_ca_certs=str(certificates.ca),
               ssl_certfile=str(client), ssl_keyfile=str(client_key))
    return node, port, client, client_key


def test_tls_is_verified(start_larder, origin_of, encrypted, certificates):
    node, port, certificate, key = encrypted
    things = Things(origin_of)
    own = ["--redis-certificate", certificate, "--redis-key", key]
    larder = start_larder(things.url, THINGS, redis=f"rediss://localhost:{port}/1", memory="0",
                          arguments=["--redis-ca", certificates.ca, *own])
    check_caching(larder)
    assert any(key.startswith(b"larder:1:v:") for key in node.keys())
    # As redis-py writes it.
    options = f"ssl_ca_certs={certificates.ca}&ssl_certfile={certificate}&ssl_keyfile={key}"
    check_caching(start_larder(things.url, THINGS, redis=f"rediss://127.0.0.1:{port}/1?{options}", memory="0"))
    # The system's authorities did not sign it.
    check_refused(start_larder(things.url, THINGS, redis=f"rediss://localhost:{port}/1", memory="0", arguments=own),
                  "certificate verify failed")
    # Without a certificate of its own: Redis breaks the connection off.
    check_refused(start_larder(things.url, THINGS, redis=f"rediss://localhost:{port}/1", memory="0",
                               arguments=["--redis-ca", certificates.ca]), "is not usable")
    # In the clear to a port that speaks TLS.
    check_refused(start_larder(things.url, THINGS, redis=f"redis://localhost:{port}/1", memory="0"), "is not usable")


def test_tls_of_another_host_is_not_believed(start_larder, origin_of, started, certificates, tmp_path):
    server, server_key = certificates.make("redis-other", "DNS:other.example")
    port = RedisNode(tmp_path).port
    node = started(RedisNode(tmp_path, ["--tls-port", port, "--tls-cert-file", server, "--tls-key-file", server_key,
                                        "--tls-ca-cert-file", certificates.ca, "--tls-auth-clients", "no"], port=0))
    node.start(host="localhost", port=port, ssl=True, ssl_cert_reqs="none")
    things = Things(origin_of)
    ca = ["--redis-ca", certificates.ca]
    check_refused(start_larder(things.url, THINGS, redis=f"rediss://localhost:{port}/1", memory="0", arguments=ca),
                  "certificate verify failed")
    unverified = start_larder(things.url, THINGS, redis=f"rediss://localhost:{port}/1", memory="0",
                              arguments=[*ca, "--redis-verify", "false"])
    check_caching(unverified)
    eventually(lambda: "redis_verify is false" in unverified.process.log_text(), "the log warns")


# --- failover ---

class Load:
    """Threads that read and write resources of their own, and hold each answer against what they wrote last."""

    def __init__(self, larder, threads=4, each=15):
        self._larder, self._stop = larder, threading.Event()
        self.wrong, self.answers, self.hits = [], 0, 0
        self.paths = [[f"/things/{thread * 1000 + number}/" for number in range(each)] for thread in range(threads)]
        self._written = {path: 0 for paths in self.paths for path in paths}
        self._running = [Background(self._run, index) for index in range(threads)]

    def _run(self, index):
        random_, client = random.Random(index), url_client(self._larder.url)
        while not self._stop.wait(0.005):
            path = random_.choice(self.paths[index])
            if random_.random() < 0.2:
                self._written[path] += 1
                response = client.put(path, data=str(self._written[path]).encode())
            else:
                response = client.get(path)
                self.hits += state(response) == "HIT"
            self.answers += 1
            expected = f"{path} {self._written[path]}"
            if response.status_code != 200 or response.text != expected:
                self.wrong.append(f"{response.request.method} {path}: {response.status_code} {response.text!r}, "
                                  f"not {expected!r}")

    def hits_again(self):
        """Every one of its resources is stored again, and found."""
        before = self.hits
        eventually(lambda: self.hits >= before + 50, "there are hits under load", within=30)
        client = url_client(self._larder.url)
        for paths in self.paths:
            for path in paths:
                hits(client, path)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self._stop.set()
        for running in self._running:
            running.result()
        if kind is None:
            assert not self.wrong, f"{len(self.wrong)} of {self.answers} answers: {self.wrong[:5]}"


def start_over(start_larder, things, url, memory="64MiB"):
    return start_larder(things.url, THINGS, redis=url, memory=memory,
                        env={"LARDER_REDIS_TIMEOUT": "500ms", "LARDER_REDIS_CONNECT_TIMEOUT": "3s"})


def test_sentinels_say_who_the_master_is_also_after_it_was_killed(start_larder, origin_of, tmp_path):
    watched = Watched(tmp_path)
    try:
        larder = start_over(start_larder, Things(origin_of), watched.url)
        with Load(larder) as load:
            load.hits_again()
            first = watched.master
            first.process.kill()
            eventually(lambda: watched.has_replaced(first), "the Sentinels have promoted the replica", within=30)
            load.hits_again()
            # The old one comes back empty, and becomes a replica; then it is made the master again.
            first.start()
            eventually(watched.is_whole, "it is a replica, and in step", within=30)
            watched.fail_over()
            load.hits_again()
        assert any(key.startswith(b"larder:1:v:") for key in redis_py.Redis(port=watched.master.port, db=1).keys())
    finally:
        watched.stop()


@pytest.fixture
def cluster(tmp_path):
    """Each test's own: a slot that was moved to a master may be lost by Redis 7.0 when that master is replaced and
    comes back ("Hash slot not served", by its successor alone, and for good)."""
    made = Cluster(tmp_path)
    yield made
    made.stop()


def test_a_cluster_is_used_whole(start_larder, origin_of, cluster):
    things = Things(origin_of)
    one, other = (start_over(start_larder, things, cluster.url, memory="0").client() for _ in range(2))
    for client in (one, other):
        client.headers["Host"] = "things.example"  # they differ by port, their clients' Host does not
    paths = [f"/things/{number}/" for number in range(60)]
    for path in paths:
        hits(one, path)
    for master in cluster.masters:
        assert [key for key in master.keys() if b":v:" in key], f"{master.address} holds responses"
    for path in paths:
        assert state(other.get(path)) == "HIT"
    assert one.put("/things/7/", data=b"7").status_code == 200
    assert other.get("/things/7/").text == "/things/7/ 7"
    assert state(other.get("/things/8/")) == "HIT"


def test_a_slot_that_moves_under_load_costs_no_answer(start_larder, origin_of, cluster):
    larder = start_over(start_larder, Things(origin_of), cluster.url)
    # The partition whose slot is the lowest: few slots move with it.
    partition = min(range(PARTITIONS), key=cluster.slot)
    source = cluster.master_of(partition)
    target = next(node for node in cluster.masters if node is not source)
    with Load(larder) as load:
        load.hits_again()
        cluster.move(partition, target)
        load.hits_again()
        # Hits may be memory's; what is written meanwhile is stored anew.
        eventually(lambda: any(key.startswith(b"larder:1:{%d}:" % partition) for key in target.keys()),
                   "the partition is used where its slot is now")


def test_a_master_killed_under_load_costs_no_answer(start_larder, origin_of, cluster):
    larder = start_over(start_larder, Things(origin_of), cluster.url)
    with Load(larder) as load:
        load.hits_again()
        killed = cluster.master_of(5)
        killed.process.kill()
        load.hits_again()
        assert cluster.master_of(5) is not killed
        killed.start()
        load.hits_again()
    for words in ("is not usable", "is in use for a part of the cache"):
        eventually(lambda: words in larder.process.log_text(), f"the log says {words!r}")
