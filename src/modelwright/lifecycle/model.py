"""The chain from one prediction to its bytes, and the state of a home."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from modelwright.core import wire
from modelwright.core.events import Event
from modelwright.core.ids import Digest, Name, Pinned
from modelwright.core.shown import Shown
from modelwright.governance.model import Evidence
from modelwright.governance.signoffs import Signature
from modelwright.lineage.model import Edge
from modelwright.models.model import ModelVersion
from modelwright.pipelines.model import Execution
from modelwright.predictions.model import Prediction
from modelwright.serving.model import Deployment
from modelwright.stats.model import Interval
from modelwright.tracking.model import Run


class Trace(Shown, frozen=True, kw_only=True):
    """Everything one prediction rests on, from the answer back to the bytes.

    Attributes:
        prediction: What was asked and answered, and what turned out.
        deployment: The change that made its endpoint answer with this version.
        version: The model version, with its signed manifest.
        evidence: What was found about that version's bytes, newest first.
        signatures: Those under the policy that let it be deployed, given and not taken back by then, oldest first.
        view: The version of a feature view whose vectors it takes, if it does.
        run: The run that trained it; none when it was registered without one.
        execution: The execution of a pipeline whose step that run was, with its cause: by hand, an alarm, new data.
        source: The source snapshot of that run.
        data: The dataset versions that the run read, and those that these were made from.
        lineage: The edges between all of these.
    """

    prediction: Prediction
    deployment: Deployment
    version: ModelVersion
    evidence: tuple[Evidence, ...]
    signatures: tuple[Signature, ...] = ()
    view: Pinned | None = None
    run: Run | None
    execution: Execution | None = None
    source: Digest | None
    data: tuple[Pinned, ...]
    lineage: tuple[Edge, ...]

    def __str__(self) -> str:
        return "\n".join(_lines(self))


class Overview(Shown, frozen=True, kw_only=True):
    """How much a project holds.

    Attributes:
        project: Its name.
        datasets: Datasets.
        models: Models.
        runs: Runs.
        endpoints: Endpoints.
        predictions: Predictions that its endpoints have answered.
        ledger_entries: Entries of the ledger, of all projects.
        at: When this was so.
    """

    project: str
    datasets: int
    models: int
    runs: int
    endpoints: int
    predictions: int
    ledger_entries: int
    at: datetime


class AgePoint(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One month of one version, and the endpoint's first version on the same rows. Intervals resample whole days.

    Attributes:
        period_start: The first moment of the month of the events, UTC.
        live_version: ``model@version`` that answered.
        n: Its predictions with a known label.
        live: AUC of what was answered.
        frozen: AUC of what the first version would have answered.
        difference: The former less the latter, on the same rows.
        reason: Why there are no intervals; empty when there are.
    """

    period_start: datetime
    live_version: str
    n: int
    live: Interval | None = None
    frozen: Interval | None = None
    difference: Interval | None = None
    reason: str = ""


class Age(Shown, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An endpoint's first version beside those that followed, month by month on the same rows.

    Attributes:
        endpoint: The endpoint.
        frozen: The first version, ``model@version``.
        package: Digest of its package.
        points: By month and answering version.
        scores: Digest of what the first version answers, as it was sent.
        measured_at: Wall clock.
        measured_by: Who, opaque.
    """

    endpoint: Name
    frozen: str
    package: Digest
    points: tuple[AgePoint, ...]
    scores: Digest
    measured_at: datetime
    measured_by: str


class AgesCompared(Event, frozen=True, kw_only=True, tag="lifecycle.ages_compared"):
    """An endpoint's first version was compared with those that followed."""

    endpoint: Name
    frozen: str
    package: Digest
    scores: Digest
    digest: Digest


class Outstanding(Shown, frozen=True, kw_only=True):
    """What the job worker still has to do because of what has happened so far at an endpoint.

    Attributes:
        endpoint: The endpoint.
        reactions: Calls that events have written down and that are not made yet, of the whole home.
        executions: Executions of pipelines that wait or run.
        periods: Whether a period has passed that its monitor has not judged.
        look: Whether its rollout has a look that is due, though perhaps without its labels.
        loading: Whether a worker has not loaded what it should answer with, or the challenger, yet.
    """

    endpoint: Name
    reactions: int
    executions: int
    periods: bool
    look: bool
    loading: bool

    @property
    def settled(self) -> bool:
        """Whether nothing is."""
        return not (self.reactions or self.executions or self.periods or self.look or self.loading)


def _lines(trace: Trace) -> list[str]:
    asked, moved, version = trace.prediction, trace.deployment, trace.version
    label = "not known yet" if asked.label is None else f"{asked.label} (known {asked.label_known_at:%Y-%m-%d %H:%M}Z)"
    how = f"{moved.action} {moved.at:%Y-%m-%d %H:%M:%S}Z by {moved.by}, policy {moved.policy[:12]}"
    return [
        f"prediction  {asked.id}",
        f"            asked for {asked.event_at:%Y-%m-%d %H:%M}Z, answered {asked.output} in {asked.latency_ms:.1f} ms",
        f"            label {label}",
        f"endpoint    {asked.endpoint}, generation {moved.generation} ({how})",
        f"version     {version.ref}, package {version.package}",
        *(f"evidence    {found.digest}  {found.summary}" for found in trace.evidence),
        *(
            f"signature   {signed.says} as {signed.role}, {signed.at:%Y-%m-%d %H:%M:%S}Z by {signed.by}"
            f"{f' for {signed.on_behalf_of}' if signed.on_behalf_of else ''}, covers {wire.digest(signed.basis)}"
            for signed in trace.signatures
        ),
        *([f"features    {trace.view.ref:<20} {trace.view.digest}"] if trace.view else []),
        *_origin(trace),
    ]


def _origin(trace: Trace) -> list[str]:
    run = trace.run
    if run is None:
        return ["run         none: the version was registered without one"]
    code, execution = run.capture, trace.execution
    dirty = f", uncommitted changes {code.diff[:12]}" if code.diff else ""
    return [
        f"run         {run.id} ({run.name}, {run.status}, started {run.started_at:%Y-%m-%d %H:%M:%S}Z)",
        *([f"execution   {execution.id} of {execution.pipeline} ({execution.cause})"] if execution else []),
        f"source      {trace.source} (commit {code.commit or 'none'}{dirty})",
        *(f"data        {read.ref:<20} {read.digest}" for read in trace.data),
    ]
