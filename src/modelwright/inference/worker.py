"""One inference worker: a process that answers on a listening socket which it inherits.

Several workers accept from the same socket; when one is killed, the connections it had not accepted yet go to its
siblings. SIGTERM finishes what is in flight, then exits with 0.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import uvicorn
from msgspec import Struct
from msgspec.structs import replace

from modelwright.core import wire
from modelwright.core.gate import MAX_BODY, Gate, allowed_authorities, is_loopback
from modelwright.features.model import ViewVersion
from modelwright.features.vectors import Vectors
from modelwright.inference.asgi import Application
from modelwright.inference.batching import DEFAULT_LIMITS, Limits
from modelwright.inference.callers import Callers
from modelwright.inference.handler import Handler
from modelwright.inference.ports import Load, Log, OpenLog, OpenVectors, Predictor, no_vectors
from modelwright.inference.router import Router
from modelwright.inference.watch import Place, Watcher
from modelwright.models.model import FEATURES
from modelwright.models.package import loaded, verified
from modelwright.predictions.layout import segment_folder
from modelwright.predictions.model import Kind
from modelwright.predictions.segments import SegmentWriter
from modelwright.serving.model import Route
from modelwright.store.adapters.local_blobs import LocalBlobs
from modelwright.store.adapters.sqlite_keyvalue import SqliteKeyValue
from modelwright.store.keys import Keys

DRAIN_SECONDS = 1.0
"""How long idle connections are kept after SIGTERM: a request that is on its way still finds its worker."""

FINISH_SECONDS = 30.0
"""How long requests in flight may take after SIGTERM."""

YOUNG_OBJECTS = 20_000
"""How many new objects wake the collector: a request makes some fifty, and hardly any of them in a circle."""

SWITCH_SECONDS = 0.0005
"""How soon another thread, such as a challenger's, hands over the interpreter when the event loop wants it. With the
usual 5 ms a challenger makes the slowest answers slower by as much: see decision 0019."""

KEEP_ALIVE_SECONDS = 75
"""How long an idle connection is kept; longer than the 60 seconds after which balancers let go of theirs."""


class Equipment(Struct, frozen=True, kw_only=True):
    """What a worker is given.

    Attributes:
        load: Loads a package.
        open_log: Opens the log of an endpoint.
        open_vectors: Opens what completes questions that carry keys and context alone.
        limits: How much each endpoint takes on.
        names: Host names it answers for beside the loopback ones.
        max_body: The largest body of a request, in bytes.
    """

    load: Load
    open_log: OpenLog
    open_vectors: OpenVectors = no_vectors
    limits: Limits = DEFAULT_LIMITS
    names: tuple[str, ...] = ()
    max_body: int = MAX_BODY


class _Server(uvicorn.Server):
    """uvicorn, but SIGTERM is an ordinary end: it lets idle connections bring their last request, and exits with 0.

    Args:
        config: uvicorn's.
        drain: Called when the server begins to stop.
    """

    def __init__(self, config: uvicorn.Config, drain: Callable[[], None]) -> None:
        super().__init__(config)
        self._drain = drain

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._drain()
        for server in self.servers:
            server.close()
        for _ in range(int(DRAIN_SECONDS / 0.05)):
            if not self.server_state.connections:
                break
            await asyncio.sleep(0.05)
        await super().shutdown(sockets)


async def serve(listener: socket.socket, place: Place, equipment: Equipment) -> None:
    """Answer on a listening socket until SIGTERM.

    Args:
        listener: Bound and listening; other processes may accept from it too.
        place: Where to read routes and to acknowledge.
        equipment: What to work with.
    """
    with ThreadPoolExecutor(1, "large-requests") as large, ThreadPoolExecutor(1, "loader") as loader:
        router = Router(
            equipment.load,
            equipment.open_log,
            executor=large,
            limits=equipment.limits,
            open_vectors=equipment.open_vectors,
        )
        callers = Callers(place.home, place.public, closed=not is_loopback(listener.getsockname()[0]))
        watcher = Watcher(router, place, executor=loader, callers=callers)
        handler = Handler(router, worker=place.worker, problem=lambda: watcher.error, callers=callers)
        await watcher.refresh()
        gc.freeze()  # what is loaded now stays: the collector need not walk through it again and again
        gc.set_threshold(YOUNG_OBJECTS, 20, 20)
        sys.setswitchinterval(SWITCH_SECONDS)
        watching = asyncio.create_task(watcher.run())
        try:
            await _server(listener, handler, equipment).serve(sockets=[listener])
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
            router.close()
            watcher.leave()


def _server(listener: socket.socket, handler: Handler, equipment: Equipment) -> _Server:
    port = listener.getsockname()[1] if listener.family in {socket.AF_INET, socket.AF_INET6} else 80
    gate = Gate(allowed_authorities(port, equipment.names), max_body=equipment.max_body)

    def drain() -> None:
        handler.draining = True

    config = uvicorn.Config(
        Application(handler, gate),
        http=http_protocol(),
        loop="auto",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=int(FINISH_SECONDS),
    )
    return _Server(config, drain)


def run(arguments: Sequence[str], *, equip: Callable[[Place], Equipment]) -> int:
    """Be a worker; what ``python -m modelwright.inference.worker`` does.

    Args:
        arguments: The command line.
        equip: What to work with, given where.
    """
    parser = argparse.ArgumentParser(prog="modelwright.inference.worker", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="the platform's folder")
    parser.add_argument("--fd", type=int, required=True, help="the inherited listening socket")
    parser.add_argument("--worker", required=True, help="this worker's name")
    parser.add_argument("--allow-host", action="append", default=[], help="a further name it answers for")
    parser.add_argument("--key", type=bytes.fromhex, help="the public key that routes are signed with, in hex")
    given = parser.parse_args(arguments)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # workers are the parallelism; a pool in each would thrash
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    place = Place(given.home, given.key or Keys(given.home / "keys").public, given.worker)
    listener = socket.socket(fileno=given.fd)
    listener.setblocking(False)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        equipment = replace(equip(place), names=tuple(given.allow_host))
        runner.run(serve(listener, place, equipment))
    return 0


def http_protocol() -> type[asyncio.Protocol] | Literal["h11"]:
    """Httptools with bounds, or h11, which has one for the head of its own."""
    try:
        from modelwright.inference.protocol import BoundedProtocol  # where httptools exists
    except ImportError:
        return "h11"
    return BoundedProtocol


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, or none for the standard one."""
    try:
        import uvloop  # where it exists
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def equip(place: Place) -> Equipment:
    """The equipment of production: packages from the home's blobs, verified before anything loads; logs in the home."""
    blobs = LocalBlobs(place.home / "blobs")
    online = SqliteKeyValue(place.home / "online.db", read_only=True)

    def load(route: Route) -> Predictor:
        return loaded(route.package.manifest, verified(route.package, place.public, blobs.read))

    def open_log(route: Route, kind: Kind) -> Log:
        folder = segment_folder(place.home / "log", route.endpoint, kind, project=route.project)
        return SegmentWriter(folder, place.worker)

    def open_vectors(route: Route) -> Vectors | None:
        manifest = route.package.manifest
        if manifest.features is None:
            return None
        vectors = Vectors(wire.decode(blobs.read(manifest.file(FEATURES).digest), ViewVersion), online)
        vectors.prepare()
        return vectors

    return Equipment(load=load, open_log=open_log, open_vectors=open_vectors)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], equip=equip))
