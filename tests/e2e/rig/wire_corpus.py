"""The corpus of tests/wire: what its files say, as values. What the keys mean: tests/wire/README.md.

Whatever a file says that is not understood is an error with file and case, never ignored.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from string import ascii_lowercase

import yaml

CORPUS = Path(__file__).resolve().parents[2] / "wire"

THIS_CASE = b"CASE"  # stands for a name of its own that each case has in its URLs
EITHER_PATH = b"PATH"  # a case with it is run on a path that is passed on and on one that is cached
PATHS = {"passed on": b"/passed/CASE/", "cached": b"/things/CASE/"}

NOTHING = "nothing"
NO_WHOLE_REQUEST = "no whole request"
AS_SENT = "as sent"
NEVER_WHOLE = "never whole"


class Malformed(Exception):
    """A corpus file that cannot be taken as it is."""


@dataclass(frozen=True)
class ReadAnswer:
    """In `sends`: wait for an answer of this status before more is sent."""

    status: int


@dataclass(frozen=True)
class EndSending:
    """In `sends`: no more will come from the client (FIN)."""


@dataclass(frozen=True)
class Answer:
    """One response as the client must see it; interim ones count."""

    status: int
    body: bytes | None = None
    contains: tuple[bytes, ...] = ()
    lacks: tuple[bytes, ...] = ()
    to: str = "GET"  # the method it answers
    cache: str | None = None  # X-Cache-Status
    is_cut_off: bool = False


@dataclass(frozen=True)
class Reply:
    """What the origin does with one request."""

    parts: tuple[bytes, ...]
    after: str = "request"  # or "head": before the content has come
    later: bytes = b""  # sent when the client has all its answers
    ends: str = "open"  # then: close, reset, or wait for more
    awaits_close: bool = False  # `is thrown away`: Larder must close this connection by itself


@dataclass(frozen=True)
class Case:
    corpus_class: str
    letter: str  # of its file
    number: int  # within its file
    name: str
    source: str
    sends: tuple
    answers: object  # NEVER_WHOLE or a tuple of Answer
    then: str  # open, closed, either
    reached: object  # NOTHING, NO_WHOLE_REQUEST, AS_SENT, or a tuple of bytes
    client: str = "stranger"
    origin: tuple[Reply, ...] = ()
    innocent: bytes | None = None
    on: str | None = None  # which of PATHS, where the case says PATH

    @property
    def id(self):
        return f"{self.corpus_class}: {self.name}" + (f" ({self.on})" if self.on else "")

    @property
    def slug(self):
        """What stands for CASE, as long as that word: lengths within the bytes stay true."""
        return f"w{self.letter}{self.number:02x}".encode()

    @property
    def twin_slug(self):
        """For URLs that nobody has touched before."""
        return b"t" + self.slug[1:]

    def fill_in(self, data, slug=None):
        if self.on:
            data = data.replace(EITHER_PATH, PATHS[self.on])
        return data.replace(THIS_CASE, slug or self.slug)

    @property
    def bytes_sent(self):
        return b"".join(self.fill_in(part) for part in self.sends if isinstance(part, bytes))

    @property
    def bytes_reached(self):
        """The requests that the origin must get, each with its content."""
        if self.reached == AS_SENT:
            return [self.bytes_sent]
        return [] if isinstance(self.reached, str) else [self.fill_in(request) for request in self.reached]


# --- reading ---

class _Loader(yaml.SafeLoader):
    pass


def _mapping_without_repeats(loader, node):
    keys = [key.value for key, _ in node.value]
    for key in keys:
        if keys.count(key) > 1:
            raise Malformed(f"line {node.start_mark.line + 1}: {key!r} is given twice")
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping_without_repeats)


def _take(mapping, what, required=(), optional=()):
    if not isinstance(mapping, dict):
        raise Malformed(f"{what} is no mapping: {mapping!r}")
    unknown = set(mapping) - set(required) - set(optional)
    missing = set(required) - set(mapping)
    if unknown or missing:
        raise Malformed(f"{what}: unknown {sorted(unknown)}, missing {sorted(missing)}")
    return mapping


def _bytes(value, what):
    """Text whose characters are bytes, `{repeat: TEXT, times: N}`, or a list of both."""
    if isinstance(value, str):
        return value.encode("latin-1")
    if isinstance(value, list):
        return b"".join(_bytes(part, what) for part in value)
    _take(value, what, ("repeat", "times"))
    if not isinstance(value["times"], int) or value["times"] < 1:
        raise Malformed(f"{what}: `times` is no number of times")
    return _bytes(value["repeat"], what) * value["times"]


def _many_bytes(value, what):
    return tuple(_bytes(one, what) for one in (value if isinstance(value, list) else [value]))


def _sends(value, begins):
    parts = [begins] if begins else []
    for part in value if isinstance(value, list) else [value]:
        if isinstance(part, dict) and "until" in part:
            parts.append(ReadAnswer(int(_take(part, "sends", ("until",))["until"])))
        elif isinstance(part, dict) and "end" in part:
            _take(part, "sends", ("end",))
            parts.append(EndSending())
        elif isinstance(part, dict) and "then" in part:
            _take(part, "sends", ("then",))
            parts.append(_bytes(part["then"], "sends"))
        elif parts and isinstance(parts[-1], bytes):
            parts[-1] += _bytes(part, "sends")
        else:
            parts.append(_bytes(part, "sends"))
    return tuple(parts)


def _choice(value, choices, what):
    if value not in choices:
        raise Malformed(f"{what} is {value!r}, not one of {choices}")
    return value


def _answers(value):
    return value if value == NEVER_WHOLE else tuple(_answer(answer) for answer in value)


def _answer(value):
    if isinstance(value, int):
        return Answer(value)
    _take(value, "answers", ("status",), ("body", "contains", "lacks", "to", "cache", "cut off"))
    if value.get("cut off", True) is not True:
        raise Malformed("answers: `cut off` is true or not there")
    return Answer(value["status"], _bytes(value["body"], "body") if "body" in value else None,
                  _many_bytes(value.get("contains", []), "contains"), _many_bytes(value.get("lacks", []), "lacks"),
                  value.get("to", "GET"), value.get("cache"), "cut off" in value)


def _reply(value):
    if not isinstance(value, dict) or "repeat" in value:
        return Reply(_many_bytes(value, "origin"))
    _take(value, "origin", ("sends",), ("after", "later", "ends", "is thrown away"))
    if value.get("is thrown away", True) is not True:
        raise Malformed("origin: `is thrown away` is true or not there")
    return Reply(_many_bytes(value["sends"], "origin sends"),
                 _choice(value.get("after", "request"), ("request", "head"), "origin after"),
                 _bytes(value.get("later", ""), "origin later"),
                 _choice(value.get("ends", "open"), ("open", "close", "reset"), "origin ends"),
                 "is thrown away" in value)


def _reached(value):
    if isinstance(value, str):
        return _choice(value, (NOTHING, NO_WHOLE_REQUEST, AS_SENT), "reached")
    if not isinstance(value, list) or not value:
        raise Malformed("reached is a word or a list of requests")
    return _many_bytes(value, "reached")


def _case(entry, corpus_class, letter, number):
    _take(entry, "case", ("name", "source", "sends", "answers", "then", "reached"),
          ("begins", "client", "origin", "innocent"))
    for key in ("name", "source"):
        if not isinstance(entry[key], str) or not entry[key].strip():
            raise Malformed(f"{key} says nothing")
    origin = entry.get("origin", [])
    case = Case(
        corpus_class=corpus_class, letter=letter, number=number, name=entry["name"], source=entry["source"],
        sends=_sends(entry["sends"], _bytes(entry.get("begins", ""), "begins")), answers=_answers(entry["answers"]),
        then=_choice(entry["then"], ("open", "closed", "either"), "then"), reached=_reached(entry["reached"]),
        client=_choice(entry.get("client", "stranger"), ("stranger", "trusted hop"), "client"),
        origin=tuple(_reply(reply) for reply in (origin if isinstance(origin, list) else [origin])),
        innocent=_bytes(entry["innocent"], "innocent") if "innocent" in entry else None)
    said = b"".join(part for part in case.sends if isinstance(part, bytes))
    if case.innocent and not (THIS_CASE in case.innocent or EITHER_PATH in case.innocent):
        raise Malformed("innocent: the request's URL is not the case's own")
    if (case.then == "either") != (case.answers == NEVER_WHOLE):
        raise Malformed("`then: either` and `answers: never whole` belong together")
    if case.then == "open" and any(answer.is_cut_off for answer in case.answers):
        raise Malformed("then: open, behind an answer that was cut off")
    return case, EITHER_PATH in said


def load_file(path, letter):
    """The cases of one file, in its order; those that say PATH twice, once for each path."""
    cases, names = [], set()
    try:
        document = _take(yaml.load(path.read_text(), Loader=_Loader), "file", ("class", "about", "cases"),
                         ("defaults",))
        for number, entry in enumerate(document["cases"], 1):
            try:
                _take(entry, "case", ("name",), entry)
                case, on_either_path = _case({**document.get("defaults", {}), **entry}, document["class"], letter,
                                             number)
            except (Malformed, TypeError, ValueError, UnicodeEncodeError) as error:
                raise Malformed(f"case {number}, {entry.get('name') if isinstance(entry, dict) else entry!r}: "
                                f"{error}") from error
            if case.name in names:
                raise Malformed(f"two cases are called {case.name!r}")
            names.add(case.name)
            if on_either_path:
                cases += [replace(case, on=on) for on in PATHS]
            else:
                cases.append(case)
    except (Malformed, yaml.YAMLError) as error:
        raise Malformed(f"{path.name}: {error}") from error
    return cases


def load(folder=CORPUS):
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise Malformed(f"no corpus in {folder}")
    return [case for letter, path in zip(ascii_lowercase, files) for case in load_file(path, letter)]


def count(folder=CORPUS):
    """Cases by class, by the lines of the files alone: what load() must come to."""
    counted = {}
    for path in sorted(folder.glob("*.yaml")):
        text = path.read_text()
        name = re.search(r"^class: (.+)$", text, re.MULTILINE)
        counted[name.group(1) if name else path.name] = len(re.findall(r"^  - name: ", text, re.MULTILINE))
    return counted


def format_count(counted):
    width = max(map(len, counted))
    lines = [f"{name:{width}}  {number:4}" for name, number in counted.items()]
    return "\n".join([*lines, f"{'all':{width}}  {sum(counted.values()):4}"])
