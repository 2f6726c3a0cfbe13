"""The origin of the fault scenarios: answers any URL with content that says what it is, and obeys faults.

It lives in the load's own event loop, so that thousands of exchanges need no threads and a scenario changes
what it does between two of them. What arrives is judged: a request counts as complete only with all of its
content, whose SHA-256 the field X-Sum names, and each POST must bring an id that never came before (I4).

    origin.script = script       # async def script(exchange) -> bool: True if it has dealt with the request
"""

import asyncio
import hashlib
import socket
import struct
from collections import Counter

from faultrig import content

SIZES = (300, 900, 2_000, 6_000, 20_000)
BODY_LIMIT = 1 << 16
TCP_ESTABLISHED = 1


def size_of(url):
    """The same for a URL each time, different between URLs."""
    return SIZES[sum(url.encode()) % len(SIZES)]


def reset(writer):
    """Ends the connection with RST, unless it has ended."""
    connection = writer.get_extra_info("socket")
    if connection.fileno() >= 0:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()


class Exchange:
    """One request whose head has been read, and the way to answer it."""

    def __init__(self, origin, method, target, fields, reader, writer, number):
        self.method, self.target, self.fields = method, target, fields
        self.path = target.partition("?")[0]
        self.connection_number, self.nth = number, 0
        self.is_open = True
        self._origin, self._reader, self._writer = origin, reader, writer

    async def read_content(self):
        """Reads all of it and judges it; raises IncompleteReadError where it was cut."""
        if "100-continue" in self.fields.get("expect", ""):
            self._writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        digest, size = hashlib.sha256(), 0
        async for piece in self._pieces():
            digest.update(piece)
            size += len(piece)
        if digest.hexdigest() != self.fields.get("x-sum", digest.hexdigest()):
            self._origin.violations.append(
                f"I1 the origin got {self.method} {self.target} complete, but {size} bytes that do not fit their hash")
        return size

    async def _pieces(self):
        if "chunked" in self.fields.get("transfer-encoding", ""):
            while True:
                length = int((await self._reader.readline()).split(b";")[0] or b"x", 16)
                if length == 0:
                    while (line := await self._reader.readline()) != b"\r\n":
                        if not line:
                            raise asyncio.IncompleteReadError(b"", None)
                    return
                yield await self._reader.readexactly(length)
                await self._reader.readexactly(2)
        left = int(self.fields.get("content-length", 0))
        while left:
            piece = await self._reader.read(min(left, BODY_LIMIT))
            if not piece:
                raise asyncio.IncompleteReadError(b"", left)
            left -= len(piece)
            yield piece

    async def send(self, data):
        self._writer.write(data)
        await self._writer.drain()

    async def answer(self, status=200, body=b"", fields=""):
        head = f"HTTP/1.1 {status} Said\r\nContent-Type: text/plain\r\n{fields}Content-Length: {len(body)}\r\n\r\n"
        await self.send(head.encode() + (b"" if self.method == "HEAD" else body))

    async def hold(self, gate):
        """Until gate.set(); raises ConnectionError when the other side gives up before."""
        waits = [asyncio.ensure_future(gate.wait()), asyncio.ensure_future(self._reader.read(1))]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if waits[1].done():
                raise ConnectionError("the other side went away")
        finally:
            for wait in waits:
                wait.cancel()

    @property
    def is_wanted(self):
        """Is the other side still there? Asked of the kernel: its FIN may not have been read yet."""
        connection = self._writer.get_extra_info("socket")
        return connection.fileno() >= 0 and \
            connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == TCP_ESTABLISHED

    def close(self):
        self.is_open = False
        self._writer.close()

    def reset(self):
        self.is_open = False
        reset(self._writer)


class Origin:
    def __init__(self, port, host="127.0.0.1"):
        self.host, self.port = host, port
        self.script = None
        self.violations = []
        self.versions, self.posts, self.seen = Counter(), Counter(), Counter()
        self.incomplete = []  # targets whose content was cut
        self.peak_in_flight = self.connections = self.serial = 0
        self.in_flight = set()
        self.on_accept = None  # called with the writer of a new connection; True: the connection is over
        self._server, self._open = None, set()

    @property
    def url(self):
        return f"http://{self.host}:{self.port}"

    async def start(self):
        self._server = await asyncio.start_server(self._serve, self.host, self.port, backlog=4096, limit=BODY_LIMIT)

    async def stop(self):
        """As a killed one: connects are refused, connections reset."""
        if self._server:
            self._server.close()
            self._server = None
        for writer in list(self._open):
            writer.transport.abort()
        await asyncio.sleep(0)  # so that the loop has closed the sockets when this returns

    def make(self, url, size=None):
        self.serial += 1
        return content.make(url, self.versions[url], self.serial, size_of(url) if size is None else size)

    async def _serve(self, reader, writer):
        self.connections += 1
        number, nth = self.connections, 0
        self._open.add(writer)
        try:
            if self.on_accept and self.on_accept(writer):
                return
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                exchange = self._parse(head, reader, writer, number)
                nth += 1
                exchange.nth = nth
                self.in_flight.add(exchange)
                if len(self.in_flight) > self.peak_in_flight:
                    wanted = sum(other.is_wanted for other in self.in_flight)
                    self.peak_in_flight = max(self.peak_in_flight, wanted)
                try:
                    await self._deal_with(exchange)
                finally:
                    self.in_flight.discard(exchange)
                if not exchange.is_open:
                    return
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            pass  # the other side went away: its right
        except (ValueError, asyncio.LimitOverrunError) as error:
            self.violations.append(f"I1 the origin got what is no request: {error!r}")
        except asyncio.CancelledError:
            pass  # the scenario is over
        finally:
            self._open.discard(writer)
            writer.close()

    def _parse(self, head, reader, writer, number):
        first, *lines = head.decode("latin-1").split("\r\n")[:-2]
        method, target, _ = first.split(" ")
        fields = {}
        for line in lines:
            name, _, value = line.partition(":")
            fields[name.lower()] = value.strip()
        self.seen[method, target.partition("?")[0]] += 1
        return Exchange(self, method, target, fields, reader, writer, number)

    async def _deal_with(self, exchange):
        if exchange.method == "POST":
            # Counted by its head: what arrived may have been acted on, whatever became of its content.
            identity = exchange.fields.get("x-id")
            self.posts[identity] += 1
            if self.posts[identity] > 1:
                self.violations.append(f"I4 POST {identity} reached the origin {self.posts[identity]} times")
        if self.script and await self.script(exchange):
            return
        await self.answer(exchange)

    async def answer(self, exchange, size=None):
        """What it says where nothing is wrong."""
        try:
            await exchange.read_content()
        except asyncio.IncompleteReadError:
            self.incomplete.append(exchange.target)
            raise
        if exchange.method not in ("GET", "HEAD"):
            self.versions[exchange.path] += 1
        await exchange.answer(body=self.make(exchange.path, size))
