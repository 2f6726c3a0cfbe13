"""What is asked for, of whom."""

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass

from benchrig.requests import BROWSER_FIELDS

CACHES = ("nginx", "haproxy", "varnish", "trafficserver")
SHARED = ("srcache", "django")
JWT_SECRET = "the-key-of-the-benchmark-0123456789abcdef"
POLL_MICROSECONDS = 15
STORM_RATE = 1000  # writes a second
CIPHER = "TLS_AES_128_GCM_SHA256"


def per_user_token():
    """As simplejwt makes it, good for an hour."""
    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    signed = b".".join(part(json.dumps(value, separators=(",", ":")).encode()) for value in (
        {"alg": "HS256", "typ": "JWT"},
        {"token_type": "access", "exp": int(time.time()) + 3600, "jti": "0" * 32, "user_id": 7}))
    return (signed + b"." + part(hmac.new(JWT_SECRET.encode(), signed, hashlib.sha256).digest())).decode()


@dataclass(frozen=True)
class Workload:
    """`peers`: who can do the same at all; of a workload of Larder's own features, none. `short_peers`: those who are
    primed quickly enough for a short run; none: all. `floor_kib`: what the floor sends, as much as the others do."""
    title: str
    target: str = "/kib/1/%/"
    fields: tuple = ()
    status: int = 200
    urls: int = 1
    zipf: float = 0
    connections: int = 64
    threads: int = 1
    peers: tuple = CACHES
    short_peers: tuple | None = None
    from_redis: bool = False
    is_hit: bool = True
    storm: bool = False
    needs_token: bool = False
    cipher: str = ""  # of TLS 1.3; the floor speaks none
    memory_mib: int = 512
    floor_kib: int = 1

    @property
    def poll(self):
        """As bench_load takes it. Where the load's core is the origin's or Redis' too, it must sleep."""
        alone = self.is_hit and not self.from_redis and not self.storm and self.threads == 1
        return POLL_MICROSECONDS if alone else None

    def load(self):
        """As benchrig.programs.run_load takes it."""
        token = (f"Authorization: Bearer {per_user_token()}",) if self.needs_token else ()
        return {"target": self.target, "fields": self.fields + token, "status": self.status, "urls": self.urls,
                "zipf": self.zipf or None, "connections": self.connections, "tls": self.cipher or None,
                "poll": self.poll}


WORKLOADS = {
    "1k": Workload("1 KiB"),
    "browser": Workload("1 KiB, 12 browser fields", fields=BROWSER_FIELDS),
    "zipf-10k": Workload("1 KiB, Zipf over 10k URLs", urls=10_000, zipf=1.0),
    "16k": Workload("16 KiB", target="/kib/16/%/", floor_kib=16),
    "256k": Workload("256 KiB", target="/kib/256/%/", connections=16, floor_kib=256),
    "tls": Workload("1 KiB over TLS", cipher=CIPHER, peers=("nginx",)),
    "tls-16k": Workload("16 KiB over TLS", target="/kib/16/%/", cipher=CIPHER, peers=("nginx",), floor_kib=16),
    "304": Workload("304 Not Modified", fields=('If-None-Match: "bench"',), status=304),
    "pass-through": Workload("pass-through, 1 KiB", target="/private/1/%/", is_hit=False),
    "redis-1": Workload("from Redis, 1 connection", urls=100, connections=1, peers=SHARED, from_redis=True),
    "redis-16": Workload("from Redis, 16 connections", urls=100, connections=16, peers=SHARED, from_redis=True),
    "redis-64": Workload("from Redis, 64 connections", urls=100, connections=64, peers=SHARED, from_redis=True),
    "compressed": Workload("16 KiB JSON, sent compressed", target="/json/16/%/", fields=("Accept-Encoding: gzip",),
                           peers=()),
    "decoded": Workload("16 KiB JSON, stored compressed, sent decoded", target="/json/16/%/", peers=(), floor_kib=16),
    "per-user": Workload("1 KiB, per user, with a JWT", target="/user/1/%/", needs_token=True, peers=()),
    "storm": Workload(f"1 KiB while {STORM_RATE} writes/s evict others", storm=True, peers=()),
    "two-threads": Workload("1 KiB, two threads", threads=2),
    # Room for all of them, in all who take part at once: 16 GiB and about ten minutes; the last, since it takes longest.
    "zipf-1m": Workload("1 KiB, Zipf over 1M URLs", urls=1_000_000, zipf=1.0, memory_mib=2500,
                        short_peers=("haproxy",)),
}

RULES = """\
rules:
  - {name: kib, path: "/kib/<path:rest>", ttl: 1h, share: everyone}
  - {name: json, path: "/json/<path:rest>", ttl: 1h, share: everyone, vary: []}
  - {name: user, path: "/user/<path:rest>", ttl: 1h, share: per-user}
settings:
  jwt: {secret: "${BENCH_JWT_SECRET}", algorithms: [HS256], claim: user_id}
"""
