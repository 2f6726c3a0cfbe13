"""The real backend: deploy/demo under gunicorn, as its own start script runs it."""

import os
import signal
import subprocess
import time
from pathlib import Path

import jwt
import requests

from rig.http import url_client
from rig.processes import Process, free_port

FOLDER = Path(__file__).resolve().parents[3] / "deploy" / "demo"
SECRET_KEY = "the-key-of-the-end-to-end-tests-0123456789"
HOSTS = ["127.0.0.1", "localhost", "resumate.example", "admin.resumate.example", "other.example"]
GENERATE_SECONDS = 6  # longer than the five seconds after which impatient proxies give up


class Demo:
    def __init__(self, database, logs):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.access_log = logs / "gunicorn-access.log"
        self._log = logs / "demo.log"
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("POSTGRES_", "REDIS_"))},
            **database,
            "BIND": f"127.0.0.1:{self.port}",
            "WEB_CONCURRENCY": "3",
            "SECRET_KEY": SECRET_KEY,
            "ALLOWED_HOSTS": ",".join(HOSTS),
            "CSRF_TRUSTED_ORIGINS": "https://resumate.example",
            "GENERATE_SECONDS": str(GENERATE_SECONDS),
            "PYTHONDONTWRITEBYTECODE": "1",
            "GUNICORN_CMD_ARGS": f"--access-logfile={self.access_log} "
                                 "--access-logformat='%(r)s|%(s)s|%({authorization}i)s|%({cookie}i)s'",
        }
        self.process = None
        self.start()

    def start(self):
        if self.process is not None and self.process.exit_code is None:
            return
        self.process = Process("demo", [FOLDER / "start"], log=self._log, env=self._environment)
        self.process.wait_until(self.is_healthy, "answers /healthz", within=60.0)

    def manage(self, *arguments):
        """A management command, as from a shell or a task: no proxy sees what it changes."""
        subprocess.run(["/usr/bin/python3", "manage.py", *arguments], cwd=FOLDER, env=self._environment, check=True,
                       capture_output=True, timeout=60)

    def is_healthy(self):
        try:
            return requests.get(self.url + "/healthz", timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def client(self):
        return url_client(self.url)

    def resume(self):
        self.process.resume()

    def requests_seen(self):
        """One (request line, status, Authorization, Cookie) for each request; "-" where there was none."""
        lines = self.access_log.read_text().splitlines() if self.access_log.exists() else []
        return [tuple(line.split("|", 3)) for line in lines]

    def stop(self):
        self.process.stop(signal.SIGQUIT, within=5.0)  # at once, without waiting for idle connections


def token(user_id, expires_in=3600, key=SECRET_KEY):
    """An access token as simplejwt makes it; a negative `expires_in` makes one that has expired."""
    now = int(time.time())
    return jwt.encode({"token_type": "access", "user_id": user_id, "jti": f"e2e-{user_id}-{now}",
                       "iat": now - 7200, "exp": now + expires_in}, key, algorithm="HS256")
