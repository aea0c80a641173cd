"""Models, versions, packages, aliases."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Protocol

from msgspec import Meta, Struct
from msgspec.structs import replace

from modelwright.core.errors import Invalid
from modelwright.core.events import Event
from modelwright.core.guard import Decision
from modelwright.core.ids import Digest, Id, Name, Pinned, Ref
from modelwright.core.schema import Contract
from modelwright.core.shown import Shown
from modelwright.core.signing import Envelope
from modelwright.core.wire import described

MANIFEST_TYPE = "application/vnd.modelwright.model-manifest+json"
LATEST = "latest"
CHAMPION = "champion"
"""The alias of the version that production relies on."""

FEATURES = "features.json"
"""The file of a package that holds the version of the feature view whose vectors the model takes."""

Why = Annotated[str, Meta(min_length=1, max_length=2000)]
"""Why, in somebody's words."""

PackagePath = Annotated[
    str,
    described(
        r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,99}(/[A-Za-z0-9][A-Za-z0-9._-]{0,99}){0,4}\Z", "a relative path of plain names"
    ),
]
"""A file's name inside a package: plain names and slashes; no dots lead, nothing climbs."""


class Task(StrEnum):
    """What the model's one output means."""

    BINARY = "binary"
    REGRESSION = "regression"


class Reason(StrEnum):
    """Why a version exists."""

    FIRST = "first"
    NEW_DATA = "new_data"
    DEGRADATION = "degradation"
    NEW_APPROACH = "new_approach"
    NEW_APPLICATION = "new_application"
    ROLLBACK = "rollback"


class PackageFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of a package: its name inside it, and its bytes."""

    path: PackagePath
    digest: Digest
    size: int


class Manifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything a package consists of and comes from. Its digest is the package's, and the home signs it.

    Attributes:
        format: Form of this manifest.
        model: The model it was registered under.
        flavour: How ``flavours`` loads it.
        task: What its output means.
        inputs: The columns it takes.
        files: Its files, by path.
        run_id: The run that made it.
        source: Digest of that run's source snapshot.
        environment: Digest of that run's environment lock.
        data: The dataset versions that run had read.
        features: The feature view whose vectors it takes, if it does; the file ``features.json`` has its definition.
    """

    format: int = 1
    model: Name
    flavour: Name
    task: Task
    inputs: Contract
    files: tuple[PackageFile, ...]
    run_id: Id | None = None
    source: Digest | None = None
    environment: Digest | None = None
    data: tuple[Pinned, ...] = ()
    features: Pinned | None = None

    def file(self, path: str) -> PackageFile:
        """The file of that name.

        Raises:
            Invalid: There is none.
        """
        for file in self.files:
            if file.path == path:
                return file
        raise Invalid(f"The package has no file {path!r}.", remedy=f"It has: {', '.join(f.path for f in self.files)}.")


class Featured(Protocol):
    """A version of a feature view, as a package keeps it: its canonical JSON is the file ``features.json``."""

    @property
    def pinned(self) -> Pinned:
        """Reference and digest."""
        ...

    @property
    def contract(self) -> Contract:
        """What a complete vector looks like."""
        ...


class ModelVersion(Shown, frozen=True, kw_only=True):
    """One immutable version of a model.

    Attributes:
        model: Its name.
        version: Its number, from 1.
        package: Digest of its manifest: what evidence and signatures are about.
        manifest: What it consists of.
        size_bytes: Of all files together.
        reason: Why it exists.
        note: The author's words.
        registered_at: Wall clock.
        registered_by: Who, opaque.
        aliases: The aliases that point at it now, sorted.
    """

    model: Name
    version: int
    package: Digest
    manifest: Manifest
    size_bytes: int
    reason: Reason
    note: str = ""
    registered_at: datetime
    registered_by: str
    aliases: tuple[str, ...] = ()

    @property
    def ref(self) -> str:
        """``name@version``."""
        return f"{self.model}@{self.version}"

    def __str__(self) -> str:
        pointing = f"  ({', '.join(self.aliases)})" if self.aliases else ""
        return f"{self.ref}{pointing}  {self.manifest.flavour}  {self.size_bytes:,} bytes  package {self.package[:6]}…"


class Package(Struct, frozen=True, kw_only=True):
    """A version's package as a loader needs it: what it should be, and who says so."""

    ref: Ref
    digest: Digest
    manifest: Manifest
    signed: Envelope


class ModelRetirement(Shown, frozen=True, kw_only=True):
    """That nobody relies on a model any more: it gets no versions, and none of its versions goes anywhere.

    Attributes:
        model: The model.
        policy: Digest of the policy that let it be retired.
        reason: Why, in the words of whoever did it.
        at: Wall clock.
        by: Who did it, opaque.
    """

    model: Name
    policy: Digest
    reason: str
    at: datetime
    by: str

    def __str__(self) -> str:
        return f"{self.model} was retired on {self.at:%Y-%m-%d}: {self.reason}"


class ModelRetiring(Shown, frozen=True, kw_only=True):
    """The outcome of an attempt to retire a model.

    Attributes:
        decision: The guard's.
        retirement: What is on record; none if the guard refused.
    """

    decision: Decision
    retirement: ModelRetirement | None


class Model(Shown, frozen=True, kw_only=True):
    """A model: a name that versions share.

    Attributes:
        name: Its name.
        versions: How many it has.
        latest: The newest one's number.
        aliases: Alias -> version number.
        updated_at: When the newest version was registered.
        retired: That nobody relies on it any more, if it was retired.
    """

    name: Name
    versions: int
    latest: int
    aliases: dict[str, int]
    updated_at: datetime
    retired: ModelRetirement | None = None


class VersionRegistered(Event, frozen=True, kw_only=True, tag="models.version_registered"):
    """A version came to be."""

    model: Name
    version: int
    package: Digest
    flavour: Name
    run_id: Id | None
    data: tuple[Pinned, ...]
    source: Digest | None
    reason: Reason
    features: Pinned | None = None


class ModelRetired(Event, frozen=True, kw_only=True, tag="models.retired"):
    """Nobody relies on a model any more. The words are kept beside the ledger."""

    model: Name
    policy: Digest


class ModelReinstated(Event, frozen=True, kw_only=True, tag="models.reinstated"):
    """A retired model may be relied on again."""

    model: Name


class AliasMoved(Event, frozen=True, kw_only=True, tag="models.alias_moved"):
    """An alias points somewhere else now."""

    model: Name
    alias: Name
    version: int
    previous: int | None
    package: Digest
    policy: Digest
    reason: str


def check_alias(alias: str) -> None:
    """Refuse aliases that would read as something else.

    Raises:
        Invalid: ``latest``, which every model has, or a number, which is a version.
    """
    if alias == LATEST or alias.isdigit():
        raise Invalid(
            f"{alias!r} cannot be an alias: it already means a version.",
            remedy="Take a word, e.g. champion.",
            fields={"alias": "is reserved"},
        )


def loosened(contract: Contract, nullable: Sequence[str]) -> Contract:
    """The contract with some columns allowed to be missing.

    Raises:
        Invalid: It has no such column.
    """
    unknown = set(nullable) - set(contract.names)
    if unknown:
        raise Invalid(f"The contract has no columns {', '.join(sorted(unknown))}.", fields={"nullable": "unknown"})
    return Contract(
        columns=tuple(
            replace(column, nullable=column.nullable or column.name in nullable) for column in contract.columns
        )
    )
