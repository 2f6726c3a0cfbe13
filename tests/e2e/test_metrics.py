"""/metrics, /stats, and what is made for the tools that read them: alerts and a dashboard."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import requests

from rig.http import state
from rig.larder import REPOSITORY
from rig.prometheus import Prometheus
from rig.redis_server import RedisServer
from rig.rules import THINGS
from rig.waiting import eventually

ALERTS = REPOSITORY / "deploy" / "prometheus" / "alerts.yml"
DASHBOARD = REPOSITORY / "deploy" / "grafana" / "larder.json"


def metrics(larder, accept=None):
    """{"name{labels}": value}, and the page itself."""
    answer = requests.get(larder.admin_url + "/metrics", headers={"Accept": accept} if accept else {}, timeout=5)
    assert answer.status_code == 200, answer.text
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}, answer


def answer_things(exchange):
    if exchange.request.path == "/gone/":
        exchange.answer(status=404, body=b"none")
    elif exchange.request.method == "GET":
        exchange.answer(body=b"0123456789")
    else:
        exchange.answer(status=204, reason="No Content")


@pytest.fixture
def larder(start_larder, origin_of):
    """One that has had a miss, two hits, a bypass, and a write that evicts."""
    larder = start_larder(origin_of(answer_things).url, THINGS)
    client = larder.client()
    assert [state(client.get("/things/")) for _ in range(3)] == ["MISS", "HIT", "HIT"]
    assert state(client.get("/other/")) == "BYPASS"
    assert client.post("/things/", data=b"x").status_code == 204
    # An exchange is told at its end, which the client need not wait for.
    eventually(lambda: requests.get(larder.admin_url + "/stats", timeout=5).json()["requests"] == 5,
               "all five requests are counted")
    return larder


def test_requests_are_counted_by_rule_and_outcome(larder):
    seen, page = metrics(larder)
    assert page.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    expected = {
        'larder_requests_total{rule="things",outcome="hit"}': 2,
        'larder_requests_total{rule="things",outcome="miss"}': 1,
        'larder_requests_total{rule="things",outcome="bypass"}': 1,
        'larder_requests_total{rule="(none)",outcome="bypass"}': 1,
        'larder_request_duration_seconds_count{rule="things",outcome="hit"}': 2,
        'larder_request_duration_seconds_bucket{rule="things",outcome="hit",le="+Inf"}': 2,
        'larder_response_content_bytes_total{rule="things",outcome="hit"}': 20,
        'larder_responses_total{status="2xx"}': 5,
        'larder_hits_total{tier="memory"}': 2,
        'larder_fills_total{rule="things",outcome="stored"}': 1,
        'larder_evictions_total{cause="write"}': 1,
        "larder_memory_capacity_bytes": 64 << 20,
        'larder_origin_failures_total{reason="refused"}': 0,
        "larder_log_lines_dropped_total": 0,
    }
    assert {name: seen.get(name) for name in expected} == expected
    assert seen['larder_fill_origin_seconds_total{rule="things"}'] > 0
    assert seen['larder_saved_origin_seconds{rule="things"}'] == pytest.approx(
        2 * seen['larder_fill_origin_seconds_total{rule="things"}'])
    assert seen["larder_evicted_tags_total"] > 0
    assert seen["process_resident_memory_bytes"] > 1 << 20


def test_promtool_has_nothing_against_the_page(larder):
    _, page = metrics(larder)
    checked = subprocess.run(["promtool", "check", "metrics"], input=page.text, capture_output=True, text=True, timeout=20)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_open_metrics_where_the_scraper_names_it(larder):
    _, page = metrics(larder, "application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    assert page.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert page.text.endswith("\n# EOF\n")
    assert "# TYPE larder_requests counter\n" in page.text
    assert re.search(r"^# (TYPE|HELP) \w+_total ", page.text, re.MULTILINE) is None


def test_failures_are_counted_by_reason(start_larder, origin_of):
    origin = origin_of(answer_things)
    larder = start_larder(origin.url, THINGS)
    origin.close()
    assert larder.client().get("/things/").status_code == 502
    eventually(lambda: metrics(larder)[0]['larder_origin_failures_total{reason="refused"}'] == 1,
               "the failure is counted")
    assert metrics(larder)[0]['larder_fills_total{rule="things",outcome="failed"}'] == 1


def test_what_is_lost_for_lack_of_room_is_told_for_memory_and_redis(start_larder, origin_of, logs):
    full = RedisServer(logs, options=["--maxmemory", "4mb"])
    try:
        larder = start_larder(origin_of(lambda exchange: exchange.answer(body=os.urandom(30_000))).url, THINGS,
                              memory="256KiB", redis=full.url)
        client = larder.client()
        for number in range(200):
            client.get(f"/things/{number}/")
        told = eventually(lambda: (seen := metrics(larder)[0]).get("larder_redis_evicted_keys_total") and seen,
                          "Redis has been asked", within=40)
        assert 150 < told["larder_memory_given_up_total"] <= 200
        shown = requests.get(larder.admin_url + "/stats", timeout=5).json()
        assert shown["memory"]["given_up"] == told["larder_memory_given_up_total"]
        assert shown["redis"]["evicted_keys"] > 0
    finally:
        larder.stop()
        full.stop()


@pytest.mark.demo_only
def test_alerts_load_and_fire_as_they_should():
    for arguments in (["check", "rules", ALERTS.name], ["test", "rules", "alerts.test.yml"]):
        checked = subprocess.run(["promtool", *arguments], cwd=ALERTS.parent, capture_output=True, text=True, timeout=60)
        assert checked.returncode == 0, checked.stdout + checked.stderr


def dashboard_queries():
    dashboard = json.loads(DASHBOARD.read_text())
    return [(panel["title"], target["expr"]) for panel in dashboard["panels"] for target in panel["targets"]]


def metrics_named_in(expression):
    return set(re.findall(r"\b(?:larder|process)_\w+", expression))


@pytest.mark.demo_only
def test_every_metric_is_explained():
    explained = (ALERTS.parent / "README.md").read_text()
    source = (REPOSITORY / "proxy" / "ops" / "metrics.cpp").read_text()
    missing = [name for name in re.findall(r'"(larder_\w+)"', source) if f"`{name}`" not in explained]
    assert missing == []


def test_a_real_prometheus_reads_what_dashboard_and_alerts_ask_for(larder, logs, tmp_path):
    prometheus = Prometheus(f"127.0.0.1:{larder.admin_port}", logs, tmp_path, rule_files=[ALERTS])
    try:
        client = larder.client()
        prometheus.eventually_says('up{job="larder"} == 1', "the scrape succeeds")
        client.get("/things/")
        prometheus.eventually_says("rate(larder_requests_total[1m]) > 0", "two scrapes differ")
        known = set(prometheus.ask("label/__name__/values"))
        # Told only where there is a Redis, or something of the kind has happened.
        rare = re.compile("larder_redis_|larder_not_stored_total|larder_spans_")
        for title, expression in dashboard_queries():
            asked = expression.replace("$__rate_interval", "1m").replace("$__range", "1m")
            asked = asked.replace("$job", ".*").replace("$instance", ".*")
            found = prometheus.query(asked)  # fails where Prometheus cannot read it
            named = metrics_named_in(expression)
            assert all(name in known or rare.match(name) for name in named), f"{title}: {expression}"
            if not any(rare.match(name) for name in named) and "> 0" not in expression:
                assert found, f"{title}: nothing is found by {asked}"
        groups = prometheus.ask("rules")["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        eventually(lambda: all(rule["health"] == "ok" for group in prometheus.ask("rules")["groups"]
                               for rule in group["rules"]), "each alert has been evaluated")
        assert len(rules) == ALERTS.read_text().count("- alert:")
        for rule in rules:
            assert all(name in known or rare.match(name) for name in metrics_named_in(rule["query"])), rule["name"]
    finally:
        prometheus.stop()
