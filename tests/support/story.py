"""A model's whole life in a few dozen calls: one for every operation of the table, each with its arguments."""

import io
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from modelwright import features as f
from modelwright.core.failure import Failure
from modelwright.core.operation import Upload
from modelwright.data.parts import encoded
from modelwright.predictions.layout import segment_folder
from modelwright.predictions.model import Kind, PredictionBatch, encode, microseconds
from modelwright.predictions.segments import SegmentWriter
from support.homes import BEGINNING


class Outcome(NamedTuple):
    """What a call came to: an answer, or an error."""

    answer: Any
    error: Failure | None

    @property
    def kind(self) -> type:
        """The answer's type."""
        return type(self.answer)


class Stage(Protocol):
    """Where the story happens: one home, or several that must agree."""

    homes: tuple[Path, ...]

    def do(self, name: str, arguments: dict[str, Any]) -> tuple[Outcome, ...]:
        """An operation, in every home."""
        ...

    def upload(self, content: bytes) -> Upload:
        """Bytes, in every home."""
        ...


ROWS = 400
VALUE = {"currency": "USD", "true_positive": 120.0, "false_positive": -30.0}
_RANDOM = np.random.default_rng(7)
_X = _RANDOM.normal(size=ROWS)
_LATE = (_X + _RANDOM.normal(size=ROWS) > 0).astype(np.int64)
_GOOD = 1 / (1 + np.exp(-_X))
_POOR = np.clip(0.5 + 0.01 * _X + _RANDOM.normal(scale=0.2, size=ROWS), 0, 1)
_PAST = BEGINNING - timedelta(days=100)
IDS = [f"{number:012x}7000{8:x}{0:015x}" for number in range(1000, 1000 + ROWS)]


def _parquet(**columns: Any) -> bytes:
    written = io.BytesIO()
    pq.write_table(pa.table(columns), written)
    return written.getvalue()


def _flights(rows: int) -> bytes:
    table = pa.table(
        {
            "flight": np.arange(rows),
            "x": _X[:rows],
            "carrier": [("AA", "B6", "UA")[row % 3] for row in range(rows)],
            "at": pa.array([_PAST + timedelta(hours=row) for row in range(rows)], pa.timestamp("us", "UTC")),
            "late": _LATE[:rows],
        }
    )
    [(_, content)] = encoded(table)  # the bytes that adding a file with them sends
    return content


class World:
    """What has happened so far."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.seen: dict[str, Any] = {}
        self.first = stage.upload(_flights(300))
        self.second = stage.upload(_flights(ROWS))
        self.file = stage.upload(b"weights")
        self.good = stage.upload(_parquet(score=_GOOD))
        self.poor = stage.upload(_parquet(score=_POOR))

    def also(self, name: str, /, **arguments: Any) -> Any:
        """Something more that a case needs, which must succeed."""
        outcome, *others = self.stage.do(name, arguments)
        assert all(other == outcome for other in others)
        assert outcome.error is None, outcome.error
        return outcome.answer

    def predict(
        self,
        kind: Kind = Kind.PREDICTIONS,
        *,
        endpoint: str = "delays",
        version: int = 1,
        outputs: Any = _GOOD,
        shift: float = 0.0,
    ) -> None:
        """An endpoint answers 400 rows, or a challenger says what it would have answered.

        The later half of the rows may be other than those that the model was evaluated on.
        """
        inputs = _X + shift * (np.arange(ROWS) >= ROWS / 2)
        batch = PredictionBatch(
            endpoint=endpoint,
            model="delay",
            version=version,
            package=self.also("models.get", ref=f"delay@{version}").package,
            generation=1,
            received_at=microseconds(BEGINNING + timedelta(hours=1)),
            latency_us=900,
            ids=IDS if endpoint == "delays" else [f"{int(one[:12], 16) + ROWS:012x}{one[12:]}" for one in IDS],
            event_at=[microseconds(_PAST + timedelta(hours=row)) for row in range(ROWS)],
            inputs={"x": inputs.tolist()},
            outputs=outputs.tolist(),
        )
        for home in self.stage.homes:
            with SegmentWriter(segment_folder(home / "log", endpoint, kind), "1") as writer:
                writer.append(encode(batch))


def charter_of(**more: Any) -> dict[str, Any]:
    return {
        "question": "Late?",
        "decision": "hold the connection",
        "kpi": {"metric": "roc_auc", "at_least": 0.6, "value": VALUE},
        "label": {"column": "late"},
        "owners": {"business": "desk", "technical": "data science"},
        **more,
    }


def _package(world: World, model: str, **more: Any) -> dict[str, Any]:
    return {
        "name": model,
        "flavour": "sklearn",
        "task": "binary",
        "inputs": {"columns": [{"name": "x", "dtype": "float64"}]},
        "files": [{"path": "model.skops", "digest": world.file.digest, "size": world.file.size}],
        **more,
    }


def _retired(world: World) -> dict[str, Any]:
    world.also("endpoints.deploy", endpoint="elsewhere", ref="delay@1")
    return {"endpoint": "elsewhere", "reason": "nobody asks there <b>"}


def _old(world: World) -> dict[str, Any]:
    world.also("models.register", **_package(world, "old"))
    return {"name": "old", "reason": "nobody needs it <b>"}


def _run_id(world: World) -> str:
    return str(world.seen["runs.start"].id)


def _pinned(world: World) -> dict[str, str]:
    version = world.seen["data.get"]
    return {"ref": version.ref, "digest": version.digest}


def _evaluated(world: World) -> dict[str, Any]:
    world.also("charters.publish", model="heuristic", charter=charter_of())
    world.also("models.register", **_package(world, "heuristic"))
    world.also("evidence.evaluate", ref="heuristic@1", dataset="flights@2", scores=world.poor)
    return {"ref": "delay@1", "dataset": "flights@2", "scores": world.good, "slices": ["carrier"]}


def _assumed(world: World) -> dict[str, Any]:
    said = {"statement": "A row is a flight.", "reason": "Counted.", "dataset": "flights@2"}
    world.also("assumptions.record", name="rows-are-flights", **said)
    return {
        "name": "carriers-are-known",
        "statement": "A missing carrier is a charter flight <b>, not an error.",
        "reason": "Zoë ☃ of the desk said so.",
        "dataset": "flights@1",
        "column": "carrier",
    }


REGISTER: dict[str, Any] = {
    "model": "delay",
    "risks": {
        "far-out": {
            "what": "Beyond what it was trained on it is sure of itself.",
            "harms": "Passengers <b> who wait for a connection that has left.",
            "when": "x > 1.5 || x < -1.5",
            "inherent": {"severity": 4, "likelihood": 4},
            "residual": {"severity": 4, "likelihood": 2},
            "owner": "abba",
            "review_due": "2030-01-31",
            "guard": {"fallback": 0.25},
        },
        "middling": {
            "what": "Near the middle it guesses.",
            "harms": "Nobody much.",
            "when": "x > -0.1 && x < 0.1",
            "inherent": {"severity": 1, "likelihood": 5},
            "residual": {"severity": 1, "likelihood": 5},
        },
    },
}


def _importance(world: World) -> dict[str, Any]:
    drop = {"estimate": 0.2, "low": 0.1, "high": 0.3, "n": 10, "method": "shuffles"}
    return {"ref": "delay@1", "dataset": "flights@2", "importances": [{"column": "x", "drop": drop}]}


def _rolled_back(world: World) -> dict[str, Any]:
    world.also("models.register", **_package(world, "delay", flavour="other"))
    world.also("evidence.evaluate", ref="delay@2", dataset="flights@2", scores=world.good)
    world.also("endpoints.deploy", endpoint="delays", ref="delay@2")
    return {"endpoint": "delays", "reason": "looked worse"}


def _broke_the_glass(world: World) -> dict[str, Any]:
    world.also("models.register", **_package(world, "delay", flavour="hasty"))
    return {"endpoint": "delays", "ref": "delay@3", "reason": "the other one answers nonsense <b>"}


def _labelled(world: World) -> dict[str, Any]:
    world.predict()
    known = [_PAST + timedelta(hours=row + 2) for row in range(ROWS)]
    return {"endpoint": "delays", "ids": IDS, "values": [float(late) for late in _LATE], "known_at": known}


def _definition(world: World) -> dict[str, Any]:
    return {
        "entry": "pipeline:retrain",
        "source": world.file.digest,
        "environment": world.file.digest,
        "commit": "c" * 40,
        "parameters": [{"name": "until", "kind": "datetime"}, {"name": "lr", "kind": "float", "required": False}],
        "triggers": ["alarm:delays", "data:flights", "cron:0 3 * * 1", "commit"],
        "cooldown_seconds": 28 * 86400,
        "budget": 6,
    }


def _hold(world: World, **more: Any) -> dict[str, Any]:
    claim = world.seen["executions.claim"]
    return {"execution_id": claim.execution.id, "owner": claim.owner, "token": claim.token, **more}


def _reported(world: World) -> dict[str, Any]:
    value = {"digest": world.file.digest, "size": world.file.size, "what": "weights"}
    train = {"id": "train", "status": "succeeded", "key": "a" * 64, "started_at": BEGINNING, "ended_at": BEGINNING}
    release = {"id": "release", "status": "running", "log": "half way ☃", "log_size": 13, "progress": {"done": 1}}
    plan = [{"id": "train"}, {"id": "release", "after": ["train"]}]
    return _hold(world, steps=[{**train, "output": value}, release], plan=plan)


def _finished(world: World) -> dict[str, Any]:
    return _hold(world, status="succeeded", result={"digest": world.file.digest, "size": world.file.size})


def _declined(world: World) -> dict[str, Any]:
    also = {"kind": "alarm", "subject": "delays", "at": BEGINNING + timedelta(days=1), "cause": "b" * 32}
    assert world.also("pipelines.trigger", **also).declined
    return {"name": "retrain"}


def _fired(world: World) -> dict[str, Any]:
    triggers = ["cron:* * * * *"]  # due a minute after the story's beginning; its clock moves a second at a time
    definition = {**_definition(world), "triggers": triggers, "parameters": []}
    world.also("pipelines.define", name="minutely", definition=definition)
    return {}


def _execution(world: World) -> dict[str, Any]:
    return {"execution_id": world.seen["pipelines.start"].id}


def _view(world: World) -> dict[str, Any]:
    flights = f.source("flights", entity="flight", event_time="at")
    view = f.view(
        "context",
        [f.context(carrier=str), flights.mean("x", by="carrier", over="2d"), flights.latest("late")],
        label=f.label(flights, "late > 0", matures_after="1h", name="outcome"),
        ask_at="at + 1h",
    )
    return {"view": world.also("features.apply", view=view).view}


def _mirrored(world: World) -> dict[str, Any]:
    world.predict(Kind.SHADOWS, version=2, outputs=_POOR)
    return {"endpoint": "delays"}


def _moved(world: World) -> dict[str, Any]:
    world.predict(endpoint="moved", shift=9.0)
    return {"endpoint": "moved"}


def _alert(world: World) -> str:
    return str(world.seen["alerts.list"].items[0].id)


def _frozen(world: World) -> dict[str, Any]:
    scores = _parquet(prediction_id=IDS, score=_POOR)
    return {"endpoint": "delays", "ref": "delay@1", "scores": world.stage.upload(scores)}


def _attested(world: World) -> dict[str, Any]:
    answer = {"item": "declared-standards", "kind": "declaration", "text": "None applies."}
    world.also("documents.attest", ref="delay@1", **answer)
    return {"ref": "delay@1"}


def _channel(name: str, **more: Any) -> dict[str, Any]:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    return {"name": name, "kind": "webhook", "target": "https://hooks.example.com/1", "secret": secret, **more}


def _removed(world: World) -> dict[str, Any]:
    world.also("notifications.add", **_channel("other"))
    return {"name": "other"}


CASES: dict[str, Callable[[World], dict[str, Any]]] = {
    "data.commit": lambda w: {"name": "flights", "parts": [w.first], "key": "flight", "event_time": "at"},
    "data.get": lambda w: {"ref": w.also("data.commit", name="flights", parts=[w.second], note="more").ref},
    "data.list": lambda w: {"limit": 1},
    "data.versions": lambda w: {"name": "flights"},
    "data.verify": lambda w: {"ref": "flights@latest"},
    "data.part": lambda w: {"ref": "flights@1", "index": 0},
    "data.diff": lambda w: {"before": "flights@1", "after": "flights@2"},
    "data.query": lambda w: {"sql": 'SELECT carrier, count(*) AS n FROM "flights@2" GROUP BY carrier ORDER BY carrier'},
    "features.apply": _view,
    "features.get": lambda w: {"ref": "context@latest"},
    "features.list": lambda w: {},
    "features.versions": lambda w: {"name": "context"},
    "features.record": lambda w: {
        "ref": "context@1",
        "reads": [_pinned(w)],
        "rows": 3,
        "until": BEGINNING,
        "distributions": [{"name": "late", "missing": 1, "minimum": 0.0, "quantiles": [0.0], "maximum": 1.0}],
    },
    "features.training_sets": lambda w: {"ref": "context@1"},
    "features.materialize": lambda w: {"ref": "context@1"},
    "features.freshness": lambda w: {"ref": "context@1"},
    "features.lookup": lambda w: {
        "ref": "context@1",
        "keys": {"carrier": ["AA", "ZZ"], "flight": [0, 1]},
        "asked_at": [_PAST + timedelta(hours=12), _PAST + timedelta(hours=12)],
    },
    "runs.start": lambda w: {"name": "delay", "parameters": {"lr": "0.1"}, "capture": {"commit": "c" * 40}},
    "runs.log": lambda w: {
        "run_id": _run_id(w),
        "metrics": [
            {"key": "loss", "value": value, "step": step, "at": BEGINNING, "seq": step}
            for step, value in enumerate([0.5, "NaN", "-Infinity", 1e-300])
        ],
    },
    "runs.annotate": lambda w: {"run_id": _run_id(w), "tags": {"who": "Zoë ☃ \x00"}},
    "runs.read_dataset": lambda w: {"run_id": _run_id(w), "read": _pinned(w)},
    "runs.write_dataset": lambda w: {"run_id": _run_id(w), "written": _pinned(w)},
    "runs.keep": lambda w: {"run_id": _run_id(w), "path": "plots/loss.png", "content": w.file},
    "runs.finish": lambda w: {
        "run_id": _run_id(w),
        "status": "finished",
        "cost": {"wall_seconds": 1.5, "cpu_seconds": 1.25, "peak_memory_mb": 100.0},
    },
    "runs.get": lambda w: {"run_id": _run_id(w)},
    "runs.list": lambda w: {"name": "delay"},
    "runs.history": lambda w: {"run_id": _run_id(w), "key": "loss", "limit": 3},
    "runs.artifact": lambda w: {"run_id": _run_id(w), "path": "plots/loss.png"},
    "charters.publish": lambda w: {"model": "delay", "charter": charter_of(baseline="heuristic")},
    "charters.get": lambda w: {"model": "delay"},
    "feasibility.decide": lambda w: {
        "model": "delay",
        "says": "go",
        "stage": "before",
        "reason": "The desk <b> loses a connection a day.",
        "based_on": "A talk with Zoë ☃ of the desk.",
    },
    "feasibility.get": lambda w: {"model": "delay"},
    "feasibility.history": lambda w: {"model": "delay"},
    "feasibility.list": lambda w: {"limit": 1},
    "assumptions.record": _assumed,
    "assumptions.get": lambda w: {"name": "carriers-are-known"},
    "assumptions.versions": lambda w: {"name": "carriers-are-known"},
    "assumptions.list": lambda w: {"dataset": "flights", "limit": 1},
    "charters.versions": lambda w: {"model": "delay"},
    "policies.publish": lambda w: {"text": "extends: minimal\ngates:\n  kpi: {evidence_max_age: 30d}\n"},
    "policies.get": lambda w: {"tier": "minimal"},
    "policies.list": lambda w: {},
    "policies.check": lambda w: {"text": "extends: high\nafter: {recheck: 6h, on_fail: rollback}\n"},
    "models.register": lambda w: _package(w, "delay", run_id=_run_id(w)),
    "models.get": lambda w: {"ref": "delay@latest"},
    "models.list": lambda w: {},
    "assumptions.of": lambda w: {"ref": "delay@1"},
    "assumptions.withdraw": lambda w: {"name": "rows-are-flights", "reason": "Some are trains."},
    "models.versions": lambda w: {"name": "delay"},
    "models.package": lambda w: {"ref": "delay@1"},
    "models.signer": lambda w: {},
    "models.download": lambda w: {"ref": "delay@1", "path": "model.skops"},
    "evidence.evaluate": _evaluated,
    "evidence.explain": _importance,
    "checks.latency": lambda w: {
        "ref": "delay@1",
        "dataset": "flights@2",
        "times": w.stage.upload(_parquet(ms=np.linspace(0.1, 2.0, 500))),
        "load_ms": 81.5,
        "machine": "a <b>small</b> machine",
    },
    "checks.robustness": lambda w: {
        "ref": "delay@1",
        "dataset": "flights@2",
        "perturbations": [
            {"what": "noise", "columns": ["x"], "amount": 0.1},
            {"what": "unseen", "columns": ["carrier"], "error": "It knows no <b>such</b> carrier."},
        ],
        "scores": w.stage.upload(_parquet(**{"row": np.arange(ROWS), "0": _POOR})),
    },
    "checks.record": lambda w: {
        "ref": "delay@1",
        "dataset": "flights@2",
        "name": "no-leak",
        "values": {"share": 0.004, "ok": True, "by": "Zoë ☃ <b>"},
        "source": w.stage.upload(b"def no_leak(model, rows): ..."),
    },
    "checks.reproduce": lambda w: {"ref": "delay@1", "remade": "heuristic@1"},
    "risks.check": lambda w: {"register": REGISTER},
    "risks.publish": lambda w: {"register": REGISTER},
    "risks.get": lambda w: {"model": "delay"},
    "risks.versions": lambda w: {"model": "delay"},
    "evidence.count_risks": lambda w: {"ref": "delay@1"},
    "evidence.list": lambda w: {"ref": "delay@1"},
    "evidence.get": lambda w: {"digest": w.seen["evidence.list"][0].digest},
    "effects.get": lambda w: {"ref": "delay@1"},
    "gates.check": lambda w: {"ref": "delay@1"},
    "models.set_alias": lambda w: {"ref": "delay@1", "alias": "champion", "reason": "first"},
    "gates.phases": lambda w: {"model": "delay"},
    "gates.decisions": lambda w: {"model": "delay"},
    "endpoints.deploy": lambda w: {"endpoint": "delays", "ref": "delay@champion"},
    "endpoints.rollback": _rolled_back,
    "rechecks.run": lambda w: {"endpoint": "delays"},
    "rechecks.list": lambda w: {},
    "rechecks.run_aliases": lambda w: {"model": "delay"},
    "rechecks.aliases": lambda w: {},
    "policies.simulate": lambda w: {"text": "extends: minimal\ngates:\n  kpi: {pass: 'e.n >= 1000000'}\n"},
    "emergencies.deploy": _broke_the_glass,
    "emergencies.list": lambda w: {"limit": 2},
    "emergencies.end": lambda w: {"endpoint": "delays"},
    "emergencies.settle": lambda w: {},
    "rollouts.start": lambda w: {"endpoint": "delays", "ref": "delay@2", "cause": "alarm 7", "looks": ["30d", "60d"]},
    "endpoints.get": lambda w: {"endpoint": "delays"},
    "endpoints.list": lambda w: {},
    "endpoints.history": lambda w: {"endpoint": "delays"},
    "endpoints.retire": _retired,
    "endpoints.reopen": lambda w: {"endpoint": "elsewhere"},
    "models.retire": _old,
    "models.retirement": lambda w: {"name": "old"},
    "models.reinstate": lambda w: {"name": "old"},
    "pipelines.define": lambda w: {"name": "retrain", "definition": _definition(w)},
    "pipelines.get": lambda w: {"name": "retrain"},
    "pipelines.versions": lambda w: {"name": "retrain"},
    "pipelines.start": lambda w: {"name": "retrain", "parameters": {"until": "2026-01-01T00:00:00Z", "lr": 0.1}},
    "executions.claim": lambda w: {"owner": "worker-1"},
    "executions.record": _reported,
    "executions.abandon": _hold,
    "pipelines.steps": _execution,
    "pipelines.logs": lambda w: {**_execution(w), "step": "release"},
    "executions.finish": _finished,
    "executions.cached": lambda w: {"keys": ["a" * 64, "b" * 64]},
    "pipelines.output": lambda w: {**_execution(w), "step": "train"},
    "pipelines.execution": _execution,
    "executions.open": lambda w: {
        "pipeline": "prepare",
        "entry": "prepare:main",
        "parameters": {"since": ["2013", None]},
        "owner": "script-1",
    },
    "pipelines.trigger": lambda w: {
        "kind": "data",
        "subject": "flights",
        "at": BEGINNING + timedelta(days=40),
        "cause": "flights@2",
    },
    "pipelines.declined": _declined,
    "pipelines.cancel": lambda w: {"execution_id": w.seen["pipelines.trigger"].started[0].id},
    "pipelines.resume": lambda w: {"execution_id": w.seen["pipelines.cancel"].id},
    "pipelines.executions": lambda w: {"name": "retrain", "limit": 1},
    "pipelines.list": lambda w: {},
    "pipelines.fire": _fired,
    "pipelines.schedules": lambda w: {},
    "labels.add": _labelled,
    "rollouts.judge": _mirrored,
    "rollouts.standing": lambda w: {"endpoint": "delays"},
    "rollouts.stop": lambda w: {"endpoint": "delays", "reason": "enough"},
    "rollouts.get": lambda w: {"id": w.seen["rollouts.stop"].id},
    "rollouts.list": lambda w: {"endpoint": "delays", "limit": 5},
    "predictions.get": lambda w: {"id": IDS[7]},
    "predictions.list": lambda w: {"endpoint": "delays", "limit": 5},
    "predictions.counts": lambda w: {"endpoint": "delays"},
    "effects.realised": lambda w: {"endpoint": "delays"},
    "predictions.performance": lambda w: {"endpoint": "delays"},
    "predictions.traffic": lambda w: {"endpoint": "delays"},
    "predictions.export": lambda w: {"endpoint": "delays", "since": _PAST + timedelta(hours=300)},
    "monitors.run": _moved,
    "monitors.get": lambda w: {"endpoint": "moved"},
    "monitors.list": lambda w: {},
    "monitors.trends": lambda w: {"endpoint": "moved", "limit": 5},
    "monitors.columns": lambda w: {"endpoint": "moved"},
    "alerts.list": lambda w: {"which": "all"},
    "alerts.get": lambda w: {"id": _alert(w)},
    "alerts.acknowledge": lambda w: {"id": _alert(w), "note": "known"},
    "alerts.mute": lambda w: {"id": _alert(w), "until": BEGINNING + timedelta(days=9), "note": "until it is mended"},
    "alerts.resolve": lambda w: {"id": _alert(w), "note": "mended"},
    "risks.watch": lambda w: {"endpoint": "delays"},
    "risks.live": lambda w: {"endpoint": "delays"},
    "monitors.configure": lambda w: {
        "endpoint": "moved",
        "cadence": "weekly",
        "columns": ["x"],
        "false_alarms_per_year": 2.0,
    },
    "documents.get": lambda w: {"ref": "delay@1", "kind": "model_card"},
    "documents.make": lambda w: {"ref": "delay@2", "kind": "change_report", "format": "html", "against": "delay@1"},
    "documents.keep": lambda w: {"ref": "delay@1"},
    "documents.check": lambda w: {"ref": "delay@1"},
    "documents.list": lambda w: {"ref": "delay@1", "limit": 2},
    "documents.attest": lambda w: {
        "ref": "delay@1",
        "item": "standards",
        "text": "Zoë ☃ says: none.",
        "kind": "technical_file",
        "names": ["ISO/IEC 42001:2023"],
    },
    "documents.declare": _attested,
    "documents.questions": lambda w: {"ref": "delay@1", "kind": "technical_file"},
    "documents.status": lambda w: {"ref": "delay@1"},
    "lineage.up": lambda w: {"node": "endpoint:delays"},
    "lineage.down": lambda w: {"node": "data:flights@2"},
    "notifications.add": lambda w: _channel("desk", topics=["alert.raised"], about=["delays"], severity="inform"),
    "notifications.list": lambda w: {},
    "notifications.test": lambda w: {"name": "desk"},
    "notifications.deliveries": lambda w: {"limit": 5},
    "notifications.pause": lambda w: {"name": "desk"},
    "notifications.resume": lambda w: {"name": "desk"},
    "notifications.remove": _removed,
    "ledger.list": lambda w: {"limit": 1000},
    "ledger.checkpoint": lambda w: {},
    "ledger.record_anchor": lambda w: {"checkpoint": w.seen["ledger.checkpoint"].note, "place": "file"},
    "ledger.verify": lambda w: {"against": [w.seen["ledger.checkpoint"].note]},
    "ledger.receipt": lambda w: {"seq": 3},
    "ledger.consistency": lambda w: {"since": w.seen["ledger.checkpoint"].note},
    "ledger.excerpt": lambda w: {"project": "default", "about": "delay@1"},
    "ledger.read": lambda w: {"limit": 5},
    "lifecycle.trace": lambda w: {"prediction_id": IDS[7]},
    "lifecycle.overview": lambda w: {},
    "lifecycle.compare_ages": _frozen,
    "lifecycle.age": lambda w: {"endpoint": "delays"},
    "lifecycle.outstanding": lambda w: {"endpoint": "delays"},
    "search.find": lambda w: {"text": "delay", "limit": 100},
}
"""Operation -> arguments, in the order of the story; a later case finds earlier answers in ``world.seen``."""


def told(
    stage: Stage, cases: Mapping[str, Callable[[World], dict[str, Any]]] = CASES
) -> dict[str, tuple[dict[str, Any], tuple[Outcome, ...]]]:
    """The whole story: operation -> its arguments, and what came of it in every home."""
    world, happened = World(stage), {}
    for name, arguments in cases.items():
        given = arguments(world)
        happened[name] = given, stage.do(name, given)
        world.seen[name] = happened[name][1][0].answer
    return happened
