"""From rows to the workers: publishes the route table whenever its generation is newer than the published one."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modelwright.core.errors import Corrupted, NotFound
from modelwright.serving import publication
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
        with self._alone():
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

    @contextmanager
    def _alone(self) -> Iterator[None]:
        folder = self._home / "serving"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "publish.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
