"""Signed notes (https://c2sp.org/signed-note): a text, a blank line, and one line for each signature.

``store.keys`` signs them. A verifier key is a public key as people keep it: name, the key's id, the key in base64.
"""

from __future__ import annotations

import base64
import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from modelwright.core.errors import Corrupted

ED25519 = b"\x01"
"""The signature type of Ed25519, in a key's id and before the key."""

MOST_SIGNATURES = 16


def key_id(name: str, public: bytes) -> bytes:
    """The four bytes by which a signature's line names its key."""
    return hashlib.sha256(name.encode() + b"\n" + ED25519 + public).digest()[:4]


def verifier_key(name: str, public: bytes) -> str:
    """A public key for others to keep.

    Example:
        >>> verifier_key("example.com/foo", bytes(32))
        'example.com/foo+ae0599c0+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
    """
    return f"{name}+{key_id(name, public).hex()}+{base64.b64encode(ED25519 + public).decode()}"


def signature_line(name: str, public: bytes, signature: bytes) -> str:
    """One signature of a note."""
    return f"— {name} {base64.b64encode(key_id(name, public) + signature).decode()}\n"


def opened_note(note: str, name: str, public: bytes) -> str:
    """The text of a note that this key signed; signatures of other keys are ignored.

    Args:
        note: What came.
        name: The trusted key's name.
        public: The trusted key, 32 bytes.

    Raises:
        Corrupted: It is no note, or the key did not sign it.
    """
    text, blank, signatures = note.rpartition("\n\n")
    *lines, rest = signatures.split("\n")
    if not blank or not text or rest or not 1 <= len(lines) <= MOST_SIGNATURES:
        raise Corrupted("It is no signed note: text, a blank line, and 1 to 16 signatures.")
    text += "\n"
    found = False
    for line in lines:
        signer, signature = _taken_apart(line)
        if signer != name or signature[:4] != key_id(name, public):
            continue
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(signature[4:], text.encode())
        except InvalidSignature:
            raise Corrupted(f"The signature of {name} does not match the note's text.") from None
        found = True
    if not found:
        raise Corrupted(f"The note is not signed by the trusted key {name}+{key_id(name, public).hex()}.")
    return text


def _taken_apart(line: str) -> tuple[str, bytes]:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    try:
        signature = base64.b64decode(encoded, validate=True)
    except ValueError:
        signature = b""
    well = base64.b64encode(signature).decode() == encoded  # its one spelling
    if dash != "—" or not name or not well or len(signature) < 5:
        raise Corrupted(f"A signature's line cannot be read: {line[:80]!r}.")
    return name, signature
