"""Bodies that say what they are: the URL, its version, a serial, when they were made, and a hash over it all.

    /hot/7/ 3 1204 88123.402\n  filler ...  \n SHA-256 of everything before

So whoever holds a body can tell whether it is whole, whose it is, how old it is and what it was read before.
The clock is CLOCK_MONOTONIC, which all processes of a machine share.
"""

import hashlib
import time
from dataclasses import dataclass

_HEX = 64


class NotWhole(Exception):
    """The body is cut, mixed with another one, garbage, or another URL's."""


@dataclass(frozen=True)
class Content:
    url: str
    version: int
    serial: int
    made_at: float


def make(url, version, serial, size=0):
    """`size` is that of the whole; it is as long as it must be when that is more."""
    head = f"{url} {version} {serial} {time.monotonic():.6f}\n".encode()
    room = max(0, size - len(head) - 1 - _HEX)
    block = hashlib.sha256(head).digest()
    text = head + (block * (room // len(block) + 1))[:room] + b"\n"
    return text + hashlib.sha256(text).hexdigest().encode()


def judge(body, url):
    """What the body says of itself; raises NotWhole if it is not the whole body of that URL."""
    text, stated = body[:-_HEX], body[-_HEX:]
    if hashlib.sha256(text).hexdigest().encode() != stated:
        raise NotWhole(f"{len(body)} bytes for {url} whose hash does not fit, from {body[:60]!r}")
    said, version, serial, made_at = text[:text.index(b"\n")].decode().split(" ")
    if said != url:
        raise NotWhole(f"asked for {url}, got the body of {said}")
    return Content(said, int(version), int(serial), float(made_at))
