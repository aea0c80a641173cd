"""Asks the endpoint about nine months of flights in the order in which people would have asked, hour by hour.

A client like any other, with a token in ``MODELWRIGHT_TOKEN``: questions and labels go over HTTP, from a process of its
own. A question carries what is known at the desk: who flies where, and when; the endpoint looks the rest up. Nothing is
repeated: a request that is not answered at once counts as failed. After every simulated day the client waits until the
platform has done what follows from it, for a year passes here in a minute, and retraining takes as long as it takes.
Each day is one JSON line.
"""

import argparse
import heapq
import json
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import data
import httpx
import pyarrow as pa
from pyarrow import compute as pc

import modelwright as mw

HOUR = timedelta(hours=1)
TYPES = {pa.string(): "BYTES", pa.int64(): "INT64"}
CONTEXT = ("carrier", "origin", "dest", "hour", "weekday", "distance")
LATE_MINUTES = 15
PATIENCE_SECONDS = 120.0


class Replay:
    """The client's side of the endpoint's life.

    Args:
        endpoint: Its name.
        serve: Where it answers.
        api: Where labels go.
    """

    def __init__(self, endpoint: str, serve: str, api: str) -> None:
        self.endpoint = endpoint
        known = {"authorization": f"Bearer {os.environ['MODELWRIGHT_TOKEN']}"}
        self.http = httpx.Client(base_url=serve, headers=known, timeout=60, trust_env=False)
        self.workspace = mw.connect(api)
        self.waiting: list[tuple[datetime, str, bool]] = []
        self.poster = ThreadPoolExecutor(1)
        self.posting: list[Future[None]] = []
        self.total = {"requests": 0, "failed": 0, "rows": 0, "answered": 0, "labels": 0}

    def hour(self, questions: pa.Table, now: datetime) -> None:
        """Ask what was asked in the hour that ends now, and post the labels that have become known in it."""
        if questions.num_rows:
            self.ask(questions)
        known = []
        while self.waiting and self.waiting[0][0] <= now:
            known.append(heapq.heappop(self.waiting))
        if known:
            self.posting.append(self.poster.submit(self.post, known))

    def post(self, known: list[tuple[datetime, str, bool]]) -> None:
        """Give labels back; the next hours are asked meanwhile."""
        landed, ids, late = zip(*known, strict=True)
        self.workspace.labels.add(self.endpoint, list(ids), [float(value) for value in late], list(landed))
        self.total["labels"] += len(known)

    def posted(self) -> None:
        """Wait until all labels have been acknowledged."""
        while self.posting:
            self.posting.pop().result()

    def ask(self, questions: pa.Table) -> None:
        """One request about all questions of an hour."""
        self.total["requests"] += 1
        self.total["rows"] += questions.num_rows
        try:
            answer = self.http.post(f"/v2/models/{self.endpoint}/infer", content=request(questions))
        except httpx.TransportError as error:
            return self.failed(str(error))
        if answer.status_code != httpx.codes.OK:
            return self.failed(answer.text[:200])
        ids = answer.json()["parameters"]["prediction_ids"]
        self.total["answered"] += len(ids)
        truths = zip(ids, questions["landed_at"].to_pylist(), questions["arr_delay"].to_pylist(), strict=True)
        for prediction, landed, delay in truths:
            if delay is not None:  # the cancelled and the diverted never land where they should
                heapq.heappush(self.waiting, (landed, prediction, delay > LATE_MINUTES))
        return None

    def failed(self, why: str) -> None:
        """Count a request that got no answer."""
        self.total["failed"] += 1
        print(f"failed: {why}", file=sys.stderr)

    def settle(self) -> None:
        """Wait until nothing is outstanding: periods judged, alarms reacted to, models trained, rollouts decided."""
        self.posted()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (outstanding := self.workspace.lifecycle.outstanding(self.endpoint)).settled:
            if time.monotonic() > deadline:
                print(f"not settled after {PATIENCE_SECONDS:.0f} s: {outstanding}", file=sys.stderr)
                return
            time.sleep(0.05)


def request(questions: pa.Table) -> bytes:
    """Questions as the Open Inference Protocol, version 2, writes them."""
    rows = questions.num_rows
    inputs = [
        {"name": name, "shape": [rows], "datatype": TYPES[questions.schema.field(name).type], "data": values}
        for name, values in questions.select(CONTEXT).to_pydict().items()
    ]
    asked = [moment.isoformat() for moment in questions["asked_at"].to_pylist()]
    return json.dumps({"inputs": inputs, "parameters": {"event_at": asked}}).encode()


def questions_of(flights: pa.Table, start: datetime, end: datetime) -> pa.Table:
    """The flights that are asked about in a period, an hour before their scheduled departure, in that order."""
    asked = pc.subtract(flights["sched_dep"], pa.scalar(HOUR))
    table = flights.append_column("asked_at", asked)
    inside = pc.and_(pc.greater_equal(asked, start), pc.less(asked, end))
    return table.filter(inside).sort_by([("asked_at", "ascending"), ("flight_id", "ascending")])


def hours(questions: pa.Table) -> Iterator[tuple[datetime, pa.Table]]:
    """The end of each hour from the first question to the last, with the questions asked in it."""
    asked: list[Any] = questions["asked_at"].to_pylist()
    now, first = asked[0].replace(minute=0, second=0, microsecond=0) + HOUR, 0
    while first < len(asked):
        last = first
        while last < len(asked) and asked[last] < now:
            last += 1
        yield now, questions.slice(first, last - first)
        now, first = now + HOUR, last


def main() -> None:
    """Replay a period."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("endpoint")
    parser.add_argument("--serve", required=True, help="where the endpoint answers")
    parser.add_argument("--api", required=True, help="where labels go")
    parser.add_argument("--start", required=True, type=data.midnight)
    parser.add_argument("--end", required=True, type=data.midnight)
    given = parser.parse_args()

    replay = Replay(given.endpoint, given.serve, given.api)
    questions = questions_of(replay.workspace.data.table("flights@latest"), given.start, given.end)
    day = None
    for now, asked in hours(questions):
        replay.hour(asked, now)
        if now.date() != day:
            day = now.date()
            replay.settle()
            report(now, replay)
    replay.hour(questions.slice(0, 0), datetime.max.replace(tzinfo=UTC))
    replay.settle()
    report(now, replay, done=True)


def report(now: datetime, replay: Replay, **more: bool) -> None:
    """One line of progress."""
    print(json.dumps({"at": now.isoformat(), **replay.total, **more}), flush=True)


if __name__ == "__main__":
    main()
