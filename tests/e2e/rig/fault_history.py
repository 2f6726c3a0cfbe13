"""What clients and the origin saw of a run with faults, and which answers must not have been given.

The judge knows no store: only when requests were sent and answered, what the origin did, and, of a write, whether
Larder said that Redis had acknowledged its eviction. So it demands what README.md and proxy/store/README.md promise,
with the exceptions that they name and no others. Pure: a history is judged when it is over. Times are of
time.monotonic().
"""

import collections
import math

LEASE, HEARTBEAT, BLIND_TRUST = 0.6, 0.25, 1.0  # seconds; the last is session/collapse.hpp's
PASSING = 1.0  # seconds between an origin's failure and the last GET that may be told of it
NEVER = math.inf


class Commit:
    """The origin has carried a write out: what lies under these paths has this version from now on."""

    def __init__(self, when, version, paths):
        self.when, self.version, self.paths = when, version, paths


class Write:
    """Or a purge, of what changed at the origin just before it."""

    def __init__(self, number, via, line, path, sent):
        self.number, self.via, self.line, self.path, self.sent = number, via, line, path, sent
        self.commits = []
        self.status = self.answered = None
        self.is_deferred = True  # Redis had not acknowledged its eviction when it was answered, as far as is known
        self.over = None  # since when nobody renews its lease: given up, its client gone, or its Larder killed
        self.is_leased = False  # after that, and after its commit, its lease was seen in Redis, or others knew of it

    @property
    def id(self):
        return f"write-{self.number}"

    def has_evicted(self):
        return self.answered is not None and not 400 <= self.status < 500

    def is_without_lease(self, recently):
        """Did it give its lease back, or lose it before that time?"""
        if self.over is None and self.status not in (None, 502, 504):
            return True
        return (self.over or self.answered or NEVER) < recently

    def __str__(self):
        done = ", ".join(f"{commit.version} at {commit.when:.3f}" for commit in self.commits)
        more = " deferred" * self.is_deferred + " leased" * self.is_leased
        over = f", over at {self.over:.3f}" if self.over else ""
        return f"{self.id} via {self.via}: {self.line} -> {self.status}, commits {done or 'nothing'}{more}{over}"


class Read:
    def __init__(self, number, via, method, target, sent, known=None):
        """`known`: the entity tag that its client has."""
        self.number, self.via, self.method, self.target, self.sent = number, via, method, target, sent
        self.known = known
        self.path = target.partition("?")[0]
        self.answered, self.status, self.fields, self.body, self.complete = None, None, {}, b"", False

    @property
    def version(self):
        """A 304 says it by its entity tag alone."""
        return int(self.fields["etag"].strip('"').split()[-1] if self.status == 304 else self.fields["x-version"])

    def is_answered(self):
        return self.status in (200, 206, 304) and self.complete

    def is_hit(self):
        return self.fields.get("x-cache-status") == "HIT"

    def is_blind(self):
        """Did it join a fill while Redis could not be asked?"""
        told = self.fields.get("cache-status", "")
        return "; collapsed" in told and "store-unavailable" in told

    def __str__(self):
        told = f"{self.fields.get('x-version')} {self.fields.get('cache-status')}" if self.fields else ""
        return f"{self.method} {self.number} via {self.via}: {self.target} -> {self.status} {told}"


class Said:
    """One answer of the origin to a GET."""

    def __init__(self, target, version, at, content):
        self.target, self.version, self.at, self.content = target, version, at, content


class Span:
    """From `begin` to `end`."""

    def __init__(self, begin, end=NEVER):
        self.begin, self.end = begin, end

    def meets(self, begin, end):
        return self.begin <= end and begin <= self.end


class History:
    def __init__(self):
        self.writes, self.reads, self.notes = [], [], []
        self.said = {}  # by the number that the answer bears
        self.without_memory = set()  # replicas
        self.delivered = []  # (via, asked, answered): nothing was pending in this process
        self.away = []  # (replica, Span): killed, and not there again
        self.troubles = []  # (path, Span): the origin fails, cuts its answer off, or holds it

    def lines(self):
        """What happened, in order."""
        told = [*self.notes]
        for one in [*self.writes, *self.reads]:
            told.append((one.sent, f"{one.sent:.3f} to {one.answered or NEVER:.3f}  {one}"))
        return [line for _, line in sorted(told)]

    def newest(self, read):
        """What the origin had when it was sent."""
        return max((commit.version for write in self.writes for commit in write.commits
                    if read.path in commit.paths and commit.when <= read.sent), default=0)

    def count(self):
        reads, writes = self.reads, self.writes
        floors = [floor(self, read) for read in reads]
        return collections.Counter({
            "GETs": len(reads), "hits": sum(read.is_hit() for read in reads),
            "blind": sum(read.is_blind() for read in reads),
            "failed": sum(not read.is_answered() for read in reads),
            "confirmed": sum(read.status == 304 for read in reads),
            "hits after a write elsewhere": sum(
                read.is_hit() and because is not None and because.via != read.via
                for read, (_, because) in zip(reads, floors)),
            "hits after a write here": sum(
                read.is_hit() and because is not None and because.via == read.via
                for read, (_, because) in zip(reads, floors)),
            "old, as they may be": sum(
                read.is_answered() and read.version < self.newest(read) for read in reads),
            "writes": len(writes), "deferred": sum(write.is_deferred and write.has_evicted() for write in writes),
            "unanswered": sum(write.answered is None for write in writes),
            "unknown outcomes": sum(write.status in (502, 504) for write in writes),
            "left to a lease": sum(write.is_leased for write in writes),
        })


class Promise:
    """From `here` on each GET through the process that carried the write shows this version or a newer one.

    Through others from `elsewhere` on, `heartbeat` later from memory; `blind` also here."""

    def __init__(self, here, elsewhere, blind=False):
        self.here, self.elsewhere, self.blind = here, elsewhere, blind


def promise(history, write, commit):
    if write.path == "/touch/" and write.status != 200:
        return Promise(NEVER, NEVER)  # only its answer would have named what it makes old
    lapsed = lapse(history, write) if write.is_leased else NEVER
    if write.has_evicted() and commit.when <= write.answered:
        elsewhere = min(lapsed, delivered(history, write)) if write.is_deferred else write.answered
        return Promise(write.answered, elsewhere)
    return Promise(lapsed, lapsed, blind=True)


def lapse(history, write):
    """When a lease that nobody renews has run out.

    Another write's on the same tag may keep it until that is renewed, and be left behind in its turn."""
    others = [other.over for other in history.writes if other.over and folder_of(other.path) == folder_of(write.path)
              and other.sent <= write.over + LEASE * 1.25 and other.over >= write.over]
    return max(others) + LEASE * 1.25


def folder_of(path):
    return path.split("/")[1]


def delivered(history, write):
    """When nothing was pending any more in the process that carried it; never, if it was killed before."""
    return min((answered for via, asked, answered in history.delivered if via == write.via and asked >= write.answered),
               default=NEVER)


def floor(history, read):
    """The version that this GET must show at least, and the write that says so."""
    least, because = 0, None
    is_asked = read.path.startswith("/strict/") or read.via[0] in history.without_memory
    beat = 0 if is_asked else HEARTBEAT
    for write in history.writes:
        for commit in write.commits:
            if commit.version <= least or read.path not in commit.paths:
                continue
            promised = promise(history, write, commit)
            blind = BLIND_TRUST if read.is_blind() else 0
            if write.via == read.via:
                since = promised.here + (max(beat, blind) if promised.blind else 0)
            else:
                since = promised.elsewhere + max(beat, blind)
            if since <= read.sent:
                least, because = commit.version, write
    return least, because


def judge(history, read):
    """Why this answer must not have been given; None if it may."""
    is_away = any(replica == read.via[0] and span.meets(read.sent, read.answered) for replica, span in history.away)
    is_troubled = any(path == read.path and span.meets(read.sent - PASSING, read.answered)
                      for path, span in history.troubles)
    if read.status is None or not read.complete:
        return None if is_away or is_troubled else "is none, or was cut off, where nothing went wrong"
    if not read.is_answered():
        is_late = read.status == 504  # a matter of the machine's speed
        return None if is_troubled or is_late else "is an error, where the origin was well"
    is_other = judge_content(history, read)
    if is_other:
        return is_other
    least, because = floor(history, read)
    if read.version < least:
        return f"is older than {least}: {because}"
    return None


def judge_content(history, read):
    if read.status == 304:
        return None if read.known and read.known == read.fields.get("etag") else "confirms what nobody has"
    said = history.said.get(int(read.fields.get("x-answer", 0)))
    if said is None or said.at > read.answered:
        return "was never said by the origin"
    if said.target != read.target:
        return f"is for {said.target}"
    content = said.content[:10] if read.status == 206 else said.content
    if read.version != said.version or (read.method == "GET" and read.body != content):
        return f"is not what the origin said: {len(said.content)} bytes of version {said.version}"
    return None


def wrongs(history):
    found = ((read, judge(history, read)) for read in history.reads if read.answered is not None)
    return [f"{read.sent:.3f} {read}: {why}" for read, why in found if why]
