"""Seeded orders of GETs, writes and lost keys: no answer is older than one before it (W1 to W3, W7, W8)."""

import os

import pytest

from rig.interleaving import LARDER, RULES, Interleavings, Origin

SEED = int(os.environ.get("LARDER_SEED", "1"))
COUNT = int(os.environ.get("LARDER_INTERLEAVINGS", "30"))


@pytest.mark.parametrize("replicas", [1, 2])
def test_no_get_is_given_what_is_older_than_an_answer_before_it(start_larder, origin_of, redis, replicas):
    origin = Origin()
    larders = [start_larder(origin_of(origin.script_for(number)).url, RULES, redis=redis.url, **LARDER)
               for number in range(replicas)]
    interleavings = Interleavings(origin, larders, redis.client())
    for number in range(COUNT):
        try:
            interleavings.play(SEED, number)
        except BaseException as error:
            steps = "\n".join(interleavings.trace)
            place = f"seed {SEED}, interleaving {number}, {replicas} replicas"
            raise AssertionError(f"{place}: {error}\n{steps}") from error
