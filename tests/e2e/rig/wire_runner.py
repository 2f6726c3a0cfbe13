"""Cases of the wire corpus, run: the Larders they are sent to, and the talk on the client's connection."""

import itertools

from rig.larder import Larder
from rig.wire_client import CutOff
from rig.wire_corpus import NEVER_WHOLE, EndSending, ReadAnswer
from rig.wire_origin import PROBE

RULES = """
rules:
  - {name: things, path: ["/things/<slug:case>/", "/things/<slug:case>/<path:x>"], ttl: 1h, etag: false, compress: false, share: everyone, vary: []}
  - {name: pages, path: "/pages/<slug:case>/", ttl: 1h, etag: false, compress: false, share: everyone, vary: [], key: "{path}?{query.page,format}"}
  - {name: open, path: ["/open/<slug:case>/", "/open/<slug:case>/<path:x>"], ttl: 1h, etag: false, compress: false, vary: []}
  - {name: negotiated, path: "/negotiated/<slug:case>/", ttl: 1h, etag: false, compress: false, share: everyone}
  - {name: spoken, path: "/spoken/<slug:case>/", ttl: 1h, etag: false, compress: false, share: everyone, vary: [Accept-Language]}
  - {name: priced, path: "/priced/<slug:case>/", ttl: 1h, etag: false, compress: false, share: everyone, vary: [], key: "{path}|{cookie.currency}"}
settings:
  origin_idle_timeout: 60s
  first_byte_timeout: 8s
"""
TRUST = {"stranger": "off", "trusted hop": "127.0.0.0/8"}

probe_numbers = itertools.count()


def start_larders(origin_url, folder, logs):
    """By who the client is to them. One thread: what came first was done first."""
    started = {}
    for client, trusted in TRUST.items():
        rules = folder / f"{client.replace(' ', '-')}.yaml"
        rules.write_text(f"{RULES}  trusted_proxies: {trusted}\n")
        started[client] = Larder(origin_url, rules, logs, threads=1)
    return started


def stop_larders(larders):
    complaints = [complaint for complaint in (larder.stop() for larder in larders.values()) if complaint]
    assert not complaints, "\n\n".join(complaints)


def converse(client, case):
    """The responses in order; the last one may be what came of one that was cut off."""
    expected, answers = iter([] if case.answers == NEVER_WHOLE else case.answers), []

    def read():
        answer = next(expected, None)
        answers.append(client.read(answer.to.encode() if answer else b"GET"))
        return answers[-1]

    try:
        for part in case.sends:
            if isinstance(part, ReadAnswer):
                answer = read()
                assert answer and answer.status == part.status, f"{part.status} was awaited, not {answer}"
            elif isinstance(part, EndSending):
                client.end_sending()
            elif not client.send(case.fill_in(part)):
                break
        while case.answers == NEVER_WHOLE or len(answers) < len(case.answers):
            if read() is None or (case.answers == NEVER_WHOLE and answers[-1].status >= 200):
                break
    except CutOff as error:
        return [*answers, error.response], True
    return answers, False


def check_connection(case, client):
    """Closed without a byte more, or in step: the next request gets its own answer."""
    if case.then == "either":
        return
    if case.then == "closed":
        assert client.read_end() == b"", "bytes behind the last answer"
    else:
        probe(client)


def probe(client):
    target = PROBE + b"%d" % next(probe_numbers)
    client.send(b"GET " + target + b" HTTP/1.1\r\nHost: probe\r\n\r\n")
    answer = client.read()
    assert answer and answer.status == 200, f"the next request got {answer}"
    assert answer.body.startswith(b"GET " + target + b" HTTP/1.1\r\n"), f"the next request got {answer.body!r}"
