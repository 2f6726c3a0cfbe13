"""The GETs of rig/random_faults: what is drawn, sent, and noted of the answer."""

import gzip
import time

from rig.fault_history import Read, folder_of, is_personal, resource_of
from rig.fault_origin import NUMBERS, Gate, tag_of
from rig.fault_users import FIELDS, NOBODY, VERIFIED, person_of
from rig.http import RawConnection, receive
from rig.waiting import Background

PATIENCE = 30.0  # seconds for whatever must come about on a busy machine
HOST = {"Host": "things.example"}  # the replicas differ by port


class Reads:
    """A part of Sequence."""

    def _draw_target(self):
        folder = self._random.choice((*self._folders, "things", "summary"))
        if folder == "summary":
            return "/summary/"
        target = self._random.choice((f"/{folder}/", *(f"/{folder}/{number}/" for number in NUMBERS * 2)))
        return target + self._random.choice(("", "", "", "?page=2"))

    def _draw_user(self, path):
        likely = [*VERIFIED * 3, "Ada, by another token"] if is_personal(path) or folder_of(path) == "ruled" else \
            [NOBODY] * 12
        return self._random.choice([*likely, *FIELDS])

    def _draw_read(self, target=None):
        """What is sent, and to whom."""
        target = target or self._draw_target()
        path = target.partition("?")[0]
        who = self._draw_user(path)
        known = tag_of(self._origin.versions[resource_of(path, person_of(who))],
                       person_of(who) if is_personal(path) else NOBODY)
        fields = self._random.choice(({},) * 8 + ({"Accept-Encoding": "gzip"}, {"Cache-Control": "no-cache"},
                                               {"Cache-Control": "no-store"}, {"Range": "bytes=0-9"},
                                               {"If-None-Match": known}))
        if folder_of(path) == "varied":
            fields = {**fields, **self._random.choice(({}, {"X-Kind": "a"}, {"X-Kind": "b"}))}
        return (self._random.choice(self._replicas), target, self._random.choice(("GET",) * 9 + ("HEAD",)), fields, who)

    def _ask(self, replica, target, method="GET", fields=None, who=NOBODY):
        fields = fields or {}
        read = Read(next(self._numbers), replica.via, method, target, time.monotonic(), fields.get("If-None-Match"),
                    who, fields.get("X-Kind"))
        self.history.reads.append(read)
        received = receive(replica.url, target, method, {**HOST, **FIELDS[who], **fields}, timeout=2 * PATIENCE)
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
        replica, target, method, _, who = self._draw_read()
        with RawConnection(replica.url) as raw:
            fields = "".join(f"{name}: {value}\r\n" for name, value in {**HOST, **FIELDS[who]}.items())
            raw.send(f"{method} {target} HTTP/1.1\r\n{fields}\r\n".encode())
            self._begin(self._ask, replica, target, "GET", None, who)
        self._settle()

    def _hold_read(self):
        """Of two that ask together, perhaps through both, the origin holds the first."""
        drawn = [self._draw_read() for _ in range(2)]
        target = drawn[0][1]
        drawn[1] = self._draw_read(target)
        gate = Gate(target.partition("?")[0])
        self._origin.expect(gate.path, gate)
        self._held.append(gate)
        more = self._random.choice(({}, {"Cache-Control": "no-cache"}))
        for replica, _, method, fields, who in drawn:
            self._begin(self._ask, replica, target, method, {**fields, **more}, who)
        self._settle()

    def _fill(self, path="/summary/"):
        """Something is stored that can become old, where anything can be."""
        who = VERIFIED[0] if is_personal(path) else NOBODY
        for replica in self._replicas * 2:
            self._ask(replica, path, who=who)

    def _begin(self, function, *arguments):
        self._under_way.append(Background(function, *arguments))

    def _settle(self):
        """Until all are answered but those that may be held: what is under way goes on beside the next step."""
        if not self._held:
            self._wait_for_all()

    def _wait_for_all(self):
        while self._under_way:
            self._under_way.pop().result(2 * PATIENCE)
