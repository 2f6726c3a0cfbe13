"""GETs and writes through two Larders while Redis, the origin and they themselves fail: no answer is wrong.

Seeded (LARDER_SEED, LARDER_SEQUENCES); what is wrong, and what is not: rig/fault_history.
"""

import collections
import os

import pytest

from rig.random_faults import Origin, Replica, Sequence

SEED = int(os.environ.get("LARDER_SEED", "1"))
COUNT = int(os.environ.get("LARDER_SEQUENCES", "5"))


@pytest.fixture
def play(start_larder, origin_of, redis_server, tmp_path):
    """Plays a sequence: play(seed). Returns it, and what was wrong."""
    origin = Origin()
    url = origin_of(origin.script).url

    def play(seed):
        redis_server.make_new()
        replicas = [Replica(number, lambda *args, **kwargs: start_larder(url, *args, **kwargs), redis_server.port,
                            tmp_path, threads=number + 1) for number in range(2)]
        sequence = Sequence(seed, origin, redis_server, replicas)
        try:
            wrong = sequence.play()
        except BaseException as error:
            raise AssertionError(f"sequence {seed}: {error}\n" + "\n".join(sequence.history.lines())) from error
        complaints = [complaint for complaint in (replica.stop() for replica in replicas) if complaint]
        assert not complaints, "\n\n".join(complaints)
        return sequence, wrong

    return play


def test_no_answer_is_wrong_whatever_fails(play):
    counted = collections.Counter()
    for number in range(COUNT):
        sequence, wrong = play(f"{SEED} {number}")
        lines = "\n".join(sequence.history.lines())
        assert not wrong, f"sequence {SEED} {number}:\n" + "\n".join(wrong) + "\n\n" + lines
        counted += sequence.counted
    print(dict(counted))
