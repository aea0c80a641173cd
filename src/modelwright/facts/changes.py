"""How a version differs from the one that it is compared with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from modelwright.data.contract import changes
from modelwright.data.model import ColumnProfile, DatasetVersion
from modelwright.facts.data import of_data
from modelwright.facts.making import of_run, recorded_reason
from modelwright.facts.model import Missing, Source, SourceKind, Statement
from modelwright.facts.quality import evaluated, no_evidence
from modelwright.facts.record import Record, Subject
from modelwright.facts.saying import computed, evidence, missing, package, share
from modelwright.governance.model import Kind

_MOST_COLUMNS = 20


def cause(record: Record) -> Sequence[Statement]:
    """Why the version was made."""
    said: list[Statement] = [recorded_reason(record)]
    execution = record.subject.execution
    if execution is None and record.subject.run is not None:
        return [*said, computed("Its run names no execution of a pipeline.", of_run(record.subject.run))]
    if execution is None:
        return [*said, _no_run(record, record.subject)]
    source = Source(kind=SourceKind.EXECUTION, name=execution.id)
    said.append(
        computed(
            "The pipeline {pipeline} was started by {cause}, asked for by {by}, on what was known at {at}.",
            source,
            pipeline=execution.pipeline,
            cause=execution.cause,
            by=execution.queued_by,
            at=execution.at,
        )
    )
    return said


def data(record: Record) -> Sequence[Statement]:
    """What it learned from, against what the other learned from."""
    other = record.against
    if other is None:
        return [_nothing(record)]
    before, after = ({version.name: version for version in one.data} for one in (other, record.subject))
    said: list[Statement] = []
    for name in sorted({*before, *after}):
        said += _dataset(record, before.get(name), after.get(name))
    return said or [
        missing(
            "Neither {ref} nor {other} says what it learned from.",
            "Read the rows with mw.dataset inside mw.run, and save the model with run.save_model.",
            package(record.version),
            ref=record.version.ref,
            other=other.ref,
        )
    ]


def inputs(record: Record) -> Sequence[Statement]:
    """What it takes, against what the other takes."""
    other = record.against
    if other is None:
        return [_nothing(record)]
    terms = changes(other.version.manifest.inputs, record.version.manifest.inputs)
    source = package(record.version)
    said: list[Statement] = [
        computed("Its inputs changed: {change}.", source, change=change.rstrip(".")) for change in terms
    ]
    views = [one.version.manifest.features for one in (other, record.subject)]
    if views[0] != views[1]:
        said.append(
            computed(
                "Its feature view is {after}; it was {before}.",
                source,
                after=views[1].ref if views[1] else "none",
                before=views[0].ref if views[0] else "none",
            )
        )
    return said or [computed("It takes what {other} takes.", source, other=other.ref)]


def code(record: Record) -> Sequence[Statement]:
    """Its code, against the other's: commits, and files of the source snapshots."""
    new, old = record.subject, record.against
    if old is None:
        return [_nothing(record)]
    digests = [one.version.manifest.source for one in (old, new)]
    unknown = next((one.ref for one, digest in zip((old, new), digests, strict=True) if digest is None), None)
    if unknown is not None:
        return [
            missing(
                "{unknown} has no source snapshot, so the code cannot be compared.",
                "Train the next version inside mw.run, which keeps one.",
                package(record.version),
                unknown=unknown,
            )
        ]
    source = Source(kind=SourceKind.CODE, name="source snapshot", digest=digests[1])
    said: list[Statement] = []
    before, after = (one.run.capture.commit if one.run else None for one in (old, new))
    if before is not None and after is not None:
        said.append(computed("Its commit is {after}; it was {before}.", source, after=after, before=before))
    if digests[0] == digests[1]:
        return [*said, computed("The code is the same, file by file: {snapshot}.", source, snapshot=digests[1])]
    if new.source is None or old.source is None:
        return [*said, computed("The code changed: its snapshot is {snapshot}.", source, snapshot=digests[1])]
    files = [{file.path: file.digest for file in one.files} for one in (old.source, new.source)]
    counted = _sorted_out(files[0], files[1])
    said.append(
        computed(
            "Of {count} files, {changed} changed, {added} were added and {removed} removed.",
            source,
            count=len(files[1]),
            changed=len(counted["changed"]),
            added=len(counted["added"]),
            removed=len(counted["removed"]),
        )
    )
    said += [
        computed("The file {path} was {done}.", source, path=path, done=name)
        for name, paths in counted.items()
        for path in paths[:_MOST_COLUMNS]
    ]
    return said


def parameters(record: Record) -> Sequence[Statement]:
    """What was chosen, against what was chosen for the other."""
    new, old = record.subject.run, record.against.run if record.against else None
    if record.against is None:
        return [_nothing(record)]
    if new is None or old is None:
        return [_no_run(record, record.subject if new is None else record.against)]
    said = list(
        _moved(old.parameters, new.parameters, "The parameter {name} is {after}; it was {before}.", of_run(new))
    )
    return said or [computed("Its parameters are those of {other}.", of_run(new), other=record.against.ref)]


def software(record: Record) -> Sequence[Statement]:
    """What it was made with, against the other."""
    if record.against is None:
        return [_nothing(record)]
    before, after = (dict(_parted(one.packages)) for one in (record.against, record.subject))
    source = package(record.version)
    said = list(_moved(before, after, "The distribution {name} is {after}; it was {before}.", source))
    return said or [computed("Its package locks the distributions of {other}.", source, other=record.against.ref)]


def quality(record: Record) -> Sequence[Statement]:
    """Its metric, against the other's."""
    if record.against is None:
        return [_nothing(record)]
    found = [one.evidence.get(Kind.EVALUATION) for one in (record.against, record.subject)]
    before, after = map(evaluated, found)
    if found[1] is None or after is None:
        return [no_evidence(record, Kind.EVALUATION)]
    if found[0] is None or before is None:
        return [
            missing(
                "No evaluation of {other} counts, so nothing can be compared.",
                "Run: modelwright model evaluate {other} --on {data}",
                package(record.against.version),
                other=record.against.ref,
                data=found[1].dataset.ref,
            )
        ]
    said: list[Statement] = [
        computed(
            "Its {metric} is {after} on {n} rows; that of {other} is {before} on {m} rows.",
            evidence(found[1]),
            also=dict.fromkeys(("other", "before", "m"), evidence(found[0])),
            metric=after.metric,
            after=after.score,
            n=after.n,
            other=record.against.ref,
            before=before.score,
            m=before.n,
        )
    ]
    if (found[0].dataset.digest, found[0].window) != (found[1].dataset.digest, found[1].window):
        said.append(
            computed(
                "They were judged on other rows ({here}, {window}; {there}, {span}), so the two differ in season and "
                "not only in quality.",
                evidence(found[1]),
                also=dict.fromkeys(("there", "span"), evidence(found[0])),
                here=found[1].dataset.ref,
                window=found[1].window,
                there=found[0].dataset.ref,
                span=found[0].window,
            )
        )
    return said


def slices(record: Record) -> Sequence[Statement]:
    """Its metric on each slice, against the other's."""
    if record.against is None:
        return [_nothing(record)]
    found = [one.evidence.get(Kind.EVALUATION) for one in (record.against, record.subject)]
    before, after = map(evaluated, found)
    if found[0] is None or found[1] is None or before is None or after is None:
        return quality(record)
    old = {(one.column, one.value): one for one in before.slices}
    said: list[Statement] = [
        computed(
            "Where {column} is {value}, its {metric} is {after} on {n} rows; it was {before}.",
            evidence(found[1]),
            also={"before": evidence(found[0])},
            column=one.column,
            value="missing" if one.value is None else one.value,
            metric=after.metric,
            after=one.interval or f"not known ({one.reason})",
            n=one.n,
            before=known.interval or f"not known ({known.reason})",
        )
        for one in after.slices
        if (known := old.get((one.column, one.value))) is not None
    ]
    return said or [
        missing(
            "{ref} and {other} were judged on no slice that both have.",
            "Run: modelwright model evaluate {ref} --on {data} --slice COLUMN",
            package(record.version),
            ref=record.version.ref,
            other=record.against.ref,
            data=found[1].dataset.ref,
        )
    ]


def _dataset(record: Record, before: DatasetVersion | None, after: DatasetVersion | None) -> Iterator[Statement]:
    if before is None and after is not None:
        yield computed(
            "It learned from {data}, which the other did not: {rows} rows.",
            of_data(after),
            data=after.ref,
            rows=after.rows,
        )
    elif after is None and before is not None:
        yield computed("It no longer learns from {data}.", of_data(before), data=before.ref)
    elif before is not None and after is not None and before.digest == after.digest:
        yield computed("It learned from {data}, as the other did.", of_data(after), data=after.ref)
    elif before is not None and after is not None:
        yield from _grown(before, after)


def _grown(before: DatasetVersion, after: DatasetVersion) -> Iterator[Statement]:
    also = dict.fromkeys(("before", "rows"), of_data(before))
    yield computed(
        "It learned from {after} with {count} rows; the other from {before} with {rows}.",
        of_data(after),
        also=also,
        after=after.ref,
        count=after.rows,
        before=before.ref,
        rows=before.rows,
    )
    added = [name for name in after.columns if name not in before.columns]
    removed = [name for name in before.columns if name not in after.columns]
    if added:
        yield computed("Columns added: {columns}.", of_data(after), columns=added)
    if removed:
        yield computed("Columns removed: {columns}.", of_data(after), columns=removed)
    for change in changes(before.contract, after.contract):
        yield computed("Its contract changed: {change}.", of_data(after), change=change.rstrip("."))
    profiles = {column.name: column for column in before.profile}
    moved = [(profiles[column.name], column) for column in after.profile if column.name in profiles]
    for old, new in [pair for pair in moved if _said_of(pair[0]) != _said_of(pair[1])][:_MOST_COLUMNS]:
        yield computed(
            "The column {column} {after}; before, it {before}.",
            of_data(after),
            also={"before": of_data(before)},
            column=new.name,
            after=_said_of(new),
            before=_said_of(old),
        )


def _said_of(column: ColumnProfile) -> str:
    """What of a profile is worth a sentence: the centre of numbers, and what is missing, both rounded."""
    mean = f"has the mean {column.mean:.4g}" if isinstance(column.mean, float) else "is no number"
    return f"{mean} and lacks {share(column.missing, column.rows)}"


def _sorted_out(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, list[str]]:
    return {
        "changed": sorted(path for path in after if path in before and before[path] != after[path]),
        "added": sorted(path for path in after if path not in before),
        "removed": sorted(path for path in before if path not in after),
    }


def _moved(before: Mapping[str, str], after: Mapping[str, str], says: str, source: Source) -> Iterator[Statement]:
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield computed(
                says, source, name=name, after=after.get(name, "not there"), before=before.get(name, "not there")
            )


def _parted(packages: Sequence[str]) -> Iterator[tuple[str, str]]:
    for locked in packages:
        name, _, version = locked.partition("==")
        yield name, version


def _nothing(record: Record) -> Missing:
    return missing(
        "There is no version that {ref} is compared with.",
        "Name one: modelwright doc changes {ref} --against {model}@VERSION",
        package(record.version),
        ref=record.version.ref,
        model=record.version.model,
    )


def _no_run(record: Record, lacking: Subject) -> Missing:
    return missing(
        "{lacking} was registered without a run, so what was chosen for it is not on record.",
        "Train the next version inside mw.run, and save it with run.save_model.",
        package(record.version),
        lacking=lacking.ref,
    )
