"""The Django bridge (deploy/django): what changes without passing Larder is evicted all the same, on every replica."""

import json
import os
import signal
import subprocess
import threading
import uuid

import pytest

from rig import demo as rig_demo
from rig.http import receive, state
from rig.larder import REPOSITORY
from rig.operator import TOKEN, WITH_TOKEN
from rig.waiting import Background, eventually

BRIDGE = REPOSITORY / "deploy" / "django"
NOTICES = "/api/notices/"
HOST = {"Host": "resumate.example"}  # the replicas differ by port, their clients' Host does not


# --- its own tests, each file by itself ---

@pytest.mark.demo_only
@pytest.mark.parametrize("file", sorted(path.name for path in (BRIDGE / "tests").glob("test_*.py")))
def test_its_own_tests_pass(file):
    done = subprocess.run(["/usr/bin/python3", "-m", "pytest", BRIDGE / "tests" / file, "-q", "-p", "no:cacheprovider",
                           "--rootdir", BRIDGE / "tests"], capture_output=True, text=True, timeout=85,
                          env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


# --- with the demo backend ---

@pytest.fixture(scope="session")
def database(demo_server, postgres):
    """The environment of the demo's manage.py, with the bridge and its table."""
    environment = {**{name: value for name, value in os.environ.items() if not name.startswith(("LARDER_", "REDIS_"))},
                   **postgres.environment(), "PYTHONDONTWRITEBYTECODE": "1", "LARDER_BRIDGE": "on",
                   "LARDER_BRIDGE_TIMEOUT": "2"}  # what is looked at must not depend on how busy the machine is
    manage(environment, "migrate", "larder_django", "--verbosity", "0")
    return environment


def manage(environment, *arguments, code=0):
    """`manage.py ARGUMENTS` in a process of its own; what it wrote."""
    done = subprocess.run(["/usr/bin/python3", rig_demo.FOLDER / "manage.py", *arguments], capture_output=True,
                          text=True, timeout=60, env=environment, stdin=subprocess.DEVNULL)
    assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


@pytest.fixture
def with_redis(database, redis):
    return {**database, "REDIS_URL": redis.url}


@pytest.fixture
def replicas(start_larder, demo, redis):
    """Two Larders with memory, on one Redis."""
    return [start_larder(demo.url, redis=redis.url).client() for _ in range(2)]


@pytest.fixture
def notice(database):
    """The path of a notice that nobody has asked for yet, and its key."""
    pk = shell(database, "print(Notice.objects.create(title='as it was').pk)").split()[-1]
    yield f"{NOTICES}{pk}/", pk
    shell(database, f"Notice.objects.filter(pk={pk}).delete()")


def shell(environment, script, **kwargs):
    return manage(environment, "shell", "-c",
                  f"from jobs.models import Notice\nimport larder_django\nfrom django.db import transaction\n{script}",
                  **kwargs)


def get(client, path):
    return client.get(path, headers=HOST)


def stored(clients, *paths):
    """Each of them serves each path from what is stored."""
    for client in clients:
        for path in paths:
            eventually(lambda: state(get(client, path)) == "HIT", f"{path} is stored")


def titles(client, path, list_path=NOTICES):
    return get(client, path).json().get("title"), [row["title"] for row in get(client, list_path).json()["results"]]


CHANGES = {
    "an edit in the shell": "n = Notice.objects.get(pk={pk}); n.title = {title!r}; n.save()",
    "within a transaction": "with transaction.atomic():\n"
                            "    n = Notice.objects.get(pk={pk}); n.title = {title!r}; n.save()",
    "a bulk update": "larder_django.EvictingQuerySet(Notice).filter(pk={pk}).update(title={title!r})",
    "an update that is told of": "Notice.objects.filter(pk={pk}).update(title={title!r})\n"
                                 "larder_django.evict(Notice.objects.filter(pk={pk}))",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_is_seen_on_every_replica(with_redis, replicas, notice, change):
    path, pk = notice
    stored(replicas, path, NOTICES)
    title = f"changed {uuid.uuid4()}"
    shell(with_redis, change.format(pk=pk, title=title))
    for client in replicas:  # a process has begun and ended since: the news has come
        eventually(lambda: get(client, path).json()["title"] == title, "the notice is the new one", within=5)
        eventually(lambda: title in titles(client, path)[1], "so is the list", within=5)
    stored(replicas, path, NOTICES)


def test_a_management_command(with_redis, replicas, notice, tmp_path):
    path, pk = notice
    stored(replicas, path, NOTICES)
    fixture = tmp_path / "notices.json"
    fixture.write_text(json.dumps([{"model": "jobs.notice", "pk": int(pk), "fields": {"title": "loaded"}}]))
    manage(with_redis, "loaddata", str(fixture))
    for client in replicas:
        eventually(lambda: get(client, path).json()["title"] == "loaded", "the notice is the new one", within=5)


@pytest.mark.parametrize("bridge, code", [
    ("on", "try:\n    with transaction.atomic():\n        n = Notice.objects.get(pk={pk}); n.title = 'new'; n.save()\n"
           "        raise ZeroDivisionError\nexcept ZeroDivisionError:\n    pass"),
    ("on", "larder_django.evict('/api/else/', 'tag:else')"),
    ("off", "n = Notice.objects.get(pk={pk}); n.title = 'new'; n.save()"),
], ids=["a transaction that is rolled back", "something else", "without the bridge"])
def test_what_leaves_it_as_it_was(with_redis, replicas, notice, bridge, code):
    path, pk = notice
    stored(replicas, path, NOTICES)
    environment = {**with_redis, "LARDER_BRIDGE": bridge}
    code = f"from jobs.models import Notice\nfrom django.db import transaction\n{code.format(pk=pk)}"
    manage(environment, "shell", "-c", code if bridge == "off" else "import larder_django\n" + code)
    for client in replicas:
        assert [state(get(client, one)) for one in (path, NOTICES)] == ["HIT", "HIT"]
        assert get(client, path).json()["title"] == "as it was"


def test_what_is_read_during_a_transaction_is_not_kept_after_it(with_redis, replicas, notice):
    """The change is evicted once it is committed; what was stored before that, of the old row, goes with it."""
    path, pk = notice
    shell_code = (f"import subprocess\nwith transaction.atomic():\n"
                  f"    n = Notice.objects.get(pk={pk}); n.title = 'new'; n.save()\n"
                  f"    import urllib.request\n"
                  f"    for url in {[client.base for client in replicas]!r}:\n"
                  f"        for _ in range(3):\n"
                  f"            ask = urllib.request.Request(url + {path!r}, headers={HOST!r})\n"
                  f"            assert b'as it was' in urllib.request.urlopen(ask, timeout=10).read()\n")
    shell(with_redis, shell_code)
    for client in replicas:
        eventually(lambda: get(client, path).json()["title"] == "new", "the notice is the new one", within=5)


def test_a_fill_that_was_under_way_is_not_stored(with_redis, start_larder, origin_of, redis):
    gate, arrived = threading.Event(), threading.Event()

    def script(exchange):
        first = not arrived.is_set()
        arrived.set()
        if first:
            exchange.hold(gate)
        exchange.answer(body=b"old" if first else b"new")

    rules = "rules: [{path: '/api/notices/<int:pk>/', ttl: 1h, share: everyone}]"
    larder = start_larder(origin_of(script).url, rules, redis=redis.url)
    reader = Background(receive, larder.url, "/api/notices/7/", "GET", HOST)
    assert arrived.wait(10)
    manage(with_redis, "larder_purge", "/api/notices/7/")
    gate.set()
    assert reader.result().body == b"old"
    assert get(larder.client(), "/api/notices/7/").text == "new"


def test_what_responses_name(with_redis, start_larder, origin_of, redis):
    """As larder_django.tagged names them, on a path that LARDER knows nothing of."""
    content = [b"old"]

    def script(exchange):
        name = exchange.request.path.strip("/").replace("-", ":")
        exchange.answer(body=content[0], fields={"Surrogate-Key": name, "Cache-Groups": f'"{name}"'})

    rules = "rules: [{path: '/<str:name>/', ttl: 1h, share: everyone}]"
    replicas = [start_larder(origin_of(script).url, rules, redis=redis.url).client() for _ in range(2)]
    listed, row, other = "/jobs.notice/", "/jobs.notice-7/", "/jobs.notice-8/"
    stored(replicas, listed, row, other)
    content[0] = b"new"
    shell(with_redis, "larder_django.evict(Notice(pk=7))")
    for client in replicas:
        for path in (listed, row):
            eventually(lambda: get(client, path).text == "new", f"{path} is the new one")
        assert get(client, other).text == "old"


def test_the_bridge_in_the_server_itself(with_redis, start_larder, redis, notice, staff, tmp_path):
    """A write that goes past Larder (another host, say) is seen; one through it is evicted by both, and all is well."""
    path, _ = notice
    server = rig_demo.Demo(with_redis, tmp_path)
    try:
        replicas = [start_larder(server.url, redis=redis.url).client() for _ in range(2)]
        for writer, title in ((server.client(), "past Larder"), (replicas[0], "through Larder"),
                              (replicas[1], "and the other")):
            stored(replicas, path, NOTICES)
            assert writer.patch(path, json={"title": title}, headers={**staff, **HOST}).status_code == 200
            for client in replicas:
                eventually(lambda: get(client, path).json()["title"] == title, "the notice is the new one", within=5)
                eventually(lambda: title in titles(client, path)[1], "so is the list", within=5)
        stored(replicas, path, NOTICES)
    finally:
        server.stop()


# --- faults ---

def test_redis_does_not_answer_during_a_save(with_redis, replicas, notice, redis):
    path, pk = notice
    outbox = {**with_redis, "LARDER_OUTBOX": "on"}
    stored(replicas, path)
    redis.process.pause()
    said = shell(outbox, f"n = Notice.objects.get(pk={pk}); n.title = 'saved'; n.save(); print('saved all the same')")
    assert "saved all the same" in said and "did not acknowledge an eviction" in said
    redis.process.resume()
    manage(outbox, "larder_outbox", "--all")
    for client in replicas:
        eventually(lambda: get(client, path).json()["title"] == "saved", "the notice is the new one", within=5)
    assert "0 to be delivered" in manage(outbox, "larder_outbox", "--all", "--dry-run")


@pytest.mark.parametrize("code", [
    "with transaction.atomic():\n    n = Notice.objects.get(pk={pk}); n.title = 'new'; n.save()",
    "n = Notice.objects.get(pk={pk}); n.title = 'new'; n.save()",
    "larder_django.EvictingQuerySet(Notice).filter(pk={pk}).update(title='new')",
], ids=["in a transaction", "without one", "a bulk update"])
def test_killed_between_commit_and_eviction(with_redis, replicas, notice, code):
    path, pk = notice
    outbox = {**with_redis, "LARDER_OUTBOX": "on"}
    stored(replicas, path)
    shell(outbox, "import os\nfrom larder_django.evicting import Batch\n"
                  "Batch.__call__ = lambda self: os.kill(os.getpid(), 9)\n" + code.format(pk=pk), code=-signal.SIGKILL)
    assert [get(client, path).json()["title"] for client in replicas] == ["as it was"] * 2  # stale, as was to be shown
    assert "1 delivered" in manage(outbox, "larder_outbox", "--all")
    for client in replicas:
        eventually(lambda: get(client, path).json()["title"] == "new", "the notice is the new one", within=5)


# --- by the admin listener, without Redis ---

def test_the_admin_listeners_of_several_larders(database, start_larder, demo, notice):
    path, pk = notice
    larders = [start_larder(demo.url, env=WITH_TOKEN) for _ in range(2)]
    replicas = [larder.client() for larder in larders]
    environment = {**database, "LARDER_ADMIN_URLS": ",".join(larder.admin_url for larder in larders),
                   "LARDER_ADMIN_TOKEN": TOKEN}
    stored(replicas, path, NOTICES)
    shell(environment, f"n = Notice.objects.get(pk={pk}); n.title = 'new'; n.save()")
    for client in replicas:
        assert titles(client, path)[0] == "new" and "new" in titles(client, path)[1]
    stored(replicas, path)
    assert "p:" + path.rstrip("/") + "\t2 responses in memory" in manage(environment, "larder_purge", path, "--dry-run")
    manage(environment, "larder_purge", "--rule", "notices")
    assert [state(get(client, path)) for client in replicas] == ["MISS", "MISS"]
    assert "there is no rule 'nothing'" in manage(environment, "larder_purge", "--rule", "nothing", code=1)
    larders[0].kill()
    shell(environment, f"n = Notice.objects.get(pk={pk}); n.title = 'newer'; n.save()")  # one of them is enough to save
    assert titles(replicas[1], path)[0] == "newer"
    wrong = {**environment, "LARDER_ADMIN_TOKEN": "not-the-token-0123456789"}
    assert "401" in manage(wrong, "larder_purge", path, code=1)


# --- the system check ---

def test_the_check_finds_nothing_wrong_with_the_demo(with_redis):
    assert "no issues" in manage(with_redis, "check", "--fail-level", "WARNING")
