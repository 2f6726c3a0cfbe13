"""`manage.py check`: mistakes in settings.LARDER, and cached paths that nothing evicts."""

import pytest
from django.core.checks import run_checks
from django.core.management import call_command

from larder_django.checks import check_cached_models, check_settings


def ids(messages):
    return [message.id for message in messages]


@pytest.mark.parametrize("given, complaint", [
    ({"REDIS_ULR": "redis://x"}, "unknown key 'REDIS_ULR' (did you mean 'REDIS'?)"),
    ({"TIMEOUT": "1s"}, "TIMEOUT is a number of seconds, not '1s'"),
    ({"TIMEOUT": 0}, "TIMEOUT must be more than 0"),
    ({"SETTLE": -1}, "SETTLE is a number of seconds"),
    ({"REDIS": "redis://x", "ADMIN": ["http://y"], "TOKEN": "t"}, "only one of REDIS, ADMIN can be told"),
    ({"REDIS": "http://x"}, "LARDER['REDIS'] must begin with one of"),
    ({"ADMIN": ["http://y"]}, "ADMIN needs TOKEN"),
    ({"MODELS": ["shop.Article"]}, "MODELS is a dict"),
    ({"MODELS": {"shop.Nothing": "/x/"}}, "App 'shop' doesn't have a 'Nothing' model"),
    ({"MODELS": {"shop": "/x/"}}, "'shop'"),
    ({"MODELS": {"shop.Price": "x/"}}, "'x/' is no target"),
    ({"MODELS": {"shop.Price": 7}}, "several in a list, not 7"),
])
def test_mistakes_are_named_and_break_nothing_else(given, complaint):
    from django.test import override_settings
    from shop.models import Price

    with override_settings(LARDER=given):
        found = check_settings()
        assert any(complaint in message.msg for message in found), found
        Price.objects.create()


def test_well_is_well(larder):
    larder(REDIS="redis://redis:6379/1", TIMEOUT=1, OUTBOX=True)
    assert [message for message in run_checks() if message.id.startswith("larder")] == []


RULES = """
rules:
  - {name: articles, path: [/api/articles/, "/api/articles/<int:pk>/"], ttl: 1h, share: everyone}
  - {name: prices, path: /api/prices/, ttl: 1h, share: everyone}
  - {name: table, path: /prices.html, ttl: 1h, share: everyone}
  - {name: unheard, path: /api/unheard/, ttl: 1h, share: everyone}
  - {name: none, path: /no/such/view/, ttl: 1h}
settings: {memory: 1MiB}
"""


def complaints(larder, tmp_path, rules=RULES, **given):
    from django.test import override_settings

    file = tmp_path / "rules.yaml"
    file.write_text(rules)
    with override_settings(LARDER={"RULES": str(file), **given}):
        return [(message.obj._meta.object_name if message.obj else None, message.msg.split()[0], message.hint)
                for message in check_cached_models()]


def test_models_behind_cached_paths_that_nothing_evicts(larder, tmp_path):
    found = complaints(larder, tmp_path)
    assert [(model, path) for model, path, _ in found] == [
        ("Article", "/api/articles/"), ("Category", "/api/articles/"), ("Price", "/api/prices/"),
        ("Price", "/prices.html"), ("Unheard", "/api/unheard/")]
    assert """settings.LARDER['MODELS']: {'shop.Unheard': '/api/unheard/'}""" in found[-1][2]


@pytest.mark.parametrize("models, left", [
    ({"shop.Unheard": "/api/unheard/"}, []),
    ({"shop.Unheard": "prefix:/api/"}, []),
    ({"shop.Unheard": "rule:unheard"}, []),
    ({"shop.Unheard": "all"}, []),
    ({"shop.Unheard": "shop.targets.of_price"}, []),
    ({"shop.Unheard": []}, ["Unheard"]),  # its view is not decorated
    ({"shop.Unheard": "/api/else/"}, ["Unheard"]),
    ({"shop.Unheard": "tag:else"}, ["Unheard"]),
])
def test_what_counts_as_evicting(larder, tmp_path, models, left):
    given = {"shop.Article": [], "shop.Category": [], "shop.Price": ["/api/prices/"], **models}
    assert [model for model, _, _ in complaints(larder, tmp_path, MODELS=given)] == left


@pytest.mark.parametrize("rule, left", [
    ("evict_on: /admin/shop/unheard/", 0),
    ('evict_on: ["/admin/<str:app>/unheard/"]', 0),
    ("evict_on: [{path: /admin/shop/, methods: [POST]}]", 0),
    ("evict_on: /admin/shop/unhear", 1),
    ("mode: off", 0),
    ("mode: 'off'", 0),
    ("mode: shadow", 1),
], ids=str)
def test_rules_say_it_as_well(larder, tmp_path, rule, left):
    text = f"rules:\n  - path: /api/unheard/\n    ttl: 1h\n    {rule}\n"
    assert len(complaints(larder, tmp_path, text)) == left


def test_tags_that_rules_name(larder, tmp_path):
    text = 'rules: [{path: "/api/unheard/", ttl: 1h, tags: ["unheard-{query.a}", other]}]'
    assert complaints(larder, tmp_path, text, MODELS={"shop.Unheard": "tag:other"}) == []
    assert complaints(larder, tmp_path, text, MODELS={"shop.Unheard": "tag:unheard-{pk}"}) == []
    assert len(complaints(larder, tmp_path, text, MODELS={"shop.Unheard": "tag:different"})) == 1


@pytest.mark.parametrize("text, complaint", [
    ("rules: [", "ParserError"),
    ("rules: [{ttl: 1h}]", "KeyError: 'path'"),
    (None, "No such file"),
])
def test_rules_that_cannot_be_read(tmp_path, text, complaint):
    from django.test import override_settings

    file = tmp_path / "rules.yaml"
    if text is not None:
        file.write_text(text)
    with override_settings(LARDER={"RULES": file}):
        found = check_cached_models()
    assert ids(found) == ["larder.W001"] and complaint in found[0].msg


def test_a_folder_of_rules(tmp_path, larder):
    (tmp_path / "20.yaml").write_text("rules: [{path: /api/unheard/, ttl: 1h}]")
    (tmp_path / "10.test.yaml").write_text("not: rules\nrules: [1]")
    (tmp_path / ".hidden.yaml").write_text("rules: [1]")
    from django.test import override_settings

    with override_settings(LARDER={"RULES": tmp_path}):
        assert ids(check_cached_models()) == ["larder.W002"]


def test_the_command_runs_them():
    call_command("check")
