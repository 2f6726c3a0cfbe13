"""Evicts in Redis itself: the same stamps, by the same script as Larder. One step for each keyspace.

A stamp is not deleted but by the script, which leaves the leases of writes that are under way
where they are, as deleting would not.
"""

from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from django.core.exceptions import ImproperlyConfigured

from .backend import NotEvicted
from .protocol import END_SCRIPT, END_SHA1, end_arguments, index_key, roots, stamp_keys
from .tags import EVERYTHING

DATABASE = "1"  # where a URL names none, as for Larder
SENTINEL_PORT = 26379
ENCRYPTED = ("rediss", "valkeys")
SCHEMES = ["unix"] + [name + kind for name in ("redis", "valkey", *ENCRYPTED) for kind in ("", "+sentinel", "+cluster")]


class RedisBackend:
    """`url`: as Larder's own setting `redis`. `timeout` (seconds) bounds connecting, and each answer."""

    def __init__(self, url, timeout, settle=0.0, connection=None):
        self._url, self._timeout, self._settle_ms = url, timeout, round(settle * 1000)
        self._connection = connection or {}
        self._client = None
        parts = _split(url)
        self._is_cluster = parts.scheme.endswith("+cluster")
        self.name = f"Redis ({parts.netloc.rpartition('@')[2] or parts.path})"

    def evict(self, tags):
        """Returns when Redis has acknowledged all of them; NotEvicted when it has not."""
        import redis

        try:
            client = self._connected()
            for root in roots(self._is_cluster):
                keys = stamp_keys(tags, root)
                arguments = [*keys, *end_arguments(keys, self._settle_ms)]
                try:
                    client.evalsha(END_SHA1, len(keys), *arguments)
                except redis.exceptions.NoScriptError:
                    client.eval(END_SCRIPT, len(keys), *arguments)
        except (redis.exceptions.RedisError, OSError) as error:
            raise NotEvicted(f"{type(error).__name__}: {error}") from error

    def count(self, tags):
        """(tag, how many it has in the index), for --dry-run: about, since that index is no truth."""
        import redis

        tags = sorted({"b:/" if tag == EVERYTHING else tag for tag in tags})
        try:
            client = self._connected()
            return [(tag, sum(client.scard(index_key(tag, root)) for root in roots(self._is_cluster)))
                    for tag in tags]
        except (redis.exceptions.RedisError, OSError) as error:
            raise NotEvicted(f"{type(error).__name__}: {error}") from error

    def _connected(self):
        if self._client is None:
            self._client = self._make_client()
        return self._client

    def _make_client(self):
        import redis.sentinel
        from redis.backoff import NoBackoff
        from redis.cluster import ClusterNode, RedisCluster
        from redis.retry import Retry

        # Whoever saves waits: one attempt, and what fails is retried behind their back.
        once = {"socket_timeout": self._timeout, "socket_connect_timeout": self._timeout,
                "retry": Retry(NoBackoff(), 0), **self._connection}
        parts = _split(self._url)
        scheme, _, kind = parts.scheme.partition("+")
        if not kind:
            if scheme == "unix":
                del once["socket_connect_timeout"]
            return redis.Redis.from_url(_url_for_redis_py(parts), **once)
        who = {"username": unquote(parts.username) if parts.username else None,
               "password": unquote(parts.password) if parts.password else None}
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        database = options.pop("db", None)
        tls = {**({"ssl": True} if scheme in ENCRYPTED else {}), **options}
        hosts = [_address(one, SENTINEL_PORT if kind == "sentinel" else 6379)
                 for one in parts.netloc.rpartition("@")[2].split(",")]
        if kind == "sentinel":
            master, _, path_database = parts.path.strip("/").partition("/")
            sentinel_options = {"socket_timeout": self._timeout, "socket_connect_timeout": self._timeout, **tls}
            sentinel = redis.sentinel.Sentinel(hosts, sentinel_kwargs=sentinel_options, **sentinel_options)
            return sentinel.master_for(master, db=int(database or path_database or DATABASE), **who, **tls, **once)
        # Also of a node that has moved: one more attempt, by another one's word.
        if int(redis.__version__.partition(".")[0]) >= 6:
            again = {"retry": Retry(NoBackoff(), 1)}
        else:
            again = {"cluster_error_retry_attempts": 1}
        return RedisCluster(startup_nodes=[ClusterNode(*host) for host in hosts], **who, **tls, **{**once, **again})


def _split(url):
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise ImproperlyConfigured(f"LARDER['REDIS'] must begin with one of {', '.join(f'{s}:' for s in SCHEMES)}")
    return parts


def _url_for_redis_py(parts):
    """With its name for the scheme, and Larder's default where no database is named."""
    options = parse_qs(parts.query)
    if "db" not in options and (parts.scheme == "unix" or not parts.path.strip("/")):
        options["db"] = [DATABASE]
    scheme = parts.scheme.replace("valkey", "redis")
    return f"{scheme}://{parts.netloc}{parts.path}?{urlencode(options, doseq=True)}"


def _address(text, port):
    host, colon, named = text.rpartition(":")
    if not colon or text.endswith("]"):
        return text.strip("[]"), port
    return host.strip("[]"), int(named)
