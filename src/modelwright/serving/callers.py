"""Who may ask endpoints where there is login: a signed file beside the routes, so that workers need nobody.

``callers.json`` holds of each token that counts its hash, its end and the projects in which it may ask for
predictions. It is written at once when an admin changes something, and by the job worker otherwise; without login there
is none.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from msgspec import Struct

from modelwright.core import wire
from modelwright.core.errors import Corrupted, Invalid
from modelwright.core.ids import Digest, Name
from modelwright.core.signing import Envelope
from modelwright.store.keys import opened

PERMISSION = "predictions:write"
"""What somebody must hold in an endpoint's project to ask it."""

PAYLOAD_TYPE = "application/vnd.modelwright.callers+json"


class Caller(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One token.

    Attributes:
        projects: Those whose endpoints it may ask.
        expires_at: From when on it counts no more.
    """

    projects: tuple[Name, ...]
    expires_at: datetime


class CallerTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everybody who may ask, at one moment.

    Attributes:
        callers: By the SHA-256 of their token.
    """

    callers: dict[Digest, Caller]


def callers_path(home: Path) -> Path:
    """Where the table of a home lies."""
    return home / "serving" / "callers.json"


def read_callers(path: Path, public: bytes) -> CallerTable | None:
    """The published table; none where there is no login.

    Raises:
        Corrupted: The file is not a table that this key signed, or cannot be read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Corrupted(f"{path.name} cannot be read: {error.strerror}.") from None
    try:
        return wire.decode(opened(wire.decode(data, Envelope), public, PAYLOAD_TYPE), CallerTable)
    except (Corrupted, Invalid) as error:
        remedy = "Change any grant or token, which writes a signed one."
        raise Corrupted(f"{path.name} is refused: {error.message}", remedy=remedy) from None
