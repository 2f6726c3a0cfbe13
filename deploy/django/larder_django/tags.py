"""Tags: what is evicted, in the words of Larder's protocol (proxy/store/README.md). Pure.

A tag is short text: "p:/api/models" (a resource, without final slash), "b:/api" (all that lies
below that path), "r:ai-models" (a rule), "t:price-list" (what a rule or a response names) and "e:"
(everything). The same paths come to the same tags as in Larder's policy/tags.cpp;
tests/golden/protocol-1 holds both to it.
"""

import re
from urllib.parse import quote, unquote_to_bytes

EVERYTHING = "e:"
MOST_TAGS = 24  # of one response: what lies deeper is not stored
LONGEST_TAG = 512  # bytes, of a name in Redis; beyond it Larder hashes
LONGEST_NAME = 256  # bytes, of a named tag; beyond it nothing is stored
PATH_CHARACTERS = "!$&'()*+,;=:@/"  # besides letters, digits and -._~


def path_of(url):
    """"/a/" of "http://host/a/?b#c"; None when there is none."""
    path = re.split("[?#]", url, maxsplit=1)[0]
    if "://" in path:
        path = "/" + path.partition("://")[2].partition("/")[2]
    return path if path.startswith("/") else None


def resources_of(path):
    """What a server may take this path for, as Larder writes it: decoded once, and then with empty
    and dot segments removed. Without final slash, and numbers without leading zeros."""
    decoded = unquote_to_bytes(path)
    readings = [decoded, _without_dot_segments(re.sub(b"/+", b"/", decoded))]
    resources = []
    for reading in readings:
        resource = quote(reading, safe=PATH_CHARACTERS).rstrip("/") or "/"
        resource = "/".join(_canonical_number(segment) for segment in resource.split("/"))
        if resource not in resources:
            resources.append(resource)
    return resources


def tags_of_resource(path):
    """The resource alone."""
    return _unique(tag for resource in resources_of(path) for tag in _resource(resource))


def tags_of_prefix(path):
    """The resource and all that lies below it."""
    return _unique(tag for resource in resources_of(path) for tag in _resource(resource) + _below(resource))


def tags_of_write(path):
    """What a PUT of this path through Larder evicts: the resource, what lies below it, and the
    collections above it."""
    tags = []
    for resource in resources_of(path):
        tags += _below(resource)
        while resource:
            tags += _resource(resource)
            resource = _parent_of(resource)
    return _unique(tags)


def tags_of_response(path):
    """Of those that a stored response of this path carries, the ones that its path tells."""
    resource = resources_of(path)[0]
    tags = _resource(resource)
    while tags and _parent_of(resource):
        resource = _parent_of(resource)
        tags += _below(resource)
    return tags


def named_tag(name):
    return "t:" + name


def rule_tag(name):
    return "r:" + name


def encode_value(value):
    """A value within a named tag, as Larder fills it in: ASCII but spaces and "%"."""
    return "".join(chr(byte) if 0x20 < byte < 0x7F and byte != 0x25 else f"%{byte:02X}"
                   for byte in str(value).encode())


def is_named(tag):
    """Does a response say it, or a rule, rather than the path? Then `n:` is evicted beside it."""
    return tag[:2] not in ("p:", "b:", "r:", "u:", "e:", "n:")


def _resource(resource):
    return _fitting("p:", resource)


def _below(resource):
    return _fitting("b:", resource)


def _fitting(kind, resource):
    """Nothing when it lies deeper than anything stored. In the place of one whose name Larder
    would hash stands all that lies below the last collection with a shorter one."""
    if _depth_of(resource) + 2 > MOST_TAGS:
        return []
    tag = kind + resource
    while len(tag.encode()) > LONGEST_TAG:
        resource = _parent_of(resource)
        tag = "b:" + resource
    return [tag]


def _parent_of(resource):
    """One segment up; empty above the root."""
    if resource == "/":
        return ""
    return resource.rpartition("/")[0].rstrip("/") or "/"


def _depth_of(resource):
    return 0 if resource == "/" else len(re.findall("/+", resource))


def _canonical_number(segment):
    return segment.lstrip("0") or "0" if re.fullmatch("[0-9]+", segment) else segment


def _without_dot_segments(path):
    """RFC 3986 5.2.4, for a path that begins with a slash."""
    kept = []
    segments = path.split(b"/")[1:]
    for number, segment in enumerate(segments):
        if segment == b"..":
            kept = kept[:-1]
        elif segment != b".":
            kept.append(segment)
            continue
        if number == len(segments) - 1:
            kept.append(b"")
    return b"/" + b"/".join(kept)


def _unique(tags):
    return sorted(set(tags))
