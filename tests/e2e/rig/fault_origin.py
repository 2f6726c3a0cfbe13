"""The origin of rig/random_faults: resources with versions, of which each write makes those newer that it changes."""

import collections
import threading
import time

from rig.fault_history import Commit, Said, Span

PATIENCE = 60.0  # seconds for a gate
FOLDERS = ("things", "strict", "late", "grouped")
NUMBERS = (1, 2)


def under(folder):
    return {f"/{folder}/", *(f"/{folder}/{number}/" for number in NUMBERS)}


EVERYTHING = {"/summary/"}.union(*(under(folder) for folder in FOLDERS))


def changed_by(method, path):
    """The resources that a write makes new, each of which Larder knows to be concerned."""
    folder = path.split("/")[1]
    if folder == "admin":
        return under("things") | {"/summary/"}
    if folder == "touch":
        return {f"/grouped/{number}/" for number in NUMBERS}
    if path == f"/{folder}/":
        changed = {path} if method == "POST" else under(folder)
    else:
        changed = {path, f"/{folder}/"}
    return changed | ({"/summary/"} if folder == "things" else set())


def tag_of(version):
    return f'"version {version}"'


class Gate:
    """Where the origin holds an exchange until it is opened."""

    def __init__(self, path):
        self.path = path
        self.arrived, self.opened = threading.Event(), threading.Event()

    def wait(self):
        self.arrived.set()
        assert self.opened.wait(PATIENCE), "nobody opened the gate"


class Plan:
    """How the origin is to deal with one write."""

    def __init__(self, outcome="done", before=None, after=None):
        """`before`, `after`: gates of the commit."""
        self.outcome, self.before, self.after = outcome, before, after


def make_head(fields):
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n{lines}\r\n".encode()


class Origin:
    """`script` is a scripted origin's."""

    def __init__(self):
        self._lock = threading.Lock()
        self.begin(None)

    def begin(self, history):
        """Nothing is left of what was before; what still comes of it is nobody's."""
        with self._lock:
            self.history = history
            self.last, self.versions = 1, collections.defaultdict(lambda: 1)
            self.plans = {}  # of writes, by their id
            self._moods = collections.defaultdict(list)  # of the next GETs of a path

    def expect(self, path, mood):
        """The next GET of it is held (by a Gate), or fails: "error", "cut", "reset"."""
        with self._lock:
            self._moods[path].append(mood)

    def commit(self, write, paths):
        with self._lock:
            self.last += 1
            for path in paths:
                self.versions[path] = self.last
            write.commits.append(Commit(time.monotonic(), self.last, paths))

    def script(self, exchange):
        if exchange.request.method in ("GET", "HEAD"):
            self._answer(exchange)
        else:
            self._carry_out(exchange)

    def _answer(self, exchange):
        request, history = exchange.request, self.history
        with self._lock:
            number = len(history.said) + 1
            version = self.versions[request.path]
            content = f"{request.target} has version {version}, by answer {number}. ".encode() * (1 + number % 7 * 90)
            history.said[number] = Said(request.target, version, time.monotonic(), content)
            mood = self._moods[request.path].pop(0) if self._moods[request.path] else None
        span = Span(time.monotonic())
        if mood:
            history.troubles.append((request.path, span))
        if isinstance(mood, Gate):
            mood.wait()
        fields = {"X-Answer": str(number), "X-Version": str(version), "ETag": tag_of(version)}
        if request.path.startswith("/grouped/") and request.path != "/grouped/":
            fields["Cache-Groups"] = '"group"'
        if mood in ("error", "cut", "reset"):
            self._fail(exchange, mood, fields, content)
        elif request.field("if-none-match") == tag_of(version):
            exchange.send(f"HTTP/1.1 304 Not Modified\r\nETag: {tag_of(version)}\r\n\r\n".encode())
        elif number % 3:
            exchange.answer(fields=fields, body=content)
        else:
            self._answer_in_chunks(exchange, fields, content)
        span.end = time.monotonic()

    @staticmethod
    def _answer_in_chunks(exchange, fields, content):
        exchange.send(make_head({**fields, "Transfer-Encoding": "chunked"}))
        if exchange.request.method != "HEAD":
            exchange.chunk(content[:20])
            exchange.chunk(content[20:])
            exchange.send(b"0\r\n\r\n")

    @staticmethod
    def _fail(exchange, mood, fields, content):
        if mood == "error":
            exchange.answer(500)
        elif mood == "cut":
            exchange.send(make_head({**fields, "Content-Length": len(content)}))
            exchange.send(content[:len(content) // 2])
            exchange.close()
        else:
            exchange.reset()

    def _carry_out(self, exchange):
        request = exchange.request
        with self._lock:
            write, plan = self.plans.get(request.field("x-request-id"), (None, None))
        if write is None:
            return exchange.answer(503)
        if plan.before:
            plan.before.wait()
        if plan.outcome == "refused":
            return exchange.answer(409)
        if plan.outcome != "lost before":
            self.commit(write, changed_by(request.method, request.path))
        if plan.after:
            plan.after.wait()
        if plan.outcome in ("lost before", "lost after"):
            return exchange.reset()
        fields = {"Cache-Group-Invalidation": '"group"'} if request.path == "/touch/" else {}
        return exchange.answer(500 if plan.outcome == "error" else 200, fields=fields, body=b"x")
