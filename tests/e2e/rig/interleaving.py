"""Seeded orders of GETs, writes and deletions before one or two Larders on one Redis, a step at a time.

A step is taken when the one before has reached its barrier: the request is held by the origin, or answered, or (when
it joins a fill that is held) has passed through Redis. So a seed gives the same order again. After each answer:
never older than the newest write that had been answered before that GET began.
"""

import collections
import random
import threading

from rig.http import RawConnection, receive, state, url_client
from rig.waiting import Background, eventually

PATIENCE = 30.0  # seconds for a barrier
HOST = {"Host": "things.example"}  # the replicas differ by port
NEWLY = 0.002  # seconds between looks at a barrier

RULES = """
rules:
  - name: things
    path: ["/<slug:group>/things/", "/<slug:group>/things/<int:pk>/"]
    ttl: 1h
    share: everyone
    vary: [X-Variant]
    coherence: strict
"""
# A fill lock makes a replica poll for another's fill: when it looks is nobody's to decide. One thread, so that a
# request passes Redis behind what was sent there before it. And no deadline for Redis that a busy machine could miss:
# an eviction that Redis did not acknowledge binds its own replica alone.
LARDER = {"env": {"LARDER_FILL_LOCK": "0", "LARDER_REDIS_TIMEOUT": "20s"}, "threads": 1}

FENCE = "/fence/things/1/"

# How the same resource can be asked for: all of it must go with a write (W7).
READS = {
    "GET": ("GET", "", {}),
    "HEAD": ("HEAD", "", {}),
    "Range": ("GET", "", {"Range": "bytes=0-3"}),
    "query": ("GET", "?page=2", {}),
    "Vary": ("GET", "", {"X-Variant": "other"}),
}
# What makes the thing old: a write to itself, to the path above it, one whose answer names it.
WRITES = ("own", "above", "location")


class Held:
    """A request that has come to the origin and waits there."""

    def __init__(self, method, key, version):
        self.method, self.key, self.version = method, key, version
        self.answer = threading.Event()
        self.commit, self.committed = threading.Event(), threading.Event()  # a write's
        self.outcome = None
        self.is_current = True  # a read: no stamp it depends on has changed since, as far as the test knows


class Origin:
    """One thing at a time, whose version each committed write makes greater. Reads are taken on arrival."""

    def __init__(self):
        self.version, self.thing = 1, ""
        self._lock = threading.Lock()
        self._arrived = []

    def script_for(self, replica):
        """A scripted origin's, which only this replica asks."""
        return lambda exchange: self._serve(exchange, replica)

    def _serve(self, exchange, replica):
        request = exchange.request
        if request.path == FENCE:
            return exchange.answer(body=b"fence")
        with self._lock:
            held = Held(request.method, (replica, request.query.get("page"), request.field("X-Variant")), self.version)
            self._arrived.append(held)
        if request.method in ("GET", "HEAD"):
            exchange.hold(held.answer, within=2 * PATIENCE)
            return exchange.answer(fields={"X-Version": str(held.version)}, body=content(held.version))
        exchange.hold(held.commit, within=2 * PATIENCE)
        if held.outcome is None:
            with self._lock:
                self.version += 1
                held.version = self.version
            held.committed.set()
        exchange.hold(held.answer, within=2 * PATIENCE)
        if held.outcome == "reset":
            return exchange.reset()
        fields = {"Location": self.thing} if held.outcome == "located" else {}
        exchange.answer({"refused": 409, "located": 201, "error": 500}.get(held.outcome, 200), fields=fields, body=b"x")

    def arrivals(self):
        """What has come since this was last asked."""
        with self._lock:
            arrived, self._arrived = self._arrived, []
        return arrived


def content(version):
    return b"%d is the version of this thing" % version


class Read:
    def __init__(self, number, replica, kind, floor, request):
        self.number, self.replica, self.kind, self.floor, self.request = number, replica, kind, floor, request
        self.held = None

    @property
    def key(self):
        _, query, fields = READS[self.kind]
        return self.replica, query.rpartition("=")[2] or None, fields.get("X-Variant")

    def version(self):
        """Of the answer; nothing while there is none."""
        if not self.request.is_done():
            return None
        status, fields, body = self.request.result()
        assert status in (200, 206), (status, body)
        version = int(fields["x-version"])
        if self.kind != "HEAD":
            assert len(body) == int(fields["content-length"]) > 0 and content(version).startswith(body), body
        return version

    def is_hit(self):
        return self.request.result()[1]["x-cache-status"] == "HIT"


def ask(base, method, target, fields):
    """One request, sent when this returns; its status, fields and content come in the background."""
    raw = RawConnection(base, timeout=2 * PATIENCE)
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "Connection: close"]
    raw.send("\r\n".join([*lines, "", ""]).encode())

    def read():
        with raw:
            status, told = raw.read_head()
            return status, told, b"" if method == "HEAD" else raw.read_body(told)

    return Background(read)


class Write:
    def __init__(self, replica, kind, held, request, raw=None):
        self.replica, self.kind, self.held, self.request, self.raw = replica, kind, held, request, raw


class Interleavings:
    def __init__(self, origin, replicas, redis):
        """`replicas`: Larders before the scripted origin whose script `origin` is; `redis`: a client of theirs."""
        self._origin, self._replicas, self._redis = origin, replicas, redis
        self._fences = [url_client(larder.url) for larder in replicas]
        for fence in self._fences:
            eventually(lambda fence=fence: state(fence.get(FENCE, headers=HOST)) == "HIT", "Redis is in use", PATIENCE)

    def play(self, seed, number, steps=14):
        """Returns what was done, a line a step. Raises AssertionError when an answer was too old.

        `trace` and `counted` say it too, also of one that was broken off.
        """
        self._random = random.Random(f"{seed} {number}")
        # A group of its own: a write whose outcome stays unknown evicts once more when its lease has run out, which
        # may be within another interleaving.
        self._group = f"/group-{number}/things/"
        self._thing = self._origin.thing = f"{self._group}1/"
        self._origin.version = 1
        self._floor = 1
        self._reads, self._writes, self._held, self.trace = [], [], [], []
        self.counted = collections.Counter()
        self._count = 0
        try:
            for _ in range(steps):
                self._random.choice(self._possible())()
            self._finish()
        except BaseException:
            # So that nothing of it is left waiting; what it then gets is nobody's.
            for held in [*self._held, *(write.held for write in self._writes)]:
                held.outcome = held.outcome or "error"
                held.commit.set()
                held.answer.set()
            raise
        return self.trace

    def _possible(self):
        steps = [self._delete]
        if len(self._reads) < 6:
            steps += [self._read] * 4
        if len(self._writes) < 2:
            steps += [self._begin_write] * 2
        if self._held:
            steps += [self._release] * 2
        if self._writes:
            steps += [self._end_write] * 2
        if any(not write.held.committed.is_set() for write in self._writes):
            steps += [self._commit] * 2
        return steps

    def _finish(self):
        while self._writes:
            self._end_write()
        while self._held:
            self._release()
        for replica in range(len(self._replicas)):
            for kind in READS:
                self._read(replica, kind)
                while self._held:
                    self._release()
        assert not self._reads

    # --- GETs ---

    def _read(self, replica=None, kind=None):
        replica = self._random.randrange(len(self._replicas)) if replica is None else replica
        kind = kind or self._random.choice(sorted(READS))
        method, query, fields = READS[kind]
        self._count += 1
        read = Read(self._count, replica, kind, self._floor,
                    ask(self._replicas[replica].url, method, self._thing + query, {**HOST, **fields}))
        self._reads.append(read)
        self._note(f"{kind} {read.number} on {replica} begins, needs {read.floor}")
        joined = next((held for held in self._held if held.key == read.key and held.is_current), None)
        if joined:  # of which nobody tells
            for _ in range(2):
                self._fence(replica)
            read.held = joined
            self.counted["joined fills"] += 1
        self._settle([read])

    def _release(self):
        held = self._random.choice(self._held)
        self._held.remove(held)
        waiting = [read for read in self._reads if read.held is held]
        for read in waiting:
            read.held = None
        held.answer.set()
        self._note(f"the origin answers a read of version {held.version}, for {[read.number for read in waiting]}")
        self._settle(waiting)

    def _settle(self, reads):
        """Until each is answered, and judged, or held by the origin again."""
        answered = []

        def is_settled():
            assert not self._take_arrivals(), "a write that nobody sent"
            for read in list(self._reads):
                version = read.version()
                if version is not None:
                    self._reads.remove(read)
                    self._hand_on(read)
                    self.counted["GETs"] += 1
                    self.counted["hits"] += read.is_hit()
                    answered.append((read.number, f"{read.kind} {read.number} is answered with {version}"))
                    assert version >= read.floor, \
                        f"{read.kind} {read.number} was given {version}; {read.floor} had been answered before it began"
            return all(read not in self._reads or read.held for read in reads)

        eventually(is_settled, f"{[read.number for read in reads]} are answered, or ask the origin: they wait for an "
                               f"older fill", within=PATIENCE, every=NEWLY)
        for _, line in sorted(answered):  # those who share a fill have their answers in any order
            self._note(line)

    def _take_arrivals(self):
        """Gives each read that came to the origin to the GET that it is for. Returns the writes that came."""
        writes = []
        for held in self._origin.arrivals():
            if held.method not in ("GET", "HEAD"):
                writes.append(held)
                continue
            self._held.append(held)
            asking = [read for read in self._reads if read.key == held.key]
            # If none is waited for, one that was thought to have joined another's fill has not.
            read = next((read for read in asking if read.held is None), asking[-1] if asking else None)
            if read:
                read.held = held
        return writes

    def _hand_on(self, read):
        """What the origin holds for one that has its answer is held for another one."""
        if read.held in self._held:
            other = next((other for other in self._reads if other.key == read.key and other.held is None), None)
            if other:
                other.held = read.held

    def _fence(self, replica):
        """Through Redis and back, behind all that this replica has asked it before."""
        assert self._fences[replica].get(FENCE, headers=HOST).content == b"fence"

    # --- writes ---

    def _begin_write(self):
        replica, kind = self._random.randrange(len(self._replicas)), self._random.choice(WRITES)
        method, target = {"own": ("PUT", self._thing), "above": ("PUT", self._group),
                          "location": ("POST", self._group)}[kind]
        raw = request = None
        if self._random.random() < 0.3 and kind == "own":
            raw = RawConnection(self._replicas[replica].url)
            raw.send(f"{method} {target} HTTP/1.1\r\nHost: {HOST['Host']}\r\nContent-Length: 1\r\n\r\nx".encode())
        else:
            request = Background(receive, self._replicas[replica].url, target, method, HOST, b"x",
                                 timeout=2 * PATIENCE)
        [held] = eventually(self._take_arrivals, "the write is at the origin", within=PATIENCE, every=NEWLY)
        self._writes.append(Write(replica, kind, held, request, raw))
        self._note(f"a write ({kind}) on {replica} is at the origin")

    def _commit(self):
        write = self._random.choice([write for write in self._writes if not write.held.committed.is_set()])
        self._make_committed(write)

    def _make_committed(self, write):
        write.held.commit.set()
        assert write.held.committed.wait(PATIENCE)
        self._note(f"the origin commits version {write.held.version} ({write.kind}, on {write.replica})")

    def _end_write(self):
        write = self._random.choice(self._writes)
        held = write.held
        outcomes = ["done", "done", "reset", "error"] if write.request else ["gone"]
        if not held.committed.is_set() and write.request:
            outcomes.append("refused")
        outcome = self._random.choice(outcomes)
        if outcome != "refused" and not held.committed.is_set():
            self._make_committed(write)
        self._writes.remove(write)
        before = self._stamp()
        if outcome == "gone":
            if before is None:  # nothing that would show the eviction
                outcome = "done"
            else:
                write.raw.close()
        held.outcome = "located" if outcome == "done" and write.kind == "location" else outcome
        held.commit.set()
        held.answer.set()
        self.counted[f"writes: {outcome}"] += 1
        if outcome == "gone":
            eventually(lambda: self._stamp() != before, "the write whose client is gone evicts", PATIENCE, NEWLY)
        elif write.request:
            status = write.request.result(PATIENCE).status
            assert status in {"refused": (409,), "reset": (502,), "error": (500,)}.get(outcome, (200, 201)), status
        else:
            assert write.raw.read_head()[0] == 200
            write.raw.close()
        # By an answer that does not name it, a failed POST to the list tells of nothing but that itself.
        evicts = outcome != "refused" and (write.kind != "location" or outcome == "done")
        if evicts:
            self._floor = max(self._floor, held.version)
            self._evicted()
        self._note(f"the write of version {held.version} ({write.kind}, on {write.replica}) ends: {outcome}")

    # --- Redis ---

    def _tags(self):
        """Of the thing itself, and of what lies below its list."""
        return f"p:{self._thing}".rstrip("/"), f"b:{self._group}".rstrip("/")

    def _stamp(self):
        text = self._redis.get(f"larder:1:s:{self._tags()[0]}")
        return text[:16] if text else None

    def _delete(self):
        """A key of ours on which this thing depends, as Redis does when it is full (W8)."""
        stamps = [b"larder:1:s:" + tag.encode() for tag in (*self._tags(), "r:things", "n:")]
        keys = [key for key in self._redis.scan_iter(match="larder:1:*", count=1000)
                if key in stamps or key.startswith(b"larder:1:s:e:") or
                key.startswith((b"larder:1:v:", b"larder:1:i:")) and self._thing.rstrip("/").encode() in key]
        if not keys:
            return
        key = self._random.choice(sorted(keys))
        self._redis.delete(key)
        if key.startswith(b"larder:1:s:"):
            self._evicted()
        self.counted["stamps dropped" if key.startswith(b"larder:1:s:") else "other keys dropped"] += 1
        self._note(f"Redis drops {key.decode('ascii', 'replace')}")

    def _evicted(self):
        for held in self._held:
            held.is_current = False

    def _note(self, line):
        self.trace.append(line)
