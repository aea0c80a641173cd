"""The central pipeline as steps: ``mw.train`` validates, splits, fits, evaluates, explains, gates and documents.

Called outside a pipeline they run one after another, as any step does. Every step opens the workspace for itself,
because each may run in a process of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from modelwright.app.connect import Workspace, connect
from modelwright.core.clock import Duration
from modelwright.core.errors import Conflict, Invalid, NotFound
from modelwright.core.guard import Decision
from modelwright.core.ids import Name, Ref
from modelwright.features.model import View
from modelwright.lifecycle import train as verbs
from modelwright.lifecycle.evaluate import evaluate as evaluated
from modelwright.lifecycle.evaluate import explain as explained
from modelwright.lifecycle.train import Split
from modelwright.models.model import CHAMPION, loosened
from modelwright.pipelines.define import step
from modelwright.pipelines.triggers import span
from modelwright.rollouts.service import LOOKS

if TYPE_CHECKING:
    from modelwright.data.model import DatasetVersion
    from modelwright.rollouts.model import Rollout


class Trained(Struct, frozen=True, kw_only=True):
    """A version that the central pipeline made.

    Attributes:
        ref: The version.
        data: The dataset version that it learned from and was judged on.
        allowed: Whether it passes the gates.
        reasons: Why not.
    """

    ref: Ref
    data: Ref
    allowed: bool
    reasons: tuple[str, ...] = ()


class Fitting(Struct, frozen=True, kw_only=True):
    """How to fit a model.

    Attributes:
        function: ``module:name`` of ``(table, **parameters) -> fitted model``.
        parameters: What was chosen.
        seed: For the global generators, and for whatever is sampled when the model is judged.
        save: As for ``ws.models.save``.
    """

    function: str
    parameters: dict[str, Any] = {}
    seed: int = 0
    save: dict[str, Any] = {}


def train(
    model: Name,
    data: Ref,
    *,
    fit: Callable[..., object],
    until: datetime,
    holdout: str | timedelta = "21d",
    parameters: Mapping[str, Any] | None = None,
    slices: Sequence[str] = (),
    seed: int = 0,
    **save: Any,
) -> Trained:
    """The central pipeline: a model from a dataset version, judged and documented, ready to be promoted or refused.

    Inside a pipeline it is eight steps; outside it does the same at once. The rows before the cut are learned from, the
    rows after it judge, each as far as they have had the time to get their label. The charter's baseline is judged on
    the same rows.

    Args:
        model: The model; its charter names label, KPI and baseline.
        data: The dataset version, or the step that makes it.
        fit: ``(table, **parameters) -> fitted model``, a function of a module.
        until: What was known by then is used; the charter says how long a label may take.
        holdout: How long before it the rows that judge begin.
        parameters: For ``fit``, and for the record.
        slices: Columns to judge by.
        seed: For the global generators, and for whatever is sampled.
        save: As for ``ws.models.save``: ``features``, ``inputs``, ``nullable``.

    Returns:
        The version, and what the gates say of it.
    """
    how = Fitting(function=_place(fit), parameters=dict(parameters or {}), seed=seed, save=save)
    rows = split(model, validate(model, data), until, span(holdout, field="holdout"))
    ref = fit_model(model, rows, how)
    judged = evaluate(ref, rows, tuple(slices), seed, evaluate_baseline(model, rows))
    decision = gate(ref, judged, explain(ref, rows, seed))
    return document(ref, rows, decision)


@step(cache=False)
def collect(
    view: View | str, *, spine: Name, until: datetime, since: datetime | None = None, name: Name | None = None
) -> Ref:
    """Ask a feature view of the past, as a recorded run, and keep the answers as a dataset version.

    Args:
        view: The view, or the name of a published one.
        spine: The dataset whose rows ask.
        until: The first moment of asking that no longer belongs; labels count as far as they were known then.
        since: The first moment of asking; by default from the beginning.
        name: The dataset to add to; by default the view's name.

    Returns:
        The dataset version.
    """
    from modelwright.data.contract import contract_of  # weight: pyarrow

    called = view if isinstance(view, str) else view.name
    with connect() as workspace, workspace.runs.begin(called, {"until": until.isoformat()}) as run:
        asking = workspace.data.get(spine if "@" in spine else f"{spine}@latest")
        found = workspace.features.training_set(view, spine=asking.ref, since=since, until=until, run_id=run.id)
        for pinned in found.reads:
            run.read(pinned)
        label = found.view.view.label
        known_at = f"{label.name}_known_at" if label else None
        missing = [column.name for column in found.view.columns if column.nullable]  # today or some other day
        version: DatasetVersion = workspace.data.add(
            name or called.partition("@")[0],
            found.table,
            key=asking.key,
            event_time="asked_at",
            known_at=known_at,
            contract=loosened(contract_of(found.table), missing),
        )
        run.wrote(version.pinned)
        return version.ref


@step(cache=False)
def challenge(endpoint: Name, trained: Trained, *, cause: str = "", looks: Sequence[Duration] = LOOKS) -> str:
    """Let a version challenge what an endpoint answers with; the first version of a new endpoint is deployed.

    The guard decides either way. What it refuses is recorded with the reasons, and no failure of the pipeline; nor is
    that another challenger was faster. A step that is tried again starts no second rollout of the version.

    Args:
        endpoint: The endpoint.
        trained: The version.
        cause: Why: an alarm's id, or words.
        looks: When it is judged, counted from the beginning in event time, as for ``ws.rollouts.start``.

    Returns:
        What came of it, in words.
    """
    with connect() as workspace:
        try:
            workspace.endpoints.get(endpoint)
        except NotFound:
            return _first(workspace, endpoint, trained.ref)
        newest: list[Rollout] = workspace.rollouts.list(endpoint, limit=1).items
        if newest and newest[0].challenger.ref == trained.ref:
            return f"{trained.ref} challenges {endpoint} already: {newest[0].outcome or 'undecided'}"
        try:
            started = workspace.rollouts.start(endpoint, trained.ref, cause=cause, looks=tuple(looks))
        except Conflict as error:  # another one runs already; it goes on
            return f"{trained.ref} does not challenge {endpoint}: {error.message}"
        if started.rollout is None:
            return f"{trained.ref} was refused: {'; '.join(started.decision.reasons)}"
        return f"{trained.ref} runs in the shadow of {endpoint}"


def _first(workspace: Workspace, endpoint: Name, ref: Ref) -> str:
    """Nothing answers yet that could be challenged."""
    decision = workspace.models.set_alias(ref, CHAMPION, reason=f"the first version of {endpoint}")
    if decision.allowed:
        decision = workspace.endpoints.deploy(endpoint, ref, reason="the first version").decision
    if not decision.allowed:
        return f"{ref} was refused: {'; '.join(decision.reasons)}"
    return f"{ref} is the first version of {endpoint}"


@step(cache=False)
def validate(model: Name, data: Ref) -> Ref:
    """Check that the model may learn from these rows."""
    with connect() as workspace:
        return verbs.validate(workspace, model, data)


@step(cache=False)
def split(model: Name, data: Ref, until: datetime, holdout: timedelta) -> Split:
    """Which rows to learn from, and which to be judged on."""
    with connect() as workspace:
        return verbs.split(workspace, model, data, until=until, holdout=holdout)


@step(cache=False)
def fit_model(model: Name, rows: Split, how: Fitting) -> Ref:
    """Fit as a recorded run, and register."""
    module, _, name = how.function.partition(":")
    function = getattr(import_module(module), name)  # the pipeline's own code, in the pipeline's own process
    with connect() as workspace:
        version = verbs.fit(workspace, model, rows, function, parameters=how.parameters, seed=how.seed, **how.save)
        return version.ref


@step(cache=False)
def evaluate_baseline(model: Name, rows: Split) -> Ref | None:
    """Judge the charter's baseline on the same rows, so that the version can be compared with it."""
    with connect() as workspace:
        baseline = workspace.charters.get(model).charter.baseline
        if baseline is None or baseline == model:
            return None
        ref: Ref = workspace.models.get(f"{baseline}@latest").ref
        evaluated(workspace, ref, rows.data, since=rows.cut, until=rows.until, explain=False)
        return ref


@step(cache=False)
def evaluate(ref: Ref, rows: Split, slices: tuple[str, ...], seed: int, baseline: Ref | None) -> tuple[str, ...]:
    """Judge the version; what was found, one line each."""
    del baseline  # only that it was judged before
    with connect() as workspace:
        found = evaluated(
            workspace, ref, rows.data, since=rows.cut, until=rows.until, slices=slices, explain=False, seed=seed
        )
        return tuple(evidence.summary for evidence in found)


@step(cache=False)
def explain(ref: Ref, rows: Split, seed: int) -> str:
    """Compute what the version relies on."""
    with connect() as workspace:
        return explained(workspace, ref, rows.data, since=rows.cut, until=rows.until, seed=seed).summary


@step(cache=False)
def gate(ref: Ref, *found: object) -> Decision:
    """What the gates say, now that everything is found."""
    del found
    with connect() as workspace:
        decision: Decision = workspace.gates.check(ref)
        return decision


@step(cache=False)
def document(ref: Ref, rows: Split, decision: Decision) -> Trained:
    """Keep the change report with the run that trained the version."""
    with connect() as workspace:
        verbs.report(workspace, ref)
    return Trained(ref=ref, data=rows.data, allowed=decision.allowed, reasons=tuple(decision.reasons))


def _place(function: Callable[..., object]) -> str:
    module, name = function.__module__, function.__qualname__
    if module == "__main__" or "." in name or "<" in name:
        raise Invalid(
            f"fit is {name} of {module}, where a step's process cannot find it.",
            remedy="Write it at the top of a module that the pipeline imports.",
        )
    return f"{module}:{name}"
