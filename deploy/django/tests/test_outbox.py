"""LARDER["OUTBOX"]: what was committed is evicted, whoever is killed in between."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from larder_django import outbox
from larder_django.backend import NotEvicted
from larder_django.delivery import Delivery, delivery, replace_delivery
from larder_django.models import Eviction
from larder_django.testing import Recorder
from shop.models import Article, Category, Label, Unheard


class Away(Recorder):
    def evict(self, tags):
        if self.is_away:
            raise NotEvicted("gone")
        super().evict(tags)

    is_away = False


@pytest.fixture
def backend(larder, monkeypatch):
    monkeypatch.setattr("larder_django.delivery.FIRST_PAUSE", 60.0)
    monkeypatch.setattr(outbox, "_looked", {})
    larder(OUTBOX=True)
    made = Away()
    before = replace_delivery(Delivery(made))
    yield made
    made.is_away = False
    delivery().leave()
    replace_delivery(before)


def rows(alias="default"):
    return [set(row.tags.splitlines()) for row in Eviction.objects.using(alias).all()]


def grow_old(alias="default"):
    """As if whoever wrote them had been killed a minute ago."""
    Eviction.objects.using(alias).update(created=Now() - timedelta(minutes=1))


def killed_after_commit(monkeypatch):
    monkeypatch.setattr("larder_django.evicting.Batch.__call__", lambda self: None)


def test_it_is_empty_when_all_went_well(backend):
    with transaction.atomic():
        Article.objects.create()
        assert len(rows()) == 1
    Article.objects.create()
    assert rows() == [] and backend.has("/api/articles/")


def test_a_transaction_that_is_rolled_back_leaves_nothing(backend):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        Article.objects.create()
        raise ZeroDivisionError
    assert rows() == [] and backend.calls == []


@pytest.mark.parametrize("change", [
    lambda: Article.objects.create(slug="new"),
    lambda: Article.objects.bulk_create([Article(slug="new")]),
    lambda: (Article.objects.create(slug="old"), Article.objects.update(slug="new")),
    lambda: Article.objects.create(slug="new").delete(),
], ids=["save", "bulk_create", "update", "delete"])
@pytest.mark.parametrize("in_transaction", [True, False], ids=["in a transaction", "without one"])
def test_a_process_that_is_killed_between_commit_and_eviction(backend, monkeypatch, change, in_transaction):
    with monkeypatch.context() as patch:
        killed_after_commit(patch)
        if in_transaction:
            with transaction.atomic():
                change()
        else:
            change()
    assert backend.calls == [] and rows() != []
    grow_old()
    Label.objects.create()  # the next eviction of whichever process
    assert backend.has("/pages/new/") and backend.has("/api/articles/")
    assert rows() == []


def test_what_is_younger_is_left_to_whoever_wrote_it(backend, monkeypatch):
    with monkeypatch.context() as patch:
        killed_after_commit(patch)
        Article.objects.create(slug="new")
    Label.objects.create()
    assert not backend.has("/pages/new/") and len(rows()) == 1


def test_redis_that_is_away(backend):
    backend.is_away = True
    with transaction.atomic():
        Article.objects.create(slug="one")
    Article.objects.create(slug="two")
    Label.objects.create()
    assert len(rows()) == 3
    backend.is_away = False
    assert delivery().deliver() is True
    grow_old()
    Label.objects.create()
    assert rows() == [] and backend.has("/pages/one/") and backend.has("/pages/two/")


def test_one_row_for_what_a_transaction_repeats(backend):
    with transaction.atomic():
        article = Article.objects.create(slug="one")
        for _ in range(5):
            article.save()
        assert len(rows()) == 1


def test_a_savepoint_takes_its_row_along_and_what_follows_has_its_own(backend, monkeypatch):
    with monkeypatch.context() as patch:
        killed_after_commit(patch)
        with transaction.atomic():
            Category.objects.create()
            article = Article.objects.create(slug="one")
            with pytest.raises(ZeroDivisionError), transaction.atomic():
                article.slug = "two"
                article.save()
                raise ZeroDivisionError
            article.save()
    tags = set().union(*rows())
    assert "p:/pages/two" in tags


def test_a_table_that_is_missing_breaks_no_save(backend, caplog):
    with connection.schema_editor() as editor:
        editor.delete_model(Eviction)
    try:
        with transaction.atomic():
            Article.objects.create()
        Article.objects.create()
        assert Article.objects.count() == 2 and backend.has("/api/articles/")
        assert "manage.py migrate?" in caplog.text
    finally:
        with connection.schema_editor() as editor:
            editor.create_model(Eviction)


def test_what_it_costs_a_transaction(backend):
    Label.objects.create()  # the look at the table that is due
    category = Category.objects.create()
    with CaptureQueriesContext(connection) as queries:
        with transaction.atomic():
            for _ in range(5):
                category.save()
    outbox_queries = [query["sql"].split()[0] for query in queries
                      if "larder_django_eviction" in query["sql"] or "SAVEPOINT" in query["sql"]]
    assert outbox_queries == ["SAVEPOINT", "INSERT", "RELEASE", "DELETE"]


def test_off_it_costs_no_query(backend, larder):
    larder()
    replace_delivery(Delivery(backend))
    with CaptureQueriesContext(connection) as queries:
        Category.objects.create()
    assert len(queries) == 1


def test_models_that_larder_does_not_name_cost_none_either(backend):
    with CaptureQueriesContext(connection) as queries:
        Unheard.objects.create()
    assert len(queries) == 1


def test_the_row_is_written_where_the_data_is(backend, monkeypatch):
    with monkeypatch.context() as patch:
        killed_after_commit(patch)
        Category.objects.using("other").create()
    assert (len(rows("default")), len(rows("other"))) == (0, 1)


# --- the command ---

@pytest.fixture
def left_behind(backend, monkeypatch):
    with monkeypatch.context() as patch:
        killed_after_commit(patch)
        Article.objects.create(slug="one")
        Category.objects.using("other").create()
    return backend


def test_the_command_delivers_what_is_left(left_behind, capsys):
    call_command("larder_outbox")
    assert capsys.readouterr().out == "default: 0 delivered\nother: 0 delivered\n"  # too young
    grow_old()
    call_command("larder_outbox", "--dry-run")
    call_command("larder_outbox")
    assert capsys.readouterr().out == ("default: 1 to be delivered\nother: 0 to be delivered\n"
                                       "default: 1 delivered\nother: 0 delivered\n")
    call_command("larder_outbox", "--all", "--database", "other")
    assert capsys.readouterr().out == "other: 1 delivered\n"
    assert rows() == rows("other") == []


def test_the_command_says_when_nobody_acknowledged(left_behind):
    left_behind.is_away = True
    with pytest.raises(CommandError, match="has not acknowledged"):
        call_command("larder_outbox", "--all")
    assert len(rows()) == 1


def test_there_are_no_migrations_to_be_made():
    call_command("makemigrations", "larder_django", "--check", "--dry-run", verbosity=0)
