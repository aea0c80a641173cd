"""The points at which a command may be killed: found while it runs, so that a new one is there by itself.

A point is a step that others could see half done: an event recorded, the entry in the ledger, the commit of a database
before and after, a sync, a rename, a write into a segment, an action that follows the commit.
"""

import gc
import os
import pickle
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from modelwright.app import unit
from modelwright.app.home import Home
from modelwright.core import ids, wire
from modelwright.core.identity import Identity
from modelwright.predictions.segments import Disk
from modelwright.store import keys
from modelwright.store.adapters import local_blobs
from modelwright.store.adapters.sqlite import SqliteRecords
from support.house import TESTS
from support.packs import answerable
from support.twins import TwinPlatform


class Fate:
    """Counts the points that a command passes, and kills it at one of them.

    Args:
        fatal: Which, from 1 on.
        said: Where its name is written.
    """

    def __init__(self, fatal: int, said: Path) -> None:
        self._left = fatal
        self._said = said
        self.armed = False

    def point(self, name: str) -> None:
        """Pass a point, or die there."""
        self._left -= self.armed
        if self.armed and self._left == 0:
            self._said.write_text(name)
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self) -> None:
        """Find the points of this process."""
        _around(unit._Unit, "emit", lambda made, event: f"within {type(event).__struct_config__.tag}", self)
        _around(unit, "append", lambda *_: "entered in the ledger", self)
        _around(os, "fsync", lambda *_: "synced", self)
        _around(os, "fdatasync", lambda *_: "synced", self)
        for name in ("replace", "rename", "unlink"):
            _around(Path, name, lambda *_, name=name: name, self)
        _around(Disk, "write", lambda *_: "wrote into a segment", self)
        _around(SqliteRecords, "writing", None, self)


def _around(owner: Any, name: str, named: Any, fate: Fate) -> None:
    genuine = getattr(owner, name)

    def step(*given: Any, **more: Any) -> Any:
        answer = genuine(*given, **more)
        fate.point(named(*given))
        return answer

    @contextmanager
    def writing(self: Any) -> Iterator[Any]:
        with genuine(self) as rows:
            yield rows
            fate.point(f"before the commit of {self._path.name}")
        fate.point(f"after the commit of {self._path.name}")

    setattr(owner, name, writing if named is None else step)


def unforeseen() -> str:
    """The name of a blob or a key on its way: what a killed process left is in nobody's way."""
    return uuid4().hex


class Attempt(NamedTuple):
    """A command to be carried out in a process of its own.

    Attributes:
        folder: The home.
        turn: The turn of the story, which tells the moment and the ids.
        name: The operation.
        arguments: Its arguments.
        identity: Whose it is.
        fatal: The point at which it is killed, if it comes so far.
        said: The file that then names the point, or else holds the answer.
    """

    folder: Path
    turn: int
    name: str
    arguments: dict[str, Any]
    identity: Identity
    fatal: int
    said: Path

    def make(self) -> None:
        """Carry it out, here and now."""
        fate = Fate(self.fatal, self.said)
        fate.watch()
        ids.new_ids = TwinPlatform.new_ids
        local_blobs.new_id = keys.new_id = unforeseen
        TwinPlatform.turn = self.turn
        with closing(TwinPlatform(Home(self.folder).open(create=False))) as platform:
            operation = platform.table.get(self.name)
            request = operation.bind((), self.arguments)
            fate.armed = True
            answer = platform.run(operation, request, identity=self.identity, idempotency_key=f"turn-{self.turn}")
            fate.armed = False
        self.said.write_bytes(wire.encode(answer))


class Nursery:
    """A process that has everything imported and no home open, and makes each attempt in a fork of itself."""

    def __init__(self) -> None:
        path = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from support.points import attend; attend()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
        )

    def make(self, attempt: Attempt) -> int:
        """The exit code of the process that made it, negative for a signal."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        pickle.dump(attempt, self._process.stdin)
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        """End it."""
        self._process.communicate()


def attend() -> None:
    """Be a nursery's process."""
    import duckdb  # noqa: F401
    import pyarrow.parquet  # noqa: F401
    import sklearn.base  # noqa: F401

    answerable()
    gc.freeze()  # what is there stays shared with the forks
    while True:
        try:
            attempt = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        child = os.fork()
        if child == 0:
            try:
                attempt.make()
            except BaseException:  # noqa: BLE001  # the rim of the process
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()
