"""What else a write makes old: rules that share a tag, tags that responses name, `evict_on` with methods.

And what that costs: as many commands to Redis for a thousand variants as for one.
"""

import itertools

import pytest

from rig.demo import SECRET_KEY, token
from rig.http import bearer, cache_status, state
from rig.redis_stats import count_commands

RULES = f"""
rules:
  - path: /models/
    ttl: 1h
    share: everyone
    tags: [ai-models]
  - path: "/models/<int:pk>/"
    ttl: 1h
    share: everyone
    tags: ["model-{{pk}}"]
  - path: "/prices/<int:model>/"
    ttl: 1h
    share: everyone
    tags: ["model-{{model}}", price-list]
  - path: /options/
    ttl: 1h
    share: everyone
    tags: [ai-models]
    evict_on: ["/admin/options/"]
  - path: /price-import/
    mode: "off"
    tags: [price-list]
  - path: /members/
    ttl: 1h
    share: everyone
    tags: ["team:{{query.team}}"]
  - path: /statistics/
    ttl: 1h
    share: everyone
    tags: ["team:{{query.team}}"]
  - path: "/plain/<str:name>/"
    ttl: 1h
    share: everyone
  - path: [/notes/, "/notes/<int:pk>/"]
    ttl: 1h
    share: per-user
    written_by: owner
    tags: ["user:{{jwt.user_id}}"]
  - path: /tasks/
    ttl: 1h
    share: per-user
    tags: ["user:{{jwt.user_id}}"]
  - path: /dashboard/
    ttl: 1h
    share: per-user
    tags: ["user:{{jwt.user_id}}"]
  - path: /teams/
    ttl: 1h
    share: everyone
    evict_on:
      - {{path: "/imports/<int:pk>/run/", methods: [PUT]}}
      - {{path: "/imports/<slug:name>/undo/", methods: [POST, DELETE]}}
settings:
  jwt: {{secret: "{SECRET_KEY}"}}
"""
ANN, BOB = bearer(token(7)), bearer(token(8))
NO_ONE = {}


@pytest.fixture
def client(start_larder, origin_of, tier):
    """Each answer of the origin is another one; a client of a write says with which status and fields."""
    serial = itertools.count()

    def script(exchange):
        wanted = exchange.request.field("x-answer") or ""
        fields = {**NAMES.get(exchange.request.path, {}), **dict(pair.split("=", 1) for pair in wanted.split("&") if pair)}
        exchange.answer(int(fields.pop("status", 200)), fields=fields, body=b"%d" % next(serial))

    return start_larder(origin_of(script).url, rules=RULES, **tier).client()


# What responses name by themselves.
NAMES = {"/plain/keyed/": {"Surrogate-Key": "model-5 other"}, "/plain/tagged/": {"Cache-Tag": "other, ai-models"},
         "/plain/grouped/": {"Cache-Groups": '"prices"'}}


def fill(client, *targets, user=NO_ONE):
    for target in targets:
        client.get(target, headers=user)
        assert state(client.get(target, headers=user)) == "HIT", target


def still_stored(client, *targets, user=NO_ONE):
    """Those of the targets that are answered from the store."""
    return [target for target in targets
            if state(client.get(target, headers={**user, "Cache-Control": "only-if-cached"})) == "HIT"]


def written(client, method, target, user=NO_ONE, **fields):
    answer = client.request(method, target, data=b"x", headers={**user, **fields})
    assert answer.status_code == 200
    return answer


WRITES = [
    ("a list and what shares its tag", "POST", "/models/", 
     ["/prices/5/", "/prices/6/", "/models/5/", "/models/6/", "/plain/keyed/"]),
    ("an object, its list, and what is made from them", "PUT", "/models/5/", ["/prices/6/", "/models/6/"]),
    ("an action on it", "POST", "/models/5/publish/", ["/prices/6/", "/models/6/"]),
    ("the other way round", "PATCH", "/prices/6/",
     ["/models/", "/options/", "/models/5/", "/plain/keyed/", "/plain/tagged/"]),
    ("all objects, of which the write names none", "DELETE", "/models/", ["/plain/keyed/"]),
    ("a path that is not cached itself", "POST", "/price-import/",
     ["/models/", "/options/", "/models/5/", "/models/6/", "/plain/keyed/", "/plain/tagged/"]),
    ("what evict_on names counts as the rule's own", "POST", "/admin/options/3/change/",
     ["/prices/5/", "/prices/6/", "/models/5/", "/models/6/", "/plain/keyed/"]),
    ("nothing", "POST", "/elsewhere/",
     ["/models/", "/options/", "/prices/5/", "/prices/6/", "/models/5/", "/models/6/", "/plain/keyed/",
      "/plain/tagged/"]),
]
ALL = WRITES[-1][3]


@pytest.mark.parametrize("name, method, target, left", WRITES, ids=[write[0] for write in WRITES])
def test_a_write_evicts_what_shares_a_tag_with_what_it_changed(client, name, method, target, left):
    fill(client, *ALL)
    written(client, method, target)
    assert still_stored(client, *ALL) == left


def test_a_write_that_was_refused_leaves_what_is_related(client):
    fill(client, *ALL)
    assert client.put("/models/5/", data=b"x", headers={"X-Answer": "status=403"}).status_code == 403
    assert still_stored(client, *ALL) == ALL


TEAMS = ["/members/?team=1", "/members/?team=2", "/statistics/?team=1", "/statistics/?team=2"]


@pytest.mark.parametrize("target, left", [
    ("/statistics/?team=1", ["/members/?team=2"]),  # a write to a path evicts all its queries
    ("/statistics/?team=%31", ["/members/?team=2"]),
    ("/statistics/", []),
    ("/statistics/?team=1&team=2", []),
])
def test_a_parameter_of_the_write_says_what_is_related(client, target, left):
    fill(client, *TEAMS)
    written(client, "POST", target)
    assert still_stored(client, *TEAMS) == left


@pytest.mark.parametrize("target", ["/members/", "/members/?team=1&team=2"])
def test_what_lacks_a_part_of_its_tag_is_passed_on(client, target):
    for _ in range(2):
        answer = client.get(target)
        assert (answer.status_code, state(answer)) == (200, "BYPASS")
        assert cache_status(answer)["detail"] == "incomplete-tag"


def test_what_has_too_long_a_tag_is_passed_on(client):
    answer = client.get("/members/?team=" + "x" * 300)
    assert (state(answer), cache_status(answer)["detail"]) == ("BYPASS", "too-long-tag")


OWN = ["/notes/", "/notes/3/", "/dashboard/", "/tasks/"]


def fill_both(client):
    for user in (ANN, BOB):
        fill(client, *OWN, user=user)


def test_an_owners_write_reaches_the_owners_alone(client):
    fill_both(client)
    written(client, "PUT", "/notes/3/", user=ANN)
    assert still_stored(client, *OWN, user=ANN) == []
    assert still_stored(client, *OWN, user=BOB) == OWN


@pytest.mark.parametrize("name, target, user", [
    ("nobody is verified", "/notes/3/", NO_ONE),
    ("a token that is not believed", "/notes/3/", bearer(token(7, key="another key, of thirty-two bytes"))),
    ("a rule whose writes may be another's", "/tasks/", ANN),
], ids=["nobody", "forged", "anyone"])
def test_a_write_of_which_it_cannot_be_said_whom_it_concerns_reaches_everybody(client, name, target, user):
    fill_both(client)
    written(client, "PUT", target, user=user)
    for reader in (ANN, BOB):
        assert "/dashboard/" not in still_stored(client, "/dashboard/", user=reader)


def test_a_response_that_names_a_rules_tag_goes_with_it(client):
    fill(client, "/plain/keyed/", "/plain/tagged/")
    written(client, "PATCH", "/prices/5/")
    assert still_stored(client, "/plain/keyed/", "/plain/tagged/") == ["/plain/tagged/"]
    written(client, "PUT", "/models/")
    assert still_stored(client, "/plain/keyed/", "/plain/tagged/") == []


def test_an_answer_may_evict_a_group(client):
    fill(client, "/plain/grouped/", "/plain/keyed/")
    written(client, "POST", "/elsewhere/", **{"X-Answer": 'Cache-Group-Invalidation="prices"'})
    assert still_stored(client, "/plain/grouped/", "/plain/keyed/") == ["/plain/keyed/"]


@pytest.mark.parametrize("method, target, evicts", [
    ("PUT", "/imports/5/run/", True),
    ("PUT", "/imports/5/run", True),
    ("PUT", "/imports/5/run/again/", True),
    ("POST", "/imports/5/run/", False),
    ("PUT", "/imports/five/run/", False),
    ("PUT", "/imports/5/", False),
    ("POST", "/imports/may-2024/undo/", True),
    ("DELETE", "/imports/may-2024/undo/", True),
    ("PUT", "/imports/may-2024/undo/", False),
    ("POST", "/imports/may.2024/undo/", False),
])
def test_evict_on_takes_converters_and_methods(client, method, target, evicts):
    fill(client, "/teams/")
    written(client, method, target)
    assert bool(still_stored(client, "/teams/")) != evicts


# --- what a write costs ---

APPLICATIONS = """
rules:
  - path: [/api/job-applications/, "/api/job-applications/<int:pk>/"]
    ttl: 1h
    share: everyone
    variants: 0
    tags: [applications]
"""
ITEM, LIST = "/api/job-applications/7/", "/api/job-applications/"


def commands_of_a_write(start_larder, origin_of, redis, variants):
    """What one PUT of the item sends to Redis when so many pages and filters of its list are stored.

    One thread has one connection, so what was sent before has been counted when a hit is answered. The
    sweep that follows an eviction is for memory alone, and is kept out by refusing the command it begins with.
    """
    larder = start_larder(origin_of(lambda exchange: exchange.answer(body=b"x")).url, rules=APPLICATIONS,
                          redis=redis.url, threads=1)
    client = larder.client()
    client.put(ITEM, data=b"x")  # whatever is done once for a connection has been done
    queries = [f"?page={page}&status={page % 7}" for page in range(variants)]
    for query in queries:
        assert cache_status(client.get(LIST + query)).get("stored")
    fill(client, ITEM, LIST)
    before = count_commands(redis)
    assert client.put(ITEM, data=b"x").status_code == 200
    spent = count_commands(redis) - before
    assert still_stored(client, ITEM, LIST, *(LIST + query for query in queries)) == []
    return spent


def test_a_write_costs_as_many_commands_for_a_thousand_variants_as_for_one(start_larder, origin_of, redis):
    redis.client().execute_command("ACL", "SETUSER", "default", "-rename")
    try:
        for_one = commands_of_a_write(start_larder, origin_of, redis, variants=1)
        for_thousand = commands_of_a_write(start_larder, origin_of, redis, variants=1000)
    finally:
        redis.client().execute_command("ACL", "SETUSER", "default", "+@all")
    assert for_one == for_thousand
    assert 0 < sum(for_one.values()) < 100, for_one
