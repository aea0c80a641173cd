"""The kinds of failure a caller can act on.

A message says what happened with the values; the remedy says what to do. Faces translate a kind to an
HTTP status or an exit code in one table of their own; nothing here knows a protocol.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class Error(Exception):
    """Something the caller can understand and mend.

    Args:
        message: What happened, with the values.
        remedy: What to do about it; empty when there is nothing to do.
        fields: Name of an offending input field -> what is wrong with it.

    Example:
        >>> error = NotFound("There is no model 'fraud'.", remedy="List them: modelwright model list")
        >>> error.kind, error.remedy
        ('not_found', 'List them: modelwright model list')
    """

    kind: ClassVar[str] = "error"

    def __init__(self, message: str, *, remedy: str = "", fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.fields = dict(fields or {})


class Invalid(Error):
    """The input breaks a rule; the same input will fail again."""

    kind = "invalid"


class NotFound(Error):
    """The thing named does not exist, or the caller may not know that it does."""

    kind = "not_found"


class Conflict(Error):
    """The request contradicts what is already recorded."""

    kind = "conflict"


class Refused(Error):
    """A gate said no; the reasons are the gates' own.

    Args:
        decision: The guard's whole answer (a ``core.guard.Decision`` where the error was raised in process, plain data
            where it came over the wire).
        recorded: Whether what its unit of work has written until then stays: the decision, and nothing else.
    """

    kind = "refused"

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        fields: Mapping[str, str] | None = None,
        decision: object = None,
        recorded: bool = False,
    ) -> None:
        super().__init__(message, remedy=remedy, fields=fields)
        self.decision = decision
        self.recorded = recorded


class Denied(Error):
    """The caller is not allowed to do this."""

    kind = "denied"


class Unavailable(Error):
    """It cannot be done now and may succeed later: busy, full, or another process is needed."""

    kind = "unavailable"


class Corrupted(Error):
    """Stored bytes or rows are not what was recorded; they are not used."""

    kind = "corrupted"


KINDS: Mapping[str, type[Error]] = {
    kind.kind: kind for kind in (Invalid, NotFound, Conflict, Refused, Denied, Unavailable, Corrupted)
}


def first_line(error: BaseException) -> str:
    r"""What a library's exception says, as one sentence of at most 300 characters.

    Example:
        >>> first_line(ValueError("Empty CSV file\nat row 0")), first_line(KeyError())
        ('Empty CSV file.', 'KeyError.')
    """
    return (str(error).strip() or type(error).__name__).splitlines()[0][:299].rstrip(".") + "."
