"""Reloading the rules while they are in use: by a signal, a changed file, a request."""

import json
import os
import re
import signal
import threading

import pytest
import requests

from rig.http import receive, state
from rig.larder import is_sanitized, run
from rig.operator import WITH_TOKEN, purge, readiness, reload, stats
from rig.waiting import Background, eventually, throughout

HOST = {"Host": "resumate.example"}
# How often the last test reloads: a thousand times where there is time for it.
RELOADS = int(os.environ.get("LARDER_RELOADS", "40"))


def rules(*paths, more="", name="things", settings=""):
    listed = ", ".join(f'"{path}"' for path in paths)
    text = f"rules:\n  - name: {name}\n    path: [{listed}]\n    ttl: 1h\n    share: everyone\n"
    return text + "".join(f"    {line}\n" for line in more.splitlines()) + settings


ONE, TWO = rules("/one/"), rules("/one/", "/two/")


@pytest.fixture
def origin(origin_of):
    return origin_of(lambda exchange: exchange.answer(body=exchange.request.target.encode()))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "watched" / "rules.yaml"
    path.parent.mkdir()
    path.write_text(ONE)
    return path


@pytest.fixture
def larder(start_larder, origin, file):
    return start_larder(origin.url, file, env=WITH_TOKEN)


def is_stored(larder, path):
    """Does a second GET of it hit?"""
    client = larder.client()
    client.get(path, headers=HOST)
    return state(client.get(path, headers=HOST)) == "HIT"


def generation(larder):
    return stats(larder)["reload"]["generation"]


def metric(larder, name):
    page = requests.get(larder.admin_url + "/metrics", timeout=5).text
    return float(re.search(rf"^{name} (\S+)$", page, re.MULTILINE)[1])


def takes(larder, act, path="/two/"):
    """`act` makes a rule for `path` come into force, without anybody asking for it."""
    assert not is_stored(larder, path)
    before = generation(larder)
    act()
    eventually(lambda: generation(larder) > before, "the rules have been read again")
    eventually(lambda: is_stored(larder, path), f"{path} is cached")


# --- what makes it read them ---

def test_a_file_written_in_place(larder, file):
    takes(larder, lambda: file.write_text(TWO))


def test_a_file_renamed_over_as_editors_do(larder, file):
    def rename_over():
        draft = file.with_name("rules.yaml~")
        draft.write_text(TWO)
        draft.rename(file)

    takes(larder, rename_over)


def test_a_mounted_config_map(start_larder, origin, tmp_path):
    mounted = tmp_path / "mounted"
    for name, text in (("..1", ONE), ("..2", TWO)):
        (mounted / name).mkdir(parents=True)
        (mounted / name / "rules.yaml").write_text(text)
    (mounted / "..data").symlink_to("..1")
    (mounted / "rules.yaml").symlink_to("..data/rules.yaml")
    larder = start_larder(origin.url, mounted / "rules.yaml")

    def swap():
        (mounted / "..data_tmp").symlink_to("..2")
        (mounted / "..data_tmp").rename(mounted / "..data")

    takes(larder, swap)


def test_a_folder_of_rules(start_larder, origin, file):
    larder = start_larder(origin.url, file.parent)
    takes(larder, lambda: (file.parent / "20-two.yaml").write_text(rules("/two/", name="two")))


def test_sighup(larder):
    before = generation(larder)
    larder.process.send_signal(signal.SIGHUP)
    eventually(lambda: generation(larder) == before + 1, "it has read them again, though nothing has changed")
    eventually(lambda: "rules: SIGHUP" in larder.process.log_text(), "the log says why")


def test_a_request_waits_for_the_outcome(larder, file):
    assert not is_stored(larder, "/two/")
    file.write_text(TWO)
    answer = reload(larder)
    assert (answer.status_code, answer.json()["reloaded"], answer.json()["rules"]) == (200, True, 1)
    assert is_stored(larder, "/two/")


def test_a_request_waits_for_a_reload_that_has_taken_the_same_change(start_larder, origin, redis, file):
    env = {**WITH_TOKEN, "LARDER_REDIS_TIMEOUT": "20s"}
    larder = start_larder(origin.url, file, env=env, redis=redis.url)
    assert is_stored(larder, "/one/")
    before = generation(larder)
    redis.client().execute_command("CLIENT", "PAUSE", "60000", "WRITE")  # no eviction ends
    try:
        file.write_text(rules("/one/", more="evict_on: [/three/]"))
        eventually(lambda: generation(larder) == before + 1, "it has seen the file change")
        asked = Background(reload, larder)

        def is_kept_waiting():
            assert not asked.is_done()

        throughout(0.5, is_kept_waiting)
    finally:
        redis.client().execute_command("CLIENT", "UNPAUSE")
    assert asked.result().status_code == 200
    assert state(larder.client().get("/one/", headers=HOST)) == "MISS"


def test_the_command(larder, file):
    file.write_text(TWO)
    admin = ["--admin", f"127.0.0.1:{larder.admin_port}"]
    done = run("reload", *admin, env=WITH_TOKEN)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1 rule is in force\n", "")
    assert is_stored(larder, "/two/")
    asked_for_json = run("reload", "--json", *admin, env=WITH_TOKEN)
    assert (asked_for_json.returncode, json.loads(asked_for_json.stdout)["reloaded"]) == (0, True)
    file.write_text("settings: {head_timeout: 7s}\n" + TWO)
    restart = run("reload", *admin, env=WITH_TOKEN)
    assert (restart.returncode, restart.stderr) == (0, "settings.head_timeout has changed and needs a restart\n")
    file.write_text("rules: [")
    refused = run("reload", *admin, env=WITH_TOKEN)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "rules.yaml:1:" in refused.stderr and "the rules it has stay in force" in refused.stderr
    asked_for_json = run("reload", "--json", *admin, env=WITH_TOKEN)
    assert (asked_for_json.returncode, json.loads(asked_for_json.stdout)["reloaded"]) == (1, False)


def test_without_rules_there_is_nothing_to_read(start_larder, origin):
    larder = start_larder(origin.url, None, env=WITH_TOKEN)
    assert reload(larder).status_code == 409
    larder.process.send_signal(signal.SIGHUP)
    assert readiness(larder) == (200, "ready")


# --- what it does not take ---

@pytest.mark.parametrize("broken, place", [
    (rules("/one/", more="tll: 1h"), "rules.yaml:6:5: error: unknown key 'tll'"),
    ("rules: [", "rules.yaml:1:"),
    ("", "rules.yaml: error: empty: a file of rules starts with"),
], ids=["unknown key", "no yaml", "empty"])
def test_rules_that_are_not_well_leave_the_old_ones_in_force(larder, file, broken, place):
    assert is_stored(larder, "/one/")
    file.write_text(broken)
    eventually(lambda: stats(larder)["reload"]["failed_reloads"] > 0, "it has been refused")
    answer = reload(larder)
    assert (answer.status_code, answer.json()["reloaded"]) == (422, False)
    assert any(place in finding for finding in answer.json()["findings"])
    told = stats(larder)["reload"]
    assert (told["generation"], told["reloads"], told["last_failed"], told["rules"]) == (1, 0, True, 1)
    assert place in told["last_failure"]
    status, text = readiness(larder)
    assert (status, text.startswith("ready, rules: last reload failed: "), place in text) == (200, True, True)
    assert metric(larder, "larder_rules_last_reload_successful") == 0
    assert metric(larder, "larder_rules_failed_reloads_total") == told["failed_reloads"]
    eventually(lambda: place in larder.process.log_text(), "the log says where")
    assert state(larder.client().get("/one/", headers=HOST)) == "HIT"

    file.write_text(TWO)
    eventually(lambda: readiness(larder) == (200, "ready"), "it is well again")
    assert stats(larder)["reload"]["last_failure"] == ""
    assert metric(larder, "larder_rules_last_reload_successful") == 1
    assert is_stored(larder, "/two/")


def test_settings_need_a_restart_and_are_named(larder, file):
    file.write_text(TWO + "settings: {memory: 1MiB, threads: 3}\n")
    answer = reload(larder)
    # Flags beat the file, so threads and memory are what the command line says.
    assert answer.json()["needs_restart"] == []
    file.write_text(TWO + "settings: {object_limit: 1MiB, head_timeout: 3s}\n")
    answer = reload(larder)
    assert (answer.status_code, answer.json()["needs_restart"]) == (200, ["head_timeout", "object_limit"])
    assert is_stored(larder, "/two/")
    eventually(lambda: "settings.head_timeout has changed and needs a restart" in larder.process.log_text(), "it is logged")
    assert stats(larder)["reload"]["needs_restart"] == ["head_timeout", "object_limit"]
    file.write_text(TWO)
    assert reload(larder).json()["needs_restart"] == []


# --- what was stored before ---

@pytest.mark.parametrize("changed", [
    rules("/one/", more='key: "{path}?{query.page}"'),
    rules("/one/").replace("everyone", "anonymous"),
    rules("/one/", more="vary: [X-Currency]"),
    rules("/one/", more="tags: [inventory]"),
    rules("/one/", name="renamed"),
    rules("/one/", "/two/"),
], ids=["key", "share", "vary", "tags", "name", "paths"])
def test_a_rule_that_means_something_else_never_meets_what_its_former_self_stored(
        start_larder, origin, file, tier, changed):
    larder = start_larder(origin.url, file, env=WITH_TOKEN, **tier)
    client = larder.client()
    client.get("/one/", headers=HOST)
    eventually(lambda: state(client.get("/one/", headers=HOST)) == "HIT", "it is stored")
    file.write_text(changed)
    assert reload(larder).status_code == 200
    assert state(client.get("/one/", headers=HOST)) == "MISS"
    file.write_text(ONE)
    assert reload(larder).status_code == 200
    assert state(client.get("/one/", headers=HOST)) == "MISS"


def test_an_open_connection_obeys_the_new_rules_for_the_path_it_asked_for_last(larder, file):
    client = larder.client()
    answers = [client.get("/two/", headers=HOST) for _ in range(2)]
    file.write_text(TWO)
    assert reload(larder).status_code == 200
    answers += [client.get("/two/", headers=HOST) for _ in range(2)]
    assert [state(answer) for answer in answers] == ["BYPASS", "BYPASS", "MISS", "HIT"]


def test_another_ttl_keeps_what_is_stored(larder, file):
    assert is_stored(larder, "/one/")
    file.write_text(ONE.replace("1h", "2h"))
    assert reload(larder).status_code == 200
    assert state(larder.client().get("/one/", headers=HOST)) == "HIT"


def test_what_was_written_while_a_rule_was_gone_is_seen_when_it_is_back(start_larder, origin_of, file, tier):
    content = {"/one/": b"old", "/two/": b"two"}

    def script(exchange):
        if exchange.request.method == "PUT":
            content[exchange.request.path] = exchange.request.body
        exchange.answer(body=content[exchange.request.path])

    larder = start_larder(origin_of(script).url, file, env=WITH_TOKEN, **tier)
    client = larder.client()
    client.get("/one/", headers=HOST)
    eventually(lambda: state(client.get("/one/", headers=HOST)) == "HIT", "it is stored")
    file.write_text(rules("/two/", name="two"))
    assert reload(larder).status_code == 200
    assert client.put("/one/", data=b"new", headers=HOST).status_code == 200
    file.write_text(ONE)
    assert reload(larder).status_code == 200
    assert client.get("/one/", headers=HOST).content == b"new"


# --- what is under way ---

def test_a_request_under_way_is_answered_under_the_rules_it_began_with(start_larder, origin_of, file):
    gate, arrived = threading.Event(), threading.Event()

    def script(exchange):
        arrived.set()
        exchange.hold(gate)
        exchange.answer(body=b"hello")

    larder = start_larder(origin_of(script).url, file, env=WITH_TOKEN)
    reader = Background(receive, larder.url, "/one/", "GET", HOST)
    assert arrived.wait(10)
    file.write_text(rules("/two/", name="two"))
    assert reload(larder).status_code == 200
    gate.set()
    answer = reader.result()
    assert (answer.status, answer.body, answer.fields["x-cache-status"]) == (200, b"hello", "MISS")
    assert state(larder.client().get("/one/", headers=HOST)) == "BYPASS"


@pytest.mark.parametrize("more, fields", [("evict_on: /admin/ones/", {}), ("", {"Location": "/one/"})],
                         ids=["named by evict_on", "named by the answer"])
def test_a_write_under_way_evicts_by_the_new_rules_too(start_larder, origin_of, file, more, fields):
    gate, arrived = threading.Event(), threading.Event()

    def script(exchange):
        if exchange.request.method == "POST":
            arrived.set()
            exchange.hold(gate)
            return exchange.answer(fields=fields)
        return exchange.answer(body=b"hello")

    file.write_text(rules("/two/", name="two"))
    larder = start_larder(origin_of(script).url, file, env=WITH_TOKEN)
    client = larder.client()
    writer = Background(receive, larder.url, "/admin/ones/", "POST", HOST)
    assert arrived.wait(10)
    file.write_text(rules("/one/", more=more))
    assert reload(larder).status_code == 200
    client.get("/one/", headers=HOST)
    assert state(client.get("/one/", headers=HOST)) == "HIT"
    gate.set()
    assert writer.result().status == 200
    assert state(client.get("/one/", headers=HOST)) == "MISS"


@pytest.mark.parametrize("shared", [False, True], ids=["memory", "redis"])
@pytest.mark.parametrize("status", [None, 502])
def test_a_write_that_was_given_up_before_a_rule_came_is_seen_by_it(
        start_larder, origin_of, redis, file, shared, status):
    row, commit, committed = [0], threading.Event(), threading.Event()

    def script(exchange):
        if exchange.request.method == "GET":
            return exchange.answer(body=b"%d" % row[0])
        if status:
            exchange.answer(status, fields={"Connection": "close"})
        exchange.hold(commit, within=60)
        row[0] += 1
        committed.set()

    file.write_text(rules("/two/", name="two"))
    env = {**WITH_TOKEN, "LARDER_LEASE": "60s", "LARDER_FIRST_BYTE_TIMEOUT": "500ms"}
    larder = start_larder(origin_of(script).url, file, env=env, redis=redis.url if shared else None)
    assert receive(larder.url, "/one/", "POST", HOST).status == (status or 504)
    file.write_text(rules("/one/") + rules("/two/", name="two").removeprefix("rules:\n"))
    assert reload(larder).status_code == 200
    for _ in range(2):
        answer = larder.client().get("/one/", headers=HOST)
        assert (answer.text, state(answer)) == ("0", "MISS")
    assert is_stored(larder, "/two/")  # which has not changed
    commit.set()
    assert committed.wait(20)
    assert larder.client().get("/one/", headers=HOST).text == "1"


def test_reloads_under_load_fail_no_request_and_cost_no_memory(larder, file):
    stopped = threading.Event()
    counts = [0] * 4

    def ask(number):
        client = larder.client()
        while not stopped.is_set():
            path = ("/one/", "/two/", "/passed-on/", f"/one/?page={counts[number] % 7}")[counts[number] % 4]
            answer = client.get(path, headers=HOST)
            assert answer.status_code == 200
            # Under a key without it, the query is not sent on.
            assert answer.text in (path, path.partition("?")[0])
            counts[number] += 1

    variants = [ONE, TWO, rules("/one/", "/two/", more='key: "{path}"'), rules("/one/", more="evict_on: /admin/")]
    clients = [Background(ask, number) for number in range(len(counts))]
    draft = file.with_name("rules.yaml~")
    resident = 0
    try:
        eventually(lambda: min(counts) > 5, "all clients are at work")
        for number in range(RELOADS):
            # Renamed over: a file caught empty, while it is written in place, would be refused.
            draft.write_text(variants[number % len(variants)])
            draft.rename(file)
            assert reload(larder).status_code == 200
            if number == RELOADS // 4:
                resident = larder.process.resident_kib()
        so_far = list(counts)
        eventually(lambda: all(now > then for now, then in zip(counts, so_far)), "all clients are still at work")
    finally:
        stopped.set()
        for client in clients:
            client.result()
    assert stats(larder)["reload"]["failed_reloads"] == 0
    assert stats(larder)["reload"]["reloads"] >= RELOADS
    purge(larder, all=True)
    if not is_sanitized():
        assert larder.process.resident_kib() < resident + 8 * 1024
