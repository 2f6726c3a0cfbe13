"""C1 to C5: clients that go away, idle, dribble, come in floods."""

import asyncio
import hashlib
from collections import defaultdict

from faultrig import content, measure
from faultrig.client import Connection, get, now
from faultrig.load import GETS, HITS, percentile
from faultrig.scenario import scenario
from scenarios.origin import ask, hits_unaffected, is_whole

TENTHS = [tenth / 10 for tenth in range(10)]
SOURCES = [f"127.0.0.{number}" for number in range(10, 42)]


@scenario("C1")
async def aborts(stage, report):
    """Clients go away at every 10 % of an upload and of a download.

    Uploads with a length and chunked, ended by RST and by FIN. Downloads of a URL that is stored, with
    somebody waiting on the same fill and without, and of one that is not; the origin goes on only when the
    client has gone.
    The origin never has a complete request that was not; who waits gets all of it; nothing cut is stored.
    """
    larder = await stage.larder()
    load = stage.load(larder, kinds=HITS)
    await load.warm()
    async with load:
        began = now()
        await asyncio.gather(_aborted_uploads(stage, report, larder), _aborted_downloads(stage, report, larder))
        ended = now()
    hits_unaffected(report, load, began, ended)


async def _aborted_uploads(stage, report, larder):
    body = b"%064x" % stage.random.getrandbits(256) * 4000
    total = hashlib.sha256(body).hexdigest()

    async def upload(url, framing, share, end):
        connection = Connection(larder.port)
        await connection.open()
        sent = body[:int(len(body) * share)]
        length = f"Content-Length: {len(body)}" if framing == "length" else "Transfer-Encoding: chunked"
        await connection.send(f"PUT {url} HTTP/1.1\r\nHost: localhost\r\nX-Sum: {total}\r\n{length}\r\n\r\n".encode())
        if framing == "length":
            await connection.send(sent)
        else:
            for place in range(0, len(sent), 10_000):
                piece = sent[place:place + 10_000]
                await connection.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        if end == "whole":
            if framing == "chunked":
                await connection.send(b"0\r\n\r\n")
            answer = await connection.ask(b"")
            connection.close()
            return answer
        # An exchange under way: the origin has the head before the client goes.
        await stage.until(lambda: stage.origin.seen["PUT", url], f"the origin has seen {url}")
        connection.reset() if end == "RST" else connection.close()
        return None

    cases = [(f"/pass/up-{framing}-{share}-{end}/", framing, share, end)
             for framing in ("length", "chunked") for share in TENTHS for end in ("RST", "FIN")]
    await asyncio.gather(*(upload(*case) for case in cases))
    await stage.until(lambda: not any(e.method == "PUT" for e in stage.origin.in_flight), "the origin is rid of them")
    report.none(f"none of {len(cases)} uploads that were cut off was complete at the origin",
                [url for url, *_ in cases if stage.origin.versions[url]])
    for framing in ("length", "chunked"):
        answer = await upload(f"/pass/up-{framing}-whole/", framing, 1, "whole")
        report.held(f"a whole one is ({framing})", not answer.is_error and answer.status == 200, answer)


async def _aborted_downloads(stage, report, larder):
    size, gates, reached, pauses = 400_000, defaultdict(asyncio.Event), {}, {}

    async def script(exchange):
        if exchange.path not in pauses or gates[exchange.path].is_set():
            return False
        body = stage.origin.make(exchange.path, size)
        reached[exchange.path] = exchange
        pause = pauses[exchange.path]
        await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:pause])
        await gates[exchange.path].wait()
        await exchange.send(body[pause:])
        return True

    async def download(url, share, end, is_followed):
        pauses[url] = int(size * share) + 20_000
        leader, follower = Connection(larder.port), Connection(larder.port)
        await leader.open()
        await leader.send(get(url))
        await leader.reader.readuntil(b"\r\n\r\n")
        await leader.reader.readexactly(int(size * share))
        following = None
        if is_followed:
            await follower.open()
            await follower.send(get(url))
            head = await follower.reader.readuntil(b"\r\n\r\n")
            # It has got some of what the leader's fill has fetched, so it is waiting on that fill.
            first = await follower.reader.readexactly(1000)
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            following = asyncio.create_task(follower.reader.readexactly(length - len(first)))
        leader.reset() if end == "RST" else leader.close()
        gates[url].set()
        verdict = None
        if following:
            try:
                content.judge(first + await following, url)
                if stage.origin.seen["GET", url] != 1:
                    verdict = f"{url} was fetched {stage.origin.seen['GET', url]} times for one fill"
            except (asyncio.IncompleteReadError, ConnectionError, content.NotWhole) as error:
                verdict = f"who waited for {url} got {error!r}"
            follower.close()
        if not await is_whole(larder, url):
            verdict = f"{url} is not whole when asked for again"
        return verdict

    stage.origin.script = script
    cases = [(f"/{kind}/d{int(share * 10)}{end}{'f' if followed else 'a'}/", share, end, followed)
             for share in TENTHS for end in ("RST", "FIN")
             for kind, followed in (("big", True), ("big", False), ("pass", False))]
    verdicts = await asyncio.gather(*(download(*case) for case in cases))
    stage.origin.script = None
    report.none(f"after {len(cases)} downloads that were cut off all is whole, and so it was for who waited",
                filter(None, verdicts))


@scenario("C2")
async def idle_connections(stage, report):
    """Thousands of idle connections beside the load.

    Each has asked for one stored response and then says nothing.
    At most 10 kB of memory each; the p99 of the load is at most twice what it was just before (B); all are
    closed at the idle limit.
    """
    count, limit = stage.scale.pick(200, 10_000), stage.scale.pick(2, 30)
    larder = await stage.larder(connections=count + 64, connection_limit=count + 200, idle_timeout=f"{limit}s")
    load = stage.load(larder, kinds=GETS)  # its connections have that idle limit too, and a POST is not sent twice
    await load.warm()
    idle = [Connection(larder.port, source=SOURCES[number % len(SOURCES)]) for number in range(count)]
    asked = {}

    async def settle(number):
        answer = await idle[number].ask(get("/hot/1/"))
        asked[number] = now()
        return answer

    async with load:
        before = await stage.calm(load, stage.scale.pick(0.4, 10))
        b, before_kib = percentile(before), measure.resident_kib(larder.pid)
        refused = []
        for first in range(0, count, 100):
            answers = await asyncio.gather(*map(settle, range(first, min(first + 100, count))))
            refused += [answer for answer in answers if answer.is_error]
        settled = now()
        after_kib = measure.resident_kib(larder.pid)
        report.none(f"each of {count} was served", refused)
        during = await stage.calm(load, stage.scale.pick(0.4, 10))
        closed = await asyncio.gather(*(connection.is_closed_within(limit + 20) for connection in idle))
        ended = now()
    for connection in idle:
        connection.close()
    report.at_most("memory of an idle connection", (after_kib - before_kib) * 1024 / count, 10_000, " B",
                   judged=stage.scale.judged)
    report.saw(f"{len(before)} answers before and {len(during)} beside them; "
               f"opening took {settled - min(asked.values()):.1f} s")
    report.at_most(f"p99 beside them (B was {b * 1000:.2f} ms)", percentile(during) * 1000, 2 * b * 1000, " ms",
                   judged=stage.scale.judged)
    report.held("all are closed at the idle limit", all(closed), f"{sum(closed)} of {count}")
    report.at_most("the last one closed, after its last request", ended - max(asked.values()), limit + 2, " s",
                   judged=stage.scale.judged)
    report.none("no error in the load", [r for r in load.records if r.answer.is_error])


@scenario("C3")
async def slow_clients(stage, report):
    """Slow heads, slow bodies, slow readers, thousands of them, beside the load.

    Heads at a byte every 0.2 s; bodies at 5 bytes a second; readers that take nothing of 8 MB.
    Heads end at the absolute head deadline; bodies and readers are cut off by the minimum rate after its
    grace (what the kernel's buffers take counts as taken); the load does not notice.
    """
    count = stage.scale.pick(20, 700)
    deadline, grace = stage.scale.pick(1, 3), stage.scale.pick(1, 3)
    larder = await stage.larder(connections=3 * count + 64, head_timeout=f"{deadline}s", minimum_rate=20_000,
                                rate_grace=f"{grace}s", client_timeout="60s", origin_limit=0)
    load = stage.load(larder)
    await load.warm()

    async def big(exchange):
        if exchange.path != "/big/slow/":
            return False
        await stage.origin.answer(exchange, 8_000_000)
        return True

    stage.origin.script = big
    stored, _ = await ask(larder, "/big/slow/")
    content.judge(stored.body, "/big/slow/")

    async def dribble(connection, data):
        """Until the other side has had enough; what it said last, the seconds it bore it."""
        began, told = now(), asyncio.create_task(connection.reader.read(300))
        try:
            for byte in data:
                if told.done():
                    break
                await connection.send(bytes([byte]))
                await asyncio.wait([told], timeout=0.2)
            said = await asyncio.wait_for(told, 10)
        except ConnectionError:
            said = b""
        took = now() - began
        connection.close()
        return said, took

    async def slow_head(number):
        connection = Connection(larder.port, source=SOURCES[number % len(SOURCES)])
        await connection.open()
        return await dribble(connection, b"GET /hot/1/ HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + b"x" * 100)

    async def slow_body(number):
        connection = Connection(larder.port, source=SOURCES[number % len(SOURCES)])
        await connection.open()
        await connection.send(b"PUT /pass/slow-%d/ HTTP/1.1\r\nHost: localhost\r\n"
                              b"Content-Length: 100000\r\n\r\n" % number)
        return await dribble(connection, b"x" * 150)

    async def slow_reader(number):
        connection = Connection(larder.port, source=SOURCES[number % len(SOURCES)], receive_buffer=4096)
        await connection.open()
        await connection.send(get("/big/slow/"))
        return connection

    async with load:
        began = now()
        readers = await asyncio.gather(*map(slow_reader, range(count)))
        reading = now()
        slow = asyncio.gather(*map(slow_head, range(count)), *map(slow_body, range(count)))
        ends = await slow
        # The load's own connections are all that is left.
        await stage.until(lambda: stage.descriptors(larder.larder)["client"] <= 64,
                          "slow readers are cut off", within=grace + 30, every=0.2)
        took_readers = now() - reading
        ended = now()
    for connection in readers:
        connection.reset()
    heads, bodies = ends[:count], ends[count:]
    for what, group, bound in (("heads", heads, deadline), ("bodies", bodies, grace)):
        took = sorted(seconds for _, seconds in group)
        report.held(f"no slow one of {count} {what} ends before its time", took[0] >= 0.9 * bound, f"{took[0]:.2f} s")
        report.at_most(f"the last of the slow {what} ends", took[-1], 1.1 * bound + 1, " s", judged=stage.scale.judged)
        report.none(f"slow {what} end with 408 or a bare close",
                    [said[:80] for said, _ in group if said and b" 408 " not in said[:14]])
    report.at_most(f"the last of {count} slow readers is cut off", took_readers, grace + 10, " s",
                   judged=stage.scale.judged)
    report.none("no slow body was complete at the origin",
                [number for number in range(count) if stage.origin.versions[f"/pass/slow-{number}/"]])
    report.none("no error in the load", [r for r in load.between(began, ended) if r.answer.is_error])
    hits_unaffected(report, load, began, ended)


@scenario("C4")
async def out_of_descriptors(stage, report):
    """500 connects to a Larder that may have 256 descriptors.

    Under load; then with the load gone, to see what the flood costs by itself; then the flood goes.
    Those that were connected are served, hits, misses and Redis go on; no spinning accept (processor time);
    a new client is served within 1 s after the flood.
    """
    larder = await stage.larder(wrapped=("prlimit", "--nofile=256:256"))
    load = stage.load(larder)
    await load.warm()
    flood = [Connection(larder.port) for _ in range(500)]

    async def connect(connection):
        try:
            await asyncio.wait_for(connection.open(), 5)
        except (ConnectionError, TimeoutError):
            pass  # as it pleases the kernel

    def redis_commands():
        return stage.redis.client().info("stats")["total_commands_processed"]

    async with load:
        await stage.until(lambda: len(load.served) == 64, "all of the load's connections have been served")
        began, commands = now(), redis_commands()
        await asyncio.gather(*map(connect, flood))
        flooded = now()
        await stage.calm(load, stage.scale.pick(1.5, 20))
        ended = now()
        spoken = redis_commands() - commands
    existing = load.between(began, ended)
    report.saw(f"{sum(c.is_open for c in flood)} of 500 connects succeeded, in {flooded - began:.2f} s; "
               f"{larder.peak_descriptors} descriptors at most")
    report.none(f"no error in {len(existing)} requests on connections that were there before",
                [r for r in existing if r.answer.is_error])
    hits_unaffected(report, load, began, ended)
    misses = sum(r.kind == "cold" for r in existing)
    report.held("Redis is spoken to", spoken > misses, f"{spoken} commands, {misses} misses")
    spent, began = measure.processor_seconds(larder.pid), now()
    await asyncio.sleep(1)
    busy = (measure.processor_seconds(larder.pid) - spent) / (now() - began)
    report.held("accept does not spin", busy < 0.3, f"{busy * 100:.0f} % of a core while nobody asks anything")
    for connection in flood:
        connection.reset()
    gone = now()
    while (answer := (await ask(larder, "/hot/1/"))[0]).is_error and now() - gone < 10:
        await asyncio.sleep(0.02)
    report.held("a new client is served after the flood", not answer.is_error, answer)
    report.at_most("seconds until then", now() - gone, 1, " s", judged=stage.scale.judged)


@scenario("C5")
async def new_connections(stage, report):
    """Each request on a connection of its own, thousands a second.

    The whole load, for a minute in the long form, from 32 addresses.
    No error, no leak (I5), and the ports towards the origin and Redis are not used up.
    """
    rate, seconds = stage.scale.pick(150, 2000), stage.scale.pick(2, 60)
    larder = await stage.larder(connections=512)
    load = stage.load(larder, rate=rate, keep_alive=False, connections=stage.scale.pick(64, 128), sources=SOURCES)
    await load.warm()
    before = measure.waiting_to_end(stage.redis.port)  # that Redis may have had other users a minute ago
    async with load:
        began = now()
        await stage.calm(load, seconds)
        ended = now()
        to_origin = measure.waiting_to_end(stage.origin.port)
        to_redis = measure.waiting_to_end(stage.redis.port) - before
    asked = load.between(began, ended)
    report.saw(f"{len(asked) / (ended - began):.0f} connections a second of {rate} wanted, with client and origin "
               f"in one Python process; p99 {percentile(asked) * 1000:.1f} ms")
    report.none(f"no error on {len(asked)} connections", [r for r in asked if r.answer.is_error])
    report.held("not half of the ports are waiting to end, towards the origin", to_origin < 14_000, to_origin)
    report.held("and hardly any towards Redis", to_redis < 100, to_redis)
    hits_unaffected(report, load, began, ended)
