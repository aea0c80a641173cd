"""Two homes that live the same life, one in process and one behind a server, so that their answers can be compared."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelwright.app.home import Home
from modelwright.app.workspace import LocalCaller, Platform
from modelwright.client.http import HttpCaller
from modelwright.core import ids
from modelwright.core.errors import Error
from modelwright.core.failure import Failure
from modelwright.core.operation import Caller, Operation, Upload
from support.homes import BEGINNING, live
from support.story import Outcome


class TwinPlatform(Platform):
    """A home whose n-th operation happens at the same moment and makes the same ids as its twin's n-th operation."""

    _working = threading.local()

    def __init__(self, folder: Path) -> None:
        self._turns = 0
        super().__init__(Home(folder).open(create=True), clock=lambda: BEGINNING + timedelta(seconds=self._turns))

    def run(self, operation: Any, request: Any, *, request_id: str | None = None, **given: Any) -> Any:
        self._turns += 1
        TwinPlatform._working.turn, TwinPlatform._working.made = self._turns, 0
        try:
            return super().run(operation, request, request_id=f"{self._turns:032x}", **given)
        finally:
            TwinPlatform._working.turn = None

    @classmethod
    def new_ids(cls, count: int) -> list[str]:
        """In place of ``ids.new_ids``: told by the turn inside an operation, fresh outside."""
        turn = getattr(cls._working, "turn", None)
        if turn is None:
            return _FRESH(count)
        first = cls._working.made
        cls._working.made += count
        return [f"{turn:012x}7000{8:x}{number:015x}" for number in range(first, first + count)]


_FRESH = ids.new_ids


def outcome(caller: Caller, operation: Operation, arguments: dict[str, Any]) -> Outcome:
    """What an operation comes to."""
    try:
        return Outcome(caller.call(operation, operation.bind((), arguments)), None)
    except Error as error:
        return Outcome(None, msgspec.convert(msgspec.to_builtins(Failure.of(error)), Failure))


class Twins:
    """The two homes.

    Args:
        local: In process.
        remote: Behind a server.
    """

    def __init__(self, homes: tuple[Path, Path], platform: Platform, local: Caller, remote: Caller) -> None:
        self.homes = homes
        self.table = platform.table
        self.local = local
        self.remote = remote

    def do(self, name: str, arguments: dict[str, Any]) -> tuple[Outcome, Outcome]:
        """An operation in both homes."""
        return outcome(self.local, self.table.get(name), arguments), outcome(
            self.remote, self.table.get(name), arguments
        )

    def upload(self, content: bytes) -> Upload:
        """Bytes in both homes."""
        handles = {self.local.upload(content), self.remote.upload(content)}
        assert len(handles) == 1
        return handles.pop()

    def download(self, name: str, arguments: dict[str, Any], handle: Any) -> set[bytes]:
        """The bytes behind a handle, as each caller gets them."""
        operation = self.table.get(name)
        request = operation.bind((), arguments)
        return {caller.download(handle, operation, request) for caller in (self.local, self.remote)}


class Alone:
    """One home in process, for what only needs the story to have happened."""

    def __init__(self, platform: Platform) -> None:
        self.homes = (platform.home.folder,)
        self._table = platform.table
        self._caller = LocalCaller(platform)

    def do(self, name: str, arguments: dict[str, Any]) -> tuple[Outcome]:
        """An operation."""
        return (outcome(self._caller, self._table.get(name), arguments),)

    def upload(self, content: bytes) -> Upload:
        """Bytes."""
        return self._caller.upload(content)


@contextmanager
def twins(folder: Path) -> Iterator[Twins]:
    """Two fresh homes with one key, and the callers of both."""
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(ids, "new_ids", TwinPlatform.new_ids)
        here = stack.enter_context(closing(TwinPlatform(folder / "here" / ".modelwright")))
        assert here.keys.public  # makes the key
        shutil.copytree(here.home.keys, folder / "there" / "keys")
        there = TwinPlatform(folder / "there" / ".modelwright")
        shutil.copytree(folder / "there" / "keys", there.home.keys)
        stack.enter_context(closing(there))
        remote = stack.enter_context(closing(HttpCaller(stack.enter_context(live(there)))))
        yield Twins((here.home.folder, there.home.folder), here, LocalCaller(here), remote)
