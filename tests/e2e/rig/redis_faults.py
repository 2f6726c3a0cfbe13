"""What can happen to Redis, and between Larder and Redis: some of it lasts, some is over at once."""

import random

from rig.processes import free_port

AWAY = ("stopped", "killed", "paused")
RELAYS = ("silent", "deaf", "mute", "lost")
MOST_STALLS = 3  # of those that make Larder wait: after more of them it leaves Redis alone for long


class NoFaults:
    """Where there is no Redis."""

    def is_away(self):
        return False

    is_any = is_away

    def begin(self):
        pass

    end = end_all = strike = begin


class RedisFaults:
    def __init__(self, chance, server, relays, note):
        """`chance` draws them; `relays` are before the `server`; note(TEXT) is told of each."""
        self._random, self._server, self._relays, self._note = chance, server, relays, note
        self._lasting = {}  # what ends each of them
        self._stalls = 0

    def is_away(self):
        """So that nobody can ask it everything."""
        return any(name in AWAY for name in self._lasting)

    def is_any(self):
        return bool(self._lasting)

    def begin(self):
        """Something that lasts."""
        relay = self._random.choice(self._relays)
        server = self._server.process
        name, begin, heal = self._random.choice((
            ("stopped", server.pause, server.resume),
            ("killed", server.kill, self._server.start),
            ("paused", lambda: self._redis().execute_command("CLIENT", "PAUSE", "60000", "WRITE"),
             lambda: self._redis().execute_command("CLIENT", "UNPAUSE")),
            ("full", lambda: self._limit("1mb", "noeviction"), lambda: self._limit("256mb", "allkeys-lru")),
            ("read-only", lambda: self._redis().replicaof("127.0.0.1", str(free_port())),
             lambda: self._redis().replicaof("NO", "ONE")),
            ("silent", relay.fall_silent, relay.heal),
            ("deaf", lambda: relay.fall_silent(["from the server"]), relay.heal),
            ("mute", lambda: relay.fall_silent(["to the server"]), relay.heal),
            ("lost", relay.fall_silent, lambda: (relay.cut(), relay.heal())),
        ))
        is_stall = name in RELAYS or name in ("stopped", "paused")
        is_too_much = is_stall and self._stalls >= MOST_STALLS
        if name in self._lasting or is_too_much or (self.is_away() and name not in RELAYS):
            return
        self._stalls += is_stall
        self._note(f"begins: {name}")
        self._lasting[name] = heal
        begin()

    def end(self):
        """One of those that last. First what keeps others from being ended, since those ask Redis to."""
        if self._lasting:
            away = [name for name in self._lasting if name in AWAY]
            name = away[0] if away else self._random.choice(list(self._lasting))
            self._note(f"ends: {name}")
            self._lasting.pop(name)()

    def end_all(self):
        while self._lasting:
            self.end()

    def strike(self):
        """Something that is over at once."""
        name, strike = self._random.choice((
            ("emptied", lambda: self._redis().flushall()),
            ("keys dropped", self._drop_keys),
            ("saved", lambda: self._redis().save()),
            ("scripts forgotten", lambda: self._redis().script_flush()),
            ("clients killed", lambda: self._redis().execute_command("CLIENT", "KILL", "TYPE", "normal")),
            ("listeners killed", lambda: self._redis().execute_command("CLIENT", "KILL", "TYPE", "pubsub")),
            ("connections cut", self._random.choice(self._relays).cut),
        ))
        if self.is_away() and name != "connections cut" or self._lasting.keys() & {"full", "read-only"}:
            return
        self._note(f"strikes: {name}")
        strike()

    def _drop_keys(self):
        redis = self._redis()
        chance, count = random.Random(self._random.random()), self._random.choice((1, 2, 5))
        keys = sorted(redis.scan_iter(match="larder:1:*", count=1000))
        if keys:  # how many there are must not decide what is drawn next
            redis.delete(*chance.sample(keys, min(len(keys), count)))

    def _limit(self, memory, policy):
        """Never so much as for a moment does it drop keys for want of memory: that is another fault."""
        redis = self._redis()
        steps = [("maxmemory-policy", policy), ("maxmemory", memory)]
        for name, value in steps if policy == "noeviction" else reversed(steps):
            redis.config_set(name, value)

    def _redis(self):
        return self._server.client()
