"""Signed payloads as values: the DSSE envelope. ``store.keys`` makes and opens them."""

from __future__ import annotations

from msgspec import Struct


class Signature(Struct, frozen=True, kw_only=True):
    """One signature of an envelope: key id, and the signature in base64."""

    keyid: str
    sig: str


class Envelope(Struct, frozen=True, kw_only=True, rename={"payload_type": "payloadType"}):
    """A signed payload: https://github.com/secure-systems-lab/dsse/blob/master/envelope.md."""

    payload_type: str
    payload: str
    signatures: tuple[Signature, ...]
