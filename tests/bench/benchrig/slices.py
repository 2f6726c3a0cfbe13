"""One workload, measured: everybody is started and primed, then short slices of each follow one another again and
again, so that what the machine does meanwhile falls on all alike.
"""

import shutil
import statistics
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchrig import peers as known
from benchrig import servers
from benchrig.programs import LoadFailed, load_command, run_load
from benchrig.workloads import JWT_SECRET, RULES, STORM_RATE
from rig.certificates import Certificates

WARM_SECONDS = 0.1
PROBED = 1000  # URLs by which it is seen whether all are stored
LATENCY_SHARE = 0.5  # of what the slowest can do


@dataclass
class Plan:
    """How it is measured; `cpus` of the servers and of the load, empty where they are not held to any."""
    binary: str
    seconds: float
    rounds: int
    server_cpus: str
    load_cpus: str


@dataclass
class Measured:
    """What one server did in one workload: of each slice what bench_load printed, and the share of hits."""
    slices: list = field(default_factory=list)
    timed: list = field(default_factory=list)
    rate: float = 0
    resident_kib: int = 0
    over_floor: list = field(default_factory=list)

    def median(self, name):
        return statistics.median(one[name] for one in self.slices)

    def spread(self, name):
        """(lowest, highest)"""
        values = [one[name] for one in self.slices]
        return min(values), max(values)

    def timed_median(self, name):
        return statistics.median(one[name] for one in self.timed) if self.timed else None


def measure(workload, names, plan):
    """(Measured by name of the server, why others are missing)"""
    with ExitStack() as stack:
        stage = _Stage(workload, plan, stack)
        stage.start(names)
        for name in list(stage.running):
            stage.guarded(name, stage.prime)
        for turn in range(plan.rounds):
            for name in _rotated(list(stage.running), turn):
                stage.guarded(name, stage.slice)
            stage.note_floor()
        rates = stage.choose_rates()
        for turn in range(plan.rounds):
            for name in _rotated(list(stage.running), turn):
                stage.guarded(name, stage.timed_slice, rates[name])
        for name, server in stage.running.items():
            stage.measured[name].resident_kib = server.resident_kib()
        return {name: stage.measured[name] for name in stage.running}, stage.missing


def _rotated(names, turn):
    turn %= len(names)
    return names[turn:] + names[:turn]


class _Stage:
    def __init__(self, workload, plan, stack):
        self.workload, self.plan, self.stack = workload, plan, stack
        self.running, self.measured, self.missing = {}, {}, {}
        self.folder = known.scratch_folder()
        stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        # One core cannot be two threads' alone.
        self.server_cpus = plan.server_cpus if workload.threads == 1 else ""
        self.load_cpus = plan.load_cpus if workload.threads == 1 else ""
        self.redis = None
        self.certificate = None
        if workload.cipher:
            self.certificate = Certificates(self.folder / "certificates").make("bench", "IP:127.0.0.1")

    def start(self, names):
        self.origin = self._entered(servers.start_origin(self.folder, self.load_cpus))
        if self.workload.from_redis:
            self.redis = self._entered(servers.start_redis(self.folder, self.load_cpus))
        for name in names:
            folder = self.folder / name
            folder.mkdir()
            try:
                self.running[name] = self._entered(self._start(name, folder))
                self.measured[name] = Measured()
            except known.NotHere as reason:
                self.missing[name] = str(reason)
            except AssertionError as reason:  # it did not start, or not in time
                if name in ("larder", "floor"):
                    raise
                self.missing[name] = str(reason).splitlines()[0]

    def _start(self, name, folder):
        if name == "floor":
            return servers.start_floor(folder, self.workload.floor_kib, self.server_cpus)
        if name == "larder":
            return servers.start_larder(
                self.plan.binary, folder, self.origin.port, RULES, redis=self.redis,
                threads=self.workload.threads, wrapped=servers.pinned(self.server_cpus),
                memory="0" if self.workload.from_redis else f"{self.workload.memory_mib}MiB",
                env={"BENCH_JWT_SECRET": JWT_SECRET}, certificate=self.certificate)
        return known.PEERS[name].start(known.Place(
            folder, self.origin, self.redis, self.server_cpus, self.workload.threads, self.workload.memory_mib,
            self.certificate))

    def _entered(self, server):
        self.stack.callback(server.stop, within=5.0)
        return server

    def guarded(self, name, step, *arguments):
        """A server that fails is left out from then on, and named."""
        try:
            step(name, *arguments)
        except LoadFailed as reason:
            if name == "larder":
                raise
            self.running.pop(name).stop(within=5.0)
            self.missing[name] = " ".join(str(reason).split())[:200]

    def _load(self, name, **options):
        server = self.running[name]
        if name == "floor":
            options.update(status=200, tls=None)
        return run_load(server.port, cpus=self.load_cpus or None, **{**self.workload.load(), **options})

    def prime(self, name):
        """Each URL once; and once more, where some store only then."""
        if not self.workload.is_hit or name == "floor":
            return
        asked = max(self.workload.urls, 20)
        if self.workload.target.startswith("/json/"):
            # Stored compressed, whoever asks later.
            self._load(name, requests=asked, connections=1, fields=("Accept-Encoding: gzip",), within=600.0)
        # A condition is for later: the first answer must be whole.
        plain = {"fields": (), "status": 200} if self.workload.status == 304 else {}
        for requests in (asked, min(asked, PROBED), asked):
            passed = servers.origin_count(self.origin)
            self._load(name, requests=requests, connections=min(16, self.workload.urls), zipf=None, within=1200.0, **plain)
            if servers.origin_count(self.origin) == passed:
                break

    def slice(self, name):
        passed = servers.origin_count(self.origin)
        lookups = servers.lookup_count(self.redis) if self.redis else 0
        storm = self._storm(name)
        try:
            one = self._load(name, seconds=self.plan.seconds, warm=WARM_SECONDS, cpu_of=self.running[name].pids,
                             cpu_beside=self.redis.pids if self.redis else ())
        finally:
            if storm:
                storm.terminate()
                storm.wait()
        if name != "floor" and not storm:
            passed = servers.origin_count(self.origin) - passed
            one["hit_share"] = round(max(0.0, 1 - passed / max(one["requests"], 1)), 4)
        if self.redis and name == "larder" and servers.lookup_count(self.redis) - lookups < one["requests"]:
            raise LoadFailed("not every request was looked up in Redis")
        self.measured[name].slices.append(one)

    def _storm(self, name):
        """Writes through the server that evict other URLs, for as long as a slice lasts."""
        if not self.workload.storm or name == "floor":
            return None
        return subprocess.Popen(
            load_command(self.running[name].port, cpus=self.load_cpus or None, method="PUT", rate=STORM_RATE,
                         seconds=self.plan.seconds + 10, connections=8, target="/kib/1/evicted/%/", urls=1000,
                         status=204, fields=("Content-Length: 0",)),
            stdout=subprocess.DEVNULL)

    def note_floor(self):
        """Each slice of this round over the floor of the same round."""
        if "floor" not in self.running:
            return
        floor = self.measured["floor"].slices[-1]["cpu_us_per_request"]
        for name in self.running:
            measured = self.measured[name]
            measured.over_floor.append(measured.slices[-1]["cpu_us_per_request"] / floor)

    def choose_rates(self):
        """One rate for all, which even the slowest can bear; Django, far behind, has one of its own."""
        able = {name: self.measured[name].median("requests_per_second") for name in self.running}
        slowest = min(value for name, value in able.items() if name != "django")
        return {name: _rounded(LATENCY_SHARE * (able[name] if name == "django" else slowest)) for name in able}

    def timed_slice(self, name, rate):
        self.measured[name].rate = rate
        self.measured[name].timed.append(
            self._load(name, seconds=self.plan.seconds, warm=WARM_SECONDS, rate=rate))


def _rounded(rate):
    return max(100, round(rate / 100) * 100)
