"""An origin for wire tests: keeps each byte that reaches it, and answers as a case of the corpus says.

What no script answers is answered honestly: with the bytes of the request as they came (a mirror: what
coloured a request that was to be stored shows in what others get), and `Connection: close`, so that no
connection is left over for the next case.
"""

import array
import fcntl
import re
import select
import socket
import struct
import termios
import threading
from dataclasses import dataclass

from rig.waiting import eventually

DEADLINE = 10.0
PROBE = b"/probe/"  # requests of the tests' own; not noted


@dataclass(frozen=True)
class Arrived:
    """A request as it came. Not whole: the connection ended within it, or it cannot be understood."""

    data: bytes
    is_whole: bool


class _Connection:
    """Reads requests off a socket; what was read and belongs to none yet is in `pending`."""

    def __init__(self, connected):
        self.socket, self.pending = connected, b""

    def _more(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionError:
            data = b""
        self.pending += data
        return bool(data)

    def has_head(self):
        """Reads on until a head is there; False when the connection ended before."""
        while b"\r\n\r\n" not in self.pending:
            if not self._more():
                return False
        return True

    @property
    def head(self):
        return self.pending[:self.pending.index(b"\r\n\r\n") + 4]

    def take_content(self, framing):
        """Reads on until the content is there too, and takes the request; None when the connection ended."""
        at = len(self.head)
        while True:
            end = framing(self.pending, at)
            if end is not None:
                request, self.pending = self.pending[:end], self.pending[end:]
                return request
            if not self._more():
                return None

    def drain(self):
        while self._more():
            pass


def values_of(head, name):
    return [value.strip() for value in re.findall(rb"(?im)^" + re.escape(name) + rb":([^\r\n]*)\r$", head)]


def framing_of(head):
    """Where the content of this request ends: f(bytes, start) -> end, or None while it is not there.

    No framing at all where the head is not as strict as Larder has to write it: that is a ValueError.
    """
    lengths, codings = values_of(head, b"content-length"), values_of(head, b"transfer-encoding")
    if len(lengths) + len(codings) > 1:
        raise ValueError(f"more than one framing in {head!r}")
    if lengths:
        if not re.fullmatch(rb"[0-9]+", lengths[0]):
            raise ValueError(f"a length that is none in {head!r}")
        size = int(lengths[0])
        return lambda data, at: at + size if len(data) >= at + size else None
    if codings:
        if codings[0] != b"chunked":
            raise ValueError(f"a coding that is not chunked in {head!r}")
        return _end_of_chunks
    return lambda data, at: at


def _end_of_chunks(data, at):
    while True:
        line = data.find(b"\r\n", at)
        if line < 0:
            return None
        size = data[at:line]
        if not re.fullmatch(rb"[0-9a-f]{1,16}", size):
            raise ValueError(f"a chunk size that Larder would not write: {size!r}")
        at = line + 2 + int(size, 16) + 2
        if len(data) < at:
            return None
        if data[at - 2:at] != b"\r\n":
            raise ValueError(f"a chunk that does not end in CRLF: {data[at - 12:at]!r}")
        if int(size, 16) == 0:
            return at


def joined_chunks(request):
    """The same request with all its chunks made one, since where they are cut is nobody's promise."""
    head, _, content = request.partition(b"\r\n\r\n")
    if values_of(head + b"\r\n", b"transfer-encoding") != [b"chunked"]:
        return request
    data, at = b"", 0
    while True:
        size, _, rest = content[at:].partition(b"\r\n")
        if int(size, 16) == 0:
            break
        data += rest[:int(size, 16)]
        at += len(size) + 2 + int(size, 16) + 2
    chunk = b"%x\r\n%b\r\n" % (len(data), data) if data else b""
    return head + b"\r\n\r\n" + chunk + b"0\r\n\r\n"


class WireOrigin:
    def __init__(self):
        self._lock = threading.Lock()
        self._replies, self._arrived, self.errors = [], [], []
        self._open = set()
        self._to_be_closed = []
        self._client_is_done, self._late = threading.Event(), []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()

    # --- for the tests ---

    def begin(self, replies=()):
        """From now on requests are noted anew and answered by these, one each in order, then honestly.

        Connections that a case before has left open, having failed, are ended: its failure is its own.
        """
        for connected in list(self._open):
            try:
                connected.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        with self._lock:
            self._replies, self._arrived, self.errors = list(replies), [], []
            self._to_be_closed, self._late = [], []
            self._client_is_done = threading.Event()

    def client_is_done(self):
        """The client has all its answers: what was to come later is sent, and is with the other side then."""
        self._client_is_done.set()
        for sent in list(self._late):
            assert sent.wait(DEADLINE), "what the origin sends later was not delivered"

    def wait_for_closed(self):
        """Until Larder has closed what it must throw away."""
        for ended in list(self._to_be_closed):
            assert ended.wait(DEADLINE), "Larder kept a connection that it has to throw away"

    def has_open_connections(self):
        return bool(self._open)

    def arrived(self):
        with self._lock:
            return list(self._arrived)

    # --- serving ---

    def _accept(self):
        while True:
            try:
                connected, _ = self._listener.accept()
            except OSError:
                return
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connected.settimeout(DEADLINE)
            self._open.add(connected)
            threading.Thread(target=self._serve, args=(_Connection(connected),), daemon=True).start()

    def _serve(self, connection):
        try:
            while connection.has_head() and self._answer_one(connection):
                pass
        except TimeoutError:
            pass  # idle in Larder's pool for long: not a case's doing
        except Exception as error:  # noqa: BLE001  (looked at after each case)
            with self._lock:
                self.errors.append(repr(error))
        finally:
            if connection.pending:
                with self._lock:
                    self._arrived.append(Arrived(connection.pending, False))
            connection.socket.close()
            self._open.discard(connection.socket)

    def _answer_one(self, connection):
        """False when the connection has ended."""
        head = connection.head
        is_probe = head.split(b" ")[1].startswith(PROBE)
        reply = None
        with self._lock:
            if self._replies and not is_probe:
                reply = self._replies.pop(0)
        framing = framing_of(head)
        if reply and reply.after == "head":
            self._send(connection, reply.parts)
        elif values_of(head, b"expect"):
            connection.socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        request = connection.take_content(framing)
        if request is None:
            return False
        if not is_probe:
            with self._lock:
                self._arrived.append(Arrived(request, True))
        if reply is None:
            return self._answer_honestly(connection, request)
        ended = threading.Event()
        if reply.awaits_close:
            self._to_be_closed.append(ended)
        if reply.later:
            self._late.append(threading.Event())
        late = self._late[-1] if reply.later else None
        if reply.after == "request":
            self._send(connection, reply.parts)
        if late:
            self._send_later(connection, reply.later, late)
        if reply.ends == "reset":
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        if reply.ends == "close":
            return self._end(connection)
        if reply.awaits_close:
            connection.drain()
            ended.set()
            return False
        return True

    @staticmethod
    def _send(connection, parts):
        try:
            for part in parts:
                connection.socket.sendall(part)
        except ConnectionError:
            pass  # Larder has had enough already, which is its right

    def _send_later(self, connection, data, sent):
        assert self._client_is_done.wait(DEADLINE), "the client was never done"
        self._send(connection, [data])
        unsent = array.array("i", [0])

        def is_delivered():
            if select.select([connection.socket], [], [], 0)[0]:
                return True  # the other side has closed, or asks again: too late for it to arrive before
            fcntl.ioctl(connection.socket.fileno(), termios.TIOCOUTQ, unsent)
            return unsent[0] == 0

        eventually(is_delivered, "what the origin sends later is delivered", every=0.001)
        sent.set()

    def _answer_honestly(self, connection, request):
        head = (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
                % len(request))
        is_head = request.startswith(b"HEAD ")
        self._send(connection, [head if is_head else head + request])
        return self._end(connection)

    @staticmethod
    def _end(connection):
        """An orderly end; what still comes is noted, since nothing should."""
        try:
            connection.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        connection.drain()
        return False
