"""See `evictions` beside this file."""

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from rig.larder import Larder  # noqa: E402
from rig.redis_server import RedisServer  # noqa: E402
from rig.redis_stats import count_commands  # noqa: E402

RULES = """
rules:
  - path: [/api/job-applications/, "/api/job-applications/<int:pk>/"]
    ttl: 1h
    share: everyone
    variants: 0
    tags: [applications]
  - path: /hot/
    ttl: 1h
    share: everyone
"""
LIST, ITEM = "/api/job-applications/", "/api/job-applications/7/"
WRITES = 500          # timed, one after the other
FILLERS = 16          # connections that fill
LONGEST_SWEEP = 300   # seconds
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 400\r\n\r\n" + b"x" * 400


class Origin(asyncio.Protocol):
    """Answers each head at once; nothing it is sent has content."""

    def connection_made(self, transport):
        self.transport, self.pending = transport, b""

    def data_received(self, data):
        self.pending += data
        heads = self.pending.count(b"\r\n\r\n")
        self.pending = self.pending.rsplit(b"\r\n\r\n", 1)[-1]
        self.transport.write(ANSWER * heads)


class Client:
    """One connection, one request at a time."""

    async def open(self, port):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port)
        return self

    async def ask(self, target, method="GET"):
        """What X-Cache-Status says, and how long it took in seconds."""
        began = time.perf_counter()
        self.writer.write(f"{method} {target} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
        head = await self.reader.readuntil(b"\r\n\r\n")
        fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:-2])
        await self.reader.readexactly(int(fields[b"content-length"]))
        assert head.startswith(b"HTTP/1.1 200 "), head
        return fields[b"x-cache-status"], time.perf_counter() - began

    def close(self):
        self.writer.close()


def milliseconds(times):
    ordered = sorted(times)
    p99, most = ordered[int(len(ordered) * 0.99)], ordered[-1]
    return f"median {median(ordered) * 1e3:.2f} ms, p99 {p99 * 1e3:.2f} ms, most {most * 1e3:.2f} ms ({len(ordered)})"


async def fill(port, count):
    numbers = iter(range(count))

    async def run():
        client = await Client().open(port)
        for number in numbers:
            await client.ask(f"{LIST}?page={number}&status={number % 7}")
        client.close()

    await asyncio.gather(*(run() for _ in range(FILLERS)))
    client = await Client().open(port)
    await client.ask(ITEM)
    assert (await client.ask(ITEM))[0] == b"hit"
    client.close()


async def hit(client, until):
    """Hits at /hot/ until `until()`; their times."""
    times = []
    while not until():
        result, took = await client.ask("/hot/")
        assert result == b"hit", result
        times.append(took)
    return times


async def measure(variants, larder, redis):
    writer = await Client().open(larder.port)
    reader = await Client().open(larder.port)
    await reader.ask("/hot/")
    await writer.ask(ITEM, "PUT")  # whatever is done once for a connection has been done
    await fill(larder.port, variants)
    stored = redis.client().dbsize()

    idle_end = time.monotonic() + 2
    idle = await hit(reader, lambda: time.monotonic() >= idle_end)

    # Counted without the sweep behind the write: refused, it stops at its first command.
    redis.client().execute_command("ACL", "SETUSER", "default", "-rename")
    before = count_commands(redis)
    await writer.ask(ITEM, "PUT")
    commands = count_commands(redis) - before
    redis.client().execute_command("ACL", "SETUSER", "default", "+rename")

    times, give_up = [], time.monotonic() + LONGEST_SWEEP
    swept = False

    async def write():
        nonlocal swept
        for _ in range(WRITES):
            times.append((await writer.ask(ITEM, "PUT"))[1])
        client = redis.client()
        # What remains: the hot response, its stamps and indexes, and none of the variants.
        while client.dbsize() > 40:
            assert time.monotonic() < give_up, f"{client.dbsize()} keys are left"
            await asyncio.sleep(0.05)
        swept = True

    began = time.monotonic()
    _, during = await asyncio.gather(write(), hit(reader, lambda: swept))
    for client in (writer, reader):
        client.close()
    print(f"{variants} variants, {stored} keys in Redis\n"
          f"  commands of a write        {sum(commands.values())}: {dict(commands)}\n"
          f"  a write, first             {times[0] * 1e3:.2f} ms\n"
          f"  a write, while swept       {milliseconds(times)}\n"
          f"  a hit, before              {milliseconds(idle)}\n"
          f"  a hit, while swept         {milliseconds(during)}\n"
          f"  swept after                {time.monotonic() - began:.1f} s", flush=True)


async def run(counts):
    os.environ.setdefault("LARDER_BINARY", str(Path(__file__).resolve().parents[2] / ".build/bench/proxy/larder"))
    server = await asyncio.get_running_loop().create_server(Origin, "127.0.0.1", 0)
    upstream = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    with tempfile.TemporaryDirectory(prefix="larder-evictions.") as folder:
        logs = Path(folder)
        rules = logs / "rules.yaml"
        rules.write_text(RULES)
        redis = RedisServer(logs)
        try:
            redis.client().config_set("maxmemory", "0")
            for count in counts:
                redis.client().flushall()
                larder = Larder(upstream, rules, logs, redis=redis.url, memory="256MiB", threads=1,
                                arguments=("--log-level", "warning", "--requests-per-connection", "0"))
                try:
                    await measure(count, larder, redis)
                finally:
                    if complaint := larder.stop():
                        print(complaint, file=sys.stderr)
        finally:
            redis.stop()


asyncio.run(run([int(argument) for argument in sys.argv[1:]] or [1, 1_000, 100_000]))
