"""Delivery: tells the backend of evictions, and goes on until it has acknowledged them.

Whoever saves waits for one attempt, of a bounded time. What fails stays here; a thread tries again,
more and more seldom, and meanwhile nobody waits: what is evicted joins what is pending. At the end
of the process there is one more attempt. Bounded: too much that is pending becomes everything.
"""

import atexit
import logging
import os
import threading
import time

from django.core.signals import setting_changed

from .backend import NotEvicted, Refused, make_backend
from .conf import larder_settings
from .tags import EVERYTHING

logger = logging.getLogger("larder_django")

MOST_PENDING = 10_000  # tags
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0  # seconds between attempts
AT_ONCE = 500  # tags in one call


class Delivery:
    def __init__(self, backend, clock=time.monotonic):
        self._backend, self._clock = backend, clock
        self._start_anew()

    def _start_anew(self):
        """Also after a fork: what is pending is the parent's to deliver."""
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._pending = {}  # tag: number of its last eviction
        self._evictions = 0
        self._failing_since = None
        self._thread = None

    @property
    def backend(self):
        return self._backend

    @property
    def pending(self):
        with self._lock:
            return set(self._pending)

    def evict(self, tags):
        """Has it been acknowledged? If not it is pending, and somebody sees to it."""
        if self._backend is None or not tags:
            return True
        with self._lock:
            self._evictions += 1
            self._pending.update(dict.fromkeys(tags, self._evictions))
            if len(self._pending) > MOST_PENDING:
                self._pending = {EVERYTHING: self._evictions}
            if self._failing_since is not None:
                self._see_to_it()
                return False
        return self._attempt()

    def deliver(self):
        """One attempt at what is pending, now."""
        return self._attempt()

    def _attempt(self):
        """Were all delivered that were pending when it began?"""
        with self._lock:
            batch = dict(self._pending)
        tags = sorted(batch)
        try:
            for first in range(0, len(tags), AT_ONCE):
                self._tell(tags[first:first + AT_ONCE])
        except NotEvicted as failure:
            self._note_failure(failure, tags)
            return False
        self._note_success(batch)
        return True

    def _tell(self, tags):
        try:
            self._backend.evict(tags)
        except Refused as refusal:
            logger.error("%s refuses an eviction, which is not tried again: %s (%s)", self._backend.name, refusal,
                         _some(tags))
        except NotEvicted:
            raise
        except Exception as error:  # noqa: BLE001  (a backend's bug is no reason to forget what it was told)
            raise NotEvicted(repr(error)) from error

    def _note_failure(self, failure, tags):
        with self._lock:
            if self._failing_since is None:
                self._failing_since = self._clock()
                logger.warning("%s did not acknowledge an eviction (%s): %s. It is tried again until it has",
                               self._backend.name, _some(tags), failure)
            self._see_to_it()

    def _note_success(self, batch):
        with self._lock:
            for tag, number in batch.items():
                if self._pending.get(tag, number) <= number:
                    self._pending.pop(tag, None)
            if self._failing_since is not None and not self._pending:
                logger.info("%s has acknowledged what was pending for %.1f s (%s)", self._backend.name,
                            self._clock() - self._failing_since, _some(sorted(batch)))
                self._failing_since = None

    # Behind the caller's back. _lock is held where it is called.
    def _see_to_it(self):
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._try_again, name="larder-evictions", daemon=True)
            self._thread.start()

    def _try_again(self):
        pause = FIRST_PAUSE
        while True:
            self._wake.wait(pause)
            if self._wake.is_set():
                return
            self._attempt()
            with self._lock:
                if not self._pending:
                    self._failing_since = None
                    self._thread = None
                    return
            pause = min(2 * pause, LONGEST_PAUSE)

    def leave(self):
        """The process ends, or other settings hold."""
        self._wake.set()
        if not self.pending:
            return
        if not self._attempt():
            logger.error("evictions are lost with this process (%s): %s. With LARDER['OUTBOX'] they would stand in "
                         "the database", _some(sorted(self.pending)), self._backend.name)


def _some(tags):
    shown = ", ".join(tags[:5])
    return f"{shown} and {len(tags) - 5} more" if len(tags) > 5 else shown


_delivery = None
_made = threading.Lock()


def delivery():
    global _delivery
    if _delivery is None:
        with _made:
            if _delivery is None:
                _delivery = Delivery(make_backend(larder_settings()))
    return _delivery


def replace_delivery(other):
    """For tests: the one in force until now."""
    global _delivery
    before, _delivery = _delivery, other
    return before


def _leave():
    if _delivery is not None:
        _delivery.leave()


def _after_fork():
    global _made
    _made = threading.Lock()
    if _delivery is not None:
        _delivery._start_anew()


def _forget(setting=None, **_):
    if setting == "LARDER":
        _leave()
        replace_delivery(None)


atexit.register(_leave)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
setting_changed.connect(_forget)
