"""Values as bytes: the JSON of every face, the canonical JSON that is hashed, and numbers that JSON lacks."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar, get_origin

import msgspec

from modelwright.core.errors import Invalid

T = TypeVar("T")

Real = float | Literal["NaN", "Infinity", "-Infinity"]
"""A float on the wire. JSON has no NaN and no infinities, and an encoder that writes ``null`` for them loses a fact."""


_DESCRIBED: dict[str, str] = {}


def described(pattern: str, words: str, *, max_length: int | None = None) -> msgspec.Meta:
    """A text of a form, with words for people: a value that does not fit is answered with the words.

    Args:
        pattern: A regular expression for the whole text; it is JSON Schema's in OpenAPI too.
        words: What it asks for, e.g. ``64 hex digits``.
        max_length: The most characters.
    """
    _DESCRIBED[f"{pattern!r}"] = words
    return msgspec.Meta(pattern=pattern, max_length=max_length, description=words)


def real(value: float) -> Real:
    """A float as it travels: itself, or the word for what JSON cannot write.

    Example:
        >>> real(0.5), real(float("nan")), real(float("-inf"))
        (0.5, 'NaN', '-Infinity')
    """
    if math.isfinite(value):
        return float(value)
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def encode(value: Any) -> bytes:
    """The JSON that faces answer."""
    return msgspec.json.encode(value)


def decode(data: bytes | str, kind: type[T]) -> T:
    """Read JSON into a type, naming the field that does not fit.

    Raises:
        Invalid: Not JSON, nested too deep, or not of this type.

    Example:
        >>> decode(b'[1, 2]', list[int])
        [1, 2]
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise _invalid(error) from None


def convert(value: Any, kind: type[T]) -> T:
    """Check plain data or Structs against a type: what ``decode`` does for bytes.

    Raises:
        Invalid: It does not fit; the field is named.
    """
    try:
        return msgspec.convert(_taken_apart(value, kind), type=kind, from_attributes=False)
    except (msgspec.ValidationError, RecursionError) as error:
        raise _invalid(error) from None


def read_form(fields: Mapping[str, Sequence[str]], kind: type[T]) -> T:
    """Check a form's fields against a Struct: texts become numbers where numbers are wanted; an empty one was left out.

    Raises:
        Invalid: It does not fit; the field is named.
    """
    several = {field.name for field in msgspec.structs.fields(kind) if get_origin(field.type) in (tuple, list)}  # type: ignore[arg-type]  # a Struct
    given = {name: [text.strip() for text in texts if text.strip()] for name, texts in fields.items()}
    plain = {name: texts if name in several else texts[-1] for name, texts in given.items() if texts}
    try:
        return msgspec.convert(plain, type=kind, strict=False)
    except msgspec.ValidationError as error:
        raise _invalid(error) from None


def _taken_apart(value: Any, kind: Any) -> Any:
    """Structs as plain data: ``convert`` takes a Struct of the right type as it is, and its fields may be anything."""
    try:
        return msgspec.to_builtins(value, builtin_types=(datetime, timedelta, bytes))
    except TypeError as error:
        msgspec.convert(value, type=kind)  # names the field of what is no data, unless a Struct hides it
        raise Invalid(f"A value is no data: {error}.") from None


def _invalid(error: Exception) -> Invalid:
    if isinstance(error, RecursionError):
        return Invalid("The JSON is nested too deep.", remedy="Send flat data.", fields={"$": "nested too deep"})
    message, _, place = str(error).partition(" - at `")
    for pattern, words in _DESCRIBED.items():
        if message.endswith(pattern):
            message = f"Expected {words}"
    field = place.rstrip("`").removeprefix("$").lstrip(".") or "$"
    if field == "$" and "field `" in message:
        field = message.split("field `")[1].split("`")[0]
    return Invalid(f"{field}: {message}" if field != "$" else message, fields={field: message})


def canonical(value: Any) -> bytes:
    """The one JSON of a value, for hashing: keys sorted, no white space, UTF-8 (after RFC 8785).

    Raises:
        Invalid: A NaN or an infinity is inside; carry it as ``Real``.

    Example:
        >>> canonical({"b": 1, "a": [True, None]})
        b'{"a":[true,null],"b":1}'
    """
    plain = msgspec.to_builtins(value, str_keys=True)
    _refuse_non_finite(plain)
    return msgspec.json.encode(plain, order="sorted")


def _refuse_non_finite(value: Any) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise Invalid(f"{value} has no canonical JSON.", remedy="Carry it as the text NaN, Infinity or -Infinity.")
    if isinstance(value, dict):
        for item in value.values():
            _refuse_non_finite(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_non_finite(item)


def sha256(data: bytes) -> str:
    """SHA-256 in hex: how content is named wherever it is shown or signed."""
    return hashlib.sha256(data).hexdigest()


def digest(value: Any) -> str:
    """SHA-256 of a value's canonical JSON."""
    return sha256(canonical(value))
