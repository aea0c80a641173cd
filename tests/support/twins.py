"""Homes that live the same life, each behind a face of its own, so that the faces' answers can be compared."""

import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from modelwright.app import workspace
from modelwright.app.entrance import REMEMBERED_SECONDS
from modelwright.app.home import Home
from modelwright.app.workspace import LocalCaller, Platform
from modelwright.client.http import HttpCaller
from modelwright.core import ids, wire
from modelwright.core.errors import Error
from modelwright.core.failure import Failure
from modelwright.core.identity import OWNER, Identity
from modelwright.core.operation import Caller, Operation, Upload
from support.commands import COMMANDS, Files, command
from support.homes import BEGINNING, live
from support.packs import answerable
from support.people import SIGNER, TOKEN, WORKING, a_signer, begin_login
from support.story import Outcome


class TwinPlatform(Platform):
    """A home in which what happens in one turn happens at the moment, and with the ids, of its twins' same turn."""

    turn = 0
    _working = threading.local()

    def __init__(self, home: Home) -> None:
        super().__init__(home, clock=lambda: BEGINNING + timedelta(seconds=TwinPlatform.turn))
        self.services["documents"]._own = answerable()  # so that a declaration can be made

    def run(self, operation: Any, request: Any, *, request_id: str | None = None, **given: Any) -> Any:
        TwinPlatform._working.turn, TwinPlatform._working.made = TwinPlatform.turn, 0
        try:
            return super().run(operation, request, request_id=f"{TwinPlatform.turn:032x}", **given)
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


def typed(operation: Operation, words: list[Any], where: tuple[str, str]) -> Outcome:
    """What the operation's command comes to, which is one line of JSON and nothing else."""
    done = command(*where, *words, "--json")
    assert (done.code, done.err) == (0, "")
    answer = wire.decode(done.out, operation.response)
    assert done.out == wire.encode(answer).decode() + "\n"
    return Outcome(answer, None)


class Twin(NamedTuple):
    """One of the homes.

    Attributes:
        platform: The home.
        caller: Who carries its operations out.
        where: How commands are told to find it; none where operations are called.
    """

    platform: Platform
    caller: Caller
    where: tuple[str, str] | None = None


class Twins:
    """Four homes: called in process and over HTTP, typed as commands with ``--home`` and with ``--url``.

    Args:
        platform: Any of them.
        twins: All of them.
        folder: For the files that commands read.
        patch: Sets what commands find in their environment.
        stack: Closes what is opened on the way.
    """

    def __init__(
        self, platform: Platform, twins: tuple[Twin, ...], folder: Path, *, patch: pytest.MonkeyPatch, stack: ExitStack
    ) -> None:
        self._patch, self._stack = patch, stack
        self.homes = tuple(twin.platform.home.folder for twin in twins)
        self.table = platform.table
        self.twins = twins
        self.local, self.remote = twins[0].caller, twins[1].caller
        self._sent: dict[str, bytes] = {}
        self.files = Files(folder, self._sent)
        TwinPlatform.turn = 0

    def do(self, name: str, arguments: dict[str, Any]) -> tuple[Outcome, ...]:
        """An operation in every home, by its command where it has one."""
        TwinPlatform.turn += 1
        return tuple(self._done(twin, name, arguments) for twin in self.twins)

    def _done(self, twin: Twin, name: str, arguments: dict[str, Any]) -> Outcome:
        operation = self.table.get(name)
        if twin.where is None or name not in COMMANDS:
            return outcome(twin.caller, operation, arguments)
        return typed(operation, COMMANDS[name](arguments, self.files), twin.where)

    def called(self, name: str, arguments: dict[str, Any]) -> tuple[Outcome, Outcome]:
        """An operation in process and over HTTP."""
        TwinPlatform.turn += 1
        here, there = (outcome(caller, self.table.get(name), arguments) for caller in (self.local, self.remote))
        return here, there

    def upload(self, content: bytes) -> Upload:
        """Bytes in every home."""
        handles = {twin.caller.upload(content) for twin in self.twins}
        assert len(handles) == 1
        handle = handles.pop()
        self._sent[handle.digest] = content
        return handle

    def download(self, name: str, arguments: dict[str, Any], handle: Any) -> set[bytes]:
        """The bytes behind a handle, as each caller gets them."""
        operation = self.table.get(name)
        request = operation.bind((), arguments)
        return {caller.download(handle, operation, request) for caller in (self.local, self.remote)}

    def login(self) -> None:
        """Begin login in every home; from now on everything is done by its first user."""
        TwinPlatform.turn += 1
        identities = [begin_login(twin.platform, *WORKING) for twin in self.twins]
        self.twins = tuple(
            twin._replace(caller=LocalCaller(twin.platform, identity)) if isinstance(twin.caller, LocalCaller) else twin
            for twin, identity in zip(self.twins, identities, strict=True)
        )
        self.local = self.twins[0].caller
        time.sleep(REMEMBERED_SECONDS)  # the servers remember so long that there was none

    def change_to_the_signer(self) -> None:
        """From now on everything is done by somebody who signs."""
        TwinPlatform.turn += 1
        self._patch.setenv("MODELWRIGHT_TOKEN", SIGNER)
        changed = []
        for twin in self.twins:
            identity = a_signer(twin.platform)
            caller = twin.caller
            if isinstance(caller, HttpCaller):
                caller = self._stack.enter_context(closing(HttpCaller(caller.url, token=SIGNER)))
            changed.append(
                twin._replace(caller=LocalCaller(twin.platform, identity) if caller is twin.caller else caller)
            )
        self.twins = tuple(changed)
        self.local, self.remote = self.twins[0].caller, self.twins[1].caller


class Alone:
    """One home in process, for what only needs the story to have happened."""

    def __init__(self, platform: Platform, identity: Identity = OWNER) -> None:
        self.homes = (platform.home.folder,)
        self._table = platform.table
        self._caller = LocalCaller(platform, identity)

    def do(self, name: str, arguments: dict[str, Any]) -> tuple[Outcome]:
        """An operation."""
        return (outcome(self._caller, self._table.get(name), arguments),)

    def upload(self, content: bytes) -> Upload:
        """Bytes."""
        return self._caller.upload(content)


@contextmanager
def twins(folder: Path, databases: Sequence[str] = ()) -> Iterator[Twins]:
    """Fresh homes with one key; all but the first one's records are in these databases, if there are any."""
    for name, url in zip(("there", "typed-here", "typed-there"), databases, strict=False):
        (folder / name).mkdir()
        (folder / name / "modelwright.toml").write_text(f'records = "{url}"\n')
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(ids, "new_ids", TwinPlatform.new_ids)
        patch.setattr(workspace, "Platform", TwinPlatform)
        patch.setenv("MODELWRIGHT_TOKEN", TOKEN)  # means nothing until there is login
        here, there, typed_here, typed_there = (
            stack.enter_context(closing(TwinPlatform(Home(folder / name / ".modelwright").open(create=True))))
            for name in ("here", "there", "typed-here", "typed-there")
        )
        assert here.keys.public  # makes the key
        for other in (there, typed_here, typed_there):
            shutil.copytree(here.home.keys, other.home.keys)
        urls = [stack.enter_context(live(platform)) for platform in (there, typed_there)]
        remote, typed_remote = (stack.enter_context(closing(HttpCaller(url, token=TOKEN))) for url in urls)
        every = (
            Twin(here, LocalCaller(here)),
            Twin(there, remote),
            Twin(typed_here, LocalCaller(typed_here), ("--home", str(typed_here.home.folder))),
            Twin(typed_there, typed_remote, ("--url", urls[1])),
        )
        yield Twins(here, every, folder, patch=patch, stack=stack)
