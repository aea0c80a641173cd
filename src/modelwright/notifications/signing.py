"""What webhooks are signed with, and how.

Source:
    Standard Webhooks 1.0, https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from secrets import token_bytes

PREFIX = "whsec_"


def new_secret() -> str:
    """A fresh signing secret: 32 random bytes."""
    return PREFIX + b64encode(token_bytes(32)).decode()


def signature(secret: str, identifier: str, moment: int, body: bytes) -> str:
    """The value of ``webhook-signature``.

    Args:
        secret: As ``new_secret`` makes them.
        identifier: ``webhook-id``.
        moment: ``webhook-timestamp``, seconds since 1970.
        body: What is sent.

    Example:
        >>> signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
        ...           b'{"test": 2432232314}')
        'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    key = b64decode(secret.removeprefix(PREFIX))
    made = hmac.digest(key, f"{identifier}.{moment}.".encode() + body, "sha256")
    return f"v1,{b64encode(made).decode()}"
