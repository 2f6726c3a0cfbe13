"""For a team's own tests: what would be evicted, told to nobody.

    from larder_django.testing import assert_evicts, assert_keeps

    def test_a_new_price_is_seen(self):
        with assert_evicts("/api/prices/", "tag:price-list"), assert_keeps("/api/notices/"):
            Price.objects.create(...)

Works within TestCase, whose transaction is never committed: what stands in it counts as committed
at the end of the block, but for what has been rolled back. LARDER["BACKEND"] =
"larder_django.testing.Recorder" tells nobody for a whole run.
"""

import contextlib

from django.db import connections

from . import tags as tag_names
from .delivery import Delivery, replace_delivery
from .evicting import Batch
from .targets import parse_target


class Recorder:
    """A backend that keeps what it is told."""

    name = "nobody (a test)"

    def __init__(self, beyond=None):
        """`beyond`: the Recorder of a block around this one's, which hears of it too."""
        self.tags, self.calls, self._beyond = set(), [], beyond

    def evict(self, tags):
        self.calls.append(sorted(tags))
        self.tags.update(tags)
        if self._beyond is not None:
            self._beyond.evict(tags)

    def has(self, what):
        """Would whatever is stored for this be gone? "/api/x/": a GET of it; "tag:NAME", "rule:NAME":
        all that has it; "all"."""
        if tag_names.EVERYTHING in self.tags:
            return True
        if what.startswith("/"):
            return not self.tags.isdisjoint(tag_names.tags_of_response(tag_names.path_of(what)))
        return self.tags.issuperset(parse_target(what).tags_for_any())


@contextlib.contextmanager
def recorded():
    """Gives a Recorder, which knows what the block evicts once it has ended."""
    before = replace_delivery(None)
    beyond = before.backend if before is not None and isinstance(before.backend, Recorder) else None
    recorder = Recorder(beyond)
    replace_delivery(Delivery(recorder))
    standing = [batch for batch in _batches() if batch.is_open]
    for batch in standing:  # what comes from here on is of this block
        batch.is_open = False
    try:
        yield recorder
        for batch in _batches():
            if batch.is_open:  # in a transaction that goes on, such as TestCase's
                recorder.evict(batch.tags)
    finally:
        replace_delivery(before)
        for batch in standing:
            batch.is_open = True


@contextlib.contextmanager
def assert_evicts(*what):
    """Fails unless the block evicts each of these; with none, unless it evicts anything."""
    with recorded() as recorder:
        yield recorder
    if not what:
        assert recorder.tags, "nothing was evicted"
    missing = [one for one in what if not recorder.has(one)]
    assert not missing, f"not evicted: {', '.join(missing)}; evicted were the tags {sorted(recorder.tags) or 'none'}"


@contextlib.contextmanager
def assert_keeps(*what):
    """Fails if the block evicts any of these; with none, if it evicts anything."""
    with recorded() as recorder:
        yield recorder
    if not what:
        assert not recorder.tags, f"evicted were the tags {sorted(recorder.tags)}"
    gone = [one for one in what if recorder.has(one)]
    assert not gone, f"evicted, though it was to be kept: {', '.join(gone)}; by the tags {sorted(recorder.tags)}"


def _batches():
    return [hook[1] for connection in connections.all() for hook in connection.run_on_commit
            if isinstance(hook[1], Batch)]
