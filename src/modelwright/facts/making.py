"""What a version is and how it was made: from its signed manifest, its run and its pipeline."""

from __future__ import annotations

from collections.abc import Sequence

from modelwright.facts.model import Missing, Source, SourceKind, Statement
from modelwright.facts.record import Record
from modelwright.facts.saying import attested, computed, missing, package
from modelwright.models.model import Reason
from modelwright.tracking.model import Run


def identity(record: Record) -> Sequence[Statement]:
    """What it is, and who registered it."""
    version, manifest, source = record.version, record.version.manifest, package(record.version)
    said: list[Statement] = [
        computed(
            "{ref} is a package of flavour {flavour}: {files} files, {size} bytes, under the digest {digest}.",
            source,
            ref=version.ref,
            flavour=manifest.flavour,
            files=len(manifest.files),
            size=version.size_bytes,
            digest=version.package,
        ),
        computed(
            "It was registered at {at} by {by}.",
            _entry(record, "models.version_registered") or source,
            at=version.registered_at,
            by=version.registered_by,
        ),
        recorded_reason(record),
    ]
    if version.note:
        said.append(
            attested(
                "Whoever registered it wrote: {words}",
                source,
                by=version.registered_by,
                at=version.registered_at,
                words=version.note,
            )
        )
    return said


def recorded_reason(record: Record) -> Statement:
    """Why it exists, as far as somebody said."""
    version = record.version
    silent = version.reason in (Reason.FIRST, Reason.NEW_DATA)
    return computed(
        "The reason on record is {reason}" + (", which also stands where nobody said one." if silent else "."),
        package(version),
        reason=version.reason.replace("_", " "),
    )


def signature(record: Record) -> Sequence[Statement]:
    """Who vouches for its bytes: the home, whose key signed the manifest."""
    return [
        computed(
            "Its manifest names each of its {files} files with a hash, and is signed by the home's key {key}; a loader "
            "verifies both before it loads.",
            package(record.version),
            files=len(record.version.manifest.files),
            key=record.signer,
        )
    ]


def predecessor(record: Record) -> Sequence[Statement]:
    """The version before it."""
    if record.against is None:
        return [
            computed(
                "{ref} is the only version of {model}.",
                package(record.version),
                ref=record.version.ref,
                model=record.version.model,
            )
            if record.version.version == 1
            else missing(
                "Nothing says which version {ref} replaces.",
                "Compare it with one: modelwright doc changes {ref} --against {model}@VERSION",
                package(record.version),
                ref=record.version.ref,
                model=record.version.model,
            )
        ]
    other = record.against.version
    return [
        computed(
            "{ref} is compared with {other}, registered at {at}.",
            package(record.version),
            also={"other": package(other), "at": package(other)},
            ref=record.version.ref,
            other=other.ref,
            at=other.registered_at,
        )
    ]


def origin(record: Record) -> Sequence[Statement]:
    """The run, the code and the pipeline that made it."""
    run = record.subject.run
    if run is None:
        return [_no_run(record)]
    source, capture = of_run(run), run.capture
    said: list[Statement] = [
        computed(
            "The run {run} of {name} trained it, begun at {at}.", source, run=run.id, name=run.name, at=run.started_at
        )
    ]
    if capture.entry_point:
        words = " ".join((capture.entry_point, *capture.arguments))
        said.append(computed("It executed {words} under Python {python}.", source, words=words, python=capture.python))
    said.append(_code(record, run))
    if record.subject.execution is not None:
        execution = record.subject.execution
        said.append(
            computed(
                "The run was a step of the execution {execution} of the pipeline {pipeline}, started by: {cause}.",
                Source(kind=SourceKind.EXECUTION, name=execution.id),
                execution=execution.id,
                pipeline=execution.pipeline,
                cause=execution.cause,
            )
        )
    return said


def parameters(record: Record) -> Sequence[Statement]:
    """What was chosen, and the seeds."""
    run = record.subject.run
    if run is None:
        return [_no_run(record)]
    chosen = [
        computed("The parameter {name} was {value}.", of_run(run), name=name, value=value)
        for name, value in sorted(run.parameters.items())
    ]
    seeds = [
        computed("The generator {name} began with the seed {seed}.", of_run(run), name=name, seed=str(seed))
        for name, seed in sorted(run.capture.seeds.items())
    ]
    return [*chosen, *seeds] or [computed("The run {run} recorded no parameters.", of_run(run), run=run.id)]


def software(record: Record) -> Sequence[Statement]:
    """The environment it was packaged in."""
    manifest, packages = record.version.manifest, record.subject.packages
    said: list[Statement] = []
    if packages:
        said.append(
            computed(
                "Its package locks {count} distributions: {packages}.",
                package(record.version),
                count=len(packages),
                packages=packages,
            )
        )
    if manifest.environment is not None:
        lock = Source(kind=SourceKind.CODE, name="environment lock", digest=manifest.environment)
        said.append(computed("The run's environment lock has the digest {digest}.", lock, digest=manifest.environment))
    return said or [
        missing(
            "{ref} does not say in which environment it was made.",
            "Save it with ws.models.save, which keeps the lock.",
            package(record.version),
            ref=record.version.ref,
        )
    ]


def hardware(record: Record) -> Sequence[Statement]:
    """The machine that trained it."""
    run = record.subject.run
    if run is None:
        return [_no_run(record)]
    found = [
        computed("The training machine's {name}: {value}.", of_run(run), name=name, value=value)
        for name, value in sorted(run.capture.hardware.items())
    ]
    return found or [_unsaid(run, "The run {run} did not record its machine.")]


def compute(record: Record) -> Sequence[Statement]:
    """What training took."""
    run = record.subject.run
    if run is None:
        return [_no_run(record)]
    if run.cost is None:
        return [_unsaid(run, "The run {run} did not record what it took.")]
    return [
        computed(
            "Training took {wall} s, {cpu} s of processor time and {memory} MB of memory at most.",
            of_run(run),
            wall=run.cost.wall_seconds,
            cpu=run.cost.cpu_seconds,
            memory=run.cost.peak_memory_mb,
        )
    ]


def of_run(run: Run) -> Source:
    """A run as a source."""
    return Source(kind=SourceKind.RUN, name=run.id)


def _code(record: Record, run: Run) -> Statement:
    capture = run.capture
    if capture.source is None:
        return _unsaid(run, "The run {run} recorded no source snapshot.")
    source = Source(kind=SourceKind.CODE, name="source snapshot", digest=capture.source)
    files = record.subject.source
    count = f"{len(files.files):,} files" if files is not None else "files that are no longer here"
    if capture.commit is None:
        return computed(
            "Its code is the source snapshot {snapshot} ({count}), which lay in no repository.",
            source,
            snapshot=capture.source,
            count=count,
        )
    return computed(
        "Its code is the source snapshot {snapshot} ({count}), at the commit {commit} {changed}.",
        source,
        snapshot=capture.source,
        count=count,
        commit=capture.commit,
        changed=f"with uncommitted changes {capture.diff}" if capture.diff else "without uncommitted changes",
    )


def _entry(record: Record, kind: str) -> Source | None:
    found = next((entry for entry in record.entries if entry.kind == kind), None)
    return None if found is None else Source(kind=SourceKind.LEDGER, name=str(found.seq), digest=found.leaf)


def _unsaid(run: Run, says: str) -> Missing:
    return missing(says, "Train the next version inside mw.run, which records it.", of_run(run), run=run.id)


def _no_run(record: Record) -> Missing:
    return missing(
        "{ref} was registered without a run, so nothing says how it was made.",
        "Train the next version inside mw.run, and save it with run.save_model.",
        package(record.version),
        ref=record.version.ref,
    )
