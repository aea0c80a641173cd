"""What a codec is."""

from __future__ import annotations

from typing import Any, Protocol


class Codec(Protocol):
    """A way to keep one kind of value between steps.

    Law: what ``decode`` makes of ``encode``'s bytes in a clean process equals the value, and the same value has the
    same bytes in every process, for a step's result is recognised by its bytes. ``decode`` runs no code that comes with
    the bytes. Numbers, texts, times, lists and dicts of these need no codec.
    """

    def handles(self, value: object) -> bool:
        """Whether this codec can keep the value; answered without importing a library that is not loaded."""
        ...

    def encode(self, value: Any) -> bytes:
        """The value's bytes.

        Raises:
            Invalid: It is of the kind, but this one cannot be kept.
        """
        ...

    def decode(self, data: bytes) -> Any:
        """The value.

        Raises:
            Corrupted: The bytes are not this codec's.
        """
        ...

    def words(self, value: Any) -> str:
        """What it is, in a few words for people: ``table 300 x 4``."""
        ...
