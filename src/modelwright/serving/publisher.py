"""From rows to the workers: publishes the route table, and who may ask, whenever the rows say something newer."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from modelwright.access.principal import Doorkeeper
from modelwright.core import wire
from modelwright.core.errors import Corrupted, NotFound
from modelwright.core.unit import Rows
from modelwright.ledger.repository import LedgerRepository
from modelwright.serving import publication
from modelwright.serving.callers import PAYLOAD_TYPE, PERMISSION, Caller, CallerTable, callers_path, read_callers
from modelwright.serving.model import Acknowledgement
from modelwright.serving.repository import DeploymentRepository
from modelwright.store.keys import Keys
from modelwright.store.ports import Records


class Publisher:
    """Writes ``routes.json`` of a home; any process may, one at a time, and never an older table over a newer one.

    Args:
        home: The home's folder.
        records: The control database.
        repository: Deployments.
        keys: Signs the table.
    """

    def __init__(self, home: Path, *, records: Records, repository: DeploymentRepository, keys: Keys) -> None:
        self._home = home
        self._records = records
        self._repository = repository
        self._keys = keys

    def publish(self) -> int:
        """Publish what the rows say, unless it is published already.

        Returns:
            The generation that is published now; 0 when nothing is deployed.
        """
        with publication.alone(self._home):
            with self._records.reading() as rows:
                table = self._repository.table(rows)
            if table is None:
                return 0
            if self._published() != table.generation:
                publication.write(publication.routes_path(self._home), table, keys=self._keys)
            return table.generation

    def hasten(self) -> None:
        """Publish now what the job worker would publish within a second."""
        self.publish()

    def acknowledgements(self) -> list[Acknowledgement]:
        """What the workers last said."""
        return publication.acknowledgements(publication.workers_folder(self._home))

    def address(self) -> str | None:
        """Where endpoints answer, if a server has been started on this home."""
        return publication.read_address(self._home)

    def _published(self) -> int:
        try:
            return publication.read(publication.routes_path(self._home), self._keys.public).generation
        except (NotFound, Corrupted):
            return 0


class CallerPublisher:
    """Writes ``callers.json`` of a home whenever the rows say something else than the file.

    Args:
        home: The home's folder.
        records: The control database.
        doorkeeper: Knows every token that counts.
        keys: Signs the table.
    """

    def __init__(self, home: Path, *, records: Records, doorkeeper: Doorkeeper, keys: Keys) -> None:
        self._home = home
        self._records = records
        self._doorkeeper = doorkeeper
        self._keys = keys
        self._ledger = LedgerRepository()
        self._seen = -1

    def publish(self, now: datetime) -> bool:
        """Bring the file to what the rows say.

        Returns:
            Whether it had to be written.
        """
        with self._records.reading() as rows:
            size = self._ledger.edge(rows).size  # whatever changes who may ask is an entry
        if size == self._seen:
            return False
        with publication.alone(self._home):
            with self._records.reading() as rows:
                table = self._table(rows, now)
            wrote = table is not None and table != self._published()
            if wrote:
                signed = self._keys.sign(wire.encode(table), PAYLOAD_TYPE)
                publication.replaced(callers_path(self._home), wire.encode(signed), durable=True)
        self._seen = size
        return wrote

    def _table(self, rows: Rows, now: datetime) -> CallerTable | None:
        if not self._doorkeeper.login(rows):
            return None
        found = self._doorkeeper.everybody(rows, PERMISSION, now)
        return CallerTable(
            callers={digest: Caller(projects=projects, expires_at=expires_at) for digest, projects, expires_at in found}
        )

    def _published(self) -> CallerTable | None:
        try:
            return read_callers(callers_path(self._home), self._keys.public)
        except Corrupted:
            return None
