"""The constant load, and the invariants I1 to I4 checked on each of its answers.

70 % GETs of `hot` URLs (an hour fresh; a tenth of them two seconds), 20 % of URLs nobody asked for before,
10 % that is passed on: GETs of what no rule names, POSTs with an id, PUTs of hot URLs. A record of each stays,
so that a scenario can say what must have happened before, during and after its fault.
"""

import asyncio
import hashlib
import random
from dataclasses import dataclass

from faultrig import client, content
from faultrig.client import Answer, Connection, now

BRIEF_SECONDS = 2
SHARES = {"hot": 63, "brief": 7, "cold": 20, "pass": 5, "post": 3, "put": 2}
ALL = frozenset(SHARES)
GETS = ALL - {"post", "put"}
HITS = frozenset({"hot"})
RULES = f"""
rules:
  - {{name: hot, path: "/hot/<int:n>/", ttl: 1h, share: everyone}}
  - {{name: brief, path: "/brief/<int:n>/", ttl: {BRIEF_SECONDS}s, share: everyone}}
  - {{name: cold, path: "/cold/<int:n>/", ttl: 1h, share: everyone}}
  - {{name: big, path: "/big/<str:name>/", ttl: 1h, share: everyone}}
"""


@dataclass
class Record:
    kind: str  # "hot", "brief", "cold", "pass", "post", "put"
    url: str
    sent: float
    took: float
    answer: Answer

    def __str__(self):
        return f"{self.kind} {self.url} after {self.took * 1000:.0f} ms: {self.answer}"


def percentile(records, share=0.99):
    took = sorted(record.took for record in records)
    return took[min(len(took) - 1, int(len(took) * share))] if took else 0.0


class Load:
    """`rate` requests a second over `connections`; with `keep_alive=False` each on a connection of its own.

    Kinds of request that are not in `kinds` are hot ones instead.
    """

    def __init__(self, port, seed, rate, hot, connections=64, keep_alive=True, kinds=ALL, sources=(None,)):
        self._port, self._rate, self._hot, self._count = port, rate, hot, connections
        self._keep_alive, self._kinds, self._sources = keep_alive, kinds, sources
        self._random = random.Random(seed)
        self._cold = self._random.randrange(10**6) * 10**6
        self._posts = 0
        self._identity = f"{seed}-{self._random.randrange(10**9)}"
        self.acknowledged = {}  # url -> version that a write was answered with
        self.posted = {}  # id -> Answer
        self.records, self.violations = [], []
        self.retried = 0
        self.served = set()  # numbers of the connections that have had an answer
        self._tasks, self._stopping = [], False

    # --- running it ---

    async def __aenter__(self):
        self._stopping = False
        self._tasks = [asyncio.create_task(self._keep_asking(number)) for number in range(self._count)]
        return self

    async def __aexit__(self, *_):
        """Each connection ends what it is asking and closes."""
        self._stopping = True
        ended = await asyncio.gather(*self._tasks, return_exceptions=True)
        for error in ended:
            if isinstance(error, BaseException):
                raise error

    async def warm(self):
        """Every hot URL once, so that the hits are hits."""
        connections = [Connection(self._port) for _ in range(8)]

        async def some(number):
            for n in range(number, self._hot, len(connections)):
                await self._one(connections[number], "hot", f"/hot/{n}/")
            connections[number].close()

        await asyncio.gather(*map(some, range(len(connections))))
        self.records.clear()

    async def _keep_asking(self, number):
        connection = Connection(self._port, source=self._sources[number % len(self._sources)])
        every = self._count / self._rate
        due = now() + every * number / self._count
        try:
            while not self._stopping:
                # In short steps, since stopping is not to take as long as the slowest pace.
                while (wait := due - now()) > 0 and not self._stopping:
                    await asyncio.sleep(min(wait, 0.2))
                if self._stopping:
                    break
                due = max(due + every, now() - every)
                await self._one(connection, *self._choose())
                self.served.add(number)
                if not self._keep_alive:
                    connection.close()
        finally:
            connection.close()

    def _choose(self):
        kind = self._random.choices(list(SHARES), SHARES.values())[0]
        if kind not in self._kinds:
            kind = "hot"
        if kind == "cold":
            self._cold += 1
            return kind, f"/cold/{self._cold}/"
        if kind == "post":
            return kind, "/act/"
        folder, count = {"brief": ("brief", self._hot // 10), "pass": ("pass", 1000)}.get(kind, ("hot", self._hot))
        return kind, f"/{folder}/{self._random.randrange(count)}/"

    # --- one request ---

    async def _one(self, connection, kind, url):
        request, identity = self._request(kind, url)
        floor = self.acknowledged.get(url, 0)
        sent = now()
        was_reused = connection.is_open
        answer = await connection.ask(request)
        if answer.end == "closed" and was_reused and kind not in ("post", "put"):
            # As every client does: an idle connection may be closed in the moment of its use (RFC 9112 9.3.1).
            self.retried += 1
            answer = await connection.ask(request)
        if identity:
            self.posted[identity] = answer
        self._judge(kind, url, answer, floor, sent)
        self.records.append(Record(kind, url, sent, now() - sent, self._without_body(answer)))

    @staticmethod
    def _without_body(answer):
        if not answer.is_error:
            answer.body = b""
        return answer

    def _request(self, kind, url):
        if kind not in ("post", "put"):
            return client.get(url), None
        body = b"%032x" % self._random.getrandbits(128) * 8
        identity = ""
        if kind == "post":
            self._posts += 1
            identity = f"{self._identity}-{self._posts}"
        head = (f"{kind.upper()} {url} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
                f"X-Sum: {hashlib.sha256(body).hexdigest()}\r\nX-Id: {identity}\r\n\r\n")
        return head.encode() + body, identity or None

    def _judge(self, kind, url, answer, floor, sent):
        if answer.end != "whole":
            return
        if answer.status >= 500:
            wrong = client.problem_of(answer)
            if answer.status == 503 and "retry-after" not in answer.fields:
                wrong = "a 503 without Retry-After"
            if wrong:
                self.violations.append(f"I1 {kind} {url}: {wrong}")
            return
        if answer.status != 200:
            self.violations.append(f"I1 {kind} {url}: status {answer.status} {answer.body[:100]!r}")
            return
        try:
            said = content.judge(answer.body, url)
        except (content.NotWhole, ValueError) as error:
            self.violations.append(f"I1 {kind} {url} ({answer.state}): {error}")
            return
        lifetime = {"hot": 3600, "cold": 3600, "brief": BRIEF_SECONDS}.get(kind, 0)
        if kind in ("hot", "cold", "brief", "pass") and sent - said.made_at > lifetime + 1:
            self.violations.append(
                f"I2 {kind} {url} ({answer.state}) was made {sent - said.made_at:.2f} s before it was asked for")
        if said.version < floor:
            self.violations.append(
                f"I3 {kind} {url} ({answer.state}): version {said.version} after version {floor} was acknowledged")
        if kind == "put":
            self.acknowledged[url] = max(self.acknowledged.get(url, 0), said.version)

    # --- what happened ---

    def between(self, began, ended=float("inf"), kinds=None):
        """Records of requests sent and answered within those times."""
        return [record for record in self.records if began <= record.sent and record.sent + record.took <= ended
                and (kinds is None or record.kind in kinds)]

    @property
    def written(self):
        """URLs of hot GETs that may have had to be asked for again, since a PUT was sent to them."""
        return {record.url for record in self.records if record.kind == "put"}
