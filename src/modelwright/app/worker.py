"""The job worker: routes, reactions, the prediction log, executions, again and again, under leases.

Everything it does is taken up by the next one where it stopped; it may be killed at any moment.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from modelwright.app.home import Home
from modelwright.app.identity import DEFAULT_PROJECT, Identity
from modelwright.app.launcher import Launcher
from modelwright.app.reactor import react
from modelwright.app.rollouts import RolloutJudge
from modelwright.app.workspace import Platform
from modelwright.core.errors import Error
from modelwright.core.events import Actor, ActorKind
from modelwright.predictions.shipper import LEASE, ship
from modelwright.store.ports import Lease

_log = logging.getLogger(__name__)

TURN_SECONDS = 1.0
REACTIONS = "app.reactions"
"""The name of the lease: one worker carries reactions out at a time, though two would do no harm."""

_LEASE = timedelta(seconds=60)
MONITORS = "monitoring.runner"
"""The name of the lease: one runner of monitors at a time."""
_MONITOR = Identity(
    actor=Actor(id="monitors", kind=ActorKind.SERVICE), grants=frozenset({"monitors:write"}), project=DEFAULT_PROJECT
)


class Worker:
    """Jobs in turns.

    Args:
        platform: The opened home.
        owner: The name under which leases are taken.
    """

    def __init__(self, platform: Platform, owner: str) -> None:
        self._platform = platform
        self._owner = owner
        self._launcher = Launcher(platform)
        self._rollouts = RolloutJudge(platform, owner)
        self._monitored: dict[str, int] = {}

    def turn(self) -> None:
        """Every job once; one that fails is logged and does not keep the others."""
        for job in (self._publish, self._react, self._ship, self._monitor, self._judge, self._fire, self._launch):
            try:
                job()
            except Error as error:
                _log.warning("%s: %s", job.__name__.strip("_"), error)
            except Exception:  # noqa: BLE001  # the outermost rim of a job
                _log.exception("%s failed", job.__name__.strip("_"))

    def run(self, ended: threading.Event) -> None:
        """Turns until the event is set."""
        while not ended.is_set():
            self.turn()
            ended.wait(TURN_SECONDS)
        self._launcher.close()
        self._platform.close()

    def _leased(self, name: str) -> Lease | None:
        return self._platform.queue.acquire(name, self._owner, _LEASE)

    def _publish(self) -> None:
        self._platform.publisher.publish()

    def _react(self) -> None:
        if self._platform.outbox.due(1) and self._leased(REACTIONS):
            react(self._platform.outbox, self._platform.table, self._platform.run)

    def _ship(self) -> None:
        lease = self._leased(LEASE)
        if lease is None:
            return
        shipped = ship(self._platform.log, self._platform.blobs, self._platform.queue, lease)
        if shipped.parts:
            _log.info("shipped %s rows of %s segments into %s parts", shipped.rows, shipped.segments, shipped.parts)
        for segment in shipped.damaged:
            _log.error("segment %s is damaged and stays where it is", segment)

    def _monitor(self) -> None:
        """Every monitor once; what is more than one run judges waits for the next turn."""
        lease = self._platform.queue.acquire(MONITORS, self._owner, _LEASE)
        if lease is None:
            return
        run, log = self._platform.table.get("monitors.run"), self._platform.log
        for endpoint in log.endpoints(DEFAULT_PROJECT):
            size = log.size(DEFAULT_PROJECT, endpoint)
            if size == self._monitored.get(endpoint) or not log.has_predictions(DEFAULT_PROJECT, endpoint):
                continue  # nothing was answered since, so no period can have passed
            try:
                ran = self._platform.run(run, run.bind((endpoint,), {}), identity=_MONITOR)
            except Error as error:  # of this endpoint; the others are judged all the same
                _log.warning("monitor of %s: %s", endpoint, error)
                continue
            if not ran.more:
                self._monitored[endpoint] = size
            for alert in ran.raised:
                _log.warning("monitor of %s raised alert %s", endpoint, alert)

    def _judge(self) -> None:
        self._rollouts.turn()

    def _fire(self) -> None:
        self._launcher.fire()

    def _launch(self) -> None:
        self._launcher.turn()


def main(arguments: Sequence[str]) -> int:
    """Be the job worker; what ``python -m modelwright.app.worker`` does."""
    parser = argparse.ArgumentParser(prog="modelwright.app.worker", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="the home's folder")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    owner = f"{socket.gethostname()}-{os.getpid()}"
    Worker(Platform(Home(given.home).open(create=False)), owner).run(ended)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
