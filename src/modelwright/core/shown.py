"""How facts look in a notebook: a short line, a table without script, plain data."""

from __future__ import annotations

from html import escape
from typing import Any

import msgspec
from msgspec import Struct

_LONGEST = 300


class Shown(Struct, frozen=True):
    """A Struct that people meet in notebooks: subclasses that write ``__str__`` get it as their ``repr`` too.

    Example:
        >>> class Pair(Shown, frozen=True):
        ...     left: int
        ...     right: str
        >>> Pair(1, "<b>").to_dict()
        {'left': 1, 'right': '<b>'}
        >>> "&lt;b&gt;" in Pair(1, "<b>")._repr_html_()
        True
    """

    def __repr__(self) -> str:
        written = type(self).__str__ is not object.__str__
        return f"<{type(self).__name__} {self}>" if written else super().__repr__()

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data, as JSON has it."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{escape(name)}</th><td>{escape(_cut(str(getattr(self, name))))}</td></tr>"
            for name in self.__struct_fields__
        )
        return f"<table>{rows}</table>"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
