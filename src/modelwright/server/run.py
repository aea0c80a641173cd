"""The api process: ``python -m modelwright.server.run --home DIR --fd N``, on a socket that somebody else has bound."""

from __future__ import annotations

import argparse
import logging
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import msgspec
import uvicorn

from modelwright.app.home import Home
from modelwright.app.workspace import Platform
from modelwright.core.clock import utc_now
from modelwright.core.errors import Denied, Error
from modelwright.core.gate import allowed_authorities, is_loopback
from modelwright.server.assembly import Application
from modelwright.server.faces import FACES
from modelwright.server.protocol import protocol

GRACE_SECONDS = 5


class JsonLines(logging.Formatter):
    """One JSON object a line, with the request id where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        entry = {
            "at": utc_now(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": getattr(record, "request_id", None),
            "exception": self.formatException(record.exc_info) if record.exc_info and record.exc_info[0] else None,
        }
        return msgspec.json.encode({key: value for key, value in entry.items() if value is not None}).decode()


def server(application: Application) -> uvicorn.Server:
    """An HTTP server for the application; run it with ``run(sockets=[…])``."""
    return uvicorn.Server(
        uvicorn.Config(
            application,
            http=protocol(),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,  # nobody stands before it, so nobody may say who else asks
            server_header=False,
            limit_concurrency=500,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM, then finish what has begun."""
    parser = argparse.ArgumentParser(prog="modelwright.server.run", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--fd", type=int, required=True, help="an inherited listening socket")
    parser.add_argument("--allow-host", action="append", default=[], help="a further name it answers for")
    given = parser.parse_args(arguments)
    _log_lines()
    signal.signal(signal.SIGTERM, lambda *_: None)  # uvicorn raises it once more when it has finished
    signal.signal(signal.SIGINT, lambda *_: None)
    try:
        with socket.socket(fileno=given.fd) as listening:
            _serve(given.home, listening, given.allow_host)
    except Error as error:
        logging.getLogger(__name__).error("%s %s", error.message, error.remedy)  # noqa: TRY400  # a reason, not a bug
        return 1
    return 0


def _serve(home: Path, listening: socket.socket, names: Sequence[str]) -> None:
    host, port = listening.getsockname()[:2]
    with ExitStack() as stack:
        platform = stack.enter_context(closing(Platform(Home(home).open(create=False))))
        if not is_loopback(host) and not platform.entrance.login():
            raise Denied(f"{host} can be reached by others, and there is no login.", remedy="Listen on 127.0.0.1.")
        application = stack.enter_context(
            closing(Application(platform, allowed=allowed_authorities(port, names), pages=FACES))
        )
        server(application).run(sockets=[listening])


def _log_lines() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    logging.getLogger("httpx").setLevel(logging.WARNING)


if __name__ == "__main__":
    sys.exit(main())
