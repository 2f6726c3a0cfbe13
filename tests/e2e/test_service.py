"""Under systemd: what a service of Type=notify tells its manager, and the files of deploy/systemd."""

import re
import shutil
import signal
import socket
import subprocess

import pytest

from rig.larder import REPOSITORY, run
from rig.rules import THINGS
from rig.stopped_threads import stopped_threads
from rig.waiting import eventually, throughout

SYSTEMD = REPOSITORY / "deploy" / "systemd"


class Manager:
    """Listens where NOTIFY_SOCKET points, as systemd does."""

    def __init__(self, address):
        self.address, self.heard = address, []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address.replace("@", "\0", 1) if address.startswith("@") else address)
        self._socket.setblocking(False)

    def has_heard(self, line):
        return self.count(line) > 0

    def count(self, line):
        try:
            while True:
                self.heard += self._socket.recv(4096).decode().split("\n")
        except BlockingIOError:
            return self.heard.count(line)


@pytest.fixture(params=["a path", "an abstract name"])
def manager(request, tmp_path):
    made = Manager(str(tmp_path / "notify") if request.param == "a path" else f"@larder-{tmp_path.name}")
    yield made
    made._socket.close()


@pytest.fixture
def origin(origin_of):
    return origin_of(lambda exchange: exchange.answer(body=b"here"))


def test_the_manager_hears_of_start_and_end(start_larder, origin, manager):
    larder = start_larder(origin.url, THINGS, env={"NOTIFY_SOCKET": manager.address})
    eventually(lambda: manager.has_heard("READY=1"), "it is told ready")
    eventually(lambda: manager.has_heard("STATUS=ready"), "its state is told")
    assert larder.stop() is None
    assert manager.has_heard("STOPPING=1")
    assert manager.count("READY=1") == 1
    assert not manager.has_heard("WATCHDOG=1")


def test_rules_that_are_refused_show_in_its_status(start_larder, origin, manager, tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text(THINGS)
    larder = start_larder(origin.url, rules, env={"NOTIFY_SOCKET": manager.address})
    rules.write_text("rules: [{path: /things/, tll: 1h}]\n")
    larder.process.send_signal(signal.SIGHUP)
    eventually(lambda: manager.count("") or any("last reload failed" in line for line in manager.heard),
               "the refusal is told")


def test_the_watchdog_hears_of_it_until_a_thread_hangs(start_larder, origin, manager):
    larder = start_larder(origin.url, THINGS, env={"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "1000000"})
    eventually(lambda: manager.count("WATCHDOG=1") >= 3, "it says again and again that it lives")
    with stopped_threads(larder.process.pid):
        told = manager.count("WATCHDOG=1")
        # Once more, of what each did before.
        throughout(1.5, lambda: check(manager.count("WATCHDOG=1") <= told + 1))
    eventually(lambda: manager.count("WATCHDOG=1") > told + 1, "it lives again")


def check(condition):
    assert condition


@pytest.mark.parametrize("environment", [{"NOTIFY_SOCKET": "relative"}, {"NOTIFY_SOCKET": "/nobody/is/there"},
                                         {"NOTIFY_SOCKET": "/" + "x" * 200}, {"WATCHDOG_USEC": "1000"}],
                         ids=["no path", "nobody there", "too long", "no socket"])
def test_a_manager_that_is_none_changes_nothing(start_larder, origin, environment):
    larder = start_larder(origin.url, THINGS, env=environment)
    assert larder.stop() is None


# --- the files ---

def test_the_default_configuration_is_well_and_caches_nothing():
    checked = run("check", "--strict", SYSTEMD / "rules.yaml")
    assert checked.returncode == 0, checked.stderr
    assert "0 rules, no errors" in checked.stdout


def test_the_example_in_the_default_rules_is_well(tmp_path):
    text = (SYSTEMD / "rules.yaml").read_text()
    example = re.sub(r"^# ?", "", text[text.index("# rules:"):text.index("rules: []")], flags=re.M)
    (tmp_path / "rules.yaml").write_text(example)
    checked = run("check", "--strict", tmp_path / "rules.yaml")
    assert (checked.returncode, "1 rule" in checked.stdout) == (0, True), checked.stderr


def test_every_setting_in_the_environment_file_is_one(tmp_path):
    known = run("serve", "--help").stdout
    names = re.findall(r"^#?([A-Z_]+)=", (SYSTEMD / "larder.env").read_text(), re.M)
    assert "LARDER_UPSTREAM" in names
    assert [name for name in names if name not in known and name != "SECRET_KEY"] == []


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_understands_the_units(tmp_path):
    for name in ("larder.service", "larder.socket"):
        text = (SYSTEMD / name).read_text()
        # The binary under test, and a user that there is.
        text = text.replace("ExecStart=larder", "ExecStart=/bin/true").replace("=larder\nGroup=larder", "=daemon\nGroup=daemon")
        (tmp_path / name).write_text(text)
    verified = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no",
                               str(tmp_path / "larder.service"), str(tmp_path / "larder.socket")],
                              capture_output=True, text=True, timeout=60)
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")
