"""Answers, and the two ways in which protocols write an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from modelwright.core.errors import Conflict, Corrupted, Denied, Error, Invalid, NotFound, Refused, Unavailable

JSON = (b"content-type", b"application/json")
TEXT = (b"content-type", b"text/plain; charset=utf-8")
MAX_MESSAGE = 2_000
"""The longest error text, in characters: a message may quote what came, which may be long."""

_encode = msgspec.json.Encoder().encode


class Response(NamedTuple):
    """What goes back, without Content-Length, which the adapter adds."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class Problem(Exception):
    """A request that HTTP itself has a status for: unknown path, wrong method, wrong media type, too large.

    Args:
        status: The HTTP status, 4xx or 503.
        message: What is wrong and what would be right.
        headers: Further header fields of the answer.
    """

    def __init__(self, status: int, message: str, *, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers


def answer(value: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(status, (JSON,), _encode(value))


def failure(error: Error | Problem, *, path: str) -> Response:
    """An error in the form of the protocol that the path belongs to.

    The Open Inference Protocol has ``{"error"}``, MLflow's scoring protocol ``{"error_code", "message"}``.
    """
    if isinstance(error, Problem):
        status, message, headers = error.status, error.message, error.headers
    else:
        status, message = _STATUS[type(error)], " ".join(part for part in (error.message, error.remedy) if part)
        headers = ((b"retry-after", b"1"),) if status == 503 else ()
    message = message if len(message) <= MAX_MESSAGE else message[:MAX_MESSAGE] + "…"
    if path == "/v2" or path.startswith("/v2/"):
        body: dict[str, str] = {"error": message}
    else:
        body = {"error_code": _MLFLOW_CODES.get(status, "BAD_REQUEST"), "message": message}
    return Response(status, (JSON, *headers), _encode(body))


_STATUS: Mapping[type[Error], int] = {
    Invalid: 400,
    NotFound: 404,
    Conflict: 409,
    Refused: 403,
    Denied: 403,
    Unavailable: 503,
    Corrupted: 503,
}

_MLFLOW_CODES: Mapping[int, str] = {
    400: "INVALID_PARAMETER_VALUE",
    403: "PERMISSION_DENIED",
    404: "RESOURCE_DOES_NOT_EXIST",
    405: "ENDPOINT_NOT_FOUND",
    410: "RESOURCE_DOES_NOT_EXIST",
    422: "INVALID_PARAMETER_VALUE",
    500: "INTERNAL_ERROR",
    503: "TEMPORARILY_UNAVAILABLE",
}
