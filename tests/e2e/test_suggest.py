"""Rules found from traffic: against the demo, what is foretold of them is what they do; and from access logs."""

import itertools
import os
import random
import subprocess
import sys
import time
import uuid
from collections import Counter

import pytest
import yaml

from rig.admin import Admin
from rig.demo import SECRET_KEY
from rig.http import JSON, state
from rig.larder import binary, run

MODELS, MODELS_ADMIN = "/api/ai/models/", "/admin/ai/aimodel/"
OWN, NOTICES, EXAMPLES = "/api/job-applications/", "/api/notices/", "/api/example-job-applications/"
EXAMPLES_ADMIN = "/admin/jobs/examplejobapplication/"
# As many hits as it takes to believe in a rule, and as long as the shortest ttl that it may have.
ROUNDS, SPAN = 330, 11.0
OBSERVING = {"LARDER_OBSERVE": "2000", "LARDER_JWT_SECRET": SECRET_KEY}


class Visitors:
    """The same requests in the same order for each seed: a round of GETs, and now and then a write."""

    def __init__(self, larder, demo, users, staff, seed):
        self.client, self.behind = larder.client(), demo.client()
        self.client.headers["Accept"] = self.behind.headers["Accept"] = JSON
        self.admin, self.admin_behind = Admin(larder.client()), Admin(demo.client())
        self.users, self.staff, self.random = users, staff, random.Random(seed)
        self.model = self.behind.get(MODELS).json()[0]["id"]
        self.example = self.behind.get(EXAMPLES).json()["results"][0]["id"]
        self.rounds = itertools.count(1)
        self.answers = Counter()
        self.wrong = []

    def get(self, path, target=None, user=None):
        fields = user or {}
        answer = self.client.get(target or path, headers=fields)
        assert answer.status_code == 200, answer.text
        self.answers[path, state(answer)] += 1
        return answer

    def round(self):
        number = next(self.rounds)
        tracked = f"?utm_source={number}" if number % 3 == 0 else ""
        self.get(MODELS, MODELS + tracked)
        self.get(NOTICES)
        self.get(OWN, user=self.random.choice(self.users))
        if number % 3 == 0:
            self.get(EXAMPLES)
        if number % 60 == 20:
            changed = self.admin.change(f"{MODELS_ADMIN}{self.model}/change/", description=f"{uuid.uuid4()}")
            assert changed.status_code == 302
            self.compare(MODELS)
        if number % 60 == 40:
            made = self.client.post(NOTICES, json={"title": f"{uuid.uuid4()}"}, headers=self.staff)
            assert made.status_code == 201
            self.compare(NOTICES)
        if number % 60 == 50:
            user = self.random.choice(self.users)
            made = self.client.post(OWN, json={"company": f"{uuid.uuid4()}", "position": "x"}, headers=user)
            assert made.status_code == 201
            self.compare(OWN, user)
        if number % 60 == 5:  # where Larder does not see it
            changed = self.admin_behind.change(f"{EXAMPLES_ADMIN}{self.example}/change/", notes=f"{uuid.uuid4()}")
            assert changed.status_code == 302

    def compare(self, path, user=None):
        """What Larder says now is what Django says."""
        host = {"Host": self.client.base.removeprefix("http://")}  # DRF writes it into its answers
        through, behind = self.get(path, user=user), self.behind.get(path, headers={**host, **(user or {})})
        if through.json() != behind.json():
            self.wrong.append((path, through.text, behind.text))

    def hit_ratio(self, path):
        hits, all_of_it = self.answers[path, "HIT"], sum(n for (one, _), n in self.answers.items() if one == path)
        return hits / all_of_it


def foretold(text, path):
    """The hit ratio that stands above a rule."""
    above = text[:text.index(f"- path: {path}\n")]
    (line,) = [line for line in above.splitlines() if "would have been hits (" in line][-1:]
    return float(line.split()[1]) / 100


def test_what_is_suggested_is_what_it_would_do(start_larder, demo, alice, bob, staff, tmp_path):
    watching = start_larder(demo.url, None, env=OBSERVING)
    visitors = Visitors(watching, demo, [alice, bob], staff, seed=7)
    began = time.monotonic()
    for _ in range(ROUNDS):
        visitors.round()
    while time.monotonic() - began < SPAN:
        visitors.round()
    assert {state for _, state in visitors.answers} == {"BYPASS"}

    told = run("suggest", "--admin", watching.admin_url.removeprefix("http://"))
    assert told.returncode == 0, told.stderr
    rules = tmp_path / "suggested.yaml"
    rules.write_text(told.stdout)
    checked = run("check", rules, env={"LARDER_JWT_SECRET": SECRET_KEY})
    assert checked.returncode == 0, checked.stderr + told.stdout
    by_path = {rule["path"]: rule for rule in yaml.safe_load(told.stdout)["rules"]}
    assert by_path[MODELS]["key"] == "{path}?{query:-utm_*}", told.stdout
    assert by_path[MODELS]["evict_on"] == [MODELS_ADMIN]
    assert by_path[NOTICES]["share"] == "anonymous"
    assert by_path[OWN]["share"] == "per-user"
    assert EXAMPLES not in by_path
    assert "no write before it that could be named" in told.stdout.split(f"#   {EXAMPLES} ")[1]

    caching = start_larder(demo.url, rules, env={"LARDER_JWT_SECRET": SECRET_KEY})
    again = Visitors(caching, demo, [alice, bob], staff, seed=8)
    for _ in range(ROUNDS // 2):
        again.round()
    assert again.wrong == []
    for path in (MODELS, NOTICES, OWN):
        assert abs(again.hit_ratio(path) - foretold(told.stdout, path)) < 0.05, (path, again.answers, told.stdout)
    assert again.hit_ratio(EXAMPLES) == 0


def test_too_little_is_said_to_be_too_little(start_larder, demo):
    watching = start_larder(demo.url, None, env=OBSERVING)
    client = watching.client()
    for _ in range(5):
        client.get(MODELS)
    told = run("suggest", "--admin", watching.admin_url.removeprefix("http://"))
    assert yaml.safe_load(told.stdout) == {"rules": []}
    assert "# Not sure yet" in told.stdout and f"# - path: {MODELS}" in told.stdout


@pytest.mark.parametrize("fields, why", [
    ({"Set-Cookie": "a=b"}, "its answers set a cookie"),
    ({"Cache-Control": "private"}, "Cache-Control: private"),
    ({"Cache-Control": "no-store"}, "Cache-Control: no-store"),
    ({"Vary": "*"}, "Vary: *"),
    ({"Vary": "X-Tenant"}, "vary by fields other than Accept"),
])
def test_what_may_not_be_stored_is_not_suggested(start_larder, origin_of, fields, why):
    watching = start_larder(origin_of(lambda exchange: exchange.answer(fields=fields, body=b"{}")).url, None,
                            env=OBSERVING)
    client = watching.client()
    for _ in range(3):
        client.get("/things/")
    told = run("suggest", "--admin", watching.admin_url.removeprefix("http://"))
    assert yaml.safe_load(told.stdout) == {"rules": []}
    assert why in told.stdout


def test_without_the_setting_nothing_is_seen(start_larder, demo):
    larder = start_larder(demo.url, None)
    told = run("suggest", "--admin", larder.admin_url.removeprefix("http://"))
    assert told.returncode == 1
    assert "set 'observe'" in told.stderr


def test_what_rules_answer_is_not_watched(start_larder, origin_of):
    rules = "rules:\n  - {path: /things/, ttl: 1h}\n"
    watching = start_larder(origin_of(lambda exchange: exchange.answer(body=b"{}")).url, rules, env=OBSERVING)
    watching.client().get("/things/")
    watching.client().get("/others/")
    told = run("suggest", "--admin", watching.admin_url.removeprefix("http://"))
    assert "/others/" in told.stdout and "/things/" not in told.stdout


def logged(second, method, target, status=200):
    minutes, seconds = divmod(second, 60)
    return (f'203.0.113.7 - - [28/Nov/2026:{10 + minutes // 60:02}:{minutes % 60:02}:{seconds:02} +0000] '
            f'"{method} {target} HTTP/1.1" {status} 512 "-" "test"\n')


def test_memory_is_bounded_by_urls_however_long_the_log_is(tmp_path):
    """Each line is for another URL; `--urls` and a little is all that is kept."""
    peaks = {}
    for lines in (20_000, 300_000):
        log = tmp_path / f"{lines}.log"
        with log.open("w") as file:
            file.writelines(logged(n // 50, "GET", f"/api/items/{n}/") for n in range(lines))
        # The peak of this child alone: children that ended before were larger, perhaps.
        done = subprocess.run([sys.executable, "-c", PEAK, binary(), "suggest", "--urls", "1000", "--log", log],
                              capture_output=True, text=True, timeout=60, check=True, env=NOTHING_KEPT_BACK)
        peaks[lines] = int(done.stderr.split()[-1])
    assert peaks[300_000] < peaks[20_000] * 1.2, peaks


# AddressSanitizer would keep what is freed, to find who still uses it.
NOTHING_KEPT_BACK = {**os.environ, "ASAN_OPTIONS": "quarantine_size_mb=0:thread_local_quarantine_size_kb=0"}
PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
"""
