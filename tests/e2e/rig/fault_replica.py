"""One of the Larders of rig/random_faults, killed and started again at the same address."""

from rig.fault_history import GIVEN_UP, HEARTBEAT, LEASE
from rig.fault_rules import RULES, VARIANTS, rules_with
from rig.operator import WITH_TOKEN, stats
from rig.processes import free_port
from rig.redis_server import DATABASE
from rig.relay import Relay

ENVIRONMENT = {
    **WITH_TOKEN, "LARDER_HEARTBEAT": f"{HEARTBEAT * 1000:.0f}ms",
    "LARDER_FIRST_BYTE_TIMEOUT": f"{GIVEN_UP * 1000:.0f}ms", "LARDER_REDIS_TIMEOUT": "250ms"}


class Replica:
    """And the relay between it and Redis; None: it is alone, with its memory."""

    def __init__(self, number, start, redis_port, folder, rules=RULES, lease=LEASE, settle=0):
        """`start`: start_larder() before the origin; `redis_port`: None for none; `folder`: for its file of rules."""
        self.number, self._start, self.life = number, start, 0
        self._environment = {**ENVIRONMENT, "LARDER_LEASE": f"{lease * 1000:.0f}ms",
                             "LARDER_SETTLE": f"{settle * 1000:.0f}ms" if settle else "0"}
        self.port, self.relay = free_port(), Relay(redis_port) if redis_port else None
        self._file, self._rules, self._ttl = folder / f"rules-{number}.yaml", rules, "1h"
        self.threads, self.memory, self.warm = 2, "64MiB", "0"
        self.write_rules(VARIANTS[0])

    @property
    def via(self):
        """Which process answers now."""
        return self.number, self.life

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def draw(self, chance):
        self.threads, self.memory = chance.choice((1, 2, 2, 3)), chance.choice(("64MiB", "64MiB", "1MiB", "0"))
        if not self.relay and self.memory == "0":
            self.memory = "256KiB"  # less than all of it
        self.warm = chance.choice(("0", "50"))

    def write_rules(self, variant):
        """By renaming: what is half written would be read, and the change is to be taken when it is asked for."""
        self.variant = variant
        draft = self._file.with_suffix(".draft")
        draft.write_text(rules_with(variant, self._rules).replace("ttl: 1h", f"ttl: {self._ttl}"))
        draft.rename(self._file)

    def change_ttl(self, ttl):
        """Of which nothing that is stored takes notice."""
        self._ttl = ttl
        self.write_rules(self.variant)

    def start(self):
        self.life += 1
        redis = f"redis://127.0.0.1:{self.relay.port}/{DATABASE}" if self.relay else None
        self.larder = self._start(self._file, redis=redis, port=self.port,
                                  env={**self._environment, "LARDER_WARM": self.warm},
                                  threads=self.threads, memory=self.memory)

    def stop(self):
        """What was wrong with its end or its log; None if nothing."""
        complaint = self.larder.stop()
        if self.relay:
            self.relay.close()
        return complaint

    def is_well(self):
        if not self.relay:
            return True
        redis = stats(self.larder)["redis"]
        return redis["state"] == "in use" and redis["pending_evictions"] == 0

    def owes_nothing(self):
        """Is every eviction delivered?"""
        return not self.relay or stats(self.larder)["redis"]["pending_evictions"] == 0
