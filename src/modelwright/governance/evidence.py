"""The use cases of evidence: the server reads labels, computes, and keeps what it found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from modelwright.core.clock import as_utc
from modelwright.core.errors import Corrupted, Invalid, NotFound
from modelwright.core.ids import Digest, Name, Ref
from modelwright.core.operation import Service, Upload, operation
from modelwright.core.unit import Snapshot, Unit
from modelwright.data.model import DatasetVersion
from modelwright.governance.charter import CharterVersion, ColumnName, no_charter
from modelwright.governance.checks.relying import Relied
from modelwright.governance.effects.model import Replay
from modelwright.governance.model import (
    Comparison,
    Evaluation,
    Evidence,
    EvidenceRecorded,
    Explanation,
    Finding,
    Kind,
    Values,
    Window,
)
from modelwright.models.model import ModelVersion, Task
from modelwright.risks.model import RegisterVersion, RisksCounted, no_register
from modelwright.stats.model import Importance

if TYPE_CHECKING:  # weight: SQLAlchemy, pyarrow and numpy, which a remote client does without
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from modelwright.data.service import DataService
    from modelwright.governance.effects.replay import Rated, Rival
    from modelwright.governance.evaluation import Floats, Judged
    from modelwright.governance.repository import GovernanceRepository
    from modelwright.models.service import ModelService
    from modelwright.risks.repository import RiskRepository
    from modelwright.store.ports import Blobs, Frames, Records

ReliedOn = Callable[[Unit, str, Digest], "Sequence[Relied]"]
"""Says what else than these bytes aliases of a model and endpoints rely on now."""

_MOST_SLICES = 10
_MOST_RIVALS = 10
"""Versions that one evaluation is compared with; each costs a second or so on many rows."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_REPEATED = timedelta(hours=1)
"""The same finding again within this time is the one that is there: a retried call adds nothing."""


class Subject(Struct, frozen=True, kw_only=True):
    """What evidence is to be about, as it stood when the computing began. All of it is immutable."""

    version: ModelVersion
    charter: CharterVersion
    data: DatasetVersion
    window: Window
    baseline: Evidence | None
    champion: Evidence | None
    rivals: tuple[Evidence, ...]
    register: RegisterVersion | None


class EvidenceService(Service):
    """Evaluate models on the server's own labels, and keep what was found."""

    noun = "evidence"

    def __init__(
        self,
        repository: GovernanceRepository,
        *,
        risks: RiskRepository,
        models: ModelService,
        data: DataService,
        records: Records,
        blobs: Blobs,
        frames: Frames,
        relied: ReliedOn,
    ) -> None:
        self._repository = repository
        self._risks = risks
        self._models = models
        self._data = data
        self._records = records
        self.blobs = blobs
        self._frames = frames
        self._relied = relied

    @operation(permission="evidence:write", kind="command", idempotent=True)
    def evaluate(
        self,
        unit: Unit,
        ref: Ref,
        dataset: Ref,
        scores: Upload,
        since: datetime | None = None,
        until: datetime | None = None,
        slices: tuple[ColumnName, ...] = (),
        threshold: float | None = None,
    ) -> tuple[Evidence, ...]:
        """Judge a version's scores on a dataset version: input contract, KPI, the charter's baseline, effect and risks.

        The labels are the dataset's own. The comparison needs the baseline's scores of the same rows: evaluate the
        baseline first; it has a charter of its own, usually the same file. Rows without a label, or whose label cannot
        be known yet, are counted and left out. What the scores would have brought is compared with the baseline's and
        the champion's, as far as these have been evaluated on the same rows.

        Args:
            unit: The unit of work.
            ref: The model's version.
            dataset: The dataset's version.
            scores: What the version answered: a Parquet file of one float column, one row for each of the window's, in
                the dataset's order. Probabilities of 1 for a binary task.
            since: The first event time; none means from the beginning.
            until: The first event time after it; none means to the end.
            slices: At most 10 columns to slice by.
            threshold: From which score on the decision is taken, between 0 and 1; by default by the charter: its
                rule, or where its worth of outcomes breaks even; else 0.5. Groups are compared at it.

        Returns:
            The contract check, the evaluation, the size, the comparison where the baseline's scores were there, the one
            with what aliases and endpoints rely on where theirs were, how groups fare where it was sliced, the effect
            where the charter says what outcomes are worth, and how often the situations of the model's risk register
            were met where it has one.

        Raises:
            NotFound: There is no such version, dataset or charter.
            Invalid: The scores are not one usable number for each row, or the labels cannot be judged.
        """
        subject = self.subject(unit, ref, dataset, window(since, until))
        if len(slices) > _MOST_SLICES or len(set(slices)) != len(slices):
            raise Invalid(f"{len(slices)} slice columns, not at most {_MOST_SLICES} different ones.")
        check_threshold(threshold)
        found = self._computed(subject, scores, slices, threshold, unit.now)
        return self.recorded(unit, subject, found)

    @operation(permission="evidence:write", kind="command", idempotent=True)
    def explain(
        self,
        unit: Unit,
        ref: Ref,
        dataset: Ref,
        importances: tuple[Importance, ...],
        since: datetime | None = None,
        until: datetime | None = None,
        method: Name = "permutation",
    ) -> Evidence:
        """Keep what a version relies on, as the caller computed it on rows of a dataset version.

        Args:
            unit: The unit of work.
            ref: The model's version.
            dataset: The dataset's version.
            importances: One for each input.
            since: The first event time of the rows.
            until: The first event time after them.
            method: How they were computed.

        Raises:
            Invalid: An importance is about a column that is not an input, or there are two of one column.
        """
        subject = self.subject(unit, ref, dataset, window(since, until))
        inputs = subject.version.manifest.inputs.names
        named = [importance.column for importance in importances]
        if len(set(named)) != len(named) or not set(named) <= set(inputs):
            raise Invalid(
                f"The importances are not about {subject.version.ref}'s inputs, each once.",
                remedy=f"Its inputs are: {', '.join(inputs[:20])}.",
                fields={"importances": "not each input once"},
            )
        ordered = sorted(importances, key=lambda each: (-each.drop.estimate, each.column))
        values = Explanation(method=method, inputs=inputs, importances=tuple(ordered))
        return self.recorded(unit, subject, [values])[0]

    @operation(permission="evidence:write", kind="command", idempotent=True)
    def count_risks(self, unit: Unit, ref: Ref) -> Evidence:
        """Count the situations of a model's risk register on the rows of a version's newest evaluation.

        An evaluation counts by itself; this is for a register that was published after it.

        Args:
            unit: The unit of work.
            ref: The model's version.

        Raises:
            NotFound: There is no such version or charter, no register, or no evaluation under the charter in force.
        """
        from modelwright.governance import evaluation  # weight: pyarrow, numpy, 0.4 s

        found = self.evaluated(unit, ref)
        subject = self.subject(unit, ref, found.dataset.ref, found.window)
        if subject.register is None:
            raise no_register(subject.version.model)
        table = self.rows(subject, ())
        rows = evaluation.judged(table, subject.charter.charter, subject.data.event_time, found.made_at)
        digest = found.values.scores if isinstance(found.values, Evaluation) else ""
        scores = evaluation.read_scores(self.blobs.read(digest), table.num_rows, subject.version.manifest.task)
        counted = _counted(subject, table, rows, (digest, scores))
        return self.recorded(unit, subject, counted)[0]

    @operation(permission="evidence:read", kind="query")
    def list(self, unit: Unit, ref: Ref) -> tuple[Evidence, ...]:
        """The newest 200 pieces of evidence about a version, newest first.

        Args:
            unit: The unit of work.
            ref: The version.
        """
        version = self._models.get(unit, ref)
        return tuple(self._repository.evidence_of(unit.rows, unit.project, version.model, version.version))

    @operation(permission="evidence:read", kind="query")
    def get(self, unit: Unit, digest: Digest) -> Evidence:
        """One piece of evidence.

        Args:
            unit: The unit of work.
            digest: Its digest.

        Raises:
            NotFound: There is none.
            Corrupted: It is not what its digest says.
        """
        found = self._repository.evidence(unit.rows, unit.project, digest)
        if found is None:
            raise NotFound(
                f"There is no evidence {digest[:12]}….",
                remedy="List a version's: modelwright evidence list MODEL@VERSION",
            )
        if not found.intact:
            raise Corrupted(
                f"Evidence {digest[:12]}… is not what was recorded.", remedy="Restore the control database."
            )
        return found

    def evaluated(self, unit: Unit, ref: str) -> Evidence:
        """The newest evaluation of a version under the charter in force."""
        version = self._models.get(unit, ref)
        charter = self._repository.charter(unit.rows, unit.project, version.model)
        for found in self._repository.evidence_of(unit.rows, unit.project, version.model, version.version):
            same = charter is not None and (found.package, found.charter) == (version.package, charter.judging)
            if same and found.kind is Kind.EVALUATION and found.intact:
                return found
        raise NotFound(
            f"{version.ref} was not evaluated under the charter in force.",
            remedy=f"Run: modelwright model evaluate {version.ref} --on DATASET@VERSION",
        )

    def subject(self, unit: Unit, ref: str, dataset: str, window: Window) -> Subject:
        """Everything the computing needs, read in a snapshot of its own: it must not hold up writers."""
        with self._records.reading() as rows:
            reading = Snapshot(unit, rows)
            version = self._models.get(reading, ref)
            charter = self._repository.charter(rows, unit.project, version.model)
            if charter is None:
                raise no_charter(version.model)
            data = self._data.get(reading, dataset)
            _check_fit(version, charter, data)
            return Subject(
                version=version,
                charter=charter,
                data=data,
                window=window,
                baseline=self._rated(reading, version, charter.charter.baseline, data, window),
                champion=self._rated(reading, version, f"{version.model}@champion", data, window),
                rivals=tuple(islice(self._rivals(reading, version, charter, data, window), _MOST_RIVALS)),
                register=self._risks.register(rows, unit.project, version.model),
            )

    def _rated(
        self, unit: Unit, version: ModelVersion, other: str | None, data: DatasetVersion, window: Window
    ) -> Evidence | None:
        """The newest evaluation of the baseline's newest version, or of another, on the very same rows."""
        if other is None or other == version.model:
            return None
        try:
            rival = self._models.get(unit, other if "@" in other else f"{other}@latest")
        except NotFound:
            return None
        if rival.manifest.task is not version.manifest.task or rival.ref == version.ref:
            return None
        return self.scored(unit, rival, data, window)

    def _rivals(
        self, unit: Unit, version: ModelVersion, charter: CharterVersion, data: DatasetVersion, window: Window
    ) -> Iterator[Evidence]:
        """Evaluations on the very same rows of what aliases and endpoints rely on now for the same label."""
        for relied in self._relied(unit, version.model, version.package):
            theirs = self._repository.charter(unit.rows, unit.project, relied.model)
            if theirs is None or theirs.charter.label.column != charter.charter.label.column:
                continue
            found = self.scored(unit, relied, data, window)
            if found is None or not isinstance(found.values, Evaluation):
                continue
            if (found.values.positives is not None) == (version.manifest.task is Task.BINARY):
                yield found

    def scored(
        self, unit: Unit, version: ModelVersion | Relied, data: DatasetVersion, window: Window
    ) -> Evidence | None:
        """The newest evaluation of a version on the very same rows."""
        for found in self._repository.evidence_of(unit.rows, unit.project, version.model, version.version):
            same = (found.package, found.dataset.digest, found.window) == (version.package, data.digest, window)
            if same and found.kind is Kind.EVALUATION and found.intact:
                return found
        return None

    def _computed(
        self, subject: Subject, upload: Upload, slices: Sequence[str], threshold: float | None, now: datetime
    ) -> Sequence[Values]:
        from modelwright.governance import evaluation  # weight: pyarrow, numpy, 0.4 s

        charter, task = subject.charter.charter, subject.version.manifest.task
        table = self.rows(subject, slices)
        rows = evaluation.judged(table, charter, subject.data.event_time, now)
        scores = evaluation.read_scores(self.sent(upload), table.num_rows, task)
        judged = evaluation.evaluated(table, rows, scores, charter, slices=slices, digest=upload.digest, task=task)
        found: list[Values] = [evaluation.checked(table, subject.version.manifest.inputs), judged]
        baseline, rated = subject.baseline, self._rates(subject, table.num_rows)
        if baseline is not None:
            found.append(
                Comparison(
                    baseline=baseline.model,
                    version=baseline.version,
                    package=baseline.package,
                    evaluation=baseline.digest,
                    metric=charter.kpi.metric,
                    delta=evaluation.compared(rows, scores, rated["baseline"].scores, charter.kpi.metric),
                )
            )
        return [
            *found,
            *self._beside(subject, table, (rows, scores, judged), threshold),
            *_replayed(subject, table, rows, (upload.digest, scores), rated),
            *_counted(subject, table, rows, (upload.digest, scores)),
        ]

    def _rates(self, subject: Subject, rows: int) -> dict[Rival, Rated]:
        """The scores of those it is compared with."""
        from modelwright.governance.effects.replay import Rated  # weight: numpy
        from modelwright.governance.evaluation import read_scores

        named: tuple[tuple[Rival, Evidence | None], ...] = (
            ("baseline", subject.baseline),
            ("champion", subject.champion),
        )
        return {
            name: Rated(
                f"{other.model}@{other.version}",
                other.digest,
                read_scores(self.blobs.read(other.values.scores), rows, subject.version.manifest.task),
            )
            for name, other in named
            if other is not None and isinstance(other.values, Evaluation)
        }

    def _beside(
        self, subject: Subject, table: pa.Table, scored: tuple[Judged, Floats, Evaluation], asked: float | None
    ) -> Sequence[Values]:
        """What else can be said of scores that were judged."""
        from modelwright.governance import evaluation  # weight: pyarrow, numpy, 0.4 s
        from modelwright.governance.checks import computing

        rows, scores, judged = scored
        charter, manifest = subject.charter.charter, subject.version.manifest
        theirs = [
            (rival, evaluation.read_scores(self.blobs.read(rival.values.scores), len(scores), manifest.task))
            for rival in subject.rivals
            if isinstance(rival.values, Evaluation)
        ]
        at = computing.selected_at(charter, manifest.task, asked)
        return [
            computing.sized(manifest),
            *computing.rivalled(rows, scores, judged, theirs),
            *computing.grouped(table, rows, scores, judged, at),
        ]

    def rows(self, subject: Subject, slices: Sequence[str] = ()) -> pa.Table:
        """The rows of a subject's window: what the model takes, the label, the slices' columns, the event time.

        Raises:
            Invalid: There is no such column, or no row.
        """
        from modelwright.governance import evaluation  # weight: pyarrow, numpy, 0.4 s

        data, label = subject.data, subject.charter.charter.label.column
        missing = [name for name in (*slices, label) if name not in data.columns]
        if missing:
            raise Invalid(
                f"{data.ref} has no column {', '.join(missing)}.",
                remedy=f"It has: {', '.join(list(data.columns)[:20])}.",
                fields=dict.fromkeys(missing, "is not a column"),
            )
        inputs = [name for name in subject.version.manifest.inputs.names if name in data.columns]
        times = [data.event_time] if data.event_time else []
        columns = list(dict.fromkeys([*inputs, label, *slices, *times]))
        table = self._frames.table([part.digest for part in data.parts], columns)
        return evaluation.rows_in(table, subject.window, data.event_time)

    def sent(self, upload: Upload) -> bytes:
        """What was sent ahead.

        Raises:
            Invalid: Nothing was, or too much.
        """
        from modelwright.governance.evaluation import LARGEST_UPLOAD  # weight: pyarrow, numpy, 0.4 s

        if self.blobs.missing([upload.digest]):
            raise Invalid(
                "What is to be judged has not been sent.", remedy="Send it ahead; modelwright model evaluate does."
            )
        size = self.blobs.size(upload.digest)
        if size > LARGEST_UPLOAD:
            raise Invalid(f"What was sent has {size:,} bytes, not at most {LARGEST_UPLOAD:,}.")
        return self.blobs.read(upload.digest)

    def recorded(self, unit: Unit, subject: Subject, found: Sequence[Values]) -> tuple[Evidence, ...]:
        """Keep what was found; what says the same as an hour ago at most is the evidence that is there."""
        from modelwright.governance.evaluation import code_digest  # weight: pyarrow, numpy, 0.4 s

        version = subject.version
        known = self._repository.evidence_of(unit.rows, unit.project, version.model, version.version)
        fresh = [
            Evidence.of(
                Finding(
                    model=version.model,
                    version=version.version,
                    package=version.package,
                    dataset=subject.data.pinned,
                    window=subject.window,
                    charter=subject.charter.judging,
                    values=values,
                    code=code_digest(),
                    made_at=unit.now,
                    made_by=unit.actor,
                )
            )
            for values in found
        ]
        there = [_repeated(evidence, known) for evidence in fresh]
        again = all(there)  # else all of it is kept anew: what an evaluation goes with must not be older than it
        made = []
        for evidence, repeated in zip(fresh, there, strict=True):
            kept = repeated if repeated is not None and (again or repeated.digest == evidence.digest) else evidence
            made.append(kept)
            if kept is evidence:
                self._repository.add_evidence(unit.rows, unit.project, evidence)
                unit.emit(_event(evidence))
        return tuple(made)


def check_threshold(threshold: float | None) -> None:
    """Pass silently when scores can reach it, and fail to.

    Raises:
        Invalid: They cannot.
    """
    if threshold is not None and not 0 < threshold < 1:
        raise Invalid(
            f"The threshold is {threshold}, not between 0 and 1.", fields={"threshold": "not between 0 and 1"}
        )


def _counted(subject: Subject, table: pa.Table, rows: Judged, scored: tuple[Digest, Floats]) -> list[RisksCounted]:
    """How often the situations of the register were met, where there is one."""
    from modelwright.risks.counting import Scored, counted  # weight: pyarrow, numpy

    if subject.register is None:
        return []
    (digest, scores), metric = scored, subject.charter.charter.kpi.metric
    taken = table.select([name for name in subject.version.manifest.inputs.names if name in table.column_names])
    times = _times(table, subject.data.event_time)
    days = None if times is None else times.astype("datetime64[D]").astype("int64")
    return [counted(subject.register, taken, Scored(rows.rows, rows.labels, scores, metric, digest, days))]


def _replayed(
    subject: Subject, table: pa.Table, rows: Judged, scored: tuple[Digest, Floats], rivals: Mapping[Rival, Rated]
) -> list[Replay]:
    """What the scores would have brought, where the charter says what outcomes are worth."""
    from modelwright.governance.effects.replay import Rows, replayed, terms  # weight: numpy

    by = terms(subject.charter.charter)
    if by is None or subject.version.manifest.task is not Task.BINARY:
        return []
    history = Rows(rows.rows, rows.labels, _times(table, subject.data.event_time))
    return [replayed(by, history, scored[1], rivals, digest=scored[0])]


def _times(table: pa.Table, event_time: str | None) -> NDArray[np.datetime64] | None:
    """When each row's event was; none where a row has none."""
    if event_time is None or table[event_time].null_count:
        return None
    return table[event_time].to_numpy()  # type: ignore[no-any-return]  # Arrow


def window(since: datetime | None, until: datetime | None) -> Window:
    """The window in UTC; a moment without an offset is refused."""
    return Window(
        since=None if since is None else as_utc(since, field="since"),
        until=None if until is None else as_utc(until, field="until"),
    )


def _repeated(fresh: Evidence, known: Sequence[Evidence]) -> Evidence | None:
    """The newest evidence of that kind, if it says the same and is young."""
    newest = next((evidence for evidence in known if evidence.slot == fresh.slot), None)
    if newest is None or not fresh.made_at - _REPEATED < newest.made_at <= fresh.made_at:
        return None
    return newest if _timeless(newest) == _timeless(fresh) else None


def _timeless(evidence: Evidence) -> Evidence:
    return replace(evidence, made_at=_EPOCH, digest="")


def _event(evidence: Evidence) -> EvidenceRecorded:
    return EvidenceRecorded(
        digest=evidence.digest,
        evidence=evidence.kind,
        model=evidence.model,
        version=evidence.version,
        package=evidence.package,
        dataset=evidence.dataset,
        charter=evidence.charter,
    )


def _check_fit(version: ModelVersion, charter: CharterVersion, data: DatasetVersion) -> None:
    from modelwright.stats.scores import metric  # weight: numpy

    kpi, label = charter.charter.kpi, charter.charter.label
    if label.dataset is not None and label.dataset != data.name:
        raise Invalid(
            f"The charter of {version.model} judges by {label.dataset}, not by {data.name}.",
            remedy=f"Evaluate on a version of {label.dataset}.",
            fields={"dataset": "is not the charter's"},
        )
    if metric(kpi.metric).kind.value != version.manifest.task.value:
        raise Invalid(
            f"{version.ref} is a {version.manifest.task} model, and the KPI's {kpi.metric} is not for those.",
            remedy="Name a metric of its task in the charter.",
            fields={"kpi": f"is not for {version.manifest.task}"},
        )
