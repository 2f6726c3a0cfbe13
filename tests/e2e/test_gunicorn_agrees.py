"""gunicorn itself behind Larder: for each case of the wire corpus it sees the requests that the corpus says.

As many, with those methods, targets and contents. Cases that script the origin's answers are about those and
not here; `test_wire.py` runs them.
"""

import json
import os
from pathlib import Path

import pytest

from rig import wire_corpus
from rig.processes import Process, accepts, free_port
from rig.wire_client import Client
from rig.wire_corpus import NO_WHOLE_REQUEST
from rig.wire_origin import PROBE, joined_chunks
from rig.wire_runner import check_connection, converse, probe, start_larders, stop_larders

CASES = [case for case in wire_corpus.load() if not case.origin]


class Gunicorn:
    """One worker that keeps connections: what is left over on one would be its next request."""

    def __init__(self, folder):
        self.port, self._record = free_port(), folder / "requests"
        self._record.touch()
        self.url = f"http://127.0.0.1:{self.port}"
        # Larder adds fields of its own to the hundred that it takes.
        self.process = Process(
            "gunicorn", ["/usr/bin/gunicorn", "--bind", f"127.0.0.1:{self.port}", "--worker-class", "gthread",
                         "--threads", "4", "--keep-alive", "75", "--limit-request-line", "0",
                         "--limit-request-fields", "200", "--limit-request-field_size", "0",
                         "rig.recording_app:application"],
            folder / "gunicorn.log", cwd=Path(__file__).parent,
            env={**os.environ, "RECORD": str(self._record), "PYTHONDONTWRITEBYTECODE": "1"})
        self.process.wait_until(lambda: accepts(self.port), "accepts connections")
        self._file = open(self._record)

    def new_requests(self):
        """Since the last call, without the tests' own probes."""
        records = [json.loads(line) for line in self._file]
        return [record for record in records if not record["target"].startswith(PROBE.decode())]

    def stop(self):
        self._file.close()
        self.process.stop()


@pytest.fixture(scope="module")
def gunicorn(tmp_path_factory):
    server = Gunicorn(tmp_path_factory.mktemp("gunicorn"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def larders(gunicorn, logs, tmp_path_factory):
    started = start_larders(gunicorn.url, tmp_path_factory.mktemp("agrees"), logs)
    yield started
    stop_larders(started)


def as_gunicorn_has_it(request):
    """Method, target and content of the bytes of a request. gunicorn writes methods in capitals."""
    head, _, body = joined_chunks(request).partition(b"\r\n\r\n")
    method, target, _ = head.split(b"\r\n")[0].decode("latin-1").split(" ")
    if b"\r\ntransfer-encoding:" in head.lower():
        size, _, rest = body.partition(b"\r\n")
        body = rest[:int(size, 16)]
    return method.upper(), target, body.decode("latin-1")


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_gunicorn_sees(case, larders, gunicorn, request):
    larder = larders[case.client]
    request.node.larder_logs = [larder.process.log]
    with Client(larder.url) as client:
        answers, _ = converse(client, case)
        assert [answer and answer.status for answer in answers] == [answer.status for answer in case.answers]
        check_connection(case, client)
    with Client(larder.url) as client:
        probe(client)
    seen = gunicorn.new_requests()
    if case.reached == NO_WHOLE_REQUEST:
        assert not [record for record in seen if record["whole"]]
        return
    # gunicorn may only now have seen the end of what the case before left unfinished.
    own = [record for record in seen if record["whole"] or case.slug.decode() in record["target"]]
    assert all(record["whole"] for record in own)
    got = [(record["method"], record["target"], record["body"]) for record in own]
    assert got == [as_gunicorn_has_it(request) for request in case.bytes_reached]


def test_gunicorn_saw_nothing_else(gunicorn, larders):
    """What a broken request may have left behind would have come by now."""
    for larder in larders.values():
        with Client(larder.url) as client:
            probe(client)
    assert not [record for record in gunicorn.new_requests() if record["whole"]]
