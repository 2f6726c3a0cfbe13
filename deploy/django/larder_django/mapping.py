"""Mapping: which tags a change of a row makes old, by LARDER["MODELS"]."""

import logging
from functools import lru_cache

from django.apps import apps
from django.core.signals import setting_changed

from . import tags
from .conf import larder_settings
from .targets import BadTarget, targets_in

logger = logging.getLogger("larder_django")


class Mapping:
    """Knows each model that is concerned: one in MODELS, its proxies, and those that share its table
    by inheritance, whose rows are each other's."""

    def __init__(self, given):
        self._targets = {}
        self._family = {}
        for label, one in given.items():
            try:
                named, targets = apps.get_model(label), targets_in(one)
            except (LookupError, ValueError) as error:  # the system check says so, too
                logger.error("LARDER['MODELS'][%r] is left out: %s", label, error)
                continue
            for model in apps.get_models(include_auto_created=True):
                if _share_rows(model, named):
                    self._targets[model] = self._targets.get(model, ()) + targets

    @property
    def models(self):
        return list(self._targets)

    def concerns(self, model):
        return model in self._targets

    def targets(self, model):
        return self._targets.get(model, ())

    def attributes(self, model):
        """What the templates name of a row."""
        return frozenset(name for target in self.targets(model) for name in target.attributes)

    def needs_rows(self, model):
        """Does what is evicted depend on more of a row than its key?"""
        return any(target.kind == "call" or target.attributes - {"pk", "id"} for target in self.targets(model))

    def tags_of_row(self, row):
        """Never raises: what a callable or a property does to the worst, evicts too much."""
        model = type(row)
        made = set(self._own_tags(model, row.pk))
        for target in self.targets(model):
            try:
                made.update(target.tags_for(row))
            except Exception:  # noqa: BLE001  (whatever the team's code raises must not break a save)
                logger.exception("the target %s of %s failed; more is evicted instead",
                                 target.text or target.function, model._meta.label)
                made.update(target.tags_for_any())
        return made

    def tags_of_any(self, model):
        """Of rows nobody has looked at."""
        made = set(self._own_tags(model))
        for target in self.targets(model):
            made.update(target.tags_for_any())
        return made

    def _own_tags(self, model, pk=None):
        """What `tagged` names in responses (larder_django.responses)."""
        names = []
        for label in self._labels(model):
            names += [label, tag_of_object(label, "*" if pk is None else pk)]
        return [tags.named_tag(name) for name in names if len(name.encode()) <= tags.LONGEST_NAME]

    def _labels(self, model):
        if model not in self._family:
            self._family[model] = sorted({other._meta.concrete_model._meta.label_lower
                                          for other in apps.get_models() if _share_rows(other, model)})
        return self._family[model]


def tag_of_object(label, pk):
    """As it is named in Surrogate-Key: "ai.aimodel:3"."""
    return f"{label}:{tags.encode_value(pk)}"


def _share_rows(one, other):
    one, other = one._meta.concrete_model, other._meta.concrete_model
    return issubclass(one, other) or issubclass(other, one)


def wrong_targets(given):
    """(label, what is wrong), for the system check."""
    for label, one in given.items():
        try:
            apps.get_model(label)
        except (LookupError, ValueError) as error:
            yield label, str(error)
        try:
            targets_in(one)
        except BadTarget as error:
            yield label, str(error)


@lru_cache(maxsize=1)
def mapping():
    return Mapping(larder_settings().models)


def _forget(setting=None, **_):
    if setting == "LARDER":
        mapping.cache_clear()


setting_changed.connect(_forget)
