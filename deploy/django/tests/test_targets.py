"""The texts of LARDER["MODELS"]."""

from types import SimpleNamespace

import pytest

from larder_django.targets import BadTarget, parse_target

ROW = SimpleNamespace(pk=7, slug="a b/ö%", empty=None, category=SimpleNamespace(slug="books"))


@pytest.mark.parametrize("text, tags", [
    ("/api/items/{pk}/", ["b:/api/items/7", "p:/", "p:/api", "p:/api/items", "p:/api/items/7"]),
    ("url:/api/items/{pk}/", ["p:/api/items/7"]),
    ("prefix:/{category.slug}/", ["b:/books", "p:/books"]),
    ("url:/{slug}/", ["p:/a%20b/%C3%B6%25"]),
    ("tag:item-{slug}", ["t:item-a%20b/%C3%B6%25"]),
    ("tag:{{pk}}-{pk}", ["t:{pk}-7"]),
    ("url:/{empty}/x/", ["b:/", "p:/"]),
    ("tag:item-{nothing}", ["e:"]),
    ("rule:items", ["r:items"]),
    ("all", ["e:"]),
])
def test_what_a_target_comes_to_for_a_row(text, tags):
    assert sorted(parse_target(text).tags_for(ROW)) == tags


@pytest.mark.parametrize("text, tags", [
    ("/api/items/{pk}/", ["b:/api/items", "p:/", "p:/api", "p:/api/items"]),
    ("/api/x-{pk}/", ["b:/api", "p:/", "p:/api"]),
    ("/api/stats/", ["b:/api/stats", "p:/", "p:/api", "p:/api/stats"]),
    ("url:/api/items/{pk}/", ["b:/api/items", "p:/api/items"]),
    ("tag:prices", ["t:prices"]),
    ("tag:price-{pk}", ["e:"]),
])
def test_what_it_comes_to_for_rows_nobody_has_looked_at(text, tags):
    assert sorted(parse_target(text).tags_for_any()) == tags


def test_a_callable():
    target = parse_target(lambda row: [f"url:/x/{row.pk}/", "tag:all-x"])
    assert sorted(target.tags_for(ROW)) == ["p:/x/7", "t:all-x"]
    assert target.tags_for_any() == ["e:"]
    assert sorted(parse_target(lambda row: None).tags_for(ROW)) == []


@pytest.mark.parametrize("text, complaint", [
    ("api/items/", "leading slash"),
    ("tags:x", "tag:NAME"),
    ("tag:", "tag:NAME"),
    ("url:x", "no leading slash"),
    ("/api/?page=1", "no query"),
    ("/api/{pk!r}/", "no attribute"),
    ("/api/{0}/", "no attribute"),
    ("/api/{}/", "no attribute"),
    ("/api/{pk/", "expected '}'"),
    ("rule:{pk}", "not made from a row"),
    ("shop.targets.nothing", "nothing"),
    ("", "a target is text"),
    (7, "a target is text"),
])
def test_what_is_no_target(text, complaint):
    with pytest.raises(BadTarget, match=complaint):
        parse_target(text)
