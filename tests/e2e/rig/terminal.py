"""A shell at a terminal, as somebody sits before it."""

import os
import pty
import select
import signal
import time


class Terminal:
    def __init__(self, argv, cwd, env):
        self._pid, self._descriptor = pty.fork()
        if self._pid == 0:
            os.chdir(cwd)
            os.execvpe(argv[0], argv, env)
        self.seen = ""

    def type(self, keys, until, within=20.0):
        """What the terminal shows from then on, to the first `until`."""
        self.seen = ""
        os.write(self._descriptor, keys.encode())
        return self.shows(until, within)

    def shows(self, until, within=20.0):
        deadline = time.monotonic() + within
        while until not in self.seen:
            readable, _, _ = select.select([self._descriptor], [], [], max(0.0, deadline - time.monotonic()))
            assert readable, f"within {within:g} s the terminal did not show {until!r} but:\n{self.seen}"
            try:
                self.seen += os.read(self._descriptor, 65536).decode(errors="replace")
            except OSError as ended:
                raise AssertionError(f"the shell has ended:\n{self.seen}") from ended
        return self.seen

    def close(self):
        os.close(self._descriptor)
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
