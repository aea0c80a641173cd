"""What people have to do with a version: what they signed, read back against the home's key, and who made it."""

from __future__ import annotations

from msgspec.structs import replace

from modelwright.access.principal import Doorkeeper
from modelwright.approvals.model import STATEMENT_TYPE, Signed
from modelwright.approvals.repository import ApprovalRepository
from modelwright.core import wire
from modelwright.core.errors import Corrupted, NotFound
from modelwright.core.unit import Unit
from modelwright.governance.signoffs import Signature, Standing
from modelwright.models.repository import ModelRepository
from modelwright.store.keys import Keys, opened
from modelwright.tracking.repository import RunRepository

REGISTERED, RAN = "registered", "trained"


class Standings:
    """Answers for the guard; fulfils ``governance.signoffs.SignedOff``.

    Args:
        repository: Signatures.
        models: Who registered a version.
        runs: Who ran what it was made in.
        doorkeeper: Whether there is login.
        keys: Whose signatures count.
    """

    def __init__(
        self,
        repository: ApprovalRepository,
        *,
        models: ModelRepository,
        runs: RunRepository,
        doorkeeper: Doorkeeper,
        keys: Keys,
    ) -> None:
        self._repository = repository
        self._models = models
        self._runs = runs
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
        """Who made a version -> what they did: who ran what it came from, and who registered it."""
        found = self._models.version(unit.rows, unit.project, model, version)
        if found is None:
            raise NotFound(f"There is no {model}@{version}.", remedy=f"See: modelwright model show {model}")
        made = {found.registered_by: REGISTERED}
        run = found.manifest.run_id and self._runs.get(unit.rows, unit.project, found.manifest.run_id)
        if run:
            made = {run.started_by: RAN} | made
        return made

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
