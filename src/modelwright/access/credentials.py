"""Tokens and passwords: made here, told once, and kept only as what they hash to."""

from __future__ import annotations

import hashlib
import secrets
import zlib
from functools import cache
from typing import TYPE_CHECKING

from modelwright.core.errors import Invalid

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

PREFIX = "mwt_"
"""Every token begins so: what scans code for secrets knows one without asking, as it does the checksum at the end."""

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM = 27  # 27 of 62 characters are 160 bits
_CHECK = 6  # 62 ** 6 > 2 ** 32
SHOWN = len(PREFIX) + 6
"""So much of a token is kept in clear, for people to tell theirs apart."""

SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 256

_MEMORY_KIB = 64 * 1024


def new_token() -> str:
    """A fresh token: a prefix, 160 random bits, and a CRC-32 of both in base 62.

    Example:
        >>> token = new_token()
        >>> token[:4], len(token), is_token(token), is_token(token[:-1] + "-")
        ('mwt_', 37, True, False)
    """
    text = PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return text + _checksum(text)


def is_token(text: str) -> bool:
    """Whether this could be a token: a mistyped or cut one is known without asking anybody."""
    whole = len(PREFIX) + _RANDOM + _CHECK
    return len(text) == whole and text.startswith(PREFIX) and text[-_CHECK:] == _checksum(text[:-_CHECK])


def hashed(token: str) -> str:
    """What is kept of a token. It has 160 random bits, so that one SHA-256 is as good as a slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def hash_password(password: str) -> str:
    """What is kept of a password: argon2id with RFC 9106's second recommended setting, in the PHC's notation.

    Raises:
        Invalid: It is shorter than 12 characters, or longer than 256.
    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise Invalid(
            f"The password has {len(password)} characters, not {SHORTEST_PASSWORD} to {LONGEST_PASSWORD}.",
            remedy="Take a sentence.",
            fields={"password": "length"},
        )
    salt = secrets.token_bytes(16)
    slow = _argon2id()(salt=salt, length=32, iterations=3, lanes=4, memory_cost=_MEMORY_KIB)
    return slow.derive_phc_encoded(password.encode())


def is_password(password: str, kept: str | None) -> bool:
    """Whether a password is the one that was kept. Without one it takes as long, so that nobody learns who has one."""
    from cryptography.exceptions import InvalidKey  # weight: see _argon2id

    try:
        _argon2id().verify_phc_encoded(password[: LONGEST_PASSWORD + 1].encode(), kept or _nobodys())
    except InvalidKey:
        return False
    return kept is not None


def _argon2id() -> type[Argon2id]:
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id  # weight: only who signs in by password needs it

    return Argon2id


@cache
def _nobodys() -> str:
    return hash_password(secrets.token_urlsafe())


def _checksum(text: str) -> str:
    number, digits = zlib.crc32(text.encode()), ""
    for _ in range(_CHECK):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
