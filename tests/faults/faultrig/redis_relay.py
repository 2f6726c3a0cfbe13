"""Between Larder and Redis: passes bytes on, late, in drops, not at all, or others than Redis sent.

    relay = await stage.relay()
    relay.delay = 0.2            # seconds added to each reply
    relay.delays = at_work       # which connections: all, or only those that are past their greeting
    relay.dribble = 0.001        # seconds between single bytes of replies
    relay.swallows = True        # half-open: nothing is passed on either way, nothing is closed
    relay.falsify = f            # f(reply bytes) -> bytes, sent instead; None: as they are

Changed at any time, for connections that are open as well. It lives in the load's event loop.
"""

import asyncio

from faultrig.client import now
from rig.redis_server import DATABASE

CHUNK = 1 << 16
_WORK = (b"MGET", b"EVAL")  # what a connection says when it is in use, and never before


class Link:
    """One connection of Larder's."""

    def __init__(self):
        self.is_at_work = False
        self.writers = []


def at_work(link):
    return link.is_at_work


class RedisRelay:
    def __init__(self, port, redis_port):
        self.port, self._redis_port = port, redis_port
        self.delay = self.dribble = 0.0
        self.delays = lambda link: True
        self.swallows = self.refuses = False
        self.falsify = None
        self.connections = self.worked = 0  # ever made; of those, ever in use
        self._open, self._tasks = set(), set()
        self._server = None

    async def start(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def stop(self):
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}/{DATABASE}"

    def cut(self):
        """Ends all connections."""
        for link in list(self._open):
            for writer in link.writers:
                writer.transport.abort()

    async def _serve(self, reader, writer):
        link = Link()
        link.writers.append(writer)
        self.connections += 1
        self._open.add(link)
        try:
            if self.refuses:
                return
            from_redis, to_redis = await asyncio.open_connection("127.0.0.1", self._redis_port)
            link.writers.append(to_redis)
            pumps = [asyncio.ensure_future(self._requests(link, reader, to_redis)),
                     asyncio.ensure_future(self._replies(link, from_redis, writer))]
            self._tasks.update(pumps)
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._tasks.difference_update(pumps)
        except ConnectionError:
            pass  # Redis is not there, as it may be
        finally:
            self._open.discard(link)
            for end in link.writers:
                end.transport.abort()

    async def _requests(self, link, reader, writer):
        while data := await reader.read(CHUNK):
            if not link.is_at_work and any(word in data for word in _WORK):
                link.is_at_work = True
                self.worked += 1
            if self.swallows:
                continue
            writer.write(data)
            await writer.drain()

    async def _replies(self, link, reader, writer):
        """Replies are late by `delay` each, however many are on their way."""
        late = asyncio.Queue(1024)
        passing = asyncio.ensure_future(self._pass_late(late, writer))
        self._tasks.add(passing)
        try:
            while data := await reader.read(CHUNK):
                if self.swallows:
                    continue
                delayed = self.delay if self.delays(link) else 0.0
                if self.falsify and link.is_at_work:
                    data = self.falsify(data)
                await late.put((now() + delayed, data))
        finally:
            passing.cancel()
            self._tasks.discard(passing)

    async def _pass_late(self, late, writer):
        while True:
            due, data = await late.get()
            if (wait := due - now()) > 0:
                await asyncio.sleep(wait)
            if not self.dribble:
                writer.write(data)
                continue
            for byte in data:
                writer.write(bytes([byte]))
                await asyncio.sleep(self.dribble)
