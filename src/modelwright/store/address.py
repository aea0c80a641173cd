"""Where a PostgreSQL database is. Its password is a secret: whatever prints an address leaves it out."""

from __future__ import annotations

import re

from modelwright.core.errors import Invalid

_HOST = r"(?:[\w.%~-]*|\[[0-9A-Fa-f:.%]+\])(?::\d+)?"
_ADDRESS = re.compile(
    r"postgresql://(?:(?P<user>[^:@/?#\s]*)(?::[^@/?#\s]*)?@)?"
    rf"(?P<hosts>{_HOST}(?:,{_HOST})*)"
    r"(?:/(?P<database>[^@/?#:\s]*))?(?:\?[^#\s]*)?"
)


class Address:
    """A PostgreSQL address as libpq reads it, several hosts and options included.

    Example:
        >>> address = Address("postgresql://ada:secret@db-1,db-2:5433/models?target_session_attrs=read-write")
        >>> address
        Address('postgresql://ada@db-1,db-2:5433/models')

    Args:
        text: ``postgresql://user:password@host:port/database?option=value``.

    Raises:
        Invalid: It is none. The message does not repeat it, for a password may be in it.
    """

    __slots__ = ("_text", "shown")

    def __init__(self, text: str) -> None:
        found = _ADDRESS.fullmatch(text)
        if found is None:
            raise Invalid(
                "The address of the records is none of a PostgreSQL database.",
                remedy="Write postgresql://user@host:5432/database; in a password, write @ as %40, / as %2F, : as %3A.",
            )
        user = f"{found['user']}@" if found["user"] else ""
        self.shown = f"postgresql://{user}{found['hosts']}/{found['database'] or ''}"
        self._text = text

    @property
    def public(self) -> bool:
        """Whether what is shown is all there is: no password, no option."""
        return self._text.removesuffix("/") == self.shown.removesuffix("/")

    def reveal(self) -> str:
        """The whole address, for whoever connects."""
        return self._text

    def __str__(self) -> str:
        return self.shown

    def __repr__(self) -> str:
        return f"Address({self.shown!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Address) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)
