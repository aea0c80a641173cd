"""LAW: a script comes to the same in process and against a server with login, over a wire that is cut now and then.

The operations are compared one by one in ``test_faces_agree.py``; this is about the verbs around them, which move bytes.
"""

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from sklearn.linear_model import LogisticRegression

import modelwright as mw
from modelwright import features as f
from modelwright.app.connect import connect
from support.dashboard import workspace_of
from support.homes import fresh_platform
from support.people import TOKEN, begin_login
from support.story import charter_of
from support.wire import wire

START = datetime(2013, 1, 1, tzinfo=UTC)
ROWS = 30_000


def flights() -> pa.Table:
    rng = np.random.default_rng(5)
    hour = rng.integers(0, 24, ROWS).astype(float)
    when = [START + timedelta(minutes=index) for index in range(ROWS)]
    return pa.table(
        {
            "id": [f"f{index:06}" for index in range(ROWS)],
            "sched_dep": pa.array(when, pa.timestamp("us", "UTC")),
            "landed_at": pa.array([each + timedelta(hours=2) for each in when], pa.timestamp("us", "UTC")),
            "carrier": rng.choice(["AA", "UA", "DL"], ROWS),
            "hour": hour,
            "noise": rng.normal(size=ROWS),
            "late": (rng.uniform(size=ROWS) < hour / 24).astype(float),
        }
    )


def script(ws, folder):
    """What somebody writes; everything of it that does not depend on where and when."""
    table, said = flights(), {}
    version = ws.data.add("flights", table, key="id", event_time="sched_dep", known_at="landed_at")
    said["data"] = version.digest, version.parts
    ws.data.export("flights@1", folder / "flights.parquet")
    said["export"] = (folder / "flights.parquet").read_bytes()
    (folder / "notes.bin").write_bytes(np.random.default_rng(1).bytes(7_000_000))
    ws.charters.publish("late", charter_of(baseline="late"))
    with mw.run("late", workspace=ws, seed=3, c=0.5) as run:
        rows = mw.dataset("flights@1", known_at="2013-01-20").arrow(["hour", "noise", "late"])
        model = LogisticRegression(C=0.5).fit(np.column_stack([rows["hour"], rows["noise"]]), rows["late"])
        run.log(auc=0.7)
        run.keep(folder / "notes.bin")
        saved = run.save_model(model, "late", example=rows.select(["hour", "noise"]))
    said["read"] = rows.num_rows
    said["files"] = [
        (file.path, file.digest) for file in saved.manifest.files if file.path != "MLmodel"
    ]  # has the time
    ws.runs.export(run.id, folder / "run")
    said["artifact"] = (folder / "run" / "artifacts" / "notes.bin").read_bytes()
    said["parameters"] = json.loads((folder / "run" / "run.json").read_bytes())["parameters"]
    loaded = ws.models.load("late@latest")
    said["answers"] = loaded({"hour": [1.0, 20.0], "noise": [0.0, 0.5]}).tolist()
    said["evidence"] = sorted(
        (each.kind.value, each.summary) for each in mw.evaluate(ws, "late@1", "flights@1", slices=("carrier",))
    )
    said["gates"] = [(gate.gate, gate.verdict) for gate in ws.gates.check("late@1", "champion").gates]
    source = f.source("flights", entity="id", event_time="sched_dep", known_at="landed_at")
    view = f.view("context", [f.context(carrier=str), source.mean("late", by="carrier", over="7d")])
    made = ws.features.training_set(view, spine="flights@1", until="2013-01-15")
    said["features"] = made.features.to_pydict()
    for form, begins in (("md", b"#"), ("html", b"<!doctype html>"), ("pdf", b"%PDF-")):
        document = ws.documents.read("late@1", "model_card", format=form)
        assert document.lower().startswith(begins.lower()), form
    said["found"] = [(hit.kind, hit.match) for hit in ws.search("flights")]
    assert ws.ledger.verify().intact
    return said


@pytest.mark.slow
def test_a_script_comes_to_the_same_in_process_and_over_a_wire_that_is_cut(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # no git repository
    said = []
    for name in ("here", "there"):
        (tmp_path / name / "out").mkdir(parents=True)
        with closing(fresh_platform(tmp_path / name)) as platform:
            if name == "here":
                said.append(script(workspace_of(platform), tmp_path / name / "out"))
                continue
            begin_login(platform, "contributor", "auditor")
            cuts = [150_000, 4_000_000] * 10
            with wire(platform, *cuts) as cut, closing(connect(cut.url, token=TOKEN)) as ws:
                said.append(script(ws, tmp_path / name / "out"))
            assert cut.cuts > 2
    here, there = said
    assert here == there
