"""From one answer back to the bytes: every link of the chain with its digest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from modelwright.charts.words import plural
from modelwright.core import wire
from modelwright.core.guard import Decision
from modelwright.core.ids import Pinned
from modelwright.governance.signoffs import Signature
from modelwright.lifecycle.model import Trace
from modelwright.models.model import ModelVersion
from modelwright.pipelines.model import CauseKind, Execution
from modelwright.predictions.model import Prediction
from modelwright.serving.model import Deployment
from modelwright.tracking.model import Run
from modelwright.ui.page import Ask, View
from modelwright.ui.pages.evidence import findings
from modelwright.ui.pages.models import TARGET
from modelwright.ui.render import version_path


@dataclass(frozen=True)
class Link:
    """One link of the chain.

    Attributes:
        what: What it is, in a word or two.
        name: What it is called.
        href: Its page; empty when it has none.
        digest: A digest that pins it; empty when there is none.
        digest_of: What that is the digest of.
        facts: What is known of it.
        missing: Why it is not there; empty when it is.
        rows: Further lines: name, page, digest, remark.
    """

    what: str
    name: str
    href: str = ""
    digest: str = ""
    digest_of: str = ""
    facts: tuple[str, ...] = ()
    missing: str = ""
    rows: tuple[tuple[str, str, str, str], ...] = field(default=())


def load_search(ask: Ask) -> View:
    """The box for an id."""
    wanted = ask.word("id")
    if wanted:
        return View(location=f"/trace/{wanted}") if wanted.isalnum() and wanted.isascii() else _searching(wanted)
    return _searching("")


def _searching(wanted: str) -> View:
    return View("trace", "Trace", {"wanted": wanted, "prediction": None, "chain": []})


def load(ask: Ask) -> View:
    """The chain of one prediction."""
    prediction: Prediction = ask.workspace.predictions.get(ask.path["id"])
    chain = list(links(ask, prediction))
    context = {"wanted": prediction.id, "prediction": prediction, "chain": chain}
    return View("trace", f"Prediction {prediction.id[-8:]}", context)


def links(ask: Ask, prediction: Prediction) -> Iterator[Link]:
    """Endpoint, version, evidence and gates, features, run, execution, source, data: as far back as the record goes."""
    ref = f"{prediction.model}@{prediction.version}"
    yield _endpoint(ask, prediction)
    version: ModelVersion | None = ask.read("models.get", ref)
    if version is None:
        yield Link(
            "model version",
            ref,
            digest=prediction.package,
            digest_of="package",
            missing="This version is not in the registry.",
        )
        return
    same = version.package == prediction.package
    yield Link(
        "model version",
        ref,
        version_path("models", ref),
        version.package,
        "package",
        facts=(version.manifest.flavour, f"{len(version.manifest.files)} files"),
        missing="" if same else "The package that answered is not the one that is registered.",
    )
    yield _gates(ask, version)
    found: Trace | None = ask.read("lifecycle.trace", prediction.id)
    if found is not None and found.signatures:
        yield _signatures(ask, found.signatures)
    if version.manifest.features is not None:
        view = version.manifest.features
        yield Link("feature view", view.ref, version_path("features", view.ref), view.digest, "definition")
    yield from _origin(ask, version)
    if found is not None and found.execution is not None:
        yield _execution(found.execution)
    yield _data(found.data if found is not None and found.data else version.manifest.data)


def _endpoint(ask: Ask, prediction: Prediction) -> Link:
    ref = (prediction.model, prediction.version)
    moves: list[Deployment] = ask.read_all("endpoints.history", prediction.endpoint, limit=1000)
    move = next((one for one in moves if (one.model, one.version) == ref and one.at <= prediction.received_at), None)
    facts: tuple[str, ...] = (f"answered in {prediction.latency_ms:.1f} ms",)
    if move is not None:
        facts = (f"generation {move.generation}", f"{move.action}, {move.at:%d %b %Y}", *facts)
    return Link(
        "endpoint",
        prediction.endpoint,
        f"/endpoints/{prediction.endpoint}",
        move.policy if move is not None else "",
        "decided by policy",
        facts=facts,
    )


def _gates(ask: Ask, version: ModelVersion) -> Link:
    decision: Decision | None = ask.read("gates.check", version.ref, TARGET)
    every = findings(ask, version).every
    if decision is None and not every:
        return Link("gates and evidence", "none", missing="No evidence about this version is recorded.")
    passed = sum(gate.verdict.passes for gate in decision.gates) if decision is not None else 0
    name = f"{passed} of {len(decision.gates)} gates pass today" if decision is not None else "no gates"
    rows = tuple(
        (str(one.kind), version_path("data", one.dataset.ref), one.digest, f"on {one.dataset.ref}") for one in every
    )
    return Link(
        "gates and evidence",
        name,
        version_path("models", version.ref),
        decision.policy if decision is not None else "",
        "policy",
        rows=rows,
    )


def _signatures(ask: Ask, signatures: Sequence[Signature]) -> Link:
    people = frozenset[str]().union(*(signed.people for signed in signatures))
    names = {one.id: one.name for one in ask.read_all("users.names", tuple(people))}

    def who(signed: Signature) -> str:
        by, giver = (names.get(each, each[-8:]) for each in (signed.by, signed.on_behalf_of or ""))
        return f"{by} for {giver}" if signed.on_behalf_of else by

    facts = tuple(f"{signed.says} as {signed.role} by {who(signed)}, {signed.at:%d %b %Y}" for signed in signatures)
    return Link(
        "signatures",
        plural(len({signed.by for signed in signatures}), "person", "people"),
        "/approvals?which=all",
        wire.digest(signatures[-1].basis),
        "the last covers",
        facts=facts,
    )


def _origin(ask: Ask, version: ModelVersion) -> Iterator[Link]:
    manifest = version.manifest
    if manifest.run_id is None:
        yield Link("run", "none", missing="The version was registered without a run: its origin is not recorded.")
        return
    run: Run | None = ask.read("runs.get", manifest.run_id)
    facts: tuple[str, ...] = ()
    if run is not None:
        facts = tuple(f"{key} {value}" for key, value in list(run.parameters.items())[:6])
    name = f"{run.name} {manifest.run_id[-8:]}" if run is not None else manifest.run_id
    yield Link("run", name, f"/runs/{manifest.run_id}", facts=facts)
    if manifest.source is None:
        yield Link("source", "none", missing="The run kept no source snapshot.")
    else:
        commit = run.capture.commit if run is not None else None
        entry = run.capture.entry_point if run is not None else None
        known = (f"commit {commit[:10]}",) if commit else ()
        yield Link(
            "source snapshot", entry or "the code as it ran", digest=manifest.source, digest_of="snapshot", facts=known
        )
    if manifest.environment is not None:
        yield Link("environment lock", "installed packages", digest=manifest.environment, digest_of="lock")


def _execution(execution: Execution) -> Link:
    name, cause = f"{execution.pipeline} {execution.id[-8:]}", execution.cause
    rows: tuple[tuple[str, str, str, str], ...] = ()
    if cause.kind is CauseKind.ALARM and cause.detail:
        rows = (("the alert", f"/alerts/{cause.detail}", cause.detail, f"on {cause.subject}"),)
    facts = (f"because of {cause.kind}", f"about {execution.at:%d %b %Y}")
    return Link("execution", name, f"/executions/{execution.id}", facts=facts, rows=rows)


def _data(versions: Sequence[Pinned]) -> Link:
    if not versions:
        return Link("data", "none", missing="The run read no dataset version.")
    rows = tuple((one.ref, version_path("data", one.ref), one.digest, "") for one in versions)
    return Link("data", plural(len(rows), "dataset version"), rows=rows)
