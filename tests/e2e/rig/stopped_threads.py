"""Threads of a process that hang while its first one goes on: a tracer stops them one by one."""

import ctypes
import os
from contextlib import contextmanager

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long
SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
ALL_CHILDREN = 0x40000000  # __WALL: threads, too


def _ptrace(request, thread):
    if _libc.ptrace(request, thread, None, None) < 0:
        raise OSError(ctypes.get_errno(), f"ptrace {request:#x} of {thread}")


@contextmanager
def stopped_threads(process):
    """All threads of `process` but the first."""
    threads = [int(name) for name in os.listdir(f"/proc/{process}/task") if int(name) != process]
    assert threads
    for thread in threads:
        _ptrace(SEIZE, thread)
        _ptrace(INTERRUPT, thread)
        os.waitpid(thread, ALL_CHILDREN)
    try:
        yield
    finally:
        for thread in threads:
            _ptrace(DETACH, thread)
