"""What a version would have brought in money: from the evidence that replays history through the decision rule."""

from __future__ import annotations

from collections.abc import Sequence

from modelwright.facts.model import Statement
from modelwright.facts.quality import no_evidence
from modelwright.facts.record import Record
from modelwright.facts.saying import computed, evidence, missing
from modelwright.governance.effects.model import Replay
from modelwright.governance.model import Evidence, Kind
from modelwright.models.model import Task


def effect(record: Record) -> Sequence[Statement]:
    """What it would have brought, against whom; nothing where the charter does not say what outcomes are worth."""
    valued = record.charter is not None and record.charter.charter.kpi.value is not None
    if not valued or record.version.manifest.task is not Task.BINARY:
        return []
    found = record.subject.evidence.get(Kind.EFFECT)
    if found is None or not isinstance(found.values, Replay):
        return [no_evidence(record, Kind.EFFECT)]
    return [_brought(found, found.values), *_details(found, found.values)]


def _brought(found: Evidence, values: Replay) -> Statement:
    if values.per_thousand is None:
        return missing(
            "What it would have brought on the {n} rows of {data} cannot be said: {reason}",
            "Run: modelwright model evaluate {ref} --on DATASET@VERSION",
            evidence(found),
            n=values.n,
            data=found.dataset.ref,
            reason=values.reason,
            ref=f"{found.model}@{found.version}",
        )
    return computed(
        "On {n} rows of {days} days of {data}, {window}, it would have brought {money} {currency} for {per} rows "
        "({level} interval over days).",
        evidence(found),
        n=values.n,
        days=values.days,
        data=found.dataset.ref,
        window=found.window,
        money=values.per_thousand,
        currency=values.terms.value.currency,
        per=1000,
        level=f"{values.per_thousand.level:.0%}",
    )


def _details(found: Evidence, values: Replay) -> Sequence[Statement]:
    if values.outcomes is None:
        return []
    did, source = values.outcomes, evidence(found)
    return [
        computed(
            "The decision rule is to {rule}. It would have acted rightly on {tp} of the rows and in vain on {fp}, and "
            "would have missed {fn}.",
            source,
            rule=values.terms,
            tp=round(did.true_positive),
            fp=round(did.false_positive),
            fn=round(did.false_negative),
        ),
        *(
            computed(
                "For {per} rows that is {gain} {currency} more than {other} brings; less than nothing would mean less.",
                source,
                per=1000,
                gain=other.gain,
                currency=values.terms.value.currency,
                other=other.name,
            )
            for other in values.against
            if other.gain is not None
        ),
    ]
