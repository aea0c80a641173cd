"""Where a version is used and what came of it: from the ledger, endpoints, rollouts, monitors and alerts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modelwright.core.guard import SIGNED_OFF
from modelwright.facts.data import of_endpoint
from modelwright.facts.model import Source, SourceKind, Statement
from modelwright.facts.record import Entry, Record
from modelwright.facts.saying import attested, computed, missing, package
from modelwright.governance.signoffs import Signature
from modelwright.rollouts.model import Comparison, Rollout

_SAYS = {"approve": "Signed", "refuse": "Refused to sign"}


def deployments(record: Record) -> Sequence[Statement]:
    """Every change that made an endpoint answer with it."""
    said = [
        computed(
            "The endpoint {endpoint} was {done} to it at {at} by {by}, in generation {generation}.",
            of_endpoint(one.endpoint),
            endpoint=one.endpoint,
            done="rolled back" if one.action == "rollback" else "moved",
            at=one.at,
            by=one.by,
            generation=one.generation,
        )
        for one in record.deployments
    ]
    return said or [
        missing(
            "No endpoint has answered with {ref}.",
            "Deploy it: modelwright endpoint deploy ENDPOINT {ref}",
            package(record.version),
            ref=record.version.ref,
        )
    ]


def decisions(record: Record) -> Sequence[Statement]:
    """What the guard answered when somebody wanted to rely on it."""
    said = [_decided(entry) for entry in record.entries if entry.kind == "governance.transition_decided"]
    return said or [
        missing(
            "The guard has not been asked about {ref}.",
            "Ask it: modelwright model alias {ref} champion",
            package(record.version),
            ref=record.version.ref,
        )
    ]


def history(record: Record) -> Sequence[Statement]:
    """What happened to it, from the ledger."""
    return [
        computed(
            "Entry {seq} of the ledger, at {at} by {by}: {what}.",
            _of_entry(entry),
            seq=entry.seq,
            at=entry.at,
            by=entry.by,
            what=_told(entry),
        )
        for entry in record.entries
    ]


def rollouts(record: Record) -> Sequence[Statement]:
    """What its way through the shadow showed."""
    return shadow(record) or [
        missing(
            "{ref} has not been in the shadow of a version that answers.",
            "Challenge one: modelwright endpoint challenge ENDPOINT {ref}",
            package(record.version),
            ref=record.version.ref,
        )
    ]


def shadow(record: Record) -> Sequence[Statement]:
    """The same, where there was such a way; nothing asks for one."""
    return [line for one in record.rollouts for line in _rolled_out(one)]


def monitors(record: Record) -> Sequence[Statement]:
    """How the endpoints that answered with it are watched."""
    said = [
        computed(
            "The endpoint {endpoint} is judged {cadence}, on {columns}, with at most {alarms} false alarms a year on "
            "ordinary days.",
            Source(kind=SourceKind.ENDPOINT, name=one.endpoint),
            endpoint=one.endpoint,
            cadence=one.settings.cadence,
            columns="every input" if one.settings.columns is None else one.settings.columns,
            alarms=one.settings.false_alarms_per_year,
        )
        for one in record.watched
    ]
    return said or [
        missing(
            "No endpoint that is watched has answered with {ref}.",
            "Deploy it, let it answer, and run: modelwright monitor run ENDPOINT",
            package(record.version),
            ref=record.version.ref,
        )
    ]


def alerts(record: Record) -> Sequence[Statement]:
    """What monitors found about it."""
    if not record.watched:
        return monitors(record)
    said: list[Statement] = [
        computed(
            "Its monitors raised {count} alerts about it, {alarms} of them alarms.",
            Source(kind=SourceKind.ENDPOINT, name=record.watched[0].endpoint),
            count=len(record.alerts),
            alarms=sum(alert.severity == "alarm" for alert in record.alerts),
        )
    ]
    said += [
        computed(
            "At {endpoint}, {severity} since {since}: {summary}",
            Source(kind=SourceKind.ALERT, name=alert.id),
            endpoint=alert.endpoint,
            severity=alert.severity,
            since=alert.finding.since,
            summary=alert.finding.summary,
        )
        for alert in record.alerts
    ]
    return said


def retraining(record: Record) -> Sequence[Statement]:
    """What starts the making of the next version."""
    found = record.pipeline
    if found is None:
        return [computed("No registered pipeline made it: nothing on record starts the next.", package(record.version))]
    triggers = found.definition.triggers
    return [
        computed(
            "The pipeline {pipeline} makes the next version, started by: {triggers}.",
            Source(kind=SourceKind.PIPELINE, name=f"{found.pipeline}@{found.version}", digest=found.digest),
            pipeline=f"{found.pipeline}@{found.version}",
            triggers=triggers or "hand alone",
        )
    ]


def signatures(record: Record) -> Sequence[Statement]:
    """Who signed for it, by what stands in the ledger, and which signatures are lacking."""
    counted = {one.id: one for one in record.signatures}
    said: list[Statement] = [
        _signed(one, _of_entry(entry))
        for entry in record.entries
        if entry.kind == "approvals.signed" and (one := counted.get(entry.body["signature_id"]))
    ]
    asked = [gate for gate in record.decision.gates if gate.gate.startswith(SIGNED_OFF)] if record.decision else []
    said += [
        missing("{reason}", "{advice}", package(record.version), reason=gate.reason, advice=gate.remedy)
        for gate in asked
        if not gate.verdict.passes
    ]
    if said:
        return said
    return [
        missing(
            "Nobody's signature for {ref} is on record, and its policy asks for none.",
            "Put `tier: standard` into its charter, and run: modelwright approval request {ref} --reason WHY",
            package(record.version),
            ref=record.version.ref,
        )
    ]


def _signed(one: Signature, source: Source) -> Statement:
    said: dict[str, str] = {"what": _SAYS[one.says], "role": one.role}
    if one.on_behalf_of is None:
        return attested("{what} as {role}.", source, by=one.by, at=one.at, **said)
    says = "{what} as {role} for {on_behalf_of}."
    return attested(says, source, by=one.by, at=one.at, **said, on_behalf_of=one.on_behalf_of)


def _of_entry(entry: Entry) -> Source:
    return Source(kind=SourceKind.LEDGER, name=str(entry.seq), digest=entry.leaf)


def _decided(entry: Entry) -> Statement:
    decision = entry.body["decision"]
    move = decision["transition"]
    failed = [gate["gate"] for gate in decision["gates"] if gate["verdict"] in ("FAIL", "UNKNOWN")]
    return computed(
        "At {at}, {by} asked for {action} to {target}; the guard {answer}.",
        _of_entry(entry),
        at=entry.at,
        by=entry.by,
        action=str(move["action"]).replace("_", " "),
        target=move["target"],
        answer="allowed it" if decision["allowed"] else f"refused it for {', '.join(failed)}",
    )


def _told(entry: Entry) -> str:  # noqa: PLR0911  # one line for each kind
    body = entry.body
    match entry.kind:
        case "models.version_registered":
            return f"registered, because of {str(body['reason']).replace('_', ' ')}"
        case "models.alias_moved":
            before = f" from version {body['previous']}" if body["previous"] else ""
            return f"the alias {body['alias']} moved to it{before}" + _because(body["reason"])
        case "approvals.signed":
            instead = f" for {body['on_behalf_of']}" if body.get("on_behalf_of") else ""
            return f"{'signed' if body['says'] == 'approve' else 'refused to sign'} as {body['role']}{instead}"
        case "governance.transition_decided":
            move = body["decision"]["transition"]
            answer = "allowed" if body["decision"]["allowed"] else "refused"
            went = "registration" if move["action"] == "register" else str(move["action"]).replace("_", " ")
            return f"{went} to {move['target']} {answer}" if went != "registration" else f"{went} {answer}"
        case "serving.endpoint_moved":
            return f"the endpoint {body['endpoint']} answers with it" + _because(body["reason"])
        case "serving.endpoint_retired":
            return f"the endpoint {body['endpoint']}, which answered with it, was retired"
        case "rollouts.started":
            return f"challenges {body['answering']['model']}@{body['answering']['version']} at {body['endpoint']}"
        case _:
            return f"its rollout at {body['endpoint']} ended: {body['outcome']}"


def _because(reason: str) -> str:
    return f' ("{reason}")' if reason else ""


def _rolled_out(one: Rollout) -> Iterator[Statement]:
    source = Source(kind=SourceKind.ROLLOUT, name=one.id)
    yield computed(
        "At {endpoint} it challenged {answering} from {at} on; the rollout {outcome}.",
        source,
        endpoint=one.endpoint,
        answering=one.answering.ref,
        at=one.started_at,
        outcome=f"ended: {one.outcome}" if one.outcome else "is running",
    )
    for reason in one.reasons:
        yield computed("The reason: {reason}", source, reason=reason)
    seen = one.comparison or (one.looks[-1].comparison if one.looks else None)
    if seen is not None:
        yield from _compared(seen, source)


def _compared(seen: Comparison, source: Source) -> Iterator[Statement]:
    yield computed(
        "Of {answered} requests it scored {scored}, failed on {failed} and never saw {missing}.",
        source,
        answered=seen.answered,
        scored=seen.scored,
        failed=seen.failed,
        missing=seen.missing,
    )
    if seen.disagreement is not None:
        yield computed(
            "On {share} of them the two versions lie on different sides of one half.",
            source,
            share=f"{100 * seen.disagreement:.3g} %",
        )
    if seen.distance is not None:
        yield computed("Their outputs differ by {distance} on average.", source, distance=seen.distance)
    for difference in seen.differences:
        yield computed(
            "On {n} outcomes its {metric} was {challenger}, against {answering}; better by {better}.",
            source,
            n=seen.labelled,
            metric=difference.metric,
            challenger="not known" if difference.challenger is None else difference.challenger,
            answering="not known" if difference.answering is None else difference.answering,
            better=difference.better or f"what is not known ({difference.reason})",
        )
