"""The binary as an operator meets it: check, start, stop."""

import re
import signal
import threading

import requests

from rig.http import RawConnection
from rig.larder import RESUMATE_RULES, run
from rig.processes import accepts
from rig.rules import THINGS
from rig.waiting import Background, eventually


def test_check_accepts_the_working_example():
    checked = run("check", RESUMATE_RULES, env={"SECRET_KEY": "x" * 40})
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_check_names_the_place_and_the_nearest_known_key(tmp_path):
    rules = tmp_path / "broken.yaml"
    rules.write_text("rules:\n  - path: /api/ai/models/\n    tll: 1h\n")
    checked = run("check", rules)
    assert checked.returncode == 1
    assert re.search(r"broken\.yaml:3:5: .*tll.*ttl", checked.stdout + checked.stderr)


def test_serve_refuses_to_start_on_the_same_errors(tmp_path):
    rules = tmp_path / "broken.yaml"
    rules.write_text("rules:\n  - path: /api/ai/models/\n    ttl: soon\n")
    served = run("serve", "--rules", rules, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0")
    assert served.returncode != 0
    assert "broken.yaml:3:10" in served.stdout + served.stderr


def test_the_admin_listener_says_that_it_lives_and_is_ready(larder):
    for path in ("/healthz", "/readyz"):
        assert requests.get(larder.admin_url + path, timeout=5).status_code == 200


def test_each_request_leaves_one_line_in_the_log(larder, client):
    for _ in range(2):
        client.get("/api/ai/models/?mark=e2e-log-line")
    lines = eventually(lambda: (lambda found: found if len(found) >= 2 else None)(
        [line for line in larder.process.log_text().splitlines() if "e2e-log-line" in line]), "two lines are written")
    assert len(lines) == 2
    assert "200" in lines[0] and "GET" in lines[0]


def test_sigterm_lets_requests_in_flight_end_and_exits_0(start_larder, origin_of):
    gate, arrived = threading.Event(), threading.Event()

    def script(exchange):
        arrived.set()
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        exchange.hold(gate)
        exchange.send(b"world")

    larder = start_larder(origin_of(script).url, THINGS)
    idle = RawConnection(larder.url)
    reader = Background(larder.client().get, "/slow")
    assert arrived.wait(10)
    larder.process.send_signal(signal.SIGTERM)
    eventually(lambda: not accepts(larder.port), "no new connection is accepted")
    gate.set()
    assert reader.result().content == b"helloworld"
    eventually(lambda: larder.process.exit_code is not None, "larder has ended")
    assert larder.process.exit_code == 0
    idle.close()
    larder.kill()


def test_sigint_ends_it_too(start_larder, demo):
    larder = start_larder(demo.url)
    larder.process.send_signal(signal.SIGINT)
    eventually(lambda: larder.process.exit_code is not None, "larder has ended")
    assert larder.process.exit_code == 0
    larder.kill()
