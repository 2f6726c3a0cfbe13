"""Redis elsewhere than at one address: nodes with options of their own, Sentinels and what they watch, a Cluster."""

import subprocess

import redis

from rig.processes import Process, free_port
from rig.waiting import eventually

FAILOVER_MS = 1000  # until a silent node is taken for dead
PARTITIONS = 16  # of proxy/store/redis_names.hpp


class RedisNode:
    """One redis-server. `options` as its command line has them; `port` 0: none (it has a socket, or TLS)."""

    def __init__(self, logs, options=(), port=None, sentinel=None, name="redis"):
        self.port = free_port() if port is None else port
        self._logs, self._options, self._sentinel = logs, [str(option) for option in options], sentinel
        self._name = f"{name}-{self.port}-{free_port()}"
        self._connection = {"host": "127.0.0.1", "port": self.port}
        self.process = None

    def start(self, **connection):
        """`connection`: what redis-py needs to connect, where it is not the port."""
        self._connection = connection or self._connection
        directory = self._logs / self._name  # what a replica is sent goes through a file of a fixed name
        directory.mkdir(exist_ok=True)
        argv = ["redis-server", *([str(self._sentinel), "--sentinel"] if self._sentinel else []),
                "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(directory), *self._options]
        if not self._sentinel:
            argv += ["--save", "", "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"]
        self.process = Process(self._name, argv, log=self._logs / f"{self._name}.log")
        self.process.wait_until(self._answers, "answers PING")
        return self

    def _answers(self):
        try:
            return self.client().ping()
        except redis.exceptions.AuthenticationError:
            return True
        except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError):
            return False

    def client(self):
        return redis.Redis(**self._connection, socket_timeout=5)

    def keys(self):
        return sorted(self.client().scan_iter(count=1000))

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"


class Watched:
    """A master, a replica, and three Sentinels that watch them as `mymaster`."""

    def __init__(self, logs):
        diskless = ["--repl-diskless-sync-delay", "0"]
        self.nodes = [RedisNode(logs, diskless).start()]
        self.nodes.append(RedisNode(logs, [*diskless, "--replicaof", "127.0.0.1", self.nodes[0].port]).start())
        self.sentinels = []
        for number in range(3):
            file = logs / f"sentinel-{free_port()}.conf"
            file.write_text(f"sentinel monitor mymaster 127.0.0.1 {self.nodes[0].port} 2\n"
                            f"sentinel down-after-milliseconds mymaster {FAILOVER_MS}\n"
                            "sentinel failover-timeout mymaster 3000\n")
            self.sentinels.append(RedisNode(logs, sentinel=file, name="sentinel").start())
        self.url = f"redis+sentinel://{','.join(one.address for one in self.sentinels)}/mymaster/1"
        eventually(self.is_whole, "the Sentinels know of each other and of the replica", within=30)

    def is_whole(self):
        for sentinel in self.sentinels:
            # Not sentinel_master() and its like: redis-py 6.4 gives their parsers an argument too many.
            state = sentinel.client().execute_command("SENTINEL MASTER", "mymaster")
            if state["num-other-sentinels"] != 2 or state["num-slaves"] != 1:
                return False
        infos = [node.client().info("replication") for node in self.nodes]
        return sorted(info["role"] for info in infos) == ["master", "slave"] and \
            all(info.get("master_link_status", "up") == "up" for info in infos)

    @property
    def master(self):
        """As they say now."""
        _, port = self.sentinels[0].client().execute_command("SENTINEL GET-MASTER-ADDR-BY-NAME", "mymaster")
        return next(node for node in self.nodes if node.port == port)

    def any_master(self, _random):
        return self.master

    def has_replaced(self, node):
        return self.master is not node

    def fail_over(self):
        """Until another node is the master. Sentinels may give one up: one that has just seen the replica's former
        self as a master makes a replica of it again."""
        former = self.master
        for _ in range(4):
            eventually(self._begin_failover, "the Sentinels agree to a failover", within=20)
            try:
                # Longer than their failover-timeout: then it has been given up.
                return eventually(lambda: self.has_replaced(former), "another node is the master", within=10)
            except AssertionError:
                continue
        raise AssertionError("the Sentinels gave up four failovers")

    def _begin_failover(self):
        """False: not yet, they wait for their timeout after the one before."""
        try:
            return self.sentinels[0].client().execute_command("SENTINEL FAILOVER mymaster")
        except redis.exceptions.ResponseError:
            return False

    def stop(self):
        for node in [*self.sentinels, *self.nodes]:
            node.process.stop(within=5.0)


class Cluster:
    """Three masters, each with a replica."""

    def __init__(self, logs):
        options = ["--cluster-enabled", "yes", "--cluster-node-timeout", FAILOVER_MS,
                   "--repl-diskless-sync-delay", "0"]
        self.nodes = []
        for _ in range(6):
            bus = free_port()
            self.nodes.append(RedisNode(logs, [*options, "--cluster-port", bus, "--cluster-config-file",
                                               f"nodes-{bus}.conf"]).start())
        self.cli("create", *(node.address for node in self.nodes), "--cluster-replicas", "1", "--cluster-yes")
        self.url = f"redis+cluster://{','.join(node.address for node in self.nodes[:3])}"
        eventually(self.is_whole, "each node sees the whole cluster, and each replica has its master", within=30)

    @staticmethod
    def cli(*arguments):
        done = subprocess.run(["redis-cli", "--cluster", *map(str, arguments)], capture_output=True, text=True,
                              timeout=60)
        assert done.returncode == 0, f"redis-cli --cluster {arguments[0]}: {done.stdout[-2000:]} {done.stderr}"

    def is_whole(self):
        for node in self.living:
            client = node.client()
            if client.execute_command("CLUSTER INFO")["cluster_state"] != "ok":
                return False
            replication = client.info("replication")
            if replication["role"] == "slave" and replication["master_link_status"] != "up":
                return False
        return True

    @property
    def living(self):
        return [node for node in self.nodes if node.process.exit_code is None]

    @property
    def masters(self):
        return [node for node in self.living if node.client().info("replication")["role"] == "master"]

    def any_master(self, random):
        return random.choice(self.masters)

    def has_replaced(self, node):
        """Does no range of slots name it any more, and do the others agree?"""
        others = [other for other in self.living if other is not node]
        return all(other.client().execute_command("CLUSTER INFO")["cluster_state"] == "ok" for other in others) and \
            node.port not in [port for _, _, port in self.ranges(others[0])]

    def slot(self, partition):
        return self.living[0].client().execute_command("CLUSTER KEYSLOT", str(partition))

    def ranges(self, node=None):
        """(first slot, last slot, port of its master), as that node has it, or the first living one."""
        answer = (node or self.living[0]).client().execute_command("CLUSTER SLOTS")
        return [(first, last, nodes[0][1]) for first, last, *nodes in answer]

    def master_of(self, partition):
        slot = self.slot(partition)
        port = next(port for first, last, port in self.ranges() if first <= slot <= last)
        return next(node for node in self.nodes if node.port == port)

    def move(self, partition, target):
        """Moves the partition's slot with what is in it, as `redis-cli --cluster reshard` does for a count of slots.

        That command takes a master's lowest slots first, so it is asked for those up to ours.
        """
        source = self.master_of(partition)
        slot = self.slot(partition)
        owned = [range(first, last + 1) for first, last, port in self.ranges() if port == source.port]
        count = sum(one <= slot for slots in owned for one in slots)
        names = {node.port: node.client().execute_command("CLUSTER MYID").decode() for node in (source, target)}
        self.cli("reshard", source.address, "--cluster-from", names[source.port], "--cluster-to", names[target.port],
                 "--cluster-slots", count, "--cluster-yes", "--cluster-pipeline", "100")
        eventually(lambda: self.master_of(partition) is target, "the slot has moved", within=20)

    def stop(self):
        for node in self.nodes:
            node.process.stop(within=5.0)
