"""An error as it travels over HTTP, and back into the kind that was raised."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, Struct

from modelwright.core.errors import KINDS, Error, Refused


class Failure(Struct, frozen=True, kw_only=True):
    """What went wrong.

    Attributes:
        kind: One of ``core.errors.KINDS``; ``error`` for a fault of the server itself.
        message: What happened, with the values.
        remedy: What to do about it.
        fields: Name of an offending input field -> what is wrong with it.
        request_id: Under which the server's log has more.
        decision: The guard's whole answer; of refusals alone.
    """

    kind: str
    message: str
    remedy: str = ""
    fields: dict[str, str] = {}
    request_id: str = ""
    decision: Any = UNSET

    @classmethod
    def of(cls, error: Error, request_id: str = "") -> Failure:
        """An error, ready to travel."""
        decision = getattr(error, "decision", None)
        return cls(
            kind=error.kind,
            message=error.message,
            remedy=error.remedy,
            fields=error.fields,
            request_id=request_id,
            decision=UNSET if decision is None else msgspec.to_builtins(decision),
        )

    def error(self) -> Error:
        """The error that travelled, of its own kind; of no kind when a later release sent one unknown here."""
        if self.kind == Refused.kind:
            decision = None if self.decision is UNSET else self.decision
            return Refused(self.message, remedy=self.remedy, fields=self.fields, decision=decision)
        return KINDS.get(self.kind, Error)(self.message, remedy=self.remedy, fields=self.fields)


class Failed(Struct, frozen=True, kw_only=True):
    """The body of every answer that is an error."""

    error: Failure
