"""What pages change: every command of the operation table as the target of a form, ``POST /do/<noun>.<verb>``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from http import HTTPStatus
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from modelwright.app.workspace import Platform
from modelwright.approvals.model import Signing
from modelwright.core import wire
from modelwright.core.errors import Error, Invalid, Refused
from modelwright.core.guard import Decision
from modelwright.core.operation import Operation
from modelwright.risks.model import Judging
from modelwright.server.answers import FORM, Stopped
from modelwright.server.identity import FORMS, check_csrf, session_of
from modelwright.server.pages import problem
from modelwright.server.rest import require_media
from modelwright.server.routes import Declared, Handler
from modelwright.server.threads import Threads

BACK = "back"
"""The field that names where to go afterwards: a path of this site."""

_CSRF = "csrf"
_MOST_FIELDS = 200


def forms(platform: Platform, threads: Threads) -> Iterable[Declared]:
    """A route for every command of the table.

    Args:
        platform: The opened home.
        threads: Where they are carried out.
    """
    for operation in platform.table:
        if operation.kind == "command":
            handler = _handler(operation, platform, threads)
            yield Declared(("POST",), f"{FORMS}{operation.name}", operation.permission, handler, problem)


def _handler(operation: Operation, platform: Platform, threads: Threads) -> Handler:
    def carry_out(request: Request, fields: Mapping[str, list[str]]) -> None:
        asked = wire.read_form(fields, operation.request)
        answer = platform.run(operation, asked, identity=request.state.identity, request_id=request.state.request_id)
        _require(answer)

    async def answer(request: Request) -> Response:
        try:
            fields = await form_fields(request)
            back = fields.pop(BACK, ["/"])[-1]
            await threads.run(partial(carry_out, request, fields))
        except (Stopped, Error) as error:
            return problem(request, error)
        return RedirectResponse(own_path(back), HTTPStatus.SEE_OTHER)

    return answer


def _require(answer: object) -> None:
    """Pass silently unless the answer is a refusal, which a page tells as it tells an error.

    Raises:
        Refused: It is.
    """
    if (isinstance(answer, Signing) and answer.signature is None) or (
        isinstance(answer, Judging) and answer.judgement is None
    ):
        raise Refused(answer.refused, remedy=answer.remedy)
    decision = getattr(answer, "decision", answer)
    if isinstance(decision, Decision):
        decision.require()


async def form_fields(request: Request, *, session: bool = True) -> dict[str, list[str]]:
    """The fields of a form that a page of ours sent.

    Args:
        request: The request.
        session: Whether a browser's session has to be the one that the form was made for.

    Raises:
        Denied: It does not come from a page of the session.
        Invalid: It is no form.
    """
    require_media(request.headers, FORM)
    try:
        fields = parse_qs((await request.body()).decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise Invalid(f"The body is no form of up to {_MOST_FIELDS} fields in UTF-8.") from None
    given = fields.pop(_CSRF, [""])[-1]
    secret = session_of(request)
    if session and secret is not None:
        check_csrf(given, secret)
    return fields


def own_path(text: str) -> str:
    """A path of this site, or the overview: nobody is led elsewhere."""
    return text if text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable() else "/"
