"""Which evidence counts: about these very bytes, under the charter in force, on one set of rows, and not too old."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from modelwright.core.clock import duration
from modelwright.core.guard import Transition
from modelwright.core.ids import parse_ref
from modelwright.governance.charter import CharterVersion
from modelwright.governance.checks.relying import Relied
from modelwright.governance.model import Evidence, Kind, Rule
from modelwright.risks.model import Standing


class Matter(Struct, frozen=True, kw_only=True):
    """What is to be decided, and everything on record about it.

    Attributes:
        transition: What somebody wants to move.
        charter: The charter in force.
        evidence: All evidence of the model's version, whatever it is about.
        now: The wall clock.
        earlier: The newest charter with another KPI or label under which results were already seen, if any.
        register: The model's risk register as it stands now, if it has one.
        relied: What the target relies on now, if anything.
    """

    transition: Transition
    charter: CharterVersion
    evidence: tuple[Evidence, ...]
    now: datetime
    earlier: CharterVersion | None = None
    register: Standing | None = None
    relied: Relied | None = None


def bound(transition: Transition, charter: CharterVersion, found: Sequence[Evidence]) -> list[Evidence]:
    """The evidence about a version's package under a charter, on rows of the charter's dataset.

    The digests decide; a name and a number alone bind nothing.
    """
    dataset = charter.charter.label.dataset
    return [
        evidence
        for evidence in found
        if (evidence.model, evidence.version, evidence.package)
        == (transition.model, transition.version, transition.package)
        and evidence.charter == charter.judging
        and (dataset is None or parse_ref(evidence.dataset.ref).name == dataset)
    ]


def newest(found: Sequence[Evidence], now: datetime) -> dict[str, Evidence]:
    """The newest unexpired evidence of each kind, all on the rows of the newest evaluation.

    Without an evaluation nothing counts: a contract checked on some rows says nothing about a KPI reached on others.
    """
    live = [evidence for evidence in found if evidence.expires_at is None or evidence.expires_at > now]
    ordered = sorted(live, key=lambda evidence: (evidence.made_at, evidence.digest), reverse=True)
    anchor = next((evidence for evidence in ordered if evidence.kind is Kind.EVALUATION), None)
    if anchor is None:
        return {}
    chosen: dict[str, Evidence] = {}
    for evidence in ordered:
        if same_rows(evidence, anchor):
            chosen.setdefault(evidence.slot, evidence)
    return _coherent(chosen, anchor)


def _coherent(chosen: dict[str, Evidence], anchor: Evidence) -> dict[str, Evidence]:
    """Drop what was computed from other scores than the newest evaluation's: it was made before these scores came."""
    for kind in (Kind.COMPARISON, Kind.EFFECT, Kind.RISKS, Kind.DOCUMENTS):
        if kind in chosen and chosen[kind].made_at < anchor.made_at:
            del chosen[kind]
    scores = getattr(anchor.values, "scores", None)
    return {kind: found for kind, found in chosen.items() if getattr(found.values, "scores", scores) == scores}


def same_rows(one: Evidence, other: Evidence) -> bool:
    """Whether two are about the same rows of the same bytes."""
    return one.dataset.digest == other.dataset.digest and one.window == other.window


def fresh(chosen: Mapping[str, Evidence], rule: Rule, now: datetime) -> dict[str, Evidence]:
    """What a rule does not find too old."""
    if rule.evidence_max_age is None:
        return dict(chosen)
    oldest = now - duration(rule.evidence_max_age)
    return {kind: evidence for kind, evidence in chosen.items() if evidence.made_at > oldest}
