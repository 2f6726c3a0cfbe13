"""Two users behind JWT never see each other's data, whatever the rules say of their URLs."""

import pytest

from rig.demo import token
from rig.http import CHROME, bearer, state
from rig.waiting import in_parallel

LIST = "/api/job-applications/"
# The rule that a hurried colleague might write; the default share keeps it harmless.
CARELESS = """
rules:
  - path: [/api/job-applications/, /api/job-applications/<int:pk>/]
    ttl: 1h
"""


@pytest.fixture(params=["rules/resumate.yaml", "a careless rule"])
def private(request, start_larder, demo, redis):
    rules = {} if request.param.startswith("rules/") else {"rules": CARELESS}
    return start_larder(demo.url, redis=redis.url, **rules)


def companies(client, user):
    response = client.get(LIST + "?page_size=100", headers=user)
    assert response.status_code == 200
    return {row["company"] for row in response.json()["results"]}


def test_what_one_user_creates_changes_and_deletes_the_other_never_sees(private, alice, bob):
    client = private.client()
    assert client.get(LIST).status_code == 401
    created = client.post(LIST, json={"company": "Secret A", "position": "p"}, headers=alice)
    assert (created.status_code, state(created)) == (201, "BYPASS")
    detail = f"{LIST}{created.json()['id']}/"
    for _ in range(2):
        assert "Secret A" in companies(client, alice)
        assert "Secret A" not in companies(client, bob)
        assert client.get(detail, headers=alice).json()["company"] == "Secret A"
        assert client.get(detail, headers=bob).status_code == 404
        assert client.get(detail).status_code == 401
        assert client.get(LIST).status_code == 401

    assert client.patch(detail, json={"company": "Hacked"}, headers=bob).status_code == 404
    assert client.patch(detail, json={"company": "Secret B"}, headers=alice).status_code == 200
    assert client.get(detail, headers=alice).json()["company"] == "Secret B"
    assert client.put(detail, json={"company": "Secret C", "position": "q"}, headers=alice).status_code == 200
    assert "Secret C" in companies(client, alice) and "Secret C" not in companies(client, bob)
    assert client.delete(detail, headers=bob).status_code == 404
    assert client.delete(detail, headers=alice).status_code == 204
    assert client.get(detail, headers=alice).status_code == 404
    assert "Secret C" not in companies(client, alice)


def test_a_401_and_a_users_200_on_one_url_are_told_apart_in_any_order(private, alice):
    client = private.client()
    expired = bearer(token(2, expires_in=-60))
    for headers, expected in [({}, 401), (alice, 200), ({}, 401), (expired, 401), (alice, 200), ({}, 401)]:
        for accept in ("*/*", CHROME):
            assert client.get(LIST, headers={**headers, "Accept": accept}).status_code == expected


def test_two_users_and_a_stranger_at_once_get_each_their_own(private, demo, alice, bob):
    direct = demo.client()
    for user, company in ((alice, "Only Alice"), (bob, "Only Bob")):
        if company not in companies(direct, user):
            direct.post(LIST, json={"company": company, "position": "p"}, headers=user)

    def ask(user, own, others):
        client = private.client()
        for _ in range(30):
            if user:
                seen = companies(client, user)
                assert own in seen and others not in seen
            else:
                assert client.get(LIST + "?page_size=100").status_code == 401

    in_parallel([lambda: ask(alice, "Only Alice", "Only Bob"), lambda: ask(bob, "Only Bob", "Only Alice"),
                 lambda: ask(None, None, None)] * 2, within=60)


def test_nothing_of_a_user_is_written_to_redis_without_share_per_user(start_larder, demo, redis, alice):
    client = start_larder(demo.url, redis=redis.url, rules=CARELESS).client()
    for _ in range(3):
        companies(client, alice)
        client.get(LIST)
    store = redis.client()
    for key in redis.keys():
        assert b"Only alice" not in (store.dump(key) or b"")
    assert redis.large_keys() == []
