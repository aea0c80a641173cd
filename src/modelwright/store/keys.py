"""The home's keys: what is signed with one, DSSE envelopes (Dead Simple Signing Envelope, v1) and notes, and sealed."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from modelwright.core.errors import Corrupted
from modelwright.core.ids import new_id
from modelwright.core.signing import Envelope, Signature
from modelwright.core.wire import sha256
from modelwright.store.durable import FULL, full, sync_file, sync_folder
from modelwright.store.notes import signature_line


def _pre_authentication(payload_type: str, payload: bytes) -> bytes:
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


class Keys:
    """An Ed25519 key pair, and a key for secrets, in a folder; readable by its owner alone and made at first use.

    Args:
        folder: ``keys/`` of the home.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(
            self._kept("signing", lambda: Ed25519PrivateKey.generate().private_bytes_raw())
        )

    @cached_property
    def _sealing(self) -> AESGCM:
        return AESGCM(self._kept("sealing", partial(AESGCM.generate_key, 256)))

    def _kept(self, name: str, make: Callable[[], bytes]) -> bytes:
        """The bytes of a key, made at first use."""
        path = self._folder / f"{name}.key"
        if not path.exists():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = self._folder / f"{name}.{new_id()}"  # a process id comes again, and may have left a file
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                os.write(descriptor, make())
                sync_file(descriptor)
            except OSError as error:
                fresh.unlink()
                if error.errno in FULL:
                    raise full(self._folder, f"the {name} key was not made") from error
                raise
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
        return path.read_bytes()

    @cached_property
    def public(self) -> bytes:
        """The public key, 32 bytes."""
        return self._private.public_key().public_bytes_raw()

    def seal(self, secret: bytes, about: str) -> str:
        """A secret as it may lie in the records: encrypted and bound to what it is about (AES-256-GCM), in base64."""
        nonce = os.urandom(12)
        return base64.b64encode(nonce + self._sealing.encrypt(nonce, secret, about.encode())).decode()

    def unseal(self, sealed: str, about: str) -> bytes:
        """The secret again.

        Raises:
            Corrupted: It was sealed by another home, about something else, or altered.
        """
        try:
            both = base64.b64decode(sealed, validate=True)
            return self._sealing.decrypt(both[:12], both[12:], about.encode())
        except (InvalidTag, ValueError):
            raise Corrupted(
                "A secret cannot be read with this home's key.",
                remedy="Restore keys/ from a backup, or enter the secret again.",
            ) from None

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
