"""The home's signing key, and what is signed with it: DSSE envelopes (Dead Simple Signing Envelope, v1) and notes."""

from __future__ import annotations

import base64
import os
from functools import cached_property
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from modelwright.core.errors import Corrupted
from modelwright.core.ids import new_id
from modelwright.core.signing import Envelope, Signature
from modelwright.core.wire import sha256
from modelwright.store.folders import sync_folder
from modelwright.store.notes import signature_line


def _pre_authentication(payload_type: str, payload: bytes) -> bytes:
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


class Keys:
    """An Ed25519 key pair in a folder; the private key is readable by its owner alone and made at first use.

    Args:
        folder: ``keys/`` of the home.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def _private(self) -> Ed25519PrivateKey:
        path = self._folder / "signing.key"
        if not path.exists():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = self._folder / f"signing.{new_id()}"  # a process id comes again, and may have left a file
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                os.write(descriptor, Ed25519PrivateKey.generate().private_bytes_raw())
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            try:
                os.link(fresh, path)  # fails if another process was first: then its key is the key
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
                sync_folder(self._folder)
                sync_folder(self._folder.parent)
        return Ed25519PrivateKey.from_private_bytes(path.read_bytes())

    @cached_property
    def public(self) -> bytes:
        """The public key, 32 bytes."""
        return self._private.public_key().public_bytes_raw()

    def sign(self, payload: bytes, payload_type: str) -> Envelope:
        """An envelope around the payload."""
        signature = self._private.sign(_pre_authentication(payload_type, payload))
        return Envelope(
            payload_type=payload_type,
            payload=base64.b64encode(payload).decode(),
            signatures=(Signature(keyid=sha256(self.public), sig=base64.b64encode(signature).decode()),),
        )

    def sign_note(self, text: str, name: str) -> str:
        """A signed note (``store.notes``). No envelope is ever a note: what is signed of one begins with ``DSSEv1``.

        Args:
            text: What is signed; it ends with a line's end.
            name: The name under which others know the key.
        """
        return f"{text}\n{signature_line(name, self.public, self._private.sign(text.encode()))}"


def opened(envelope: Envelope, public: bytes, payload_type: str) -> bytes:
    """The payload of an envelope that this key signed.

    Args:
        envelope: What came.
        public: The trusted public key, 32 bytes.
        payload_type: What the payload must be.

    Raises:
        Corrupted: Another type, no signature of this key, or altered bytes.
    """
    if envelope.payload_type != payload_type:
        raise Corrupted(f"The envelope holds {envelope.payload_type!r}, not {payload_type!r}.")
    key = Ed25519PublicKey.from_public_bytes(public)
    try:
        payload = _decoded(envelope.payload)
        for signature in envelope.signatures:
            if signature.keyid == sha256(public):
                key.verify(_decoded(signature.sig), _pre_authentication(payload_type, payload))
                return payload
    except (InvalidSignature, ValueError):
        raise Corrupted(f"The signature of {payload_type} does not match its bytes.") from None
    raise Corrupted(f"{payload_type} is not signed by the trusted key {sha256(public)[:12]}….")


def _decoded(text: str) -> bytes:
    """Base64, in its one spelling: the last character has bits that decoding drops, and a flip of those is one too."""
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        raise ValueError("not the spelling of its bytes")
    return data
