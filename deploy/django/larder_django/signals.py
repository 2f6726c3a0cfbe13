"""What Django tells of changes, and what each makes old.

Only the models of LARDER["MODELS"] are listened to, since a listener makes Django fetch what it
deletes.
"""

from django.core.signals import setting_changed
from django.db import transaction
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_save

from .conf import larder_settings
from .evicting import evict_on_commit
from .mapping import mapping
from .outbox import write_ahead

_BEFORE = "_larder_before"  # what the row stood for before it is saved
_ROWS = "_larder_rows"  # of the outbox, written before it is saved
_connected = []


def connect_all():
    """Anew, by the settings in force."""
    while _connected:
        signal, sender = _connected.pop()
        signal.disconnect(sender=sender, dispatch_uid=f"larder_django.{sender._meta.label}")
    for model in mapping().models:
        if not model._meta.auto_created:
            for signal, receiver in ((pre_save, before_save), (post_save, after_save), (post_delete, after_delete)):
                _connect(signal, receiver, model)
        for relation in _many_to_many(model):
            _connect(m2m_changed, after_m2m, relation)


def _connect(signal, receiver, sender):
    signal.connect(receiver, sender=sender, dispatch_uid=f"larder_django.{sender._meta.label}")
    _connected.append((signal, sender))


def _many_to_many(model):
    """The tables of its relations, whichever side names them."""
    own = [field.remote_field.through for field in model._meta.many_to_many]
    others = [field.through for field in model._meta.get_fields(include_hidden=True)
              if field.many_to_many and field.auto_created and not field.concrete]
    return set(own + others)


def before_save(sender, instance, using, **_):
    """Where a template names an attribute that may change, what it was is old as well."""
    before = set()
    if instance.pk is not None and mapping().needs_rows(sender):  # also one made with the key of another
        old = sender._base_manager.using(using).filter(pk=instance.pk).first()
        if old is not None:
            before = mapping().tags_of_row(old)
    setattr(instance, _BEFORE, before)
    # Outside a transaction the row is committed before anybody is told that it was saved.
    if larder_settings().outbox and not transaction.get_connection(using).in_atomic_block:
        setattr(instance, _ROWS, write_ahead(using, before | mapping().tags_of_row(instance)))


def after_save(sender, instance, using, **_):
    evict_on_commit(instance.__dict__.pop(_BEFORE, set()) | mapping().tags_of_row(instance), using,
                    instance.__dict__.pop(_ROWS, ()))


def after_delete(sender, instance, using, **_):
    evict_on_commit(mapping().tags_of_row(instance), using)


def after_m2m(sender, instance, action, reverse, model, pk_set, using, **_):
    """Both sides show it. What is cleared is known only before."""
    if action not in ("post_add", "post_remove", "pre_clear", "post_clear"):
        return
    made = mapping().tags_of_row(instance) if mapping().concerns(type(instance)) else set()
    if mapping().concerns(model):
        if action in ("pre_clear", "post_clear"):
            made |= mapping().tags_of_any(model)
        else:
            for row in model._base_manager.using(using).filter(pk__in=pk_set or ()):
                made |= mapping().tags_of_row(row)
    if made and action != "pre_clear":
        evict_on_commit(made, using)


def _reconnect(setting=None, **_):
    if setting == "LARDER":
        connect_all()


setting_changed.connect(_reconnect)
