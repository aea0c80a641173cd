"""Two versions side by side, of which one was made again from the other's record. Pure: records in, a value out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from modelwright.core import wire
from modelwright.core.errors import Error, Invalid
from modelwright.core.ids import Digest, Id, Pinned
from modelwright.core.source import SourceSnapshot
from modelwright.core.unit import Unit
from modelwright.governance.checks.model import Ingredient, Reproduction
from modelwright.models.model import Manifest, ModelVersion

if TYPE_CHECKING:  # weight: numpy
    from modelwright.governance.evaluation import Floats
    from modelwright.governance.model import Evidence

_DESCRIPTION, _PACKAGED_AT = "MLmodel", b"utc_time_created:"
_SURROUNDINGS = frozenset({"requirements.txt", "python_env.yaml"})
_DESCRIBED = ("flavour", "task", "inputs", "features")
"""What a manifest says of the model itself, beside its files."""


class Making(Struct, frozen=True, kw_only=True):
    """What is on record about how a version was made; none where something is not.

    Attributes:
        maker: Who: who started its execution, else its run; without a run who registered it. Opaque.
        data: The dataset versions that were read.
        source: Digest of the source snapshot.
        parameters: The run's, and those of the execution it was a step of.
        seeds: Seeds in force, by generator.
        environment: Digest of the environment lock.
        execution: The execution that it came out of.
        pipeline: That execution's, with the digest of its version's definition where it is a registered one.
    """

    maker: str
    data: tuple[Pinned, ...] | None = None
    source: Digest | None = None
    parameters: Mapping[str, object] | None = None
    seeds: Mapping[str, int] | None = None
    environment: Digest | None = None
    execution: Id | None = None
    pipeline: str | None = None


Makings = Callable[[Unit, ModelVersion], Making]
"""Says what is on record about how a version was made."""


def check_comparable(version: ModelVersion, other: ModelVersion) -> None:
    """Refuse what cannot have been made again.

    Raises:
        Invalid: It is the version itself, came out of the same run, or answers another kind of question.
    """
    problem = ""
    if other.ref == version.ref:
        problem = "is the version itself"
    elif other.manifest.run_id is not None and other.manifest.run_id == version.manifest.run_id:
        problem = f"came out of the same run as {version.ref}"
    elif other.manifest.task is not version.manifest.task:
        problem = f"is a {other.manifest.task} model, and {version.ref} a {version.manifest.task} model"
    if problem:
        raise Invalid(
            f"{other.ref} {problem}.",
            remedy=f"Run the script or pipeline that made {version.ref} again, and give the version that comes of it.",
            fields={"remade": problem},
        )


def reproduced(
    versions: tuple[ModelVersion, ModelVersion],
    makings: tuple[Making, Making],
    scored: Sequence[tuple[Evidence, Floats]],
    read: Callable[[str], bytes],
) -> Reproduction:
    """A version beside one that was made again.

    Args:
        versions: The version, and the other.
        makings: How each was made.
        scored: The evaluation of each on the same rows, with its scores.
        read: Bytes by digest.
    """
    import numpy as np  # weight: 0.1 s

    (version, other), (mine, its) = versions, makings
    (evaluated, given), (evaluation, found) = scored
    differences = np.abs(found - given) / np.maximum(1.0, np.abs(given))
    return Reproduction(
        remade=other.ref,
        remade_package=other.package,
        execution=its.execution,
        maker=mine.maker,
        remaker=its.maker,
        made_of=made_of(mine, its, read),
        differing=differing(version.manifest, other.manifest, read),
        scores=getattr(evaluated.values, "scores", ""),
        evaluation=evaluation.digest,
        largest=float(differences.max()),
        n=len(given),
    )


def made_of(mine: Making, its: Making, read: Callable[[str], bytes]) -> dict[Ingredient, bool | None]:
    """Whether two versions were made of the same, as far as that is on record.

    Of the source every file of the first must be in the other unchanged; more files, such as a notebook beside it, are
    no other source.
    """
    found: dict[Ingredient, bool | None] = {
        "data": _same(_pins(mine.data), _pins(its.data)),
        "source": _same_source(mine.source, its.source, read),
        "parameters": _same(mine.parameters, its.parameters),
        "seeds": _same(mine.seeds, its.seeds),
        "environment": _same(mine.environment, its.environment),
    }
    if mine.pipeline is not None or its.pipeline is not None:
        found["pipeline"] = mine.pipeline == its.pipeline
    return found


def differing(mine: Manifest, its: Manifest, read: Callable[[str], bytes]) -> tuple[str, ...]:
    """The parts of two packages that are not the same, whenever and wherever they were packaged."""
    said = [what for what in _DESCRIBED if getattr(mine, what) != getattr(its, what)]
    files = [{file.path: file.digest for file in each.files if file.path not in _SURROUNDINGS} for each in (mine, its)]
    for path in sorted(files[0].keys() | files[1].keys()):
        one, other = files[0].get(path), files[1].get(path)
        if one != other and not (
            one and other and path == _DESCRIPTION and _timeless(read, one) == _timeless(read, other)
        ):
            said.append(path)
    return tuple(said)


def _timeless(read: Callable[[str], bytes], digest: str) -> list[bytes]:
    """The lines of a package's description but the one that says when it was packaged; nothing parses them."""
    return [line for line in read(digest).splitlines() if not line.startswith(_PACKAGED_AT)]


def _same_source(mine: Digest | None, its: Digest | None, read: Callable[[str], bytes]) -> bool | None:
    if mine is None or its is None or mine == its:
        return _same(mine, its)
    try:
        kept, found = (
            {(file.path, file.digest) for file in wire.decode(read(each), SourceSnapshot).files} for each in (mine, its)
        )
    except Error:  # the snapshots are not there, or are something else: all that is known is that they differ
        return False
    return kept <= found


def _pins(data: tuple[Pinned, ...] | None) -> frozenset[str] | None:
    return None if data is None else frozenset(each.digest for each in data)


def _same(one: object, other: object) -> bool | None:
    return None if one is None or other is None else one == other
