"""What people have to do with a version: what they signed, read back against the home's key, and who made it."""

from __future__ import annotations

from itertools import takewhile

from msgspec.structs import replace

from modelwright.access.principal import Doorkeeper
from modelwright.access.repository import AddressRepository
from modelwright.approvals.model import STATEMENT_TYPE, Signed
from modelwright.approvals.repository import ApprovalRepository
from modelwright.core import wire
from modelwright.core.errors import Corrupted, NotFound
from modelwright.core.source import History
from modelwright.core.unit import Unit
from modelwright.governance.signoffs import Signature, Standing
from modelwright.models.model import ModelVersion
from modelwright.models.repository import ModelRepository
from modelwright.store.keys import Keys, opened
from modelwright.store.ports import Blobs
from modelwright.tracking.model import Run
from modelwright.tracking.repository import RunRepository

REGISTERED, RAN, COMMITTED = "registered", "trained", "committed code to"


class Standings:
    """Answers for the guard; fulfils ``governance.signoffs.SignedOff``.

    Args:
        repository: Signatures.
        models: Who registered a version.
        runs: Who ran what it was made in.
        addresses: Who commits under which address.
        blobs: Who committed what.
        doorkeeper: Whether there is login.
        keys: Whose signatures count.
    """

    def __init__(
        self,
        repository: ApprovalRepository,
        *,
        models: ModelRepository,
        runs: RunRepository,
        addresses: AddressRepository,
        blobs: Blobs,
        doorkeeper: Doorkeeper,
        keys: Keys,
    ) -> None:
        self._repository = repository
        self._models = models
        self._runs = runs
        self._addresses = addresses
        self._blobs = blobs
        self._doorkeeper = doorkeeper
        self._keys = keys

    def __call__(self, unit: Unit, model: str, version: int) -> Standing:
        """What people have to do with a version.

        Raises:
            Corrupted: A signature is not what was signed.
        """
        return Standing(
            signatures=tuple(
                self.read(signed) for signed in self._repository.signed(unit.rows, unit.project, model, version)
            ),
            authors=self.authors(unit, model, version),
            login=self._doorkeeper.login(unit.rows),
        )

    def authors(self, unit: Unit, model: str, version: int) -> dict[str, str]:
        """Who made a version -> what they did.

        That is who registered it, who ran what it came from, and who committed code to it since the last version that
        was signed.
        """
        found = self._models.version(unit.rows, unit.project, model, version)
        if found is None:
            raise NotFound(f"There is no {model}@{version}.", remedy=f"See: modelwright model show {model}")
        made = {found.registered_by: REGISTERED}
        run = found.manifest.run_id and self._runs.get(unit.rows, unit.project, found.manifest.run_id)
        if run:
            made = self._committers(unit, found, run) | {run.started_by: RAN} | made
        return made

    def _committers(self, unit: Unit, version: ModelVersion, run: Run) -> dict[str, str]:
        """Whoever the home knows of those who committed since the last version that somebody has approved."""
        if run.capture.history is None:
            return {}
        history = wire.decode(self._blobs.read(run.capture.history), History)
        approved = self._approved(unit, version)
        since = (commit.author for commit in takewhile(lambda commit: commit.id != approved, history.commits))
        users = (self._addresses.user_of(unit.rows, author) for author in dict.fromkeys(since))
        return {user: COMMITTED for user in users if user is not None}

    def _approved(self, unit: Unit, version: ModelVersion) -> str | None:
        """The commit of the newest earlier version that somebody has approved."""
        for signed in self._repository.signed_before(unit.rows, unit.project, version.model, version.version):
            said = self.read(signed)
            if said.says != "approve" or said.revoked_at is not None:
                continue
            earlier = self._models.version(unit.rows, unit.project, version.model, said.basis.version)
            ran = earlier.manifest.run_id if earlier else None
            run = self._runs.get(unit.rows, unit.project, ran) if ran else None
            return run.capture.commit if run else None
        return None

    def signed(self, signature: Signature) -> Signed:
        """A signature as it is kept: under the home's key."""
        return Signed(signature=signature, envelope=self._keys.sign(wire.canonical(signature), STATEMENT_TYPE))

    def read(self, signed: Signed) -> Signature:
        """A signature, if it is what the home's key signed; that it was revoked stands beside it.

        Raises:
            Corrupted: It is not.
        """
        said = wire.decode(opened(signed.envelope, self._keys.public, STATEMENT_TYPE), Signature)
        if said != replace(signed.signature, revoked_at=None):
            raise Corrupted(
                f"The signature {signed.signature.id} is not what was signed.",
                remedy="Run `modelwright ledger verify`, and restore the control database from a backup.",
            )
        return signed.signature
