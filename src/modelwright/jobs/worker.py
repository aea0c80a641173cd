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
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from modelwright.app.home import Home
from modelwright.app.workspace import Platform
from modelwright.core.errors import Error, Unavailable
from modelwright.jobs.anchors import Anchorer
from modelwright.jobs.assurance import Assurer
from modelwright.jobs.courier import Notifier
from modelwright.jobs.launcher import Launcher
from modelwright.jobs.leasing import Leases
from modelwright.jobs.materializer import Materializer
from modelwright.jobs.monitors import MonitorRunner
from modelwright.jobs.reactor import react
from modelwright.jobs.rollouts import RolloutJudge
from modelwright.predictions.shipper import LEASE, ship

_log = logging.getLogger(__name__)

TURN_SECONDS = 0.1
"""The pause after a turn in which there was nothing to do."""

TROUBLED_SECONDS = 2.0
"""The pause after a turn in which something was unavailable: a database that is away is asked for rarely."""

REACTIONS = "app.reactions"
"""The name of the lease: one worker carries reactions out at a time, though two would do no harm."""


class Worker:
    """Jobs in turns.

    Args:
        platform: The opened home.
        owner: The name under which leases are taken.
    """

    def __init__(self, platform: Platform, owner: str) -> None:
        self._platform = platform
        self._leases = Leases(platform.queue, owner)
        self._materializer = Materializer(platform, self._leases)
        self._monitors = MonitorRunner(platform, self._leases)
        self._rollouts = RolloutJudge(platform, self._leases)
        self._launcher = Launcher(platform)
        self._notifier = Notifier(platform, self._leases)
        self._troubled = False
        self._jobs: Mapping[str, Callable[[], bool]] = {
            "publishing routes": self._publish,
            "reactions": self._react,
            "shipping the log": self._ship,
            "the online store": self._materializer.turn,
            "monitors": self._monitors.turn,
            "rollouts": self._rollouts.turn,
            "the calendar": self._launcher.fire,
            "executions": self._launcher.turn,
            "notifications": self._notifier.turn,
            "anchors": Anchorer(platform, self._leases).turn,
            "rechecks": Assurer(platform, self._leases).turn,
        }

    def turn(self) -> bool:
        """Every job once; whether one of them did something. One that fails is logged and does not keep the others."""
        busy = self._troubled = False
        for name, job in self._jobs.items():
            try:
                busy |= job()
            except Error as error:
                self._troubled |= isinstance(error, Unavailable)
                _log.warning("%s: %s", name, error)
            except Exception:  # noqa: BLE001  # the outermost rim of a job
                _log.exception("%s failed", name)
        return busy

    def run(self, ended: threading.Event) -> None:
        """Turns until the event is set, without a pause while there is something to do."""
        while not ended.is_set():
            if not self.turn():
                ended.wait(TROUBLED_SECONDS if self._troubled else TURN_SECONDS)
        self._notifier.courier.close()
        self._launcher.close()
        self._platform.close()

    def _publish(self) -> bool:
        self._platform.publisher.publish()
        self._platform.callers.publish(self._platform.clock())
        return False

    def _react(self) -> bool:
        if not self._platform.outbox.due(1) or self._leases.hold(REACTIONS) is None:
            return False
        return react(self._platform.outbox, self._platform.table, self._platform.run) > 0

    def _ship(self) -> bool:
        lease = self._leases.hold(LEASE)
        if lease is None:
            return False
        shipped = ship(self._platform.log, self._platform.blobs, self._platform.queue, lease)
        if shipped.parts:
            _log.info("shipped %s rows of %s segments into %s parts", shipped.rows, shipped.segments, shipped.parts)
        for segment in shipped.damaged:
            _log.error("segment %s is damaged and stays where it is", segment)
        return shipped.parts > 0


def main(arguments: Sequence[str]) -> int:
    """Be the job worker; what ``python -m modelwright.jobs.worker`` does."""
    parser = argparse.ArgumentParser(prog="modelwright.jobs.worker", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="the home's folder")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    owner = f"{socket.gethostname()}-{os.getpid()}"
    try:
        platform = Platform(Home(given.home).open(create=False))
    except Error as error:
        _log.error("%s %s", error.message, error.remedy)  # a reason, not a bug
        return 1
    Worker(platform, owner).run(ended)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
