"""Packs of the tests' own: two questions, of which one is a person's."""

from functools import cache

from modelwright.core import written
from modelwright.documents.model import Kind
from modelwright.documents.packing import Pack, built_in

_SMALL = """
name: small
version: "1"
kind: {kind}
title: Small {title}
cites: a test
sections:
  - clause: ""
    title: What it is
    items:
      - {{id: details, clause: "", title: What it is, facts: [identity]}}
      - id: {item}
        clause: ""
        title: Standards
        attest: Which standards were applied?
        names: true
"""


def small(kind: Kind) -> Pack:
    """A pack whose questions can all be answered."""
    item = "standards" if kind is Kind.TECHNICAL_FILE else "declared-standards"  # as in the release's packs
    text = _SMALL.format(kind=kind.value, title=kind.value.replace("_", " "), item=item)
    return written.read_as(text, Pack, what="pack")


@cache
def answerable() -> dict[Kind, Pack]:
    """The release's packs; the two behind a declaration ask only what this release can answer."""
    return {**built_in(), **{kind: small(kind) for kind in (Kind.TECHNICAL_FILE, Kind.DECLARATION)}}
