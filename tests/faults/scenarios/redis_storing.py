"""R6, R7, R11 to R14: Redis is emptied, holds what is not ours, answers nonsense, is written to all the time."""

import asyncio
import bisect
import itertools

from redis.exceptions import ResponseError

from faultrig import content
from faultrig.client import Connection, get, now
from faultrig.load import HITS
from faultrig.scenario import scenario
from scenarios.origin import ask
from scenarios.watching import hits_again, log_lines, no_errors, readiness, usable

VALUES = "larder:1:v:*"
HEARTBEAT = 1.0  # seconds for which another replica's memory may be old


@scenario("R6")
async def restarted_empty(stage, report):
    """Redis is killed and starts empty, under load on two replicas.

    Only hot URLs are asked for, the origin takes a moment for each.
    No more in flight at the origin than its cap; once Redis is used again each URL is fetched once by each replica
    at most; no request is an error.
    """
    async def empty(larders):
        await asyncio.to_thread(stage.redis.process.kill)
        await stage.calm(larders[0][1], stage.scale.pick(0.5, 5))
        stage.start_redis_again()
        for larder, _ in larders:
            await stage.until_async(lambda larder=larder: usable(larder, True), "it is used again")

    await _emptied(stage, report, empty)


@scenario("R7")
async def flushed(stage, report):
    """FLUSHALL, under load on two replicas.

    As R6, without any time in which Redis is not there.
    """
    async def empty(larders):
        await asyncio.to_thread(stage.redis.client().flushall)

    await _emptied(stage, report, empty)


async def _emptied(stage, report, empty):
    cap = 16
    larders = []
    for _ in range(2):
        larder = await stage.larder(origin_limit=cap)
        larders.append((larder, stage.load(larder, rate=stage.scale.rate // 2, kinds=HITS)))
    for _, load in larders:
        await load.warm()

    async def take_a_moment(exchange):
        await asyncio.sleep(0.02)
        return False

    stage.origin.script = take_a_moment
    stage.origin.peak_in_flight = 0
    async with larders[0][1], larders[1][1]:
        await stage.calm(larders[0][1], stage.scale.pick(0.3, 5))
        if stage.origin.in_flight:
            await stage.until(lambda: not stage.origin.in_flight, "nothing is being filled")
        await empty(larders)
        seen, began = stage.origin.seen.copy(), now()
        await stage.calm(larders[0][1], stage.scale.pick(1.5, 10))
        fetched = stage.origin.seen - seen
    often = {url: count for (_, url), count in fetched.items() if count > len(larders)}
    report.held(f"each of {len(fetched)} URLs is fetched once by each replica at most", not often, often or None)
    report.held(f"never more than {cap} in flight for each replica",
                stage.origin.peak_in_flight <= cap * len(larders), stage.origin.peak_in_flight)
    for _, load in larders:
        report.held("there are hits again", any(r.answer.state == "HIT" for r in load.between(began)))
        no_errors(report, load)


@scenario("R11")
async def foreign(stage, report):
    """What is not ours lies under our keys: cut, flipped, empty, of another type, another key's, under load.

    Without the memory tier, so that each hit reads Redis. Each bit and length of one value: tests/store.
    Always a miss: every answer is whole, of its URL, and no older than it may be (I1 to I3).
    """
    larder = await stage.larder(memory="0")
    load = stage.load(larder)
    await load.warm()
    store = stage.redis.client()
    done = 0
    async with load:
        ended = now() + stage.scale.pick(2.5, 30)
        while now() < ended:
            keys = await asyncio.to_thread(lambda: list(store.scan_iter(VALUES, count=1000)))
            if keys:
                done += await asyncio.to_thread(_vandalise, store, stage.random, keys, 20)
            await asyncio.sleep(0.01)
        await hits_again(stage, load, now(), report)
    report.saw(f"{done} values spoilt")
    misses = sum(r.kind == "hot" and r.answer.state != "HIT" for r in load.records)
    report.held("they were noticed", misses > 0, f"{misses} GETs of hot URLs were no HIT")
    no_errors(report, load)


def _vandalise(store, random, keys, count):
    """Spoils some of them; how many."""
    spoilt = 0
    for key in random.sample(keys, min(count, len(keys))):
        field = random.choice((b"h", b"b"))
        try:
            value = store.hget(key, field) or b""
            deed = random.randrange(8)
            if deed == 0:
                store.hset(key, field, value[:random.randrange(len(value) + 1)])
            elif deed == 1 and value:
                at = random.randrange(len(value))
                store.hset(key, field, value[:at] + bytes([value[at] ^ 1 << random.randrange(8)]) + value[at + 1:])
            elif deed == 2:
                store.hset(key, field, random.randbytes(random.randrange(2000)))
            elif deed == 3:
                store.hset(key, field, value + b"\r\nX: \0")
            elif deed == 4:
                store.copy(random.choice(keys), key, replace=True)
            elif deed == 5:
                store.hdel(key, field)
            elif deed == 6:
                store.set(key, b"")
            else:
                pipeline = store.pipeline()
                pipeline.delete(key)
                pipeline.rpush(key, b"h", b"b")
                pipeline.execute()
            spoilt += 1
        except ResponseError:
            store.delete(key)  # of another type by now, or its own copy
    return spoilt


HOSTILE = (b"$-2\r\n", b"*1000000000\r\n", b"*-7\r\n", b"*1\r\n" * 40, b"$9999999999999\r\nx",
           b"HTTP/1.1 400 no\r\n\r\n", b":7\r\n:7\r\n", b"+OK\r\n", b"\x16\x03\x01\x02\x00",
           b"$5\r\nab", b"-" + b"x" * 40_000, b"%1\r\n", b"\r\n")


@scenario("R12")
async def hostile(stage, report):
    """Redis answers what no Redis answers: bad lengths, deep nesting, replies too many, half ones, none.

    A relay puts one of these for, before or behind a reply, or drops some of its bytes, at random.
    The connection is dropped and the request passed on: no request is an error, every answer is right (I1 to I3).
    """
    relay = await stage.relay()
    larder = await stage.larder(redis=relay.url, redis_timeout=stage.scale.pick("500ms", "100ms"))
    load = stage.load(larder)
    await load.warm()
    told = 0

    def falsify(reply):
        nonlocal told
        if stage.random.random() < 0.7:
            return reply
        told += 1
        lie = stage.random.choice(HOSTILE)
        at = stage.random.randrange(len(reply) + 1)
        return stage.random.choice((lie, lie + reply, reply + lie, reply[:at], reply[:at] + lie + reply[at:]))

    async with load:
        before = relay.connections
        for _ in range(stage.scale.pick(3, 30)):
            relay.falsify = falsify
            await stage.calm(load, 0.6)
            relay.falsify = None
            relay.cut()
            await stage.calm(load, 0.2)
        made = relay.connections - before
        await hits_again(stage, load, now(), report, within=40)
    report.held("connections were dropped for it", told > 0 and made > 3, f"{told} lies, {made} connections")
    no_errors(report, load)
    report.held("the log stays short", len(log_lines(larder)) <= 40, f"{len(log_lines(larder))} lines")


@scenario("R13")
async def at_the_limits(stage, report):
    """Content one byte below, at and above `object_limit`; keys up to the longest target.

    With and without a stated length.
    Each is delivered whole, each time; up to the limit it is stored, beyond it is not; never is it cut.
    """
    limit = 100_000
    larder = await stage.larder(object_limit=limit, memory="0")

    async def of_size(exchange):
        if not exchange.path.startswith("/big/"):
            return False
        size, _, framing = exchange.path.removeprefix("/big/").strip("/").partition("-")
        body = stage.origin.make(exchange.path, int(size))
        if framing == "chunked":
            pieces = [body[at:at + 30_000] for at in range(0, len(body), 30_000)]
            chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
            await exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%s0\r\n\r\n" % chunks)
        else:
            await exchange.answer(body=body)
        return True

    stage.origin.script = of_size
    for size, framing in itertools.product((limit - 1, limit, limit + 1, 2 * limit), ("length", "chunked")):
        url = f"/big/{size}-{framing}/"
        states = []
        for _ in range(3):
            answer, _ = await ask(larder, url)
            states.append(answer.state if len(answer.body) == size and content.judge(answer.body, url) else "cut")
        expected = {"HIT"} if size <= limit else {"MISS", "BYPASS", "EXPIRED"}
        report.held(f"{size} bytes, {framing}", "cut" not in states and states[-1] in expected, states)

    sizes = {}
    for length in (100, 1_000, 4_000, 7_000, 8_000, 16_000, 40_000, 70_000):
        url = "/cold/1/?q=" + "x" * length
        answers = [(await ask(larder, url))[0] for _ in range(3)]
        sizes[length] = answers[-1].status, answers[-1].state
        whole = all(a.status == 200 and content.judge(a.body, "/cold/1/") for a in answers)
        refused = all(a.end == "whole" and 400 <= a.status < 500 for a in answers)
        report.held(f"a query of {length} bytes is served each time or refused each time", whole or refused,
                    [str(a) for a in answers])
    report.held("short ones are stored, very long ones refused",
                sizes[100] == (200, "HIT") and sizes[70_000][0] in (414, 431), sizes)


@scenario("R14")
async def eviction_storm(stage, report):
    """One resource is written and read as fast as this rig can.

    Writers and readers, each on a connection of its own, on two replicas.
    No reader on the writers' replica gets what was before an answered write, none on the other what was before one
    answered longer ago than the heartbeat (I3); no request is an error; /readyz is answered all the while.
    """
    larders = [await stage.larder(), await stage.larder()]
    url = "/hot/0/"
    await ask(larders[0], url)
    ended = now() + stage.scale.pick(2, 20)
    acknowledged = [(0.0, 0)]  # when, and the newest version by then
    counts, stale, wrong, loop = {"PUT": 0, "GET": 0}, [], [], []

    async def write(larder):
        connection = Connection(larder.port)
        while now() < ended:
            answer = await connection.ask(
                f"PUT {url} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".encode())
            if answer.is_error:
                wrong.append(answer)
            else:
                acknowledged.append((now(), max(acknowledged[-1][1], content.judge(answer.body, url).version)))
            counts["PUT"] += 1
        connection.close()

    async def read(larder, bound):
        connection = Connection(larder.port)
        while now() < ended:
            floor = acknowledged[bisect.bisect_right(acknowledged, now() - bound, key=lambda entry: entry[0]) - 1][1]
            answer = await connection.ask(get(url))
            if answer.is_error:
                wrong.append(answer)
            elif (version := content.judge(answer.body, url).version) < floor:
                stale.append((version, floor, answer.state))
            counts["GET"] += 1
        connection.close()

    async def listen():
        while now() < ended:
            began = now()
            status, _ = await readiness(larders[0])
            assert status == 200
            loop.append(now() - began)
            await asyncio.sleep(0.05)

    await asyncio.gather(*(write(larders[0]) for _ in range(8)), *(read(larders[0], 0) for _ in range(8)),
                         *(read(larders[1], HEARTBEAT) for _ in range(4)), listen())
    report.none(f"none of {sum(counts.values())} requests was an error", wrong)
    report.none(f"none of {counts['GET']} reads is older than an answered write, {counts['PUT']} of them", stale)
    report.held("there were both", min(counts.values()) > 0, counts)
    report.saw(f"/readyz took {sorted(loop)[len(loop) // 2] * 1000:.1f} ms in the median, "
               f"{max(loop) * 1000:.1f} ms at most, the rig's own time included")
    await stage.until_async(lambda: usable(larders[0], True), "Redis is in use")
