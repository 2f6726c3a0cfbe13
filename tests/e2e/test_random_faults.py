"""GETs and writes through two Larders while Redis, the origin and they themselves fail: no answer is wrong.

Drawn from a seed (LARDER_SEED=7 LARDER_SEQUENCES=15 for others, and more); what is wrong: rig/fault_judge.
"""

import collections
import functools
import os

import pytest

from rig.fault_history import LEASE
from rig.fault_origin import Origin
from rig.fault_replica import Replica
from rig.fault_rules import RULES
from rig.random_faults import LAG, SETTLE, STEPS, Sequence

SEED = int(os.environ.get("LARDER_SEED", "1"))
COUNT = int(os.environ.get("LARDER_SEQUENCES", "6"))

# What a sequence is played with, in turn.
KINDS = [{}, {"lag": LAG, "settle": SETTLE}, {}, {"is_alone": True}, {},
         {"is_alone": True, "lag": LAG, "settle": SETTLE}]
NO_FAULTS = {"hits", "hits after a write here", "hits after a write elsewhere", "old, as they may be", "writes",
             "a user's own hits", "for one alone"}
FAULTS = {"deferred", "unknown outcomes", "unanswered", "left to a lease", "failed", "replica killed", "rules changed"}


@pytest.fixture
def play(start_larder, origin_of, redis_server, logs, tmp_path):
    """Plays a sequence: play(seed, steps=..., folders=..., lag=..., rules=..., lease=..., is_alone=...). Returns it,
    and what was wrong."""
    origin = Origin()
    url = origin_of(origin.script).url

    def play(seed, steps=None, folders=None, lag=0, is_alone=False, **options):
        redis_server.make_new()
        redis = None if is_alone else redis_server
        replicas = [Replica(number, functools.partial(start_larder, url), redis and redis.port, tmp_path, **options)
                    for number in range(1 if is_alone else 2)]
        sequence = Sequence(seed, origin, redis, replicas, folders, lag, options.get("settle", 0))
        try:
            wrong = sequence.play(steps)
        except BaseException as error:
            raise AssertionError(f"sequence {seed}: {error}\n" + "\n".join(sequence.history.lines())) from error
        complaints = [complaint for complaint in (replica.stop() for replica in replicas) if complaint]
        assert not complaints, "\n\n".join(complaints)
        return sequence, wrong

    yield play
    (logs / "dump.rdb").unlink(missing_ok=True)  # others' Redis comes back empty


def test_no_answer_is_wrong_whatever_fails(play):
    counted = collections.Counter()
    for number in range(COUNT):
        sequence, wrong = play(f"{SEED} {number}", **KINDS[number % len(KINDS)])
        lines = "\n".join(sequence.history.lines())
        assert not wrong, f"sequence {SEED} {number}:\n" + "\n".join(wrong) + "\n\n" + lines
        counted += sequence.counted
    if SEED == 1 and COUNT >= 6:
        assert not [what for what in NO_FAULTS | FAULTS if not counted[what]], counted
        assert counted["hits"] > counted["GETs"] / 5 and counted["writes"] > 20 * COUNT, counted


# --- what is wrong is found ---

def test_what_no_write_evicts_is_found(play):
    _, wrong = play("1", ["fill", "write"] * 8, rules=RULES.replace(", evict_on: [/things/, /admin/]", ""))
    assert wrong and all("/summary/ -> 200" in line and "is older than" in line for line in wrong), wrong


def test_a_lease_that_takes_too_long_is_found(play):
    _, wrong = play("1", ["kill"] * 3, lease=5 * LEASE)
    assert wrong and all("leased" in line and "is older than" in line for line in wrong), wrong


def test_a_rule_that_shares_what_is_a_users_own_is_found(play):
    _, wrong = play("1", ["read_several"] * 4, folders=["mine"] * 8, rules=RULES.replace("per-user}", "everyone}"))
    assert any("is what nobody was told" in line for line in wrong) and all("/mine/" in line for line in wrong), wrong


def test_a_rule_whose_users_change_what_is_anothers_is_found(play):
    _, wrong = play("1", ["write", "read_several", "read_several"] * 12, folders=["mine"] * 8,
                    rules=RULES.replace("per-user}", "per-user, written_by: owner}"))
    assert wrong and all("/mine/" in line and "is older than" in line for line in wrong), wrong


def test_what_is_stored_of_a_lagging_replica_is_found(play):
    _, wrong = play("1", ["fill", "write", "fill"] * 6, lag=LAG)
    assert any("; hit" in line and "is older than" in line for line in wrong), wrong


def test_a_lease_that_redis_drops_is_witnessed(play):
    sequence, wrong = play("1", ["forget"] * 2)
    assert not wrong, "\n".join(wrong + sequence.history.lines())
    assert sequence.counted["left to a lease"] == 2, sequence.counted


@pytest.mark.demo_only
def test_each_step_is_there():
    assert not [step for step in STEPS if not hasattr(Sequence, f"_{step}")]
