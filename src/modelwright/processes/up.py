"""``modelwright up``: one home, its dashboard and API on one port, its endpoints on another."""

from __future__ import annotations

import fcntl
import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from modelwright.app.home import Home
from modelwright.core.errors import Conflict, Denied, Invalid, NotFound
from modelwright.core.gate import is_loopback
from modelwright.processes.listening import address, bind, numeric
from modelwright.processes.supervisor import Say, Spec, Supervisor
from modelwright.serving.publication import write_address

API = "modelwright.server.run"
INFERENCE = "modelwright.inference.worker"
JOBS = "modelwright.jobs.worker"

_ASK_EVERY_SECONDS = 0.05
_REMIND_AFTER_SECONDS = 30.0


def up(
    home: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 8900,
    serve_port: int = 8901,
    workers: int = 2,
    names: Sequence[str] = (),
    say: Say,
    ready: Callable[[str, str], None],
) -> None:
    """Run a home's processes until SIGTERM or SIGINT.

    Args:
        home: The home's folder; made when it is not there.
        host: An address of this machine; with login it may be one that others can reach.
        port: Of the dashboard and the API; 0 takes any free one.
        serve_port: Of the endpoints; 0 takes any free one.
        workers: How many inference processes share it.
        names: Host names that it answers for beside the loopback ones.
        say: Hears what happens to processes, line by line.
        ready: Called once with both URLs, when both answer.

    Raises:
        Denied: The host can be reached by others, and there is no login.
        Unavailable: A port is taken.
        Conflict: The home is up already.
    """
    if not 1 <= workers <= 64:
        raise Invalid(f"{workers} workers, not 1 to 64.", fields={"workers": "not 1 to 64"})
    where = numeric(host)
    with ExitStack() as stack:
        if not is_loopback(where):
            _guarded(home, where, names)
        api = stack.enter_context(closing(bind(where, port, option="--port")))
        serving = stack.enter_context(closing(bind(where, serve_port, option="--serve-port")))
        opened = Home(home).open(create=True)
        lock = stack.enter_context(_alone(opened))
        write_address(opened.folder, address(serving))
        supervisor = Supervisor(specs(opened, api, serving, workers=workers, lock=lock, names=names), say=say)
        stack.enter_context(_herald(address(api), address(serving), say=say, ready=ready))
        supervisor.run()


def first_admin(home: Path) -> str | None:
    """Begin login: add the user ``admin``, who can let the others in.

    Returns:
        The secret of its token, which is kept nowhere; none where there is login already.
    """
    from modelwright.app.connect import Workspace
    from modelwright.app.workspace import LocalCaller, Platform  # weight: the supervisor that stays opens no database

    with closing(Platform(Home(home).open(create=True))) as platform:
        if platform.entrance.login():
            return None
        space = Workspace(platform.table, LocalCaller(platform), str(home))
        space.users.add("admin")
        made: str = space.tokens.create("the first sign-in", user="admin").secret
        return made


def _guarded(home: Path, host: str, names: Sequence[str]) -> None:
    """Pass silently where others may reach the home.

    Raises:
        Denied: There is no login, so everybody there would be the owner.
        Invalid: Nobody said under which names it is reached.
    """
    from modelwright.app.workspace import Platform  # weight: as above

    login = False
    with suppress(NotFound), closing(Platform(Home(home).open(create=False))) as platform:
        login = platform.entrance.login()
    if not login:
        raise Denied(
            f"{host} can be reached by others, and everybody there would be the owner.",
            remedy="Begin login first: modelwright user add NAME --token. Or listen on 127.0.0.1, and use `ssh -L`.",
        )
    if ip_address(host).is_unspecified and not names:
        raise Invalid(
            f"{host} is every address of this machine, and none to answer for.",
            remedy="Say how people reach it: --allow-host ml.example.com",
        )


def specs(
    home: Home, api: socket.socket, serving: socket.socket, *, workers: int, lock: int, names: Sequence[str] = ()
) -> list[Spec]:
    """The processes of a home.

    Args:
        home: An opened home.
        api: The bound socket of the dashboard and the API.
        serving: The bound socket of the endpoints, shared by the inference workers.
        workers: How many of them.
        lock: The home's lock, inherited by all: it is free when the last of them has ended, not before.
        names: Host names they answer for beside the loopback ones.
    """
    address_of = api.getsockname()[0]
    own = () if is_loopback(address_of) or ip_address(address_of).is_unspecified else (address_of,)
    hosts = tuple(word for name in (*own, *names) for word in ("--allow-host", name))
    folder = ("--home", str(home.folder))
    api_fd, serving_fd = api.fileno(), serving.fileno()
    return [
        Spec("api", API, (*folder, "--fd", str(api_fd), *hosts), (api_fd, lock), home.environment),
        *(
            Spec(
                f"inference-{number}",
                INFERENCE,
                (*folder, "--fd", str(serving_fd), "--worker", str(number), *hosts),
                (serving_fd, lock),
                {"OMP_NUM_THREADS": "1"},  # processes are the parallelism; threads inside would fight for the cores
            )
            for number in range(1, workers + 1)
        ),
        Spec("jobs", JOBS, folder, (lock,), home.environment),
    ]


@contextmanager
def _alone(home: Home) -> Iterator[int]:
    descriptor = os.open(home.folder / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
            raise Conflict(
                f"{home.folder} is up already: process {holder}, or what it started.",
                remedy="End it with Ctrl-C there, or use it as it is.",
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _herald(api: str, serving: str, *, say: Say, ready: Callable[[str, str], None]) -> Iterator[None]:
    """Beside the supervisor: ask both until both answer, then tell."""
    over = threading.Event()

    def watch() -> None:
        waited = 0.0
        while not over.is_set():
            silent = [url for url in (api, serving) if not answers(url)]
            if not silent:
                ready(api, serving)
                return
            over.wait(_ASK_EVERY_SECONDS)
            waited += _ASK_EVERY_SECONDS
            if waited >= _REMIND_AFTER_SECONDS:
                waited = 0.0
                say(f"Still waiting for {' and '.join(silent)}; the lines above say why.")

    thread = threading.Thread(target=watch, name="herald", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(2)


def answers(url: str) -> bool:
    """Whether ``/health`` there says 200, within a second."""
    place = urlsplit(url)
    with closing(HTTPConnection(place.hostname or "", place.port, timeout=1.0)) as connection:
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
