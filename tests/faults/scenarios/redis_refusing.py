"""R4, R5, R8: Redis is full, a read-only replica, or does not let Larder in or do its work."""

import asyncio

from faultrig.client import now
from faultrig.scenario import scenario
from rig.redis_server import DATABASE
from scenarios.origin import ask
from scenarios.watching import (
    hits_again,
    log_lines,
    no_errors,
    put,
    readiness,
    stats,
    usable,
    version_of,
)

SECRET = "s3cret-of-the-rig"
LINES = 40  # ten a minute for each subject


@scenario("R4")
async def full(stage, report):
    """Redis is out of memory: `noeviction`, then `allkeys-lru` with little room.

    Under load with writes.
    noeviction: no request is an error, what could not be stored is counted, evictions go on, the log stays short.
    allkeys-lru: keys vanish at random; plain misses, never half an entry (I1), never an older one (I3).
    """
    larder = await stage.larder()
    load = stage.load(larder)
    await load.warm()
    store = stage.redis.client()
    room = stage.scale.pick(store.info("memory")["used_memory"] + 200_000, 5 << 20)
    async with load:
        store.config_set("maxmemory-policy", "noeviction")
        store.config_set("maxmemory", room)
        await stage.until_async(lambda: failures(larder, 1), "something could not be stored")
        written = await put(larder, "/hot/3/")
        version = stage.origin.versions["/hot/3/"]
        report.held("a write is answered, and seen", written.status == 200 and
                    await version_of(larder, "/hot/3/") >= version, written)
        await stage.calm(load, stage.scale.pick(1, 20))
        found = await stats(larder)
        report.held("Redis is in use all the same", found["state"] == "in use", found)
        report.held("no eviction is pending", found["pending_evictions"] == 0)
        report.held("the log says why, and does not repeat itself", 0 < len(log_lines(larder, "OOM")) <= 10,
                    f"{len(log_lines(larder, 'OOM'))} lines of {found['failures']} failures")
        store.config_set("maxmemory-policy", "allkeys-lru")
        before = store.info("stats")["evicted_keys"]
        await stage.until(lambda: store.info("stats")["evicted_keys"] > before + stage.scale.pick(50, 1000),
                          "Redis drops keys", within=stage.scale.pick(15, 60))
        report.saw(f"{store.info('stats')['evicted_keys'] - before} keys dropped by Redis")
        store.config_set("maxmemory", "256mb")
        await hits_again(stage, load, now(), report)
    no_errors(report, load)


async def failures(larder, least):
    return (await stats(larder))["failures"] >= least


@scenario("R5")
async def read_only(stage, report):
    """Redis becomes a replica that takes no writes, and a master again.

    Under load with writes; its master is nowhere.
    A write is answered and its eviction remembered; from then on nothing in Redis is believed, so nothing is
    silently stale (I3); no request is an error; there are hits again when it takes writes.
    """
    larder = await stage.larder()
    load = stage.load(larder)
    await load.warm()
    store = stage.redis.client()
    async with load:
        await stage.calm(load, 0.3)
        store.replicaof("127.0.0.1", 1)
        url = "/hot/2/"
        await put(larder, url)
        version = stage.origin.versions[url]
        for _ in range(5):
            report.held("what was written is seen", await version_of(larder, url) >= version)
        await stage.until_async(lambda: usable(larder, False), "nothing there is believed")
        found = await stats(larder)
        report.held("the eviction is remembered", found["pending_evictions"] > 0, found)
        await stage.calm(load, stage.scale.pick(1, 20))
        report.held("the log says why, and does not repeat itself", 0 < len(log_lines(larder)) <= LINES,
                    f"{len(log_lines(larder))} lines")
        store.replicaof("NO", "ONE")
        await hits_again(stage, load, now(), report)
        await stage.until_async(lambda: usable(larder, True), "it is used again")
        report.held("nothing is pending", (await stats(larder))["pending_evictions"] == 0)
        report.held("what was written is seen still", await version_of(larder, url) >= version)
        await stage.calm(load, 0.3)
    no_errors(report, load)


@scenario("R8")
async def locked_out(stage, report):
    """A wrong password, a user who may not do the work, renamed commands.

    For each a Larder of its own: reads, a write, reads.
    All are answered, and after the write nothing older comes (I3); /readyz is 200 and says degraded where nothing
    can be stored; attempts have pauses between them; the password is in no log, no page and no error.
    """
    locked = await stage.another_redis("--requirepass", SECRET, password=SECRET)
    renamed = await stage.another_redis("--rename-command", "AUTH", "", "--rename-command", "INFO", "")
    half = await stage.another_redis("--rename-command", "DEL", "", "--rename-command", "EVAL", "",
                                     "--rename-command", "EVALSHA", "", "--rename-command", "SCRIPT", "")
    store = stage.redis.client()
    for user, rights in (("nodel", "-del"), ("noscripts", "-@scripting"), ("noset", "-set"), ("noread", "-mget")):
        store.execute_command("ACL", "SETUSER", user, "reset", "on", f">{SECRET}", "~*", "&*", "+@all", rights)
    stage.afterwards.append(lambda: store.execute_command("ACL", "DELUSER", "nodel", "noscripts", "noset", "noread"))
    cases = {
        "a wrong password": (locked, f":{SECRET}-not@", True),
        "AUTH is renamed": (renamed, f":{SECRET}@", True),
        "an unknown user": (stage.redis, f"nobody:{SECRET}@", True),
        "a user without DEL": (stage.redis, f"nodel:{SECRET}@", False),
        "a user without scripts": (stage.redis, f"noscripts:{SECRET}@", False),
        "a user without SET": (stage.redis, f"noset:{SECRET}@", False),
        "a user without MGET": (stage.redis, f"noread:{SECRET}@", False),
        "DEL and scripts are renamed": (half, "", False),
    }
    began = now()
    larders = await asyncio.gather(*(stage.larder(redis=f"redis://{who}127.0.0.1:{server.port}/{DATABASE}")
                                     for server, who, _ in cases.values()))
    await asyncio.gather(*(_locked_out(stage, report, name, larder, cases[name][2])
                           for name, larder in zip(cases, larders)))
    await asyncio.sleep(stage.scale.pick(0.2, 10))
    made = locked.client().info("stats")["total_connections_received"]
    most = attempts(now() - began)
    report.held("a wrong password: no more attempts than the pauses allow", made <= most, f"{made}, bound {most}")


async def _locked_out(stage, report, name, larder, is_shut_out):
    url = f"/hot/{larder.port}/"
    before = [(await ask(larder, url))[0] for _ in range(3)]
    written = await put(larder, url)
    version = stage.origin.versions[url]
    seen = [await version_of(larder, url) for _ in range(3)]
    report.held(f"{name}: answers come, a write too, and nothing older",
                not any(a.is_error for a in before) and written.status == 200 and min(seen) >= version,
                (*map(str, before), str(written), seen))
    if is_shut_out:
        await stage.until_async(lambda: usable(larder, False), "it is shut out")
    status, text = await readiness(larder)
    report.held(f"{name}: ready", status == 200 and ("degraded" in text or not is_shut_out), text.strip())
    said = log_lines(larder)
    page = str(await stats(larder)) + text
    report.held(f"{name}: no password in log or page", SECRET not in larder.larder.process.log_text() + page)
    report.held(f"{name}: the log says something, and stays short", 0 < len(said) <= LINES, said[-1][-150:])


def attempts(seconds):
    """The most that two threads and the listener to evictions make, with the least pauses that
    store/redis_backoff.hpp allows; and the rig's two."""
    pause, at, made = 0.025, 0.0, 1
    while at < seconds:
        at += pause
        pause, made = min(2 * pause, 0.5), made + 1
    return 3 * made + 2
