"""Scenarios of a shared cache as data: tests/wire/caching/*.yaml. Format: tests/wire/caching/README.md."""

import email.utils
import gzip
import json
import re
import time
from pathlib import Path

import pytest
import yaml

from rig.http import RawConnection, cache_status
from rig.operator import wait_until_all_is_noted
from rig.scripted_origin import ScriptedOrigin
from rig.waiting import eventually

FOLDER = Path(__file__).resolve().parents[1] / "wire" / "caching"
KEYS = {"name", "section", "rule", "steps"}
STEP = {"ask", "origin", "asked", "expect", "settles"}
ASK = {"method", "path", "fields", "body"}
ORIGIN = {"status", "fields", "body", "fails", "chunked"}
ASKED = {"fields", "without", "count", "path"}
EXPECT = {"status", "fields", "without", "body", "cache", "fwd", "detail", "stored", "content", "parts"}


def check_keys(where, mapping, known):
    unknown = set(mapping) - known
    assert not unknown, f"{where}: unknown {sorted(unknown)}; known are {sorted(known)}"


def scenarios():
    for file in sorted(FOLDER.glob("*.yaml")):
        for number, scenario in enumerate(yaml.safe_load(file.read_text())):
            where = f"{file.stem}: {scenario.get('name')}"
            check_keys(where, scenario, KEYS)
            assert KEYS - {"rule"} <= set(scenario), f"{where}: needs name, section and steps"
            for step in scenario["steps"]:
                check_keys(where, step, STEP)
                check_keys(where, step.get("ask", {}), ASK)
                check_keys(where, step.get("asked", {}), ASKED)
                check_keys(where, step.get("expect", {}), EXPECT)
                for answer in as_list(step.get("origin")):
                    check_keys(where, answer, ORIGIN)
            path = f"/{file.stem}/{number}/"
            placed = json.loads(json.dumps(scenario).replace("{path}", path))
            yield pytest.param({**placed, "path": path}, id=where)


def as_list(value):
    return [] if value is None else value if isinstance(value, list) else [value]


ALL = list(scenarios())
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def filled_in(value):
    """`{now}`, `{now-1d}`, `{now+30s}` as a date of HTTP."""
    def date(match):
        offset = int(match[1] + match[2]) * UNITS[match[3]] if match[1] else 0
        return email.utils.formatdate(time.time() + offset, usegmt=True)

    return re.sub(r"\{now(?:([+-])(\d+)([smhd]))?\}", date, str(value))


def lines(fields):
    """[(name, value)]: a value that is a list makes a line each."""
    return [(name, filled_in(value)) for name, values in (fields or {}).items() for value in as_list(values)]


def content_of(body):
    """Text as it is; {repeat: text, times: n} for longer."""
    if isinstance(body, dict):
        return body["repeat"].encode() * body["times"]
    return str(body).encode() if body is not None else b""


class Origin:
    """Answers each path by what its scenario's present step says."""

    def __init__(self):
        self.answers, self.asked = {}, {}
        self._origin = ScriptedOrigin(self.script)
        self.url = self._origin.url

    def script(self, exchange):
        prefix = "/".join(exchange.request.path.split("/")[:3]) + "/"
        self.asked.setdefault(prefix, []).append(exchange.request)
        answers = self.answers.get(prefix) or [{"status": 599, "body": "nobody expected this request"}]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer.get("fails"):
            exchange.reset()
            return
        body = content_of(answer.get("body"))
        head = f"HTTP/1.1 {answer.get('status', 200)} Told\r\n"
        for name, value in lines({"Content-Type": "text/plain", **(answer.get("fields") or {})}):
            head += f"{name}: {value}\r\n"
        has_content = exchange.request.method != "HEAD" and answer.get("status") not in (204, 304)
        if answer.get("chunked"):
            exchange.send(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n")
            exchange.chunk(body)
            exchange.send(b"0\r\n\r\n")
        elif answer.get("status") in (204, 304):
            exchange.send(head.encode() + b"\r\n")
        else:
            exchange.send(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + (body if has_content else b""))

    def close(self):
        self._origin.close()
        assert not self._origin.errors, self._origin.errors


def rules_of(cases):
    rules = []
    for case in cases:
        scenario = case.values[0]
        path = scenario["path"]
        rules.append({"name": path.strip("/"), "path": [path, path + "<path:rest>"], "ttl": "1h",
                      **scenario.get("rule", {})})
    return yaml.safe_dump({"rules": rules})


@pytest.fixture(scope="module", params=["memory", "redis", "both"])
def served(request, logs, tmp_path_factory):
    """One Larder for all scenarios, each with a rule of its own."""
    from rig.larder import Larder
    options = {"memory": "0"} if request.param == "redis" else {}
    if request.param != "memory":
        server = request.getfixturevalue("redis_server")
        server.make_new()
        options["redis"] = server.url
    rules = tmp_path_factory.mktemp("caching") / "rules.yaml"
    rules.write_text(rules_of(ALL))
    origin = Origin()
    larder = Larder(origin.url, rules, logs, **options)
    yield larder, origin
    complaint = larder.stop()
    origin.close()
    assert not complaint, complaint


def exchange(step, path, larder):
    ask = step.get("ask", {})
    method, body = ask.get("method", "GET"), content_of(ask.get("body"))
    head = f"{method} {path}{ask.get('path', '')} HTTP/1.1\r\nHost: api.example\r\nConnection: close\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in lines(ask.get("fields")))
    if method not in ("GET", "HEAD"):
        head += f"Content-Length: {len(body)}\r\n"
    with RawConnection(larder.url) as connection:
        connection.send(head.encode() + b"\r\n" + body)
        status, fields = connection.read_head()
        has_content = method != "HEAD" and status not in (204, 304)
        return status, fields, connection.read_body(fields) if has_content else b""


def run_step(step, path, larder, origin):
    answers = as_list(step.get("origin"))
    asked = origin.asked.setdefault(path, [])

    if step.get("ask", {}).get("method", "GET") not in ("GET", "HEAD"):
        # What is being stored while something is written may be lost by that.
        wait_until_all_is_noted(larder)

    asked.clear()
    origin.answers[path] = [dict(answer) for answer in answers]
    status, fields, content = exchange(step, path, larder)
    wanted = step.get("asked", {}).get("count", len(answers))
    if step.get("settles"):
        eventually(lambda: len(asked) >= wanted, "the origin was asked behind it")
    # Where a used connection dies, the request is sent once more.
    most = wanted + sum(1 for answer in answers if answer.get("fails"))
    assert wanted <= len(asked) <= most, f"the origin was asked {len(asked)} times: {asked}"
    check_asked(step.get("asked", {}), asked)
    check_answer(step.get("expect", {}), status, fields, content)


def check_asked(wanted, asked):
    for name, value in lines(wanted.get("fields")):
        assert asked[0].field(name) == value, f"{name}: {asked[0].field(name)}"
    for name in as_list(wanted.get("without")):
        assert asked[0].field(name) is None, f"{name}: {asked[0].field(name)}"
    if "path" in wanted:
        assert asked[0].target.endswith(wanted["path"])


def check_answer(expect, status, fields, content):
    class Response:
        headers = {"Cache-Status": fields.get("cache-status", "")}

    assert status == expect.get("status", 200), (status, fields, content[:500])
    for name, value in lines(expect.get("fields")):
        got = fields.get(name.lower(), "")
        matches = re.fullmatch(value[1:-1], got) if value.startswith("~") and value.endswith("~") else got == value
        assert matches, f"{name}: {got}"
    for name in as_list(expect.get("without")):
        assert name.lower() not in fields, f"{name}: {fields[name.lower()]}"
    if "content" in expect:
        assert expect["content"] == "gzip" and fields.get("content-encoding") == "gzip", fields
        content = gzip.decompress(content)
    if "body" in expect:
        assert content == content_of(expect["body"]), content[:200]
    for part in expect.get("parts", []):
        assert part.encode() in content, content[:500]
    if "cache" in expect:
        assert fields.get("x-cache-status") == expect["cache"], fields.get("cache-status")
    told = cache_status(Response) if {"fwd", "detail", "stored"} & set(expect) else {}
    for name in ("fwd", "detail"):
        if name in expect:
            assert told.get(name) == expect[name], fields["cache-status"]
    if "stored" in expect:
        assert ("stored" in told) == expect["stored"], fields["cache-status"]


@pytest.mark.parametrize("scenario", ALL)
def test_scenario(served, scenario):
    larder, origin = served
    for number, step in enumerate(scenario["steps"]):
        try:
            run_step(step, scenario["path"], larder, origin)
        except AssertionError as error:
            raise AssertionError(f"step {number + 1} of {len(scenario['steps'])}, {scenario['section']}: {error}") from None
