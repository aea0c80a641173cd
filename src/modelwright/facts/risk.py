"""What can go wrong with a version: its model's risk register, and what was counted of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modelwright.facts.model import Source, SourceKind, Statement
from modelwright.facts.record import Record
from modelwright.facts.saying import attested, computed, evidence, missing, package, share
from modelwright.governance.model import Kind
from modelwright.risks.model import RegisterVersion, Risk, RisksCounted, Situation, Standing


def risks(record: Record) -> Sequence[Statement]:
    """The risks in their owners' words, what people judged of them, and how often their situations were met."""
    standing = record.register
    if standing is None:
        return [
            missing(
                "{model} has no risk register.",
                "Write down what can go wrong, and run: modelwright risk publish risks.yaml",
                package(record.version),
                model=record.version.model,
            )
        ]
    said: list[Statement] = []
    for name, risk in standing.risks.items():
        said += [*_told(standing, name, risk), *_judged(standing, name)]
    return [*said, *_counted(record, standing)]


def _source(register: RegisterVersion) -> Source:
    return Source(kind=SourceKind.REGISTER, name=f"{register.model} {register.version}", digest=register.digest)


def _told(standing: Standing, name: str, risk: Risk) -> Iterator[Statement]:
    register = standing.register
    guard = risk.guard if risk.guard is None or isinstance(risk.guard, str) else f"answer {risk.guard.fallback:g}"
    yield attested(
        "{risk}, where {when}: {what} {harms} The cause: {cause}. Severity times likelihood is {inherent}, with what "
        "is done {residual}: {mitigation}; guard at endpoints: {guard}; owner: {owner}; next review: {due}.",
        _source(register),
        by=register.authors[name],
        at=register.published_at,
        risk=name,
        when=risk.when,
        what=risk.what,
        harms=risk.harms,
        cause=risk.cause or "not said",
        inherent=risk.inherent,
        residual=risk.residual,
        mitigation=risk.mitigation or "nothing",
        guard=guard or "none",
        owner=risk.owner or "nobody",
        due=risk.review_due or "none is set",
    )


def _judged(standing: Standing, name: str) -> Iterator[Statement]:
    judged = standing.judgements.get(name)
    if judged is not None:
        yield attested(
            "Somebody else said of {risk}: {judged}, because {reason}",
            _source(standing.register),
            by=judged.by,
            at=judged.at,
            risk=name,
            judged=judged.says,
            reason=judged.reason,
        )


def _counted(record: Record, standing: Standing) -> Iterator[Statement]:
    found = record.subject.evidence.get(Kind.RISKS)
    values = found.values if found is not None else None
    if found is None or not isinstance(values, RisksCounted) or values.register != standing.register.digest:
        yield missing(
            "How often the situations of the register are met was not counted on the rows of the evaluation of {ref}.",
            "Run: modelwright risk count {ref}",
            package(record.version),
            ref=record.version.ref,
        )
        return
    source = evidence(found)
    for one in values.situations:
        if one.matched is None:
            yield missing(
                "How often {risk} is met is not known: {reason}",
                "Publish a register that names columns which {ref} takes: modelwright risk publish risks.yaml",
                source,
                risk=one.risk,
                reason=one.reason,
                ref=record.version.ref,
            )
            continue
        yield computed(
            "{risk} was met by {matched} of {rows} held-out rows of {data} ({share} of those of which it can be said); "
            "of {unknown} it cannot be said. {quality}",
            source,
            risk=one.risk,
            matched=one.matched,
            rows=values.rows,
            data=found.dataset.ref,
            share=share(one.matched, values.rows - one.unknown),
            unknown=one.unknown,
            quality=_quality(values.metric, one),
        )


def _quality(metric: str, one: Situation) -> str:
    """The KPI inside and outside, or why there is none."""
    parts = []
    for where, part in (("in it", one.inside), ("outside", one.rest)):
        if part is None:
            parts.append(f"no labelled row {where}")
        else:
            parts.append(
                f"{metric} {where} {part.interval}" if part.interval else f"no {metric} {where}: {part.reason}"
            )
    return "; ".join(parts) + "."
