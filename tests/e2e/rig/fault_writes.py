"""The writes of rig/random_faults: done, refused, held, given up, abandoned, cut off, and killed with their Larder."""

import re
import time

from rig.fault_history import HEARTBEAT, LEASE, Span, Write, is_personal
from rig.fault_origin import ELSEWHERE, NUMBERS, Gate, Plan, paths_of
from rig.fault_reads import HOST, PATIENCE
from rig.fault_users import FIELDS, NOBODY, VERIFIED
from rig.http import RawConnection, receive
from rig.waiting import Background, eventually, throughout

CONTENTS = (b"x", b"x" * 3000, b"0123456789" * 20_000)  # the last is more than is read at once


class Writes:
    """A part of Sequence."""

    def _draw_write(self):
        folder = self._random.choice((*self._folders, "things", "admin", "touch", "named"))
        if folder in ("touch", "named"):
            return "POST", f"/{folder}/"
        if folder == "admin":
            return "POST", "/admin/things/1/change/"
        if folder == "ruled" and self._random.random() < 0.5:
            return "POST", self._random.choice(ELSEWHERE)
        number = self._random.choice((None, *NUMBERS, *NUMBERS))
        if number is None:
            return self._random.choice(("POST", "PUT")), f"/{folder}/"
        return self._random.choice(("PUT", "PATCH", "DELETE", "POST")), f"/{folder}/{number}/"

    def _draw_writer(self, path):
        return self._random.choice(list(FIELDS) + list(VERIFIED) * 4) if is_personal(path) else NOBODY

    def _new_write(self, replica, method, path, plan, who=NOBODY, content=b"x"):
        by = f" by {who}" if who != NOBODY else ""
        write = Write(next(self._numbers), replica.via, f"{method} {path} ({plan.outcome}){by}", path,
                      time.monotonic(), content)
        self.history.writes.append(write)
        self._origin.plans[write.id] = write, plan
        return write

    def _send(self, replica, method, path, plan, write=None, who=NOBODY, content=b"x", is_chunked=False):
        write = write or self._new_write(replica, method, path, plan, who, content)
        body = iter((content[:1], content[1:])) if is_chunked else content  # of a length that is not told
        received = receive(replica.url, path, method, {**HOST, **FIELDS[who], "X-Request-ID": write.id}, body,
                           timeout=2 * PATIENCE)
        if received.complete and received.status is not None:
            write.status, write.answered = received.status, time.monotonic()
        return write

    def _write(self):
        outcome = self._random.choice(("done",) * 6 + ("refused", "error", "lost before", "lost after"))
        for _ in range(self._random.choice((1, 1, 1, 2, 3))):
            method, path = self._draw_write()
            self._begin(self._send, self._random.choice(self._replicas), method, path, Plan(outcome), None,
                        self._draw_writer(path), self._random.choice(CONTENTS), self._random.random() < 0.3)
        self._settle()

    def _storm(self):
        """Readers and writers of one folder, as fast as they can, while something goes wrong and right again."""
        folder = self._random.choice(self._folders)
        targets = sorted(paths_of(folder)) + ["/summary/"]
        reads = [[self._draw_read(self._random.choice(targets)) for _ in range(12)] for _ in range(3)]
        writes = [[(self._random.choice(self._replicas), "PUT", self._random.choice(targets[1:3]), Plan(), None,
                    self._random.choice(VERIFIED) if is_personal(targets[0]) else NOBODY)
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
        self._begin(self._send, self._random.choice(self._replicas), method, path, plan, None, self._draw_writer(path))
        eventually(gate.arrived.is_set, "the write is at the origin", PATIENCE, 0.002)

    def _release(self):
        if self._held:
            self._held.pop(self._random.randrange(len(self._held))).opened.set()
            self._settle()

    def _release_all(self):
        while self._held:
            self._held.pop().opened.set()

    # --- those that nobody waits for to the end ---

    def _draw_own_write(self):
        """One that leases the stamp of its own path, most times with Redis to do it in."""
        if self._random.random() < 0.7:
            self._recover()
        folder = self._random.choice(("things", "strict", "late", "mine"))
        return "PUT", f"/{folder}/{self._random.choice(NUMBERS)}/"

    def _watch(self, write):
        """Until its lease has run out, and beyond: who finds what is old then must not be given it any more."""
        if write.is_leased:
            throughout(LEASE * 1.25 + HEARTBEAT * 2, lambda: self._ask_all(write.path))

    def _ask_all(self, path):
        who = VERIFIED[0] if is_personal(path) else NOBODY
        for replica in self._replicas:
            self._ask(replica, path, who=who)

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
        """The origin does not answer in time, or a gateway before it; it carries the write out afterwards."""
        method, path = self._draw_own_write()
        self._fill(path)
        gate = Gate(path)
        is_calm = not self._faults.is_any()
        outcome = self._random.choice(("done", "given up by a gateway"))
        write = self._send(self._random.choice(self._replicas), method, path, Plan(outcome, before=gate))
        write.over = write.answered or time.monotonic()
        is_calm = is_calm and self._is_leased(write)
        throughout(self._random.choice((0, 0.5, 0.85)) * LEASE, lambda: self._ask_all(path))
        is_held = self._random.random() < 0.5
        if is_held:
            self._hold_one_fill(path)
        gate.opened.set()
        self._await_commit(write, gate)
        self._look_for_lease(write)
        self._ask_all(path)
        if is_held:
            self._release_fill()
        self._watch(write)
        if is_calm:
            self._ask_all(path)
            write.calm_until = time.monotonic()
        self.counted["given up"] += write.is_given_up()

    def _hold_one_fill(self, path):
        """A GET has its answer from before the commit, and gets it after that."""
        gate = Gate(path)
        self._origin.expect(path, gate)
        who = VERIFIED[0] if is_personal(path) else NOBODY
        self._fill_held = gate, Background(self._ask, self._random.choice(self._replicas), path, "GET",
                                           {"Cache-Control": "no-cache"}, who)
        eventually(lambda: gate.arrived.is_set() or self._fill_held[1].is_done(), "a GET is at the origin", PATIENCE,
                   0.002)

    def _release_fill(self):
        gate, reading = self._fill_held
        gate.opened.set()
        reading.result(PATIENCE)

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
        self._start(replica)
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
        was_leased = self._is_leased(write)  # not by a thread that has no connection yet
        self._lose("emptied", self._server.client().flushall)
        self._fill(path)
        before.opened.set()
        self._await_commit(write, after)
        self._kill_now(replica)
        write.is_leased = was_leased
        self._watch(write)
        after.opened.set()
        self.counted["forgotten"] += 1

    def _look_for_lease(self, write):
        """It counts only if it can be no other write's."""
        recently = time.monotonic() - 1.25 * LEASE
        is_alone = all(other is write or other.path != write.path or other.is_without_lease(recently)
                       for other in self.history.writes)
        if is_alone and write.commits:
            write.is_leased = self._is_leased(write)

    def _is_leased(self, write):
        if not self._server:
            return write.is_given_up()
        if self._faults.is_away():
            return False
        stamp = self._server.client().get(f"larder:1:s:p:{write.path.rstrip('/')}")
        return stamp is not None and len(stamp) > 16

    # --- what Larder says of them ---

    def _read_log(self, replica):
        """Of the evictions of its writes, and whether anything is pending."""
        asked = time.monotonic()
        if replica.owes_nothing():
            self.history.delivered.append((replica.via, asked, time.monotonic()))
        for write in self.history.writes:
            if write.via == replica.via and write.answered and not write.line.startswith("purge"):
                write.is_deferred = "eviction deferred" in self._line_of(write, replica)

    @staticmethod
    def _line_of(write, replica):
        line = eventually(lambda: re.search(f"^.*  {write.id}$", replica.larder.process.log_text(), re.M),
                          f"{write.id} is logged", PATIENCE)
        return line[0]
