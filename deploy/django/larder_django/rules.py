"""Larder's rules, as far as the system check needs them: which paths are cached, and what evicts them.

Reads no more than it must understand, and judges nothing: `larder check` does.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import List

# What each converter of Django's takes, for a path that a rule's pattern matches.
EXAMPLES = {"int": "1", "str": "a", "slug": "a", "uuid": "00000000-0000-0000-0000-000000000000", "path": "a"}
CONVERTER = re.compile(r"<(?:(\w+):)?(\w+)>")


class RulesUnreadable(Exception):
    pass


@dataclass
class CachedRule:
    name: str
    paths: List[str]
    evict_on: List[str]
    tags: List[str]

    @property
    def examples(self):
        """A path that each of its patterns matches."""
        return [(path, CONVERTER.sub(lambda match: EXAMPLES.get(match[1] or "str", "a"), path))
                for path in self.paths]

    def is_evicted_on(self, path):
        """Does a write to this path evict it, by evict_on?"""
        return any(_covers(prefix, path) for prefix in self.evict_on)


def read_rules(place):
    """Of a file or a folder, those that store anything."""
    try:
        import yaml
    except ImportError as error:
        raise RulesUnreadable("reading rules needs PyYAML (python3-yaml)") from error
    place = Path(place)
    files = [place]
    if place.is_dir():
        files = sorted(file for file in place.iterdir() if file.suffix in (".yaml", ".yml") and
                       not file.name.startswith(".") and not file.name.endswith((".test.yaml", ".test.yml")))
    rules = []
    for file in files:
        try:
            content = yaml.safe_load(file.read_text())
            for rule in (content or {}).get("rules") or []:
                if rule.get("mode", "on") in ("off", False):  # YAML 1.1 reads a bare off as false
                    continue
                paths = _list(rule["path"])
                rules.append(CachedRule(rule.get("name") or paths[0], paths,
                                        [one["path"] if isinstance(one, dict) else one
                                         for one in _list(rule.get("evict_on"))],
                                        _list(rule.get("tags"))))
        except OSError as error:
            raise RulesUnreadable(f"{file}: {error.strerror}") from error
        except (yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
            raise RulesUnreadable(f"{file}: {type(error).__name__}: {error} (larder check {file} says more)") from error
    return rules


def _covers(prefix, path):
    """By whole segments."""
    pattern = "".join("[^/]+" if number % 3 else re.escape(part)
                      for number, part in enumerate(CONVERTER.split(prefix.rstrip("/"))) if number % 3 != 2)
    return re.match(pattern + "(/|$)", path) is not None


def _list(value):
    return [] if value is None else value if isinstance(value, list) else [value]
