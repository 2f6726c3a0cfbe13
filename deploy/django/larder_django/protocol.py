"""What an eviction is in Redis: which keys change, by which script (proxy/store/README.md).

Version 1 ("larder:1:"). Larder's C++ tests and this package's hold themselves to the same files,
tests/golden/protocol-1; whoever changes one side changes them, and sees the other fail.
"""

import hashlib
import secrets
from pathlib import Path

from .tags import EVERYTHING, is_named

ROOT = "larder:1:"
PARTITIONS = 16  # of a Redis Cluster
STAMP_SECONDS = 8 * 24 * 3600
NAMED_TAG = "n:"
# What of everything can be told without asking Redis for its run: each response is below the root
# or is the root.
ALL_RESOURCES = ("b:/", "p:/")

END_SCRIPT = Path(__file__).with_name("end.lua").read_text()
END_SHA1 = hashlib.sha1(END_SCRIPT.encode()).hexdigest()


def roots(is_cluster):
    """What all keys begin with; in a Cluster, of each partition."""
    return [f"{ROOT}{{{number}}}:" for number in range(PARTITIONS)] if is_cluster else [ROOT]


def stamp_keys(tags, root=ROOT):
    """The keys that evicting these tags changes. `n:` comes first: who sees the new stamp of a named
    tag must see that of `n:` too."""
    tags = set(tags)
    if EVERYTHING in tags:
        tags = (tags - {EVERYTHING}) | set(ALL_RESOURCES)
    ordered = sorted(tags)
    if any(is_named(tag) for tag in ordered):
        ordered.insert(0, NAMED_TAG)
    return [f"{root}s:{tag}" for tag in ordered]


def index_key(tag, root=ROOT):
    """What is stored under a tag, about: names of values of "p:", "u:" and "t:", paths of others."""
    return f"{root}i:{tag}"


def make_stamp():
    """16 random hex digits, never zero."""
    return f"{secrets.randbelow((1 << 64) - 1) + 1:016x}"


def end_arguments(keys, settle_ms=0):
    """ARGV of the script `end`: a new stamp; the holder, whom only settling needs; how many of KEYS
    to evict; how long they settle; the lifetime of stamps."""
    return [make_stamp(), make_stamp() if settle_ms else "", len(keys), settle_ms, STAMP_SECONDS]
