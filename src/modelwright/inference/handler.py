"""Which path means what. Framework-neutral: method, path, headers and body in, a response out.

The paths are laid out anew for each live table, so a request costs one look-up and no text of a client is taken apart.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from modelwright.core.errors import Error, Invalid, NotFound, Unavailable
from modelwright.core.gate import Headers, Refusal
from modelwright.inference import binary, invocations, oip
from modelwright.inference.callers import EVERYBODY, Admission
from modelwright.inference.response import TEXT, Problem, Response, answer, failure
from modelwright.inference.router import Live, Loaded, Router
from modelwright.serving.model import Closed, Route

_log = logging.getLogger(__name__)

Action = Callable[[Headers, bytes], Awaitable[Response]]
Paths = Mapping[str, Mapping[str, Action]]

_FORM_HEADERS = frozenset({b"content-type", b"content-encoding", binary.LENGTH})
_JSON = frozenset({b"application/json", b""})

_OPEN = frozenset({"/health", "/ping", "/version", "/v2", "/v2/", "/v2/health/live", "/v2/health/ready"})
"""What anybody may ask: whether the worker lives, and what it speaks."""


class Handler:
    """Answers every request of a worker.

    Args:
        router: Holds what is live.
        worker: The worker's name, for ``/health``.
        problem: Why the newest routes are not loaded, if so, for ``/health``.
        callers: Who may ask; by default everybody.
    """

    def __init__(
        self,
        router: Router,
        *,
        worker: str,
        problem: Callable[[], str | None] = lambda: None,
        callers: Admission = EVERYBODY,
    ) -> None:
        self._callers = callers
        self._router = router
        self._worker = worker
        self._problem = problem
        self._laid_out = router.live
        self._paths = self._layout(router.live)
        self.draining = False

    async def handle(self, method: str, path: str, headers: Headers, body: bytes) -> Response:
        """Answer one request; never raises.

        Args:
            method: In upper case.
            path: Without the query, percent-decoded.
            headers: Names in lower case.
            body: All of it.
        """
        try:
            if self._router.live is not self._laid_out:
                self._laid_out = self._router.live
                self._paths = self._layout(self._laid_out)
            methods = self._paths.get(path)
            if path not in _OPEN:
                self._let_in(path, headers)
            action = None if methods is None else methods.get(method)
            return await (action(headers, body) if action else self._elsewhere(path, methods))
        except (Error, Problem) as error:
            return failure(error, path=path)
        except RecursionError:
            return failure(Invalid("The request is nested too deep."), path=path)
        except Exception:  # noqa: BLE001 - the outermost rim
            _log.exception("A request to %a failed", path[:200])
            return failure(Problem(500, "The server failed; its log says how."), path=path)

    def refuse(self, path: str, refusal: Refusal) -> Response:
        """The answer to what the gate did not let through."""
        return failure(Problem(refusal.status, refusal.message), path=path)

    def _layout(self, live: Live) -> Paths:
        paths: dict[str, Mapping[str, Action]] = {
            "/health": _get(self._health),
            "/ping": _get(self._ping),
            "/version": _get(_version),
            "/v2": _get(_server),
            "/v2/": _get(_server),
            "/v2/health/live": _get(_alive),
            "/v2/health/ready": _get(self._ready),
            "/invocations": {"POST": partial(_none, tuple(live.retired.values()) if not live.routes else ())},
        }
        for name, loaded in live.endpoints.items():
            invoke: Mapping[str, Action] = {"POST": partial(_invoke, loaded)}
            for place in (f"/v2/models/{name}", f"/v2/models/{name}/versions/{loaded.route.version}"):
                paths[place] = _get(partial(_model, loaded))
                paths[f"{place}/ready"] = _get(partial(self._model_ready, loaded))
                paths[f"{place}/infer"] = {"POST": partial(_infer, loaded)}
            paths[f"/endpoints/{name}/invocations"] = invoke
            if live.endpoints.keys() == live.routes.keys() == {name}:
                paths["/invocations"] = invoke
        return paths

    def _let_in(self, path: str, headers: Headers) -> None:
        """Pass silently when the sender may ask for what is there.

        Raises:
            Problem: Nobody knows them, or there is nothing of theirs: it is the same whether it is foreign or absent.
        """
        projects = self._callers.projects(headers)
        if projects is None:
            return
        routes, retired = self._laid_out.routes, self._laid_out.retired
        name = path.split("/")[3 if path.startswith("/v2/") else 2 : 4][:1]
        if path == "/invocations" and len(routes or retired) == 1:
            name = [*(routes or retired)]
        elif path == "/invocations":
            name = []
        known: Mapping[str, Route | Closed] = routes if name and name[0] in routes else retired
        route = known.get(name[0]) if name else None
        if route is None or route.project not in projects:
            raise Problem(404, f"There is nothing at {path[:200]!r}.")

    async def _elsewhere(self, path: str, methods: Mapping[str, Action] | None) -> Response:
        if methods is None:
            if self._laid_out.generation == 0 and (problem := self._problem()):
                raise Unavailable(problem)  # not "there is no such endpoint": nobody can tell
            raise self._unknown(path)
        allowed = ", ".join(methods)
        raise Problem(405, f"{path} takes {allowed}.", headers=((b"allow", allowed.encode()),))

    def _unknown(self, path: str) -> NotFound | Unavailable | Problem:
        endpoints, retired = self._laid_out.endpoints, self._laid_out.retired
        for prefix in ("/v2/models/", "/endpoints/"):
            name, _, rest = path.removeprefix(prefix).partition("/")
            if path.startswith(prefix) and name in retired:
                return Problem(410, retired[name].told)
            if path.startswith(prefix) and name not in endpoints and name in self._laid_out.problems:
                return Unavailable(f"{name} cannot answer: {self._laid_out.problems[name]}")
            if path.startswith(prefix) and name not in endpoints:
                deployed = ", ".join(sorted(endpoints)) or "none yet"
                return NotFound(f"There is no endpoint {name[:128]!r}.", remedy=f"Deployed are: {deployed}.")
            if path.startswith(prefix) and rest.startswith("versions/"):
                served = endpoints[name].route.version
                return NotFound(f"{name} answers with version {served}, and there is nothing at {path[:200]!r}.")
        return Problem(404, f"There is nothing at {path[:200]!r}.")

    def _unready(self) -> str | None:
        if self.draining:
            return "This worker is stopping."
        if self._laid_out.generation == 0 and (problem := self._problem()):
            return problem
        if (
            self._laid_out.problems and not self._laid_out.endpoints
        ):  # with one that answers, the others may be sought here
            return next(iter(self._laid_out.problems.values()))
        for name, loaded in self._laid_out.endpoints.items():
            if not loaded.batcher.scorer.can_log():
                return f"The predictions of {name} cannot be logged."
        return None

    async def _health(self, headers: Headers, body: bytes) -> Response:
        unready = self._unready()
        said: dict[str, Any] = {
            "status": "unavailable" if unready else "ready",
            "reason": unready or self._problem() or next(iter(self._laid_out.problems.values()), None),
            "worker": self._worker,
            "generation": self._laid_out.generation,
            "endpoints": {name: loaded.route.ref for name, loaded in self._laid_out.endpoints.items()},
        }
        if not self._callers.everybody:  # what there is, is for those who may know
            said = {name: said[name] for name in ("status", "worker", "generation")}
        return answer(said, 503 if unready else 200)

    async def _ping(self, headers: Headers, body: bytes) -> Response:
        return Response(503 if self._unready() else 200, (TEXT,), b"\n")

    async def _ready(self, headers: Headers, body: bytes) -> Response:
        unready = self._unready()
        return answer({"ready": False, "error": unready} if unready else {"ready": True}, 503 if unready else 200)

    async def _model_ready(self, loaded: Loaded, headers: Headers, body: bytes) -> Response:
        unready = self._unready()
        said: dict[str, Any] = {"name": loaded.route.endpoint, "ready": not unready}
        return answer({**said, "error": unready} if unready else said, 503 if unready else 200)


async def _version(headers: Headers, body: bytes) -> Response:
    return Response(200, (TEXT,), _release().encode())


async def _server(headers: Headers, body: bytes) -> Response:
    return answer({"name": "modelwright", "version": _release(), "extensions": [binary.EXTENSION]})


async def _alive(headers: Headers, body: bytes) -> Response:
    return answer({"live": True})


async def _model(loaded: Loaded, headers: Headers, body: bytes) -> Response:
    return answer(oip.metadata(loaded.route))


async def _infer(loaded: Loaded, headers: Headers, body: bytes) -> Response:
    media, json_length = _form(headers)
    if media not in _JSON and (json_length is None or media != binary.OCTETS[1]):
        raise _unsupported(media, "application/json")
    asked = loaded.codec.read(body, json_length=json_length)
    return loaded.codec.write(await loaded.batcher.score(asked.rows), asked)


async def _invoke(loaded: Loaded, headers: Headers, body: bytes) -> Response:
    media, _ = _form(headers)
    if media in _JSON:
        rows = invocations.read_json(body, loaded.intake)
    elif media == b"text/csv":
        rows = invocations.read_csv(body, loaded.intake)
    else:
        raise _unsupported(media, "application/json or text/csv")
    scored = await loaded.batcher.score(rows)
    return invocations.write(scored, model=loaded.route.ref)


async def _none(retired: Sequence[Closed], headers: Headers, body: bytes) -> Response:
    if len(retired) == 1:
        raise Problem(410, retired[0].told)
    raise NotFound(
        "/invocations means the only endpoint, and there is not exactly one.",
        remedy="POST to /endpoints/<name>/invocations.",
    )


@cache
def _release() -> str:
    try:
        return version("modelwright")
    except PackageNotFoundError:  # run from a source tree
        return "0"


def _get(action: Action) -> Mapping[str, Action]:
    return {"GET": action, "HEAD": action}


def _form(headers: Headers) -> tuple[bytes, bytes | None]:
    """The body's media type, empty when the client does not say (tritonclient does not), and where its JSON ends.

    Raises:
        Problem: The body is compressed or not in UTF-8.
    """
    media, json_length = b"", None
    for name, value in headers:
        if name in _FORM_HEADERS:
            if name == b"content-type":
                media = value
            elif name == binary.LENGTH:
                json_length = value
            elif value.lower() != b"identity":
                raise Problem(415, "Compressed bodies are not accepted.")
    if media in _JSON:
        return media, json_length
    media, _, parameters = media.lower().partition(b";")
    charset = parameters.partition(b"charset=")[2].strip(b' "').split(b";")[0]
    if charset not in {b"", b"utf-8", b"utf8", b"us-ascii"}:
        raise Problem(415, "Send the body in UTF-8.")
    return media.strip(), json_length


def _unsupported(media: bytes, wanted: str) -> Problem:
    return Problem(415, f"The body comes as {media[:80].decode('latin-1')!a}; send {wanted}.")
