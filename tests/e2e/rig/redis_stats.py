"""What a Redis was asked to do."""

from collections import Counter

# Of connections, and of replicas among themselves: not caused by any request.
BESIDE_REQUESTS = ("acl", "auth", "client", "cluster", "command", "config", "hello", "info", "ping", "publish", "role",
                   "script", "select", "subscribe", "time")


def count_commands(redis):
    """Commands carried out since it started, by name, inside scripts as well; refused ones do not count."""
    stats = redis.client().info("commandstats")
    counts = {name.removeprefix("cmdstat_"): entry["calls"] for name, entry in stats.items()}
    return Counter({name: calls for name, calls in counts.items()
                    if calls and name.split("|")[0] not in BESIDE_REQUESTS})
