"""Requests and answers drawn at random, one after the other, and what RFC 9111 allows to be answered unasked.

The judge reads the RFC for itself, with the departures that proxy/policy/README.md names. It knows what the origin has
said, not what is stored: so it can tell that an answer must not be given, and never demands a hit. Ages are what the
origin's Age says; nothing waits.
"""

import collections
import gzip
import random
import re
import threading
import time

import jwt

from rig.http import RawConnection
from rig.operator import wait_until_all_is_noted
from rig.waiting import eventually

HOST = "things.example"
ELAPSED = 30  # seconds that a sequence may take; what ages are compared with is much further apart

SECRET = "the-key-of-these-tests-0123456789abcdef"
KEYED = 'key: "{path}?{query.page}", coherence: strict'
RULES = f"""
rules:
  - {{name: own, path: "/own/<int:pk>/", ttl: 1h, share: anonymous, {KEYED}}}
  - {{name: own-all, path: "/own-all/<int:pk>/", ttl: 1h, share: everyone, {KEYED}}}
  - {{name: told, path: "/told/<int:pk>/", ttl: origin, share: anonymous, {KEYED}}}
  - {{name: told-all, path: "/told-all/<int:pk>/", ttl: origin, share: everyone, {KEYED}}}
  - {{name: late-all, path: "/late-all/<int:pk>/", ttl: origin, share: everyone, stale_while_revalidate: 2h, {KEYED}}}
  - {{name: own-mine, path: "/own-mine/<int:pk>/", ttl: 1h, share: per-user, {KEYED}}}
settings:
  jwt: {{secret: {SECRET}, algorithms: [HS256], claim: user_id}}
"""
FOLDERS = ("own", "own-all", "told", "told-all", "late-all", "own-mine")
TTL = 3600
LATE = 7200


def token_of(user):
    claims = {"token_type": "access", "exp": int(time.time()) + 3600, "user_id": user}
    return jwt.encode(claims, SECRET, algorithm="HS256")


USERS = tuple({"Authorization": f"Bearer {token_of(user)}"} for user in (1, 2))

CACHE_CONTROLS = (
    None, "max-age=1000", "max-age=1000", "max-age=1000", "max-age=1000, public", "max-age=1000, public",
    "s-maxage=1000, max-age=0", "max-age=0", "no-cache", "max-age=1000, no-cache", "no-store", "private, max-age=1000",
    "max-age=1000, must-revalidate", 'max-age=1000, private="X-Mine"', 'max-age=1000, no-cache="X-Mine"', "max-age=100000",
    "public, max-age=100000")
AGES = (None,) * 5 + ("500", "500", "5000")
VARIES = (None,) * 8 + ("Accept-Language", "Accept-Language", "X-Variant", "accept-language, X-Variant", "Cookie",
                        "Authorization", "*")
STATUSES = (200,) * 30 + (404, 500, 301)
DEMANDS = (None,) * 24 + (
    "no-cache", "max-age=0", "max-age=300", "max-age=100000", "min-fresh=700", "only-if-cached",
    "only-if-cached, max-stale", "no-store", "max-stale", "max-stale=100")
CREDENTIALS = ({},) * 10 + ({"Authorization": "Bearer of-somebody"}, {"Cookie": "sessionid=somebodys"})
NAMED = ("accept-language", "x-variant", "cookie", "authorization")


def directives(value):
    """{name: argument or None}"""
    found = re.finditer(r'([\w-]+)(?:=("[^"]*"|[^,\s]*))?', value or "")
    return {match[1].lower(): match[2] and match[2].strip('"') for match in found}


class Said:
    """An answer that the origin made, told from others by its number."""

    def __init__(self, number, request, status, fields, epoch, length):
        self.number, self.status, self.epoch = number, status, epoch
        self.content = (b"answer %d of the origin, " % number) * length
        self.method, self.path, self.page = request.method, request.path, request.query.get("page")
        self.asked_with = {name: request.field(name) for name in NAMED}
        self.first, self.fields, self.at = fields, fields, time.monotonic()

    def confirm(self, fields):
        """By a 304 (RFC 9111 3.2): its Age is new, or none."""
        kept = {name: value for name, value in self.fields.items() if name != "Age"}
        self.fields, self.at = {**kept, **fields}, time.monotonic()

    def cache_control(self):
        return directives(self.fields.get("Cache-Control"))

    def age(self):
        return int(self.fields.get("Age", 0))

    def lifetime(self, folder):
        if folder.startswith("own"):
            return TTL
        told = self.cache_control()
        return int(told.get("s-maxage") or told.get("max-age") or 0)

    def depends_on(self):
        """Fields by which the origin tells its answers apart, said or not."""
        return self.names() | ({"authorization"} if "-mine" in self.path else set())

    def names(self):
        return {name.strip().lower() for name in self.fields.get("Vary", "").split(",") if name.strip()}


class Origin:
    """Says what the present step has drawn for it."""

    def __init__(self):
        self.said, self.epochs = {}, collections.Counter()
        self.plan = None
        self._lock = threading.Lock()
        self._news = []

    def script(self, exchange):
        request, plan = exchange.request, self.plan
        is_read = request.method in ("GET", "HEAD")
        with self._lock:
            if not is_read and not 400 <= plan["write status"] < 500:
                self.epochs[request.path] += 1
            known = self._confirmable(request) if is_read and plan["confirms"] else None
            number = known.number if known else len(self.said) + 1
            fields = dict(plan["fields"]) if known else {**plan["fields"], "X-Answer": str(number), "X-Mine": "yours"}
            if known or plan["tagged"]:
                fields["ETag"] = f'"{number}"'
            status = 304 if known else plan["status"] if is_read else plan["write status"]
            if not known:
                self.said[number] = Said(number, request, status, fields, self.epochs[request.path],
                                         plan["length"])
            self._news.append((number, status, fields))
        if known:
            lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
            exchange.send(f"HTTP/1.1 304 Not Modified\r\n{lines}\r\n".encode())
        else:
            exchange.answer(status, fields=fields, body=self.said[number].content)

    def _confirmable(self, request):
        """What the request knows already, if it would get the same again."""
        for tag in re.findall(r'"(\d+)"', request.field("if-none-match") or ""):
            known = self.said.get(int(tag))
            if (known and (known.path, known.page) == (request.path, request.query.get("page")) and known.status == 200
                    and known.method == "GET" and known.epoch == self.epochs[request.path]
                    and all(known.asked_with[name] == request.field(name) for name in known.depends_on() & set(NAMED))):
                return known
        return None

    def has_news(self):
        return bool(self._news)

    def news(self):
        """(number, status, fields) of what it was asked since this was last called."""
        with self._lock:
            news, self._news = self._news, []
        return news


class Wrong(AssertionError):
    """An answer that must not have been given."""


class Ask:
    def __init__(self, folder, number, method, page, fields, demands):
        self.folder, self.method, self.page, self.fields = folder, method, page, fields
        self.path = f"/{folder}/{number}/"
        self.demands = directives(demands)
        if demands:
            self.fields = {**fields, "Cache-Control": demands}

    def field(self, name):
        return next((value for key, value in self.fields.items() if key.lower() == name), None)

    def has_credentials(self):
        return "Authorization" in self.fields or "Cookie" in self.fields

    def target(self):
        return self.path + (f"?page={self.page}" if self.page else "")

    def __str__(self):
        return f"{self.method} {self.target()} {self.fields}"


def judge(ask, said, is_asked, now):
    """Raises Wrong when what the origin `said` must not answer this. `is_asked`: it said, or confirmed, it just now."""
    def deny(reason):
        raise Wrong(f"answer {said.number} ({said.method} {said.path} {said.fields}, asked with {said.asked_with}): "
                    f"{reason}")

    if (said.path, said.page) != (ask.path, ask.page):
        deny("is another resource's")
    if said.method != ask.method and (said.method, ask.method) != ("GET", "HEAD"):
        deny("answered another method")
    is_for_all = ask.folder.endswith("-all")
    is_for_one = ask.folder.endswith("-mine")
    if is_for_one and said.asked_with["authorization"] != ask.field("authorization"):
        deny("is another user's")
    for name in said.names() - {"*"}:
        is_left_out = (is_for_all or is_for_one) and name in ("cookie", "authorization")
        if not is_left_out and said.asked_with[name] != ask.field(name):
            deny(f"varies by {name}")
    if is_asked or ask.method not in ("GET", "HEAD"):
        return

    told, age = said.cache_control(), said.age()
    lifetime = said.lifetime(ask.folder)
    if now - said.at > ELAPSED:
        return  # a slow machine: its age is not known well enough
    if said.epoch != ask.epoch:
        deny("is from before a write")
    if is_for_one and ask.field("authorization") not in [user["Authorization"] for user in USERS]:
        deny("is not for who is nobody")
    if said.asked_with["cookie"] or (said.asked_with["authorization"] and not is_for_one):
        deny("answered a request with credentials")
    for fields in (said.first, said.fields):
        words = directives(fields.get("Cache-Control"))
        if "no-store" in words or ("private" in words and words["private"] is None) or "Set-Cookie" in fields:
            deny("was not to be stored")
    if "*" in said.names():
        deny("varies by everything")
    if said.status != 200 and (ask.folder.startswith("own") or not {"s-maxage", "max-age"} & set(told)):
        deny("has a status that is not stored")
    if "no-cache" in told and told["no-cache"] is None:
        deny("is to be validated each time")
    opens = "public" in told or "s-maxage" in told or "must-revalidate" in told
    if ask.has_credentials() and not (is_for_all or is_for_one) and (ask.folder.startswith("own") or not opens):
        deny("is not for requests with credentials")
    if "no-cache" in ask.demands or "no-store" in ask.demands:
        deny("was not asked for anew")
    if "max-age" in ask.demands and age > int(ask.demands["max-age"]):
        deny("is older than was asked for")
    if "min-fresh" in ask.demands and lifetime - age < int(ask.demands["min-fresh"]) - ELAPSED:
        deny("is fresh for less than was asked for")
    if age >= lifetime:
        if {"must-revalidate", "proxy-revalidate", "s-maxage"} & set(told):
            deny("is never to be stale")
        most = LATE if ask.folder.startswith("late") else -1
        if "max-stale" in ask.demands:
            most = max(most, int(ask.demands["max-stale"] or 1 << 31))
        if age - lifetime > most + ELAPSED:
            deny("is stale")


class Sequences:
    def __init__(self, origin, larders):
        """`origin`: its script's; `larders`: one or more before it under RULES, which share what they store."""
        self._origin, self._larders = origin, larders
        self.counted = collections.Counter()
        self._number = 0

    def play(self, seed, number, steps=30):
        """Raises Wrong at an answer that must not have been given; `trace` says what was done, a line a step."""
        self._random = random.Random(f"{seed} {number}")
        self._number += 1
        self._folder = self._random.choice(FOLDERS)
        self._newest = {}  # by key, of what the origin was asked for to be stored
        # Few of all, so that they meet again.
        self._controls, self._varies = self._random.sample(CACHE_CONTROLS, 3), self._random.sample(VARIES, 2)
        self._languages = self._random.choice(((None,), (None, "de"), ("de", "fr")))
        self._length = self._random.choice((1, 200))  # the latter is worth compressing
        self._numbers = {}  # of the origin's answers, by the entity tag that clients have seen
        self.trace = []
        before = None
        for _ in range(steps):
            larder = self._random.randrange(len(self._larders))
            if before and before[0] != larder:
                # What is on its way into the store is waited for by whoever asks the same of the same Larder.
                self._step(before[0], Ask(self._folder, self._number, "GET", before[1].page, {
                    key: value for key, value in before[1].fields.items()
                    if key in ("Accept-Language", "X-Variant") or self._folder.endswith("-mine") and key in USERS[0]},
                    "only-if-cached"))
            ask = self._draw()
            self._step(larder, ask)
            before = larder, ask

    def _draw(self):
        pick = self._random.choice
        method = pick(("GET",) * 40 + ("HEAD",) * 5 + ("PUT", "PATCH", "DELETE", "POST"))
        fields = {"Accept-Language": pick(self._languages), "X-Variant": pick((None,) * 5 + ("1",)),
                  "Accept-Encoding": pick((None, "gzip")),
                  **pick(USERS * 8 + CREDENTIALS if self._folder.endswith("-mine") else CREDENTIALS)}
        fields = {name: value for name, value in fields.items() if value}
        if self._random.random() < 0.1:
            fields["Range"] = "bytes=0-5"
        if self._numbers and self._random.random() < 0.15:
            fields["If-None-Match"] = pick(list(self._numbers))
        demands = pick(DEMANDS) if method in ("GET", "HEAD") else None
        return Ask(self._folder, self._number, method, pick((None,) * 5 + ("2",)), fields, demands)

    def _plan(self):
        pick = self._random.choice
        fields = {"Cache-Control": pick(self._controls), "Age": pick(AGES), "Vary": pick(self._varies),
                  "Set-Cookie": pick((None,) * 30 + ("a=b",))}
        return {"fields": {name: value for name, value in fields.items() if value}, "status": pick(STATUSES),
                # The memory of another Larder need not hear of a 304.
                "confirms": len(self._larders) == 1 and self._random.random() < 0.6,
                "tagged": self._random.random() < 0.7, "length": self._length,
                "write status": pick((200, 204, 201, 302, 400, 409, 500))}

    def _step(self, larder, ask):
        self._origin.plan = self._plan()
        ask.epoch = self._origin.epochs[ask.path]
        status, fields, body = exchange(self._larders[larder].url, ask)
        told = fields.get("cache-status", "")
        if "stale-while-revalidate" in told:
            eventually(self._origin.has_news, "it is asked for behind the answer")
            wait_until_all_is_noted(self._larders[larder])
        news = self._origin.news()
        self.trace.append(f"{larder}: {ask} -> {status} {told}; Age: {fields.get('age')}; origin: {news}")
        is_hit = "; hit" in told
        if is_hit and news and "stale-while-revalidate" not in told:
            raise Wrong("the origin was asked for a hit")
        if ask.method in ("GET", "HEAD") and "only-if-cached" in ask.demands:
            # Where there is no store to ask, it is passed on (departs 17).
            if news and not is_hit and not re.search("fwd=bypass; detail=(credentials|no-identity|token-)", told):
                raise Wrong("the origin was asked for what only the cache was to answer")
            if status == 504:
                return
        # A fill comes first; the client's own request may follow it.
        is_fill = bool(re.search("fwd=(uri-miss|stale|request)", told)) and "credentials" not in told
        is_validated = news and news[0][1] == 304 and (is_fill or is_hit or len(news) > 1)
        validated = news[0][0] if is_validated else None
        if validated and not is_hit:
            self._origin.said[validated].confirm(news[0][2])
        number = self._number_of(fields)
        if number is None:
            raise Wrong(f"nobody knows whose answer this is: {status} {fields}")
        said = self._origin.said[number]
        is_asked = not is_hit and number in [about for about, _, _ in news]
        judge(ask, said, is_asked, time.monotonic())
        self._check_order(ask, said, is_asked)
        self._check_message(ask, said, is_asked, status, fields, body)
        if validated and is_hit:
            self._origin.said[validated].confirm(news[0][2])
        # HEAD has its answer before the content is there, and stored.
        if (is_fill and ask.method == "GET") or is_hit:
            self._note_newest([self._origin.said[about] for about, answered, _ in news
                               if answered != 304 or about == validated])
        self.counted["answers"] += 1
        self.counted["unasked"] += not is_asked
        self.counted["confirmed"] += validated is not None

    @staticmethod
    def _key_of(said):
        return said.page, tuple(said.asked_with[name] for name in ("accept-language", "x-variant", "authorization"))

    def _note_newest(self, answers):
        for said in answers:
            if said.status < 500:
                self._newest[self._key_of(said)] = max(said.number, self._newest.get(self._key_of(said), 0))

    def _check_order(self, ask, said, is_asked):
        """What the origin has said anew is not followed by what it said before, whether or not it may be stored.

        Several Larders have memories of their own, and know of different Vary names."""
        newest = self._newest.get(self._key_of(said), 0)
        if len(self._larders) == 1 and ask.method in ("GET", "HEAD") and not is_asked and said.number < newest:
            raise Wrong(f"answer {said.number} is given after answer {newest} of the same")

    def _number_of(self, fields):
        """A 304 says it by its entity tag alone, which may be Larder's own."""
        tag = fields.get("etag")
        if "x-answer" not in fields:
            return self._numbers.get(tag)
        number = int(fields["x-answer"])
        if tag:
            self._numbers[tag] = number
        return number

    def _check_message(self, ask, said, is_asked, status, fields, body):
        if status == 304:
            if not is_asked and fields["etag"] not in ask.fields.get("If-None-Match", ""):
                raise Wrong(f"304 for {fields['etag']}, which was not asked about")
            return
        if status == 206:
            is_part = body == said.content[:6] or fields.get("content-encoding") == "gzip"
            if ask.field("range") is None or not is_part:
                raise Wrong(f"{body} is no part that was asked for")
        elif status != said.status:
            raise Wrong(f"status {status} where the origin said {said.status}")
        elif ask.method != "HEAD" and status != 204 and body != said.content:
            raise Wrong(f"{body} is not {said.content}")
        if is_asked:
            return
        told = said.cache_control()
        if (told.get("private") or told.get("no-cache")) and "x-mine" in fields:
            raise Wrong("a field was given that was somebody's own")
        is_joined = "collapsed" in fields["cache-status"]
        if not is_joined and int(fields.get("age", -1)) < said.age():
            raise Wrong(f"Age is {fields.get('age')}, and was {said.age()} when it came")
        names = {name.strip() for name in fields.get("vary", "").lower().split(",")} - {"", "accept-encoding"}
        if names != said.names():
            raise Wrong(f"Vary is {fields.get('vary')}, the origin said {said.fields.get('Vary')}")


def exchange(base, ask):
    lines = [f"{ask.method} {ask.target()} HTTP/1.1", f"Host: {HOST}", "Connection: close",
             *(f"{name}: {value}" for name, value in ask.fields.items())]
    if ask.method not in ("GET", "HEAD"):
        lines.append("Content-Length: 0")
    with RawConnection(base) as connection:
        connection.send("\r\n".join([*lines, "", ""]).encode())
        status, fields = connection.read_head()
        has_content = ask.method != "HEAD" and status not in (204, 304)
        body = connection.read_body(fields) if has_content else b""
        if status != 206 and body and "content-encoding" in fields:
            body = gzip.decompress(body)
        return status, fields, body
