"""Drawn at random: nothing is answered from the store that RFC 9111 says must not be (rig/random_reuse)."""

import os

import pytest

from rig.random_reuse import RULES, Origin, Sequences

SEED = int(os.environ.get("LARDER_SEED", "1"))
COUNT = int(os.environ.get("LARDER_SEQUENCES", "40"))


@pytest.mark.parametrize("tier", ["memory", "redis", "both"])
def test_no_answer_is_given_that_must_not_be(start_larder, origin_of, redis, tier):
    origin = Origin()
    url = origin_of(origin.script).url
    options = {} if tier == "memory" else {"redis": redis.url}
    if tier == "redis":
        options["memory"] = "0"
    larders = [start_larder(url, RULES, **options) for _ in range(2 if tier == "both" else 1)]
    sequences = Sequences(origin, larders)
    for number in range(COUNT):
        try:
            sequences.play(SEED, number)
        except BaseException as error:
            steps = "\n".join(sequences.trace)
            raise AssertionError(f"seed {SEED}, sequence {number}: {error}\n{steps}") from error
    counted = sequences.counted
    assert counted["unasked"] > counted["answers"] / 10 and (counted["confirmed"] or tier == "both"), counted
