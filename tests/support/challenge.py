"""An endpoint with a coarse and a sharp version, and days of questions and outcomes for their rollout."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
from sklearn.tree import DecisionTreeClassifier

import modelwright as mw
from modelwright.app.home import Home
from modelwright.core.ids import new_ids
from support.house import awaits
from support.life import APRIL, BASELINE, CHARTER, ENDPOINT, JANUARY, MODEL, heuristic, questions, real, request

COARSE, SHARP = f"{MODEL}@1", f"{MODEL}@2"
A_DAY = 50
"""Questions a day."""


def coarse(table: pa.Table) -> tuple[Any, list[str]]:
    """A candidate that passes the gates and only tells two kinds of rows apart."""
    tree = DecisionTreeClassifier(max_depth=1, random_state=1)
    return tree.fit(table["x"].to_numpy()[:, None], table["late"].to_numpy()), ["x"]


def home_with_both(folder: Path) -> Path:
    """A home in which both passed the gates, and the coarse one answers."""
    home = Home(folder / ".modelwright").open(create=True).folder
    with closing(mw.connect(home)) as ws:
        table = questions(1500, since=JANUARY, until=APRIL, seed=1)
        ws.data.add("questions", table, key="id", event_time="asked_at", known_at="known_at")
        for name, fit in ((BASELINE, heuristic), (MODEL, coarse), (MODEL, real)):
            ws.charters.publish(name, CHARTER)
            model, columns = fit(table)
            version = ws.models.save(model, name, example=table.select(columns))
            mw.evaluate(ws, version.ref, "questions@1", explain=False)
        ws.endpoints.deploy(ENDPOINT, COARSE).decision.require()
    return home


def days(first: int, last: int) -> pa.Table:
    """The questions of some days of April, the same ones each time."""
    since = APRIL + timedelta(days=first)
    return questions(A_DAY * (last - first), since=since, until=APRIL + timedelta(days=last), seed=first)


def asked(where: str, table: pa.Table) -> list[str]:
    """Ask about every row, a few at a time; the prediction ids."""
    ids: list[str] = []
    with httpx.Client(timeout=60, trust_env=False) as client:
        for part in _slices(table, 10):
            some = new_ids(part.num_rows)
            answer = client.post(f"{where}/endpoints/{ENDPOINT}/invocations", json=request(part, some))
            assert answer.status_code == 200, answer.text
            ids += some
    return ids


def outcomes(ws: mw.Workspace, table: pa.Table, ids: list[str]) -> None:
    """An hour later everybody knows what came."""
    known = [at + timedelta(hours=1) for at in table["asked_at"].to_pylist()]
    ws.labels.add(ENDPOINT, ids=ids, values=np.asarray(table["late"], dtype=float).tolist(), known_at=known)


def taken_up(ws: mw.Workspace, workers: int = 2) -> None:
    """Wait until every worker has the challenger loaded."""

    def loaded() -> bool:
        states = [one.state for one in ws.rollouts.standing(ENDPOINT).workers]
        return len(states) == workers and all(state is not None and state.problem is None for state in states)

    awaits(loaded, "every worker has loaded the challenger")


def mirrored(ws: mw.Workspace, count: int) -> None:
    """Wait until the challenger has scored so many rows."""

    def scored() -> bool:
        standing = ws.rollouts.standing(ENDPOINT)
        return standing.rollout.outcome is not None or standing.present.scored >= count

    awaits(scored, f"the challenger has scored {count} rows")


def concluded(ws: mw.Workspace) -> Any:
    """The endpoint's rollout once it is over; the job worker judges it, and so do we."""
    return awaits(lambda: (found := ws.rollouts.judge(ENDPOINT)).outcome and found, "the rollout is over")


def _slices(table: pa.Table, size: int) -> Iterator[pa.Table]:
    for start in range(0, table.num_rows, size):
        yield table.slice(start, size)
