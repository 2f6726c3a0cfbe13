"""R9: the master changes, behind Sentinels and in a Cluster. Each kind once: tests/e2e/test_redis_locations.py."""

import asyncio

from faultrig.client import now
from faultrig.scenario import NotPossibleHere, scenario
from rig.redis_places import FAILOVER_MS, PARTITIONS, Cluster, Watched
from scenarios.watching import hits_again, log_lines, no_errors

ROUNDS = 4
NEVER_TOLD = ("MOVED", "ASK ", "CLUSTERDOWN", "LOADING", "READONLY", "TRYAGAIN")


@scenario("R9")
async def failover(stage, report):
    """Failovers of a six-node Cluster and of a master behind Sentinels.

    Under load with writes, in seeded rounds: a master is killed and comes back empty; a master is stopped for three
    times as long as it takes to be taken for dead, and goes on; a slot of ours is moved; Sentinels are told to.
    No request is an error, nothing is older than an acknowledged write (I3), no word of Redis' reaches a client, and
    there are hits again after each.
    """
    if stage.scale.name != "long":
        raise NotPossibleHere("its quick form is tests/e2e/test_redis_locations.py")
    for kind, make, faults in (("Cluster", Cluster, CLUSTER_FAULTS), ("Sentinels", Watched, SENTINEL_FAULTS)):
        folder = stage.folder / kind
        folder.mkdir()
        # Not in a thread: a child dies with the thread that started it.
        redis = make(folder)
        stage.afterwards.append(redis.stop)
        await play_rounds(stage, report, kind, redis, faults)


async def play_rounds(stage, report, kind, redis, faults):
    larder = await stage.larder(redis=redis.url, redis_timeout="500ms", redis_connect_timeout="3s")
    load = stage.load(larder)
    await load.warm()
    async with load:
        await hits_again(stage, load, now(), report)
        for number in range(ROUNDS):
            fault = stage.random.choice(faults) if number >= len(faults) else faults[number]
            began = now()
            report.did(f"{kind}: {await fault(stage, redis)}")
            report.held("it was asked and written to meanwhile", bool(load.between(began, kinds={"put"})))
            await hits_again(stage, load, now(), report, within=30)
            await stage.until_async(lambda: asyncio.to_thread(redis.is_whole), f"the {kind} are whole again", within=60)
    no_errors(report, load)
    told = [record for record in load.records for word in NEVER_TOLD if word.encode() in record.answer.body]
    report.none("no client was told what Redis said", told)
    report.saw(f"{len(log_lines(larder))} lines of the log tell of it")


async def kill_master(stage, redis):
    """Its replica is promoted; it comes back empty, and as a replica."""
    killed = await asyncio.to_thread(redis.any_master, stage.random)
    killed.process.kill()
    began = now()
    await stage.until_async(lambda: asyncio.to_thread(redis.has_replaced, killed), "it was replaced", within=30)
    took = now() - began
    killed.start()
    return f"the master {killed.address} was killed, replaced after {took:.1f} s, and started again"


async def stop_master(stage, redis):
    """It goes on as a master that does not know yet that it no longer is."""
    stopped = await asyncio.to_thread(redis.any_master, stage.random)
    stopped.process.pause()
    await asyncio.sleep(3 * FAILOVER_MS / 1000)
    stopped.process.resume()
    return f"the master {stopped.address} was stopped for {3 * FAILOVER_MS} ms"


async def move_slot(stage, redis):
    partition = min(range(PARTITIONS), key=redis.slot)
    source = await asyncio.to_thread(redis.master_of, partition)
    target = stage.random.choice([node for node in await asyncio.to_thread(lambda: redis.masters)
                                  if node is not source])
    await asyncio.to_thread(redis.move, partition, target)
    return f"the slot of partition {partition} was moved from {source.address} to {target.address}"


async def tell_sentinels(stage, redis):
    before = await asyncio.to_thread(lambda: redis.master)
    await stage.until_async(lambda: asyncio.to_thread(redis.fail_over), "the Sentinels agree to it", within=30)
    await stage.until_async(lambda: asyncio.to_thread(redis.has_replaced, before), "it was replaced", within=30)
    return f"the Sentinels were told to replace {before.address}"


CLUSTER_FAULTS = [kill_master, stop_master, move_slot]
SENTINEL_FAULTS = [kill_master, stop_master, tell_sentinels]
