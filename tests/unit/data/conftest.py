"""A home with datasets alone, opened in process."""

import pytest

from modelwright.app.unit import Units
from modelwright.core.identity import OWNER
from modelwright.core.operation import Upload
from modelwright.data.query import Limits
from modelwright.data.repository import DatasetRepository
from modelwright.data.sdk import DataFace
from modelwright.data.service import DataService
from modelwright.store.adapters.duckdb_frames import DuckdbFrames
from modelwright.store.adapters.local_blobs import LocalBlobs
from modelwright.store.adapters.sqlite import SqliteRecords
from modelwright.store.keys import Keys
from modelwright.store.tables import control


class Caller:
    """Carries operations out as ``app.workspace.LocalCaller`` does."""

    def __init__(self, folder):
        self.folder = folder
        self.blobs = LocalBlobs(folder / "blobs")
        self.frames = DuckdbFrames(self.blobs)
        self.records = SqliteRecords(folder / "control.db", control)
        self.records.prepare()
        self.limits = Limits(seconds=20.0, memory_mb=512)
        self.events = []
        self.units = Units(
            self.records, Keys(folder / "keys"), projections=[lambda unit, fact: self.events.append(fact.event)]
        )

    def call(self, operation, request, *, idempotency_key=None):
        service = DataService(DatasetRepository(), blobs=self.blobs, frames=self.frames, limits=self.limits)
        return self.units.run(operation, service, request, identity=OWNER, idempotency_key=idempotency_key)

    def upload(self, source):
        stored = self.blobs.put(source)
        return Upload(digest=stored.digest, size=stored.size)

    def download(self, handle, operation, request):
        return self.blobs.read(handle.digest)


@pytest.fixture
def caller(tmp_path):
    made = Caller(tmp_path)
    yield made
    made.records.close()


@pytest.fixture
def data(caller):
    return DataFace(DataService.operations(), caller)
