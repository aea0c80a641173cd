"""The change report: what a version is, how it was judged, and what differs from the version it would replace.

Every number in it is copied from evidence or from a manifest, and stands beside the digest of where it is from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from modelwright.core.guard import Decision
from modelwright.governance.model import Comparison, ContractCheck, Evaluation, Evidence, Explanation
from modelwright.models.model import CHAMPION, ModelVersion

_SLICES = 5
_IMPORTANCES = 8


class Judged(Struct, frozen=True, kw_only=True):
    """A version and what was found about it.

    Attributes:
        version: The version.
        evidence: What counts, newest first.
    """

    version: ModelVersion
    evidence: tuple[Evidence, ...]


def change_report(new: Judged, decision: Decision, old: Judged | None) -> str:
    """The report in Markdown.

    Args:
        new: The version that was trained.
        decision: What the gates say of it.
        old: The version in production, if there is one.
    """
    return "\n".join(_lines(new, decision, old)) + "\n"


def _lines(new: Judged, decision: Decision, old: Judged | None) -> Iterator[str]:
    version, manifest = new.version, new.version.manifest
    yield f"# {version.ref}"
    yield ""
    yield f"Registered {version.registered_at:%Y-%m-%d %H:%M}Z, package `{version.package}`. {_standing(version, old)}"
    yield ""
    yield "## Origin"
    yield ""
    yield f"- Run `{manifest.run_id or 'none'}`, source `{manifest.source or 'none'}`."
    yield from (f"- Read {read.ref}, `{read.digest}`." for read in manifest.data)
    yield from _inputs(version, old.version if old else None)
    yield ""
    yield "## Found"
    yield ""
    for evidence in _newest(new.evidence):
        yield from _found(evidence)
    if old is not None:
        yield ""
        yield f"## {old.version.ref}, for comparison"
        yield ""
        yield "On its own rows, so the two differ in season and not only in quality."
        yield ""
        for evidence in _newest(old.evidence):
            if isinstance(evidence.values, Evaluation):
                yield from _found(evidence)
    yield ""
    yield f"## Gates: {'passed' if decision.allowed else 'not passed'}"
    yield ""
    yield f"Tier {decision.tier}, policy `{decision.policy}`."
    yield ""
    yield from (f"- {gate.verdict} {gate.gate}: {gate.reason}" for gate in decision.gates)


def _standing(version: ModelVersion, old: Judged | None) -> str:
    if CHAMPION in version.aliases:
        return f"It is the {CHAMPION}."
    return f"It would replace {old.version.ref}." if old else f"There is no {CHAMPION} yet."


def _inputs(new: ModelVersion, old: ModelVersion | None) -> Iterator[str]:
    names = new.manifest.inputs.names
    yield f"- {len(names)} inputs: {', '.join(names)}."
    if old is not None:
        before = old.manifest.inputs.names
        yield from _named("Not taken by", old, [name for name in names if name not in before])
        yield from _named("No longer taken, unlike by", old, [name for name in before if name not in names])


def _named(words: str, version: ModelVersion, names: Sequence[str]) -> Iterator[str]:
    if names:
        yield f"- {words} {version.ref}: {', '.join(names)}."


def _newest(evidence: Iterable[Evidence]) -> list[Evidence]:
    """The newest of each kind, in the order of the kinds."""
    found: dict[str, Evidence] = {}
    for each in evidence:  # newest first
        found.setdefault(each.kind, each)
    return [found[kind] for kind in sorted(found)]


def _found(evidence: Evidence) -> Iterator[str]:
    yield f"- {evidence.summary}, {evidence.window}. Evidence `{evidence.digest}`."
    match evidence.values:
        case Evaluation(slices=slices):
            for one in slices[:_SLICES]:  # the largest first
                yield f"  - {one.column} = {one.value}: {one.interval or one.reason}, {one.n:,} rows"
        case Explanation(importances=importances):
            for importance in importances[:_IMPORTANCES]:
                yield f"  - {importance.column}: {importance.drop}"
        case ContractCheck(violations=violations):
            yield from (f"  - {violation}" for violation in violations)
        case Comparison():
            return
