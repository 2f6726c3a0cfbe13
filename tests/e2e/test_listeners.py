"""Where clients connect, and who they are then: TCP, TLS, Unix and inherited sockets, the PROXY protocol."""

import http.client
import os
import socket
import ssl
import struct
import subprocess

import pytest
import requests

from rig.certificates import Certificates
from rig.http import RawConnection
from rig.larder import run
from rig.processes import free_port
from rig.rules import THINGS
from rig.waiting import eventually

LOCAL = "DNS:localhost,IP:127.0.0.1"
GET = b"GET /other/ HTTP/1.1\r\nHost: things.example\r\n\r\n"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def origin(origin_of):
    return origin_of(lambda exchange: exchange.answer(body=exchange.request.body or exchange.request.path.encode()))


def seen(origin, name):
    """A field as the origin got it last."""
    return origin.requests[-1].field(name)


def connect_unix(path):
    connection = http.client.HTTPConnection("larder.example", timeout=10)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(10)
    connection.sock.connect(str(path))
    return connection


# --- TCP ---

def test_several_addresses_and_families_at_once(start_larder, origin):
    second, sixth = free_port(), free_port()
    start = start_larder(origin.url, arguments=["--listen", f"127.0.0.1:{second}", "--listen", f"[::1]:{sixth}"])
    for url in (start.url, f"http://127.0.0.1:{second}", f"http://[::1]:{sixth}"):
        assert requests.get(url + "/things/", timeout=10).text == "/things/"
    assert seen(origin, "x-forwarded-for") == "::1"


def test_an_address_that_cannot_be_had_ends_the_start(origin):
    ended = run("serve", "--upstream", origin.url, "--listen", "192.0.2.1:80", "--admin", "off")
    assert ended.returncode == 1
    assert "cannot listen on 192.0.2.1:80: Cannot assign requested address" in ended.stderr


# --- Unix and inherited sockets ---

def test_a_unix_socket_is_trusted_has_no_address_and_goes_at_the_end(start_larder, origin, tmp_path):
    path = tmp_path / "larder.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    larder = start_larder(origin.url, arguments=["--listen", f"unix:{path}", "--listen-mode", "0600"])
    assert path.stat().st_mode & 0o777 == 0o600
    connection = connect_unix(path)
    connection.request("GET", "/things/", headers={"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"})
    assert connection.getresponse().read() == b"/things/"
    assert seen(origin, "x-forwarded-for") == "203.0.113.9"
    assert seen(origin, "x-forwarded-proto") == "https"
    connection.request("GET", "/alone/")
    assert connection.getresponse().read() == b"/alone/"
    assert seen(origin, "x-forwarded-for") is None
    connection.close()

    second = run("serve", "--upstream", origin.url, "--listen", f"unix:{path}", "--admin", "off")
    assert second.returncode == 1
    assert f"cannot listen on unix:{path}: somebody listens there already" in second.stderr
    assert larder.stop() is None
    assert not path.exists()


def test_sockets_of_systemd_are_all_used(origin, logs, certificates, tmp_path):
    pem, key = certificates.make("systemd", LOCAL)
    path = tmp_path / "systemd.sock"
    plain, encrypted = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
    local = socket.socket(socket.AF_UNIX)
    local.bind(str(path))
    local.listen()
    sockets = {3: plain, 4: encrypted, 5: local}
    names = "http:https:local"
    # As systemd does it: the descriptors from 3 on, and who they are for.
    redirections = " ".join(f"{number}<&{one.fileno() + 100}" for number, one in sockets.items())
    for one in sockets.values():
        os.dup2(one.fileno(), one.fileno() + 100, inheritable=True)
    admin = free_port()
    child = subprocess.Popen(
        ["bash", "-c", f'export LISTEN_PID=$$ LISTEN_FDS=3 LISTEN_FDNAMES={names}; exec "$0" "$@" {redirections}',
         os.environ["LARDER_BINARY"], "serve", "--listen", "systemd", "--upstream", origin.url,
         "--admin", f"127.0.0.1:{admin}", "--threads", "2", "--log-format", "text",
         "--tls-certificate", str(pem), "--tls-key", str(key)],
        stderr=open(logs / "systemd.log", "wb"), pass_fds=[one.fileno() + 100 for one in sockets.values()])
    try:
        for one in sockets.values():
            os.close(one.fileno() + 100)
        url = f"http://127.0.0.1:{plain.getsockname()[1]}/things/"
        assert requests.get(url, timeout=20).text == "/things/"
        secure = f"https://127.0.0.1:{encrypted.getsockname()[1]}/things/"
        assert requests.get(secure, timeout=10, verify=str(certificates.ca)).text == "/things/"
        connection = connect_unix(path)
        connection.request("GET", "/things/")
        assert connection.getresponse().read() == b"/things/"
        connection.close()
    finally:
        child.terminate()
        code = child.wait(15)
    assert code == 0
    assert path.exists()  # it is not ours to remove
    for one in sockets.values():
        one.close()


def test_an_inherited_descriptor_must_be_a_socket_that_listens(origin):
    ended = run("serve", "--upstream", origin.url, "--listen", "fd:9", "--admin", "off")
    assert ended.returncode == 1
    assert "cannot listen on fd:9: no stream socket that listens was inherited there" in ended.stderr


# --- TLS ---

@pytest.fixture
def start_tls(start_larder, origin, certificates, tmp_path):
    """A Larder with a TLS listener: (larder, its port). The files are tmp_path's own."""

    def start(name="server", arguments=()):
        put_certificate(tmp_path, *certificates.make(name, LOCAL))
        port = free_port()
        larder = start_larder(origin.url, THINGS, arguments=[
            "--listen", f"https://127.0.0.1:{port}", "--tls-certificate", str(tmp_path / "cert.pem"),
            "--tls-key", str(tmp_path / "key.pem"), *arguments])
        return larder, port

    return start


def put_certificate(folder, pem, key):
    for source, name in ((pem, "cert.pem"), (key, "key.pem")):
        (folder / f"{name}.new").write_bytes(source.read_bytes())
        (folder / f"{name}.new").replace(folder / name)


def subject_at(port, certificates):
    context = ssl.create_default_context(cafile=str(certificates.ca))
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as encrypted:
            return dict(pair[0] for pair in encrypted.getpeercert()["subject"])["commonName"]


def test_tls_is_spoken_and_told_onward(start_tls, origin, certificates):
    _, port = start_tls()
    url = f"https://localhost:{port}/things/"
    for expected in ("MISS", "HIT"):
        response = requests.get(url, timeout=10, verify=str(certificates.ca))
        assert (response.text, response.headers["X-Cache-Status"]) == ("/things/", expected)
    assert seen(origin, "x-forwarded-proto") == "https"


def test_tls_carries_large_content_both_ways(start_tls, certificates):
    _, port = start_tls()
    body = os.urandom(3 << 20)
    url = f"https://localhost:{port}/things/1/"
    assert requests.post(url, data=body, timeout=20, verify=str(certificates.ca)).content == body


def test_only_http_1_1_is_agreed_on(start_tls, certificates):
    _, port = start_tls()
    context = ssl.create_default_context(cafile=str(certificates.ca))
    context.set_alpn_protocols(["h2", "http/1.1"])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as encrypted:
            assert encrypted.selected_alpn_protocol() == "http/1.1"
            assert encrypted.version() == "TLSv1.3"


def test_plain_http_on_the_tls_port_is_told_so(start_tls):
    _, port = start_tls()
    with RawConnection(f"http://127.0.0.1:{port}") as connection:
        connection.send(GET)
        status, fields = connection.read_head()
        assert status == 400
        assert b"https://" in connection.read_body(fields)
        assert connection.file.read() == b""


def test_a_handshake_that_does_not_come_has_a_deadline_and_holds_up_nobody(start_tls, certificates):
    _, port = start_tls(arguments=["--head-timeout", "300ms", "--threads", "1"])
    with RawConnection(f"http://127.0.0.1:{port}") as silent:
        assert subject_at(port, certificates) == "server"
        assert silent.file.read() == b""


def test_clients_must_show_a_certificate_where_that_is_asked_for(start_tls, certificates):
    _, port = start_tls(arguments=["--tls-client-ca", str(certificates.ca)])
    url = f"https://localhost:{port}/things/"
    client = tuple(map(str, certificates.make("client", LOCAL)))
    assert requests.get(url, timeout=10, verify=str(certificates.ca), cert=client).status_code == 200
    with pytest.raises(requests.RequestException):
        requests.get(url, timeout=10, verify=str(certificates.ca))


def test_a_new_certificate_is_taken_without_a_restart_and_a_bad_one_is_not(start_tls, certificates, tmp_path):
    larder, port = start_tls("before")
    assert subject_at(port, certificates) == "before"
    put_certificate(tmp_path, *certificates.make("after", LOCAL))
    eventually(lambda: subject_at(port, certificates) == "after", "the new certificate is shown")
    (tmp_path / "key.pem").write_text("no key")
    eventually(lambda: "the certificate stays as it was: cannot use the key" in larder.process.log_text(),
               "the log says why not")
    assert subject_at(port, certificates) == "after"


def test_tls_without_a_certificate_is_an_error_at_the_start():
    ended = run("serve", "--listen", "https://127.0.0.1:0", "--admin", "off")
    assert ended.returncode == 1
    assert "listen: https:// needs tls_certificate and tls_key" in ended.stderr


# --- PROXY protocol ---

def binary_header(address, port):
    return (b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack("!H", 12 + 7) + socket.inet_aton(address) +
            socket.inet_aton("127.0.0.1") + struct.pack("!HH", port, 80) + b"\x04\x00\x04note")


PROXIED = {"line": b"PROXY TCP4 203.0.113.9 127.0.0.1 50000 80\r\n", "binary": binary_header("203.0.113.9", 50000)}


@pytest.mark.parametrize("header", sorted(PROXIED))
def test_the_client_is_who_the_header_names(start_larder, origin, header):
    larder = start_larder(origin.url, None, arguments=["--proxy-protocol", "true"])
    with RawConnection(larder.url) as connection:
        connection.send(PROXIED[header] + GET.replace(b"\r\n\r\n", b"\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n"))
        assert connection.read_head()[0] == 200
    # The address in the header is nobody's who is trusted.
    assert seen(origin, "x-forwarded-for") == "203.0.113.9"


@pytest.mark.parametrize("first", [GET, b"PROXY TCP4 localhost 127.0.0.1 1 2\r\n" + GET, b"\r\n\r\n\0\r\nQUIT\n\x21\x12\0\0"])
def test_without_a_proper_header_the_connection_is_closed(start_larder, origin, first):
    larder = start_larder(origin.url, None, arguments=["--proxy-protocol", "true"])
    with RawConnection(larder.url) as connection:
        connection.send(first)
        try:
            assert connection.file.read() == b""
        except ConnectionResetError:
            pass
    assert origin.requests == []


def test_a_header_from_somebody_who_is_not_trusted_is_not_believed(start_larder, origin):
    larder = start_larder(origin.url, None, arguments=["--proxy-protocol", "true", "--trusted-proxies", "192.0.2.0/24"])
    with RawConnection(larder.url) as connection:
        connection.send(PROXIED["line"] + GET)
        try:
            assert connection.file.read() == b""
        except ConnectionResetError:
            pass
    assert origin.requests == []


def test_the_header_comes_before_tls(start_tls, origin, certificates):
    _, port = start_tls(arguments=["--proxy-protocol", "true"])
    context = ssl.create_default_context(cafile=str(certificates.ca))
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        plain.sendall(PROXIED["line"])
        with context.wrap_socket(plain, server_hostname="localhost") as encrypted:
            encrypted.sendall(GET)
            assert encrypted.recv(100).startswith(b"HTTP/1.1 200")
    assert seen(origin, "x-forwarded-for") == "203.0.113.9"
