"""How good a version is: from the evidence that its gates read."""

from __future__ import annotations

from collections.abc import Sequence

from modelwright.facts.model import Missing, Source, SourceKind, Statement
from modelwright.facts.record import Record
from modelwright.facts.saying import computed, evidence, missing, package
from modelwright.governance.model import Comparison, ContractCheck, Evaluation, Evidence, Explanation, Kind


def quality(record: Record) -> Sequence[Statement]:
    """The KPI's metric with its interval, and what it rests on."""
    found = record.subject.evidence.get(Kind.EVALUATION)
    if found is None or not isinstance(found.values, Evaluation):
        return [no_evidence(record, Kind.EVALUATION)]
    values, source = found.values, evidence(found)
    said: list[Statement] = [
        computed(
            "Its {metric} is {score} (estimate and {level} interval, {method}) on {n} rows of {data}, {window}.",
            source,
            metric=values.metric,
            score=values.score,
            level=f"{values.score.level:.0%}",
            method=values.score.method,
            n=values.n,
            data=found.dataset.ref,
            window=found.window,
        ),
        computed(
            "The server computed it at {at} from scores with the digest {scores}, sent by {by}, with code {code}.",
            source,
            at=found.made_at,
            scores=values.scores,
            by=found.made_by.id,
            code=found.code,
        ),
        computed(
            "Left out were {unlabelled} rows without a label and {immature} whose label could not be known yet.",
            source,
            unlabelled=values.unlabelled,
            immature=values.immature,
        ),
    ]
    if values.positives is not None:
        said.append(
            computed("Of the {n} rows, {positives} have a true label.", source, n=values.n, positives=values.positives)
        )
    return said


def calibration(record: Record) -> Sequence[Statement]:
    """Whether its scores are probabilities."""
    found = record.subject.evidence.get(Kind.EVALUATION)
    if found is None or not isinstance(found.values, Evaluation):
        return [no_evidence(record, Kind.EVALUATION)]
    if found.values.calibration is None:
        return [computed("Its scores are no probabilities, so their calibration is not asked.", evidence(found))]
    return [
        computed(
            "Its calibration error is {error} and its bias {bias} ({level} intervals), over {bins} ranges of scores.",
            evidence(found),
            error=found.values.calibration.error,
            bias=found.values.calibration.bias,
            level=f"{found.values.calibration.error.level:.0%}",
            bins=len(found.values.calibration.bins),
        )
    ]


def slices(record: Record) -> Sequence[Statement]:
    """The metric on each slice that was asked for."""
    found = record.subject.evidence.get(Kind.EVALUATION)
    if found is None or not isinstance(found.values, Evaluation):
        return [no_evidence(record, Kind.EVALUATION)]
    if not found.values.slices:
        return [
            missing(
                "{ref} was judged on no slices.",
                "Run: modelwright model evaluate {ref} --on {data} --slice COLUMN",
                evidence(found),
                ref=record.version.ref,
                data=found.dataset.ref,
            )
        ]
    return [
        computed(
            "Where {column} is {value}, its {metric} is {found} on {n} rows.",
            evidence(found),
            column=one.column,
            value="missing" if one.value is None else one.value,
            metric=found.values.metric,
            found=one.interval or f"not known ({one.reason})",
            n=one.n,
        )
        for one in found.values.slices
    ]


def baseline(record: Record) -> Sequence[Statement]:
    """How much better it is than the heuristic that it must beat."""
    found = record.subject.evidence.get(Kind.COMPARISON)
    if found is not None and isinstance(found.values, Comparison):
        values = found.values
        return [
            computed(
                "Its {metric} is better than that of the heuristic {baseline} by {delta} ({level} interval) on the "
                "same rows; less than nothing would mean worse.",
                evidence(found),
                metric=values.metric,
                baseline=f"{values.baseline}@{values.version}",
                delta=values.delta,
                level=f"{values.delta.level:.0%}",
            )
        ]
    named = record.charter.charter.baseline if record.charter else None
    if named == record.version.model:
        return [computed("It is the heuristic that others must beat.", package(record.version))]
    if named is None:
        return [
            missing(
                "The charter names no heuristic to beat.",
                "Register one, name it as `baseline` in charter.yaml, publish it and evaluate both.",
                package(record.version),
            )
        ]
    return [
        missing(
            "{ref} has not been compared with the heuristic {baseline} on the rows of its newest evaluation.",
            "Evaluate {baseline} on those rows, then run: modelwright model evaluate {ref} --on DATASET@VERSION",
            package(record.version),
            ref=record.version.ref,
            baseline=named,
        )
    ]


def contract(record: Record) -> Sequence[Statement]:
    """Whether the rows that judged it are what it takes."""
    found = record.subject.evidence.get(Kind.CONTRACT)
    if found is None or not isinstance(found.values, ContractCheck):
        return [no_evidence(record, Kind.CONTRACT)]
    values, source = found.values, evidence(found)
    said: list[Statement] = [
        computed(
            "{rows} rows were compared with its input contract: {violations} of {columns} columns break it.",
            source,
            rows=values.rows,
            violations=len(values.violations),
            columns=len(values.columns),
        )
    ]
    said += [computed("Broken: {violation}.", source, violation=violation) for violation in values.violations]
    return said


def reliance(record: Record) -> Sequence[Statement]:
    """How much worse it would be without each column."""
    found = record.subject.evidence.get(Kind.EXPLANATION)
    if found is None or not isinstance(found.values, Explanation):
        return [no_evidence(record, Kind.EXPLANATION)]
    return [
        computed(
            "Without {column} it would lose {drop}, as {by} computed by {method}; the server loads no model.",
            evidence(found),
            column=one.column,
            drop=one.drop,
            method=found.values.method,
            by=found.made_by.id,
        )
        for one in found.values.importances
    ]


def gates(record: Record) -> Sequence[Statement]:
    """What the gates say of it, each with its reason, at the moment of the newest record."""
    decision = record.decision
    if decision is None:
        return []
    policy = Source(kind=SourceKind.POLICY, name=decision.tier, digest=decision.policy)
    answer = "pass" if decision.allowed else "do not all pass"
    return [
        computed(
            f"The gates of the tier {{tier}} {answer} at {{at}}, under the policy {{policy}}.",
            policy,
            tier=decision.tier,
            at=record.as_of,
            policy=decision.policy,
        ),
        *(
            computed(
                "The gate {gate} says {verdict}: {reason}",
                policy,
                also={"reason": read} if (read := _read_by(record, one.evidence)) else {},
                gate=one.gate,
                verdict=one.verdict,
                reason=one.reason,
            )
            for one in decision.gates
        ),
    ]


def _read_by(record: Record, digests: Sequence[str]) -> Source | None:
    known = {found.digest: found for found in record.subject.evidence.values()}
    return next((evidence(known[digest]) for digest in digests if digest in known), None)


def no_evidence(record: Record, kind: Kind) -> Missing:
    """That there is no evidence of a kind that counts."""
    return missing(
        "No {kind} of {ref} counts: there is none about these bytes under the charter in force.",
        "Run: modelwright model evaluate {ref} --on DATASET@VERSION",
        package(record.version),
        kind=kind,
        ref=record.version.ref,
    )


def evaluated(found: Evidence | None) -> Evaluation | None:
    """The evaluation of a piece of evidence."""
    return found.values if found is not None and isinstance(found.values, Evaluation) else None
