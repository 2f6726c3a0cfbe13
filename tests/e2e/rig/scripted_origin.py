"""An origin that does as it is told, byte for byte, also what no server should.

    def script(exchange):
        if exchange.request.path == "/slow/":
            exchange.hold(gate)                       # until gate.set(), at most a deadline
        exchange.answer(body=b"hello")

    with ScriptedOrigin(script) as origin: ...

Each connection has its thread and may carry many requests. `origin.requests` lists what arrived.
"""

import array
import fcntl
import socket
import struct
import termios
import threading
from urllib.parse import parse_qsl, urlsplit

from rig.processes import free_port

DEADLINE = 20.0


class Request:
    def __init__(self, method, target, fields, body):
        self.method, self.target, self.fields, self.body = method, target, fields, body
        parts = urlsplit(target)
        self.path, self.query = parts.path, dict(parse_qsl(parts.query, keep_blank_values=True))

    def field(self, name):
        """All values of a field in one line; None when it did not come."""
        values = [value for key, value in self.fields if key == name.lower()]
        return ", ".join(values) if values else None

    def __repr__(self):
        return f"<{self.method} {self.target}>"


class Exchange:
    """One request, and the connection on which to answer it."""

    def __init__(self, request, connection, number):
        self.request, self._connection = request, connection
        self.connection_number = number
        self.is_open = True

    def send(self, data):
        self._connection.sendall(data)

    def answer(self, status=200, fields=None, body=b"", reason="OK"):
        """A complete, correct response."""
        fields = {"Content-Type": "application/json", **(fields or {})}
        head = f"HTTP/1.1 {status} {reason}\r\n" + "".join(f"{n}: {v}\r\n" for n, v in fields.items())
        self.send(f"{head}Content-Length: {len(body)}\r\n\r\n".encode("latin-1"))
        if self.request.method != "HEAD":
            self.send(body)

    def chunk(self, data):
        self.send(b"%x\r\n%b\r\n" % (len(data), data))

    def hold(self, gate, within=DEADLINE):
        assert gate.wait(within), "nobody released the held response"

    def is_delivered(self):
        """Has the other side's kernel got all that was sent?"""
        unsent = array.array("i", [0])
        fcntl.ioctl(self._connection.fileno(), termios.TIOCOUTQ, unsent)
        return unsent[0] == 0

    def close(self):
        """An orderly end (FIN)."""
        self.is_open = False
        self._shut()

    def reset(self):
        """A rude one (RST)."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.is_open = False
        self._connection.close()

    def _shut(self):
        try:
            self._connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._connection.close()


class ScriptedOrigin:
    """On a free port, or the one given. `tls`: an ssl.SSLContext to speak https by. `unix`: a path to listen on."""

    def __init__(self, script, port=None, tls=None, unix=None):
        self._script, self._tls = script, tls
        self.requests, self.errors = [], []
        self._lock = threading.Lock()
        self._connections = []
        if unix:
            self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._listener.bind(str(unix))
            self._listener.listen(256)
            self.url = f"unix:{unix}"
        else:
            self.port = port or free_port()  # one that stays its own when it is closed
            self._listener = socket.create_server(("127.0.0.1", self.port), backlog=256)
            self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.close()
        if kind is None:
            assert not self.errors, f"the origin's script failed: {self.errors}"

    def close(self):
        """No more connections, and none of the old ones."""
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        with self._lock:
            connections, self._connections = self._connections, []
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def seen(self, method=None, path=None):
        with self._lock:
            return [r for r in self.requests
                    if (method is None or r.method == method) and (path is None or r.path == path)]

    @property
    def connection_count(self):
        return self._accepted

    _accepted = 0

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            if connection.family != socket.AF_UNIX:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(60)
            with self._lock:
                self._connections.append(connection)
                self._accepted += 1
                number = self._accepted
            threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection, number):
        if self._tls:
            try:
                connection = self._tls.wrap_socket(connection, server_side=True)
            except OSError:  # the other side does not like us, or we do not like it
                return connection.close()
        file = connection.makefile("rb")
        try:
            while True:
                request = self._read(file, connection)
                if request is None:
                    return
                with self._lock:
                    self.requests.append(request)
                exchange = Exchange(request, connection, number)
                self._script(exchange)
                if not exchange.is_open:
                    return
        except OSError:
            pass  # the other side went away: its right
        except Exception as error:  # noqa: BLE001  (reported when the origin closes)
            self.errors.append(repr(error))
        finally:
            file.close()
            connection.close()

    @staticmethod
    def _read(file, connection):
        line = file.readline()
        if not line:
            return None
        method, target, _ = line.decode("latin-1").split(" ", 2)
        fields = []
        while True:
            line = file.readline()
            if line in (b"\r\n", b""):
                break
            name, _, value = line.decode("latin-1").partition(":")
            fields.append((name.strip().lower(), value.strip()))
        named = dict(fields)
        if "100-continue" in named.get("expect", "").lower():
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = b""
        if "chunked" in named.get("transfer-encoding", "").lower():
            while True:
                size = int(file.readline().split(b";")[0] or b"0", 16)
                if size == 0:
                    while file.readline() not in (b"\r\n", b""):
                        pass
                    break
                body += file.read(size)
                file.readline()
        elif "content-length" in named:
            body = file.read(int(named["content-length"]))
        return Request(method, target, fields, body)
