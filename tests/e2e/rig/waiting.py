"""Waiting for conditions. The only place where time passes without anything being asked of it."""

import threading
import time

_never = threading.Event()


def eventually(condition, what, within=10.0, every=0.02):
    """Polls until `condition()` is truthy and returns its value; fails with `what` at the deadline."""
    deadline = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"within {within:g} s it never was true that {what}")
        _never.wait(every)


def throughout(seconds, check, every=0.02):
    """Calls `check()`, which asserts, again and again for that long: for what must never happen."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        check()
        _never.wait(every)


def in_parallel(functions, within=30.0):
    """Runs each function in a thread; their results in order. The first exception is raised here."""
    results, errors = [None] * len(functions), []

    def run(index, function):
        try:
            results[index] = function()
        except BaseException as error:  # noqa: BLE001  (raised again below)
            errors.append(error)

    threads = [threading.Thread(target=run, args=item, daemon=True) for item in enumerate(functions)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + within
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    if errors:
        raise errors[0]
    assert not any(thread.is_alive() for thread in threads), f"not all done within {within:g} s"
    return results


class Background:
    """One function in a thread; `result()` waits for it and returns or raises what it did."""

    def __init__(self, function, *args, **kwargs):
        self._error = self._value = None
        self._thread = threading.Thread(target=self._run, args=(function, args, kwargs), daemon=True)
        self._thread.start()

    def _run(self, function, args, kwargs):
        try:
            self._value = function(*args, **kwargs)
        except BaseException as error:  # noqa: BLE001  (raised again in result)
            self._error = error

    def is_done(self):
        return not self._thread.is_alive()

    def result(self, within=20.0):
        self._thread.join(within)
        assert not self._thread.is_alive(), f"still running after {within:g} s"
        if self._error:
            raise self._error
        return self._value
