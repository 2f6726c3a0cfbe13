"""A real redis-server, capped as in production, that can be killed, paused and brought back."""

import redis

from rig.processes import Process, free_port

DATABASE = 1


class RedisServer:
    def __init__(self, logs, options=(), password=None):
        """`options`: further arguments; `password`: the one they set, for client()."""
        self.port, self._logs, self._options, self._password = free_port(), logs, options, password
        self.url = f"redis://127.0.0.1:{self.port}/{DATABASE}"
        self.process = None
        self.start()

    def start(self):
        """Starts it unless it runs; on the same port as before, and empty."""
        if self.process is not None and self.process.exit_code is None:
            return
        self.process = Process(
            "redis-server",
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
             "--maxmemory", "256mb", "--maxmemory-policy", "allkeys-lru", "--dir", str(self._logs),
             *self._options],
            log=self._logs / "redis.log")
        self.process.wait_until(self._answers, "answers PING")

    def _answers(self):
        try:
            return self.client().ping()
        except redis.exceptions.ConnectionError:
            return False

    def client(self):
        return redis.Redis(host="127.0.0.1", port=self.port, db=DATABASE, socket_timeout=5,
                           password=self._password)

    def make_new(self):
        """As a test expects it: running, capped, empty."""
        self.start()
        self.process.resume()
        client = self.client()
        client.replicaof("NO", "ONE")
        client.config_set("maxclients", "10000")
        client.config_set("maxmemory", "256mb")
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.flushall()

    def keys(self):
        """What `redis-cli -n 1 --scan` prints."""
        return sorted(self.client().scan_iter(count=1000))

    def large_keys(self, at_least=1000):
        """The keys of stored responses, told from stamps and indexes by what they weigh."""
        client = self.client()
        return [key for key in self.keys() if (client.memory_usage(key, samples=0) or 0) >= at_least]

    def stop(self):
        self.process.stop(within=5.0)
