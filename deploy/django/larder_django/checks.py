"""System checks: mistakes in settings.LARDER, and models behind cached paths that nothing evicts."""

import inspect

from django.apps import apps
from django.core.checks import Error, Tags, Warning, register
from django.urls import NoReverseMatch, Resolver404, resolve, reverse

from . import tags
from .conf import larder_settings, mistakes
from .mapping import mapping, wrong_targets
from .responses import models_tagged_by
from .rules import RulesUnreadable, read_rules


def register_all():
    register(check_settings)
    register(check_cached_models, Tags.urls)


def check_settings(app_configs=None, **_):
    found = [Error(f"settings.LARDER: {what}.", id="larder.E001") for _, what in mistakes()]
    found += [Error(f"settings.LARDER['MODELS'][{label!r}]: {what}.", id="larder.E002")
              for label, what in wrong_targets(larder_settings().models)]
    return found


def check_cached_models(app_configs=None, **_):
    """By the rules file: which views do its paths come to, which models do those show, and does
    anything evict them?"""
    if not larder_settings().rules:
        return []
    try:
        rules = read_rules(larder_settings().rules)
    except RulesUnreadable as error:
        return [Warning(f"settings.LARDER['RULES']: {error}.", id="larder.W001")]
    found = []
    for rule in rules:
        seen = set()
        for pattern, path in rule.examples:
            view = _view_of(path)
            for model in sorted(models_of(view) if view else (), key=lambda model: model._meta.label):
                if model not in seen and not _is_evicted(model, rule, path, view):
                    seen.add(model)
                    found.append(_nothing_evicts(model, rule, pattern))
    return found


def _nothing_evicts(model, rule, pattern):
    # Without the last converter, so that it stands for the collection too.
    return Warning(
        f"{pattern} is cached (rule {rule.name!r}) and shows {model._meta.label}, but nothing evicts it when a row "
        "changes outside HTTP, or in the admin.",
        hint=f"Name it in settings.LARDER['MODELS']: {{{model._meta.label!r}: {_suggestion(pattern)!r}}}, or the "
             "place where it is changed in the rule's evict_on.",
        obj=model, id="larder.W002")


def _suggestion(pattern):
    return pattern if "<" not in pattern else pattern[:pattern.index("<")]


def _is_evicted(model, rule, path, view):
    if any(rule.is_evicted_on(admin) for admin in _admin_paths(model)):
        return True
    if not mapping().concerns(model):
        return False
    if models_tagged_by(view) is not None:  # its answers name the rows they show
        return True
    carried = {*tags.tags_of_response(path), tags.rule_tag(rule.name)}
    named = [tag.partition("{")[0] for tag in rule.tags]
    for target in mapping().targets(model):
        if target.kind == "call":  # nobody can tell
            return True
        if target.kind == "tag" and any(_may_be_alike(target.text.partition("{")[0], name) for name in named):
            return True
        if not carried.isdisjoint(target.tags_for_any()) or target.kind == "all":
            return True
    return False


def _may_be_alike(one, other):
    """Names up to what is filled in."""
    return one.startswith(other) or other.startswith(one)


def _view_of(path):
    try:
        function = resolve(path).func
    except Resolver404:
        return None
    return getattr(function, "cls", None) or getattr(function, "view_class", None) or function


def models_of(view):
    """Those that a view shows, by what it says of itself."""
    found = set(models_tagged_by(view) or ())
    for name in ("queryset", "model"):
        one = getattr(view, name, None)
        model = getattr(one, "model", one)
        if inspect.isclass(model) and model in apps.get_models():
            found.add(model)
    _add_models_of_serializer(getattr(view, "serializer_class", None), found)
    return found


def _add_models_of_serializer(serializer, found):
    """And of those within it."""
    model = getattr(getattr(serializer, "Meta", None), "model", None)
    if model is not None:
        found.add(model)
    for field in getattr(serializer, "_declared_fields", {}).values():
        field = getattr(field, "child", field)
        if hasattr(field, "_declared_fields"):
            _add_models_of_serializer(type(field), found)


def _admin_paths(model):
    options = model._meta
    try:
        return [reverse(f"admin:{options.app_label}_{options.model_name}_changelist")]
    except NoReverseMatch:
        return []
