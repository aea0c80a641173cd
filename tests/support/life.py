"""A model's life in small, through public faces: seeded questions, a heuristic, a weak candidate, a real one."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Self

import httpx
import numpy as np
import pyarrow as pa
from sklearn.linear_model import LogisticRegression

import modelwright as mw
from modelwright.core.ids import new_ids

MODEL, BASELINE, ENDPOINT, DATA = "late", "by-group", "lateness", "questions"
INPUTS = ["group", "x", "z"]
JANUARY, MARCH, APRIL, JULY = (datetime(2025, month, 1, tzinfo=UTC) for month in (1, 3, 4, 7))
COLUMNS = {"key": "id", "event_time": "asked_at", "known_at": "known_at"}
_EFFECT = np.array([-0.8, 0.0, 0.8])

CHARTER: Mapping[str, Any] = {
    "question": "Will it be late?",
    "decision": "warn the customer",
    "kpi": {"metric": "roc_auc", "at_least": 0.65},
    "baseline": BASELINE,
    "label": {"column": "late", "source": "the log of arrivals"},
    "owners": {"business": "desk", "technical": "data-science"},
}


def questions(rows: int, *, since: datetime, until: datetime, seed: int) -> pa.Table:
    """Questions in order of time; ``x`` and ``group`` say something of the answer, ``z`` nothing."""
    rng = np.random.default_rng(seed)
    seconds = np.sort(rng.integers(0, int((until - since).total_seconds()), rows))
    asked = [since + timedelta(seconds=int(second)) for second in seconds]
    group, x = rng.integers(0, 3, rows), rng.normal(size=rows)
    late = rng.uniform(size=rows) < 1 / (1 + np.exp(-(1.5 * x + _EFFECT[group])))
    moment = pa.timestamp("us", "UTC")
    return pa.table(
        {
            "id": [f"{since:%Y%m}-{seed}-{row:05d}" for row in range(rows)],
            "asked_at": pa.array(asked, moment),
            "known_at": pa.array([at + timedelta(hours=1 + row % 72) for row, at in enumerate(asked)], moment),
            "group": [f"g{number}" for number in group],
            "x": x,
            "z": rng.normal(size=rows),
            "late": late.astype(np.int64),
        }
    )


def heuristic(table: pa.Table) -> tuple[Any, list[str]]:
    """How often each group is late, and the columns it takes."""
    rates = table.group_by("group").aggregate([("late", "mean")]).to_pydict()
    values = {(group,): rate for group, rate in zip(rates["group"], rates["late_mean"], strict=True)}
    return mw.Lookup(["group"], values, otherwise=0.5), ["group"]


def weak(table: pa.Table) -> tuple[Any, list[str]]:
    """A candidate that looks at noise alone."""
    return _line(table, ["z"]), ["z"]


def real(table: pa.Table) -> tuple[Any, list[str]]:
    """A candidate that looks at what matters."""
    return _line(table, ["x", "z"]), ["x", "z"]


def _line(table: pa.Table, columns: list[str]) -> Any:
    rows = np.column_stack([table[name].to_numpy() for name in columns])
    return LogisticRegression().fit(rows, table["late"].to_numpy())


def release(
    ws: mw.Workspace, name: str, fit: Callable[[pa.Table], tuple[Any, list[str]]], *, cut: datetime, end: datetime
) -> Any:
    """Train in a tracked run on what was known at the cut, register, and let it be judged on the rows from there on."""
    with mw.run(name, workspace=ws, seed=1, fit=fit.__name__) as run:
        table = mw.dataset(f"{DATA}@latest", known_at=cut).arrow()
        model, columns = fit(table)
        run.log(rows=table.num_rows)
        version = run.save_model(model, name, example=table.select(columns))
    mw.evaluate(ws, version.ref, f"{DATA}@latest", since=cut, until=end, explain=False)
    return version


class Answered(NamedTuple):
    """What one question came to."""

    row: int
    output: float
    model: str


class Stream(threading.Thread):
    """Asks about rows, a few at a time and from the first again after the last, until it is told to end.

    Ids are the client's, so that a request whose connection broke can be repeated under the same ones.

    Args:
        where: Answers the address of the endpoints, which may move with a restart.
        table: The rows.
        at_once: Rows a request.
    """

    def __init__(self, where: Callable[[], str], table: pa.Table, *, at_once: int = 5) -> None:
        super().__init__(name="stream")
        self._where = where
        self._table = table
        self._at_once = at_once
        self._turn = threading.Condition()
        self._over = False
        self.answered: dict[str, Answered] = {}
        self.failed: list[str] = []
        self.broken = 0

    def run(self) -> None:
        row = 0
        with httpx.Client(timeout=60, trust_env=False) as client:
            while not self._over:
                rows = range(row, min(row + self._at_once, self._table.num_rows))
                row = rows.stop % self._table.num_rows
                self._ask(client, rows)

    def _ask(self, client: httpx.Client, rows: range) -> None:
        ids = new_ids(len(rows))
        body = request(self._table.slice(rows.start, len(rows)), ids)
        while not self._over:
            try:
                answer = client.post(f"{self._where()}/endpoints/{ENDPOINT}/invocations", json=body)
            except httpx.TransportError:
                self.broken += 1
                time.sleep(0.01)
                continue
            with self._turn:
                if answer.status_code == 200:
                    found = answer.json()
                    for one, row, output in zip(ids, rows, found["predictions"], strict=True):
                        self.answered[one] = Answered(row, output, found["model"])
                else:
                    self.failed.append(f"{answer.status_code} {answer.text[:300]}")
                self._turn.notify_all()
            return

    def more(self, count: int, *, of: str | None = None) -> None:
        """Wait until so many more have been answered, by that version if one is named."""
        with self._turn:
            wanted = self._count(of) + count
            assert self._turn.wait_for(lambda: self._count(of) >= wanted, 120), (self.failed[:3], self.broken)

    def _count(self, of: str | None) -> int:
        if of is None:
            return len(self.answered)
        return sum(answered.model == of for answered in list(self.answered.values()))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        self.join()


def request(table: pa.Table, ids: Sequence[str] | None = None) -> dict[str, Any]:
    """Rows as MLflow's scoring protocol writes them; ids and asking times beside."""
    asked = [moment.isoformat() for moment in table["asked_at"].to_pylist()]
    chosen = {} if ids is None else {"prediction_ids": list(ids)}
    return {"inputs": table.select(INPUTS).to_pydict(), "params": {"event_at": asked, **chosen}}
