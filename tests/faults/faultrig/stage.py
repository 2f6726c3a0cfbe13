"""Where a scenario plays: Redis, an origin, Larders, loads; and what must be true of all of them at the end.

    async with Stage(scale, seed, folder, redis, report) as stage:
        larder = await stage.larder(first_byte_timeout="1s")
        async with stage.load(larder) as load: ...

Leaving it checks I1 to I7 on everything that took part.
"""

import asyncio
import itertools
import os
import random
import signal
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from faultrig import load, measure
from faultrig.client import now
from faultrig.origin import Origin
from faultrig.redis_relay import RedisRelay
from rig.larder import Larder, is_sanitized
from rig.processes import Process, free_port
from rig.redis_server import RedisServer

MEMORY_MIB = 32
PER_CONNECTION_KIB = 96  # an active one, with a buffer for each side
SLACK_KIB = 24 * 1024  # stacks, arenas, what warming up takes
CALM_SECONDS = 10


@dataclass(frozen=True)
class Scale:
    """How large a form of the scenarios is. `judged`: are bounds that depend on the machine's speed held?"""
    name: str
    rate: int
    hot: int
    judged: bool

    def pick(self, quick, long):
        return long if self.name == "long" else quick


QUICK = Scale("quick", rate=250, hot=100, judged=False)
LONG = Scale("long", rate=1000, hot=500, judged=True)


@dataclass
class Watched:
    """One Larder, and what it used before, at most and after."""
    larder: Larder
    folder: Path
    connections: int
    before_kib: int
    before: Counter
    peak_kib: int = 0
    peak_descriptors: int = 0
    is_judged: bool = True

    @property
    def pid(self):
        return self.larder.process.pid

    @property
    def port(self):
        return self.larder.port

    @property
    def is_running(self):
        return self.larder.process.exit_code is None


class Stage:
    def __init__(self, scale, seed, folder, redis, report):
        self.scale, self.seed, self.folder, self.redis, self.report = scale, seed, folder, redis, report
        self.random = random.Random(seed)
        self.origin = Origin(free_port())
        self._origins, self._loads, self.watched, self._processes = [self.origin], [], [], []
        self._relays, self._servers = [], []
        self._numbers = itertools.count()
        self._sampler = None
        self.afterwards = []  # called when all processes have ended

    async def __aenter__(self):
        await self.origin.start()
        self._sampler = asyncio.create_task(self._sample())
        return self

    async def __aexit__(self, kind, *_):
        try:
            if kind is None:
                await self._judge()
        finally:
            self._sampler.cancel()
            for origin in self._origins:
                await origin.stop()
            complaints, left = [], []
            for watched in self.watched:
                complaints += filter(None, [await asyncio.to_thread(watched.larder.stop)])
                left += os.listdir(watched.folder)
            self.report.none("I6 ended with status 0 on SIGTERM, no crash, no sanitizer report", complaints)
            self.report.none("I7 nothing was written to its folder", left)
            for relay in self._relays:
                await relay.stop()
            for server in self._servers:
                await asyncio.to_thread(server.stop)
            for process in self._processes:
                await asyncio.to_thread(process.stop, signal.SIGQUIT)  # gunicorn's word for at once
            for tidy_up in self.afterwards:
                tidy_up()

    # --- who takes part ---

    async def larder(self, upstream=None, redis=True, rules=load.RULES, wrapped=(), port=None, connections=64,
                     env=None, memory=f"{MEMORY_MIB}MiB", **settings):
        """Starts one; `settings` as in the settings reference. `connections` is how many the memory bound allows.

        `redis`: the stage's, or another one's URL; False: none.
        """
        number = next(self._numbers)
        folder = self.folder / f"cwd-{number}"
        folder.mkdir()
        path = self.folder / f"rules-{number}.yaml"
        path.write_text(rules)
        settings.setdefault("drain_timeout", "10s")
        settings.setdefault("redis_timeout", "5s")  # so that a busy machine does not make misses of hits
        if self.scale is QUICK:
            settings.setdefault("origin_idle_timeout", "300ms")  # else the pool is what the end waits for
        arguments = [text for name, value in settings.items()
                     for text in (f"--{name.replace('_', '-')}", str(value))]
        larder = await asyncio.to_thread(
            Larder, upstream or self.origin.url, path, self.folder,
            redis=self.redis.url if redis is True else redis or None, memory=memory, arguments=arguments,
            wrapped=wrapped, port=port, cwd=folder, env={"TMPDIR": str(folder), **(env or {})})
        watched = Watched(larder, folder, connections, measure.resident_kib(larder.process.pid),
                          self.descriptors(larder))
        self.watched.append(watched)
        return watched

    def load(self, watched, rate=None, **options):
        made = load.Load(watched.port, f"{self.seed}-{len(self._loads)}", rate or self.scale.rate, self.scale.hot,
                         **options)
        self._loads.append(made)
        return made

    async def relay(self, server=None):
        """What stands between Larder and Redis; its `url` is what Larder is given."""
        made = RedisRelay(free_port(), (server or self.redis).port)
        self._relays.append(made)
        await made.start()
        return made

    def start_redis_again(self):
        """Not in a thread: a child dies with the thread that started it (setpriv --pdeathsig), and others need it."""
        self.redis.start()

    async def another_redis(self, *options, password=None):
        made = await asyncio.to_thread(RedisServer, self.folder, options, password)
        self._servers.append(made)
        return made

    async def another_origin(self, host, port):
        made = Origin(port, host)
        made.versions = self.origin.versions  # one Django behind several addresses
        self._origins.append(made)
        await made.start()
        return made

    async def process(self, name, argv, env=None, cwd=None):
        made = await asyncio.to_thread(Process, name, argv, self.folder / f"{name}.log", env, cwd)
        self._processes.append(made)
        return made

    # --- waiting and measuring ---

    async def until(self, condition, what, within=10.0, every=0.02):
        """Polls; the time it took. Fails the scenario at the deadline."""
        began = now()
        while not condition():
            if now() - began > within:
                raise AssertionError(f"within {within:g} s it never was true that {what}")
            await asyncio.sleep(every)
        return now() - began

    async def until_async(self, condition, what, within=15.0):
        """As until(), with a condition that has to be awaited."""
        began = now()
        while not await condition():
            if now() - began > within:
                raise AssertionError(f"within {within:g} s it never was true that {what}")
            await asyncio.sleep(0.02)

    async def calm(self, load, seconds):
        """Lets the load run undisturbed; its records of that time."""
        began = now()
        await asyncio.sleep(seconds)
        return load.between(began)

    def descriptors(self, larder):
        redis = {server.port: "redis" for server in (self.redis, *self._servers, *self._relays)}
        ports = {larder.port: "client", larder.admin_port: "admin", **redis,
                 **{origin.port: "origin" for origin in self._origins}}
        return measure.descriptors(larder.process.pid, ports)

    async def _sample(self):
        while True:
            for watched in self.watched:
                try:
                    watched.peak_kib = max(watched.peak_kib, measure.resident_kib(watched.pid))
                    watched.peak_descriptors = max(watched.peak_descriptors, measure.descriptor_count(watched.pid))
                except (FileNotFoundError, ProcessLookupError, StopIteration):
                    pass  # it has ended
            await asyncio.sleep(0.1)

    # --- the invariants ---

    async def _judge(self):
        report = self.report
        violations = [violation for load in self._loads for violation in load.violations]
        violations += [violation for origin in self._origins for violation in origin.violations]
        reached = sum((origin.posts for origin in self._origins), start=Counter())
        for load in self._loads:
            violations += [f"I4 POST {identity} was answered 200 and reached the origin {reached[identity]} times"
                           for identity, answer in load.posted.items()
                           if answer.end == "whole" and answer.status == 200 and reached[identity] != 1]
        asked = sum(len(load.records) for load in self._loads)
        report.none(f"I1 to I4 on each of {asked} answers", violations)
        for watched in self.watched:
            if watched.is_running and watched.is_judged:
                await self._judge_resources(watched)

    async def _judge_resources(self, watched):
        report = self.report
        before = {kind: count for kind, count in watched.before.items() if kind != "admin"}

        def is_back():
            kinds = self.descriptors(watched.larder)
            # Redis is connected to when it is first needed, by each thread; admin is this rig's own doing.
            return all(count <= before.get(kind, 0) + (2 if kind in ("redis", "admin") else 0)
                       for kind, count in kinds.items())

        try:
            took = await self.until(is_back, "", CALM_SECONDS, every=0.1)
            report.held("I5 descriptors are back where they were within 10 s", True,
                        f"{sum(watched.before.values())} before, {watched.peak_descriptors} at most, "
                        f"{measure.descriptor_count(watched.pid)} after {took:.1f} s")
        except AssertionError:
            report.held("I5 descriptors are back where they were within 10 s", False,
                        f"before {dict(watched.before)}, now {dict(self.descriptors(watched.larder))}")
        bound = 1.1 * (watched.before_kib + MEMORY_MIB * 1024 + watched.connections * PER_CONNECTION_KIB) + SLACK_KIB
        after = measure.resident_kib(watched.pid)
        if is_sanitized():
            report.saw(f"resident memory {watched.before_kib} KiB before, {watched.peak_kib} at most, {after} after "
                       "(not judged: a sanitizer keeps freed memory)")
        else:
            report.held("I5 resident memory stays below cap + 10 %", watched.peak_kib <= bound,
                        f"{watched.before_kib} KiB before, {watched.peak_kib} at most, {after} after, "
                        f"bound {bound:.0f}")
        stray = measure.files_written(watched.pid) - {str(watched.larder.process.log)}
        report.held("I7 no file but the log is open for writing", not stray, stray or None)
