"""An endpoint to watch: a version evaluated on forty days, and answers of days after them, ordinary or not."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from modelwright.app.connect import Workspace
from modelwright.app.home import Home
from modelwright.app.workspace import LocalCaller, Platform
from modelwright.data.parts import encoded
from modelwright.governance.evaluation import written_scores
from modelwright.predictions.layout import segment_folder
from modelwright.predictions.model import Kind, LabelBatch, PredictionBatch, encode, microseconds
from modelwright.predictions.segments import SegmentWriter

ENDPOINT, MODEL = "watched", "risk"
START = datetime(2013, 1, 1, tzinfo=UTC)
DAYS, ROWS = 40, 240
"""Of the reference: whole days, and rows a day."""
MATURES = timedelta(hours=36)
DAY = timedelta(days=1)
NOW = datetime(2026, 1, 1, tzinfo=UTC)

CHARTER = {
    "question": "Will it happen?",
    "decision": "act",
    "kpi": {"metric": "roc_auc", "at_least": 0.6},
    "label": {"column": "happened", "known_after": "36h"},
    "limits": {"latency_p99_ms": 20},
    "owners": {"business": "desk", "technical": "data science"},
}


def rows(day: int, *, seed: int = 0, shift: float = 0.0, bias: float = 0.0, where: str = "") -> dict[str, Any]:
    """The rows of a day: ``x`` and ``group`` with the day's own weather, scores, and what happened.

    Args:
        day: Its number, from 0.
        seed: Of the world.
        shift: Added to ``x``.
        bias: Added to the chance that it happens, unknown to the scores.
        where: The group in which the bias is; everywhere by default.
    """
    rng = np.random.default_rng([seed, day])
    weather = 0.1 * rng.normal()
    x = rng.normal(weather, 1, ROWS) + shift
    group = rng.choice(["a", "b", "c"], ROWS, p=[0.5, 0.3, 0.2])
    score = 1 / (1 + np.exp(-(x - shift)))
    chance = np.clip(score + bias * ((group == where) if where else np.ones(ROWS)), 0, 1)
    at = [START + day * DAY + timedelta(seconds=86400 * number // ROWS) for number in range(ROWS)]
    return {"x": x, "group": group, "at": at, "score": score, "happened": (rng.random(ROWS) < chance).astype(int)}


def platform(
    folder: Path,
    *,
    now: datetime = NOW,
    evaluated: bool = True,
    days: int = DAYS,
    clock: Callable[[], datetime] | None = None,
) -> Platform:
    """A home with a version, and its evaluation if it shall have one."""
    made = Platform(Home(folder / ".modelwright").open(create=True), clock=clock or (lambda: now))
    ws = workspace(made)
    every = [rows(day) for day in range(days)]
    table = pa.table(
        {
            "x": np.concatenate([each["x"] for each in every]),
            "group": np.concatenate([each["group"] for each in every]),
            "at": pa.array([moment for each in every for moment in each["at"]], pa.timestamp("us", "UTC")),
            "happened": np.concatenate([each["happened"] for each in every]),
        }
    )
    caller = LocalCaller(made)
    ws.data.commit("history", parts=[caller.upload(content) for _, content in encoded(table)], event_time="at")
    file = caller.upload(b"weights")
    ws.charters.publish(MODEL, CHARTER)
    columns = [{"name": "x", "dtype": "float64", "nullable": True}, {"name": "group", "dtype": "string"}]
    files = [{"path": "model.skops", "digest": file.digest, "size": file.size}]
    ws.models.register(MODEL, flavour="sklearn", task="binary", inputs={"columns": columns}, files=files)
    if evaluated:
        evaluate(made, every)
    return made


def evaluate(made: Platform, every: list[dict[str, Any]]) -> None:
    """The version's evaluation on all of the reference's rows."""
    scores = LocalCaller(made).upload(written_scores(np.concatenate([each["score"] for each in every])))
    workspace(made).evidence.evaluate(f"{MODEL}@1", "history@1", scores)


def workspace(made: Platform) -> Workspace:
    """The owner's."""
    return Workspace(made.table, LocalCaller(made), str(made.home.folder))


def answered(made: Platform, days: range, *, labels: bool = True, latency_us: int = 900, **given: Any) -> None:
    """The endpoint answers about the days, and what happened is known a day later."""
    predictions = segment_folder(made.home.log, ENDPOINT, Kind.PREDICTIONS)
    with SegmentWriter(predictions, f"p{days.start}") as writer:
        for day in days:
            found = rows(day, seed=1, **given)
            batch = PredictionBatch(
                endpoint=ENDPOINT,
                model=MODEL,
                version=1,
                package="0" * 64,
                generation=1,
                received_at=microseconds(NOW),
                latency_us=latency_us,
                ids=ids(day),
                event_at=[microseconds(moment) for moment in found["at"]],
                inputs={"x": found["x"].tolist(), "group": found["group"].tolist()},
                outputs=found["score"].tolist(),
            )
            writer.append(encode(batch))
    if labels:
        labelled(made, days, **given)


def labelled(made: Platform, days: range, **given: Any) -> None:
    """What happened on the days becomes known, each a day later."""
    with SegmentWriter(segment_folder(made.home.log, ENDPOINT, Kind.LABELS), f"l{days.start}") as writer:
        for day in days:
            found = rows(day, seed=1, **given)
            batch = LabelBatch(
                endpoint=ENDPOINT,
                ids=ids(day),
                values=[float(each) for each in found["happened"]],
                known_at=[microseconds(moment + DAY) for moment in found["at"]],
                recorded_at=microseconds(NOW),
            )
            writer.append(encode(batch))


def ids(day: int) -> list[str]:
    """The predictions' ids of a day."""
    return [f"{day * ROWS + number:012x}7000{8:x}{0:015x}" for number in range(ROWS)]


def ran(made: Platform) -> list[Any]:
    """Run until nothing is due."""
    found = [workspace(made).monitors.run(ENDPOINT)]
    while found[-1].more:
        found.append(workspace(made).monitors.run(ENDPOINT))
    return found
