"""GETs, writes and faults drawn at random before two Larders on one Redis; rig/fault_history says what was wrong.

Each sequence has Larders and a Redis of its own. Its steps are drawn from the seed, and so is all that clients send;
what of it meets is the machine's affair, and nothing that is judged depends on it.
"""

import collections
import gzip
import itertools
import random
import re
import time

from rig.fault_history import HEARTBEAT, LEASE, History, Read, Span, Write, wrongs
from rig.fault_origin import EVERYTHING, FOLDERS, NUMBERS, Gate, Plan, tag_of, under
from rig.http import RawConnection, receive
from rig.operator import WITH_TOKEN, purge, reload, stats
from rig.processes import free_port
from rig.redis_faults import RedisFaults
from rig.redis_server import DATABASE
from rig.relay import Relay
from rig.waiting import Background, eventually, throughout

PATIENCE = 30.0  # seconds for whatever must come about on a busy machine
HOST = {"Host": "things.example"}  # the replicas differ by port
GIVEN_UP = 0.8  # seconds until Larder gives the origin up

RULES = """
rules:
  - {name: summary, path: /summary/, ttl: 1h, share: everyone, evict_on: [/things/, /admin/]}
  - {name: things, path: [/things/, "/things/<int:pk>/"], ttl: 1h, share: everyone, evict_on: [/admin/]}
  - {name: strict, path: [/strict/, "/strict/<int:pk>/"], ttl: 1h, share: everyone, coherence: strict}
  - {name: late, path: [/late/, "/late/<int:pk>/"], ttl: 1h, share: everyone, stale_while_revalidate: 1h}
  - {name: grouped, path: [/grouped/, "/grouped/<int:pk>/"], ttl: 1h, share: everyone}
"""
ENVIRONMENT = {
    **WITH_TOKEN, "LARDER_HEARTBEAT": f"{HEARTBEAT * 1000:.0f}ms",
    "LARDER_FIRST_BYTE_TIMEOUT": f"{GIVEN_UP * 1000:.0f}ms", "LARDER_REDIS_TIMEOUT": "250ms"}


class Replica:
    """One Larder, killed and started again at the same address, and the relay between it and Redis."""

    def __init__(self, number, start, redis_port, folder, rules=RULES, lease=LEASE):
        """`start`: start_larder() before the origin; `folder`: for its file of rules."""
        self.number, self._start, self.life, self._lease = number, start, 0, f"{lease * 1000:.0f}ms"
        self.port, self.relay = free_port(), Relay(redis_port)
        self.rules = folder / f"rules-{number}.yaml"
        self.rules.write_text(rules)
        self.threads, self.memory, self.warm = 2, "64MiB", "0"

    @property
    def via(self):
        """Which process answers now."""
        return self.number, self.life

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def draw(self, chance):
        self.threads, self.memory = chance.choice((1, 2, 2, 3)), chance.choice(("64MiB", "64MiB", "1MiB", "0"))
        self.warm = chance.choice(("0", "50"))

    def start(self):
        self.life += 1
        self.larder = self._start(self.rules, redis=f"redis://127.0.0.1:{self.relay.port}/{DATABASE}", port=self.port,
                                  env={**ENVIRONMENT, "LARDER_LEASE": self._lease, "LARDER_WARM": self.warm},
                                  threads=self.threads, memory=self.memory)

    def stop(self):
        """What was wrong with its end or its log; None if nothing."""
        complaint = self.larder.stop()
        self.relay.close()
        return complaint

    def is_well(self):
        redis = stats(self.larder)["redis"]
        return redis["state"] == "in use" and redis["pending_evictions"] == 0


# How often each is drawn, for others.
STEPS = {"read": 30, "read_several": 8, "write": 10, "storm": 3, "hold_read": 4, "hold_write": 5, "release": 8,
         "trouble": 3, "give_up": 0.5, "abandon": 1, "cut_off": 0.5, "leave": 2, "purge": 2, "soften": 2, "reload": 1,
         "kill": 1, "forget": 0.5, "break": 4, "heal": 4, "recover": 4, "jolt": 4}


class Sequence:
    def __init__(self, seed, origin, redis_server, replicas):
        self._random = random.Random(seed)
        self._origin, self._server, self._replicas = origin, redis_server, replicas
        self.history, self.counted = History(), collections.Counter()
        self._faults = RedisFaults(self._random, redis_server, [replica.relay for replica in replicas], self._note)
        self._held = []  # gates that are closed
        self._numbers = itertools.count(1)  # asked for by several threads
        self._under_way = []  # what clients wait for in the background
        origin.begin(self.history)
        for replica in replicas:
            replica.draw(self._random)
            replica.start()
        self.history.without_memory = {replica.number for replica in replicas if replica.memory == "0"}

    def play(self, steps=None):
        """The steps of these names, else drawn ones and an end. What was wrong, a line each.

        `counted` says what was met."""
        steps = steps or [*self._random.choices(list(STEPS), weights=list(STEPS.values()), k=60), "end"]
        try:
            for step in steps:
                getattr(self, f"_{step}")()
        finally:
            self._make_well()
        self._wait_for_all()
        self.counted += self.history.count()
        return wrongs(self.history)

    # --- GETs ---

    def _draw_target(self):
        folder = self._random.choice((*FOLDERS, "things", "summary"))
        if folder == "summary":
            return "/summary/"
        target = self._random.choice((f"/{folder}/", *(f"/{folder}/{number}/" for number in NUMBERS * 2)))
        return target + self._random.choice(("", "", "", "?page=2"))

    def _draw_read(self, target=None):
        """What is sent, and to whom."""
        target = target or self._draw_target()
        known = tag_of(self._origin.versions[target.partition("?")[0]])
        fields = self._random.choice(({},) * 8 + ({"Accept-Encoding": "gzip"}, {"Cache-Control": "no-cache"},
                                               {"Range": "bytes=0-9"}, {"If-None-Match": known}))
        return self._random.choice(self._replicas), target, self._random.choice(("GET",) * 9 + ("HEAD",)), fields

    def _ask(self, replica, target, method="GET", fields=None):
        known = (fields or {}).get("If-None-Match")
        read = Read(next(self._numbers), replica.via, method, target, time.monotonic(), known)
        self.history.reads.append(read)
        received = receive(replica.url, target, method, {**HOST, **(fields or {})}, timeout=2 * PATIENCE)
        read.answered = time.monotonic()
        read.status, read.fields, read.complete = received.status, received.fields, received.complete
        read.body = received.body
        if read.complete and "content-encoding" in read.fields and read.body:
            read.body = gzip.decompress(read.body)
        return read

    def _read(self):
        self._begin(self._ask, *self._draw_read())
        self._settle()

    def _read_several(self):
        target = self._draw_target()
        for _ in range(self._random.randint(2, 5)):
            self._begin(self._ask, *self._draw_read(self._random.choice((target, None))))
        self._settle()

    def _leave(self):
        """The one that asks first does not wait for its answer."""
        replica, target, method, _ = self._draw_read()
        with RawConnection(replica.url) as raw:
            raw.send(f"{method} {target} HTTP/1.1\r\nHost: {HOST['Host']}\r\n\r\n".encode())
            self._begin(self._ask, replica, target)
        self._settle()

    def _hold_read(self):
        """Of two that ask together, perhaps through both, the origin holds the first."""
        drawn = [self._draw_read() for _ in range(2)]
        gate = Gate(drawn[0][1].partition("?")[0])
        self._origin.expect(gate.path, gate)
        self._held.append(gate)
        more = self._random.choice(({}, {"Cache-Control": "no-cache"}))
        for replica, _, method, fields in drawn:
            self._begin(self._ask, replica, drawn[0][1], method, {**fields, **more})
        self._settle()

    def _begin(self, function, *arguments):
        self._under_way.append(Background(function, *arguments))

    def _settle(self):
        """Until all are answered but those that may be held: what is under way goes on beside the next step."""
        if not self._held:
            self._wait_for_all()

    def _wait_for_all(self):
        while self._under_way:
            self._under_way.pop().result(2 * PATIENCE)

    # --- writes ---

    def _draw_write(self):
        folder = self._random.choice((*FOLDERS, "things", "admin", "touch"))
        if folder == "touch":
            return "POST", "/touch/"
        if folder == "admin":
            return "POST", "/admin/things/1/change/"
        number = self._random.choice((None, *NUMBERS, *NUMBERS))
        if number is None:
            return self._random.choice(("POST", "PUT")), f"/{folder}/"
        return self._random.choice(("PUT", "PATCH", "DELETE", "POST")), f"/{folder}/{number}/"

    def _new_write(self, replica, method, path, plan):
        write = Write(next(self._numbers), replica.via, f"{method} {path} ({plan.outcome})", path, time.monotonic())
        self.history.writes.append(write)
        self._origin.plans[write.id] = write, plan
        return write

    def _send(self, replica, method, path, plan, write=None):
        write = write or self._new_write(replica, method, path, plan)
        received = receive(replica.url, path, method, {**HOST, "X-Request-ID": write.id}, b"x", timeout=2 * PATIENCE)
        if received.complete and received.status is not None:
            write.status, write.answered = received.status, time.monotonic()
        return write

    def _write(self):
        outcome = self._random.choice(("done",) * 6 + ("refused", "error", "lost before", "lost after"))
        for _ in range(self._random.choice((1, 1, 1, 2, 3))):
            self._begin(self._send, self._random.choice(self._replicas), *self._draw_write(), Plan(outcome))
        self._settle()

    def _storm(self):
        """Readers and writers of one folder, as fast as they can, while something goes wrong and right again."""
        folder = self._random.choice(FOLDERS)
        targets = sorted(under(folder)) + ["/summary/"]
        reads = [[(self._random.choice(self._replicas), self._random.choice(targets)) for _ in range(12)]
                 for _ in range(3)]
        writes = [[(self._random.choice(self._replicas), "PUT", self._random.choice(targets[1:3]), Plan())
                   for _ in range(4)] for _ in range(2)]
        for one, several in ((self._ask, reads), (self._send, writes)):
            for drawn in several:
                self._begin(lambda one=one, drawn=drawn: [one(*each) for each in drawn])
        self._random.choice((self._break, self._jolt, self._jolt, self._heal))()
        self._settle()

    def _hold_write(self):
        method, path = self._draw_write()
        gate, outcome = Gate(path), self._random.choice(("done", "done", "done", "error", "lost after", "refused"))
        plan = Plan(outcome, **{self._random.choice(("before", "after")): gate})
        if outcome == "refused":
            plan = Plan(outcome, before=gate)
        self._held.append(gate)
        self._begin(self._send, self._random.choice(self._replicas), method, path, plan)
        eventually(gate.arrived.is_set, "the write is at the origin", PATIENCE, 0.002)

    def _release(self):
        if self._held:
            self._held.pop(self._random.randrange(len(self._held))).opened.set()
            self._settle()

    def _release_all(self):
        while self._held:
            self._held.pop().opened.set()

    def _draw_own_write(self):
        """One that leases the stamp of its own path, most times with Redis to do it in."""
        if self._random.random() < 0.7:
            self._recover()
        folder = self._random.choice(("things", "strict", "late"))
        return "PUT", f"/{folder}/{self._random.choice(NUMBERS)}/"

    def _fill(self, path="/summary/"):
        """Something is stored that can become old, where anything can be."""
        for replica in self._replicas * 2:
            self._ask(replica, path)

    def _watch(self, write):
        """Until its lease has run out, and beyond: who finds what is old then must not be given it any more."""
        if write.is_leased:
            throughout(LEASE * 1.25 + HEARTBEAT * 2,
                       lambda: [self._ask(replica, write.path) for replica in self._replicas])

    def _cut_off(self):
        """A write through a Larder that loses Redis meanwhile: its lease evicts for it elsewhere."""
        replica, (method, path) = self._random.choice(self._replicas), self._draw_own_write()
        self._fill(path)
        gate = Gate(path)
        write = self._new_write(replica, method, path, Plan(after=gate))
        writing = Background(self._send, replica, method, path, None, write)
        self._await_commit(write, gate)
        replica.relay.fall_silent()
        gate.opened.set()
        writing.result(PATIENCE)
        write.over = write.answered or time.monotonic()
        self._look_for_lease(write)
        self._watch(write)
        replica.relay.cut()
        replica.relay.heal()
        self.counted["cut off"] += 1

    def _give_up(self):
        """The origin does not answer in time, and carries the write out afterwards."""
        method, path = self._draw_own_write()
        self._fill(path)
        gate = Gate(path)
        write = self._send(self._random.choice(self._replicas), method, path, Plan(before=gate))
        write.over = write.answered or time.monotonic()
        gate.opened.set()
        self._await_commit(write, gate)
        self._look_for_lease(write)
        self._watch(write)
        self.counted["given up"] += write.status == 504

    def _abandon(self):
        """The client goes while its write is at the origin."""
        replica, (method, path) = self._random.choice(self._replicas), self._draw_own_write()
        self._fill(path)
        gate = Gate(path)
        write = self._new_write(replica, method, path, Plan(after=gate))
        with RawConnection(replica.url) as raw:
            raw.send(f"{method} {path} HTTP/1.1\r\nHost: {HOST['Host']}\r\nX-Request-ID: {write.id}\r\n"
                     "Content-Length: 1\r\n\r\nx".encode())
            self._await_commit(write, gate)
        gate.opened.set()
        self._line_of(write, replica)
        write.status, write.answered = 200, time.monotonic()  # as far as others are concerned
        self._read_log(replica)
        self.counted["abandoned"] += 1

    @staticmethod
    def _await_commit(write, gate):
        if gate.arrived.is_set() or write.answered is None:
            eventually(lambda: write.commits, "the origin carries the write out", PATIENCE, 0.002)

    def _kill(self):
        """In a write, most times."""
        replica = self._random.choice(self._replicas)
        write, gate = None, None
        if self._random.random() < 0.8:
            method, path = self._draw_own_write()
            self._fill(path)
            gate = Gate(path)
            write = self._new_write(replica, method, path, Plan(after=gate))
            self._begin(self._send, replica, method, path, None, write)
            self._await_commit(write, gate)
        self._kill_now(replica)
        if write:
            self._look_for_lease(write)
            self._watch(write)
            gate.opened.set()
        self.counted["killed in a write"] += write is not None

    def _kill_now(self, replica):
        """And start it again."""
        self._read_log(replica)
        self._note(f"{replica.via} is killed")
        span = Span(time.monotonic())
        self.history.away.append((replica.number, span))
        replica.larder.kill()
        for write in self.history.writes:
            if write.via == replica.via and write.answered is None and write.over is None:
                write.over = time.monotonic()
        replica.start()
        span.end = time.monotonic()
        self.counted["replica killed"] += 1

    def _witnesses(self):
        return dict(self._server.client().pubsub_numsub("larder:1:leases"))[b"larder:1:leases"]

    def _forget(self):
        """Redis drops the lease of a write whose Larder is then killed: the other one has heard of it, and evicts."""
        self._recover()
        replica, (method, path) = self._random.choice(self._replicas), self._draw_own_write()
        self._release_all()
        eventually(lambda: self._witnesses() == len(self._replicas), "all hear of leases", PATIENCE)
        before, after = Gate(path), Gate(path)
        write = self._new_write(replica, method, path, Plan(before=before, after=after))
        self._begin(self._send, replica, method, path, None, write)
        eventually(before.arrived.is_set, "the write is at the origin", PATIENCE, 0.002)
        self._server.client().flushall()
        self._fill(path)
        before.opened.set()
        self._await_commit(write, after)
        self._kill_now(replica)
        write.is_leased = True
        self._watch(write)
        after.opened.set()
        self.counted["forgotten"] += 1

    def _look_for_lease(self, write):
        """It counts only if it can be no other write's."""
        recently = time.monotonic() - 1.25 * LEASE
        is_alone = all(other is write or other.path != write.path or other.is_without_lease(recently)
                       for other in self.history.writes)
        if is_alone and not self._faults.is_away() and write.commits:
            stamp = self._server.client().get(f"larder:1:s:p:{write.path.rstrip('/')}")
            write.is_leased = stamp is not None and len(stamp) > 16

    # --- purges and rules ---

    def _purge(self):
        """Of what has changed where no Larder sees it."""
        replica, path = self._random.choice(self._replicas), self._draw_target().partition("?")[0]
        folder = self._random.choice(FOLDERS)
        what, paths = self._random.choice((({"url": path}, {path}), ({"prefix": f"/{folder}/"}, under(folder)),
                                           ({"rule": folder}, under(folder)), ({"all": True}, EVERYTHING)))
        write = self._new_write(replica, "purge", str(what), Plan())
        self._origin.commit(write, paths)
        told = purge(replica.larder, **what)
        write.status, write.answered, write.is_deferred = 200, time.monotonic(), told["redis"] == "deferred"

    def _soften(self):
        what = self._random.choice(({"url": f"/late/{self._random.choice(NUMBERS)}/"}, {"prefix": "/late/"},
                                    {"rule": "late"}, {"all": True}))
        self._note(f"softly purged: {what}")
        purge(self._random.choice(self._replicas).larder, soft=True, **what)

    def _reload(self):
        replica = self._random.choice(self._replicas)
        replica.rules.write_text(replica.rules.read_text().replace(*self._random.sample(("ttl: 1h", "ttl: 2h"), 2)))
        self._note(f"{replica.via} reads its rules again")
        assert reload(replica.larder).status_code == 200

    # --- faults ---

    def _trouble(self):
        target, mood = self._draw_target(), self._random.choice(("error", "cut", "reset"))
        self._origin.expect(target.partition("?")[0], mood)
        self._begin(self._ask, *self._draw_read(target))
        self._settle()

    def _break(self):
        self._faults.begin()

    def _heal(self):
        self._faults.end()

    def _jolt(self):
        self._faults.strike()

    def _recover(self):
        """All is well for a while."""
        self._faults.end_all()
        for replica in self._replicas:
            eventually(replica.is_well, f"{replica.via} uses Redis, and owes it nothing", PATIENCE)
            self._read_log(replica)

    def _note(self, what):
        now = time.monotonic()
        self.history.notes.append((now, f"{now:.3f} {what}"))
        self.counted[what.rpartition(": ")[2]] += what.startswith(("begins", "strikes"))

    # --- the end ---

    def _make_well(self):
        self._release_all()
        self._faults.end_all()

    def _end(self):
        """Everything is well again: what is newest is stored everywhere, and within bounds of time."""
        self._make_well()
        self._note("all faults are over")
        self._wait_for_all()
        self._recover()
        # What was lost with a killed process is settled by the next write.
        for folder in ("things", "strict", "late"):
            self._send(self._replicas[0], "PUT", f"/{folder}/", Plan())
        self._send(self._replicas[0], "PUT", "/grouped/", Plan())
        for target in sorted(EVERYTHING | {f"{path}?page=2" for path in EVERYTHING}):
            for replica in self._replicas:
                eventually(lambda: self._is_new(replica, target),
                           f"{target} is a hit, and the newest, via {replica.via}", PATIENCE)

    def _is_new(self, replica, target):
        read = self._ask(replica, target)
        return read.is_hit() and read.version == self._origin.versions[read.path]

    def _read_log(self, replica):
        """What Larder says of the evictions of its writes, and whether anything is pending."""
        asked = time.monotonic()
        if stats(replica.larder)["redis"]["pending_evictions"] == 0:
            self.history.delivered.append((replica.via, asked, time.monotonic()))
        for write in self.history.writes:
            if write.via == replica.via and write.answered and not write.line.startswith("purge"):
                write.is_deferred = "eviction deferred" in self._line_of(write, replica)

    @staticmethod
    def _line_of(write, replica):
        line = eventually(lambda: re.search(f"^.*  {write.id}$", replica.larder.process.log_text(), re.M),
                          f"{write.id} is logged", PATIENCE)
        return line[0]
