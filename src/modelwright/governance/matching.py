"""Which evidence counts: about these very bytes, under the charter in force, on one set of rows, and not too old."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from modelwright.core.clock import duration
from modelwright.core.guard import Transition
from modelwright.core.ids import parse_ref
from modelwright.governance.charter import CharterVersion
from modelwright.governance.gates.base import evaluate_command
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
    """

    transition: Transition
    charter: CharterVersion
    evidence: tuple[Evidence, ...]
    now: datetime
    earlier: CharterVersion | None = None
    register: Standing | None = None


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


def newest(found: Sequence[Evidence], now: datetime) -> dict[Kind, Evidence]:
    """The newest unexpired evidence of each kind, all on the rows of the newest evaluation.

    Without an evaluation nothing counts: a contract checked on some rows says nothing about a KPI reached on others.
    """
    live = [evidence for evidence in found if evidence.expires_at is None or evidence.expires_at > now]
    ordered = sorted(live, key=lambda evidence: (evidence.made_at, evidence.digest), reverse=True)
    anchor = next((evidence for evidence in ordered if evidence.kind is Kind.EVALUATION), None)
    if anchor is None:
        return {}
    chosen: dict[Kind, Evidence] = {}
    for evidence in ordered:
        if same_rows(evidence, anchor):
            chosen.setdefault(evidence.kind, evidence)
    return _coherent(chosen, anchor)


def _coherent(chosen: dict[Kind, Evidence], anchor: Evidence) -> dict[Kind, Evidence]:
    """Drop what was computed from other scores than the newest evaluation's: it was made before these scores came."""
    for kind in (Kind.COMPARISON, Kind.EFFECT, Kind.RISKS):
        if kind in chosen and chosen[kind].made_at < anchor.made_at:
            del chosen[kind]
    return chosen


def same_rows(one: Evidence, other: Evidence) -> bool:
    """Whether two are about the same rows of the same bytes."""
    return one.dataset.digest == other.dataset.digest and one.window == other.window


def fresh(chosen: Mapping[Kind, Evidence], rule: Rule, now: datetime) -> dict[Kind, Evidence]:
    """What a rule does not find too old."""
    if rule.evidence_max_age is None:
        return dict(chosen)
    oldest = now - duration(rule.evidence_max_age)
    return {kind: evidence for kind, evidence in chosen.items() if evidence.made_at > oldest}


def absence(kind: Kind, rule: Rule, matter: Matter) -> tuple[str, str]:
    """Why there is no evidence of a kind that counts, and what to do."""
    transition, charter, found, now = matter.transition, matter.charter, matter.evidence, matter.now
    ref = f"{transition.model}@{transition.version}"
    of_kind = sorted((each for each in found if each.kind is kind), key=lambda each: each.made_at)
    mine = bound(transition, charter, of_kind)
    chosen = newest(bound(transition, charter, found), now)
    anchor = chosen.get(Kind.EVALUATION)
    remedy = f"Run: {evaluate_command(ref, anchor)}"
    if kind in (Kind.COMPARISON, Kind.RISKS):
        return _no_comparison(ref, charter, anchor) if kind is Kind.COMPARISON else _no_count(ref, matter.register)
    if not of_kind:
        return f"There is no {kind}{' check' if kind is Kind.CONTRACT else ''} of {ref}.", remedy
    if not mine:
        last = of_kind[-1]
        if last.package == transition.package and last.charter != charter.judging:
            reason = (
                f"The {kind} of {last.made_at:%Y-%m-%d} was made under another charter; charter {charter.version} was "
                f"published on {charter.published_at:%Y-%m-%d}."
            )
            return reason, remedy
        return f"The {kind} of {last.made_at:%Y-%m-%d} is about other bytes or another dataset.", remedy
    if kind not in chosen:
        return f"No unexpired {kind} of {ref} is about the rows of its newest evaluation.", remedy
    age = now - chosen[kind].made_at
    return f"The {kind} is {age.days} days old, and the policy accepts {rule.evidence_max_age}.", remedy


def _no_comparison(ref: str, charter: CharterVersion, anchor: Evidence | None) -> tuple[str, str]:
    baseline = charter.charter.baseline
    if baseline is None:
        return (
            "The charter names no baseline to beat.",
            "Register a heuristic, name it as `baseline` in charter.yaml, publish it and evaluate both.",
        )
    return (
        f"{ref} has not been compared with {baseline} on the rows of its newest evaluation, or too long ago.",
        f"Run: {evaluate_command(f'{baseline}@latest', anchor)}, then: {evaluate_command(ref, anchor)}",
    )


def _no_count(ref: str, register: Standing | None) -> tuple[str, str]:
    if register is None:
        model = ref.partition("@")[0]
        remedy = "Write down what can go wrong, and run: modelwright risk publish risks.yaml"
        return f"{model} has no risk register.", remedy
    return (
        f"The situations of its risks were not counted on the rows of {ref}'s newest evaluation, or too long ago.",
        f"Run: modelwright risk count {ref}",
    )
