"""Identifiers: UUIDv7 for machines, names and ``name@version`` references for people, SHA-256 for content."""

from __future__ import annotations

import os
import re
import time
from typing import Annotated

from msgspec import Meta, Struct

from modelwright.core.errors import Invalid
from modelwright.core.wire import described

Name = Annotated[str, described(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z", "a name: 1 to 128 letters, digits, . _ -")]
"""A name that people choose: starts with a letter or digit, then those and . _ -; at most 128 characters."""

Id = Annotated[str, described(r"\A[0-9a-f]{32}\Z", "an id: 32 hex digits")]
"""An identifier the machine made; sorts by the time of its making."""

Digest = Annotated[str, described(r"\A[0-9a-f]{64}\Z", "a SHA-256 digest: 64 hex digits")]
"""SHA-256 of content, in hex."""

Ref = Annotated[str, Meta(min_length=3, max_length=260, description="name@version, name@alias or name@latest")]
"""A reference as people write it; ``parse_ref`` reads it."""


class Pinned(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A version that something relies on: the reference for people, the digest of its content for machines."""

    ref: Ref
    digest: Digest


_REF = re.compile(r"\A(?P<name>[A-Za-z0-9][A-Za-z0-9._-]{0,127})@(?P<selector>[A-Za-z0-9][A-Za-z0-9._-]{0,127})\Z")


class ParsedRef(Struct, frozen=True):
    """A reference taken apart: a version number, or an alias (``latest`` is the alias every name has)."""

    name: str
    version: int | None
    alias: str | None

    def __str__(self) -> str:
        return f"{self.name}@{self.version if self.version is not None else self.alias}"


def parse_ref(ref: str, *, what: str = "version") -> ParsedRef:
    """Take ``name@3`` or ``name@champion`` apart.

    Raises:
        Invalid: It has another form.

    Example:
        >>> parse_ref("flight-delay@3").version
        3
        >>> parse_ref("flight-delay@champion").alias
        'champion'
    """
    match = _REF.match(ref)
    if match is None:
        raise Invalid(
            f"{ref[:80]!r} does not name a {what}.",
            remedy="Write name@version or name@alias, e.g. flight-delay@3 or flight-delay@champion.",
            fields={"ref": "is not name@version"},
        )
    selector = match["selector"]
    if selector.isdigit():
        if len(selector) > 15:
            raise Invalid(f"{selector[:20]}… is not a version number.", fields={"ref": "version is too large"})
        return ParsedRef(match["name"], int(selector), None)
    return ParsedRef(match["name"], None, selector)


def new_id() -> str:
    """A fresh UUIDv7 in hex (RFC 9562, section 5.7): 48 bits of milliseconds, then randomness.

    Example:
        >>> first, second = new_id(), new_id()
        >>> len(first), first != second, first[:8] <= second[:8]
        (32, True, True)
    """
    return new_ids(1)[0]


def new_ids(count: int) -> list[str]:
    """``count`` fresh identifiers of one millisecond, in ascending order.

    The 12 bits after the version count up, so that ids of one call sort as they were made (RFC 9562, section 6.2,
    method 1); beyond 4,096 the milliseconds advance.
    """
    milliseconds = time.time_ns() // 1_000_000
    noise = os.urandom(8 * count)
    ids = []
    for index in range(count):
        stamp = milliseconds + (index >> 12)
        tail = int.from_bytes(noise[8 * index : 8 * index + 8], "big") & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        ids.append(f"{stamp:012x}7{index & 0xFFF:03x}{tail:016x}")
    return ids
