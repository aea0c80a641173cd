"""LAW: kill -9 at every point of every command leaves all of it or nothing, and sent again under its key it is done once.

Two homes live the same life, with the same ids at the same moments. In one of them every command is killed at its first
point, then at its second, and so on until it passes them all. Its answers, and all that is stored, stay those of the
other.
"""

import shutil
import signal
from collections.abc import Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from modelwright.app.home import Home
from modelwright.app.services import operation_table
from modelwright.core import ids, wire
from modelwright.core.identity import OWNER, Identity
from modelwright.core.operation import Upload
from modelwright.ledger.repository import LedgerRepository
from modelwright.store import keys
from modelwright.store.adapters import local_blobs
from support.people import APPROVALS, PEOPLE, WORKING, a_signer, begin_login
from support.points import Attempt, Nursery, unforeseen
from support.story import CASES, Outcome, told
from support.twins import TwinPlatform

pytestmark = pytest.mark.slow


SAYS_WHAT_IT_DID = {"monitors.run"}
"""What has been done is not done again, so the answer to who asks again is another."""

WITHOUT_ROWS = {"rollouts.judge", "labels.add"}
"""What writes no row of its own: labels lie in the log."""


class Killed:
    """The two homes.

    Args:
        calm: Where nobody is killed.
        hunted: Where everything is.
        said: A file for what the processes say.
    """

    def __init__(
        self, calm: TwinPlatform, hunted: TwinPlatform, said: Path, nursery: Nursery, identity: Identity = OWNER
    ) -> None:
        self.homes = (calm.home.folder, hunted.home.folder)
        self.points: dict[str, list[str]] = {}
        self._again = _entries(hunted) - _entries(calm)
        self._calm, self._hunted, self._said, self._nursery, self._identity = calm, hunted, said, nursery, identity

    def do(self, name: str, arguments: dict[str, Any]) -> tuple[Outcome, Outcome]:
        """An operation in both."""
        TwinPlatform.turn += 1
        operation = self._calm.table.get(name)
        before = _entries(self._calm)
        answer = self._calm.run(
            operation,
            operation.bind((), arguments),
            identity=self._identity,
            idempotency_key=f"turn-{TwinPlatform.turn}",
        )
        if operation.kind == "query":
            hunted = self._hunted.run(operation, operation.bind((), arguments), identity=self._identity)
            return Outcome(answer, None), Outcome(hunted, None)
        passed = self.points.setdefault(name, [])
        made = _entries(self._calm) - before
        while (found := self._tried(name, arguments, len(passed) + 1)) is None:
            passed.append(self._said.read_text())
            left = _entries(self._hunted) - before - self._again
            assert left in (0, made), f"{name}, killed {passed[-1]}: {left} of {made} entries"
            if left and operation.idempotent:  # keeps no key: it changes nothing more, and the ledger tells of both
                self._again += made
        self._again = max(0, _entries(self._hunted) - _entries(self._calm))
        self._hunted.publisher.publish()  # as the job worker does
        return Outcome(answer, None), Outcome(wire.decode(found, operation.response), None)

    def _tried(self, name: str, arguments: dict[str, Any], fatal: int) -> bytes | None:
        given = (self.homes[1], TwinPlatform.turn, name, arguments, self._identity, fatal, self._said)
        code = self._nursery.make(Attempt(*given))
        assert code in (0, -signal.SIGKILL), (name, fatal, code)
        return self._said.read_bytes() if code == 0 else None

    def upload(self, content: bytes) -> Upload:
        """Bytes in both."""
        stored = {platform.blobs.put(content) for platform in (self._calm, self._hunted)}.pop()
        return Upload(digest=stored.digest, size=stored.size)


def _entries(platform: TwinPlatform) -> int:
    with platform.records.reading() as rows:
        return LedgerRepository().edge(rows).size


def test_every_command_killed_at_every_point(tmp_path, monkeypatch):
    monkeypatch.setattr(ids, "new_ids", TwinPlatform.new_ids)
    for module in (local_blobs, keys):
        monkeypatch.setattr(module, "new_id", unforeseen)
    TwinPlatform.turn = 0
    with ExitStack() as stack:
        calm, hunted = (
            stack.enter_context(closing(TwinPlatform(Home(tmp_path / name / ".modelwright").open(create=True))))
            for name in ("calm", "hunted")
        )
        assert calm.keys.public  # makes the key
        shutil.copytree(calm.home.keys, hunted.home.keys)
        nursery = stack.enter_context(closing(Nursery()))
        points = _hunted(Killed(calm, hunted, tmp_path / "said", nursery), CASES)
        TwinPlatform.turn += 1
        root, _ = (begin_login(home, *WORKING) for home in (calm, hunted))
        points |= _hunted(Killed(calm, hunted, tmp_path / "said", nursery, root), PEOPLE)
        TwinPlatform.turn += 1
        abel, _ = (a_signer(home) for home in (calm, hunted))
        points |= _hunted(Killed(calm, hunted, tmp_path / "said", nursery, abel), APPROVALS)
    commands = {one.name for one in operation_table() if one.kind == "command"}
    assert points.keys() == commands
    assert {name for name, passed in points.items() if not passed} == {
        "rollouts.judge"
    }  # there is nothing to judge yet
    assert all("after the commit" in " ".join(passed) for name, passed in points.items() if name not in WITHOUT_ROWS)


def _hunted(stage: Killed, cases: Mapping[str, Any]) -> dict[str, list[str]]:
    """The points of every command of a story."""
    for name, (_, (undisturbed, killed)) in told(stage, cases).items():
        assert killed == undisturbed or name in SAYS_WHAT_IT_DID, name
    return stage.points
