"""The built binary, one process at a time."""

import mmap
import os
import subprocess
from pathlib import Path

import requests

from rig.demo import SECRET_KEY
from rig.http import url_client
from rig.processes import Process, free_port

REPORTS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer", "runtime error:",
           "ERROR: UndefinedBehaviorSanitizer", "DEADLYSIGNAL", "terminate called", "Assertion ")
REPOSITORY = Path(__file__).resolve().parents[3]
RESUMATE_RULES = REPOSITORY / "rules" / "resumate.yaml"


def binary():
    return Path(os.environ["LARDER_BINARY"]).resolve()


def is_sanitized():
    with open(binary(), "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(b"__asan_init") >= 0 or content.find(b"__tsan_init") >= 0


def run(*arguments, within=20.0, env=None):
    """`larder ARGUMENTS` to its end."""
    return subprocess.run([binary(), *map(str, arguments)], capture_output=True, text=True, timeout=within,
                          env={**_environment(), **(env or {})})


def _environment():
    """Nothing from outside configures the Larder of a test; of the backend it knows the key of its tokens."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("LARDER_", "REDIS_"))}
    return {**own, "SECRET_KEY": SECRET_KEY}


class Larder:
    def __init__(self, upstream, rules, logs, redis=None, memory="64MiB", threads=2, env=None, arguments=(),
                 wrapped=(), port=None, cwd=None):
        """`wrapped`: a command that runs the one behind it; `port`: one that others may share."""
        self.port, self.admin_port = port or free_port(), free_port()
        self.url, self.admin_url = f"http://127.0.0.1:{self.port}", f"http://127.0.0.1:{self.admin_port}"
        argv = [*wrapped, binary(), "serve", "--upstream", upstream, "--listen", f"127.0.0.1:{self.port}",
                "--admin", f"127.0.0.1:{self.admin_port}", "--memory", memory, "--threads", str(threads),
                "--log-format", "text", *arguments]
        if rules:
            argv += ["--rules", str(rules)]
        if redis:
            argv += ["--redis", redis]
            # What a test counts must not depend on how busy the machine is; deadlines have tests of their own.
            env = {"LARDER_REDIS_TIMEOUT": "1s", **(env or {})}
        self.process = Process("larder", argv, log=logs / f"larder-{self.port}-{self.admin_port}.log",
                               env={**_environment(), **(env or {})}, cwd=cwd)
        self._judged = False
        self.process.wait_until(self.is_ready, "answers /readyz with 200")

    def is_ready(self):
        try:
            return requests.get(self.admin_url + "/readyz", timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def client(self):
        return url_client(self.url)

    def stop(self, within=15.0):
        """Ends it as `docker stop` does and says what was wrong with the end or the log; None if nothing."""
        code = self.process.exit_code
        died_before = code is not None
        if not died_before:
            code = self.process.stop(within=within)
        log = self.process.log_text()
        for report in REPORTS:
            if report in log:
                return f"larder wrote {report!r}:\n" + log[max(0, log.index(report) - 200):][:6000]
        if self._judged:
            return None
        self._judged = True
        if died_before:
            return f"larder had died with exit code {code}:\n{log[-4000:]}"
        if code != 0:
            return f"larder ended with exit code {code} after SIGTERM, not 0:\n{log[-4000:]}"
        return None

    def kill(self):
        """For tests that mean it: what happens to its clients and its Redis is looked at elsewhere."""
        self._judged = True
        self.process.kill()
