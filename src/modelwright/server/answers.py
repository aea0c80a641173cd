"""Answers: which status an error has, and how every body is made. The one place where kinds meet HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.responses import Response

from modelwright.core import wire
from modelwright.core.errors import (
    Conflict,
    Corrupted,
    Denied,
    Error,
    Invalid,
    NotFound,
    Refused,
    Unavailable,
)
from modelwright.core.failure import Failed, Failure
from modelwright.store.durable import FULL

JSON = "application/json"
BYTES = "application/octet-stream"
HTML = "text/html; charset=utf-8"
FORM = "application/x-www-form-urlencoded"

STATUS: Mapping[type[Error], HTTPStatus] = {
    Invalid: HTTPStatus.BAD_REQUEST,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    Refused: HTTPStatus.FORBIDDEN,  # a gate's "no" raised as an error; a Decision that does not allow is an answer: 200
    Denied: HTTPStatus.FORBIDDEN,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,  # 507 when the disk is full
    Corrupted: HTTPStatus.INTERNAL_SERVER_ERROR,  # what is stored here is damaged: never the caller's fault
    Error: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""Kind -> status."""

RETRY_AFTER_SECONDS = 1


class Stopped(Exception):  # what it tells, not that it failed
    """A request that HTTP itself ends, with a status that no kind of error has.

    Args:
        status: 405, 413, 415, …
        error: What happened.
        headers: Fields that this status asks for, such as Allow.
    """

    def __init__(self, status: int, error: Error, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(error.message)
        self.status = status
        self.error = error
        self.headers = dict(headers or {})


def status_of(error: Error) -> HTTPStatus:
    """The status an error is answered with."""
    if isinstance(error, Unavailable) and _disk_is_full(error):
        return HTTPStatus.INSUFFICIENT_STORAGE
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def _disk_is_full(error: BaseException) -> bool:
    cause = error.__cause__
    if isinstance(cause, OSError):
        return cause.errno in FULL
    return cause is not None and "disk is full" in str(cause)  # SQLite's words


def stopped(error: Exception) -> Stopped:
    """Any exception as an answer; what nobody expected becomes a 500 that says nothing of the inside."""
    if isinstance(error, Stopped):
        return error
    if isinstance(error, Error):
        status = status_of(error)
        waits = status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.INSUFFICIENT_STORAGE)
        return Stopped(status, error, {"retry-after": str(RETRY_AFTER_SECONDS)} if waits else None)
    if isinstance(error, HTTPException):
        return _of_routing(error)
    if isinstance(error, OSError) and error.errno in FULL:
        full = Unavailable("The disk is full: it was not done.", remedy="Free space, then try again.")
        full.__cause__ = error
        return stopped(full)
    return Stopped(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        Error("The server failed.", remedy="Its log has the details under this request id."),
    )


def _of_routing(error: HTTPException) -> Stopped:
    if error.status_code == HTTPStatus.NOT_FOUND:
        return stopped(NotFound("There is nothing here.", remedy="GET /api/v1/openapi.json lists every operation."))
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers = {name.lower(): value for name, value in (error.headers or {}).items()}
        allowed = ", ".join(sorted(headers.get("allow", "").split(", ")))
        return Stopped(
            error.status_code,
            Invalid("This address does not take that method.", remedy=f"It takes: {allowed}."),
            {"allow": allowed},
        )
    return Stopped(error.status_code, Invalid(error.detail), dict(error.headers or {}))


def failure(ending: Stopped, request_id: str) -> Response:
    """The answer to a request that failed."""
    body = wire.encode(Failed(error=Failure.of(ending.error, request_id)))
    return Response(body, ending.status, ending.headers, media_type=JSON)


def json(value: object) -> Response:
    """The answer to a request that went well."""
    return Response(wire.encode(value), media_type=JSON)


def attached(filename: str) -> dict[str, str]:
    """The headers of bytes to save: an attachment that no browser would run here, under a plain name."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in " ._-") else "_" for c in filename)[:100] or "download"
    return {
        "content-disposition": f'attachment; filename="{plain}"',
        "content-security-policy": "default-src 'none'; sandbox",
    }
