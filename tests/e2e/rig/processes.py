"""A server as a child: its own process group, a log, deadlines, and an end however the tests end."""

import atexit
import fcntl
import os
import random
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

from rig.waiting import eventually

_running = []
_given = set()
_claims = open(Path(tempfile.gettempdir()) / f"larder-e2e-ports-{os.getuid()}", "ab")
WITH_US = ["setpriv", "--pdeathsig", "KILL"]  # also a killed pytest leaves no server behind


def free_port():
    """Below the range from which the system takes ports for outgoing connections; never one twice.

    Nor one that another process of this user was given: it may not listen there yet, or not at the moment.
    """
    for _ in range(200):
        port = random.randrange(20000, 32000)
        if port in _given or not _claim(port):
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                _given.add(port)
                return port
            except OSError:
                continue
    raise RuntimeError("no free port on 127.0.0.1")


def _claim(port):
    """Locks the port's byte of a file that all open; the system gives it back when this process ends."""
    try:
        fcntl.lockf(_claims, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    return True


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.5).close()
        return True
    except OSError:
        return False


class Process:
    """`env` is the whole environment; without it the tests' own."""

    def __init__(self, name, argv, log, env=None, cwd=None):
        self.name, self.log = name, log
        with open(log, "ab") as output:
            self._child = subprocess.Popen(
                [*WITH_US, *argv], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                env=env, cwd=cwd, start_new_session=True)
        _running.append(self)

    @property
    def pid(self):
        return self._child.pid

    @property
    def exit_code(self):
        """None while it runs."""
        return self._child.poll()

    def log_text(self):
        return self.log.read_text(errors="replace")

    def wait_until(self, condition, what, within=20.0):
        def alive_and_ready():
            assert self.exit_code is None, (
                f"{self.name} exited with {self.exit_code}:\n{self.log_text()[-4000:]}")
            return condition()

        eventually(alive_and_ready, f"{self.name} {what}\n{self.log_text()[-2000:]}", within)

    def send_signal(self, number):
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            pass

    def pause(self):
        self.send_signal(signal.SIGSTOP)
        eventually(self._is_stopped, f"{self.name} is stopped")

    def resume(self):
        self.send_signal(signal.SIGCONT)

    def _is_stopped(self):
        with open(f"/proc/{self.pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "T"

    def kill(self):
        return self.stop(signal.SIGKILL)

    def stop(self, number=signal.SIGTERM, within=10.0):
        """Its exit code. What does not end in time is killed, group and all."""
        if self.exit_code is None:
            self.resume()
            self.send_signal(number)
            try:
                self._child.wait(within)
            except subprocess.TimeoutExpired:
                pass
        self.send_signal(signal.SIGKILL)  # what is left of the group
        code = self._child.wait(10)
        if self in _running:
            _running.remove(self)
        return code

    def resident_kib(self, field="VmRSS"):
        with open(f"/proc/{self.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith(field + ":"))


@atexit.register
def stop_all():
    for process in reversed(list(_running)):
        process.stop(within=3.0)
