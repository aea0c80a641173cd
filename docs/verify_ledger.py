"""Verify the file that ``modelwright ledger export`` wrote, without Modelwright.

    python verify_ledger.py ledger.jsonl [--key PUBLIC_KEY_IN_HEX]

It needs Python's standard library and ``cryptography``. It checks, in this order:

1. each entry's text against its leaf hash (RFC 6962: SHA-256 over a zero byte and the text), its position, and the
   columns that stand beside the text;
2. the chain: SHA-256 over the previous entry's chain value and this leaf;
3. the head: a DSSE envelope with an Ed25519 signature over the number of entries, the root of their Merkle tree
   (RFC 6962, section 2.1) and the end of the chain.

Without ``--key`` the head is checked against the key that the file itself names. That shows that the file hangs
together, not who wrote it: get the key from the home's owner on another way, and give it.

Exit code 0: intact. 1: altered; the first altered entry is named. 2: the file cannot be read.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

HEAD_TYPE = "application/vnd.modelwright.ledger-head+json"


class AlteredError(Exception):
    """The file is not what was recorded."""


def sha256(data: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(data).digest()


def merkle_root(leaves: list[bytes]) -> bytes:
    """The Merkle tree hash of leaf hashes, pair by pair: a node without a partner rises as it is."""
    level = leaves or [sha256(b"")]
    while len(level) > 1:
        paired = [sha256(b"\x01" + left + right) for left, right in zip(level[::2], level[1::2], strict=False)]
        level = paired + ([level[-1]] if len(level) % 2 else [])
    return level[0]


def followed(lines: list[bytes]) -> tuple[list[bytes], bytes]:
    """Check entries from the first to the last.

    Returns:
        Their leaf hashes, and the end of the chain.

    Raises:
        AlteredError: An entry is not what was recorded; it names the first one.
    """
    leaves: list[bytes] = []
    chain = bytes(32)
    for position, line in enumerate(lines, start=1):
        try:
            leaf, chain = checked(json.loads(line), position, chain)
        except AlteredError as error:
            raise AlteredError(f"entry {position}: {error}") from None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise AlteredError(f"entry {position}: it cannot be read ({type(error).__name__}: {error})") from None
        leaves.append(leaf)
    return leaves, chain


def checked(entry: dict[str, Any], position: int, chain: bytes) -> tuple[bytes, bytes]:
    """One entry's leaf hash, and the chain behind it.

    Raises:
        AlteredError: It is not what was recorded.
    """
    if entry["seq"] != position:
        raise AlteredError(f"it is missing; the next one is {entry['seq']}")
    leaf = sha256(b"\x00" + entry["envelope"].encode())
    if leaf.hex() != entry["leaf"]:
        raise AlteredError("its text is not what was hashed")
    behind = sha256(chain + leaf)
    if behind.hex() != entry["chain"]:
        raise AlteredError("it does not follow from the entry before it")
    facts = json.loads(entry["envelope"])
    if any(facts[name] != entry[name] for name in ("seq", "kind", "project")):
        raise AlteredError("a column beside its text has been altered")
    return leaf, behind


def signed_head(envelope: dict[str, Any], key: bytes) -> dict[str, Any]:
    """What the head says, once its signature has been checked.

    Raises:
        AlteredError: The key did not sign it.
    """
    try:
        payload = base64.b64decode(envelope["payload"], validate=True)
        kind = envelope["payloadType"].encode()
        signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
        public = Ed25519PublicKey.from_public_bytes(key)
        for signature in envelope["signatures"]:
            if signature["keyid"] == sha256(key).hex():
                public.verify(base64.b64decode(signature["sig"], validate=True), signed)
                if kind.decode() != HEAD_TYPE:
                    raise AlteredError(f"the head is a {kind.decode()!r}")
                head: dict[str, Any] = json.loads(payload)
                return head
    except (InvalidSignature, ValueError, KeyError, TypeError, AttributeError):
        raise AlteredError("the signature of the head does not match its bytes") from None
    raise AlteredError(f"the head is not signed by the key {sha256(key).hex()[:12]}…")


def verified(file: Path, key: str | None) -> str:
    """Check the whole file.

    Args:
        file: What ``modelwright ledger export`` wrote.
        key: The public key to trust, in hex; by default the file's own.

    Returns:
        One line with what was found.

    Raises:
        AlteredError: Something is not what was recorded.
        ValueError: The file is no export.
    """
    first, *lines = file.read_bytes().splitlines() or [b""]
    about = json.loads(first)
    if not isinstance(about, dict) or about.get("format") != 1 or "head" not in about:
        raise ValueError(f"{file} is not an export that this script knows")
    public = bytes.fromhex(key or about["public_key"])
    if len(public) != 32:  # Ed25519
        raise ValueError("the public key is not 32 bytes")
    leaves, chain = followed(lines)
    found = {"size": len(leaves), "root": merkle_root(leaves).hex(), "chain": chain.hex()}
    if about["head"] is None and leaves:
        raise AlteredError("the head is missing")
    if about["head"] is not None:
        head = signed_head(about["head"], public)
        if head["size"] > len(leaves):
            raise AlteredError(f"the head was signed over {head['size']} entries, and only {len(leaves)} are left")
        if head != found:
            raise AlteredError("the signed head does not belong to these entries")
    whose = "the given key" if key else "the file's own key; give --key to check whose it is"
    return f"intact: {len(leaves):,} entries, root {found['root']}, signed by {sha256(public).hex()[:12]} ({whose})"


def main(arguments: list[str]) -> int:
    """Verify and say what was found; the exit code."""
    parser = argparse.ArgumentParser(description="Verify the file that `modelwright ledger export` wrote.")
    parser.add_argument("file", type=Path, help="the exported file")
    parser.add_argument("--key", help="the public key to trust, in hex")
    given = parser.parse_args(arguments)
    try:
        print(verified(given.file, given.key))
    except AlteredError as error:
        print(f"ALTERED: {error}")
        return 1
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"cannot be read: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
