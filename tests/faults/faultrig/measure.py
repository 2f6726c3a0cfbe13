"""What the kernel says of a process: memory, descriptors and where its sockets lead, processor time, open files."""

import os
from collections import Counter

_TICKS = os.sysconf("SC_CLK_TCK")
_LISTEN, _ESTABLISHED, _TIME_WAIT = "0A", "01", "06"


def resident_kib(pid, field="VmRSS"):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(field + ":"))


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def descriptor_count(pid):
    """By the size of the folder (Linux 6.2): listing thousands takes the time of many requests."""
    return os.stat(f"/proc/{pid}/fd").st_size or len(os.listdir(f"/proc/{pid}/fd"))


def _tcp_sockets(pid):
    """(local port, remote port, state, inode, unread bytes) of each in the network namespace of the process."""
    for family in ("tcp", "tcp6"):
        with open(f"/proc/{pid}/net/{family}") as table:
            next(table)
            for line in table:
                fields = line.split()
                yield (int(fields[1].rpartition(":")[2], 16), int(fields[2].rpartition(":")[2], 16),
                       fields[3], fields[9], int(fields[4].rpartition(":")[2], 16))


def _links(pid):
    for number in os.listdir(f"/proc/{pid}/fd"):
        try:
            yield number, os.readlink(f"/proc/{pid}/fd/{number}")
        except FileNotFoundError:
            continue  # closed meanwhile


def descriptors(pid, ports):
    """How many of which kind. `ports` is {port: name}, for those Larder listens on and those it connects to."""
    sockets = {inode: (local, remote, state) for local, remote, state, inode, _ in _tcp_sockets(pid)}
    kinds = Counter()
    for _, link in _links(pid):
        inode = link[len("socket:["):-1] if link.startswith("socket:[") else None
        if inode not in sockets:
            kinds["socket without peer" if inode else "other"] += 1
            continue
        local, remote, state = sockets[inode]
        name = ports.get(remote) or ports.get(local) or "elsewhere"
        kinds[f"{name} listening" if state == _LISTEN else name] += 1
    return kinds


def files_written(pid):
    """Regular files that the process has open for writing."""
    found = set()
    for number, link in _links(pid):
        if not link.startswith("/") or not os.path.isfile(f"/proc/{pid}/fd/{number}"):
            continue
        try:
            with open(f"/proc/{pid}/fdinfo/{number}") as info:
                flags = next(int(line.split()[1], 8) for line in info if line.startswith("flags:"))
        except FileNotFoundError:
            continue
        if flags & (os.O_WRONLY | os.O_RDWR):
            found.add(link)
    return found


def waiting_to_end(port):
    """Sockets in TIME_WAIT whose other end was that port: what its user has used up of its own ports."""
    return sum(1 for _, remote, state, _, _ in _tcp_sockets("self") if remote == port and state == _TIME_WAIT)


def connected(port):
    """(connections to that port, those of them with bytes its server has not read yet)"""
    unread = [unread for local, _, state, _, unread in _tcp_sockets("self") if local == port and state == _ESTABLISHED]
    return len(unread), sum(map(bool, unread))
