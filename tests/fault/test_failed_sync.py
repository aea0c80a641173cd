"""After a failed sync nothing is acknowledged any more: the system forgets what it lost, and calls the next a success."""

import errno
import os
from contextlib import closing
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from modelwright.app.home import Home
from modelwright.app.workspace import Platform
from modelwright.core import wire
from modelwright.core.ids import new_id
from modelwright.core.operation import Upload
from modelwright.store import durable
from support.asgi import Answer, Asker
from support.homes import BEGINNING, application
from support.packs import answerable
from support.people import do
from support.story import Outcome, told


class Forgetful:
    """A server whose disk fails to sync for the k-th time within each request, for every k, and is then restarted."""

    def __init__(self, platform: Platform, asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
        self.homes = (platform.home.folder,)
        self.refused: dict[str, int] = {}
        self._platform, self._asker = platform, asker
        self._left = 0
        monkeypatch.setattr(durable._Known, "problem", "")  # so that in the end it is put back to this
        for name in ("fsync", "fdatasync"):
            monkeypatch.setattr(os, name, self._failing(getattr(os, name)))

    def _failing(self, sync: Any) -> Any:
        def tried(descriptor: int) -> None:
            self._left -= 1
            if self._left == 0:
                raise OSError(errno.EIO, "Input/output error")
            sync(descriptor)

        return tried

    def do(self, name: str, arguments: dict[str, Any]) -> tuple[Outcome]:
        """An operation."""
        operation = self._platform.table.get(name)
        body, key = wire.encode(operation.bind((), arguments)), new_id()
        answer = self._through(name, lambda: self._asker.post(name, body, idempotency_key=key))
        return (Outcome(wire.decode(answer.body, operation.response), None),)

    def upload(self, content: bytes) -> Upload:
        """Bytes."""
        path = f"/api/v1/blobs/{wire.sha256(content)}"
        headers = {"content-type": "application/octet-stream"}
        answer = self._through("upload", lambda: self._asker.ask("PUT", path, headers=headers, body=[content]))
        return wire.decode(answer.body, Upload)

    def _through(self, name: str, ask: Any) -> Answer:
        for k in count(1):
            entries = self._entries()
            self._left = k
            answer = ask()
            if self._left > 0:  # it syncs less than k times
                self._left = 0
                return answer
            assert durable.problem()
            assert answer.status in (200, 503), (name, k, answer)  # 200: done, and failed in what is repeated anyway
            if answer.status == 503:
                self.refused[name] = k
                assert "Input/output error" in answer.error["message"]
                assert answer.error["remedy"].startswith("Check the disk, then restart modelwright")
                assert self._entries() == entries, f"{name} left something"
            self._refuses_everything_but_reads()
            durable._Known.problem = ""  # as a restart does
        raise AssertionError

    def _refuses_everything_but_reads(self) -> None:
        for answer in (self._asker.post("runs.start", {"name": "x"}), self._asker.ask("GET", "/health")):
            assert (answer.status, answer.error["remedy"][:14]) == (503, "Check the disk")
        assert self._asker.post("runs.list").status == 200

    def _entries(self) -> int:
        return max((entry.envelope.seq for entry in do(self._platform, "ledger.list", limit=1000).items), default=0)


def test_every_operation_of_the_api_whose_kth_sync_fails(tmp_path, monkeypatch):
    seconds = count()
    home = Home(tmp_path / ".modelwright").open(create=True)
    with closing(Platform(home, clock=lambda: BEGINNING + timedelta(seconds=next(seconds)))) as platform:
        platform.services["documents"]._own = answerable()
        with closing(application(platform)) as app, closing(Asker(app)) as asker:
            stage = Forgetful(platform, asker, monkeypatch)
            told(stage)
        assert do(platform, "ledger.verify").intact
    assert {"upload", "labels.add", "documents.keep"} <= set(stage.refused)
