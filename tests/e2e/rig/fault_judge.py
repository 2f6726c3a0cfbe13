"""Which answers of a run with faults must not have been given.

It demands what README.md, proxy/store/README.md, rules/README.md and deploy/operating.md promise, with the exceptions
that they name and no others. Pure: a history (rig/fault_history) is judged when it is over.
"""

import collections

from rig.fault_history import BLIND_TRUST, HEARTBEAT, LEASE, NEVER, folder_of, is_personal
from rig.fault_origin import ELSEWHERE, NAMING
from rig.fault_users import NOBODY, VERIFIED

PASSING = 1.0  # seconds between an origin's failure and the last GET that may be told of it
STATES = {"HIT", "STALE", "MISS", "BYPASS", "EXPIRED"}


class Promise:
    """From `here` on each GET through the process that carried the write shows this version or a newer one.

    Through others from `elsewhere` on, `heartbeat` later from memory; `blind` also here. `stored`: this holds only of
    what had been stored."""

    def __init__(self, here, elsewhere, blind=False, stored=False):
        self.here, self.elsewhere, self.blind, self.stored = here, elsewhere, blind, stored


NOTHING = Promise(NEVER, NEVER)


def promises(history, write, commit):
    if write.path in NAMING and write.status != 200:
        return [NOTHING]  # only its answer would have named what it makes old
    if not is_known(history, write):
        return [NOTHING]
    lapsed = lapse(history, write) if write.is_leased else NEVER
    if write.has_evicted() and commit.when <= write.answered:
        elsewhere = min(lapsed, delivered(history, write)) if write.is_deferred else write.answered
        return [Promise(write.answered, elsewhere)]
    made = [Promise(lapsed, lapsed, blind=True)]
    if is_in_time(history, write, commit):
        made.append(Promise(commit.when, commit.when, stored=True))
    return made


def is_known(history, write):
    """Did the rules say what it concerns?"""
    if write.path not in ELSEWHERE or write.is_known is not None:
        return write.is_known is not False
    return all(write.path in variant.evicts for variant in history.in_force(write))


def is_in_time(history, write, commit):
    """Was it carried out while nothing of it could be stored, since it had been given up?"""
    return write.is_given_up() and write.calm_until is not None and \
        commit.when + history.lag <= write.given_up + LEASE


def lapse(history, write):
    """When a lease that nobody renews has run out.

    Another write's on the same tag may keep it until that is renewed, and be left behind in its turn."""
    others = [other.over for other in history.writes if other.over and folder_of(other.path) == folder_of(write.path)
              and other.sent <= write.over + LEASE * 1.25 and other.over >= write.over]
    return max(others) + LEASE * 1.25


def delivered(history, write):
    """When nothing was pending any more in the process that carried it; never, if it was killed before."""
    return min((answered for via, asked, answered in history.delivered if via == write.via and asked >= write.answered),
               default=NEVER)


def since_when(history, read, write, promise):
    """From when on it holds of such a GET."""
    is_asked = read.path.startswith("/strict/") or read.via[0] in history.without_memory
    beat = 0 if is_asked else HEARTBEAT
    blind = BLIND_TRUST if read.is_blind() else 0
    if promise.stored:
        if not read.is_stored() or read.answered > write.calm_until:
            return NEVER
        return promise.here if write.via == read.via else max(promise.elsewhere, write.answered + beat)
    if write.via == read.via:
        since = promise.here + (max(beat, blind) if promise.blind else 0)
    else:
        since = promise.elsewhere + max(beat, blind)
    if history.settle:
        # What a lagging database replica says is not stored. Who asks the origin, or joins who did, is told.
        settled = since + history.settle * 1.25
        if any(write.sent <= loss <= settled for loss in history.losses):
            return NEVER
        if not read.is_stored():
            return settled
    return since


def floor(history, read):
    """The version that this GET must show at least, and the write that says so."""
    least, because = 0, None
    for write in history.writes:
        for commit in write.commits:
            if commit.version <= least or read.resource not in commit.resources:
                continue
            if any(since_when(history, read, write, promise) <= read.sent
                   for promise in promises(history, write, commit)):
                least, because = commit.version, write
    return least, because


def judge(history, read):
    """Why this answer must not have been given; None if it may."""
    is_away = any(replica == read.via[0] and span.meets(read.sent, read.answered) for replica, span in history.away)
    is_troubled = any(path == read.path and span.meets(read.sent - PASSING, read.answered)
                      for path, span in history.troubles)
    if read.status is None or not read.complete:
        return None if is_away or is_troubled else "is none, or was cut off, where nothing went wrong"
    if not read.is_answered():
        is_late = read.status == 504  # a matter of the machine's speed
        return None if is_troubled or is_late else "is an error, where the origin was well"
    is_other = judge_content(history, read) or judge_told(history, read)
    if is_other:
        return is_other
    least, because = floor(history, read)
    if read.version < least:
        return f"is older than {least}: {because}"
    return None


def judge_content(history, read):
    if read.status == 304:
        return None if read.known and read.known == read.fields.get("etag") else "confirms what nobody has"
    said = history.said.get(int(read.fields.get("x-answer", 0)))
    if said is None or said.at > read.answered:
        return "was never said by the origin"
    content = said.content[:10] if read.status == 206 else said.content
    if read.version != said.version or (read.method == "GET" and read.body != content):
        return f"is not what the origin said: {len(said.content)} bytes of version {said.version}"
    return judge_meaning(history, read, said)


def judge_meaning(history, read, said):
    """Is it for this client and this request?"""
    if said.kind is not None and said.kind != (read.kind or ""):
        return f"is for X-Kind {said.kind!r}"
    if said.is_for_one and read.is_stored():
        return "is for one alone, and was stored"
    if folder_of(read.path) == "ruled":
        return judge_by_rules(history, read, said)
    if said.target != read.target:
        return f"is for {said.target}"
    stored_for = read.person if is_personal(read.path) else NOBODY
    return judge_person(read, said, stored_for)


def judge_person(read, said, stored_for):
    """`stored_for`: whose answer a fill of it asks for."""
    if said.person == stored_for or (said.person == read.person and not read.is_stored()):
        return None
    return f"is what {said.person} was told"


def judge_by_rules(history, read, said):
    why = "no rules are known"
    for variant in history.in_force(read):
        if not variant.matches(read.path):
            is_as_asked = not read.is_stored() and (said.target, said.person) == (read.target, read.person)
            why = None if is_as_asked else "is stored, where no rule is"
        elif said.target != (read.target if variant.has_query else read.path) and \
                (said.target != read.target or read.is_stored()):
            why = f"is for {said.target}, not as in {variant.name}"
        else:
            why = judge_person(read, said, read.person if variant.is_per_user else NOBODY)
            if why is None and variant.is_per_user and read.person not in VERIFIED and read.is_stored():
                why = f"was stored of {read.person}"
        if why is None:
            break
    return why or judge_beginning(history, read, said)


def judge_beginning(history, read, said):
    """A rule that has changed begins with nothing stored."""
    own = [rules for rules in history.rules if rules.via == read.via]
    begun = max((rules.begin for before, rules in zip(own, own[1:])
                 if before.variant is not rules.variant and rules.end <= read.sent), default=0)
    if read.is_stored() and said.at < begun:
        return f"was stored before the rules changed at {begun:.3f}"
    return None


def judge_told(history, read):
    """What it says of itself."""
    told = read.fields.get("cache-status", "")
    if read.state not in STATES:
        return f"has X-Cache-Status {read.state}"
    is_told_as_hit = "; hit" in told
    if is_told_as_hit == ("; fwd=" in told) or is_told_as_hit and not read.is_stored() or \
            read.is_hit() and not is_told_as_hit:
        return f"is {read.state}, and says {told}"
    if is_personal(read.path) and read.person not in VERIFIED and read.state != "BYPASS":
        return f"is {read.state}, of one who cannot be told"
    age = read.fields.get("age")
    if read.is_stored() and read.status != 304:
        if age is None or not age.isdigit():
            return f"has been stored, and its Age is {age}"
        said = history.said[int(read.fields["x-answer"])]
        # A Date is whole seconds: an answer may count as one older than it is. Validation makes it younger.
        most = read.answered - said.at + 1
        if int(age) > most:
            return f"says to be {age} s old, and is {most:.1f} at most"
    return None


def judge_sharing(history):
    """What is for one alone was given to several."""
    given = collections.defaultdict(list)
    for read in history.reads:
        number = int(read.fields.get("x-answer", 0))
        if number in history.said and history.said[number].is_for_one:
            given[number].append(read)
    return [f"{reads[-1].sent:.3f} {reads[-1]}: is for one alone, and was given to {len(reads)}"
            for reads in given.values() if len(reads) > 1]


def judge_write(write):
    """Why the origin must not have been asked so; None if it may."""
    if len(write.arrived) > 1:
        return f"came to the origin {len(write.arrived)} times"
    if write.answered is not None and any(content != write.content for content in write.arrived):
        return f"came with {len(write.arrived[0])} bytes, and was sent with {len(write.content)}"
    return None


def wrongs(history):
    found = [(read.sent, read, judge(history, read)) for read in history.reads if read.answered is not None]
    found += [(write.sent, write, judge_write(write)) for write in history.writes]
    return [f"{sent:.3f} {one}: {why}" for sent, one, why in found if why] + judge_sharing(history)
