"""Evicting on commit: what one transaction makes old goes out once, when it has been committed.

Each connection of a transaction has one Batch among its on_commit hooks. A savepoint that is
rolled back takes the batch with it if the batch was made within; else what it had noted is evicted
in vain, which harms nobody.
"""

import logging

from django.db import DEFAULT_DB_ALIAS, models, router, transaction

from . import outbox
from .conf import larder_settings
from .delivery import delivery
from .mapping import mapping
from .targets import parse_target

logger = logging.getLogger("larder_django")

MOST_ROWS = 1000  # looked at one by one, of a query or an iterable


class Batch:
    """What is to be evicted when its transaction has been committed."""

    def __init__(self, alias):
        self.alias = alias
        self.tags = set()
        self.rows = []
        self.is_open = True  # for what is evicted later in the transaction
        self._written = {}  # by savepoints: what stands in the outbox unless one of them is undone

    def add(self, tags, connection):
        self.tags.update(tags)
        if not larder_settings().outbox:
            return
        savepoints = frozenset(connection.savepoint_ids)
        standing = set().union(*(written for within, written in self._written.items() if within <= savepoints))
        if not tags <= standing:
            self.rows += outbox.write(self.alias, tags - standing)
            self._written.setdefault(savepoints, set()).update(tags)

    def __call__(self):
        """The hook. Never raises: what has been saved has been saved."""
        try:
            self._carry_out()
        except Exception:  # noqa: BLE001
            logger.exception("an eviction failed; larder_purge --all makes up for it: %s", sorted(self.tags)[:20])

    def _carry_out(self):
        if delivery().evict(self.tags):
            outbox.remove(self.alias, self.rows)
            outbox.deliver_now_and_then(self.alias)
        elif larder_settings().outbox and not self.rows:
            outbox.write(self.alias, self.tags)


def evict_on_commit(tags, using=None, rows=()):
    """`rows`: of the outbox, that stand for these tags."""
    tags = set(tags)
    if not tags:
        return
    alias = using or DEFAULT_DB_ALIAS
    connection = transaction.get_connection(alias)
    if connection.in_atomic_block:
        _batch_of(connection, alias).add(tags, connection)
        return
    if not connection.get_autocommit():
        logger.warning("the connection %s is in neither autocommit nor a transaction of Django's: what it has "
                       "changed is evicted before it is committed, and may be stored again until then", alias)
    batch = Batch(alias)
    batch.tags, batch.rows = tags, list(rows)
    batch()


def _batch_of(connection, alias):
    # Looked for each time: a savepoint's rollback removes hooks, and a commit takes them all.
    for hook in connection.run_on_commit:
        if isinstance(hook[1], Batch) and hook[1].is_open:
            return hook[1]
    batch = Batch(alias)
    transaction.on_commit(batch, using=alias)
    return batch


def evict(*what, using=None):
    """Evicts on commit of the transaction that is open on `using`, or at once.

    Each is a target as in LARDER["MODELS"] ("/api/models/", "tag:price-list", "all"), a row, an
    iterable of rows (a QuerySet, say), or a model: then whichever rows.
    """
    by_alias = {}
    for one in what:
        alias, tags = _tags_of(one)
        by_alias.setdefault(using or alias or DEFAULT_DB_ALIAS, set()).update(tags)
    for alias, tags in by_alias.items():
        evict_on_commit(tags, alias)


def _tags_of(one):
    """(the database it is of, if it says so; its tags)"""
    if isinstance(one, str):
        return None, parse_target(one).tags_for_any()
    if isinstance(one, models.Model):
        return one._state.db or router.db_for_write(type(one), instance=one), mapping().tags_of_row(one)
    if isinstance(one, type) and issubclass(one, models.Model):
        return router.db_for_write(one), mapping().tags_of_any(one)
    if isinstance(one, models.QuerySet):
        alias = router.db_for_write(one.model) if one._db is None else one._db
        return alias, tags_of_keys(one.model, one.db, keys_of(one))
    rows = list(one)
    if not all(isinstance(row, models.Model) for row in rows):
        raise TypeError("evict() takes targets (text), rows, QuerySets and models")
    return (_tags_of(rows[0])[0] if rows else None), {tag for row in rows for tag in mapping().tags_of_row(row)}


def keys_of(queryset):
    """Of its rows; one more than MOST_ROWS when there are too many of them."""
    return list(queryset.order_by().values_list("pk", flat=True)[:MOST_ROWS + 1])


def tags_of_keys(model, alias, keys):
    """Of those rows, if there are not too many."""
    if len(keys) > MOST_ROWS:
        return mapping().tags_of_any(model)
    rows = model._base_manager.using(alias).filter(pk__in=keys)
    return tags_of_objects(model, rows if mapping().needs_rows(model) else rows.only("pk"))


def tags_of_objects(model, rows):
    rows = list(rows)
    if len(rows) > MOST_ROWS:
        return mapping().tags_of_any(model)
    return {tag for row in rows for tag in mapping().tags_of_row(row)}
