"""What `tagged` names in responses, and that a change of a row evicts what shows it."""

import pytest
from django.test import Client

import larder_django
from larder_django.testing import recorded
from shop.models import Article, Category, Label, Price


@pytest.fixture
def client():
    return Client()


@pytest.fixture
def article():
    article = Article.objects.create(slug="first", category=Category.objects.create(slug="c"))
    article.labels.set([Label.objects.create(name="l")])
    return article


def names_of(response):
    return response.get("Surrogate-Key", "").split()


def test_a_list(client, article):
    response = client.get("/api/articles/")
    assert response.status_code == 200 and response.json()[0]["labels"] == ["l"]
    assert names_of(response) == ["shop.article", "shop.label", f"shop.article:{article.pk}",
                                  f"shop.category:{article.category.pk}",
                                  f"shop.label:{article.labels.get().pk}", "shop.category:*"]
    assert response["Cache-Groups"] == '"shop.article", "shop.label"'


def test_a_list_that_is_empty_is_a_list_all_the_same(client):
    assert names_of(client.get("/api/articles/")) == ["shop.article", "shop.label"]


def test_a_row_is_not_a_list_of_them(client, article):
    response = client.get(f"/api/articles/{article.pk}/")
    assert names_of(response) == ["shop.label", f"shop.article:{article.pk}", f"shop.category:{article.category.pk}",
                                  f"shop.label:{article.labels.get().pk}", "shop.article:*", "shop.category:*"]


@pytest.mark.parametrize("path", ["/api/articles/", "/api/articles/{pk}/"])
@pytest.mark.parametrize("change", [
    lambda article: article.save(),
    lambda article: article.category.save(),
    lambda article: article.labels.get().save(),
    lambda article: article.labels.clear(),
    lambda article: article.category.delete(),
    lambda article: Article.objects.update(slug="other"),
    lambda article: Article.objects.filter(pk=article.pk).delete(),
    lambda article: larder_django.evict(Category),
], ids=["the row", "a row within it", "one of a list within it", "that list", "deleted with it", "update()",
        "delete()", "any row of a model within it"])
def test_any_change_of_what_it_shows_evicts_it(client, article, path, change):
    names = names_of(client.get(path.format(pk=article.pk)))
    with recorded() as recorder:
        change(article)
    assert recorder.tags & {f"t:{name}" for name in names}


def test_another_row_evicts_lists_alone(client, article):
    other = Article.objects.create(slug="other")
    detail, listed = (names_of(client.get(path)) for path in (f"/api/articles/{article.pk}/", "/api/articles/"))
    with recorded() as recorder:
        other.save()
    assert not recorder.tags & {f"t:{name}" for name in detail}
    assert recorder.tags & {f"t:{name}" for name in listed}


def test_long_lists_name_no_rows(client):
    for number in range(larder_django.responses.MOST_NAMES):
        Article.objects.create(slug=f"s{number}")
    assert names_of(client.get("/api/articles/")) == ["shop.article", "shop.label"]


def test_rows_within_a_long_list_are_named_by_their_model(client):
    """There are too many of them, so any of them counts."""
    for number in range(larder_django.responses.MOST_NAMES + 1):
        Article.objects.create(slug=f"s{number}", category=Category.objects.create(slug=f"c{number}"))
    response = client.get("/api/articles/")
    assert names_of(response) == ["shop.article", "shop.label", "shop.category"]
    assert response["Cache-Groups"] == '"shop.article", "shop.label", "shop.category"'


def test_nothing_is_asked_twice(client, article):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        client.get(f"/api/articles/{article.pk}/")
    assert len(queries) == 3  # the row, its category, its labels


def test_a_view_that_is_a_function(client):
    response = client.get("/prices.html")
    assert names_of(response) == ["price-list", "shop.price"]
    assert response["Cache-Groups"] == '"shop.price"'
    Price.objects.create()
    assert names_of(client.head("/prices.html")) == ["price-list", "shop.price"]


def test_a_response_by_hand(client, article):
    assert names_of(client.get("/pages/first/")) == ["pages", f"shop.article:{article.pk}", "shop.article:*"]


@pytest.mark.parametrize("ask", [
    lambda client: client.get("/api/articles/999/"),
    lambda client: client.post("/api/articles/", {}),
    lambda client: client.options("/api/articles/"),
    lambda client: client.get("/prices.html?status=404"),
    lambda client: client.get("/api/prices/"),
], ids=["not found", "a write", "options", "another status", "a view that is not decorated"])
def test_what_names_nothing(client, ask):
    response = ask(client)
    assert not response.has_header("Surrogate-Key") and not response.has_header("Cache-Groups")


def test_what_the_view_names_itself_stays():
    from django.http import HttpResponse

    response = HttpResponse()
    response["Surrogate-Key"], response["Cache-Groups"] = "own", '"own"'
    larder_django.tag_response(response, Price, "x")
    assert (response["Surrogate-Key"], response["Cache-Groups"]) == ("own x shop.price", '"own", "shop.price"')


def test_a_class_of_djangos_own():
    from django.test import RequestFactory
    from django.views.generic import ListView

    @larder_django.tagged(Price)
    class Prices(ListView):
        model = Price
        template_name = "admin/404.html"

    response = Prices.as_view()(RequestFactory().get("/"))
    assert names_of(response) == ["shop.price"]


def test_a_view_that_inherits_it_is_tagged_as_well():
    from larder_django.responses import models_tagged_by
    from shop.views import ArticleViewSet, PriceView, price_table

    class Others(ArticleViewSet):
        pass

    assert models_tagged_by(Others) == [] and models_tagged_by(price_table) == [Price]
    assert models_tagged_by(PriceView) is None


def test_text_is_one_name_whatever_is_in_it():
    from django.http import HttpResponse

    assert names_of(larder_django.tag_response(HttpResponse(), "front page 50%")) == ["front%20page%2050%25"]
