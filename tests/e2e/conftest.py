"""Servers and clients of the end-to-end tests. How to run them: README.md."""

import os
import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
pytest.register_assert_rewrite("rig")

from rig.certificates import Certificates  # noqa: E402
from rig.demo import Demo  # noqa: E402
from rig.http import bearer  # noqa: E402
from rig.larder import RESUMATE_RULES, Larder  # noqa: E402
from rig.postgres import Postgres  # noqa: E402
from rig.processes import Process, accepts, free_port  # noqa: E402
from rig.redis_server import RedisServer  # noqa: E402
from rig.scripted_origin import ScriptedOrigin  # noqa: E402

TEST_DEADLINE = 90  # seconds; what hangs longer is a failure, not a wait
# Begun first, so that of several processes (pytest -n) none is left alone with one of them at the end.
LONGEST_FILES = ["test_django_bridge.py", "test_faults.py", "test_redis_locations.py", "test_redis_faults.py",
                 "test_relations.py", "test_origin_faults.py", "test_suggest.py", "test_per_user.py"]


def pytest_configure(config):
    config.addinivalue_line("markers", "demo_only: looks at the demo backend or the rig, needs no binary")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers are stopped then, too


def pytest_collection_modifyitems(items):
    places = {name: place for place, name in enumerate(LONGEST_FILES)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))
    if not os.environ.get("LARDER_BINARY"):
        for item in items:
            if not item.get_closest_marker("demo_only"):
                item.add_marker(pytest.mark.skip(reason="LARDER_BINARY names no binary"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for log in sorted(getattr(item, "larder_logs", [])):
            text = log.read_text(errors="replace")
            said = [line for line in text.splitlines() if " info: " in line or " warning: " in line or " error: " in line]
            report.sections.append((f"what larder said, {log}", "\n".join(said)[-6000:]))
            report.sections.append((f"log of larder, {log}", text[-6000:]))
        demo = item.funcargs.get("demo") if hasattr(item, "funcargs") else None
        if demo:
            report.sections.append(("log of the demo backend", demo.process.log_text()[-2000:]))


@pytest.fixture(autouse=True)
def deadline():
    def too_late(*_):
        raise TimeoutError(f"the test took longer than {TEST_DEADLINE} s")

    previous = signal.signal(signal.SIGALRM, too_late)
    signal.alarm(TEST_DEADLINE)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)


# --- once for all tests ---

@pytest.fixture(scope="session")
def logs(tmp_path_factory):
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="session")
def postgres(logs):
    server = Postgres(logs)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def demo_server(postgres, logs):
    server = Demo(postgres.environment(), logs)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def redis_server(logs):
    server = RedisServer(logs)
    yield server
    server.stop()


# --- as each test expects them ---

@pytest.fixture
def demo(demo_server):
    """The real backend, running whatever the test before did to it."""
    demo_server.start()
    demo_server.resume()
    return demo_server


@pytest.fixture
def redis(redis_server):
    """The real Redis: running, capped, empty."""
    redis_server.make_new()
    yield redis_server
    redis_server.process.resume()


@pytest.fixture
def origin_of():
    """Makes scripted origins: origin_of(script, port=..., tls=..., unix=...)."""
    origins = []

    def make(script, **options):
        origins.append(ScriptedOrigin(script, **options))
        return origins[-1]

    yield make
    for origin in origins:
        origin.close()
    errors = [error for origin in origins for error in origin.errors]
    assert not errors, f"the origin's script failed: {errors}"


@pytest.fixture
def asgi(logs):
    """The address of rig/echo_app.py under uvicorn."""
    port = free_port()
    server = Process("uvicorn", ["/usr/bin/python3", "-B", "-m", "uvicorn", "--port", str(port), "--ws", "websockets",
                                 "--app-dir", str(Path(__file__).parent / "rig"), "echo_app:app"],
                     log=logs / "uvicorn.log")
    server.wait_until(lambda: accepts(port), "accepts connections")
    yield f"http://127.0.0.1:{port}"
    server.stop(within=3)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def start_larder(request, logs, tmp_path):
    """Starts Larders: start_larder(upstream, rules=TEXT or PATH, redis=URL, memory="64MiB", threads=2).

    At the end each must stop cleanly on SIGTERM and must have written no sanitizer report.
    """
    started = []
    request.node.larder_logs = []

    def start(upstream, rules=RESUMATE_RULES, **options):
        if isinstance(rules, str):
            path = tmp_path / f"rules-{len(started)}.yaml"
            path.write_text(rules)
            rules = path
        larder = Larder(upstream, rules, logs, **options)
        started.append(larder)
        request.node.larder_logs.append(larder.process.log)
        return larder

    yield start
    complaints = [complaint for complaint in (larder.stop() for larder in reversed(started)) if complaint]
    assert not complaints, "\n\n".join(complaints)


TIERS = {"memory": {}, "redis": {"memory": "0"}, "both": {}}


@pytest.fixture(params=sorted(TIERS))
def tier(request):
    """Options for start_larder: memory alone, Redis alone, both. A test that uses it runs three times."""
    options = dict(TIERS[request.param])
    if request.param != "memory":
        options["redis"] = request.getfixturevalue("redis").url
    return options


@pytest.fixture
def larder(start_larder, demo, redis):
    """Larder as the ResuMate team runs it: rules/resumate.yaml, both tiers, the real backend."""
    return start_larder(demo.url, redis=redis.url)


@pytest.fixture
def client(larder):
    return larder.client()


# --- users of the demo backend ---

@pytest.fixture(scope="session")
def tokens(demo_server):
    """Access tokens by user name, as the backend issued them."""
    demo_server.start()
    client = demo_server.client()
    passwords = {"alice": "alice-password", "bob": "bob-password", "admin": "admin"}
    return {user: client.post("/api/auth/token/", json={"username": user, "password": password}).json()["access"]
            for user, password in passwords.items()}


@pytest.fixture
def alice(tokens):
    return bearer(tokens["alice"])


@pytest.fixture
def bob(tokens):
    return bearer(tokens["bob"])


@pytest.fixture
def staff(tokens):
    return bearer(tokens["admin"])
