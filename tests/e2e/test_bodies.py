"""Bodies of any size stream through in both directions, in bounded memory, whole."""

import hashlib
import socket

import pytest

from rig.http import RawConnection, receive
from rig.larder import is_sanitized
from rig.waiting import Background, eventually, in_parallel

MIB = 1 << 20


@pytest.fixture(scope="module")
def size():
    return (16 if is_sanitized() else 100) * MIB


@pytest.fixture
def bounded(larder):
    """Fails when Larder's memory grew by more than a few buffers; sanitizers keep freed memory, so not there."""
    larder.client().get("/api/files/1000/")
    before = larder.process.resident_kib()
    yield
    if not is_sanitized():
        grown = larder.process.resident_kib("VmHWM") - before
        assert grown < 24 * 1024, f"resident memory grew by {grown} KiB"


def pieces(size, piece=MIB):
    block = hashlib.sha256(b"e2e").digest() * (piece // 32)
    for number in range(size // piece):
        yield number.to_bytes(8, "big") + block[8:]


def digest(parts):
    result, length = hashlib.sha256(), 0
    for part in parts:
        result.update(part)
        length += len(part)
    return {"size": length, "sha256": result.hexdigest()}


class Sized:
    """A body that is read piece by piece and whose length is known beforehand."""

    def __init__(self, size):
        self._left, self._pieces, self._rest = size, pieces(size), b""
        self._size = size

    def __len__(self):
        return self._size

    def read(self, amount=-1):
        while len(self._rest) < amount:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._rest += piece
        out, self._rest = self._rest[:amount], self._rest[amount:]
        return out


@pytest.mark.parametrize("framing", ["with a length", "chunked"])
def test_an_upload_arrives_whole_in_bounded_memory(client, bounded, size, framing):
    body = Sized(size) if framing == "with a length" else pieces(size)
    answer = client.post("/api/files/", data=body, timeout=60)
    assert (answer.status_code, answer.json()) == (201, digest(pieces(size)))


@pytest.mark.parametrize("query", ["", "?chunked=1"], ids=["with a length", "chunked"])
def test_a_download_arrives_whole_in_bounded_memory(client, demo, bounded, size, query):
    with client.get(f"/api/files/{size}/{query}", stream=True, timeout=60) as answer:
        assert answer.headers.get("Content-Length") == (None if query else str(size))
        through_larder = digest(answer.iter_content(MIB))
    with demo.client().get(f"/api/files/{size}/", stream=True, timeout=60) as answer:
        assert through_larder == digest(answer.iter_content(MIB))


def test_a_slow_reader_holds_the_origin_back_instead_of_filling_memory(start_larder, origin_of):
    total, sent = 64 * MIB, []

    def script(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
        for piece in pieces(total):
            exchange.send(piece)
            sent.append(len(piece))

    larder = start_larder(origin_of(script).url, rules=None)
    with RawConnection(larder.url) as raw:
        raw.send(b"GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n")
        _, fields = raw.read_head()
        # Not reading: the origin must come to a halt, well before the end.
        halted = [0, 0]

        def is_halted():
            halted[:] = [sum(sent), halted[1] + 1 if halted[0] == sum(sent) else 0]
            return halted[1] >= 15 and halted[0] > 0

        eventually(is_halted, "the origin is held back")
        assert sum(sent) < 32 * MIB
        received, left = hashlib.sha256(), int(fields["content-length"])
        while left:
            part = raw.file.read(min(MIB, left))
            assert part
            received.update(part)
            left -= len(part)
    assert received.hexdigest() == digest(pieces(total))["sha256"]


def test_many_transfers_at_once_do_not_mix(larder):
    sizes = [1, 1000, 65535, 65536, 65537, 200_003, 1_000_000]

    def down(size):
        body = receive(larder.url, f"/api/files/{size}/" + ("?chunked=1" if size % 2 else ""))
        assert body.complete
        assert larder.client().post("/api/files/", data=body.body).json() == digest([body.body])
        return digest([body.body])

    results = in_parallel([lambda size=size: down(size) for size in sizes * 2], within=60)
    assert results[:len(sizes)] == results[len(sizes):]
    assert [result["size"] for result in results[:len(sizes)]] == sizes


def test_an_upload_that_expects_100_continue_is_told_to_go_on(larder):
    body = b"x" * 300_000
    with RawConnection(larder.url) as raw:
        raw.send(b"POST /api/files/ HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-continue\r\n"
                 b"Content-Length: %d\r\n\r\n" % len(body))
        status, _ = raw.read_head()
        assert status == 100
        raw.send(body)
        status, fields = raw.read_head()
        assert status == 201
        assert hashlib.sha256(body).hexdigest().encode() in raw.read_body(fields)
        # The connection goes on.
        raw.send(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert raw.read_head()[0] == 200


def test_an_upload_refused_before_its_body_is_answered_without_waiting_for_it(start_larder):
    listener = socket.create_server(("127.0.0.1", 0))

    def refuse():
        connection, _ = listener.accept()
        file = connection.makefile("rb")
        while file.readline() not in (b"\r\n", b""):
            pass
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
        try:
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
        except OSError:
            pass  # Larder has no more use for this connection, and may have ended it already

    origin = Background(refuse)
    larder = start_larder(f"http://127.0.0.1:{listener.getsockname()[1]}", rules=None)
    with RawConnection(larder.url) as raw:
        raw.send(b"POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000000\r\n"
                 b"Expect: 100-continue\r\n\r\n")
        status, fields = raw.read_head()
        if status == 100:  # allowed: a proxy may answer it itself
            status, fields = raw.read_head()
        assert status == 413
        assert raw.file.read(2) == b"no"
    origin.result()
    listener.close()


def test_a_body_that_its_client_cut_off_never_looks_complete_to_the_origin(start_larder, origin_of):
    complete = []
    origin = origin_of(lambda exchange: (complete.append(len(exchange.request.body)), exchange.answer()))
    larder = start_larder(origin.url, rules=None)
    for head, part in ((b"Content-Length: 1000", b"x" * 500), (b"Transfer-Encoding: chunked", b"1f4\r\n" + b"x" * 300)):
        with RawConnection(larder.url) as raw:
            raw.send(b"POST /upload HTTP/1.1\r\nHost: localhost\r\n" + head + b"\r\n\r\n" + part)
    assert larder.client().post("/whole", data=b"y" * 700).status_code == 200
    assert all(size == 700 or size < 500 + 1 for size in complete) and 1000 not in complete


def test_trailers_and_empty_bodies_pass(start_larder, origin_of):
    def script(exchange):
        if exchange.request.path == "/trailer":
            exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
                          b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n")
        elif exchange.request.path == "/none":
            exchange.send(b"HTTP/1.1 204 No Content\r\n\r\n")
        else:
            exchange.answer(body=b"")

    client = start_larder(origin_of(script).url, rules=None).client()
    for _ in range(2):
        assert client.get("/trailer").content == b"hello"
        empty = client.get("/none")
        assert (empty.status_code, empty.content) == (204, b"")
        assert client.get("/empty").content == b""
        assert client.post("/post", data=b"").status_code == 200


def test_several_requests_sent_at_once_are_answered_in_order(larder):
    paths = ["/api/files/10/", "/api/ai/models/", "/api/files/70000/", "/api/ai/models/", "/healthz"]
    expected = [larder.client().get(path).content for path in paths]
    with RawConnection(larder.url) as raw:
        host = larder.url[7:]
        raw.send("".join(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n" for path in paths).encode())
        for body in expected:
            status, fields = raw.read_head()
            assert (status, raw.read_body(fields)) == (200, body)
