"""What clients and the origin saw of a run with faults: the data that rig/fault_judge judges.

No store is known: only when requests were sent and answered, what the origin did, and, of a write, whether Larder
said that Redis had acknowledged its eviction. Times are of time.monotonic().
"""

import collections
import math

from rig.fault_users import NOBODY, person_of

LEASE, HEARTBEAT, BLIND_TRUST = 0.6, 0.25, 1.0  # seconds; the last is session/collapse.hpp's
GIVEN_UP = 0.8  # seconds until Larder gives the origin up
NEVER = math.inf


def folder_of(path):
    return path.split("/")[1]


def is_personal(path):
    """Each user has something else there."""
    return folder_of(path) in ("mine", "own")


def resource_of(path, person):
    return f"{path} of {person}" if is_personal(path) else path


class Commit:
    """The origin has carried a write out: these resources have this version from now on."""

    def __init__(self, when, version, resources):
        self.when, self.version, self.resources = when, version, resources


class Write:
    """Or a purge, of what changed at the origin just before it."""

    def __init__(self, number, via, line, path, sent, content=b"x"):
        self.number, self.via, self.line, self.path, self.sent = number, via, line, path, sent
        self.content = content
        self.commits, self.arrived = [], []  # the latter: the contents that came to the origin
        self.status = self.answered = None
        self.is_deferred = True  # Redis had not acknowledged its eviction when it was answered, as far as is known
        self.over = None  # since when nobody renews its lease: given up, its client gone, or its Larder killed
        self.is_leased = False  # after that, and after its commit, its lease was seen in Redis, or others knew of it
        self.is_known = None  # whether the rules of its Larder said what it concerns, where they changed meanwhile
        self.given_up = sent + GIVEN_UP  # not before that, if at all
        self.calm_until = None  # it was given up and leased, and nothing went wrong until then

    @property
    def id(self):
        return f"write-{self.number}"

    def has_evicted(self):
        return self.answered is not None and not 400 <= self.status < 500

    def is_given_up(self):
        return self.status in (502, 504)

    def is_without_lease(self, recently):
        """Did it give its lease back, or lose it before that time?"""
        if self.over is None and self.status is not None and not self.is_given_up():
            return True
        return (self.over or self.answered or NEVER) < recently

    def __str__(self):
        done = ", ".join(f"{commit.version} at {commit.when:.3f}" for commit in self.commits)
        more = " deferred" * self.is_deferred + " leased" * self.is_leased
        over = f", over at {self.over:.3f}" if self.over else ""
        return f"{self.id} via {self.via}: {self.line} -> {self.status}, commits {done or 'nothing'}{more}{over}"


class Read:
    def __init__(self, number, via, method, target, sent, known=None, who=NOBODY, kind=None):
        """`known`: the entity tag that its client has; `kind`: its X-Kind."""
        self.number, self.via, self.method, self.target, self.sent = number, via, method, target, sent
        self.known, self.who, self.person, self.kind = known, who, person_of(who), kind
        self.path = target.partition("?")[0]
        self.resource = resource_of(self.path, self.person)
        self.answered, self.status, self.fields, self.body, self.complete = None, None, {}, b"", False

    @property
    def version(self):
        """A 304 says it by its entity tag alone."""
        return int(self.fields["etag"].strip('"').split()[-1] if self.status == 304 else self.fields["x-version"])

    def is_answered(self):
        return self.status in (200, 206, 304) and self.complete

    @property
    def state(self):
        return self.fields.get("x-cache-status")

    def is_hit(self):
        return self.state == "HIT"

    def is_stored(self):
        """Did it get what had been stored?"""
        return self.state in ("HIT", "STALE")

    def is_blind(self):
        """Did it join a fill while Redis could not be asked?"""
        told = self.fields.get("cache-status", "")
        return "; collapsed" in told and "store-unavailable" in told

    def __str__(self):
        told = f"{self.fields.get('x-version')} {self.fields.get('cache-status')}" if self.fields else ""
        who = f" by {self.who}" if self.who != NOBODY else ""
        return f"{self.method} {self.number} via {self.via}{who}: {self.target} -> {self.status} {told}"


class Said:
    """One answer of the origin to a GET."""

    def __init__(self, target, version, at, content=b"", person=NOBODY, kind=None, is_for_one=False):
        """`kind`: the X-Kind that it is for, None if for any; `is_for_one`: its fields forbid to give it to others."""
        self.target, self.version, self.at, self.content = target, version, at, content
        self.person, self.kind, self.is_for_one = person, kind, is_for_one


class Span:
    """From `begin` to `end`."""

    def __init__(self, begin, end=NEVER):
        self.begin, self.end = begin, end

    def meets(self, begin, end):
        return self.begin <= end and begin <= self.end


class Rules:
    """A replica reads its rules again, from `begin` to `end`: `variant` is what they say of /ruled/ from then on."""

    def __init__(self, via, variant, begin, end=NEVER):
        self.via, self.variant, self.begin, self.end = via, variant, begin, end


class History:
    def __init__(self):
        self.writes, self.reads, self.notes = [], [], []
        self.said = {}  # by the number that the answer bears
        self.without_memory = set()  # replicas
        self.delivered = []  # (via, asked, answered): nothing was pending in this process
        self.away = []  # (replica, Span): killed, and not there again
        self.troubles = []  # (path, Span): the origin fails, cuts its answer off, or holds it
        self.rules = []  # in order
        self.lag = self.settle = 0  # seconds: how old the origin's reads may be, and what Larder was told of it
        self.losses = []  # when Redis lost stamps and leases

    def lines(self):
        """What happened, in order."""
        told = [*self.notes]
        for one in [*self.writes, *self.reads]:
            told.append((one.sent, f"{one.sent:.3f} to {one.answered or NEVER:.3f}  {one}"))
        return [line for _, line in sorted(told)]

    def newest(self, read):
        """What the origin had when it was sent."""
        return max((commit.version for write in self.writes for commit in write.commits
                    if read.resource in commit.resources and commit.when <= read.sent), default=0)

    def in_force(self, one):
        """The variants of rules that may have said what becomes of this GET or write."""
        own = [rules for rules in self.rules if rules.via[0] == one.via[0] and rules.begin <= (one.answered or NEVER)]
        taken = [number for number, rules in enumerate(own) if rules.end <= one.sent]
        return [rules.variant for rules in own[taken[-1] if taken else 0:]]

    def count(self, floor):
        """What was met. `floor`: rig/fault_judge's."""
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
            "a user's own hits": sum(read.is_hit() and is_personal(read.path) for read in reads),
            "for one alone": sum(said.is_for_one for said in self.said.values()),
            "old, as they may be": sum(
                read.is_answered() and read.version < self.newest(read) for read in reads),
            "writes": len(writes), "deferred": sum(write.is_deferred and write.has_evicted() for write in writes),
            "unanswered": sum(write.answered is None for write in writes),
            "unknown outcomes": sum(write.is_given_up() for write in writes),
            "left to a lease": sum(write.is_leased for write in writes),
        })
