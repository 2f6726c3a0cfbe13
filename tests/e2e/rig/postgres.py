"""A PostgreSQL cluster of its own, in a folder that goes with it."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import psycopg2

from rig.processes import WITH_US, Process, free_port


def _program(name):
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda p: int(p.parts[-3]))
    found = str(versions[-1]) if versions else shutil.which(name)
    assert found, f"{name} is not installed (apt-get install postgresql)"
    return found


class Postgres:
    user = database = "resumate"

    def __init__(self, logs, settings=()):
        """`settings`: further ones, as "name=value"."""
        # PostgreSQL refuses to run as root, and its user must reach the folder.
        as_postgres = []
        self._folder = Path(tempfile.mkdtemp(prefix="larder-e2e-postgres-"))
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(self._folder, account.pw_uid, account.pw_gid)
            as_postgres = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
        data = self._folder / "data"
        try:
            subprocess.run(
                [*as_postgres, _program("initdb"), "-D", data, "-U", self.user, "--auth=trust", "-E", "UTF8",
                 "--locale=C", "--no-sync"],
                check=True, capture_output=True, text=True, timeout=60, cwd="/", env={**os.environ, "TZ": "UTC"})
            self.port = free_port()
            self.process = Process(
                "postgres",
                [*as_postgres, *WITH_US, _program("postgres"), "-D", data, "-p", str(self.port), "-k", self._folder,
                 "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=100",
                 *(text for setting in settings for text in ("-c", setting))],
                log=logs / "postgres.log", cwd="/")
            self.process.wait_until(self._create_database, "takes connections")
        except subprocess.CalledProcessError as error:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise AssertionError(f"initdb failed: {error.stderr}") from error
        except BaseException:
            self.stop()
            raise

    def _create_database(self):
        try:
            connection = psycopg2.connect(host="127.0.0.1", port=self.port, user=self.user, dbname="postgres")
        except psycopg2.OperationalError:
            return False
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {self.database}")
        connection.close()
        return True

    def connect(self):
        """A session of its own. As a context it ends a transaction, and so gives its locks back."""
        return psycopg2.connect(host="127.0.0.1", port=self.port, user=self.user, dbname=self.database)

    def environment(self):
        return {"POSTGRES_HOST": "127.0.0.1", "POSTGRES_PORT": str(self.port), "POSTGRES_DB": self.database,
                "POSTGRES_USER": self.user, "POSTGRES_PASSWORD": ""}

    def stop(self):
        if hasattr(self, "process"):
            self.process.stop(signal.SIGINT)  # a fast shutdown; TERM would wait for gunicorn's connections
        shutil.rmtree(self._folder, ignore_errors=True)
