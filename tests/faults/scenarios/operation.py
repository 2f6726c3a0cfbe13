"""O2, O4, O5: it is stopped, memory is short, its log goes nowhere. Single cases: tests/e2e/test_process.py."""

import asyncio
import fcntl
import hashlib
import os
import signal
from pathlib import Path

from faultrig import content, measure
from faultrig.client import Connection, get, now
from faultrig.load import GETS
from faultrig.scenario import scenario
from rig.larder import is_sanitized
from scenarios.clients import SOURCES
from scenarios.origin import ask, hits_unaffected

MIB = 1 << 20


@scenario("O2")
async def ended(stage, report):
    """It is stopped under load: SIGTERM, SIGTERM beside a second one on the same port, SIGKILL.

    With slow downloads and an upload under way. Each client of the restart opens new connections.
    SIGTERM: no new connections at once, what is under way ends well, exit status 0. The restart loses no
    request. SIGKILL: nothing partial in Redis looks complete to the next one.
    """
    await _terminated(stage, report)
    await _replaced(stage, report)
    await _killed(stage, report)


async def _terminated(stage, report):
    larder = await stage.larder()
    load = stage.load(larder)
    await load.warm()
    gate, half = asyncio.Event(), 300_000

    async def slow(exchange):
        if not exchange.path.startswith("/pass/slow"):
            return False
        body = stage.origin.make(exchange.path, 2 * half)
        await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:half])
        await gate.wait()
        await exchange.send(body[half:])
        return True

    async def is_refused():
        # A listener that is being closed may leave the question open for a second, and refuse then.
        connection = Connection(larder.port)
        try:
            await connection.open()
        except ConnectionError:
            return True
        connection.close()
        return False

    stage.origin.script = slow
    downloads = [asyncio.create_task(ask(larder, f"/pass/slow-{number}/")) for number in range(8)]
    body = b"x" * 200_000
    upload = Connection(larder.port)
    await upload.open()
    await upload.send(b"PUT /pass/upload/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\nX-Sum: %b\r\n\r\n" % (
        len(body), hashlib.sha256(body).hexdigest().encode()) + body[:100_000])
    async with load:
        await stage.until(lambda: len(stage.origin.in_flight) >= 9, "the slow ones are under way")
        await stage.calm(load, stage.scale.pick(0.3, 10))
        stopped = now()
        larder.larder.process.send_signal(signal.SIGTERM)
        accepted = asked = now()
        while not await is_refused() and now() - stopped < 10:
            accepted = asked
            await asyncio.sleep(0.01)
            asked = now()
        await stage.calm(load, 0.2)
    report.at_most("SIGTERM: seconds until nothing is accepted", accepted - stopped, 1, " s", judged=stage.scale.judged)
    report.held("SIGTERM: it lives while requests are under way", larder.is_running)
    gate.set()
    for answer, _ in await asyncio.gather(*downloads):
        if answer.is_error:
            report.held("SIGTERM: slow downloads end well", False, answer)
    answer = await upload.ask(body[100_000:])
    report.held("SIGTERM: the upload ends well", not answer.is_error and answer.status == 200, answer)
    took = await stage.until(lambda: not larder.is_running, "larder has ended", within=20)
    report.held("SIGTERM: exit status 0", larder.larder.process.exit_code == 0, f"after another {took:.2f} s")
    larder.larder.kill()
    cut = [r for r in load.records if r.answer.end in ("cut", "late") or (r.answer.status or 0) >= 500]
    report.none(f"SIGTERM: no answer of {len(load.records)} was cut or an error", cut)
    unanswered = [identity for identity, answer in load.posted.items()
                  if answer.end != "whole" and stage.origin.posts[identity]]
    report.none("SIGTERM: no POST that reached the origin went unanswered", unanswered)
    stage.origin.script = None


async def _replaced(stage, report):
    first = await stage.larder()
    load = stage.load(first, keep_alive=False)
    steady = stage.load(first, kinds=GETS)
    await load.warm()
    async with load, steady:
        began, current = now(), first
        for _ in range(stage.scale.pick(2, 8)):
            following = await stage.larder(port=first.port)
            await stage.calm(load, stage.scale.pick(0.2, 2))
            current.larder.process.send_signal(signal.SIGTERM)
            await stage.until(lambda: not current.is_running, "the old one has ended", within=20)  # noqa: B023
            report.held("restart: the old one ends with status 0", current.larder.process.exit_code == 0)
            current.larder.kill()
            current = following
        await stage.calm(load, 0.2)
    report.none(f"restart: none of {len(load.between(began))} requests on new connections was lost",
                [r for r in load.between(began) if r.answer.is_error])
    report.none(f"restart: nor any of {len(steady.records)} GETs on kept ones ({steady.retried} sent again)",
                [r for r in steady.records if r.answer.is_error])


async def _killed(stage, report):
    first = await stage.larder()
    load = stage.load(first)
    await load.warm()
    for _ in range(stage.scale.pick(2, 6)):
        async with load:
            await stage.calm(load, stage.scale.pick(0.4, 3))
            first.larder.kill()
        stored = len(stage.redis.large_keys(at_least=200))
        second = await stage.larder()
        reader = stage.load(second)
        reader.acknowledged = load.acknowledged  # what was written before must not come back
        await reader.warm()
        judged = await asyncio.gather(*(ask(second, record.url) for record in load.records[-300:]
                                        if record.kind == "cold"))
        hits = 0
        for answer, _ in judged:
            hits += answer.state == "HIT"
            if answer.is_error:
                report.held("SIGKILL: what is asked for again comes", False, answer)
        report.saw(f"SIGKILL: {stored} stored responses in Redis; {hits} of {len(judged)} asked for were HITs")
        first, load = second, reader


# --- O4 ---

class MemoryGroup:
    """A cgroup with a cap on memory, where this machine lets us make one (v1 or v2)."""

    def __init__(self, cap):
        self.folder, self.wrapped = None, ()
        for parent, limit in ((Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"),
                              (Path("/sys/fs/cgroup"), "memory.max")):
            folder = parent / f"larder-faults-{os.getpid()}"
            try:
                folder.mkdir()
            except OSError:
                continue
            try:
                (folder / limit).write_text(str(cap))
            except OSError:
                folder.rmdir()
                continue
            self.folder = folder
            self.wrapped = ("sh", "-c", f'echo $$ > {folder}/cgroup.procs && exec "$@"', "sh")
            break

    def peak(self):
        for name in ("memory.max_usage_in_bytes", "memory.peak"):
            if (self.folder / name).exists():
                return int((self.folder / name).read_text())
        return 0

    def remove(self):
        if self.folder:
            self.folder.rmdir()


@scenario("O4")
async def memory_cap(stage, report):
    """A memory cap with slow downloads, uploads and waiters on one key, a thousand and more.

    Half of the downloads (8 MB each) are of one stored response, half of one that is passed on; the origin
    takes nothing of the uploads and answers no waiter until all are there. A cgroup holds the cap where one
    can be made (not under sanitizers), else resident memory is compared with it.
    It is not killed; each waiter gets all of it or a 503; uploads and downloads that go on end well.
    """
    transfers, waiting = stage.scale.pick(20, 1000), stage.scale.pick(200, 10_000)
    cap = 512 * MIB
    group = None if is_sanitized() else MemoryGroup(cap)
    if group:
        stage.afterwards.append(group.remove)
    larder = await stage.larder(
        wrapped=group.wrapped if group else (), connections=2 * transfers + waiting,
        connection_limit=2 * transfers + waiting + 200, origin_limit=0, client_timeout="60s", minimum_rate=0)
    gate, size = asyncio.Event(), 8_000_000
    bodies = {url: stage.origin.make(url, size) for url in ("/big/slow/", "/pass/slow/")}

    async def script(exchange):
        if exchange.path in bodies:
            await exchange.answer(body=bodies[exchange.path])
            return True
        if exchange.path.startswith("/pass/up-") or exchange.path == "/cold/1/":
            await gate.wait()
        return False

    stage.origin.script = script
    stored, _ = await ask(larder, "/big/slow/")
    content.judge(stored.body, "/big/slow/")

    def url_of(number):
        return ("/big/slow/", "/pass/slow/")[number % 2]

    def open_from(number, **options):
        return Connection(larder.port, source=SOURCES[number % len(SOURCES)], **options)

    async def begin_download(number):
        connection = open_from(number, receive_buffer=4096)
        await connection.open()
        await connection.send(get(url_of(number)))
        await connection.reader.readuntil(b"\r\n\r\n")
        return connection

    async def finish_download(number):
        """What is wrong with it; None if nothing."""
        try:
            async with asyncio.timeout(60):
                content.judge(await downloads[number].reader.readexactly(size), url_of(number))
        except (ConnectionError, asyncio.IncompleteReadError, TimeoutError, content.NotWhole) as error:
            return f"{url_of(number)}: {error!r}"
        return None

    upload_body = b"%064x" % stage.random.getrandbits(256) * 4096
    upload_sum = hashlib.sha256(upload_body).hexdigest().encode()

    async def upload(number):
        connection = open_from(number)
        answer = await connection.ask(
            b"PUT /pass/up-%d/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\nX-Sum: %b\r\n\r\n" % (
                number, len(upload_body), upload_sum) + upload_body, within=100)
        connection.close()
        return answer

    async def wait_for_it(number):
        connection = open_from(number)
        answer = await connection.ask(get("/cold/1/"), within=100)
        connection.close()
        return answer

    def are_there():
        # All connected and read, but for uploads, of which more is held back than the buffers take.
        count, unread = measure.connected(larder.port)
        gone = sum(task.done() for task in waiters + uploads)
        uploading = sum(exchange.method == "PUT" for exchange in stage.origin.in_flight)
        return count + gone >= 2 * transfers + waiting and unread <= transfers and uploading == transfers

    downloads = []
    for first in range(0, transfers, 50):
        downloads += await asyncio.gather(*map(begin_download, range(first, min(first + 50, transfers))))
    uploads = [asyncio.create_task(upload(number)) for number in range(transfers)]
    waiters = [asyncio.create_task(wait_for_it(number)) for number in range(waiting)]
    took = await stage.until(are_there, "all are there", within=60, every=0.3)
    resident = measure.resident_kib(larder.pid)
    asked_for_it = stage.origin.seen["GET", "/cold/1/"]
    report.saw(f"{transfers} downloads, {transfers} uploads and {waiting} waiters were there after {took:.1f} s: "
               f"{resident} KiB resident, {measure.descriptor_count(larder.pid)} descriptors")
    gate.set()
    answers = await asyncio.gather(*waiters)
    served = [answer for answer in answers if not answer.is_error]
    report.none("each waiter gets all of it, or a 503", [a for a in answers if a.is_error and a.status != 503])
    for answer in served:
        content.judge(answer.body, "/cold/1/")
    report.saw(f"{len(served)} waiters were served, {len(answers) - len(served)} refused; the origin was asked "
               f"{asked_for_it} times")
    # Who cannot read the stamps (Redis refuses to be asked by so many) joins only a fill younger than a second.
    report.held("waiters wait on one fill, or few", asked_for_it <= max(3, waiting // 100), asked_for_it)
    uploaded = await asyncio.gather(*uploads)
    report.none(f"each of {transfers} uploads ends well", [answer for answer in uploaded if answer.is_error])
    going_on = range(0, transfers, max(1, transfers // 9))
    report.none(f"{len(going_on)} of the slow downloads go on to their end",
                filter(None, [await finish_download(number) for number in going_on]))
    for connection in downloads:
        connection.reset()
    if group and group.folder:
        report.saw(f"cgroup {group.folder}: {group.peak() / MIB:.0f} MiB at most, cap {cap / MIB:.0f} MiB")
    elif group:
        report.at_most("resident memory, in the place of a cgroup", larder.peak_kib / 1024, cap / MIB, " MiB")
    report.held("it is not killed", larder.is_running)
    answer, _ = await ask(larder, "/hot/1/")
    report.held("it serves", not answer.is_error, answer)



# --- O5 ---

@scenario("O5")
async def nowhere_to_write(stage, report):
    """Nowhere to write: standard output and error closed, full, a pipe nobody reads; the root read-only.

    A Larder for each, with a line per request, under load.
    Service goes on as fast as before; none of the log ends up in a connection; it ends with status 0.
    """
    fifo = stage.folder / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)

    def to(place):
        return ("sh", "-c", f'exec "$@" {place}', "sh")

    read_only = ("unshare", "--mount", "sh", "-c", 'mount -o remount,bind,ro / && exec "$@"', "sh")
    places = {"closed": to("1>&- 2>&-"), "a full device": to("1>/dev/full 2>&1"),
              "a pipe that nobody reads": to(f"1>{fifo} 2>&1"),
              "no file may grow": ("prlimit", "--fsize=0")}
    probe = await asyncio.create_subprocess_exec(*read_only, "true", stderr=asyncio.subprocess.DEVNULL)
    if await probe.wait() == 0:
        places["the root is read-only"] = read_only
    else:
        report.saw("no read-only root: no mount namespace here (needs CAP_SYS_ADMIN)")
    try:
        for place, wrapped in places.items():
            larder = await stage.larder(wrapped=wrapped)
            load = stage.load(larder)
            await load.warm()
            async with load:
                began = now()
                await stage.calm(load, stage.scale.pick(0.4, 8))
                ended = now()
            asked = load.between(began, ended)
            report.none(f"{place}: no error in {len(asked)} requests", [r for r in asked if r.answer.is_error])
            report.held(f"{place}: there were requests", bool(asked))
            hits_unaffected(report, load, began, ended)
            report.held(f"{place}: it lives", larder.is_running)
            stopping = now()
            complaint = await asyncio.to_thread(larder.larder.stop)
            report.held(f"{place}: ends with status 0", complaint is None, complaint)
            report.at_most(f"{place}: seconds to end", now() - stopping, 3, " s", judged=stage.scale.judged)
    finally:
        os.close(reader)
