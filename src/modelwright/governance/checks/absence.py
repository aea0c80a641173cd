"""Why there is no evidence that counts, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from modelwright.governance.charter import CharterVersion
from modelwright.governance.checks.relying import Relied
from modelwright.governance.gates.base import check_command, document_command, evaluate_command
from modelwright.governance.matching import Matter, bound, newest
from modelwright.governance.model import Evidence, Kind, Rule
from modelwright.risks.model import Standing

_ASKED: Mapping[str, str] = {Kind.GROUPS: "--slice COLUMN", Kind.LATENCY: "--latency", Kind.ROBUSTNESS: "--robustness"}
"""What an evaluation is asked for besides."""


def absence(slot: str, rule: Rule, matter: Matter) -> tuple[str, str]:
    """Why there is no evidence of a kind that counts, and what to do."""
    transition, charter, found, now = matter.transition, matter.charter, matter.evidence, matter.now
    ref = f"{transition.model}@{transition.version}"
    chosen = newest(bound(transition, charter, found), now)
    anchor = chosen.get(Kind.EVALUATION)
    match slot:
        case Kind.COMPARISON:
            return _no_comparison(ref, charter, anchor)
        case Kind.RISKS:
            return _no_count(ref, matter.register)
        case Kind.DOCUMENTS:
            return _no_documents(ref, found, anchor)
        case Kind.RIVALS:
            return no_rival(ref, matter.relied, anchor)
        case Kind.REPRODUCTION:
            return _absent(slot, rule, matter, chosen), (
                f"Run the script or pipeline that made {ref} again, then: "
                f"modelwright model reproduce {ref} --with MODEL@VERSION"
            )
    reason = _absent(slot, rule, matter, chosen)
    return reason, f"Run: {_command(slot, ref, anchor)}"


def _command(slot: str, ref: str, anchor: Evidence | None) -> str:
    """What makes evidence of a kind."""
    check = slot.partition(".")[2]
    if check:
        return check_command(ref, anchor, check)
    return evaluate_command(ref, anchor, more=_ASKED.get(slot, ""))


def _absent(slot: str, rule: Rule, matter: Matter, chosen: Mapping[str, Evidence]) -> str:
    """Why there is no evidence of a kind that counts."""
    transition, charter = matter.transition, matter.charter
    ref = f"{transition.model}@{transition.version}"
    of_kind = sorted((each for each in matter.evidence if each.slot == slot), key=lambda each: each.made_at)
    if not of_kind:
        return f"There is no {slot}{' check' if slot == Kind.CONTRACT else ''} of {ref}."
    last = of_kind[-1]
    if not bound(transition, charter, of_kind):
        if last.package == transition.package and last.charter != charter.judging:
            return (
                f"The {slot} of {last.made_at:%Y-%m-%d} was made under another charter; charter {charter.version} was "
                f"published on {charter.published_at:%Y-%m-%d}."
            )
        return f"The {slot} of {last.made_at:%Y-%m-%d} is about other bytes or another dataset."
    if slot not in chosen:
        return f"No unexpired {slot} of {ref} is about the rows, or the scores, of its newest evaluation."
    age = matter.now - chosen[slot].made_at
    return f"The {slot} is {age.days} days old, and the policy accepts {rule.evidence_max_age}."


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


def no_rival(ref: str, relied: Relied | None, anchor: Evidence | None) -> tuple[str, str]:
    """That a version has not been compared with what is relied on now, and what to do."""
    other = relied.ref if relied is not None else "MODEL@VERSION"
    return (
        f"{ref} has not been compared with {other}, which is relied on now, on the rows of its newest evaluation.",
        f"Run: {evaluate_command(other, anchor)}, then: {evaluate_command(ref, anchor)}",
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


def _no_documents(ref: str, found: Sequence[Evidence], anchor: Evidence | None) -> tuple[str, str]:
    reason = (
        f"What the documents of {ref} lack was counted too long ago, or not since its newest evaluation."
        if any(each.kind is Kind.DOCUMENTS for each in found)
        else f"What the documents of {ref} lack was not counted."
    )
    first = "" if anchor is not None else f"{evaluate_command(ref, None)}, then: "
    return reason, f"Run: {first}{document_command(ref)}"
