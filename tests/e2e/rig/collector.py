"""A stand-in for an OpenTelemetry collector: takes OTLP over HTTP in JSON, and remembers the spans."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from rig.waiting import eventually


class Collector:
    def __init__(self, status=200, gate=None):
        """`gate`: an event that each post is answered after, for a collector that hangs."""
        self.posts, self.status, self._gate, self._lock = [], status, gate, threading.Lock()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                content = self.rfile.read(int(self.headers["Content-Length"]))
                with collector._lock:
                    collector.posts.append((self.path, self.headers["Content-Type"], json.loads(content)))
                if collector._gate:
                    collector._gate.wait(20)
                self.send_response(collector.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def spans(self):
        with self._lock:
            return [span for _, _, post in self.posts for resource in post["resourceSpans"]
                    for scope in resource["scopeSpans"] for span in scope["spans"]]

    def eventually_has(self, count):
        eventually(lambda: len(self.spans()) >= count, f"the collector has {count} spans, not {self.spans()}")
        return self.spans()

    def close(self):
        if self._gate:
            self._gate.set()
        self._server.shutdown()
        self._server.server_close()


def attributes(span):
    return {one["key"]: next(iter(one["value"].values())) for one in span["attributes"]}
