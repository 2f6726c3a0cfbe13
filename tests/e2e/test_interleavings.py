"""Seeded orders of GETs, writes and lost keys: no answer is older than one before it (W1 to W3, W7, W8)."""

import collections
import os

import pytest

from rig.interleaving import LARDER, RULES, Interleavings, Origin

SEED = int(os.environ.get("LARDER_SEED", "1"))
COUNT = int(os.environ.get("LARDER_INTERLEAVINGS", "30"))
PLAYED = {"GETs", "hits", "joined fills", "stamps dropped", "other keys dropped",
          *(f"writes: {outcome}" for outcome in ("done", "refused", "error", "reset", "gone"))}


@pytest.mark.parametrize("replicas", [1, 2])
def test_no_get_is_given_what_is_older_than_an_answer_before_it(start_larder, origin_of, redis, replicas):
    origin = Origin()
    larders = [start_larder(origin_of(origin.script_for(number)).url, RULES, redis=redis.url, **LARDER)
               for number in range(replicas)]
    interleavings = Interleavings(origin, larders, redis.client())
    counted = collections.Counter()
    for number in range(COUNT):
        try:
            interleavings.play(SEED, number)
        except BaseException as error:
            steps = "\n".join(interleavings.trace)
            place = f"seed {SEED}, interleaving {number}, {replicas} replicas"
            raise AssertionError(f"{place}: {error}\n{steps}") from error
        counted += interleavings.counted
    if SEED == 1 and COUNT >= 30:
        assert not PLAYED - counted.keys(), "with this seed some of each was played before"
