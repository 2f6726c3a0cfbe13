"""The commands that try rules out, word for word (tests/golden/commands), and against a running Larder."""

import json
import os
import random
import re
import subprocess

import pytest
import requests

from rig.demo import SECRET_KEY
from rig.http import receive
from rig.larder import REPOSITORY, RESUMATE_RULES, binary, run
from rig.operator import WITH_TOKEN
from rig.waiting import eventually

GOLDEN = REPOSITORY / "tests" / "golden" / "commands"

RULES = """
rules:
  - name: off
    path: /off/<path:rest>
    mode: off
  - name: things
    path: [/things/, /things/<int:pk>/]
    ttl: 1h
    share: everyone
    key: "{path}?{query.page}"
    evict_on: /admin/things/
  - name: own
    path: /own/<slug:name>/
    ttl: 1h
    key: "{path}?{query:-utm_*}|{cookie.currency}"
  - name: tagged
    path: /tagged/<int:pk>/
    ttl: 1h
    tags: "shop:{query.shop}"
"""


def check_golden(golden, shown=str, env=None):
    """Its first line is the command; all it prints is to be what stands below."""
    command = golden.read_text().splitlines()[0]
    assert command.startswith("$ larder ")
    own = {name: value for name, value in os.environ.items() if not name.startswith(("LARDER_", "REDIS_"))}
    done = subprocess.run(["bash", "-c", f'"$LARDER" {command[len("$ larder "):]} 2>&1'], cwd=GOLDEN, text=True,
                          capture_output=True, timeout=20, env={**own, "LARDER": str(binary()), **(env or {})})
    printed = f"{command}\n{shown(done.stdout)}exit {done.returncode}\n"
    if os.environ.get("LARDER_WRITE_EXPECTED"):
        golden.write_text(printed)
    assert printed == golden.read_text()
    assert "hunter2" not in done.stdout


@pytest.mark.parametrize("golden", sorted(GOLDEN.glob("*.txt")), ids=lambda path: path.stem)
def test_a_command_prints_what_it_did(golden):
    check_golden(golden)


SHADOWED = """  - name: tried
    path: /tried/
    mode: shadow
    ttl: 1h
    share: everyone
"""


@pytest.mark.parametrize("golden", sorted((GOLDEN / "live").glob("*.txt")), ids=lambda path: path.stem)
def test_a_command_prints_what_a_running_larder_said(golden, start_larder, origin_of):
    larder = start_larder(origin_of(ok).url, RULES + SHADOWED, threads=1, env=WITH_TOKEN)
    for path in ("/things/1/", "/things/1/", "/things/1/?page=2", "/none/", "/tried/", "/tried/"):
        receive(larder.url, path, fields={"Host": "resumate.example"})

    def without_what_differs(text):
        text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", text)
        text = re.sub(r"/\S*/rules-0\.yaml", "rules.yaml", text)
        text = re.sub(r"stamp [0-9a-f]+|stamp none", "stamp STAMP", text)
        text = re.sub(r"ttl=\d+", "ttl=N", text)
        return re.sub(r"\b\d+(\.\d)? (s|seconds|KiB|MiB)\b", r"N \2", text)

    check_golden(golden, without_what_differs, {"LARDER_ADMIN": f"127.0.0.1:{larder.admin_port}", **WITH_TOKEN})


def test_the_example_beside_the_rules_holds():
    tested = run("test", RESUMATE_RULES.with_suffix(".test.yaml"), env={"SECRET_KEY": SECRET_KEY})
    assert tested.returncode == 0, tested.stdout + tested.stderr


def drawn_requests(count):
    """Requests as they come: of all rules and none, with whatever bears on the decision."""
    draw = random.Random(7)
    paths = ["/things/", "/things/7/", "/things/x/", "/own/a/", "/own/b-c/", "/tagged/7/", "/off/x", "/none/",
             "/things", "/things//", "/own/%C3%B6/", "/tagged/07/"]
    queries = ["", "?page=2", "?page=2&utm_source=x", "?shop=1", "?shop=1&shop=2", "?a;b", "?"]
    fields = [{}, {}, {}, {"Accept": "text/html"}, {"Cookie": "currency=hunter2"}, {"Cookie": "sessionid=hunter2"},
              {"Authorization": "Bearer hunter2"}, {"Cache-Control": "no-store"}, {"Cache-Control": "no-cache"},
              {"Cache-Control": "only-if-cached"}, {"If-Match": '"x"'}]
    methods = ["GET"] * 40 + ["HEAD", "POST", "PUT", "DELETE", "OPTIONS"]
    return [(draw.choice(methods), draw.choice(paths) + draw.choice(queries), draw.choice(fields))
            for _ in range(count)]


def ok(exchange):
    exchange.answer(body=b"ok")


def asked(larder, method, target, fields=None, **more):
    """What the running Larder says it would do with a request."""
    lines = [f"{name}: {value}" for name, value in (fields or {}).items()]
    answer = requests.post(larder.admin_url + "/explain", timeout=5, data=json.dumps(
        {"method": method, "url": larder.url + target, "fields": lines, "format": "json", **more}))
    assert answer.status_code == 200, answer.text
    assert "hunter2" not in answer.text
    return answer.json()


def test_what_is_predicted_is_what_happens(start_larder, origin_of):
    """For each request the running Larder is asked what it would do, and then does it."""
    larder = start_larder(origin_of(ok).url, RULES, threads=1)
    wrong, hits = [], 0
    for method, target, fields in drawn_requests(400):
        predicted = asked(larder, method, target, fields)["now"]["cache_status"]
        happened = receive(larder.url, target, method, fields).fields["cache-status"]
        if facts_of(predicted) != facts_of(happened):
            wrong.append((method, target, fields, predicted, happened))
        hits += "hit" in facts_of(happened)
    assert wrong == []
    assert hits > 20


def test_what_is_stored_is_told_with_its_stamps(start_larder, origin_of):
    larder = start_larder(origin_of(ok).url, RULES, threads=1)
    before = asked(larder, "GET", "/things/?page=2&x=1")
    assert (before["rule"]["name"], before["stored"]["tier"]) == ("things", "nowhere")
    assert before["key"]["filled_in"] == "/things/?page=2"
    receive(larder.url, "/things/?page=2")
    after = asked(larder, "GET", "/things/?page=2")
    assert after["now"]["x_cache_status"] == "HIT"
    assert (after["stored"]["tier"], after["stored"]["status"], after["stored"]["size"]) == ("memory", 200, 2)
    assert after["stored"]["lifetime"] == 3600


def test_the_command_asks_a_running_larder(start_larder, origin_of):
    larder = start_larder(origin_of(ok).url, RULES, threads=1)
    receive(larder.url, "/things/7/")
    told = run("explain", "--live", "--admin", f"127.0.0.1:{larder.admin_port}", "GET", larder.url + "/things/7/")
    assert told.returncode == 0, told.stderr
    assert "answered from the store" in told.stdout
    assert re.search(r"^rule    things  /\S+/rules-0\.yaml:6$", told.stdout, re.M), told.stdout
    assert "stored  in memory: status 200, 2 bytes" in told.stdout
    assert re.search(r"^last    asked of Django \d s ago, answered 200 and stored$", told.stdout, re.M), told.stdout
    # A path alone is looked up under the name that clients use: it is part of the key.
    path_alone = run("explain", "--live", "--admin", f"127.0.0.1:{larder.admin_port}", "GET", "/things/7/")
    assert "answered from the store" in path_alone.stdout
    assert f"host          {larder.url}\n" in path_alone.stdout
    refused = run("explain", "--live", "--admin", f"127.0.0.1:{larder.admin_port}", "GET", "x")
    assert refused.returncode == 1
    assert "a URL is expected" in refused.stderr
    nobody = run("explain", "--live", "--admin", "127.0.0.1:1", "GET", "/")
    assert nobody.returncode == 1


def test_what_the_last_request_did_is_told(start_larder, origin_of):
    """Of what goes to Django, why it did and what became of the answer."""
    def script(exchange):
        exchange.answer(fields={"Set-Cookie": "a=b"} if "cookie" in exchange.request.target else {}, body=b"ok")

    origin = origin_of(script)
    larder = start_larder(origin.url, RULES + "settings: {log_hidden: [token]}\n", threads=1)
    assert "last" not in asked(larder, "GET", "/own/cookie/")
    receive(larder.url, "/own/cookie/")
    receive(larder.url, "/none/?token=s3cret")
    origin.close()
    receive(larder.url, "/tagged/7/?shop=1")
    expected = {
        "/own/cookie/": (200, "answered 200, not stored: the answer sets a cookie"),
        "/none/?token=s3cret": (200, "answered 200, not stored: no rule matches the path"),
        "/tagged/7/?shop=1": (502, "answered 502: the upstream refused the connection"),
    }
    for target, (status, why) in expected.items():
        last = asked(larder, "GET", target)["last"]
        assert (last["status"], last["why"]) == (status, why), target
        assert last["seconds_ago"] < 60


def test_a_question_that_is_none_is_refused(start_larder, origin_of):
    larder = start_larder(origin_of(ok).url, RULES, threads=1)
    for content in ('{"urll": "/"}', '["/"]', '{"url": "/ x"}', '{"url": "/", "peer": "x"}', '{"method": 7}'):
        assert requests.post(larder.admin_url + "/explain", data=content, timeout=5).status_code == 400, content
    shown = requests.get(larder.admin_url + "/explain?url=/things/&field=Accept:+text/html", timeout=5)
    assert shown.status_code == 200
    assert "rule    things" in shown.text


def test_curl_may_ask_for_the_reason(start_larder, origin_of):
    larder = start_larder(origin_of(ok).url, RULES)
    explain = {"Larder-Explain": "1"}
    looked_up = receive(larder.url, "/own/a/", fields={**explain, "Cookie": "currency=hunter2"}).fields
    assert looked_up["larder-rule"] == "own"
    assert looked_up["larder-tags"] == "p:/own/a r:own b:/own b:/"
    assert "hunter2" not in str(looked_up)
    assert "(set)" in looked_up["cache-status"]
    passed_on = receive(larder.url, "/none/", fields=explain).fields
    assert passed_on["larder-rule"] == "none"
    assert passed_on["larder-reason"] == "no rule matches the path"
    missed = receive(larder.url, "/things/1/", fields=explain).fields
    assert missed["larder-reason"] == "nothing is stored under its key"
    assert "larder-reason" not in receive(larder.url, "/things/1/", fields=explain).fields, "a hit needs none"
    unasked = receive(larder.url, "/own/a/").fields
    assert not [name for name in unasked if name.startswith("larder-")]
    strangers = start_larder(origin_of(ok).url, RULES + "settings:\n  trusted_proxies: off\n")
    unknown = receive(strangers.url, "/own/a/", fields=explain).fields
    assert not [name for name in unknown if name.startswith("larder-")]


def facts_of(cache_status):
    """hit or fwd, and the detail; a fill tells more than could be known before it."""
    parts = [part.strip() for part in cache_status.split(";")[1:]]
    return {part for part in parts if part == "hit" or part.startswith(("fwd=", "detail="))}


def test_check_warns_of_what_a_running_larder_has_seen(start_larder, origin_of, tmp_path):
    def script(exchange):
        if exchange.request.path == "/cookies/":
            return exchange.answer(fields={"Set-Cookie": "csrftoken=x"}, body=b"x")
        exchange.answer(body=(exchange.request.field("Authorization") or "anonymous").encode())

    rules = tmp_path / "seen.yaml"
    rules.write_text("""rules:
  - {name: cookies, path: /cookies/, ttl: 1m, share: everyone}
  - {name: own, path: /own/, ttl: 1m, share: everyone, verify: 100%}
  - {name: clean, path: /clean/, ttl: 1m, share: everyone}
""")
    larder = start_larder(origin_of(script).url, rules)
    live = ["check", "--live", "--admin", larder.admin_url.removeprefix("http://"), rules]
    before = run(*live)
    assert (before.returncode, before.stderr) == (0, "")
    client = larder.client()
    for path in ("/cookies/", "/own/", "/clean/"):
        client.get(path)
    eventually(lambda: client.get("/own/", headers={"Authorization": "Bearer x"}) and
               "users-differ" in run(*live).stderr, "the differing answers have been seen")
    seen = run(*live)
    lines = [line.split("share:", 1)[0] + line[line.rindex("["):] for line in seen.stderr.splitlines()]
    assert lines == [f"{rules}:2:54: warning: [set-cookie]", f"{rules}:3:46: warning: [users-differ]"]
    assert (seen.returncode, run(*live, "--strict").returncode) == (0, 1)
    nobody = run("check", "--live", "--admin", "127.0.0.1:1", rules)
    assert (nobody.returncode, nobody.stdout) == (1, "")
