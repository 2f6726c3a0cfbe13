"""R1 to R3 and R10: Redis is killed, stopped, slow, cut off. Single cases: tests/e2e/test_redis_faults.py."""

import asyncio

from faultrig import measure
from faultrig.client import now
from faultrig.load import percentile
from faultrig.redis_relay import at_work
from faultrig.scenario import scenario
from scenarios.origin import ask
from scenarios.watching import hits_again, log_lines, no_errors, put, readiness, stats, usable, version_of

# The least time between losses of a Redis that is slow at work, as store/redis_backoff.hpp has it, in seconds.
LEAST_PAUSES = (0.025, 0.5, 1, 2, 4, 8, 8, 8, 8, 8)


@scenario("R1")
async def killed(stage, report):
    """Redis is killed, and comes back empty.

    kill -9 under load, some seconds down, started again.
    No request is an error; who was waiting waits for Tr at most, after that nobody waits; /readyz says degraded
    and stays 200; there are hits again within 2 s of the return.
    """
    tr = stage.scale.pick(0.5, 0.05)
    larder = await stage.larder(redis_timeout=f"{tr * 1000:.0f}ms")
    load = stage.load(larder)
    await load.warm()
    async with load:
        before = await stage.calm(load, stage.scale.pick(0.7, 10))
        began = now()
        await asyncio.to_thread(stage.redis.process.kill)
        await stage.until_async(lambda: readiness_is(larder, "degraded"), "/readyz says degraded")
        await stage.calm(load, stage.scale.pick(0.7, 20))
        ended = now()
        stage.start_redis_again()
        back = now()
        await hits_again(stage, load, back, report)
        await stage.calm(load, stage.scale.pick(0.5, 10))
        await stage.until_async(lambda: readiness_is(larder, "ready"), "/readyz says ready again")
    no_errors(report, load)
    during = load.between(began, ended)
    report.held("there was load while it was down", during, len(during))
    report.at_most("p99 of those, ms", percentile(during) * 1000,
                   2 * percentile(before) * 1000 + tr * 1000, " ms", judged=stage.scale.judged)
    report.held("the log tells of it and does not repeat itself", 0 < len(log_lines(larder)) <= 40,
                f"{len(log_lines(larder))} lines")


async def readiness_is(larder, word):
    status, text = await readiness(larder)
    assert status == 200, text
    return word in text and ("degraded" in text) == (word == "degraded")


@scenario("R2")
async def stopped(stage, report):
    """Redis is stopped (SIGSTOP) and goes on.

    Under load with writes; twice, so that replies to requests from before are late.
    Nobody waits longer than Tr + 20 ms; late replies answer nobody, late writes bring back nothing (I1, I3);
    there are hits again.
    """
    tr = stage.scale.pick(0.5, 0.05)
    larder = await stage.larder(redis_timeout=f"{tr * 1000:.0f}ms")
    load = stage.load(larder)
    await load.warm()
    async with load:
        before = await stage.calm(load, stage.scale.pick(0.7, 10))
        for _ in range(2):
            began = now()
            await asyncio.to_thread(stage.redis.process.pause)
            await stage.until_async(lambda: usable(larder, False), "it is known to be away")
            written = await put(larder, "/hot/3/")
            report.held("a write is answered meanwhile", written.status == 200, written)
            await stage.calm(load, stage.scale.pick(0.5, 10))
            stage.redis.process.resume()
            await hits_again(stage, load, now(), report)
            waited = load.between(began, kinds={"hot", "brief", "cold", "pass"})
            version = stage.origin.versions["/hot/3/"]
            report.held("and its eviction outlives the return", await version_of(larder, "/hot/3/") >= version)
            report.at_most("the longest wait", max(r.took for r in waited) * 1000,
                           (tr + 0.02 + 2 * percentile(before)) * 1000, " ms", judged=stage.scale.judged)
        await stage.calm(load, stage.scale.pick(0.5, 5))
        report.held("nothing is pending", (await stats(larder))["pending_evictions"] == 0)
    no_errors(report, load)


@scenario("R3")
async def slow(stage, report):
    """Redis is slow: 50, 200, 1000 ms added to each reply; quick to greet and slow at work; dribbling.

    The deadline Tr is 20 ms.
    No request is an error, pass-through does not notice; a Redis that is slow at work alone is tried less and less
    often, so that hardly a request waits for it.
    """
    tr, away = 0.02, stage.scale.pick(0.3, 5)
    relay = await stage.relay()
    larder = await stage.larder(redis=relay.url, redis_timeout=f"{tr * 1000:.0f}ms")
    load = stage.load(larder)
    async with load:
        before = await stage.calm(load, stage.scale.pick(0.7, 10))
        for delay in (0.05, 0.2, 1.0):
            relay.delay = delay
            during = await stage.calm(load, away)
            passed = [r for r in during if r.kind == "pass"]
            report.at_most(f"p99 of what is passed on, {delay:g} s added", percentile(passed) * 1000,
                           2 * percentile(before) * 1000, " ms", judged=stage.scale.judged)
        relay.delay, relay.dribble = 0.0, 0.002
        await stage.calm(load, away)
        relay.dribble = 0.0

        # Slow at work alone: each attempt looks well, and the first who ask pay.
        relay.cut()
        relay.delay, relay.delays = 0.2, at_work
        relay.worked, began = 0, now()
        await stage.calm(load, stage.scale.pick(2, 30))
        lasted, tried = now() - began, relay.worked
        late = [r for r in load.between(began) if r.kind in ("hot", "brief", "cold") and r.took >= tr]
        threads, most, pauses = 2, 1, 0.0
        for pause in LEAST_PAUSES:
            pauses += pause
            most += pauses <= lasted
        report.held(f"slow at work for {lasted:.1f} s: tried at most {most} times by each of {threads} threads",
                    tried <= threads * most and (tried or not stage.scale.judged), tried)
        report.saw(f"{len(late)} of {len(load.between(began))} requests took {tr * 1000:.0f} ms or longer")
        relay.delay, back = 0.0, now()
        if stage.scale.judged:
            await hits_again(stage, load, back, report, within=20)
    no_errors(report, load)


@scenario("R10")
async def cut_off(stage, report):
    """Connections to Redis are killed again and again, half open, or no more than five.

    CLIENT KILL at short intervals; a relay that swallows everything while writes go on; maxclients 5 for two
    Larders.
    No request is an error; what was evicted while cut off is not seen after the return, on either replica; no
    descriptor is lost.
    """
    relay = await stage.relay()
    larder = await stage.larder(redis=relay.url, redis_timeout=stage.scale.pick("500ms", "100ms"))
    load = stage.load(larder)
    await load.warm()
    store = stage.redis.client()
    async with load:
        every = stage.scale.pick(0.2, 0.5)
        for _ in range(stage.scale.pick(6, 40)):
            await asyncio.to_thread(store.client_kill_filter, _type="normal", skipme=True)
            await stage.calm(load, every)
        await hits_again(stage, load, now(), report)

        # Half open: both ends believe in the connection, nothing passes.
        url = "/hot/1/"
        other = await stage.larder()
        await ask(other, url)
        relay.swallows = True
        await stage.until_async(lambda: usable(larder, False), "it is known to be away")
        written = await put(larder, url)
        report.held("a write is answered", written.status == 200, written)
        pending = (await stats(larder))["pending_evictions"]
        report.held("its eviction is remembered", pending > 0, f"{pending} tags")
        version = stage.origin.versions[url]
        report.held("the writer's replica is new at once", await version_of(larder, url) >= version)
        relay.swallows = False
        relay.cut()
        await stage.until_async(lambda: usable(larder, True), "it is used again")
        report.held("nothing is pending then", (await stats(larder))["pending_evictions"] == 0)
        report.held("and what comes is new", await version_of(larder, url) >= version)
        await stage.until_async(lambda: is_new(other, url, version), "the other replica is new")

        # Two Larders of two threads want four connections, and this rig has one.
        store.config_set("maxclients", 5 if stage.scale.judged else 3)
        await asyncio.to_thread(store.client_kill_filter, _type="normal", skipme=True)
        await stage.calm(load, stage.scale.pick(1, 10))
        store.config_set("maxclients", 10000)
        await hits_again(stage, load, now(), report)
    no_errors(report, load)
    report.saw(f"{measure.descriptor_count(larder.pid)} descriptors at the end")
    report.held("the log stays short", len(log_lines(larder)) <= 40, f"{len(log_lines(larder))} lines")


async def is_new(larder, url, version):
    return await version_of(larder, url) >= version
