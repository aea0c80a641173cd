"""What people have to do with a version: what they signed, read back against the home's key, and who made it."""

from __future__ import annotations

from msgspec.structs import replace

from modelwright.access.model import Delegation
from modelwright.access.principal import Doorkeeper
from modelwright.access.repository import AddressRepository
from modelwright.approvals.model import STATEMENT_TYPE, Signed
from modelwright.approvals.repository import ApprovalRepository
from modelwright.core import wire
from modelwright.core.errors import Corrupted, NotFound
from modelwright.core.source import Commit, History
from modelwright.core.unit import Unit
from modelwright.data.repository import DatasetRepository
from modelwright.governance.repository import GovernanceRepository
from modelwright.governance.signoffs import Basis, Signature, Standing
from modelwright.models.model import ModelVersion
from modelwright.models.repository import ModelRepository
from modelwright.pipelines.repository import ExecutionRepository, PipelineRepository
from modelwright.store.keys import Keys, opened
from modelwright.store.ports import Blobs
from modelwright.tracking.model import Run
from modelwright.tracking.repository import RunRepository

REGISTERED, RAN, COMMITTED = "registered", "trained", "committed code to"
ASKED, CHARTERED, COMMITTED_DATA = "asked about", "published the charter of", "committed the data of"
STARTED, PIPED = "started the pipeline of", "registered the pipeline of"

_MOST_HISTORIES = 100


class Standings:
    """Answers for the guard; fulfils ``governance.signoffs.SignedOff``.

    Args:
        repository: Signatures.
        models: Who registered a version.
        data: Who committed a dataset.
        governance: Who published a charter.
        runs: Who ran what it was made in.
        pipelines: Who registered what ran by itself.
        executions: Who started it.
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
        data: DatasetRepository,
        governance: GovernanceRepository,
        runs: RunRepository,
        pipelines: PipelineRepository,
        executions: ExecutionRepository,
        addresses: AddressRepository,
        blobs: Blobs,
        doorkeeper: Doorkeeper,
        keys: Keys,
    ) -> None:
        self._repository = repository
        self._models = models
        self._data = data
        self._governance = governance
        self._runs = runs
        self._pipelines = pipelines
        self._executions = executions
        self._histories: dict[str, tuple[Commit, ...]] = {}
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

    def stood_for(self, unit: Unit, role: str, name: str) -> Delegation | None:
        """What lets the caller sign for somebody as that, at this moment."""
        user = self._doorkeeper.named(unit.rows, name)
        caller = self._doorkeeper.known(unit.rows, unit.actor.id)
        if user is None or caller is None or not unit.caller.own:
            return None
        for one in self._doorkeeper.standing_in(unit.rows, caller, unit.now):
            if (one.giver_id, one.role, one.project) == (user.id, role, unit.project):
                return one
        return None

    def of_phase(self, unit: Unit, basis: Basis) -> Standing:
        """What people have to do with a phase of a model's life; fulfils ``governance.signoffs.OfPhase``.

        Its authors are who published the charter, also an earlier one that asked for the same application, who asked
        for signatures, and of a dataset who committed its newest version.

        Raises:
            Corrupted: A signature is not what was signed.
        """
        every = (self.read(signed) for signed in self._repository.signed(unit.rows, unit.project, basis.model, 0))
        asked = self._repository.asked(unit.rows, unit.project, basis.model)
        authors = {one.by: ASKED for one in asked if one.basis == basis and one.withdrawn_at is None}
        newest = self._data.newest(unit.rows, unit.project, basis.subject or "") if basis.schema is not None else None
        charters = self._governance.charters(unit.rows, unit.project, basis.model)
        authors |= {newest.created_by: COMMITTED_DATA} if newest is not None else {}
        authors |= {charter.by: CHARTERED for charter in charters if charter.signing == basis.charter}
        return Standing(
            signatures=tuple(
                one for one in every if (one.basis.phase, one.basis.subject) == (basis.phase, basis.subject)
            ),
            authors=authors,
            login=self._doorkeeper.login(unit.rows),
        )

    def authors(self, unit: Unit, model: str, version: int) -> dict[str, str]:
        """Who made a version -> what they did.

        That is who registered it, who ran what it came from, who registered or started the pipeline that did, and who
        committed code to it since the last version that was signed.
        """
        found = self._models.version(unit.rows, unit.project, model, version)
        if found is None:
            raise NotFound(f"There is no {model}@{version}.", remedy=f"See: modelwright model show {model}")
        made = {found.registered_by: REGISTERED}
        run = self._run(unit, found)
        if run is not None:
            made = self._committers(unit, found, run) | self._piped(unit, run) | {run.started_by: RAN} | made
        return made

    def _run(self, unit: Unit, version: ModelVersion | None) -> Run | None:
        ran = version.manifest.run_id if version else None
        return self._runs.get(unit.rows, unit.project, ran) if ran else None

    def _piped(self, unit: Unit, run: Run) -> dict[str, str]:
        """Who stands behind a run that was a step of a pipeline: a worker carried it out, and is nobody."""
        execution = self._executions.get(unit.rows, unit.project, run.tags.get("execution", ""))
        if execution is None:
            return {}
        made = {execution.queued_by: STARTED}
        if execution.version is not None:
            pipeline = self._pipelines.version(unit.rows, unit.project, execution.pipeline, execution.version)
            made |= {pipeline.registered_by: PIPED} if pipeline else {}
        return made

    def _committers(self, unit: Unit, version: ModelVersion, run: Run) -> dict[str, str]:
        """Whoever the home knows of those who committed what the last version that somebody has approved had not.

        By the two histories, not by dates: a branch may be merged after what it was made before.
        """
        if run.capture.history is None:
            return {}
        approved = self._approved(unit, version)
        earlier = approved.capture.history if approved else None
        known = {commit.id for commit in self._history(earlier)} if earlier else set()
        authors = {commit.author for commit in self._history(run.capture.history) if commit.id not in known}
        return dict.fromkeys(self._addresses.users_of(unit.rows, authors), COMMITTED)

    def _history(self, digest: str) -> tuple[Commit, ...]:
        """What never changes under its digest, read once."""
        if digest not in self._histories:
            if len(self._histories) >= _MOST_HISTORIES:
                self._histories.clear()
            self._histories[digest] = wire.decode(self._blobs.read(digest), History).commits
        return self._histories[digest]

    def _approved(self, unit: Unit, version: ModelVersion) -> Run | None:
        """The run of the newest earlier version that somebody has approved."""
        for signed in self._repository.signed_before(unit.rows, unit.project, version.model, version.version):
            said = self.read(signed)
            if said.says == "approve" and said.revoked_at is None:
                earlier = self._models.version(unit.rows, unit.project, version.model, said.basis.version or 0)
                return self._run(unit, earlier)
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
