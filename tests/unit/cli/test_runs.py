"""Runs side by side, and a run in a folder."""

import json
from datetime import UTC, datetime, timedelta

import pytest

import modelwright as mw
from modelwright.core import wire
from modelwright.core.ids import Pinned
from modelwright.tracking.compare import differences
from modelwright.tracking.model import Capture, Metric, Run, RunStatus

AT = datetime(2026, 1, 5, tzinfo=UTC)


def a_run(number, **more):
    return Run(id=f"{number:032x}", name="r", status=RunStatus.FINISHED, started_at=AT, started_by="owner", **more)


def test_what_is_equal_in_all_runs_is_left_out():
    same = {"parameters": {"lr": "0.1"}, "metrics": {"auc": 0.7, "loss": "NaN"}, "capture": Capture(commit="c")}
    found = differences([a_run(1, **same), a_run(2, **same)])
    assert (found.parameters, found.metrics, found.origins) == ({}, {}, {})


def test_what_differs_stands_side_by_side_and_what_is_missing_is_none():
    one = a_run(1, parameters={"lr": "0.1", "seed": "1"}, metrics={"auc": 0.7})
    two = a_run(2, parameters={"lr": "0.3", "seed": "1"}, metrics={"auc": 0.7, "loss": "NaN"})
    three = a_run(3, parameters={"lr": "0.1"}, capture=Capture(commit="c"), reads=(Pinned(ref="d@1", digest="0" * 64),))
    found = differences([one, two, three])
    assert found.runs == (one.id, two.id, three.id)
    assert found.parameters == {"lr": ("0.1", "0.3", "0.1"), "seed": ("1", "1", None)}
    assert found.metrics == {"auc": (0.7, 0.7, None), "loss": (None, "NaN", None)}
    assert found.origins == {"commit": (None, None, "c"), "data": (None, None, "d@1")}


@pytest.fixture
def two_runs(home):
    """Two finished runs; the first has 30,000 points of one metric and two files."""
    with mw.connect(home) as ws:
        ids = []
        for lr in ("0.1", "0.3"):
            run = ws.runs.start("delay", parameters={"lr": lr})
            points = [
                Metric(key="loss/../x", value=1 / (step + 1), step=step, at=AT, seq=step) for step in range(12_000)
            ]
            if not ids:
                for start in (0, 6_000):
                    ws.runs.log(run.id, points[start : start + 6_000])
                ws.runs.log(run.id, [Metric(key="auc", value="NaN", at=AT + timedelta(days=1), seq=20_000)])
                for path in ("plot.png", "deep/er/plot.png"):
                    ws.runs.keep(run.id, path, ws.runs.send(path.encode()))
            ids.append(run.id)
    return ids


def test_runs_are_compared_on_the_command_line(two_runs, typed):
    text, line = typed("run", "compare", *two_runs), typed("run", "compare", *two_runs, "--json")
    heading, *rows = text.out.splitlines()
    assert heading.split() == two_runs
    assert rows[0].split() == ["param", "lr", "0.1", "0.3"]
    assert ["metric", "auc", "NaN", "-"] in [row.split() for row in rows]
    assert json.loads(line.out)["parameters"] == {"lr": ["0.1", "0.3"]}


def test_a_run_and_itself_differ_in_nothing(two_runs, typed):
    assert typed("run", "compare", two_runs[0], two_runs[0]).out.startswith("The runs differ in no parameter")


def test_a_run_in_a_folder_is_whole(two_runs, typed, tmp_path):
    done = typed("run", "export", two_runs[0], "there")
    assert (done.code, done.out) == (0, f"{two_runs[0]} -> there\n")
    folder = tmp_path / "there"
    written = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    assert written == {"run.json", "metrics.jsonl", "artifacts/plot.png", "artifacts/deep/er/plot.png"}
    assert wire.decode((folder / "run.json").read_bytes(), Run).id == two_runs[0]
    points = [wire.decode(line, Metric) for line in (folder / "metrics.jsonl").read_bytes().splitlines()]
    assert len(points) == 12_001
    assert [point.step for point in points if point.key == "loss/../x"] == list(range(12_000))
    assert [point.value for point in points if point.key == "auc"] == ["NaN"]
    assert (folder / "artifacts" / "deep" / "er" / "plot.png").read_bytes() == b"deep/er/plot.png"


def test_a_run_that_cannot_be_had_whole_leaves_nothing_behind(two_runs, typed, home, tmp_path):
    for blob in (home / "blobs").rglob("*"):
        if blob.is_file():
            blob.chmod(0o600)
            blob.write_bytes(b"altered")
    before = set(tmp_path.iterdir())
    done = typed("run", "export", two_runs[0], "there")
    assert done.code == 1
    assert done.err.startswith("Error: ")
    assert set(tmp_path.iterdir()) == before
