"""The stamps in a real Redis: what an eviction leaves of them, of others' leases, and where Redis may be."""

import pytest
import redis as redis_py
from django.core.exceptions import ImproperlyConfigured

from larder_django import protocol
from larder_django.backend import NotEvicted
from larder_django.redis_backend import RedisBackend
from rig.redis_places import Cluster, RedisNode, Watched

STAMP = "0123456789abcdef"
KEY = "larder:1:s:p:/api/models"
HOLDER = "89abcdef01234567"


def backend(url, **options):
    return RedisBackend(url, 2.0, **options)


def text(client, key=KEY):
    value = client.get(key)
    return value.decode() if value is not None else None


def now_ms(client):
    seconds, microseconds = client.time()
    return seconds * 1000 + microseconds // 1000


def test_a_stamp_that_nobody_leases_goes(redis):
    client = redis.client()
    client.set(KEY, STAMP)
    client.set("larder:1:s:p:/else", STAMP)
    backend(redis.url).evict(["p:/api/models"])
    assert text(client) is None
    assert text(client, "larder:1:s:p:/else") == STAMP
    assert redis.keys() == [b"larder:1:s:p:/else"]


def test_what_writes_lease_stays_leased_under_another_stamp(redis):
    """Deleting would end the lease, and what is read during that write could be stored."""
    client = redis.client()
    lease = f"{HOLDER}:{now_ms(client) + 60_000}"
    client.set(KEY, f"{STAMP} {lease}")
    backend(redis.url).evict(["p:/api/models"])
    stamp, *leases = text(client).split()
    assert stamp != STAMP and leases == [lease]
    assert 0 < client.pttl(KEY) <= 60_000


def test_a_lease_that_has_run_out_goes(redis):
    client = redis.client()
    client.set(KEY, f"{STAMP} {HOLDER}:{now_ms(client) - 1}")
    backend(redis.url).evict(["p:/api/models"])
    assert text(client) is None


def test_names_by_responses_change_n_as_well(redis):
    client = redis.client()
    client.mset({"larder:1:s:n:": STAMP, "larder:1:s:t:prices": STAMP})
    backend(redis.url).evict(["t:prices"])
    assert redis.keys() == []


def test_everything(redis):
    client = redis.client()
    client.mset({"larder:1:s:b:/": STAMP, "larder:1:s:p:/": STAMP, KEY: STAMP})
    backend(redis.url).evict(["e:"])
    assert redis.keys() == [KEY.encode()]  # below the root, so of no use to any response


def test_a_settle_time_leaves_a_lease_that_nobody_ends(redis):
    """As Larder's setting `settle`: what a lagging database replica says meanwhile is not stored."""
    client = redis.client()
    client.set(KEY, STAMP)
    listener = client.pubsub()
    listener.subscribe("larder:1:leases")
    assert listener.get_message(timeout=5)["type"] == "subscribe"
    backend(redis.url, settle=30.0).evict(["p:/api/models"])
    stamp, lease = text(client).split()
    assert stamp != STAMP and 25_000 < int(lease.split(":")[1]) - now_ms(client) <= 30_000
    told = listener.get_message(timeout=5)["data"].decode().split()
    assert told[0] == "ended" and told[1] == lease.split(":")[0]
    listener.close()


def test_a_key_of_another_type_gives_way(redis):
    redis.client().lpush(KEY, "x")
    backend(redis.url).evict(["p:/api/models"])
    assert redis.keys() == []


def test_a_full_redis_evicts_all_the_same(redis):
    client = redis.client()
    client.set(KEY, f"{STAMP} {HOLDER}:{now_ms(client) + 60_000}")
    client.config_set("maxmemory-policy", "noeviction")
    client.config_set("maxmemory", "1")
    backend(redis.url).evict(["p:/api/models"])
    assert text(client).split()[0] != STAMP


def test_scripts_that_redis_has_forgotten(redis):
    client, told = redis.client(), backend(redis.url)
    for _ in range(2):
        client.set(KEY, STAMP)
        client.script_flush()
        told.evict(["p:/api/models"])
        assert text(client) is None
    assert client.script_exists(protocol.END_SHA1) == [True]
    client.set(KEY, STAMP)
    calls = client.info("commandstats").get("cmdstat_eval", {}).get("calls", 0)
    told.evict(["p:/api/models"])
    assert client.info("commandstats")["cmdstat_eval"]["calls"] == calls  # its name was enough


def test_many_tags_are_one_command(redis):
    client, told = redis.client(), backend(redis.url)
    told.evict(["p:/a"])
    before = client.info("commandstats")["cmdstat_evalsha"]["calls"]
    told.evict([f"p:/a/{number}" for number in range(300)])
    assert client.info("commandstats")["cmdstat_evalsha"]["calls"] == before + 1


def test_redis_that_is_away_is_told_of_within_the_deadline(redis):
    told = RedisBackend(redis.url, 0.2)
    told.evict(["p:/a"])
    redis.process.pause()
    with pytest.raises(NotEvicted, match="[Tt]imeout"):
        told.evict(["p:/a"])
    redis.process.resume()
    redis.process.kill()
    with pytest.raises(NotEvicted, match="ConnectionError"):
        told.evict(["p:/a"])
    redis.start()
    told.evict(["p:/a"])


def test_redis_that_refuses_is_told_of(redis):
    master = redis.client()
    master.replicaof("127.0.0.1", "1")  # a replica refuses to write
    with pytest.raises(NotEvicted, match="ReadOnly|READONLY"):
        backend(redis.url).evict(["p:/a"])
    master.replicaof("NO", "ONE")


# --- where Redis may be ---

@pytest.fixture
def started():
    things = []
    yield lambda thing: things.append(thing) or thing
    for thing in things:
        (thing.stop if hasattr(thing, "stop") else thing.process.stop)()


@pytest.mark.parametrize("url, database", [
    ("redis://127.0.0.1:{port}/3", 3),
    ("valkey://127.0.0.1:{port}/3", 3),
    ("redis://127.0.0.1:{port}?db=2", 2),
    ("redis://127.0.0.1:{port}", 1),
    ("redis://127.0.0.1:{port}/", 1),
])
def test_the_database_is_that_of_larder(redis, url, database):
    client = redis_py.Redis(port=redis.port, db=database)
    client.set(KEY, STAMP)
    backend(url.format(port=redis.port)).evict(["p:/api/models"])
    assert client.get(KEY) is None


def test_a_user_with_the_rights_that_the_readme_names(redis):
    client = redis.client()
    client.execute_command("ACL", "SETUSER", "larder", "on", ">se:cret@1", "~larder:1:*", "&larder:1:*", "+@read",
                           "+@write", "+@connection", "+eval", "+evalsha", "+time", "+publish")
    client.set(KEY, STAMP)
    backend(f"redis://larder:se%3Acret%401@127.0.0.1:{redis.port}/1").evict(["p:/api/models"])
    assert client.get(KEY) is None
    client.execute_command("ACL", "DELUSER", "larder")


@pytest.mark.parametrize("form", ["unix:{path}?db=4", "unix://{path}?db=4"])
def test_a_unix_socket(files, started, form):
    path = files / f"redis-{form.count('/')}.sock"
    node = started(RedisNode(files, ["--unixsocket", path], port=0))
    node.start(unix_socket_path=str(path), db=4)
    node.client().set(KEY, STAMP)
    backend(form.format(path=path)).evict(["p:/api/models"])
    assert node.keys() == []


def test_behind_sentinels(files, started):
    watched = started(Watched(files))
    client = redis_py.Redis(port=watched.master.port, db=1)
    client.set(KEY, STAMP)
    backend(watched.url).evict(["p:/api/models"])
    assert client.get(KEY) is None


def test_a_cluster_is_told_in_every_partition(files, started):
    cluster = started(Cluster(files))
    client = redis_py.RedisCluster(host="127.0.0.1", port=cluster.masters[0].port)
    for number in range(16):
        client.set(f"larder:1:{{{number}}}:s:p:/api/models", STAMP)
        client.set(f"larder:1:{{{number}}}:s:p:/else", STAMP)
    told = backend(cluster.url)
    told.evict(["p:/api/models"])
    left = [number for number in range(16) if client.get(f"larder:1:{{{number}}}:s:p:/api/models")]
    assert left == []
    assert all(client.get(f"larder:1:{{{number}}}:s:p:/else") for number in range(16))
    client.sadd("larder:1:{3}:i:p:/api/models", "a", "b")
    assert told.count(["p:/api/models"]) == [("p:/api/models", 2)]


@pytest.mark.parametrize("url", ["http://localhost", "localhost:6379", "", "/run/redis.sock"])
def test_what_is_no_url(url):
    with pytest.raises(ImproperlyConfigured, match="must begin with"):
        backend(url)
