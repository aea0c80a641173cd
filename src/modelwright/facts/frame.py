"""What was taken for granted: assumptions about data, and whether the model was worth making."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modelwright.core.ids import parse_ref
from modelwright.facts.model import Missing, Source, SourceKind, Statement
from modelwright.facts.record import Record
from modelwright.facts.saying import attested, computed, missing, package
from modelwright.framing.model import Assumed, Feasibility

_SAYS = {"go": "go on", "stop": "stop", "no_ml": "go on without machine learning"}


def assumptions(record: Record) -> Sequence[Statement]:
    """How the data was judged, in people's words, and where that was on other data than it learned from."""
    said: list[Statement] = []
    for one in record.assumptions:
        said += [_told(one), *_elsewhere(record, one)]
    if said:
        return said
    data = record.subject.data
    return [
        missing(
            "Nobody has written down what is assumed about the data that {ref} learned from.",
            "Say how outliers, missing values and the like were judged, and run: modelwright assumption record NAME "
            "--on {data} --statement WHAT --reason WHY",
            package(record.version),
            ref=record.version.ref,
            data=data[0].ref if data else "DATASET@VERSION",
        )
    ]


def feasibility(record: Record) -> Sequence[Statement]:
    """Whether it was decided, before the data work and again after it, that the model is worth making."""
    newest = {one.stage: one for one in reversed(record.feasibility)}
    stages = ("before", "after")
    return [_decided(newest[stage]) if stage in newest else _undecided(record, stage) for stage in stages]


def _told(one: Assumed) -> Statement:
    return attested(
        "Of {about} it is assumed: {statement} Because: {reason}",
        _assumption(one),
        by=one.said.by,
        at=one.said.at,
        about=one.said.assumption.about,
        statement=one.said.assumption.statement,
        reason=one.said.assumption.reason,
    )


def _elsewhere(record: Record, one: Assumed) -> Iterator[Statement]:
    """What this version was made with, where that is not what was judged."""
    assumption, subject = one.said.assumption, record.subject
    if assumption.view is not None:
        if subject.view is not None and subject.view.digest != assumption.view.digest:
            yield computed(
                "That was judged in {judged}, and {ref} takes the vectors of {view}.",
                _assumption(one),
                judged=assumption.view.ref,
                ref=subject.ref,
                view=subject.view.ref,
            )
        return
    judged = assumption.data
    same = [read for read in subject.data if judged and read.name == parse_ref(judged.ref).name]
    if judged is not None and same and judged.digest not in {read.digest for read in same}:
        yield computed(
            "That was judged on {judged}, and {ref} learned from {data}.",
            _assumption(one),
            judged=judged.ref,
            ref=subject.ref,
            data=[read.ref for read in same],
        )


def _decided(one: Feasibility) -> Statement:
    return attested(
        f"It was decided {one.stage} the data work to {_SAYS[one.says]}, because: {{reason}} Based on: {{basis}}",
        Source(kind=SourceKind.FEASIBILITY, name=f"{one.model} {one.number}", digest=one.digest),
        by=one.by,
        at=one.at,
        reason=one.reason,
        basis=[*([one.based_on] if one.based_on else []), *(f"evidence {digest[:12]}" for digest in one.evidence)],
    )


def _undecided(record: Record, stage: str) -> Missing:
    return missing(
        f"Nobody has decided {stage} the data work whether {{model}} is worth making, and whether it needs machine "
        "learning.",
        f"Decide: modelwright feasibility decide {{model}} go --stage {stage} --reason WHY --based-on WHAT",
        package(record.version),
        model=record.version.model,
    )


def _assumption(one: Assumed) -> Source:
    return Source(kind=SourceKind.ASSUMPTION, name=one.said.ref, digest=one.said.assumption.digest)
