"""settings.LARDER, read once: every key, its default, and every mistake in words."""

import difflib
import math
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional, Sequence, Union

from django.conf import settings as django_settings
from django.core.signals import setting_changed

KEYS = {
    "MODELS": {},  # "app.Model": what a change of one of its rows makes old
    "REDIS": None,  # a URL as Larder's own setting `redis`
    "REDIS_OPTIONS": {},  # further arguments for redis-py's client
    "ADMIN": [],  # instead of REDIS: URLs of the admin listeners of all Larders
    "TOKEN": "",  # for ADMIN: LARDER_ADMIN_TOKEN
    "BACKEND": None,  # instead of both: the dotted path of a class with evict(tags)
    "TIMEOUT": 0.25,  # seconds: for connecting, and for an answer
    "SETTLE": 0,  # seconds: Larder's setting of that name, for a lagging database replica
    "OUTBOX": False,  # evictions stand in a table until they are acknowledged
    "RULES": None,  # Larder's rules, a file or a folder: for the system check
}


@dataclass
class LarderSettings:
    models: Dict[str, Union[str, Callable, Sequence]] = field(default_factory=dict)
    redis: Optional[str] = None
    redis_options: Dict[str, Any] = field(default_factory=dict)
    admin: Sequence[str] = ()
    token: str = ""
    backend: Optional[str] = None
    timeout: float = 0.25
    settle: float = 0.0
    outbox: bool = False
    rules: Optional[str] = None


def read_settings():
    """What settings.LARDER says; a mistake in it stands in mistakes(), and counts as left out."""
    given = getattr(django_settings, "LARDER", None)
    given = given if isinstance(given, dict) else {}
    wrong = {key for key, _ in mistakes()}
    read = {key: given[key] if key in given and key not in wrong else default for key, default in KEYS.items()}
    if isinstance(read["ADMIN"], str):
        read["ADMIN"] = [read["ADMIN"]]
    return LarderSettings(**{key.lower(): value for key, value in read.items()})


def mistakes():
    """(key, what is wrong with it), for the system check."""
    given = getattr(django_settings, "LARDER", {})
    if not isinstance(given, dict):
        return [("LARDER", "settings.LARDER is not a dict")]
    found: List = []
    for key in given:
        if key not in KEYS:
            near = difflib.get_close_matches(str(key).upper(), KEYS, 1)
            found.append((key, f"unknown key {key!r}" + (f" (did you mean {near[0]!r}?)" if near else "")))
    for key in ("TIMEOUT", "SETTLE"):
        value = given.get(key, KEYS[key])
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
            found.append((key, f"{key} is a number of seconds, not {value!r}"))
    if given.get("TIMEOUT", 1) == 0:
        found.append(("TIMEOUT", "TIMEOUT must be more than 0"))
    if not isinstance(given.get("MODELS", {}), dict):
        found.append(("MODELS", 'MODELS is a dict, such as {"ai.AIModel": "/api/ai/models/"}'))
    named = [key for key in ("REDIS", "ADMIN", "BACKEND") if given.get(key)]
    if len(named) > 1:
        found.append((named[1], f"only one of {', '.join(named)} can be told of evictions"))
    if given.get("ADMIN") and not given.get("TOKEN"):
        found.append(("ADMIN", "ADMIN needs TOKEN, Larder's LARDER_ADMIN_TOKEN"))
    if given.get("REDIS"):
        from django.core.exceptions import ImproperlyConfigured

        from .redis_backend import RedisBackend

        try:
            RedisBackend(given["REDIS"], 1.0)
        except (ImproperlyConfigured, ValueError, AttributeError) as error:
            found.append(("REDIS", str(error)))
    return found


_settings: Optional[LarderSettings] = None


def larder_settings():
    global _settings
    if _settings is None:
        _settings = read_settings()
    return _settings


def _forget(setting=None, **_):
    global _settings
    if setting == "LARDER":
        _settings = None


setting_changed.connect(_forget)
