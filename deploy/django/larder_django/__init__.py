"""Tells Larder's cache of what changes in Django without passing Larder: see README.md beside it."""

from importlib import import_module

__version__ = "1.0"

# Where each lives; imported when first asked for, since models must not be before apps are ready.
_PLACES = {
    "evict": ".evicting",
    "tagged": ".responses",
    "tag_response": ".responses",
    "EvictingQuerySet": ".querysets",
    "EvictingManager": ".querysets",
}
__all__ = sorted(_PLACES)


def __getattr__(name):
    if name in _PLACES:
        return getattr(import_module(_PLACES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
