"""A TCP relay before a server: passes everything on, falls silent, or cuts all connections, as it is told."""

import socket
import threading

BOTH_WAYS = ("to the server", "from the server")


class Relay:
    """On a free port. While silent, connections stay open and new ones are accepted, but no byte passes."""

    def __init__(self, port):
        self._target = ("127.0.0.1", port)
        self._passing = {way: threading.Event() for way in BOTH_WAYS}
        self.heal()
        self._closed = False
        self._lock = threading.Lock()
        self._sockets = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def fall_silent(self, ways=BOTH_WAYS):
        """Or one way alone."""
        for way in ways:
            self._passing[way].clear()

    def heal(self):
        """What was held back while it was silent goes on."""
        for passing in self._passing.values():
            passing.set()

    def cut(self):
        """Ends every connection; new ones are taken."""
        with self._lock:
            sockets, self._sockets = self._sockets, set()
        for one in sockets:
            self._shut(one)

    def close(self):
        self._closed = True
        self.heal()
        self._shut(self._listener)
        self.cut()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @staticmethod
    def _shut(one):
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def _accept(self):
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client:
            try:
                server = socket.create_connection(self._target, timeout=5)
            except OSError:
                return
            with server:
                with self._lock:
                    self._sockets |= {client, server}
                try:
                    self._pass_on(client, server)
                except OSError:
                    pass
                finally:
                    with self._lock:
                        self._sockets -= {client, server}

    def _pass_on(self, client, server):
        for one in (client, server):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        back = threading.Thread(target=self._pump, args=(server, client, "from the server"), daemon=True)
        back.start()
        self._pump(client, server, "to the server")
        back.join()

    def _pump(self, source, target, way):
        try:
            while data := source.recv(65536):
                self._passing[way].wait()
                target.sendall(data)
        except OSError:
            pass
        self._shut(source)
        self._shut(target)
