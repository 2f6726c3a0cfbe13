"""Whom evictions are told: Redis, or one or more admin listeners of Larder, or nobody."""

from django.utils.module_loading import import_string


class NotEvicted(Exception):
    """It was not acknowledged, and may be tried again."""


class Refused(Exception):
    """It was answered, and will be answered so again: what was asked is wrong."""


def make_backend(settings):
    """None: nobody is to be told."""
    if settings.backend:
        return import_string(settings.backend)()
    if settings.redis:
        from .redis_backend import RedisBackend

        return RedisBackend(settings.redis, settings.timeout, settings.settle, settings.redis_options)
    if settings.admin:
        from .admin_backend import AdminBackend

        return AdminBackend(settings.admin, settings.token, settings.timeout)
    return None
