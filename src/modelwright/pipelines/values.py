"""Values that steps hand on, as bytes and back: MessagePack for what is plain, a codec's bytes for the rest. No pickle.

Types survive: a tuple is a tuple again, a datetime keeps its zone, a Struct is of its class again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any, NamedTuple

import msgspec
from msgspec.msgpack import Ext

from modelwright.core.errors import Corrupted, Error, Invalid, NotFound
from modelwright.core.registry import Shelf
from modelwright.core.wire import sha256
from modelwright.pipelines.codecs.base import Codec
from modelwright.pipelines.model import INLINE_BYTES, Value

CODECS: Shelf[Codec] = Shelf("modelwright.pipelines.codecs", "codec")

_TUPLE, _SET, _DICT, _TIME, _DATE, _SPAN, _CODEC, _RECORD, _ENUM, _TAKEN = range(1, 11)
_DEEPEST = 200
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder()


class Taken(NamedTuple):
    """A step's result, or a part of it, where it stands as an argument: known by its content.

    Attributes:
        digest: Of the whole result.
        path: Keys and positions that lead to the part.
    """

    digest: str
    path: tuple[str | int, ...] = ()


Fetch = Callable[[str], Any]
"""Digest of a result -> the result."""


def encode(value: object, *, what: str = "a value") -> bytes:
    """A value's bytes; the same value has the same bytes.

    Args:
        value: None, bool, int, float, str, bytes, date, datetime, timedelta, list, tuple, dict, set, an Enum, a Struct
            or dataclass of a module, or what a codec keeps; ``Taken`` marks are kept as marks.
        what: What it is, for messages.

    Raises:
        Invalid: It holds something else.
    """
    return _encoder.encode(_plain(value, what, 0))


def decode(data: bytes, fetch: Fetch | None = None) -> Any:
    """The value of its bytes.

    Args:
        data: What ``encode`` made.
        fetch: Gives the results that marks stand for.

    Raises:
        Corrupted: They are no such bytes.
        NotFound: They hold a Struct of a class that is not there.
    """
    try:
        return _back(_decoder.decode(data), fetch)
    except (msgspec.MsgspecError, LookupError, OverflowError, RecursionError, TypeError, ValueError) as error:
        raise Corrupted(f"These bytes are no value of a step: {error}.") from error


def kept(data: bytes, what: str = "") -> Value:
    """The bytes as a result at rest; the few go along in its row."""
    return Value(digest=sha256(data), size=len(data), what=what[:500], data=data if len(data) <= INLINE_BYTES else None)


def described(value: object) -> str:
    """What a value is, in a few words."""
    codec = _codec_of(value)
    if codec is not None:
        return CODECS.get(codec).words(value)
    if isinstance(value, list | tuple | set | frozenset | dict):
        return f"{type(value).__name__} of {len(value)}"
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"


def _plain(value: Any, what: str, depth: int) -> Any:
    """The value as MessagePack has it, with what that cannot say as extensions."""
    if depth > _DEEPEST:
        raise Invalid(f"{what} is nested deeper than {_DEEPEST} levels, or holds itself.")
    kind = type(value)
    if value is None or kind in (bool, float, str, bytes):
        return value
    if kind is int:
        if not -(2**63) <= value < 2**64:
            raise Invalid(f"{what} holds {value}, which is beyond 64 bits.", remedy="Hand it on as a text.")
        return value
    deeper = depth + 1
    if kind is list:
        return [_plain(item, what, deeper) for item in value]
    if kind is dict and all(type(key) is str for key in value):
        return {key: _plain(item, what, deeper) for key, item in value.items()}
    return Ext(*_extension(value, what, deeper))


def _extension(value: Any, what: str, depth: int) -> tuple[int, bytes]:
    def packed(inner: Any) -> bytes:
        return _encoder.encode(_plain(inner, what, depth))

    if isinstance(value, date):
        return (_TIME if isinstance(value, datetime) else _DATE), value.isoformat().encode()
    parts = _parts(value, what)
    if parts is not None:
        return parts[0], packed(parts[1])
    codec = _codec_of(value)
    if codec is not None:
        return _CODEC, _encoder.encode([codec, CODECS.get(codec).encode(value)])
    if isinstance(value, set | frozenset):
        members = sorted(_encoder.encode(_plain(item, what, depth)) for item in value)
        return _SET, _encoder.encode([isinstance(value, frozenset), *members])
    raise _unsupported(value, what)


def _parts(value: Any, what: str) -> tuple[int, list[Any]] | None:  # noqa: PLR0911  # one case, one answer
    """The extension and the plain parts of what is made of parts."""
    match value:
        case Taken():
            return _TAKEN, [value.digest, list(value.path)]
        case timedelta():
            return _SPAN, [value.days, value.seconds, value.microseconds]
        case Enum():
            return _ENUM, [*_place(value, what), value.name]
        case msgspec.Struct():
            return _RECORD, [*_place(value, what), {name: getattr(value, name) for name in value.__struct_fields__}]
        case dict() if type(value) is dict:
            return _DICT, [[key, item] for key, item in value.items()]
        case tuple() if type(value) is tuple:
            return _TUPLE, list(value)
        case _ if is_dataclass(value) and not isinstance(value, type):
            content = {one.name: getattr(value, one.name) for one in fields(value) if one.init}
            return _RECORD, [*_place(value, what), content]
    return None


def _unsupported(value: object, what: str) -> Invalid:
    kind = type(value)
    name = f"{kind.__module__}.{kind.__qualname__}"
    remedy = "Hand on an Arrow table, arrays, plain values, or a scikit-learn estimator; or do both in one step."
    if name.startswith("pandas."):
        remedy = "Hand on pa.Table.from_pandas(frame), and take it with .to_pandas()."
    elif name.startswith("polars."):
        remedy = "Hand on frame.to_arrow(), and take it with polars.from_arrow()."
    return Invalid(f"{what} is a {name}, which cannot be kept without pickle.", remedy=remedy)


def _place(value: object, what: str) -> tuple[str, str]:
    kind = type(value)
    if "<locals>" in kind.__qualname__:
        raise Invalid(f"{what} is of a class made inside a function: {kind.__qualname__}.", remedy="Move it out of it.")
    return kind.__module__, kind.__qualname__


def _codec_of(value: object) -> str | None:
    if type(value) in (list, tuple, dict, set, frozenset):
        return None
    return next((name for name in CODECS.names() if CODECS.get(name).handles(value)), None)


def _back(value: Any, fetch: Fetch | None) -> Any:
    if isinstance(value, list):
        return [_back(item, fetch) for item in value]
    if isinstance(value, dict):
        return {key: _back(item, fetch) for key, item in value.items()}
    if isinstance(value, Ext):
        return _of_extension(value.code, bytes(value.data), fetch)
    return value


def _of_extension(code: int, data: bytes, fetch: Fetch | None) -> Any:
    if code == _TIME:
        return datetime.fromisoformat(data.decode())
    if code == _DATE:
        return date.fromisoformat(data.decode())
    content = _decoder.decode(data)
    if code == _CODEC:
        return CODECS.get(content[0]).decode(content[1])
    if code == _SET:
        members = {_back(_decoder.decode(item), fetch) for item in content[1:]}
        return frozenset(members) if content[0] else members
    makers: dict[int, Callable[[Any], Any]] = {
        _TUPLE: tuple,
        _DICT: dict,
        _SPAN: lambda parts: timedelta(*parts),
        _RECORD: lambda parts: _class(parts[0], parts[1])(**parts[2]),
        _ENUM: lambda parts: _class(parts[0], parts[1])[parts[2]],
        _TAKEN: lambda parts: _part(Taken(parts[0], tuple(parts[1])), fetch),
    }
    if code in makers:
        return makers[code](_back(content, fetch))
    raise Corrupted(f"These bytes hold an extension {code}, which no release writes.")


def _part(taken: Taken, fetch: Fetch | None) -> Any:
    if fetch is None:
        return taken
    found = fetch(taken.digest)
    for key in taken.path:
        try:
            found = found[key]
        except (KeyError, IndexError, TypeError) as error:
            raise Invalid(f"A step's result has no {key!r}: it is {described(found)}.") from error
    return found


def _class(module: str, name: str) -> Any:
    """A class of a module that is loaded: bytes never import one."""
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if not isinstance(found, type) or not (issubclass(found, msgspec.Struct | Enum) or is_dataclass(found)):
        raise NotFound(
            f"A step's result is a {module}.{name}, and no such class is loaded here.",
            remedy=f"Import {module} in the module of the step that takes it.",
        )
    return found


def results(values: Mapping[str, Value], read: Callable[[Value], bytes]) -> Fetch:
    """Looks results up and decodes each of them afresh: steps never share what they could change.

    Args:
        values: By digest.
        read: Gives the bytes of one that does not lie in its row.
    """

    def fetch(digest: str) -> Any:
        value = values.get(digest)
        if value is None:
            raise NotFound(f"No result {digest} was handed over.")
        data = value.data if value.data is not None else read(value)
        if sha256(data) != digest:
            raise Corrupted(f"The result {digest} has been altered.")
        return decode(data)

    return fetch


def checked(value: object, *, what: str) -> tuple[bytes, Value]:
    """A value's bytes, and it as a result at rest.

    Raises:
        Invalid: It cannot be kept; the message names the remedy.
    """
    try:
        data = encode(value, what=what)
    except Error:
        raise
    except Exception as error:  # a codec's library: what it raises is its own
        raise Invalid(f"{what} cannot be kept: {type(error).__name__}: {error}.") from error
    return data, kept(data, described(value))
