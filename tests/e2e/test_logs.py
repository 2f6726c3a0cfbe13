"""The access log, request ids, and traces: what is written, what is never written, and what it may not hold up."""

import json
import os
import re
import threading

import pytest
import requests

from rig.collector import Collector, attributes
from rig.http import RawConnection, state
from rig.rules import THINGS, with_settings
from rig.waiting import eventually

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SAMPLED, UNSAMPLED = (f"00-{TRACE}-00f067aa0ba902b7-{flags}" for flags in ("01", "00"))
MADE = re.compile("[0-9a-f]{32}")


def answer_things(exchange):
    exchange.answer(fields={"X-Request-ID": exchange.request.field("x-request-id") or "none"}, body=b"things")


@pytest.fixture
def origin(origin_of):
    return origin_of(answer_things)


def lines_about(larder, path, count):
    """The access lines that name the path, once there are so many."""
    def found():
        lines = [line for line in larder.process.log_text().splitlines() if path in line]
        return lines if len(lines) >= count else None
    return eventually(found, f"{count} lines about {path}: {larder.process.log_text()[-2000:]}")


# --- request ids ---

def test_a_request_id_is_made_logged_passed_on_and_returned(start_larder, origin):
    larder = start_larder(origin.url, THINGS, arguments=["--log-format", "json"])
    answer = larder.client().get("/passed/")
    [identifier] = answer.raw.headers.getlist("X-Request-ID")
    assert MADE.fullmatch(identifier)
    assert origin.requests[-1].field("x-request-id") == identifier
    [line] = lines_about(larder, "/passed/", 1)
    assert json.loads(line)["request_id"] == identifier


def test_the_clients_request_id_is_kept_but_no_fill_carries_it(start_larder, origin):
    larder = start_larder(origin.url, THINGS, arguments=["--log-format", "json"])
    client = larder.client()
    client.get("/passed/", headers={"X-Request-ID": "of-the-client"})
    assert origin.requests[-1].field("x-request-id") == "of-the-client"

    first = client.get("/things/", headers={"X-Request-ID": "of-the-first"})
    assert (state(first), first.raw.headers.getlist("X-Request-ID")) == ("MISS", ["of-the-first"])
    of_the_fill = origin.requests[-1].field("x-request-id")
    assert MADE.fullmatch(of_the_fill), "what the origin says of it is for everybody"
    second = client.get("/things/")
    assert state(second) == "HIT"
    [identifier] = second.raw.headers.getlist("X-Request-ID")
    assert MADE.fullmatch(identifier) and identifier != of_the_fill, "what is stored holds none"
    told = [json.loads(line) for line in lines_about(larder, "/things/", 2)]
    assert (told[0]["request_id"], told[0]["fill_request_id"]) == ("of-the-first", of_the_fill)
    assert "fill_request_id" not in told[1]


@pytest.mark.parametrize("sent", ["two words", "a" * 129, "quoted\"", "a,b"])
def test_a_request_id_that_is_no_token_is_replaced(start_larder, origin, sent):
    larder = start_larder(origin.url, THINGS)
    answer = larder.client().get("/passed/", headers={"X-Request-ID": sent})
    assert MADE.fullmatch(answer.headers["X-Request-ID"])
    assert MADE.fullmatch(origin.requests[-1].field("x-request-id"))


def test_request_ids_switched_off(start_larder, origin):
    larder = start_larder(origin.url, THINGS, arguments=["--request-id", "off"])
    client = larder.client()
    assert client.get("/passed/", headers={"X-Request-ID": "two words"}).headers["X-Request-ID"] == "two words"
    assert origin.requests[-1].field("x-request-id") == "two words", "it is passed on like any other field"
    assert client.get("/things/").status_code == 200
    assert "X-Request-ID" not in client.get("/things/").headers, "a stored one is nobody's"


# --- formats ---

def test_a_combined_line_is_what_its_readers_expect(start_larder, origin):
    larder = start_larder(origin.url, THINGS, arguments=["--log-format", "combined"])
    client = larder.client()
    for _ in range(2):
        client.get("/things/?page=1&token=s3cret", headers={"Referer": "https://a.example/?token=s3cret"})
    combined = re.compile(
        r'127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET /things/\?page=1&token=\*\*\* HTTP/1\.1" '
        r'200 6 "https://a\.example/\?token=\*\*\*" "larder-e2e" (MISS|HIT)')
    lines = lines_about(larder, "/things/", 2)
    assert [combined.fullmatch(line).group(1) for line in lines] == ["MISS", "HIT"]


@pytest.mark.parametrize("log_format", ["json", "text", "combined"])
def test_no_secret_is_written(start_larder, origin, log_format):
    larder = start_larder(origin.url, with_settings(THINGS, log_level="debug", log_hidden="[token, api_key]"),
                          arguments=["--log-format", log_format])
    client = larder.client()
    secrets = {"Authorization": "Bearer s3cret-token", "Cookie": "sessionid=s3cret-cookie", "X-Api-Key": "s3cret-field",
               "Referer": "https://a.example/?api_key=s3cret-referer"}
    for path in ("/things/", "/other/"):
        for _ in range(2):
            client.get(path + "?page=2&token=s3cret-value&%74oken=s3cret-too", headers=secrets)
    with RawConnection(larder.url) as raw:
        raw.send(b"GET /broken?token=s3cret-broken HTTP/1.1\r\nHost: a\r\nAuthorization: s3cret\r\nBad Field: x\r\n\r\n")
        assert raw.read_head()[0] == 400
    lines_about(larder, "/other/", 2)
    eventually(lambda: re.search(r"\b400\b", larder.process.log_text()), "the refusal is logged")
    assert "s3cret" not in larder.process.log_text()


def test_of_hits_a_sample_is_logged_and_all_else(start_larder, origin):
    larder = start_larder(origin.url, THINGS, arguments=["--log-sample", "10%", "--threads", "1"])
    client = larder.client()
    for _ in range(101):
        client.get("/things/")
    for _ in range(5):
        client.get("/other/")
    lines_about(larder, "/other/", 5)
    hits = [line for line in larder.process.log_text().splitlines() if " HIT " in line]
    assert 9 <= len(hits) <= 11


def test_nobody_reads_the_log_and_nobody_waits(start_larder, origin, tmp_path):
    pipe = tmp_path / "stderr"
    os.mkfifo(pipe)
    held_open = os.open(pipe, os.O_RDWR)
    try:
        larder = start_larder(origin.url, THINGS, wrapped=["sh", "-c", 'exec "$0" "$@" 2>"$STDERR_PIPE"'],
                              env={"STDERR_PIPE": str(pipe)})
        client = larder.client()
        # A ring of 512 KiB and a pipe of 64 KiB are full after half as many lines.
        for _ in range(180):
            client.get("/" + "x" * 8000)
        dropped = requests.get(larder.admin_url + "/stats", timeout=5).json()["log_lines_dropped"]
        assert dropped > 0
        assert state(client.get("/things/")) == "MISS"
    finally:
        os.close(held_open)


# --- traces ---

@pytest.fixture
def collector():
    collector = Collector()
    yield collector
    collector.close()


def test_a_traced_request_has_a_span(start_larder, origin, collector):
    larder = start_larder(origin.url, THINGS, arguments=["--otlp-endpoint", collector.url, "--log-format", "json"])
    answer = larder.client().get("/passed/?token=s3cret", headers={"traceparent": SAMPLED, "tracestate": "a=b"})
    [span] = collector.eventually_has(1)
    assert (span["traceId"], span["parentSpanId"], span["kind"]) == (TRACE, "00f067aa0ba902b7", 2)
    assert origin.requests[-1].field("traceparent") == f"00-{TRACE}-{span['spanId']}-01", "its span is the child of ours"
    assert origin.requests[-1].field("tracestate") == "a=b"
    told = attributes(span)
    assert told["url.path"] == "/passed/" and told["url.query"] == "token=***"
    assert told["http.response.status_code"] == "200" and told["larder.outcome"] == "bypass"
    assert told["larder.request_id"] == answer.headers["X-Request-ID"]
    assert int(span["endTimeUnixNano"]) > int(span["startTimeUnixNano"])
    path, content_type, post = collector.posts[0]
    assert (path, content_type) == ("/v1/traces", "application/json")
    assert "s3cret" not in json.dumps(post)
    [line] = lines_about(larder, "/passed/", 1)
    assert json.loads(line)["trace_id"] == TRACE


def test_hits_have_spans_and_fills_carry_nobodys_trace(start_larder, origin, collector):
    larder = start_larder(origin.url, THINGS, arguments=["--otlp-endpoint", collector.url])
    client = larder.client()
    for _ in range(2):
        client.get("/things/", headers={"traceparent": SAMPLED})
    spans = collector.eventually_has(2)
    assert sorted(attributes(span)["larder.outcome"] for span in spans) == ["hit", "miss"]
    assert {span["name"] for span in spans} == {"GET things"}
    assert [request.field("traceparent") for request in origin.requests] == [None]


def test_who_is_traced(start_larder, origin, collector):
    larder = start_larder(origin.url, THINGS, arguments=["--otlp-endpoint", collector.url, "--otlp-sample", "0%"])
    client = larder.client()
    client.get("/unsampled/", headers={"traceparent": UNSAMPLED})
    assert origin.requests[-1].field("traceparent") == UNSAMPLED, "it is passed on as it came"
    client.get("/untraced/")
    assert origin.requests[-1].field("traceparent") is None
    client.get("/sampled/", headers={"traceparent": SAMPLED})
    [span] = collector.eventually_has(1)
    assert attributes(span)["url.path"] == "/sampled/", "and the others came before it"


def test_what_is_left_is_exported_at_the_end(start_larder, origin, collector):
    larder = start_larder(origin.url, THINGS, arguments=["--otlp-endpoint", collector.url + "/base"])
    client = larder.client()
    for _ in range(20):
        client.get("/things/")
    assert larder.stop() is None
    assert len(collector.spans()) == 20
    assert {path for path, _, _ in collector.posts} == {"/base/v1/traces"}


@pytest.mark.parametrize("trouble", ["hangs", "refuses", "is away"])
def test_a_collector_in_trouble_holds_nobody_up(start_larder, origin, trouble):
    gate = threading.Event() if trouble == "hangs" else None
    collector = Collector(status=503 if trouble == "refuses" else 200, gate=gate)
    if trouble == "is away":
        collector.close()
    try:
        larder = start_larder(origin.url, THINGS, arguments=["--otlp-endpoint", collector.url])
        client = larder.client()
        for _ in range(50):
            assert client.get("/things/").status_code == 200
        eventually(lambda: "spans are lost" in larder.process.log_text(), "it is said, once")
        page = requests.get(larder.admin_url + "/metrics", timeout=5).text
        assert re.search(r"^larder_spans_dropped_total [1-9]", page, re.MULTILINE)
        assert larder.process.log_text().count("spans are lost") == 1
        assert larder.stop() is None
    finally:
        if trouble != "is away":
            collector.close()
