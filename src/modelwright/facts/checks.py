"""What was found about a version beside its evaluation: rivals, groups, size, speed, robustness, reproduction, own."""

from __future__ import annotations

from collections.abc import Sequence

from modelwright.facts.model import Statement
from modelwright.facts.record import Record
from modelwright.facts.saying import charter, computed, evidence, missing, package
from modelwright.governance.checks.model import Checked, Group, Groups, Latency, Reproduction, Rivals, Robustness
from modelwright.governance.model import Evidence, Kind


def rivals(record: Record) -> Sequence[Statement]:
    """How it stands to what aliases and endpoints relied on; where they relied on nothing, there is nothing to say."""
    found = record.subject.evidence.get(Kind.RIVALS)
    if found is None or not isinstance(found.values, Rivals):
        return []
    return [
        computed(
            "Its {metric} is better than that of {rival}, on which an alias or endpoint relied then, by {delta} "
            "({level} interval) on the same rows; less than nothing would mean worse.",
            evidence(found),
            metric=found.values.metric,
            rival=each.ref,
            delta=each.delta,
            level=f"{each.delta.level:.0%}",
        )
        for each in found.values.rivals
    ]


def groups(record: Record) -> Sequence[Statement]:
    """How groups fare: how many are selected, and how many of those who should be."""
    found = record.subject.evidence.get(Kind.GROUPS)
    if found is None or not isinstance(found.values, Groups):
        return [
            missing(
                "How groups fare with {ref} was not computed on the rows of its newest evaluation.",
                "Run: modelwright model evaluate {ref} --on DATASET@VERSION --slice COLUMN",
                package(record.version),
                ref=record.version.ref,
            )
        ]
    if found.values.threshold is None and found.values.threshold_from == "charter":
        return [
            computed("Its rule has room for some of a day alone, so that no score selects a group.", evidence(found))
        ]
    if found.values.threshold is None:
        return [computed("It predicts a number, so that no group is selected by it.", evidence(found))]
    return [_group(found, found.values, each) for each in found.values.groups]


def _group(found: Evidence, values: Groups, group: Group) -> Statement:
    return computed(
        "Of the {n} rows where {column} is {value}, {selected} are selected at a threshold of {threshold}, {caught} of "
        "those with a true label.",
        evidence(found),
        column=group.column,
        value="missing" if group.value is None else group.value,
        selected=group.selected or "an unknown share",
        n=group.n,
        threshold=values.threshold,
        caught=group.caught or "an unknown share",
    )


def size(record: Record) -> Sequence[Statement]:
    """How large its package is."""
    version = record.version
    return [
        computed(
            "Its package has {bytes} bytes in {files} files.",
            package(version),
            bytes=version.size_bytes,
            files=len(version.manifest.files),
        )
    ]


def latency(record: Record) -> Sequence[Statement]:
    """How long it takes for one row; what is missing where the charter sets a limit."""
    found = record.subject.evidence.get(Kind.LATENCY)
    if found is not None and isinstance(found.values, Latency):
        values = found.values
        return [
            computed(
                "One row takes {median} ms in the median, {slowest} ms at the slowest hundredth ({level} intervals), "
                "over {answers} answers on {machine}, where {by} loaded it in {load} ms.",
                evidence(found),
                median=values.p50,
                slowest=values.p99,
                level=f"{values.p99.level:.0%}",
                answers=values.answers,
                machine=values.machine,
                by=found.made_by.id,
                load=values.load_ms,
            )
        ]
    if record.charter is None or record.charter.charter.limits.latency_p99_ms is None:
        return []
    return [
        missing(
            "How long {ref} takes for one row was not measured, and the charter sets a limit of {limit} ms.",
            "Run: modelwright model evaluate {ref} --on DATASET@VERSION --latency",
            charter(record.charter),
            ref=record.version.ref,
            limit=record.charter.charter.limits.latency_p99_ms,
        )
    ]


def robustness(record: Record) -> Sequence[Statement]:
    """How much it loses when its inputs are perturbed."""
    found = record.subject.evidence.get(Kind.ROBUSTNESS)
    if found is None or not isinstance(found.values, Robustness):
        return [
            missing(
                "How much {ref} loses when its inputs are perturbed was not measured on its newest evaluation's rows.",
                "Run: modelwright model evaluate {ref} --on DATASET@VERSION --robustness",
                package(record.version),
                ref=record.version.ref,
            )
        ]
    values, said = found.values, []
    for each in values.trials:
        if each.drop is None:
            said.append(
                computed(
                    "With {perturbation} it did not answer: {error}",
                    evidence(found),
                    perturbation=each.perturbation,
                    error=each.perturbation.error,
                )
            )
            continue
        said.append(
            computed(
                "With {perturbation} its {metric} drops by {drop} ({level} interval) on {n} rows.",
                evidence(found),
                perturbation=each.perturbation,
                metric=values.metric,
                drop=each.drop,
                level=f"{each.drop.level:.0%}",
                n=values.n,
            )
        )
    return said


def reproduction(record: Record) -> Sequence[Statement]:
    """Whether somebody made it again from its record, who, and what came of it."""
    found = record.subject.evidence.get(Kind.REPRODUCTION)
    if found is None or not isinstance(found.values, Reproduction):
        return [
            missing(
                "Nobody has made {ref} again and compared the two on the rows of its newest evaluation.",
                "Run its script or pipeline again, then: modelwright model reproduce {ref} --with MODEL@VERSION",
                package(record.version),
                ref=record.version.ref,
            )
        ]
    values = found.values
    said = [
        computed(
            "It was made by {maker} and again, as {remade}, by {remaker}: {n} answers differ by {largest} at most, and "
            "of the packages' bytes {differing}.",
            evidence(found),
            maker=values.maker,
            remade=values.remade,
            remaker=values.remaker,
            n=values.n,
            largest=values.largest,
            differing=f"{', '.join(values.differing)} differ" if values.differing else "none differ",
        )
    ]
    said += [
        computed("Both were not made of the same {what}.", evidence(found), what=what)
        for what in values.other_ingredients
    ]
    said += [
        computed("Whether both were made of the same {what} is not on record.", evidence(found), what=what)
        for what in values.unknown_ingredients
    ]
    return said


def own(record: Record) -> Sequence[Statement]:
    """What checks of its makers' own found; where there are none, there is nothing to say."""
    return [
        computed(
            "The check {check} found {name} to be {value}, by a function with the digest {code}, run by {by}.",
            evidence(found),
            check=found.values.name,
            name=name,
            value=value,
            code=found.values.source,
            by=found.made_by.id,
        )
        for _, found in sorted(record.subject.evidence.items())
        if isinstance(found.values, Checked)
        for name, value in found.values.values.items()
    ]
