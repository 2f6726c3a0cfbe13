"""What a process takes of the machine's memory, and allocators to try it with."""

import os
import socket
import subprocess
import time

# Sonames of the Debian packages libjemalloc2, libmimalloc2.0 and libtcmalloc-minimal4.
ALLOCATORS = {
    "jemalloc": "libjemalloc.so.2",
    "mimalloc": "libmimalloc.so.2",
    "tcmalloc": "libtcmalloc_minimal.so.4",
}


def environment_for(allocator):
    """What to start a process with; None where that allocator is not installed. "built in": nothing."""
    if allocator == "built in":
        return {}
    soname = ALLOCATORS[allocator]
    listed = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    paths = [line.split(" => ")[1] for line in listed.splitlines() if line.strip().startswith(soname + " ")]
    return {"LD_PRELOAD": paths[0]} if paths else None


def of_process(pid):
    """Bytes, by the names of smaps_rollup: Rss, Pss, Private_Dirty and so on."""
    with open(f"/proc/{pid}/smaps_rollup") as rollup:
        return {name: int(value) * 1024 for name, value in
                (line.split()[:2] for line in rollup if line.endswith("kB\n")) for name in [name.rstrip(":")]}


def proportional(pid):
    return of_process(pid)["Pss"]


def settled(pid, within=3.0):
    """The proportional size once it does not change any more."""
    before, ends = proportional(pid), time.monotonic() + within
    while time.monotonic() < ends:
        time.sleep(0.25)
        now = proportional(pid)
        if abs(now - before) < 64 * 1024:
            return now
        before = now
    return before


def open_idle(port, count, target):
    """Connections that have had one answer each and then ask nothing."""
    request = f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    opened = []
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        connection.sendall(request)
        opened.append(connection)
    for connection in opened:
        if not connection.recv(65536).startswith(b"HTTP/1.1 200"):
            raise SystemExit("an idle connection's request was not answered with 200")
    return opened


def allow_open_files(count):
    """Of this process and its children."""
    import resource
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        raise SystemExit(f"{count} open files are needed, and {hard} allowed")
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


def file_sizes(binary, folder):
    """Of the program as it was built, and stripped."""
    stripped = folder / "stripped"
    subprocess.run(["strip", "-o", stripped, binary], check=True)
    return os.path.getsize(binary), os.path.getsize(stripped)
