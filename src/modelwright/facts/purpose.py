"""What a model is for: from its charter, in the words of whoever published it, and from its signed manifest."""

from __future__ import annotations

from collections.abc import Sequence

from modelwright.facts.model import Missing, Statement
from modelwright.facts.record import Record
from modelwright.facts.saying import attested, charter, computed, missing, package
from modelwright.governance.particulars.model import Dates
from modelwright.models.model import Task


def purpose(record: Record) -> Sequence[Statement]:
    """The question that the charter asks."""
    return _words(record, "It answers: {words}", "question")


def decision(record: Record) -> Sequence[Statement]:
    """What is done with the answer."""
    return _words(record, "With the answer: {words}", "decision")


def business_case(record: Record) -> Sequence[Statement]:
    """Why it is worth having."""
    found = record.charter
    if found is None or not found.charter.business_case:
        return [_unsaid(record, "business_case", "why it is worth having")]
    return _words(record, "It is worth having because: {words}", "business_case")


def stakeholders(record: Record) -> Sequence[Statement]:
    """Who has a stake in it, and as what."""
    found = record.charter
    if found is None or not found.charter.stakeholders:
        return [_unsaid(record, "stakeholders", "who has a stake in it")]
    return [
        attested(
            "{who} has a stake in it: {role}.", charter(found), by=found.by, at=found.published_at, who=who, role=role
        )
        for who, role in ((one.who, one.role) for one in found.charter.stakeholders)
    ]


def use(record: Record) -> Sequence[Statement]:
    """Who uses the answers, and how they are asked for."""
    found = record.charter
    said: list[Statement] = []
    if found is None or not found.charter.use:
        said.append(_unsaid(record, "use", "whether its answers are asked for online or in batch"))
    else:
        said.append(computed("Its answers are asked for {use}.", charter(found), use=" and ".join(found.charter.use)))
    if found is None or not found.charter.consumers:
        return [*said, _unsaid(record, "consumers", "who uses its answers")]
    return said + [
        attested("Its answers are used by {who}.", charter(found), by=found.by, at=found.published_at, who=one)
        for one in found.charter.consumers
    ]


def resources(record: Record) -> Sequence[Statement]:
    """What it may take to make and to run, and when it is due and to be looked at again."""
    found = record.charter
    if found is None or not found.charter.resources:
        said: list[Statement] = [_unsaid(record, "resources", "what it may take to make and to run")]
    else:
        said = [
            attested("It was given: {words}", charter(found), by=found.by, at=found.published_at, words=one)
            for one in found.charter.resources
        ]
    dates = found.charter.dates if found is not None else Dates()
    if found is not None and dates.due is not None:
        said.append(computed("Its first version was due on {due}.", charter(found), due=dates.due))
    if found is None or dates.review is None:
        return [*said, _unsaid(record, "dates.review", "when it is to be looked at again")]
    return [*said, computed("Its charter is to be looked at again by {review}.", charter(found), review=dates.review)]


def owners(record: Record) -> Sequence[Statement]:
    """Who answers for it."""
    found = record.charter
    if found is None:
        return [_no_charter(record)]
    said = found.charter.owners
    return [
        attested(
            "{business} answers for the decision, {technical} for the model.",
            charter(found),
            by=found.by,
            at=found.published_at,
            business=said.business,
            technical=said.technical,
        )
    ]


def kpi(record: Record) -> Sequence[Statement]:
    """The number it is judged by."""
    found = record.charter
    if found is None:
        return [_no_charter(record)]
    source, wanted = charter(found), found.charter.kpi
    bound = "at least" if wanted.higher_is_better else "at most"
    said: list[Statement] = [
        computed(
            f"It is judged by {{metric}}, which must be {bound} {{threshold}}; the tier of its policy is {{tier}}.",
            source,
            metric=wanted.metric,
            threshold=wanted.threshold,
            tier=found.charter.tier,
        )
    ]
    if wanted.slice_floor is not None:
        said.append(computed(f"On no slice may it be other than {bound} {{bound}}.", source, bound=wanted.slice_floor))
    if wanted.value is not None:
        worth = wanted.value
        said.append(
            computed(
                "For each prediction, acting rightly is worth {tp} {currency}, acting in vain {fp}, leaving alone "
                "rightly {tn}, and missing {fn}.",
                source,
                currency=worth.currency,
                tp=worth.true_positive,
                fp=worth.false_positive,
                tn=worth.true_negative,
                fn=worth.false_negative,
            )
        )
    return said


def limits(record: Record) -> Sequence[Statement]:
    """What serving may take."""
    found = record.charter
    if found is None:
        return [_no_charter(record)]
    wanted, said = found.charter.limits, list[Statement]()
    if wanted.latency_p99_ms is not None:
        said.append(
            computed(
                "The slowest hundredth of its answers may take {latency} ms.",
                charter(found),
                latency=wanted.latency_p99_ms,
            )
        )
    if wanted.cost_per_month is not None:
        said.append(computed("It may cost {cost} a month.", charter(found), cost=wanted.cost_per_month))
    return said or [
        missing(
            "The charter sets no limit of latency or cost.",
            "Write `limits` in charter.yaml and run: modelwright charter publish {model} charter.yaml",
            charter(found),
            model=found.model,
        )
    ]


def label(record: Record) -> Sequence[Statement]:
    """What it predicts, as that becomes known."""
    found = record.charter
    if found is None:
        return [_no_charter(record)]
    source, wanted = charter(found), found.charter.label
    said: list[Statement] = [
        computed(
            "It predicts the column {column}, which is known {after} after the event.",
            source,
            column=wanted.column,
            after=wanted.known_after,
        )
    ]
    if wanted.source:
        said.append(
            attested("The label comes from: {words}", source, by=found.by, at=found.published_at, words=wanted.source)
        )
    else:
        said.append(
            missing(
                "The charter does not say where the label comes from.",
                "Write it in charter.yaml and run: modelwright charter publish {model} charter.yaml",
                source,
                model=found.model,
            )
        )
    return said


def inputs(record: Record) -> Sequence[Statement]:
    """The columns it takes."""
    source = package(record.version)
    said: list[Statement] = []
    for column in record.version.manifest.inputs.columns:
        terms = [str(column.dtype), "may be missing" if column.nullable else "never missing"]
        terms += [f"at least {column.minimum:g}"] if column.minimum is not None else []
        terms += [f"at most {column.maximum:g}"] if column.maximum is not None else []
        terms += [f"one of {', '.join(column.categories)}"] if column.categories is not None else []
        said.append(computed("It takes {column}: {terms}.", source, column=column.name, terms=terms))
    return said


def output(record: Record) -> Sequence[Statement]:
    """What its answer means."""
    probability = record.version.manifest.task is Task.BINARY
    means = "the probability that the label is true" if probability else "an estimate of the label"
    return [
        computed(
            f"Its task is {{task}}: the one number that it answers is {means}.",
            package(record.version),
            task=record.version.manifest.task,
        )
    ]


def _words(record: Record, says: str, field: str) -> Sequence[Statement]:
    found = record.charter
    if found is None:
        return [_no_charter(record)]
    words = getattr(found.charter, field)
    return [attested(says, charter(found), by=found.by, at=found.published_at, words=words)]


def _unsaid(record: Record, field: str, what: str) -> Missing:
    """What an older charter may leave out."""
    found = record.charter
    if found is None:
        return _no_charter(record)
    return missing(
        f"The charter does not say {what}.",
        f"Write `{field}` in charter.yaml and run: modelwright charter publish {{model}} charter.yaml",
        charter(found),
        model=found.model,
    )


def _no_charter(record: Record) -> Missing:
    return missing(
        "{model} has no charter.",
        "Write charter.yaml and run: modelwright charter publish {model} charter.yaml",
        package(record.version),
        model=record.version.model,
    )
