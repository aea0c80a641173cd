"""Checkpoints (https://c2sp.org/tlog-checkpoint): the ledger's state as three lines that its home's key signed.

The first form of a signed head was a DSSE envelope; homes that were last written by it still have one.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

from modelwright.core import wire
from modelwright.core.errors import Invalid
from modelwright.core.signing import Envelope as SignedEnvelope
from modelwright.ledger.model import HEAD_TYPE, Head, HeadV1

if TYPE_CHECKING:  # weight: cryptography
    from modelwright.store.keys import Keys

FAMILY = "modelwright/ledger/"
"""How the origin of every home's ledger begins."""

_BODY = re.compile(r"(?P<origin>[^\n]+)\n(?P<size>0|[1-9][0-9]{0,17})\n(?P<root>[A-Za-z0-9+/]{43}=)\n\Z")


def origin_of(public: bytes) -> str:
    """The ledger's name in its checkpoints: its key is its identity, and neither host nor path is in it."""
    return FAMILY + wire.sha256(public)[:32]


def signed(head: Head, keys: Keys) -> str:
    """The checkpoint of a head."""
    origin = origin_of(keys.public)
    root = base64.b64encode(bytes.fromhex(head.root)).decode()
    return keys.sign_note(f"{origin}\n{head.size}\n{root}\n", origin)


def claimed(checkpoint: str) -> tuple[str, Head]:
    r"""Origin and head that a checkpoint claims; nobody has looked at its signatures.

    Raises:
        Invalid: It is no checkpoint.

    Example:
        >>> claimed("a.com/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n— a.com/log AAAAAAA=\n")[1].size
        0
    """
    text = checkpoint.rpartition("\n\n")[0] + "\n"
    found = _BODY.match(text)
    root = base64.b64decode(found["root"]) if found else b""
    if found is None or base64.b64encode(root).decode() != found["root"]:
        raise Invalid(
            f"{checkpoint[:60]!r} is no checkpoint.",
            remedy="Give what `modelwright ledger checkpoint` prints: origin, size, root, a blank line, signatures.",
        )
    return found["origin"], Head(size=int(found["size"]), root=root.hex())


def opened(checkpoint: str, public: bytes) -> Head:
    """The head that this home's key signed as a checkpoint.

    Raises:
        Corrupted: The key did not sign it.
        Invalid: It is no checkpoint.
    """
    from modelwright.store.notes import opened_note  # weight: cryptography

    origin, head = claimed(checkpoint)
    opened_note(checkpoint, origin_of(public), public)
    if origin != origin_of(public):
        raise Invalid(f"The checkpoint is of {origin}, and this ledger is {origin_of(public)}.")
    return head


def head_of(stored: str | SignedEnvelope, public: bytes) -> Head:
    """The head that was signed at the ledger's end, in either form.

    Raises:
        Corrupted: The key did not sign it.
        Invalid: It says something else.
    """
    if isinstance(stored, str):
        return opened(stored, public)
    from modelwright.store.keys import opened as opened_envelope  # weight: cryptography

    first = wire.decode(opened_envelope(stored, public, HEAD_TYPE), HeadV1)
    return Head(size=first.size, root=first.root)
