"""Responses that say which rows they show, so that a change of one evicts them wherever they are.

    @larder_django.tagged                     # a view of Django REST framework: by what it serialises
    class NoticeViewSet(viewsets.ModelViewSet): ...

    @larder_django.tagged(Notice)             # any view: a list of these
    def notices(request): ...

A response that lists rows of a model is named "jobs.notice", one that shows a row "jobs.notice:3":
in Surrogate-Key, which Larder takes for tags, and the model besides in Cache-Groups (RFC 9875). What
a change of a row evicts: larder_django.mapping.
"""

import functools
import inspect

from django.db import models

from . import tags
from .mapping import tag_of_object

MOST_NAMES = 48  # in both fields; Larder stores nothing that names more than 64
_TAGGED = "_larder_tagged"  # of a view: what was named to `tagged`


def tag_response(response, *what):
    """Names in this response models (it lists their rows), rows (it shows them), and tags (text)."""
    shown = _Shown()
    for one in what:
        if isinstance(one, str):
            shown.names.append(tags.encode_value(one))
        elif isinstance(one, models.Model):
            shown.note(one)
        else:
            shown.lists(one)
    shown.name_in(response)
    return response


def tagged(*what):
    """Decorates a view: a function, a class, or a viewset. Bare, or with what tag_response() takes."""
    if len(what) == 1 and _is_view(what[0]):
        return _decorate(what[0], ())
    return lambda view: _decorate(view, what)


def models_tagged_by(view):
    """None when it is not decorated."""
    what = getattr(view, _TAGGED, None)
    return None if what is None else [one for one in what if _is_model(one)]


class _Shown:
    """What one response shows."""

    def __init__(self):
        self.names, self._listed, self._rows = [], [], {}

    def lists(self, model):
        label = model._meta.concrete_model._meta.label_lower
        if label not in self._listed:
            self._listed.append(label)

    def note(self, row):
        if row.pk is not None:
            self._rows[(type(row)._meta.concrete_model._meta.label_lower, row.pk)] = True

    def name_in(self, response):
        rows = list(self._rows)
        # A list changes with any row of its model; naming each of them serves whoever purges by hand.
        if len(rows) > MOST_NAMES - 2 * len(self._listed):
            rows = [(label, pk) for label, pk in rows if label not in self._listed]
        names = self.names + self._listed + [tag_of_object(*row) for row in rows]
        # Changes of rows that nobody has looked at (bulk updates) evict this one.
        names += sorted({tag_of_object(label, "*") for label, _ in rows if label not in self._listed})
        if len(names) + len(self._listed) > MOST_NAMES or any(len(name.encode()) > tags.LONGEST_NAME for name in names):
            self._listed += sorted({label for label, _ in rows} - set(self._listed))
            names = self.names + self._listed
        if names:
            response["Surrogate-Key"] = " ".join(filter(None, [_field(response, "Surrogate-Key"), *names]))
        if self._listed:
            groups = ", ".join(f'"{label}"' for label in self._listed)
            response["Cache-Groups"] = ", ".join(filter(None, [_field(response, "Cache-Groups"), groups]))


def _decorate(view, what):
    if not inspect.isclass(view):
        return _decorate_function(view, what)
    setattr(view, _TAGGED, what)
    if hasattr(view, "finalize_response"):
        return _decorate_rest_view(view, what)
    dispatch = view.dispatch

    @functools.wraps(dispatch)
    def tagging(self, request, *args, **kwargs):
        return _named(dispatch(self, request, *args, **kwargs), request, what)

    view.dispatch = tagging
    return view


def _decorate_function(view, what):
    @functools.wraps(view)
    def tagging(request, *args, **kwargs):
        return _named(view(request, *args, **kwargs), request, what)

    setattr(tagging, _TAGGED, what)
    return tagging


def _named(response, request, what):
    return tag_response(response, *what) if _is_shown(response, request) else response


def _decorate_rest_view(view, what):
    """By what its serializers are given to show, nested ones as well: they are looked at, not run once more."""
    finalize, get_serializer = view.finalize_response, getattr(view, "get_serializer", None)

    if get_serializer is not None:
        @functools.wraps(get_serializer)
        def watched(self, *args, **kwargs):
            serializer = get_serializer(self, *args, **kwargs)
            if getattr(getattr(self, "request", None), "method", None) in ("GET", "HEAD"):
                _watch(serializer, self.__dict__.setdefault("_larder_shown", _Shown()))
            return serializer

        view.get_serializer = watched

    @functools.wraps(finalize)
    def tagging(self, request, response, *args, **kwargs):
        response = finalize(self, request, response, *args, **kwargs)
        if _is_shown(response, request):
            self.__dict__.pop("_larder_shown", _Shown()).name_in(response)
            tag_response(response, *what)
        return response

    view.finalize_response = tagging
    return view


def _watch(field, shown):
    """Notes the rows that this serializer, or relation, and those within it are given."""
    from rest_framework import relations, serializers

    if isinstance(field, serializers.ListSerializer):
        _lists(field.child, shown)
        return _watch(field.child, shown)
    if isinstance(field, relations.ManyRelatedField):
        _lists(field.child_relation, shown)
        return _watch(field.child_relation, shown)
    if not isinstance(field, (serializers.BaseSerializer, relations.RelatedField)):
        return
    represent = field.to_representation

    def noting(row):
        if isinstance(row, models.Model):
            shown.note(row)
        return represent(row)

    field.to_representation = noting
    for inner in getattr(field, "fields", {}).values():
        _watch(inner, shown)


def _lists(child, shown):
    model = getattr(getattr(child, "Meta", None), "model", None)
    if model is None:
        queryset = getattr(child, "queryset", None)
        model = getattr(queryset, "model", None)
    if model is not None:
        shown.lists(model)


def _is_shown(response, request):
    return request.method in ("GET", "HEAD") and response.status_code == 200


def _field(response, name):
    return response[name] if response.has_header(name) else ""


def _is_view(one):
    return not isinstance(one, str) and not _is_model(one) and not isinstance(one, models.Model) and callable(one)


def _is_model(one):
    return inspect.isclass(one) and issubclass(one, models.Model)
