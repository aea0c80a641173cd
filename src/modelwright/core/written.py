"""Files that people write: YAML's plain part, as YAML 1.2 reads it.

Mappings, lists, texts, numbers, ``true``, ``false`` and ``null``. No anchors and aliases (a few lines of them unfold to
gigabytes), no tags, no key twice, and ``yes`` is a text.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct
from msgspec.structs import fields

from modelwright.core import wire
from modelwright.core.errors import Invalid, NotFound

if TYPE_CHECKING:  # weight: yaml, which a remote client that reads no file does without
    from yaml.nodes import Node

T = TypeVar("T", bound=Struct)

LONGEST = 64 * 1024
"""Characters of a file."""
_DEEPEST = 20
_MOST = 5000

_NUMBER = re.compile(r"\A[-+]?(?:[0-9]{1,18}|(?:[0-9]{1,300}\.[0-9]{0,300}|\.?[0-9]{1,300})(?:[eE][-+]?[0-9]{1,3})?)\Z")
_INTEGER = re.compile(r"\A[-+]?[0-9]{1,18}\Z")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}

Plain = bool | int | float | str | None | list["Plain"] | dict[str, "Plain"]


def text(path: str | Path) -> str:
    """The text of a file.

    Raises:
        NotFound: There is no such file.
        Invalid: It is not UTF-8.
    """
    file = Path(path)
    if not file.is_file():
        raise NotFound(f"There is no file {path}.", remedy="Give its path as seen from here.")
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise Invalid(f"{path} is not UTF-8 text: {error}.", remedy="Check that it is the file you mean.") from error


def read(text: str, *, what: str) -> dict[str, Plain]:
    """The mapping that a file holds.

    Args:
        text: Its content.
        what: What it is, for messages: "policy".

    Raises:
        Invalid: Too long, not YAML, or more than plain YAML; the message names the line.

    Example:
        >>> read("kpi: {metric: roc_auc, at_least: 0.65}", what="charter")
        {'kpi': {'metric': 'roc_auc', 'at_least': 0.65}}
    """
    import yaml  # weight: 30 ms, for people who write files

    if len(text) > LONGEST:
        raise Invalid(f"The {what} has {len(text)} characters, not at most {LONGEST}.")
    try:
        _refuse_more_than_plain(text, what)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "characters that YAML does not know"
        raise Invalid(f"The {what} is not YAML{place}: {problem}.", remedy="Mind indentation and quotes.") from None
    found = _plain(node, what) if node is not None else None
    if not isinstance(found, dict):
        raise Invalid(f"The {what} is not a mapping.", remedy="Write `name: value` lines.")
    return found


def read_as(text: str, kind: type[T], *, what: str) -> T:
    """A file as a type; raises as ``read``, and where a field does not fit."""
    try:
        return wire.convert(read(text, what=what), kind)
    except Invalid as error:
        if error.remedy:
            raise
        names = ", ".join(field.name for field in fields(kind))
        raise Invalid(f"{error.message}.", remedy=f"A {what} has: {names}.", fields=error.fields) from None


def _refuse_more_than_plain(text: str, what: str) -> None:
    import yaml  # weight: 30 ms, for people who write files

    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=yaml.SafeLoader)):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        tag, mark = getattr(event, "tag", None), event.start_mark
        line = mark.line if mark else 0
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None or tag is not None:
            raise _beyond(what, line, "anchors, aliases and tags are not read", "Write values out.")
        if depth > _DEEPEST or count > _MOST:
            raise _beyond(what, line, "it is nested too deep or too long", "Make it simpler.")


def _plain(node: Node, what: str) -> Plain:
    import yaml  # weight: 30 ms, for people who write files

    if isinstance(node, yaml.ScalarNode):
        return _scalar(node.value) if node.style is None else str(node.value)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, what) for item in node.value]
    found: dict[str, Plain] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _beyond(what, _line(key), "a key is not a word", "Write `name: value`.")
        if key.value in found:
            raise _beyond(what, _line(key), f"{key.value[:80]!r} stands there twice", "Keep one of them.")
        found[str(key.value)] = _plain(value, what)
    return found


def _line(node: Node) -> int:
    return node.start_mark.line if node.start_mark else 0


def _scalar(text: str) -> Plain:
    if text.lower() in _WORDS and text in (text.lower(), text.upper(), text.capitalize()):
        return _WORDS[text.lower()]
    if _INTEGER.match(text):
        return int(text)
    return float(text) if _NUMBER.match(text) else text


def _beyond(what: str, line: int, problem: str, remedy: str) -> Invalid:
    return Invalid(f"The {what} cannot be read at line {line + 1}: {problem}.", remedy=remedy)
