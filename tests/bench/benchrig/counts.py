"""What one request costs, counted: instructions and heap allocations by callgrind, system calls by strace."""

import re
import subprocess
from collections import Counter
from dataclasses import dataclass

from benchrig import servers
from benchrig.programs import run_load
from benchrig.requests import BROWSER_FIELDS
from benchrig.workloads import JWT_SECRET, RULES, per_user_token
from rig.waiting import eventually

SHORT, LONG = 300, 1300  # requests
RATE = 500  # a second: slow enough, even for callgrind, that each finds the server waiting
ALLOCATING = {"malloc", "calloc", "realloc", "aligned_alloc", "posix_memalign", "memalign"}


@dataclass(frozen=True)
class Case:
    target: str = "/kib/1/%/"
    fields: tuple = ()
    from_redis: bool = False
    needs_token: bool = False
    is_hit: bool = True
    urls: int = 1  # in turn
    connections: int = 1  # more: each asks again as soon as it is answered, so that the server is never idle


CASES = {
    "plain": Case(),
    "busy": Case(connections=16),
    "browser": Case(fields=BROWSER_FIELDS),
    "query": Case(target="/kib/1/%/?page=2&ordering=-name"),
    "per-user": Case(target="/user/1/%/", needs_token=True),
    "redis": Case(from_redis=True),
    "redis-busy": Case(from_redis=True, connections=64),
    "pass-through": Case(target="/private/1/%/", is_hit=False),
    "pass-busy": Case(target="/private/1/%/", is_hit=False, connections=16),
    # Each request another URL, which is stored.
    "miss": Case(is_hit=False, urls=1_000_000),
}


def count(name, binary, folder):
    """Of one request, by kind."""
    called, traced = {}, {}
    for requests in (SHORT, LONG):
        profile = folder / f"{name}-{requests}.callgrind"
        _serve(CASES[name], binary, folder, requests,
               ["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}", "--quiet"])
        called[requests] = read_profile(profile)
        table = folder / f"{name}-{requests}.strace"
        _serve(CASES[name], binary, folder, requests, ["strace", "-f", "-c", "-o", table])
        traced[requests] = sum(read_strace(table).values())
    span = LONG - SHORT
    return {
        "instructions": (called[LONG][0] - called[SHORT][0]) / span,
        "system_calls": (traced[LONG] - traced[SHORT]) / span,
        "allocations": (called[LONG][1] - called[SHORT][1]) / span,
    }


def profile(name, binary, folder, requests=5000):
    """Functions by their own instructions, as callgrind_annotate prints them; start and end included."""
    out = folder / "profile.callgrind"
    _serve(CASES[name], binary, folder, requests,
           ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--quiet"])
    done = subprocess.run(["callgrind_annotate", "--auto=no", "--threshold=95", out], capture_output=True, text=True,
                          check=True)
    return done.stdout


def _serve(case, binary, folder, requests, wrapped):
    origin = servers.start_origin(folder)
    redis = servers.start_redis(folder) if case.from_redis else None
    larder = servers.start_larder(binary, folder, origin.port, RULES, redis=redis, wrapped=wrapped,
                                  memory="0" if case.from_redis else "64MiB", env={"BENCH_JWT_SECRET": JWT_SECRET})
    fields = case.fields + ((f"Authorization: Bearer {per_user_token()}",) if case.needs_token else ())
    try:
        if case.is_hit:
            eventually(lambda: _is_answered_alone(larder, origin, case, fields if case.needs_token else ()),
                       "what is asked for is stored", within=30.0)
        else:
            servers.fetch(larder.port, case.target.replace("%", "first"))
        before = servers.origin_count(origin)
        lookups = servers.lookup_count(redis) if redis else 0
        pace = {"rate": RATE} if case.connections == 1 else {"connections": case.connections}
        run_load(larder.port, target=case.target, fields=fields, requests=requests, urls=case.urls, **pace)
        passed = servers.origin_count(origin) - before
        # The first look in another representation is a miss of its own.
        if case.is_hit and passed > 2 or not case.is_hit and passed != requests:
            raise SystemExit(f"{passed} of {requests} requests reached the origin")
        if redis and servers.lookup_count(redis) - lookups != requests:
            raise SystemExit("not every request was looked up in Redis")
    finally:
        larder.stop(within=30.0)
        origin.stop()
        if redis:
            redis.stop()


def _is_answered_alone(larder, origin, case, fields):
    """Without the origin; an answer that came from there is stored, once Redis is connected to."""
    before = servers.origin_count(origin)
    servers.fetch(larder.port, case.target.replace("%", "0"), fields=fields)
    return servers.origin_count(origin) == before


CALLED = re.compile(r"c?fn=\((\d+)\)(?: (.*))?")


def read_profile(path):
    """Instructions, and allocations, in a file of callgrind's."""
    names, called, allocations, instructions = {}, None, 0, 0
    with open(path) as lines:
        for line in lines:
            if line.startswith(("fn=", "cfn=")):
                number, name = CALLED.match(line).groups()
                if name:
                    names[number] = name.split("'")[0]
                if line.startswith("cfn="):
                    called = names[number]
            elif line.startswith("calls=") and called in ALLOCATING:
                allocations += int(line[6:].split()[0])
            elif line.startswith(("totals:", "summary:")):
                instructions = int(line.split()[1])
    return instructions, allocations


def read_strace(path):
    """Calls by name, of the table that strace -c writes."""
    calls = Counter()
    for line in path.read_text().splitlines():
        words = line.split()
        if len(words) >= 5 and words[0][0].isdigit() and words[-1] != "total":
            calls[words[-1]] = int(words[3])
    return calls
