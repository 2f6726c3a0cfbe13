"""Larder, and what stands around it, each a child on a port of its own."""

import os
import re
import signal
import socket
import sys

from benchrig.programs import program
from rig.processes import Process, accepts, free_port


def end_on_signals():
    """As an exit, so that everything started is stopped: also where the shell had us ignore Ctrl-C."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))


def pinned(cpus):
    return ["taskset", "-c", cpus] if cpus else []


class Server:
    """A process and the port it serves; `pids` are those whose processor time is its own."""

    def __init__(self, name, argv, folder, port, env=None, within=20.0, cwd=None):
        self.name, self.port = name, port
        self.process = Process(name, list(map(str, argv)), folder / f"{name}.log", env=env, cwd=cwd)
        self.process.wait_until(lambda: accepts(port), f"takes connections on {port}", within=within)

    @property
    def pids(self):
        return family_of(self.process.pid)

    def resident_kib(self):
        """Of all its processes, memory that they share counted once (proportional set size)."""
        return sum(proportional_kib(pid) for pid in self.pids)

    def stop(self, **options):
        return self.process.stop(**options)


def family_of(pid):
    """It and its descendants."""
    found = [pid]
    for parent in found:
        try:
            for task in os.listdir(f"/proc/{parent}/task"):
                with open(f"/proc/{parent}/task/{task}/children") as children:
                    found += map(int, children.read().split())
        except OSError:
            pass  # it has ended
    return found


def proportional_kib(pid):
    with open(f"/proc/{pid}/smaps_rollup") as rollup:
        return next(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))


def start_origin(folder, cpus=None):
    port = free_port()
    return Server("origin", [*pinned(cpus), program("origin"), port], folder, port)


def start_floor(folder, kib, cpus=None):
    port = free_port()
    return Server("floor", [*pinned(cpus), program("floor"), port, kib], folder, port)


def start_redis(folder, cpus=None):
    port = free_port()
    return Server("redis", [*pinned(cpus), "redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "",
                            "--appendonly", "no", "--maxmemory", "256mb", "--maxmemory-policy", "allkeys-lru",
                            "--dir", folder], folder, port)


def start_larder(binary, folder, upstream_port, rules, name="larder", redis=None, threads=1, memory="512MiB",
                 wrapped=(), env=None, within=60.0, arguments=(), certificate=None):
    """As it is deployed: one JSON line a request to a file, all limits on, the admin listener open. `certificate`: its
    files (pem, key), to speak TLS with."""
    path = folder / f"{name}-rules.yaml"
    path.write_text(rules)
    port, admin = free_port(), free_port()
    scheme = "https://" if certificate else ""
    argv = [*wrapped, binary, "serve", "--listen", f"{scheme}127.0.0.1:{port}", "--admin", f"127.0.0.1:{admin}",
            "--upstream", f"http://127.0.0.1:{upstream_port}", "--rules", path, "--threads", threads,
            "--memory", memory, "--log-format", "json", *arguments]
    if certificate:
        argv += ["--tls-certificate", certificate[0], "--tls-key", certificate[1]]
    if redis:
        # Under a counting tool or on a busy machine a slow answer must not become a miss.
        argv += ["--redis", f"redis://127.0.0.1:{redis.port}/1", "--redis-timeout", "5s"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("LARDER_", "REDIS_"))}
    return Server(name, argv, folder, port, env={**clean, **(env or {})}, within=within)


def fetch(port, target, fields=()):
    """Status and content of one GET."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        lines = (f"GET {target} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *fields, "", "")
        connection.sendall("\r\n".join(lines).encode())
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
            head, end, content = answer.partition(b"\r\n\r\n")
            length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            if end and length and len(content) >= int(length[0][15:]):
                break
    return int(answer[9:12]), answer.partition(b"\r\n\r\n")[2]


def origin_count(origin):
    """Requests that have reached the origin."""
    return int(fetch(origin.port, "/count")[1])


def lookup_count(redis):
    """How often Larder has looked for a stored response in a Redis."""
    with socket.create_connection(("127.0.0.1", redis.port), timeout=10) as connection, connection.makefile("rb") as told:
        connection.sendall(b"INFO commandstats\r\n")
        text = told.read(int(told.readline()[1:])).decode()
    calls = re.search(r"^cmdstat_hmget:calls=(\d+)", text, re.MULTILINE)
    return int(calls[1]) if calls else 0
