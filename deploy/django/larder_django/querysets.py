"""QuerySets that evict for what Django sends no signals of: update(), bulk_create(), bulk_update().

    class Price(models.Model):
        objects = larder_django.EvictingManager()

delete() needs none: Django sends post_delete for each row of a model that anybody listens to.
"""

from django.db import models, transaction

from .evicting import evict_on_commit, keys_of, tags_of_keys, tags_of_objects
from .mapping import mapping


class EvictingQuerySet(models.QuerySet):
    """In one transaction each, so that a row of the outbox is committed with what it is about."""

    def update(self, **values):
        if not mapping().concerns(self.model) or self.query.is_sliced:  # Django refuses the latter
            return super().update(**values)
        self._for_write = True
        with transaction.atomic(using=self.db, savepoint=False):
            keys = keys_of(self)
            tags = tags_of_keys(self.model, self.db, keys)
            updated = super().update(**values)
            if mapping().needs_rows(self.model):  # what they were is old, and what they are now
                tags |= tags_of_keys(self.model, self.db, keys)
            if updated:
                evict_on_commit(tags, self.db)
        return updated

    update.alters_data = True

    # bulk_update() is an update() of each batch, and so evicts by the one above.

    def bulk_create(self, objs, *args, **kwargs):
        if not mapping().concerns(self.model):
            return super().bulk_create(objs, *args, **kwargs)
        self._for_write = True
        with transaction.atomic(using=self.db, savepoint=False):
            created = super().bulk_create(objs, *args, **kwargs)
            evict_on_commit(tags_of_objects(self.model, created), self.db)
        return created

    bulk_create.alters_data = True


EvictingManager = models.Manager.from_queryset(EvictingQuerySet, class_name="EvictingManager")
