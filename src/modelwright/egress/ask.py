"""One HTTP request to somebody else."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from http.client import HTTPConnection
from urllib.parse import urlsplit

from msgspec import Struct

from modelwright.egress.dial import SECONDS, dialled, unreachable
from modelwright.egress.rules import PORTS, Rules, place_of

LARGEST = 1 << 20
"""How many bytes of an answer are read, unless less is asked for."""


class Answer(Struct, frozen=True, kw_only=True):
    """What came back.

    Attributes:
        status: The status; 3xx is an answer like any other: nothing is followed.
        content: The first bytes of the body.
        whole: Whether that is all of it.
    """

    status: int
    content: bytes
    whole: bool


def ask(
    method: str,
    url: str,
    *,
    rules: Rules,
    headers: Mapping[str, str],
    body: bytes = b"",
    largest: int = LARGEST,
    seconds: float = SECONDS,
) -> Answer:
    """Send one request, and have the answer. No redirect is followed, no proxy is used, nothing is sent twice.

    Args:
        method: ``GET`` or ``POST``.
        url: Where; its path and query may hold secrets, so that no message repeats them.
        rules: Where the server may send.
        headers: What is said besides.
        body: What is sent.
        largest: How many bytes of the answer are read.
        seconds: The time limit of all of it.

    Raises:
        Invalid: The address cannot be read.
        Denied: The rules do not allow it.
        Unavailable: There is no answer.
    """
    place, parts = place_of(url), urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    with dialled(place, rules, seconds=seconds) as connection:
        try:
            speaker = HTTPConnection(place.host, place.port)
            speaker.default_port = PORTS[place.scheme]  # a standard port is not said in Host
            speaker.sock = connection  # so that it opens none of its own
            fixed = {"user-agent": "modelwright", "accept-encoding": "identity", "connection": "close"}
            speaker.request(method, target, body or None, {**fixed, **headers})
            answer = speaker.getresponse()
            content = answer.read(largest + 1)
            if len(content) <= largest and answer.length:
                raise http.client.IncompleteRead(content, answer.length)
        except (OSError, http.client.HTTPException) as error:
            raise unreachable(place, error) from None
    return Answer(status=answer.status, content=content[:largest], whole=len(content) <= largest)
