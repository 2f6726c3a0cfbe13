"""Clients: one for what browsers and curl do, one that sees each byte."""

import http.client
import re
import socket
from urllib.parse import urlsplit

import requests

TIMEOUT = 15.0

# As these programs send them.
CURL = "*/*"
FETCH = "application/json, text/plain, */*"
JSON = "application/json"
CHROME = ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,"
          "application/signed-exchange;v=b3;q=0.7")
FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
SAFARI = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
FOR_JSON = {"curl": CURL, "fetch": FETCH, "json": JSON}
FOR_HTML = {"Chrome": CHROME, "Firefox": FIREFOX, "Safari": SAFARI}


class Client(requests.Session):
    """A requests.Session on one base URL: relative paths, a deadline, no redirects followed."""

    def __init__(self, base):
        super().__init__()
        self.base, self.trust_env = base, False
        self.headers["User-Agent"] = "larder-e2e"

    def request(self, method, url, **kwargs):
        kwargs.setdefault("timeout", TIMEOUT)
        kwargs["allow_redirects"] = False  # `get` would follow them
        return super().request(method, self.base + url if url.startswith("/") else url, **kwargs)


def url_client(base):
    return Client(base)


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def state(response):
    """HIT, MISS, ...: the one X-Cache-Status there is."""
    values = response.raw.headers.getlist("X-Cache-Status")
    assert len(values) == 1, f"one X-Cache-Status expected, got {values} with status {response.status_code}"
    return values[0]


def cache_status(response):
    """Larder's member of Cache-Status (RFC 9211) as a dict; a parameter without value is True."""
    for member in re.split(r",\s*(?=[A-Za-z\"*])", response.headers.get("Cache-Status", "")):
        name, *parameters = [part.strip() for part in member.split(";")]
        if name == "larder":
            pairs = (parameter.partition("=") for parameter in parameters)
            return {key: value if sign else True for key, sign, value in pairs}
    raise AssertionError(f"no Cache-Status of larder in {dict(response.headers)}")


class Received:
    """What arrived of one response, and whether it said to be all."""

    def __init__(self, status=None, fields=None, body=b"", complete=False):
        self.status, self.fields, self.body, self.complete = status, fields or {}, body, complete


def receive(base, target, method="GET", fields=None, body=None, timeout=TIMEOUT):
    """One request on one connection. A response that was cut off is returned as such, not raised."""
    url = urlsplit(base)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=timeout)
    received = Received()
    try:
        connection.request(method, target, body=body, headers=fields or {})
        response = connection.getresponse()
        received.status = response.status
        received.fields = {name.lower(): value for name, value in response.getheaders()}
        while True:
            piece = response.read1(65536)
            if not piece:
                break
            received.body += piece
        # Of a length that was promised and did not come, read1 says nothing; so count.
        received.complete = response.length in (0, None)
    except (http.client.IncompleteRead, http.client.RemoteDisconnected, http.client.BadStatusLine,
            ConnectionError, ValueError):
        received.complete = False
    finally:
        connection.close()
    return received


class RawConnection:
    """A socket, for what no client library would send."""

    def __init__(self, base, timeout=TIMEOUT):
        url = urlsplit(base)
        self.socket = socket.create_connection((url.hostname, url.port), timeout=timeout)
        self.file = self.socket.makefile("rb")

    def send(self, data):
        self.socket.sendall(data)

    def read_head(self):
        """Status and fields of the next response, also of an interim one."""
        line = self.file.readline()
        assert line, "the connection was closed before a status line"
        status = int(line.split()[1])
        fields = {}
        while True:
            line = self.file.readline()
            assert line, "the connection was closed in the middle of a head"
            if line == b"\r\n":
                return status, fields
            name, _, value = line.decode("latin-1").partition(":")
            name, value = name.lower(), value.strip()
            fields[name] = f"{fields[name]}, {value}" if name in fields else value

    def read_body(self, fields):
        if fields.get("transfer-encoding", "").lower() == "chunked":
            body = b""
            while True:
                size = int(self.file.readline().split(b";")[0], 16)
                if size == 0:
                    while self.file.readline() not in (b"\r\n", b""):
                        pass
                    return body
                body += self.file.read(size)
                assert self.file.readline() == b"\r\n"
        if "content-length" in fields:
            return self.file.read(int(fields["content-length"]))
        return self.file.read()

    def close(self):
        self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
