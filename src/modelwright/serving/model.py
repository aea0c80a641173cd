"""What is served: routes, the table of them, and what workers say they have loaded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from types import MappingProxyType

from msgspec import Struct

from modelwright.core.errors import NotFound
from modelwright.core.ids import Digest, Name
from modelwright.core.schema import Contract


class PackageFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of a model's package.

    Attributes:
        path: Its place in the package: relative, with ``/``, never upward.
        digest: SHA-256 of its bytes, which is its name among the blobs.
        size: The number of its bytes.
    """

    path: str
    digest: Digest
    size: int

    def __post_init__(self) -> None:
        parts = self.path.split("/")
        if "\\" in self.path or "\0" in self.path or any(part in {"", ".", ".."} for part in parts):
            raise ValueError(f"{self.path[:80]!r} is not a path inside a package")


class Route(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one endpoint answers with.

    Attributes:
        endpoint: Its name; clients of the Open Inference Protocol know it as the model's name.
        model: The registered model.
        version: The version that answers.
        package: Digest of that version's package, as evidence and lineage name it.
        manifest: Digest of the manifest's bytes among the blobs.
        files: The package's files.
        inputs: What a row must look like.
        since: When the endpoint began to answer with this version.
    """

    endpoint: Name
    model: Name
    version: int
    package: Digest
    manifest: Digest
    files: tuple[PackageFile, ...]
    inputs: Contract
    since: datetime


class RouteTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """Every route of a home at one moment. A later table replaces the whole of an earlier one.

    Attributes:
        generation: Grows by one with every change; a rollback is a change too.
        routes: The routes, one per endpoint.
    """

    generation: int
    routes: tuple[Route, ...]

    def __post_init__(self) -> None:
        if self.generation < 1:
            raise ValueError(f"generation {self.generation} is not positive")
        if len(self.by_endpoint) != len(self.routes):
            raise ValueError("an endpoint has two routes")

    @cached_property
    def by_endpoint(self) -> Mapping[str, Route]:
        """Endpoint -> its route."""
        return MappingProxyType({route.endpoint: route for route in self.routes})

    def lookup(self, endpoint: str) -> Route:
        """The route of an endpoint.

        Raises:
            NotFound: It is not deployed.
        """
        route = self.by_endpoint.get(endpoint)
        if route is None:
            raise NotFound(
                f"There is no endpoint {endpoint[:128]!r}.",
                remedy=f"Deployed are: {', '.join(sorted(self.by_endpoint)) or 'none yet'}.",
            )
        return route


class Acknowledgement(Struct, frozen=True, kw_only=True):
    """What a worker last said of itself.

    Attributes:
        worker: The worker's name.
        pid: Its process.
        generation: The generation it answers with; 0 before the first.
        routes: Endpoint -> digest of the package it answers with.
        error: Why a newer generation is not loaded; none when all is well.
        at: When it said so; older than a few seconds means that it is gone or stuck.
    """

    worker: Name
    pid: int
    generation: int
    routes: dict[str, Digest]
    error: str | None
    at: datetime
