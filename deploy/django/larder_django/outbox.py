"""Outbox: evictions stand in the database until they are acknowledged (LARDER["OUTBOX"]).

A row is written in the transaction whose changes it is about, and removed when the backend has
acknowledged it. What a killed process leaves behind is delivered by the next eviction of any other
process, or by `manage.py larder_outbox`.
"""

import logging
import time
from datetime import timedelta

from django.db import DatabaseError, router, transaction
from django.db.models.functions import Now

from .conf import larder_settings
from .delivery import delivery

logger = logging.getLogger("larder_django")

# Younger ones are those of a process that is about to see to them; and, outside a transaction, of a
# row that is just being saved.
GRACE = timedelta(seconds=10)
BETWEEN_LOOKS = 10.0  # seconds, of one process
AT_ONCE = 256

_looked = {}  # by database: when


def write(alias, tags):
    """The ids of what was written; none when there is no such table. Never harms the transaction."""
    from .models import Eviction

    if not router.allow_migrate_model(alias, Eviction):
        return []
    try:
        with transaction.atomic(using=alias):
            row = Eviction.objects.using(alias).create(tags="\n".join(sorted(tags)), created=Now())
    except DatabaseError as error:
        logger.error("an eviction could not be written to the outbox of database %r (manage.py migrate?): %s",
                     alias, error)
        return []
    return [row.pk]


def write_ahead(alias, tags):
    """Before a row is saved outside a transaction."""
    return write(alias, tags) if tags else []


def remove(alias, rows):
    """They have been acknowledged."""
    from .models import Eviction

    if not rows:
        return
    try:
        with transaction.atomic(using=alias):
            Eviction.objects.using(alias).filter(pk__in=list(rows)).delete()
    except DatabaseError as error:  # then they are evicted once more
        logger.warning("the outbox of database %r keeps what has been evicted: %s", alias, error)


def left(alias, grace=GRACE):
    """What others, or this process before it was started again, have left behind."""
    from .models import Eviction

    return Eviction.objects.using(alias).filter(created__lte=Now() - grace)


def deliver_left(alias, grace=GRACE):
    """(how many rows were delivered, whether nothing is left)"""
    delivered = 0
    while True:
        rows = list(left(alias, grace)[:AT_ONCE])
        if not rows:
            return delivered, True
        if not delivery().evict({tag for row in rows for tag in row.tags.splitlines()}):
            return delivered, False
        remove(alias, [row.pk for row in rows])
        delivered += len(rows)
        if len(rows) < AT_ONCE:
            return delivered, True


def deliver_now_and_then(alias):
    """Behind an eviction that was acknowledged."""
    from .models import Eviction

    now = time.monotonic()
    if not larder_settings().outbox or now - _looked.get(alias, now - BETWEEN_LOOKS) < BETWEEN_LOOKS:
        return
    _looked[alias] = now
    if not router.allow_migrate_model(alias, Eviction):
        return
    try:
        with transaction.atomic(using=alias):
            deliver_left(alias)
    except DatabaseError as error:
        logger.warning("the outbox of database %r could not be read: %s", alias, error)
