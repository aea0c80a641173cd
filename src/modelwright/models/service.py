"""The registry's use cases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from modelwright.core import wire
from modelwright.core.errors import Conflict, Invalid, NotFound
from modelwright.core.guard import Action, Decision, Guard, Transition, no_guard
from modelwright.core.ids import Id, Name, Pinned, Ref, parse_ref
from modelwright.core.operation import Download, Page, Service, limited, operation, paged, position
from modelwright.core.schema import Contract
from modelwright.core.unit import Unit
from modelwright.models.model import (
    FEATURES,
    LATEST,
    MANIFEST_TYPE,
    AliasMoved,
    Manifest,
    Model,
    ModelReinstated,
    ModelRetired,
    ModelRetirement,
    ModelRetiring,
    ModelVersion,
    Package,
    PackageFile,
    PackagePath,
    Reason,
    Task,
    VersionRegistered,
    Why,
    check_alias,
)

if TYPE_CHECKING:  # weight: SQLAlchemy and cryptography, which a remote client does without
    from modelwright.models.repository import ModelRepository
    from modelwright.store.keys import Keys
    from modelwright.store.ports import Blobs
    from modelwright.tracking.service import RunService


Admit = Callable[[Unit, Manifest], None]
"""Lets a fresh version in, or raises ``Refused``."""


def _everything(_unit: Unit, _manifest: Manifest) -> None:
    """Where nobody decides what is worth making."""


class ModelService(Service):
    """Register versions, find them, move aliases through the guard.

    Args:
        repository: Versions and aliases.
        blobs: The bytes of packages.
        keys: Signs them.
        runs: What a run says of a version.
        guard: Decides each move.
        relying: The endpoints that answer with a model, or have it in their shadow.
    """

    noun = "models"

    def __init__(
        self,
        repository: ModelRepository,
        *,
        blobs: Blobs,
        keys: Keys,
        runs: RunService,
        guard: Guard = no_guard,
        admit: Admit = _everything,
        relying: Callable[[Unit, str], Sequence[str]] = lambda *_: (),
    ) -> None:
        self._repository = repository
        self._blobs = blobs
        self._keys = keys
        self._runs = runs
        self._guard = guard
        self._admit = admit
        self._relying = relying

    @operation(permission="models:write", kind="command")
    def register(
        self,
        unit: Unit,
        name: Name,
        flavour: Name,
        task: Task,
        inputs: Contract,
        files: tuple[PackageFile, ...],
        run_id: Id | None = None,
        reason: Reason | None = None,
        note: str = "",
        features: Pinned | None = None,
    ) -> ModelVersion:
        """Register a package as the model's next version; the very same package is the version it already is.

        Args:
            unit: The unit of work.
            name: The model; made with its first version.
            flavour: How to load it, a name on the flavours shelf.
            task: What its output means.
            inputs: The columns it takes.
            files: Its files, whose bytes have been sent ahead.
            run_id: The run that made it; its data, source and environment become part of the signed manifest.
            reason: Why this version exists; by default ``first`` or ``new_data``.
            note: Your words about it, at most 10,000 characters.
            features: The feature view whose vectors it takes; the file ``features.json`` has its definition.

        Raises:
            Invalid: A file's bytes are not there, or not of the size said.
            NotFound: There is no such run.
            Refused: It was decided that the model is to stop, or to go on without machine learning.
            Refused: People must sign first: the charter, the use of the data it learnt from, that training may begin.
        """
        if len(note) > 10_000:
            raise Invalid(f"The note has {len(note)} characters, not at most 10,000.", fields={"note": "too long"})
        self._check(files)
        by_path = tuple(sorted(files, key=lambda file: file.path))
        manifest = self._manifest(
            unit,
            Manifest(model=name, flavour=flavour, task=task, inputs=inputs, files=by_path, features=features),
            run_id,
        )
        if features is not None:
            manifest.file(FEATURES)
        package = wire.digest(manifest)
        known = self._repository.by_package(unit.rows, unit.project, name, package)
        if known is not None:
            return known
        self._admit(unit, manifest)
        number = self._repository.next_version(unit.rows, unit.project, name)
        self._guard(
            unit,
            Transition(
                action=Action.REGISTER, model=name, version=number, package=package, target=name, data=manifest.data
            ),
        ).stand()
        version = ModelVersion(
            model=name,
            version=number,
            package=package,
            manifest=manifest,
            size_bytes=sum(file.size for file in files),
            reason=reason or (Reason.FIRST if number == 1 else Reason.NEW_DATA),
            note=note,
            registered_at=unit.now,
            registered_by=unit.actor.id,
        )
        self._repository.add(unit.rows, unit.project, version, self._keys.sign(wire.canonical(manifest), MANIFEST_TYPE))
        unit.emit(
            VersionRegistered(
                model=name,
                version=number,
                package=package,
                flavour=flavour,
                run_id=run_id,
                data=manifest.data,
                source=manifest.source,
                reason=version.reason,
                features=features,
            )
        )
        return version

    @operation(permission="models:read", kind="query")
    def get(self, unit: Unit, ref: Ref) -> ModelVersion:
        """One version, by number or alias.

        Args:
            unit: The unit of work.
            ref: ``name@3``, ``name@champion`` or ``name@latest``.

        Raises:
            NotFound: There is no such model, version or alias.
        """
        return self._resolve(unit, ref)

    @operation(permission="models:read", kind="query")
    def list(self, unit: Unit, limit: int = 100, after: str = "") -> Page[Model]:
        """Models, by name.

        Args:
            unit: The unit of work.
            limit: Models a page, 1 to 1,000.
            after: ``next`` of the page before.
        """
        found = self._repository.models(unit.rows, unit.project, after=after, limit=limited(limit) + 1)
        return paged(found, limit, lambda model: model.name)

    @operation(permission="models:read", kind="query")
    def versions(self, unit: Unit, name: Name, limit: int = 100, after: str | None = None) -> Page[ModelVersion]:
        """A model's versions, newest first.

        Args:
            unit: The unit of work.
            name: The model.
            limit: Versions a page, 1 to 1,000.
            after: ``next`` of the page before.

        Raises:
            NotFound: There is no such model.
        """
        before = position(after)
        found = self._repository.newest(unit.rows, unit.project, name, before=before, limit=limited(limit) + 1)
        if not found and after is None:
            raise _no_model(name)
        return paged(found, limit, lambda version: version.version)

    @operation(permission="models:write", kind="command")
    def set_alias(self, unit: Unit, ref: Ref, alias: Name, reason: str = "") -> Decision:
        """Ask the guard to let an alias point at a version; the alias moves if every gate passes.

        Args:
            unit: The unit of work.
            ref: The version.
            alias: The alias, e.g. ``champion``.
            reason: Why, for the record.

        Returns:
            The guard's decision; nothing moved unless it is allowed. ``decision.require()`` makes a refusal an error.
        """
        check_alias(alias)
        version = self._resolve(unit, ref)
        previous = self._repository.aliased(unit.rows, unit.project, version.model, alias)
        decision = self._guard(
            unit,
            Transition(
                action=Action.SET_ALIAS,
                model=version.model,
                version=version.version,
                package=version.package,
                target=alias,
                replaces=previous,
            ),
        )
        if decision.allowed and previous != version.version:
            self._repository.point(unit.rows, unit.project, version.model, alias, version.version)
            unit.emit(
                AliasMoved(
                    model=version.model,
                    alias=alias,
                    version=version.version,
                    previous=previous,
                    package=version.package,
                    policy=decision.policy,
                    reason=reason,
                )
            )
        return decision

    @operation(permission="models:write", kind="command")
    def retire(self, unit: Unit, name: Name, reason: Why) -> ModelRetiring:
        """Ask the guard to let nobody rely on a model any more: no new versions, no aliases, no deployments.

        What there is stays readable, aliases where they point. It can be undone: ``reinstate``.

        Args:
            unit: The unit of work.
            name: The model.
            reason: Why.

        Raises:
            NotFound: There is no such model.
            Conflict: Endpoints answer with it, or it was retired before.
        """
        version = self._resolve(unit, f"{name}@{LATEST}")
        if self.retirement(unit, name) is not None:
            raise Conflict(f"{name} is retired already.", remedy=f"Undo it: modelwright model reinstate {name}")
        relying = self._relying(unit, name)
        if relying:
            raise Conflict(
                f"{', '.join(relying)} {'answers' if len(relying) == 1 else 'answer'} with {name}.",
                remedy=f"Retire what relies on it first: modelwright endpoint retire {relying[0]} --reason WHY",
            )
        decision = self._guard(
            unit,
            Transition(
                action=Action.RETIRE_MODEL,
                model=name,
                version=version.version,
                package=version.package,
                target=name,
            ),
        )
        if not decision.allowed:
            return ModelRetiring(decision=decision, retirement=None)
        retirement = ModelRetirement(model=name, policy=decision.policy, reason=reason, at=unit.now, by=unit.actor.id)
        self._repository.retire(unit.rows, unit.project, retirement)
        unit.emit(ModelRetired(model=name, policy=decision.policy))
        return ModelRetiring(decision=decision, retirement=retirement)

    @operation(permission="models:write", kind="command")
    def reinstate(self, unit: Unit, name: Name) -> ModelVersion:
        """Let a retired model be relied on again, gates and all.

        Args:
            unit: The unit of work.
            name: The model.

        Returns:
            Its newest version.

        Raises:
            Conflict: It is not retired.
        """
        version = self._resolve(unit, f"{name}@{LATEST}")
        if self.retirement(unit, name) is None:
            raise Conflict(f"{name} is not retired.", remedy=f"See: modelwright model list {name}")
        self._repository.reinstate(unit.rows, unit.project, name)
        unit.emit(ModelReinstated(model=name))
        return version

    @operation(permission="models:read", kind="query")
    def retirement(self, unit: Unit, name: Name) -> ModelRetirement | None:
        """That a model is retired, and why; none while it is relied on.

        Args:
            unit: The unit of work.
            name: The model.
        """
        return self._repository.retired(unit.rows, unit.project, [name]).get(name)

    @operation(permission="models:read", kind="query")
    def package(self, unit: Unit, ref: Ref) -> Package:
        """What a version's package should be, signed by the home.

        Args:
            unit: The unit of work.
            ref: The version.
        """
        version = self._resolve(unit, ref)
        signed = self._repository.signed(unit.rows, unit.project, version.model, version.version)
        if signed is None:
            raise NotFound(f"{version.ref} has no signed manifest.")
        return Package(ref=version.ref, digest=version.package, manifest=version.manifest, signed=signed)

    @operation(permission="models:read", kind="query")
    def signer(self, unit: Unit) -> str:
        """The public key that signs this home's packages: Ed25519, 32 bytes in hex."""
        return self._keys.public.hex()

    @operation(permission="models:read", kind="query")
    def download(self, unit: Unit, ref: Ref, path: PackagePath) -> Download:
        """One file of a version's package.

        Args:
            unit: The unit of work.
            ref: The version.
            path: The file's name inside the package.
        """
        file = self._resolve(unit, ref).manifest.file(path)
        return Download(digest=file.digest, size=file.size, filename=path.rpartition("/")[2])

    def _resolve(self, unit: Unit, ref: str) -> ModelVersion:
        wanted = parse_ref(ref, what="model version")
        number = wanted.version
        if wanted.alias == LATEST:
            newest = self._repository.newest(unit.rows, unit.project, wanted.name, before=None, limit=1)
            if not newest:
                raise _no_model(wanted.name)
            return newest[0]
        if wanted.alias is not None:
            number = self._repository.aliased(unit.rows, unit.project, wanted.name, wanted.alias)
        found = number and self._repository.version(unit.rows, unit.project, wanted.name, number)
        if not found:
            raise NotFound(f"There is no {wanted}.", remedy=f"See what there is: modelwright model list {wanted.name}")
        return found

    def _check(self, files: tuple[PackageFile, ...]) -> None:
        paths = [file.path for file in files]
        if not 1 <= len(files) <= 1000 or len(set(paths)) != len(paths):
            raise Invalid(f"A package has 1 to 1,000 files with different names, not {len(files)}.")
        for file in files:
            if self._blobs.missing([file.digest]) or self._blobs.size(file.digest) != file.size:
                raise Invalid(
                    f"The bytes of {file.path} ({file.digest[:12]}…, {file.size} bytes) are not there.",
                    remedy="Send the file ahead; ws.models.save does.",
                    fields={"files": f"{file.path} has not been sent"},
                )

    def _manifest(self, unit: Unit, bare: Manifest, run_id: str | None) -> Manifest:
        from msgspec.structs import replace

        if run_id is None:
            return bare
        run = self._runs.get(unit, run_id)
        return replace(
            bare,
            run_id=run_id,
            source=run.capture.source,
            environment=run.capture.environment,
            data=run.reads,
        )


def _no_model(name: str) -> NotFound:
    return NotFound(f"There is no model {name!r}.", remedy="See what there is: modelwright model list")
