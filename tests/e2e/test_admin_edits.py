"""The public lists change in the Django admin: an edit there evicts them."""

import uuid

import pytest

from rig.admin import Admin
from rig.http import CHROME, state
from rig.waiting import eventually

MODELS, MODELS_ADMIN = "/api/ai/models/", "/admin/ai/aimodel/"
EXAMPLES, EXAMPLES_ADMIN = "/api/example-job-applications/", "/admin/jobs/examplejobapplication/"


@pytest.fixture
def admin(larder):
    return Admin(larder.client())


def fill(client, *paths):
    """Asks until stored; the JSON of the last path."""
    for path in paths:
        client.get(path)
        response = client.get(path)
        assert (response.status_code, state(response)) == (200, "HIT")
    return response.json()


def test_a_saved_form_makes_the_next_get_a_miss_with_the_new_row(client, admin):
    row = fill(client, MODELS)[0]
    text = f"edited {uuid.uuid4()}"
    assert admin.change(f"{MODELS_ADMIN}{row['id']}/change/", description=text).status_code == 302
    after = client.get(MODELS)
    assert (state(after), after.json()[0]["description"]) == ("MISS", text)
    assert state(client.get(MODELS)) == "HIT"


def test_the_editable_list_posts_to_its_own_url_and_evicts_too(client, admin):
    row = fill(client, MODELS)[1]
    window = row["context_window"] + 1
    assert admin.change_in_list(MODELS_ADMIN, row["id"], context_window=str(window)).status_code == 302
    after = client.get(MODELS)
    assert (state(after), after.json()[1]["context_window"]) == ("MISS", window)


def test_adding_and_deleting_in_the_admin_evict_the_list(client, admin):
    name = f"e2e-{uuid.uuid4().hex[:12]}"
    fill(client, MODELS)
    saved = admin.change(f"{MODELS_ADMIN}add/", name=name, identifier=name, provider="E2E", context_window="1")
    assert saved.status_code == 302
    after = client.get(MODELS)
    assert state(after) == "MISS"
    row = next(row for row in after.json() if row["identifier"] == name)
    fill(client, MODELS)
    assert admin.delete(f"{MODELS_ADMIN}{row['id']}/delete/").status_code == 302
    after = client.get(MODELS)
    assert state(after) == "MISS" and name not in after.text


def test_a_bulk_action_evicts_the_list(client, admin):
    name = f"e2e-{uuid.uuid4().hex[:12]}"
    admin.change(f"{MODELS_ADMIN}add/", name=name, identifier=name, provider="E2E", context_window="1")
    row = next(row for row in fill(client, MODELS) if row["identifier"] == name)
    csrf = admin.form(MODELS_ADMIN, "changelist-form")["csrfmiddlewaretoken"]
    answer = admin.post(MODELS_ADMIN, {"csrfmiddlewaretoken": csrf, "action": "delete_selected",
                                       "_selected_action": row["id"], "post": "yes"})
    assert answer.status_code == 302
    after = client.get(MODELS)
    assert state(after) == "MISS" and name not in after.text


def test_an_edited_example_is_new_in_its_detail_and_on_every_page(client, admin):
    detail = f"{EXAMPLES}12/"
    pages = [EXAMPLES + "?page=2", EXAMPLES + "?page=1", EXAMPLES]
    fill(client, *pages, detail)
    company = f"Company {uuid.uuid4().hex[:8]}"
    assert admin.change(f"{EXAMPLES_ADMIN}12/change/", company=company).status_code == 302
    after = client.get(detail)
    assert (state(after), after.json()["company"]) == ("MISS", company)
    for page in pages:
        after = client.get(page)
        assert state(after) == "MISS"
        assert (company in after.text) == (page == pages[0])


def test_an_edit_of_one_resource_leaves_the_other_stored(client, admin):
    row = fill(client, EXAMPLES, MODELS)[0]
    admin.change(f"{MODELS_ADMIN}{row['id']}/change/", description=f"edited {uuid.uuid4()}")
    assert state(client.get(EXAMPLES)) == "HIT"
    assert state(client.get(MODELS)) == "MISS"


def test_a_form_with_errors_changes_nothing_that_anyone_sees(client, admin):
    before = fill(client, MODELS)
    answer = admin.change(f"{MODELS_ADMIN}{before[0]['id']}/change/", name="")
    assert answer.status_code == 200 and "Please correct the error" in answer.text
    after = client.get(MODELS)  # 200 is a success to a proxy: evicted, and filled again with the same
    assert (after.status_code, state(after), after.json()) == (200, "MISS", before)


def test_a_post_refused_for_csrf_evicts_nothing(client, admin):
    fill(client, MODELS)
    assert admin.post(MODELS_ADMIN, {"csrfmiddlewaretoken": "wrong", "name": "x"}).status_code == 403
    assert state(client.get(MODELS)) == "HIT"


def test_a_post_without_login_is_redirected_and_nothing_old_is_served(client, demo):
    # 302 to the login looks like a success to a proxy; evicting then costs a miss and is never wrong.
    before = fill(client, MODELS)
    client.post(MODELS_ADMIN + "1/change/", data={"name": "x"})
    assert client.get(MODELS).json() == before == demo.client().get(MODELS).json()


def test_the_admins_own_pages_are_never_stored(client, admin):
    admin_pages = [MODELS_ADMIN, MODELS_ADMIN + "1/change/", "/admin/"]
    for page in admin_pages * 2:
        response = admin._client.get(page)
        assert (response.status_code, state(response)) == (200, "BYPASS")
        stranger = client.get(page, headers={"Accept": CHROME})
        assert stranger.status_code == 302 and "/admin/login/" in stranger.headers["Location"]


def test_the_keys_in_redis_are_gone_after_the_edit(client, admin, redis):
    fill(client, EXAMPLES)
    others = set(eventually(redis.large_keys, "the examples are in Redis"))
    row = fill(client, MODELS)[0]
    stored = set(eventually(lambda: set(redis.large_keys()) - others, "the list of models is in Redis"))
    admin.change(f"{MODELS_ADMIN}{row['id']}/change/", description=f"edited {uuid.uuid4()}")
    eventually(lambda: not stored & set(redis.keys()), f"{stored} are gone from `redis-cli -n 1 --scan`")
    assert others <= set(redis.keys())


def test_an_edit_is_seen_at_once_on_redis_alone_and_on_memory_alone(start_larder, demo, tier):
    larder = start_larder(demo.url, **tier)
    client, admin = larder.client(), Admin(larder.client())
    row = fill(client, MODELS)[0]
    for _ in range(3):
        text = f"edited {uuid.uuid4()}"
        assert admin.change(f"{MODELS_ADMIN}{row['id']}/change/", description=text).status_code == 302
        after = client.get(MODELS)
        assert (state(after), after.json()[0]["description"]) == ("MISS", text)
        assert state(client.get(MODELS)) == "HIT"
