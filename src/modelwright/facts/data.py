"""What a version learned from and was judged on: from dataset versions, their profiles and feature views."""

from __future__ import annotations

from collections.abc import Sequence

from modelwright.data.model import DatasetVersion
from modelwright.facts.model import Source, SourceKind, Statement
from modelwright.facts.record import Record
from modelwright.facts.saying import attested, computed, missing, package, share
from modelwright.features.model import ViewVersion

_MOST_COLUMNS = 20


def training_data(record: Record) -> Sequence[Statement]:
    """The dataset versions that its run read."""
    found = record.subject.data
    if not found:
        return [
            missing(
                "Nothing on record says what {ref} learned from.",
                "Read the rows with mw.dataset inside mw.run, and save the model with run.save_model.",
                package(record.version),
                ref=record.version.ref,
            )
        ]
    return [said for version in found for said in _described(version, "It learned from")]


def evaluation_data(record: Record) -> Sequence[Statement]:
    """The dataset versions that it was judged on."""
    found = record.subject.judged_on
    if not found:
        return [
            missing(
                "{ref} has been judged on no rows that count.",
                "Run: modelwright model evaluate {ref} --on DATASET@VERSION",
                package(record.version),
                ref=record.version.ref,
            )
        ]
    learned = {version.digest for version in record.subject.data}
    said = [line for version in found for line in _described(version, "It was judged on")]
    said += [
        computed(
            "It learned from {data} too: unless it left out the window that judged it, it knew those rows.",
            of_data(version),
            data=version.ref,
        )
        for version in found
        if version.digest in learned
    ]
    return said


def data_quality(record: Record) -> Sequence[Statement]:
    """What is missing in the data it learned from, and where it breaks a contract."""
    said: list[Statement] = []
    for version in record.subject.data:
        lacking = [column for column in version.profile if column.missing]
        said.append(
            computed(
                "In {data}, {lacking} of {columns} columns lack values.",
                of_data(version),
                data=version.ref,
                lacking=len(lacking),
                columns=len(version.profile),
            )
        )
        said += [
            computed(
                "{column} is missing in {share} of the rows of {data}.",
                of_data(version),
                column=column.name,
                share=share(column.missing, column.rows),
                data=version.ref,
            )
            for column in sorted(lacking, key=lambda column: -column.missing)[:_MOST_COLUMNS]
        ]
        said += [
            computed(
                "{data} breaks the contract of the version before: {problem}.",
                of_data(version),
                data=version.ref,
                problem=problem.rstrip("."),
            )
            for problem in version.contract_problems
        ]
    return said or training_data(record)


def features(record: Record) -> Sequence[Statement]:
    """The feature view whose vectors it takes, and the training set of it."""
    view, made = record.subject.view, record.subject.training
    if view is None:
        return [
            computed("It takes columns as they are asked, not the vectors of a feature view.", package(record.version))
        ]
    source = of_view(view)
    said: list[Statement] = [
        computed(
            "It takes the vectors of {view}: {count} features from {sources}.",
            source,
            view=view.ref,
            count=len(view.columns),
            sources=[one.dataset for one in view.view.sources] or "the question itself",
        )
    ]
    said += [
        computed("Feature {name}: {definition}.", source, name=column.name, definition=str(feature).rstrip("."))
        for column, feature in zip(view.columns, view.view.features, strict=True)
    ]
    if made is not None:
        said.append(
            computed(
                "The training set has {rows} rows as they were known at {until}, made of {reads}.",
                source,
                rows=made.rows,
                until=made.until,
                reads=[read.ref for read in made.reads],
            )
        )
    return said


def upstream(record: Record) -> Sequence[Statement]:
    """What else it needs to answer."""
    view = record.subject.view
    said: list[Statement] = []
    if view is not None:
        said.append(
            computed(
                "To answer, an endpoint looks up {view} by {request}.",
                of_view(view),
                view=view.ref,
                request=[column.name for column in view.request],
            )
        )
    said += [
        computed("The endpoint {endpoint} has answered with it.", of_endpoint(name), endpoint=name)
        for name in dict.fromkeys(deployment.endpoint for deployment in record.deployments)
    ]
    return said or [computed("It depends on no other part of this house to answer.", package(record.version))]


def of_data(version: DatasetVersion) -> Source:
    """A dataset version as a source."""
    return Source(kind=SourceKind.DATA, name=version.ref, digest=version.digest)


def of_view(view: ViewVersion) -> Source:
    """A version of a feature view as a source."""
    return Source(kind=SourceKind.FEATURES, name=view.ref, digest=view.digest)


def of_endpoint(name: str) -> Source:
    """An endpoint as a source."""
    return Source(kind=SourceKind.ENDPOINT, name=name)


def _described(version: DatasetVersion, begins: str) -> Sequence[Statement]:
    said: list[Statement] = [
        computed(
            f"{begins} {{data}}: {{rows}} rows of {{columns}} columns, {{size}} bytes, digest {{digest}}, committed at "
            "{at} by {by}.",
            of_data(version),
            data=version.ref,
            rows=version.rows,
            columns=len(version.profile),
            size=version.size_bytes,
            digest=version.digest,
            at=version.created_at,
            by=version.created_by,
        )
    ]
    if version.note:
        said.append(
            attested(
                "Whoever committed it wrote: {words}",
                of_data(version),
                by=version.created_by,
                at=version.created_at,
                words=version.note,
            )
        )
    return said
