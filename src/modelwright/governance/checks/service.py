"""The use cases of what is measured where a model is loaded: the server computes from what was sent, and keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from modelwright.core.errors import Invalid, NotFound
from modelwright.core.ids import Name, Ref
from modelwright.core.operation import Service, Upload, operation
from modelwright.core.unit import Unit
from modelwright.governance.checks.model import Checked, Machine, Outcome, Perturbation, ValueName
from modelwright.governance.checks.remade import Makings, check_comparable, reproduced
from modelwright.governance.evidence import EvidenceService, check_threshold, window
from modelwright.governance.gates.base import evaluate_command
from modelwright.governance.model import Evaluation, Evidence

if TYPE_CHECKING:  # weight: SQLAlchemy, which a remote client does without
    from modelwright.models.service import ModelService

_LARGEST_SOURCE = 1 << 20

Found = Annotated[dict[ValueName, Outcome], Meta(min_length=1, max_length=100)]

LoadMs = Annotated[float, Meta(ge=0)]


class CheckService(Service):
    """Checks that need the model itself: whoever loads it measures, and sends what was measured."""

    noun = "checks"

    def __init__(self, evidence: EvidenceService, models: ModelService, makings: Makings) -> None:
        self._evidence = evidence
        self._models = models
        self._makings = makings

    @operation(permission="evidence:write", kind="command", idempotent=True)
    def latency(
        self,
        unit: Unit,
        ref: Ref,
        dataset: Ref,
        times: Upload,
        load_ms: LoadMs,
        machine: Machine,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Evidence:
        """Keep how long a version takes to answer one row of a dataset version.

        Args:
            unit: The unit of work.
            ref: The model's version.
            dataset: The dataset's version.
            times: Milliseconds of 400 to 100,000 one-row answers, one after another: a Parquet file of one float
                column.
            load_ms: How long loading and verifying took.
            machine: Where, in words.
            since: The first event time of the rows.
            until: The first event time after them.

        Raises:
            NotFound: There is no such version, dataset or charter.
            Invalid: The times are something else.
        """
        from modelwright.governance.checks import computing  # weight: pyarrow, numpy, 0.4 s

        subject = self._evidence.subject(unit, ref, dataset, window(since, until))
        found = computing.timed(self._evidence.sent(times), times.digest, load_ms=load_ms, machine=machine)
        return self._evidence.recorded(unit, subject, [found])[0]

    @operation(permission="evidence:write", kind="command", idempotent=True)
    def robustness(
        self,
        unit: Unit,
        ref: Ref,
        dataset: Ref,
        perturbations: tuple[Perturbation, ...],
        scores: Upload,
        since: datetime | None = None,
        until: datetime | None = None,
        threshold: float | None = None,
    ) -> Evidence:
        """Judge what a version answers when its inputs are perturbed, against its newest evaluation on the same rows.

        Args:
            unit: The unit of work.
            ref: The model's version.
            dataset: The dataset's version.
            perturbations: What was done, at most 500.
            scores: What it answered: a Parquet file with the int64 column ``row``, the places in the window of at most
                10,000 rows with a label, in their order, and a float64 column for each perturbation without an error,
                named by its place: ``0``, ``1``, …
            since: The first event time.
            until: The first event time after it.
            threshold: From which score on the decision is taken; by default as for an evaluation.

        Raises:
            NotFound: There is no such version, dataset or charter, or no evaluation of it on these rows.
            Invalid: The scores are something else, or not of these rows.
        """
        from modelwright.governance import evaluation  # weight: pyarrow, numpy, 0.4 s
        from modelwright.governance.checks import computing

        check_threshold(threshold)
        _check_many(perturbations)
        subject = self._evidence.subject(unit, ref, dataset, window(since, until))
        judged = self._evidence.scored(unit, subject.version, subject.data, subject.window)
        if judged is None or not isinstance(judged.values, Evaluation) or judged.charter != subject.charter.judging:
            raise NotFound(
                f"{subject.version.ref} was not evaluated on these rows under the charter in force.",
                remedy=f"Run: modelwright model evaluate {subject.version.ref} --on {subject.data.ref} --robustness",
            )
        table, charter, task = self._evidence.rows(subject), subject.charter.charter, subject.version.manifest.task
        rows = evaluation.judged(table, charter, subject.data.event_time, judged.made_at)
        theirs = evaluation.read_scores(self._evidence.blobs.read(judged.values.scores), table.num_rows, task)
        found = computing.perturbed(
            (self._evidence.sent(scores), scores.digest),
            perturbations,
            (rows, theirs, judged.values),
            computing.decided_at(charter, task, threshold)[0],
        )
        return self._evidence.recorded(unit, subject, [found])[0]

    @operation(permission="evidence:write", kind="command", idempotent=True)
    def record(
        self,
        unit: Unit,
        ref: Ref,
        dataset: Ref,
        name: Name,
        values: Found,
        source: Upload,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Evidence:
        """Keep what a check of one's own found about a version on rows of a dataset version.

        It ran where the caller is: the server keeps its values as they came, with the function's source.

        Args:
            unit: The unit of work.
            ref: The model's version.
            dataset: The dataset's version.
            name: The check's; a policy asks for it as ``check.<name>``.
            values: Name -> number, text, or true or false; 1 to 100 of them.
            source: The function's source, as UTF-8.
            since: The first event time of the rows.
            until: The first event time after them.

        Raises:
            NotFound: There is no such version, dataset or charter.
            Invalid: The source was not sent, or is no text.
        """
        subject = self._evidence.subject(unit, ref, dataset, window(since, until))
        _check_source(self._evidence.sent(source))
        rows = self._evidence.rows(subject).num_rows
        found = Checked(name=name, values=values, source=source.digest, rows=rows)
        return self._evidence.recorded(unit, subject, [found])[0]

    @operation(permission="evidence:write", kind="command", idempotent=True)
    def reproduce(self, unit: Unit, ref: Ref, remade: Ref) -> Evidence:
        """Compare a version with one that was made again from the same record, and keep what came of it.

        Everything compared is the server's own: the packages' bytes, what runs and executions captured, and the scores
        of both on the rows of the version's newest evaluation. Evaluate the other on those first.

        Args:
            unit: The unit of work.
            ref: The model's version.
            remade: The one that was made again: another version, out of another run.

        Raises:
            NotFound: There is no such version or charter, or one of them was not evaluated on these rows.
            Invalid: It is the version itself, came out of the same run, or answers another kind of question.
        """
        from modelwright.governance.evaluation import read_scores  # weight: pyarrow, numpy, 0.4 s

        found = self._evidence.evaluated(unit, ref)
        subject = self._evidence.subject(unit, ref, found.dataset.ref, found.window)
        version, other = subject.version, self._models.get(unit, remade)
        check_comparable(version, other)
        theirs = self._evidence.scored(unit, other, subject.data, subject.window)
        if theirs is None:
            raise NotFound(
                f"{other.ref} was not evaluated on the rows of {version.ref}'s newest evaluation.",
                remedy=f"Run: {evaluate_command(other.ref, found)}",
            )
        blobs, rows = self._evidence.blobs, self._evidence.rows(subject).num_rows
        scores = [
            (each, read_scores(blobs.read(each.values.scores), rows, version.manifest.task))
            for each in (found, theirs)
            if isinstance(each.values, Evaluation)
        ]
        makings = (self._makings(unit, version), self._makings(unit, other))
        values = reproduced((version, other), makings, scores, blobs.read)
        return self._evidence.recorded(unit, subject, [values])[0]


def _check_source(data: bytes) -> None:
    if len(data) > _LARGEST_SOURCE:
        raise Invalid(
            f"The source has {len(data):,} bytes, not at most {_LARGEST_SOURCE:,}.", fields={"source": "is long"}
        )
    try:
        data.decode()
    except UnicodeDecodeError as error:
        raise Invalid(f"The source is no text: {error}.", fields={"source": "is not UTF-8"}) from None


def _check_many(perturbations: Sequence[Perturbation]) -> None:
    from modelwright.governance.checks.computing import MOST_TRIALS  # weight: pyarrow, numpy, 0.4 s

    if not 0 < len(perturbations) <= MOST_TRIALS:
        raise Invalid(
            f"{len(perturbations)} perturbations, not 1 to {MOST_TRIALS}.",
            fields={"perturbations": "are none or too many"},
        )
