"""A full disk: every write says so and leaves nothing, reads go on, and with space it works again without a restart."""

import sys
import time
from contextlib import closing
from datetime import timedelta
from itertools import count
from typing import Any

import httpx
import pytest

import modelwright as mw
from modelwright.app.entrance import REMEMBERED_SECONDS
from modelwright.app.home import Home
from modelwright.app.workspace import Platform
from modelwright.core import wire
from modelwright.core.errors import Unavailable
from modelwright.core.ids import new_id
from modelwright.core.operation import Download, Upload
from support.asgi import Asker
from support.disks import SmallDisk, small_disk
from support.homes import BEGINNING, application
from support.house import House, awaits
from support.life import APRIL, BASELINE, CHARTER, ENDPOINT, JANUARY, JULY, MODEL, heuristic, questions, real, request
from support.packs import answerable
from support.people import APPROVALS, PEOPLE, SIGNER, TOKEN, WORKING, a_signer, begin_login, do
from support.story import Outcome, charter_of, told

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mounts a disk as Linux does")


KIB = 24 * 1024


class Cramped:
    """A home on a disk that is full whenever something is asked of its server; asked again when there is space."""

    def __init__(self, platform: Platform, disk: SmallDisk, asker: Asker, token: str = "") -> None:
        self.homes = (platform.home.folder,)
        self.full: set[str] = set()
        self._platform, self._disk, self._asker = platform, disk, asker
        self._headers = {"authorization": f"Bearer {token}"} if token else {}

    def do(self, name: str, arguments: dict[str, Any]) -> tuple[Outcome]:
        """An operation: refused with 507 and nothing left, or done in what little space the files had within them."""
        operation = self._platform.table.get(name)
        body, key = wire.encode(operation.bind((), arguments)), new_id()
        entries = self._entries()
        self._disk.fill()
        answer = self._post(name, body, key)
        if answer.status == 507:
            assert operation.kind == "command" or operation.response is Download, name  # a file to download is made
            assert f"The disk is full (0 of {KIB} KiB are free): " in answer.error["message"]
            assert answer.error["remedy"] == "Free space, then try again; nothing has to be restarted."
            assert self._entries() == entries, f"{name} left something"
            self.full.add(name)
            self._disk.free()
            answer = self._post(name, body, key)
        self._disk.free()
        assert answer.status == 200, (name, answer)
        return (Outcome(wire.decode(answer.body, operation.response), None),)

    def upload(self, content: bytes) -> Upload:
        """Bytes."""
        headers = {"content-type": "application/octet-stream", **self._headers}
        digest = wire.sha256(content)
        known = self._platform.blobs.missing([digest]) == []
        self._disk.fill()
        answer = self._asker.ask("PUT", f"/api/v1/blobs/{digest}", headers=headers, body=[content])
        assert known or answer.status == 507, answer
        assert list((self._platform.home.blobs / "incoming").iterdir()) == []
        assert known or self._platform.blobs.missing([digest]) == [digest]
        self._disk.free()
        answer = self._asker.ask("PUT", f"/api/v1/blobs/{digest}", headers=headers, body=[content])
        return wire.decode(answer.body, Upload)

    def _post(self, name: str, body: bytes, key: str) -> Any:
        return self._asker.post(name, body, idempotency_key=key, **self._headers)

    def _entries(self) -> int:
        return int(do(self._platform, "ledger.verify").entries)


@pytest.fixture
def disk(tmp_path):
    with small_disk(tmp_path / "disk", KIB // 1024) as mounted:
        yield mounted


@pytest.fixture
def platform(disk):
    seconds = count()
    home = Home(disk.folder / ".modelwright").open(create=True)
    with closing(Platform(home, clock=lambda: BEGINNING + timedelta(seconds=next(seconds)))) as opened:
        opened.services["documents"]._own = answerable()
        yield opened


def test_every_operation_of_the_api_on_a_full_disk(disk, platform):
    with closing(application(platform)) as app, closing(Asker(app)) as asker:
        alone = Cramped(platform, disk, asker)
        told(alone)
        begin_login(platform, *WORKING)
        time.sleep(REMEMBERED_SECONDS)  # the server remembers so long that there was no login
        root = Cramped(platform, disk, asker, TOKEN)
        told(root, PEOPLE)
        a_signer(platform)
        signer = Cramped(platform, disk, asker, SIGNER)
        told(signer, APPROVALS)
    assert do(platform, "ledger.verify").intact
    refused = alone.full | root.full | signer.full  # others found room within the files, and are done
    assert len(refused) > 40
    assert {"runs.start", "labels.add", "documents.keep"} <= refused


def test_pages_are_shown_on_a_full_disk(disk, platform):
    with closing(application(platform)) as app, closing(Asker(app)) as asker:
        do(platform, "charters.publish", model="delay", charter=charter_of())
        disk.fill()
        pages = [one.path for one in app.declared if "GET" in one.methods and "{" not in one.path]
        shown = {path: asker.ask("GET", path).status for path in pages if not path.startswith("/sign-in")}
        assert set(shown.values()) <= {200, 303, 404}, shown


def test_endpoints_and_jobs_outlive_a_full_disk(tmp_path):
    with small_disk(tmp_path / "home", 48) as disk:
        home = Home(disk.folder).open(create=True).folder
        with closing(mw.connect(home)) as ws:
            _deployed(ws)
        with House(home, workers=1) as house:
            processes = house.processes
            answered = _asked(house)
            disk.fill()
            while (answer := _asks(house)).status_code == 200:  # what room the last block of the file had
                answered += answer.json()["prediction_ids"]
            assert answer.status_code == 503
            assert "not answered. The disk is full (0 of " in answer.json()["message"]
            assert httpx.get(f"{house.serving}/health").status_code == 503
            assert httpx.get(f"{house.api}/health").status_code == 200
            with closing(mw.connect(house.api)) as ws, pytest.raises(Unavailable, match="The disk is full"):
                ws.runs.start("crowded")
            awaits(lambda: "publishing routes" in house.said() or "full" in house.said(), "the jobs have met it")
            disk.free()
            awaits(lambda: httpx.get(f"{house.serving}/health").status_code == 200, "the endpoint is well again")
            answered += _asked(house)
            with closing(mw.connect(house.api)) as ws:
                ws.runs.start("roomy")
                kept = [one.id for one in ws.predictions.list(ENDPOINT, limit=1000).items]
            assert sorted(kept) == sorted(answered)
            assert house.processes == processes
        assert "Traceback" not in house.said(), house.said()


def _deployed(ws: mw.Workspace) -> None:
    table = questions(400, since=JANUARY, until=APRIL, seed=1)
    ws.data.add("questions", table, key="id", event_time="asked_at", known_at="known_at")
    for name, fit in ((BASELINE, heuristic), (MODEL, real)):
        ws.charters.publish(name, CHARTER)
        model, columns = fit(table)
        version = ws.models.save(model, name, example=table.select(columns))
        mw.evaluate(ws, version.ref, "questions@1", explain=False)
    ws.endpoints.deploy(ENDPOINT, version.ref).decision.require()


def _asks(house: House) -> httpx.Response:
    rows = questions(3, since=APRIL, until=JULY, seed=2)
    return httpx.post(f"{house.serving}/endpoints/{ENDPOINT}/invocations", json=request(rows))


def _asked(house: House) -> list[str]:
    answer = _asks(house)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["prediction_ids"])
