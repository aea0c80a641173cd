"""A small home in which everything has happened once: data, runs, models, gates, an endpoint, answers, labels."""

import sys
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from msgspec.structs import replace
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import modelwright as mw
from modelwright import features as f
from modelwright.app.connect import Workspace
from modelwright.app.workspace import LocalCaller, Platform
from modelwright.core.identity import OWNER, Identity
from modelwright.core.ids import new_ids
from modelwright.governance.charter import Charter, Kpi, Label, Limits, Owners
from modelwright.governance.effects.model import Money
from modelwright.pipelines.model import Definition
from modelwright.predictions.layout import segment_folder
from modelwright.predictions.model import Kind, PredictionBatch, encode, microseconds
from modelwright.predictions.segments import SegmentWriter
from modelwright.predictions.shipper import LEASE, ship

MODEL, BASELINE, ENDPOINT = "flight-delay", "carrier-rates", "delays"
START = datetime(2013, 1, 1, tzinfo=UTC)
COLUMNS = ["distance", "hour", "temp"]


REGISTER = {
    "model": MODEL,
    "risks": {
        "late-evening": {
            "what": "After ten in the evening there is no later flight, and it promises too much.",
            "harms": "Passengers who spend <b>the night</b> at the airport.",
            "when": "hour >= 22 || hour < 5",
            "cause": "Whoever is late then stays <i>late</i>.",
            "inherent": {"severity": 4, "likelihood": 3},
            "residual": {"severity": 4, "likelihood": 2},
            "owner": "connections-desk",
            "review_due": "2013-01-31",
            "guard": "flag",
        },
        "frost": {
            "what": "It has seen little frost.",
            "harms": "Passengers of de-iced flights.",
            "when": "temp < -5",
            "inherent": {"severity": 2, "likelihood": 2},
            "residual": {"severity": 2, "likelihood": 2},
        },
    },
}


class Story(NamedTuple):
    """The home, opened, and what the tests look for in it."""

    workspace: Workspace
    weak: Any
    champion: Any
    runs: list[str]
    prediction: str
    rollout: str
    execution: str
    alert: str
    approval: str


VALUE = Money(currency="USD", true_positive=120, false_positive=-30)


def workspace_of(platform: Platform, identity: Identity = OWNER) -> Workspace:
    """Somebody's workspace."""
    return Workspace(platform.table, LocalCaller(platform, identity), str(platform.home.folder))


def told(platform: Platform) -> Story:
    """Let it all happen."""
    ws = workspace_of(platform)
    for rows in (3000, 4000):
        ws.data.add("flights", _flights(rows), key="flight_id", event_time="sched_dep", known_at="landed_at")
    _featured(ws)
    charter = Charter(
        question="Will this flight arrive more than 15 minutes late?",
        decision="Hold the connection, one hour before departure.",
        kpi=Kpi(metric="roc_auc", at_least=0.65, slice_floor=0.6, value=VALUE),
        label=Label(column="late", known_after="24h", source="airline record"),
        owners=Owners(business="connections-desk", technical="data-science"),
        baseline=BASELINE,
        limits=Limits(latency_p99_ms=20.0),
    )
    for name in (MODEL, BASELINE):
        ws.charters.publish(name, charter)
    ws.risks.publish(REGISTER)
    _framed(ws)
    runs = [_baseline(ws)]
    weak, first, second = (_fitted(ws, columns) for columns in (["distance"], ["hour"], COLUMNS))
    for version in (weak, first, second):
        runs.append(version.manifest.run_id)
        newest = version is second
        mw.evaluate(ws, version.ref, "flights@2", slices=("carrier", "origin"), robustness=newest, latency=newest)
        ws.models.set_alias(version.ref, "champion", reason="the newest")
    found = {"share": 0.004, "words": "none <b>at all</b>"}
    ws.checks.keep(second.ref, "flights@2", "no-leak", found, "def no_leak(model, rows): ...")
    mw.reproduce(ws, second.ref, first.ref)
    ws.endpoints.deploy(ENDPOINT, first.ref, reason="the first that passes")
    ws.endpoints.deploy(ENDPOINT, second.ref, reason="weather helps")
    prediction = _asked(platform, ws, (first, second))
    mw.measure_age(ws, ENDPOINT)
    rollout = _challenged(platform, ws, second, first)
    execution = _executed(platform, ws)
    ws.monitors.configure(ENDPOINT, cadence="weekly")  # some hundred answers a week are too few a day
    while ws.monitors.run(ENDPOINT).more:
        pass
    while ws.risks.watch(ENDPOINT).more:
        pass
    alert = ws.alerts.list(which="all").items[0].id
    ws.policies.publish("extends: minimal\ntier: signed\nsignoffs: [{role: validator}, {role: approver, count: 2}]\n")
    ws.charters.publish(BASELINE, replace(charter, tier="signed"))
    approval = ws.approvals.request(f"{BASELINE}@1", "it shall stand in when the model cannot").request.id
    ws.approvals.comment(approval, "What of <b>new</b> carriers?")
    return Story(ws, weak, second, runs, prediction, rollout, execution, alert, approval)


def _framed(ws: Workspace) -> None:
    """What is taken for granted, some of it on data that has moved on."""
    ws.feasibility.decide(MODEL, "go", "before", "Holding pays.", based_on="<b>An afternoon</b> with the desk.")
    ws.assumptions.record(
        "temp-is-celsius",
        "A temp below 0 is <i>not</i> an error.",
        "The station said so.",
        dataset="flights@1",
        column="temp",
    )
    ws.assumptions.record("every-row-landed", "A row is a flight.", "Counted.", dataset="flights@2")
    feature = f"flight-context@1/{ws.features.get('flight-context@1').columns[0].name}"
    ws.assumptions.record("context-is-fresh", "An hour is fresh enough.", "It hardly moves.", feature=feature)
    ws.feasibility.decide("taxi-demand", "stop", "before", "Nobody acts on it.", based_on="Three talks.")


@mw.step
def prepare(until: datetime) -> dict[str, datetime]:
    """What is known by then."""
    return {"until": until}


@mw.step
def fit(data: dict[str, datetime], strength: float) -> float:
    """A score."""
    sys.stderr.write(f"fitting with strength {strength}\n")
    return 0.7 + strength / 100


@mw.pipeline(on=["alarm:delays", "cron:0 3 * * 1"], cooldown="28d", budget=6)
def retrain(until: datetime) -> list[float]:
    """Three candidates."""
    data = prepare(until)
    return [fit(data, strength) for strength in (0.3, 1.0, 3.0)]


def _executed(platform: Platform, ws: Workspace) -> str:
    """A pipeline that ran twice here, started once by an alarm, and was declined once."""
    source = platform.blobs.put(b"{}").digest
    ws.pipelines.define(
        "retrain",
        Definition(
            entry="pipeline:retrain",
            source=source,
            environment=source,
            parameters=retrain.parameters,
            triggers=retrain.triggers,
            cooldown_seconds=retrain.cooldown.total_seconds(),
            budget=retrain.budget,
        ),
    )
    for day in (90, 91):
        ws.pipelines.trigger("alarm", ENDPOINT, START + timedelta(days=day), cause="a" * 32)
    retrain.run(workspace=ws, executor="inline", until=START)
    execution: str = retrain.run(workspace=ws, executor="inline", until=START).id
    return execution


def _featured(ws: Workspace) -> None:
    flights = f.source("flights", entity="flight_id", event_time="sched_dep", known_at="landed_at")
    given = f.context(carrier=str, hour=float)
    view = f.view(
        "flight-context",
        [given, flights.mean("late", by="carrier", over="7d"), f.row("evening", "hour >= 18")],
        label=f.label(flights, "late > 0", matures_after="4h", name="outcome"),
        ask_at="sched_dep - 1h",
    )
    ws.features.training_set(view, spine="flights@2", until=START + timedelta(days=60))
    ws.features.materialize(view)


def _flights(rows: int) -> pa.Table:
    rng = np.random.default_rng(7)
    when = [START + timedelta(hours=index * 6 % 4300, minutes=index) for index in range(rows)]
    hour, temp, distance = rng.integers(5, 23, rows), rng.normal(50, 18, rows), rng.uniform(80, 4900, rows)
    risk = 1 / (1 + np.exp(-(0.25 * (hour - 15) - 0.03 * (temp - 50) - 0.8)))
    return pa.table(
        {
            "flight_id": [f"UA{index:05d}" for index in range(rows)],
            "sched_dep": pa.array(when, pa.timestamp("us", "UTC")),
            "landed_at": pa.array([moment + timedelta(hours=4) for moment in when], pa.timestamp("us", "UTC")),
            "carrier": rng.choice(["AA", "B6", "DL", "EV", "UA", "HA"], rows, p=[0.2, 0.2, 0.2, 0.19, 0.2, 0.01]),
            "origin": rng.choice(["EWR", "JFK", "LGA"], rows),
            "distance": distance,
            "hour": hour.astype(float),
            "temp": np.round(temp, 1),
            "late": (rng.uniform(size=rows) < risk).astype(float),
        }
    )


def _baseline(ws: Workspace) -> str:
    with mw.run("carrier-rates", workspace=ws, seed=1) as run:
        table = mw.dataset("flights@2").arrow()
        rates = table.group_by("carrier").aggregate([("late", "mean")]).to_pydict()
        values = {"carrier": rates["carrier"], "rate": rates["late_mean"]}
        model = mw.Lookup.of(values, keys=["carrier"], value="rate", otherwise=0.3)
        version = run.save_model(model, BASELINE, example=table.select(["carrier"]))
    mw.evaluate(ws, version.ref, "flights@2")
    return run.id


def _fitted(ws: Workspace, columns: list[str]) -> Any:
    with mw.run(MODEL, workspace=ws, seed=1, strength=1.0, columns=",".join(columns)) as run:
        table = mw.dataset("flights@2").arrow()
        rows = np.column_stack([table[name].to_numpy() for name in columns])
        model = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, table["late"].to_numpy())
        for step in range(300):
            run.log({"loss": 0.4 + 0.5 * np.exp(-step / 60), "valid_auc": 0.75 - 0.25 * np.exp(-step / 50)}, step=step)
        run.log(auc=0.74)
        return run.save_model(model, MODEL, example=table.select(columns))


def _asked(platform: Platform, ws: Workspace, versions: tuple[Any, Any]) -> str:
    """Half a year of questions to two versions; nine of ten have an outcome, and half of them lie in Parquet."""
    rng = np.random.default_rng(11)
    table = _flights(2400)
    late = table["late"].to_numpy()
    ids: list[str] = []
    folder = segment_folder(platform.home.log, ENDPOINT, Kind.PREDICTIONS)
    for version, half in zip(versions, (slice(0, 1200), slice(1200, 2400)), strict=True):
        with SegmentWriter(folder, "w0") as writer:
            for start in range(half.start, half.stop, 40):
                batch = _batch(version, table.slice(start, 40), late[start : start + 40], rng)
                ids += batch.ids
                writer.append(encode(batch))
        if half.start == 0:
            lease = platform.queue.acquire(LEASE, "story", timedelta(minutes=1))
            ship(platform.log, platform.blobs, platform.queue, lease)
            platform.queue.release(lease)
    known = [index for index in range(2400) if index % 10]
    ws.labels.add(
        ENDPOINT,
        ids=[ids[index] for index in known],
        values=[float(late[index]) for index in known],
        known_at=[START + timedelta(days=200)] * len(known),
    )
    return ids[1241]


def _challenged(platform: Platform, ws: Workspace, answering: Any, challenger: Any) -> str:
    """One rollout that was stopped, whose id this is, and one that runs and has seen ten days."""
    over = ws.rollouts.start(ENDPOINT, challenger.ref, cause="<b>an alarm</b>").rollout
    ws.rollouts.stop(ENDPOINT, "to begin again")
    ws.rollouts.start(ENDPOINT, challenger.ref, maturity="0s")
    rng = np.random.default_rng(13)
    late = rng.integers(0, 2, 800).astype(float)
    table = _flights(800)
    last = START + timedelta(days=182)
    when = [microseconds(last + timedelta(minutes=18 * row)) for row in range(800)]
    batch = replace(_batch(answering, table, late, rng), event_at=when)
    said = replace(_batch(challenger, table, late / 2, rng), event_at=when, ids=batch.ids)
    for kind, written in ((Kind.PREDICTIONS, batch), (Kind.SHADOWS, said)):
        with SegmentWriter(segment_folder(platform.home.log, ENDPOINT, kind), "w1") as writer:
            writer.append(encode(written))
    known = [last + timedelta(days=9)] * 800
    ws.labels.add(ENDPOINT, ids=batch.ids, values=late.tolist(), known_at=known)
    return str(over.id)


def _batch(version: Any, table: pa.Table, late: np.ndarray, rng: np.random.Generator) -> PredictionBatch:
    score = np.clip(0.3 * late + rng.beta(2, 3, len(late)), 0.01, 0.99)
    return PredictionBatch(
        endpoint=ENDPOINT,
        model=version.model,
        version=version.version,
        package=version.package,
        generation=1,
        received_at=microseconds(datetime.now(UTC) + timedelta(seconds=1)),
        latency_us=int(rng.integers(900, 6000)),
        ids=new_ids(len(late)),
        event_at=[microseconds(moment) for moment in table["sched_dep"].to_pylist()],
        inputs={name: table[name].to_pylist() for name in COLUMNS},
        outputs=[float(value) for value in score],
    )
