"""One client connection: a request out, its answer in, judged. And slow or rude variants of it.

An answer is never called whole by looking at its status alone: its framing must have ended it, and its content
must fit its own hash (content.judge).
"""

import asyncio
import json
import socket
import time
from dataclasses import dataclass, field

from faultrig.origin import reset

TIMEOUT = 20.0
HEAD_LIMIT = 1 << 16


@dataclass
class Answer:
    """What became of one request. `status` is None when no whole head came.

    end: "whole", "cut" (in the middle), "closed" (before a byte), "refused" (no connection), "late" (TIMEOUT).
    """
    end: str = "whole"
    status: int = None
    fields: dict = field(default_factory=dict)
    body: bytes = b""

    @property
    def is_error(self):
        return self.end != "whole" or self.status >= 500

    @property
    def state(self):
        """HIT, MISS, ..."""
        return self.fields.get("x-cache-status", "")

    def __str__(self):
        return f"{self.end} {self.status} {self.body[:120]!r}" if self.is_error else f"{self.status} {self.state}"


class Connection:
    """Opened by its first request, kept alive, opened again when the other side had closed it.

    `source` is the address of this side: one for all of thousands of connections, and its ports run out.
    `receive_buffer` is what may be on its way to it unread: little, for readers that are slow.
    """

    def __init__(self, port, host="127.0.0.1", source=None, receive_buffer=None):
        self._address, self._source, self._receive_buffer = (host, port), source, receive_buffer
        self._read_limit = receive_buffer or HEAD_LIMIT
        self.reader = self.writer = None
        self.reused = False

    async def open(self):
        connection = socket.socket()
        try:
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._receive_buffer:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer)
            if self._source:
                connection.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
                connection.bind((self._source, 0))
            await asyncio.get_running_loop().sock_connect(connection, self._address)
            self.reader, self.writer = await asyncio.open_connection(sock=connection, limit=self._read_limit)
        except BaseException:
            connection.close()
            raise
        self.reused = False

    @property
    def is_open(self):
        return self.writer is not None

    def close(self):
        if self.writer:
            self.writer.close()
            self.writer = None

    def reset(self):
        """With RST, as a process that was killed with data unread; it leaves no TIME_WAIT."""
        if self.writer:
            reset(self.writer)
            self.writer = None

    async def send(self, data):
        self.writer.write(data)
        await self.writer.drain()

    async def is_closed_within(self, seconds):
        """Does the other side end the connection by then? What it says before is thrown away."""
        try:
            async with asyncio.timeout(seconds):
                while await self.reader.read(HEAD_LIMIT):
                    pass
        except TimeoutError:
            return False
        except ConnectionError:
            pass
        return True

    async def ask(self, request, is_head=False, within=TIMEOUT):
        """Sends the bytes of a request and returns its Answer; never raises for what the other side does."""
        answer = Answer()
        try:
            async with asyncio.timeout(within):
                if self.writer is None:
                    try:
                        await self.open()
                    except ConnectionError:
                        return Answer("refused")
                try:
                    await self.send(request)
                except ConnectionError:
                    pass  # an answer may have come before the end, as a 408 or 503 does
                await self.read_answer(answer, is_head)
        except TimeoutError:
            answer.end = "late"
        if answer.end != "whole" or "close" in answer.fields.get("connection", "").lower():
            self.close()
        self.reused = True
        return answer

    async def read_answer(self, answer, is_head=False):
        answer.end = "closed"
        try:
            while True:
                head = await self.reader.readuntil(b"\r\n\r\n")
                answer.end = "cut"
                first, *lines = head.decode("latin-1").split("\r\n")[:-2]
                answer.status = int(first.split(" ")[1])
                if answer.status >= 200:
                    break
            for line in lines:
                name, _, value = line.partition(":")
                answer.fields[name.lower()] = value.strip()
            if not is_head and answer.status not in (204, 304):
                await self._read_content(answer)
            answer.end = "whole"
        except asyncio.IncompleteReadError as error:
            if answer.end == "closed" and error.partial:
                answer.end = "cut"
        except ConnectionError:
            pass

    async def _read_content(self, answer):
        if "chunked" in answer.fields.get("transfer-encoding", ""):
            parts = []
            while True:
                length = int((await self.reader.readuntil(b"\r\n")).split(b";")[0], 16)
                parts.append(await self.reader.readexactly(length))
                await self.reader.readexactly(2)
                if length == 0:
                    break
            answer.body = b"".join(parts)
        elif "content-length" in answer.fields:
            answer.body = await self.reader.readexactly(int(answer.fields["content-length"]))
        else:
            answer.body = await self.reader.read()


def get(url, fields=""):
    return f"GET {url} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n".encode()


def problem_of(answer):
    """What an error says of itself (problem+json), or why it says nothing."""
    if not answer.fields.get("content-type", "").startswith("application/problem+json"):
        return f"no problem+json but {answer.fields.get('content-type')} {answer.body[:80]!r}"
    problem = json.loads(answer.body)
    if problem.get("status") != answer.status:
        return f"a problem of status {problem.get('status')} in an answer of status {answer.status}"
    return None


def now():
    return time.monotonic()
