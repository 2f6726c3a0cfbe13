"""Targets: what a change of a row makes old, as it stands in LARDER["MODELS"], and its tags.

    "/api/ai/models/"          as a write to that path through Larder: it, what lies below, the
                               collections above
    "/api/notices/{pk}/"       likewise, of this row; {slug}, {category.slug}: attributes of the row
    "url:/api/stats/"          that resource alone
    "prefix:/api/reports/"     it and what lies below
    "tag:price-list"           what a rule's `tags` or a response's Surrogate-Key names so
    "rule:ai-models"           all that is stored under that rule
    "all"                      everything
    a callable                 given the row, returns one of these or several
"""

import logging
import re
import string
from dataclasses import dataclass
from typing import Callable, FrozenSet, Iterable, Optional, Tuple, Union
from urllib.parse import quote

from django.utils.module_loading import import_string

from . import tags

logger = logging.getLogger("larder_django")

KINDS = ("url", "prefix", "tag", "rule")


class BadTarget(ValueError):
    """It is written wrongly."""


@dataclass(frozen=True)
class Target:
    kind: str  # "write", "url", "prefix", "tag", "rule", "all", "call"
    text: str = ""
    function: Optional[Callable] = None

    @property
    def attributes(self) -> FrozenSet[str]:
        """What its template names of the row."""
        return frozenset(name for _, name, _, _ in string.Formatter().parse(self.text) if name)

    def tags_for(self, row) -> Iterable[str]:
        """Of one row. What the row does not say (a key it has not got yet) is not guessed: then as
        tags_for_any()."""
        if self.kind == "call":
            return tags_of(*targets_in(self.function(row)))
        values = {name: attribute_of(row, name) for name in self.attributes}
        if any(value is None for value in values.values()):
            return self.tags_for_any()
        encode = tags.encode_value if self.kind == "tag" else lambda value: quote(str(value), safe="")
        filled = "".join(literal + (encode(values[name]) if name else "")
                         for literal, name, _, _ in string.Formatter().parse(self.text))
        return _tags(self.kind, filled)

    def tags_for_any(self) -> Iterable[str]:
        """Of rows nobody has looked at: for a template of a path the collection it begins with, for
        any other and for a callable everything."""
        if self.kind == "call":
            return [tags.EVERYTHING]
        if not self.attributes:
            return _tags(self.kind, "".join(literal for literal, *_ in string.Formatter().parse(self.text)))
        if self.kind not in ("write", "url", "prefix"):
            return [tags.EVERYTHING]
        collection = self.text[:self.text.index("{")].rpartition("/")[0] + "/"
        return _tags("write" if self.kind == "write" else "prefix", collection)


def parse_target(text: Union[str, Callable]) -> Target:
    """BadTarget: with what is wrong."""
    if callable(text):
        return Target("call", function=text)
    if not isinstance(text, str) or not text:
        raise BadTarget(f"a target is text or a callable, not {text!r}")
    if text == "all":
        return Target("all")
    if text.startswith("/"):
        kind, rest = "write", text
    else:
        kind, colon, rest = text.partition(":")
        if not colon and re.fullmatch(r"[\w.]+\.\w+", text):
            return _imported(text)
        if not colon or kind not in KINDS or not rest:
            raise BadTarget(f"{text!r} is no target: write a path with its leading slash, tag:NAME, rule:NAME, "
                            "prefix:/PATH/, url:/PATH/, all, or a callable")
    try:
        pieces = list(string.Formatter().parse(rest))
    except ValueError as error:
        raise BadTarget(f"{text!r}: {error}") from error
    for _, name, spec, conversion in pieces:
        if name is not None and (not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", name) or spec or conversion):
            raise BadTarget(f"{text!r}: {{{name}}} is no attribute; write {{pk}} or {{category.slug}}")
    if kind in ("url", "prefix") and not rest.startswith("/"):
        raise BadTarget(f"{text!r}: the path has no leading slash")
    if kind == "write" and re.search("[?#]", rest):
        raise BadTarget(f"{text!r}: a path has no query; every query of it is evicted")
    if kind == "rule" and any(name for _, name, _, _ in pieces):
        raise BadTarget(f"{text!r}: a rule's name is not made from a row")
    return Target(kind, rest)


def targets_in(given) -> Tuple[Target, ...]:
    """One, or several in a list."""
    if given is None:
        return ()
    if isinstance(given, str) or callable(given):
        return (parse_target(given),)
    if not isinstance(given, (list, tuple, set, frozenset)):
        raise BadTarget(f"a target is text or a callable, or several in a list, not {given!r}")
    return tuple(parse_target(one) for one in given)


def tags_of(*targets: Target) -> FrozenSet[str]:
    """Of targets that name no row."""
    return frozenset(tag for target in targets for tag in target.tags_for_any())


def attribute_of(row, name):
    """None when any part of it is not there."""
    for part in name.split("."):
        row = getattr(row, part, None)
        if row is None:
            return None
    return row


def _imported(text):
    try:
        function = import_string(text)
    except ImportError as error:
        raise BadTarget(f"{text!r}: {error}") from error
    if not callable(function):
        raise BadTarget(f"{text!r} is not callable")
    return Target("call", function=function)


def _tags(kind, text):
    if kind == "all":
        return [tags.EVERYTHING]
    if kind == "tag":
        return [tags.named_tag(text)] if len(text.encode()) <= tags.LONGEST_NAME else []
    if kind == "rule":
        return [tags.rule_tag(text)]
    path = tags.path_of(text)
    made = {"write": tags.tags_of_write, "url": tags.tags_of_resource, "prefix": tags.tags_of_prefix}
    return made[kind](path)
