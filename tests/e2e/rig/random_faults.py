"""GETs, writes and faults drawn at random before two Larders on one Redis; rig/fault_judge says what was wrong.

Each sequence has Larders and a Redis of its own. Its steps are drawn from the seed, and so is all that clients send;
what of it meets is the machine's affair, and nothing that is judged depends on it.
"""

import collections
import itertools
import random
import time

from rig.fault_history import History, Rules, is_personal
from rig.fault_judge import floor, wrongs
from rig.fault_origin import ELSEWHERE, EVERYTHING, FOLDERS, NUMBERS, Gate, Plan, paths_of, resources_at, under
from rig.fault_reads import PATIENCE, Reads
from rig.fault_rules import VARIANTS
from rig.fault_users import NOBODY, VERIFIED
from rig.fault_writes import Writes
from rig.operator import purge, reload
from rig.redis_faults import NoFaults, RedisFaults
from rig.waiting import Background, eventually

# How often each is drawn, for others.
STEPS = {"read": 30, "read_several": 8, "write": 10, "storm": 3, "hold_read": 4, "hold_write": 5, "release": 8,
         "trouble": 3, "give_up": 1, "abandon": 1, "cut_off": 0.5, "leave": 2, "purge": 2, "soften": 2, "reload": 1,
         "change_rules": 1.5, "kill": 1, "forget": 0.5, "break": 4, "heal": 4, "recover": 4, "jolt": 4}
WITH_REDIS = {"cut_off", "forget", "break", "heal", "jolt"}
# Of so many of them a sequence is about, and of `things`: on fewer paths more meets.
MOST_FOLDERS = 4
LAG, SETTLE = 0.3, 0.4  # seconds, where the origin reads from a lagging database replica


class Sequence(Reads, Writes):
    def __init__(self, seed, origin, redis_server, replicas, folders=None, lag=0, settle=0):
        """`redis_server`: None for one replica with its memory alone."""
        self._random = random.Random(seed)
        self._origin, self._server, self._replicas = origin, redis_server, replicas
        self.history, self.counted = History(), collections.Counter()
        self.history.lag, self.history.settle = lag, settle
        self._folders = folders or self._random.sample(FOLDERS, MOST_FOLDERS)
        relays = [replica.relay for replica in replicas]
        self._faults = RedisFaults(self._random, redis_server, relays, self._note) if redis_server else NoFaults()
        self._held = []  # gates that are closed
        self._numbers = itertools.count(1)  # asked for by several threads
        self._under_way = []  # what clients wait for in the background
        origin.begin(self.history)
        for replica in replicas:
            replica.draw(self._random)
            self._start(replica)
        self.history.without_memory = {replica.number for replica in replicas if replica.memory == "0"}

    def _start(self, replica):
        rules = Rules((replica.number, replica.life + 1), replica.variant, time.monotonic())
        self.history.rules.append(rules)
        replica.start()
        rules.end = time.monotonic()

    def play(self, steps=None):
        """The steps of these names, else drawn ones and an end. What was wrong, a line each.

        `counted` says what was met."""
        likely = {step: weight for step, weight in STEPS.items() if self._server or step not in WITH_REDIS}
        steps = steps or [*self._random.choices(list(likely), weights=list(likely.values()), k=60), "end"]
        self._note(f"of {', '.join(self._folders)}")
        try:
            for step in steps:
                getattr(self, f"_{step}")()
        finally:
            self._make_well()
        self._wait_for_all()
        self.counted += self.history.count(floor)
        return wrongs(self.history)

    # --- purges and rules ---

    def _purge(self):
        """Of what has changed where no Larder sees it."""
        replica, path = self._random.choice(self._replicas), self._draw_target().partition("?")[0]
        folder = self._random.choice(self._folders)
        what, resources = self._random.choice((
            ({"url": path}, resources_at({path})), ({"prefix": f"/{folder}/"}, under(folder)),
            ({"rule": folder}, under(folder)), ({"tag": "row-1"}, {"/grouped/1/"}), ({"all": True}, EVERYTHING)))
        write = self._new_write(replica, "purge", str(what), Plan())
        self._origin.commit(write, resources)
        told = purge(replica.larder, **what)
        write.status, write.answered, write.is_deferred = 200, time.monotonic(), told["redis"] == "deferred"

    def _soften(self):
        what = self._random.choice(({"url": f"/late/{self._random.choice(NUMBERS)}/"}, {"prefix": "/late/"},
                                    {"rule": "late"}, {"all": True}))
        self._note(f"softly purged: {what}")
        purge(self._random.choice(self._replicas).larder, soft=True, **what)

    def _reload(self):
        replica = self._random.choice(self._replicas)
        replica.change_ttl(self._random.choice(("1h", "2h")))
        self._note(f"{replica.via} reads its rules again")
        assert reload(replica.larder).status_code == 200

    def _change_rules(self):
        """While a write is at the origin that the old ones or the new ones know, and GETs are answered by either."""
        before = self._replicas[0].variant
        path = self._random.choice((*ELSEWHERE * 2, "/ruled/", "/ruled/1/"))
        others = [one for one in VARIANTS if one is not before]
        # Most often one that knows a write which the rules before it did not.
        variant = self._random.choice([*others, *(one for one in others * 3 if path in one.evicts - before.evicts)])
        gate, writer = Gate(path), self._random.choice(self._replicas)
        plan = Plan(self._random.choice(("done", "done", "error", "lost after")),
                    **{self._random.choice(("before", "before", "after")): gate})
        self._ask_for_ruled()
        is_known = path not in ELSEWHERE or path in before.evicts | variant.evicts
        write = self._new_write(writer, "PUT" if path == "/ruled/1/" else "POST", path, plan)
        writing = Background(self._send, writer, write.line.split()[0], path, plan, write)
        eventually(gate.arrived.is_set, "the write is at the origin", PATIENCE, 0.002)
        for replica in self._random.sample(self._replicas, len(self._replicas)):
            self._take(replica, variant)
            self._ask_for_ruled()
        write.is_known = is_known
        gate.opened.set()
        writing.result(2 * PATIENCE)
        self._ask_for_ruled()
        self.counted["rules changed"] += 1

    def _take(self, replica, variant):
        self._note(f"{replica.via} reads other rules: {variant.name}")
        rules = Rules(replica.via, variant, time.monotonic())
        self.history.rules.append(rules)
        replica.write_rules(variant)
        assert reload(replica.larder).status_code == 200
        rules.end = time.monotonic()

    def _ask_for_ruled(self):
        for target in ("/ruled/1/", self._random.choice(("/ruled/", "/ruled/1/?page=2", "/ruled/2/"))):
            for replica in self._replicas:
                reading = Background(self._ask, replica, target, "GET", None, self._random.choice((NOBODY, *VERIFIED)))
                self._under_way.append(reading) if self._held else reading.result(2 * PATIENCE)

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

    def _lose(self, what, lose):
        self._note(f"strikes: {what}")
        lose()

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
        if what in ("begins: killed", "strikes: emptied", "strikes: keys dropped"):
            self.history.losses.append(now)

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
        for replica in self._replicas:
            if replica.variant is not VARIANTS[0]:
                self._take(replica, VARIANTS[0])
        # What was lost with a killed process is settled by the next write.
        folders = {"things", *self._folders}
        for folder in sorted(folders):
            self._send(self._replicas[0], "PUT", f"/{folder}/", Plan())
        # Of what was not stored lately, nothing is for a while.
        paths = sorted({"/summary/"}.union(*(paths_of(folder) for folder in folders - {"moody"})))
        for target in paths + [f"{path}?page=2" for path in paths]:
            for replica in self._replicas:
                for who in VERIFIED if is_personal(target) else (NOBODY,):
                    eventually(lambda: self._is_new(replica, target, who),
                               f"{target} is a hit, and the newest, via {replica.via}", PATIENCE)

    def _is_new(self, replica, target, who):
        read = self._ask(replica, target, who=who)
        return read.is_hit() and read.version == self._origin.versions[read.resource]
