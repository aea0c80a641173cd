"""Operations: a use case declared once, from which every face is made.

``@operation`` on a service's method is the one source of the REST route, OpenAPI, the remote client, the permission
check and the reference page. Operations carry values only; bytes travel as ``Upload`` and ``Download`` handles.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Generic, Literal, NamedTuple, Protocol, TypeVar, get_type_hints

import msgspec
from msgspec import Struct

from modelwright.core import wire
from modelwright.core.errors import Invalid, NotFound
from modelwright.core.ids import Digest

Function = TypeVar("Function", bound=Callable[..., Any])
Item = TypeVar("Item")


class Upload(Struct, frozen=True, kw_only=True):
    """Bytes that were sent ahead of an operation.

    Attributes:
        digest: SHA-256 of the bytes.
        size: Their number.
    """

    digest: Digest
    size: int


class Download(Struct, frozen=True, kw_only=True):
    """Bytes that an operation offers.

    Attributes:
        digest: SHA-256 of the bytes; whoever fetches them checks it.
        size: Their number.
        media_type: What they are.
        filename: A name to save them under; never a path.
    """

    digest: Digest
    size: int
    media_type: str = "application/octet-stream"
    filename: str = "download"


class Transfer(NamedTuple):
    """How far bytes have come.

    Attributes:
        way: To the server or from it.
        done: Bytes that have come through, those of an attempt before included.
        size: All of them.
    """

    way: Literal["up", "down"]
    done: int
    size: int


class Mark(NamedTuple):
    """What ``@operation`` says of a method."""

    permission: str
    kind: Literal["query", "command"]
    idempotent: bool


class Operation:
    """One declared use case.

    Attributes:
        noun: The face it belongs to, e.g. ``models``.
        verb: What it does, e.g. ``set_alias``.
        permission: What the caller must hold, e.g. ``models:write``.
        kind: ``query`` reads one snapshot; ``command`` changes state and takes an idempotency key.
        idempotent: Whether repeating it changes nothing more, so that no key need be kept.
        function: The service's method.
    """

    def __init__(self, noun: str, function: Callable[..., Any], mark: Mark) -> None:
        self.noun = noun
        self.verb = function.__name__
        self.permission = mark.permission
        self.kind = mark.kind
        self.idempotent = mark.idempotent
        self.function = function

    @property
    def name(self) -> str:
        """``noun.verb``: the last part of the REST path."""
        return f"{self.noun}.{self.verb}"

    @property
    def summary(self) -> str:
        """The first sentence of the method's docstring."""
        return (inspect.getdoc(self.function) or "").split("\n\n")[0].replace("\n", " ")

    @cached_property
    def signature(self) -> inspect.Signature:
        """The parameters a caller gives: the method's without ``self`` and ``unit``."""
        whole = inspect.signature(self.function)
        return whole.replace(parameters=list(whole.parameters.values())[2:])

    @cached_property
    def _hints(self) -> dict[str, Any]:
        return get_type_hints(self.function, include_extras=True)

    @cached_property
    def request(self) -> type[Struct]:
        """The request's type: one field per parameter; unknown fields are refused."""
        fields = []
        for parameter in self.signature.parameters.values():
            hint = self._hints[parameter.name]
            fields.append(
                (parameter.name, hint)
                if parameter.default is parameter.empty
                else (parameter.name, hint, parameter.default)
            )
        title = "".join(part.title() for part in f"{self.noun}_{self.verb}".split("_"))
        return msgspec.defstruct(f"{title}Request", fields, frozen=True, kw_only=True, forbid_unknown_fields=True)

    @cached_property
    def response(self) -> Any:
        """The answer's type."""
        return self._hints["return"]

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Struct:
        """Arguments as a checked request.

        Raises:
            Invalid: An argument is missing, unknown or of the wrong type.
        """
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise Invalid(f"{self.name}: {error}.", remedy=f"It takes {self.signature}.") from None
        return wire.convert(bound.arguments, self.request)


def operation(
    *, permission: str, kind: Literal["query", "command"], idempotent: bool = False
) -> Callable[[Function], Function]:
    """Declare a service's method ``(self, unit, …)`` as an operation.

    Args:
        permission: ``noun:read`` or ``noun:write``.
        kind: ``query`` or ``command``.
        idempotent: A command that may be repeated without a key, because repeating it changes nothing more.
    """

    def mark(function: Function) -> Function:
        function.__operation__ = Mark(permission, kind, idempotent)  # type: ignore[attr-defined]  # read by Service
        return function

    return mark


class Service:
    """A room's use cases; the only door for other rooms and for faces.

    Attributes:
        noun: The face's name, ``models`` for ``ws.models`` and ``/api/v1/models.…``.
    """

    noun: ClassVar[str]

    @classmethod
    def operations(cls) -> dict[str, Operation]:
        """Verb -> operation, in the order they are written."""
        found = {}
        for name, member in vars(cls).items():
            mark = getattr(member, "__operation__", None)
            if mark is not None:
                found[name] = Operation(cls.noun, member, mark)
        return found


class Table:
    """Every operation of the house, by name. The remote client, REST, OpenAPI and the reference are made from it."""

    def __init__(self, services: Iterable[type[Service]]) -> None:
        self._by_noun = {service.noun: service.operations() for service in services}

    def __iter__(self) -> Iterator[Operation]:
        return (operation for verbs in self._by_noun.values() for operation in verbs.values())

    @property
    def nouns(self) -> list[str]:
        """Every noun, in the order of the services."""
        return list(self._by_noun)

    def noun(self, noun: str) -> dict[str, Operation]:
        """The operations of one noun."""
        return self._by_noun[noun]

    def get(self, name: str) -> Operation:
        """The operation called ``noun.verb``.

        Raises:
            NotFound: There is none.
        """
        noun, _, verb = name.partition(".")
        try:
            return self._by_noun[noun][verb]
        except KeyError:
            raise NotFound(
                f"There is no operation {name[:80]!r}.", remedy="GET /api/v1/openapi.json lists them."
            ) from None


class Caller(Protocol):
    """Carries operations out, in process or over HTTP; the caller cannot tell which."""

    def call(self, operation: Operation, request: Struct, *, idempotency_key: str | None = None) -> Any:
        """Carry out and answer the operation's response type."""
        ...

    def upload(self, source: bytes | Path) -> Upload:
        """Send bytes ahead; known bytes are not sent again."""
        ...

    def download(self, handle: Download, operation: Operation, request: Struct) -> bytes:
        """The bytes behind a handle, checked against its digest."""
        ...

    def fetch(self, handle: Download, operation: Operation, request: Struct, into: BinaryIO) -> None:
        """Write the bytes behind a handle, piece by piece; where this raises, what was written is not to be used."""
        ...


class Face:
    """What ``ws.<noun>`` is: each operation as a method. Rooms subclass it to add verbs that take paths and frames.

    Args:
        operations: The noun's operations by verb.
        caller: Who carries them out.
    """

    def __init__(self, operations: Mapping[str, Operation], caller: Caller) -> None:
        self._operations = operations
        self._caller = caller

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        found = self.__dict__.get("_operations", {}).get(verb)
        if found is None:
            raise AttributeError(f"{type(self).__name__} has no {verb!r}; it has: {', '.join(self.__dir__())}")
        return self._bound(found)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {', '.join(dir(self))}>"

    def __dir__(self) -> list[str]:
        own = [name for name in vars(type(self)) if not name.startswith("_")]
        return sorted({*own, *self._operations})

    def _bound(self, found: Operation) -> Callable[..., Any]:
        def call(*args: Any, idempotency_key: str | None = None, **kwargs: Any) -> Any:
            return self._caller.call(found, found.bind(args, kwargs), idempotency_key=idempotency_key)

        call.__name__ = found.verb
        call.__doc__ = inspect.getdoc(found.function)
        call.__signature__ = found.signature  # type: ignore[attr-defined]  # what help() and completion show
        return call

    def _fetch(self, verb: str, *args: Any, **kwargs: Any) -> bytes:
        """Call an operation that answers a ``Download`` and fetch its bytes."""
        found = self._operations[verb]
        request = found.bind(args, kwargs)
        return self._caller.download(self._caller.call(found, request), found, request)

    def _fetch_into(self, into: BinaryIO, verb: str, *args: Any, **kwargs: Any) -> None:
        """Call an operation that answers a ``Download`` and write its bytes, however many they are."""
        found = self._operations[verb]
        request = found.bind(args, kwargs)
        self._caller.fetch(self._caller.call(found, request), found, request, into)


class Page(Struct, Generic[Item], frozen=True, kw_only=True):
    """One page of a listing.

    Attributes:
        items: The entries.
        next: Give it as ``after`` to get the next page; none on the last.
    """

    items: list[Item]
    next: str | None = None


def limited(limit: int, *, most: int = 1000) -> int:
    """The limit, if it is one.

    Raises:
        Invalid: It is not 1 to ``most``.
    """
    if not 1 <= limit <= most:
        raise Invalid(f"limit is {limit}, not 1 to {most}.", fields={"limit": f"not 1 to {most}"})
    return limit


def position(after: str | None) -> int | None:
    """The number in a page's ``next``.

    Raises:
        Invalid: No page answered it.
    """
    if after is None:
        return None
    if not (after.isascii() and after.isdigit() and len(after) < 19):
        raise Invalid(f"after is {after[:40]!r}, which no page answered.", fields={"after": "not a position"})
    return int(after)


def paged(found: Sequence[Item], limit: int, key: Callable[[Item], object]) -> Page[Item]:
    """A page of ``limit`` entries, made from one more than that where there are more."""
    return Page(items=list(found[:limit]), next=str(key(found[limit - 1])) if len(found) > limit else None)
