"""The process of one execution, which ``launcher`` starts in the source's folder.

It imports the pipeline's module, reads its body and walks the graph; the steps run in processes of their own.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from modelwright.app.connect import Workspace, connect
from modelwright.core import wire
from modelwright.core.errors import Conflict, Invalid
from modelwright.execution.executors.base import said
from modelwright.execution.reporter import Reporter
from modelwright.execution.running import HomeBooks, carried_out, decided
from modelwright.jobs.launcher import CLAIM, SOURCE
from modelwright.pipelines.define import found
from modelwright.pipelines.model import Claim, Failed, Status
from modelwright.pipelines.tracing import Graph

_log = logging.getLogger(__name__)

_FRAMES = 5


def main(arguments: Sequence[str]) -> int:
    """Carry the execution out; the exit code is 0 when the home knows how it ended."""
    parser = argparse.ArgumentParser(prog="modelwright.jobs.execution", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="the home's folder")
    parser.add_argument("--folder", type=Path, required=True, help="the folder of the execution")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    claim = wire.decode((given.folder / CLAIM).read_bytes(), Claim)
    with connect(given.home) as workspace:
        return _carried_out(claim, workspace, given.folder)


def _carried_out(claim: Claim, workspace: Workspace, folder: Path) -> int:
    reporter = Reporter(HomeBooks(workspace), claim, lambda: os._exit(1))  # to import may take longer than the lease
    try:
        graph = _graph(claim, folder / SOURCE)
        place = decided(graph, "processes")
    except Exception as error:  # noqa: BLE001  # the outermost rim of a user's module
        where = "".join(traceback.format_exception(error, limit=-_FRAMES))
        reporter.finish(Status.FAILED, error=f"{said(error)}\n{where}"[:4000])
        return 0
    except BaseException:
        reporter.finish(Status.INTERRUPTED)
        raise
    reporter.stop()
    try:
        carried_out(graph, claim, workspace, executor=place, scratch_in=folder)
    except Failed as error:
        _log.info("%s", error)
    except Conflict as error:
        _log.warning("%s", error)
        return 1
    return 0


def _graph(claim: Claim, source: Path) -> Graph:
    if claim.definition is None:
        raise Invalid("This execution is of no registered version.")
    entry = claim.definition.entry
    sys.path[:0] = list(dict.fromkeys([str(source / claim.definition.folder), str(source)]))
    import_module(entry.partition(":")[0])
    return found(entry).trace(claim.execution.parameters)


def _end(*_: Any) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):  # the launcher and the lifeline both tell: the second must not
        signal.signal(number, signal.SIG_IGN)  # break off what the first began
    raise SystemExit(1)  # the conductor kills what is under way and lets go of the execution


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
