"""The origin of rig/random_faults: resources with versions, of which each write makes those newer that it changes."""

import collections
import threading
import time

from rig.fault_history import Commit, Said, Span, resource_of
from rig.fault_users import NOBODY, PERSONS, VERIFIED, who_sent

PATIENCE = 60.0  # seconds for a gate
# moody: now and then an answer is for one alone; varied: each other version is different by X-Kind; mine, own: each
# user's own; ruled: under rules that change.
FOLDERS = ("things", "strict", "late", "grouped", "moody", "varied", "mine", "own", "ruled")
NUMBERS = (1, 2)
ELSEWHERE = ("/moved/", "/extra/")  # writes there change `ruled`
# What writes there change only their answer says.
NAMING = {"/touch/": {"Cache-Group-Invalidation": '"group"'}, "/named/": {"Location": "/things/2/"}}
FOR_ONE = ({"Set-Cookie": "sessionid=yours"}, {"Cache-Control": "private"}, {"Cache-Control": "no-store"},
           {"Vary": "*"})


def paths_of(folder):
    return {f"/{folder}/", *(f"/{folder}/{number}/" for number in NUMBERS)}


def resources_at(paths, persons=PERSONS):
    return {resource_of(path, person) for path in paths for person in persons}


def under(folder):
    return resources_at(paths_of(folder))


EVERYTHING = resources_at({"/summary/"}.union(*(paths_of(folder) for folder in FOLDERS)))


def changed_by(method, path, writer=NOBODY):
    """The resources that a write makes new, each of which Larder knows to be concerned."""
    folder = path.split("/")[1]
    if folder == "admin":
        return under("things") | {"/summary/"}
    if folder == "touch":
        return {f"/grouped/{number}/" for number in NUMBERS}
    if folder == "named":
        return {"/things/2/", "/things/", "/summary/"}
    if path in ELSEWHERE:
        return under("ruled")
    if path == f"/{folder}/":
        changed = {path} if method == "POST" else paths_of(folder)
    else:
        changed = {path, f"/{folder}/"}
    is_own = folder == "own" and writer in VERIFIED
    return resources_at(changed, [writer] if is_own else PERSONS) | ({"/summary/"} if folder == "things" else set())


def tag_of(version, person=NOBODY):
    return f'"{person} version {version}"'


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
            self._commits = []  # (when, version, resources), for who reads from behind
            self.plans = {}  # of writes, by their id
            self._moods = collections.defaultdict(list)  # of the next GETs of a path

    def expect(self, path, mood):
        """The next GET of it is held (by a Gate), or fails: "error", "cut", "reset"."""
        with self._lock:
            self._moods[path].append(mood)

    def commit(self, write, resources):
        with self._lock:
            self.last += 1
            for resource in resources:
                self.versions[resource] = self.last
            now = time.monotonic()
            self._commits.append((now, self.last, resources))
            write.commits.append(Commit(now, self.last, resources))

    def _read(self, resource):
        """Its version, as the lagging replica of the database has it."""
        since = time.monotonic() - self.history.lag
        return max((version for when, version, resources in self._commits if when <= since and resource in resources),
                   default=1)

    def script(self, exchange):
        if exchange.request.method in ("GET", "HEAD"):
            self._answer(exchange)
        else:
            self._carry_out(exchange)

    def _answer(self, exchange):
        request, history = exchange.request, self.history
        person, kind = who_sent(request), request.field("x-kind")
        folder = request.path.split("/")[1]
        with self._lock:
            number = len(history.said) + 1
            version = self._read(resource_of(request.path, person))
            said = history.said[number] = Said(request.target, version, time.monotonic(), person=person)
            said.content = (f"{request.target} of {person} has version {version}, by answer {number}. "
                            .encode() * (1 + number % 7 * 90))
            mood = self._moods[request.path].pop(0) if self._moods[request.path] else None
        span = Span(time.monotonic())
        if mood:
            history.troubles.append((request.path, span))
        if isinstance(mood, Gate):
            mood.wait()
        fields = {"X-Answer": str(number), "X-Version": str(version), "ETag": tag_of(version, person)}
        if folder == "grouped" and request.path != "/grouped/":
            fields.update({"Cache-Groups": '"group"', "Surrogate-Key": f"row-{request.path.split('/')[2]}"})
        if folder == "varied" and version % 2:
            said.kind = kind or ""
            fields["Vary"] = "X-Kind"
        said.is_for_one = folder == "moody" and number % 3 == 0
        if said.is_for_one:
            fields.update(FOR_ONE[number // 3 % len(FOR_ONE)])
        if mood in ("error", "cut", "reset"):
            self._fail(exchange, mood, fields, said.content)
        elif request.field("if-none-match") == tag_of(version, person) and not said.is_for_one and said.kind is None:
            exchange.send(f"HTTP/1.1 304 Not Modified\r\nETag: {tag_of(version, person)}\r\n\r\n".encode())
        elif number % 3:
            exchange.answer(fields=fields, body=said.content)
        else:
            self._answer_in_chunks(exchange, fields, said.content)
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
        write.arrived.append(request.body)
        if plan.outcome == "given up by a gateway":
            write.given_up = time.monotonic()
            exchange.answer(502, fields={"Connection": "close"})
        if plan.before:
            plan.before.wait()
        if plan.outcome == "refused":
            return exchange.answer(409)
        if plan.outcome != "lost before":
            self.commit(write, changed_by(request.method, request.path, who_sent(request)))
        if plan.after:
            plan.after.wait()
        if plan.outcome == "given up by a gateway":
            return exchange.close()
        if plan.outcome in ("lost before", "lost after"):
            return exchange.reset()
        return exchange.answer(500 if plan.outcome == "error" else 200, fields=NAMING.get(request.path), body=b"x")
