"""A client that takes nothing for granted: reads each response strictly, and knows what was cut off."""

import re
import socket
from dataclasses import dataclass, field
from urllib.parse import urlsplit

DEADLINE = 10.0
STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9]{2}) [\t\x20-\x7e\x80-\xff]*\r\n")
FIELD_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*\r\n")
CHUNK_SIZE = re.compile(rb"([0-9a-f]{1,16})\r\n")


class CutOff(Exception):
    """The connection ended within a response; `response` is what had come of it."""

    def __init__(self, response):
        super().__init__(f"cut off: {response}")
        self.response = response


@dataclass
class Response:
    status: int
    head: bytes
    fields: list = field(default_factory=list)  # of (name in lower case, value)
    body: bytes = b""
    trailers: list = field(default_factory=list)

    def values(self, name):
        return [value for key, value in self.fields if key == name]


class Client:
    def __init__(self, base):
        url = urlsplit(base)
        self._socket = socket.create_connection((url.hostname, url.port), timeout=DEADLINE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()
        self._socket.close()

    def send(self, data):
        """False when the other side has gone, which is its right once it has refused."""
        try:
            self._socket.sendall(data)
            return True
        except OSError:
            return False

    def end_sending(self):
        self._socket.shutdown(socket.SHUT_WR)

    def read(self, method=b"GET"):
        """The next response, interim or final; None when the connection has ended before it."""
        line = self._line()
        if not line:
            return None
        match = STATUS_LINE.fullmatch(line)
        if not match:
            if not line.endswith(b"\n"):
                raise CutOff(Response(0, line))
            raise AssertionError(f"no status line: {line!r}")
        response = Response(int(match.group(1)), line)
        while True:
            line = self._line()
            response.head += line
            if line == b"\r\n":
                break
            if not line.endswith(b"\n"):
                raise CutOff(response)
            match = FIELD_LINE.fullmatch(line)
            assert match, f"no field line: {line!r} in {response.head!r}"
            response.fields.append((match.group(1).lower().decode(), match.group(2)))
        self._read_content(response, method)
        return response

    def read_end(self):
        """What comes before the connection's end; nothing, if all is well. The deadline is a failure."""
        try:
            return self._file.read()
        except ConnectionError:
            return b""

    def _line(self):
        try:
            return self._file.readline(1 << 20)
        except ConnectionError:
            return b""

    def _read_up_to(self, size):
        """Less only where the connection ended."""
        data = b""
        try:
            while len(data) < size:
                piece = self._file.read1(size - len(data))
                if not piece:
                    break
                data += piece
        except ConnectionError:
            pass
        return data

    def _read_content(self, response, method):
        lengths, codings = response.values("content-length"), response.values("transfer-encoding")
        bodiless = method == b"HEAD" or response.status < 200 or response.status in (204, 304)
        if response.status < 200 or response.status == 204:
            assert not lengths and not codings, f"content announced where none can be: {response.head!r}"
        assert not (lengths and codings), f"two framings: {response.head!r}"
        assert len(lengths) <= 1 and len(codings) <= 1, f"framing given twice: {response.head!r}"
        if bodiless:
            return
        if codings:
            assert codings == [b"chunked"], response.head
            self._read_chunks(response)
        elif lengths:
            assert re.fullmatch(rb"[0-9]+", lengths[0]), response.head
            response.body = self._read_up_to(int(lengths[0]))
            if len(response.body) < int(lengths[0]):
                raise CutOff(response)
        else:
            response.body = self.read_end()

    def _read_chunks(self, response):
        while True:
            line = self._line()
            match = CHUNK_SIZE.fullmatch(line)
            if not match:
                assert not line.endswith(b"\n"), f"no chunk size: {line!r}"
                raise CutOff(response)
            size = int(match.group(1), 16)
            if size == 0:
                break
            data = self._read_up_to(size + 2)
            response.body += data[:size]
            if len(data) < size + 2:
                raise CutOff(response)
            assert data.endswith(b"\r\n"), "a chunk does not end in CRLF"
        while True:
            line = self._line()
            if line == b"\r\n":
                return
            if not line.endswith(b"\n"):
                raise CutOff(response)
            match = FIELD_LINE.fullmatch(line)
            assert match, f"no trailer line: {line!r}"
            response.trailers.append((match.group(1).lower().decode(), match.group(2)))
