"""What changes in the database, and what is evicted for it, when, and how often."""

import pytest
from django.db import DatabaseError, transaction
from django.db.models import F

import larder_django
from larder_django.testing import assert_evicts, assert_keeps, recorded
from shop.models import Article, ArticleProxy, Category, Featured, Label, Price, Unheard

pytestmark = pytest.mark.usefixtures("tables")


@pytest.fixture
def article():
    return Article.objects.create(slug="first")


def test_a_row_that_is_made_changed_and_deleted(article):
    path = f"/api/articles/{article.pk}/"
    other = f"/api/articles/{article.pk + 1}/"
    with assert_evicts("/api/articles/", other, "/pages/second/"), assert_keeps(path):
        second = Article.objects.create(slug="second")
    assert second.pk == article.pk + 1
    with assert_evicts(path, "/api/articles/", "/api/articles/?page=2", "/pages/first/"), assert_keeps(other):
        article.save()
    with assert_evicts(path, "/api/articles/", "/pages/first/"), assert_keeps(other):
        article.delete()


def test_what_the_row_was_called_before_is_evicted_too(article):
    article.slug = "renamed ö"
    with assert_evicts("/pages/first/", "/pages/renamed%20%C3%B6/"):
        article.save()


def test_a_row_that_takes_the_place_of_another(article):
    """As loaddata saves them."""
    with assert_evicts("/pages/first/", "/pages/second/"):
        Article(pk=article.pk, slug="second").save()


@pytest.mark.parametrize("change", [
    lambda: Unheard.objects.create().delete(),
    lambda: Unheard.objects.update(),
    lambda: list(Article.objects.all()),
    lambda: Article.objects.filter(slug="nobody").update(slug="else"),
    lambda: Article.objects.bulk_create([]),
], ids=["a model that LARDER does not name", "its update", "reading", "an update of no row", "creating none"])
def test_what_evicts_nothing(article, change):
    with assert_keeps():
        change()


@pytest.mark.parametrize("change, evicted", [
    (lambda a: Article.objects.filter(slug="first").update(slug="second"),
     ["/api/articles/{pk}/", "/pages/first/", "/pages/second/", "tag:shop.article", "tag:shop.article:{pk}"]),
    (lambda a: Article.objects.filter(pk=a.pk).update(slug=F("slug")), ["/api/articles/{pk}/"]),
    (lambda a: Article.objects.order_by("slug").values("slug").update(slug="second"), ["/pages/second/"]),
    (lambda a: (setattr(a, "slug", "second"), Article.objects.bulk_update([a], ["slug"])),
     ["/api/articles/{pk}/", "/pages/first/", "/pages/second/"]),
    (lambda a: Article.objects.bulk_create([Article(slug="x"), Article(slug="y")]),
     ["/api/articles/", "/pages/x/", "/pages/y/", "tag:shop.article"]),
    (lambda a: Article.objects.filter(pk=a.pk).delete(), ["/api/articles/{pk}/", "/pages/first/"]),
    (lambda a: Article.objects.update_or_create(slug="first", defaults={"slug": "second"}), ["/pages/second/"]),
    (lambda a: a.labels.create(name="new"), ["/api/articles/{pk}/", "tag:shop.label"]),
    (lambda a: larder_django.evict(a), ["/api/articles/{pk}/", "/pages/first/"]),
    (lambda a: larder_django.evict([a]), ["/api/articles/{pk}/", "/pages/first/"]),
    (lambda a: larder_django.evict(Article.objects.filter(slug="first")), ["/api/articles/{pk}/", "/pages/first/"]),
    (lambda a: larder_django.evict(Article), ["/api/articles/{pk}/", "/api/articles/999/", "/pages/any/"]),
    (lambda a: larder_django.evict("/else/", "tag:a", "rule:b"), ["/else/", "tag:a", "rule:b"]),
    (lambda a: larder_django.evict("all"), ["/whatever/", "tag:whatever", "all"]),
], ids=["update", "update by an expression", "update of values", "bulk_update", "bulk_create", "delete",
        "update_or_create", "many to many", "a row by hand", "rows", "a query", "a model", "targets", "everything"])
def test_changes_of_many_kinds(article, change, evicted):
    with assert_evicts(*(one.format(pk=article.pk) for one in evicted)):
        change(article)


@pytest.mark.parametrize("is_there, change", [
    (False, lambda article, label: article.labels.add(label)),
    (True, lambda article, label: article.labels.remove(label)),
    (True, lambda article, label: article.labels.clear()),
    (False, lambda article, label: article.labels.set([label])),
    (True, lambda article, label: article.labels.set([])),
    (False, lambda article, label: label.articles.add(article)),
    (True, lambda article, label: label.articles.remove(article)),
    (True, lambda article, label: label.articles.clear()),
], ids=["add", "remove", "clear", "set", "set none", "add from the other side", "remove from the other side",
        "clear from the other side"])
def test_many_to_many_evicts_both_sides(article, is_there, change):
    label = Label.objects.create(name="new")
    if is_there:
        article.labels.add(label)
    with assert_evicts(f"/api/articles/{article.pk}/", "/pages/first/", "tag:shop.label"):
        change(article, label)


def test_rows_that_share_a_table(article):
    with assert_evicts(f"/api/articles/{article.pk}/", "tag:shop.article"):
        ArticleProxy.objects.get(pk=article.pk).save()
    child = Featured.objects.create(slug="child")
    with assert_evicts(f"/api/articles/{child.pk}/", f"tag:shop.article:{child.pk}", f"tag:shop.featured:{child.pk}"):
        child.save()
    with assert_evicts(f"/api/articles/{child.pk}/"):
        child.delete()


def test_what_is_deleted_with_it(article):
    Price.objects.create(article=article)
    category = Category.objects.create(slug="c")
    article.category = category
    article.save()
    with assert_evicts("/pages/first/", f"/api/articles/{article.pk}/prices/", "tag:price-first"):
        category.delete()


def test_too_many_rows_are_not_looked_at_one_by_one(article, monkeypatch):
    monkeypatch.setattr("larder_django.evicting.MOST_ROWS", 3)
    Article.objects.bulk_create([Article(slug=f"s{number}") for number in range(3)])
    with assert_evicts("/api/articles/777/", "/pages/anything/", "tag:shop.article:*"):
        Article.objects.update(slug="same")
    with assert_evicts("all"):  # its tag has a template, and tags have no prefixes
        Price.objects.bulk_create([Price() for _ in range(4)])


def test_a_callable_that_fails_breaks_no_save(larder, caplog):
    from django.test import override_settings

    with override_settings(LARDER={"MODELS": {"shop.Price": ["shop.targets.broken", "/api/prices/"]}}):
        with assert_evicts("all"):
            Price.objects.create()
    assert "the team's own mistake" in caplog.text


# --- transactions ---

def test_one_transaction_is_one_eviction(article):
    with recorded() as recorder:
        with transaction.atomic():
            for _ in range(3):
                article.save()
            Article.objects.update(slug="second")
            with transaction.atomic():
                Category.objects.create(slug="c")
            assert recorder.calls == []
        assert len(recorder.calls) == 1
    assert recorder.has("/pages/second/") and recorder.has("tag:shop.category")


def test_a_transaction_that_is_rolled_back_evicts_nothing(article):
    with assert_keeps():
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            article.save()
            raise ZeroDivisionError


def test_savepoints(article):
    second = Article.objects.create(slug="second")
    with recorded() as recorder:
        with transaction.atomic():
            with pytest.raises(ZeroDivisionError), transaction.atomic():
                article.save()
                raise ZeroDivisionError
            second.save()
    assert recorder.has("/pages/second/") and not recorder.has("/pages/first/")


@pytest.mark.parametrize("inner", [True, False], ids=["within a savepoint", "after one"])
def test_what_follows_a_savepoint_is_not_lost_with_it(article, inner):
    """The batch of the transaction was made in a savepoint that is undone later, or is not."""
    with recorded() as recorder:
        with transaction.atomic():
            with pytest.raises(ZeroDivisionError), transaction.atomic():
                with transaction.atomic():
                    Category.objects.create(slug="c")
                if inner:
                    article.save()
                raise ZeroDivisionError
            if not inner:
                article.save()
            Label.objects.create(name="l")
    assert recorder.has("tag:shop.label") and not recorder.has("tag:shop.category")
    assert recorder.has("/pages/first/") is not inner


def test_a_transaction_of_another_database():
    with recorded() as recorder:
        with transaction.atomic(using="other"):
            Category.objects.using("other").create(slug="there")
            Category.objects.create(slug="here")
            assert len(recorder.calls) == 1  # the default one's, which is in no transaction
        assert len(recorder.calls) == 2


def test_an_error_of_the_database_evicts_nothing(article):
    with assert_keeps():
        with pytest.raises(DatabaseError), transaction.atomic():
            article.save()
            Article.objects.filter(pk=article.pk).update(category_id=99)
            transaction.get_connection().check_constraints()


def test_within_testcase(article):
    """TestCase's transaction is never committed; asserting works all the same."""
    with transaction.atomic():
        article.save()
        with assert_evicts("/pages/first/"):
            article.save()
        with assert_keeps():
            with pytest.raises(ZeroDivisionError), transaction.atomic():
                article.save()
                raise ZeroDivisionError
        with assert_keeps():
            pass
        with pytest.raises(AssertionError, match="not evicted: /else/"), assert_evicts("/else/"):
            article.save()
        with pytest.raises(AssertionError, match="it was to be kept: /pages/first/"), assert_keeps("/pages/first/"):
            article.save()
        with pytest.raises(AssertionError, match="nothing was evicted"), assert_evicts():
            pass
        transaction.set_rollback(True)
