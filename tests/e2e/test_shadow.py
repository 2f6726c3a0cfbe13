"""A rule in shadow answers nothing itself, and finds what would have been wrong before it is switched on."""

import gzip
import itertools
import re
import uuid

import pytest
import requests

from rig.admin import Admin
from rig.http import state
from rig.larder import run
from rig.operator import wait_until_all_is_noted

MODELS, MODELS_ADMIN = "/api/ai/models/", "/admin/ai/aimodel/"
LIST = "/api/notices/"


def shadow_rule(path, **keys):
    lines = [f"rules:\n  - name: tried\n    path: {path}\n    mode: shadow"]
    return "\n".join(lines + [f"    {name}: {value}" for name, value in {"ttl": "1h", **keys}.items()]) + "\n"


def told(larder):
    """What it says of its one rule in shadow."""
    wait_until_all_is_noted(larder)
    (rule,) = requests.get(larder.admin_url + "/shadow", timeout=5).json()["rules"]
    return rule


def test_answers_come_from_django_and_hits_are_counted(start_larder, demo):
    larder = start_larder(demo.url, shadow_rule(MODELS, share="everyone"))
    client = larder.client()
    answers = [client.get(MODELS) for _ in range(301)]
    assert {state(answer) for answer in answers} == {"BYPASS"}
    assert "detail=mode-shadow" in answers[0].headers["Cache-Status"]
    rule = told(larder)
    assert (rule["hits"], rule["misses"], rule["stale_hits"], rule["users_differ"]) == (300, 1, 0, 0)
    assert rule["verdict"] == "promote"


def test_an_edit_in_the_admin_that_nothing_evicts_is_named(start_larder, demo):
    larder = start_larder(demo.url, shadow_rule(MODELS, share="everyone"))
    client = larder.client()
    admin = Admin(larder.client())  # logs in now, so that no other write comes before the change
    row = client.get(MODELS).json()[0]
    assert admin.change(f"{MODELS_ADMIN}{row['id']}/change/", description=f"{uuid.uuid4()}").status_code == 302
    client.get(MODELS)
    rule = told(larder)
    assert (rule["verdict"], rule["changes_unseen"], rule["stale_hits"]) == ("missing-evict", 1, 1)
    assert rule["evict_on"] == [MODELS_ADMIN]


def test_with_the_evict_on_it_asked_for_the_same_edit_is_noticed(start_larder, demo):
    larder = start_larder(demo.url, shadow_rule(MODELS, share="everyone", evict_on=MODELS_ADMIN))
    client = larder.client()
    admin = Admin(larder.client())  # logs in now, so that no other write comes before the change
    row = client.get(MODELS).json()[0]
    assert admin.change(f"{MODELS_ADMIN}{row['id']}/change/", description=f"{uuid.uuid4()}").status_code == 302
    client.get(MODELS)
    rule = told(larder)
    assert (rule["changes_noticed"], rule["changes_unseen"], rule["stale_hits"]) == (1, 0, 0)


def test_a_management_command_is_told_from_a_write_through_larder(start_larder, demo):
    larder = start_larder(demo.url, shadow_rule(LIST, share="everyone"))
    client = larder.client()
    client.get(LIST)
    demo.manage("shell", "-c", f"from jobs.models import Notice; Notice.objects.create(title='{uuid.uuid4()}')")
    client.get(LIST)
    rule = told(larder)
    assert (rule["verdict"], rule["changes_unseen"], rule["suspects"]) == ("changes-unseen", 1, [])


def test_an_answer_of_ones_own_under_a_rule_for_everyone_is_found(start_larder, demo, alice, bob):
    path = "/api/job-applications/"
    larder = start_larder(demo.url, shadow_rule(path, share="everyone"))
    client = larder.client()
    client.post(path, json={"company": f"{uuid.uuid4()}", "position": "engineer"}, headers=alice)
    for user in (alice, bob, alice):
        assert client.get(path, headers=user).status_code == 200
    rule = told(larder)
    assert (rule["verdict"], rule["users_differ"], rule["stale_hits"]) == ("users-differ", 1, 0)


def test_a_clean_rule_raises_nothing_over_writes_that_evict(start_larder, demo, staff):
    larder = start_larder(demo.url, shadow_rule(f"[{LIST}, {LIST}<int:pk>/]", share="everyone"))
    client = larder.client()
    for _ in range(5):
        made = client.post(LIST, json={"title": f"{uuid.uuid4()}"}, headers=staff)
        assert made.status_code == 201
        for _ in range(3):
            client.get(LIST)
            client.get(f"{LIST}{made.json()['id']}/")
    rule = told(larder)
    assert (rule["stale_hits"], rule["changes_unseen"], rule["users_differ"], rule["undecided"]) == (0, 0, 0, 0)
    assert (rule["changes_noticed"], rule["verdict"]) == (4, "too-little")


def test_hidden_parameters_are_in_no_example(start_larder, origin_of):
    times = itertools.count()
    larder = start_larder(origin_of(lambda exchange: exchange.answer(body=b"%d" % next(times))).url,
                          shadow_rule("/things/", share="everyone") + "settings: {log_hidden: [token]}\n")
    client = larder.client()
    for _ in range(3):
        client.get("/things/?page=2&token=s3cret")
    shown = run("shadow", "--admin", larder.admin_url.removeprefix("http://"))
    assert "as of /things/?page=2&token=***" in shown.stdout
    assert "s3cret" not in shown.stdout + str(told(larder))


@pytest.mark.parametrize("coding", ["gzip", "identity"])
def test_content_that_is_compressed_anew_each_time_is_compared_as_what_it_means(start_larder, origin_of, coding):
    times = itertools.count()

    def script(exchange):
        content = b'{"always": "the same"}' * 20
        if coding == "gzip":
            exchange.answer(fields={"Content-Encoding": "gzip"}, body=gzip.compress(content, mtime=next(times)))
        else:
            exchange.answer(body=content)

    larder = start_larder(origin_of(script).url, shadow_rule("/things/", share="everyone"))
    client = larder.client()
    for _ in range(4):
        client.get("/things/")
    rule = told(larder)
    assert (rule["hits"], rule["stale_hits"], rule["not_judged"]) == (3, 0, 0)


def test_the_command_prints_a_verdict_for_each_rule(start_larder, demo):
    larder = start_larder(demo.url, shadow_rule(MODELS, share="everyone"))
    larder.client().get(MODELS)
    larder.client().get(MODELS)
    wait_until_all_is_noted(larder)
    shown = run("shadow", "--admin", larder.admin_url.removeprefix("http://"))
    assert shown.returncode == 0
    assert shown.stdout.startswith("tried: too-little\n  wait: ")
    assert re.search(r"  - 2 requests in .*: 50\.0 % would have been hits\n", shown.stdout)
