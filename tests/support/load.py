"""Writers that remember what was acknowledged, and what a home must then hold."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Self

import modelwright as mw
from modelwright.app.doctor import examine
from support.house import PATIENCE_SECONDS
from support.life import ENDPOINT, Stream


class Writer(threading.Thread):
    """Does one thing after another over HTTP, and remembers the answers.

    Args:
        where: Answers the server's address, which may move with a restart.
        act: Does the n-th thing; answers what was acknowledged.
    """

    def __init__(self, where: Callable[[], str], act: Callable[[mw.Workspace, int], Any]) -> None:
        super().__init__(name="writer")
        self._where = where
        self._act = act
        self._turn = threading.Condition()
        self._over = False
        self.acknowledged: dict[int, Any] = {}
        self.unknown: set[int] = set()
        self.failed: list[BaseException] = []

    def run(self) -> None:
        number = 0
        while not self._over:
            where = self._where()
            with closing(mw.connect(where)) as ws:
                while not self._over and self._where() == where:
                    number += 1
                    self._do(ws, number)

    def _do(self, ws: mw.Workspace, number: int) -> None:
        try:
            answer = self._act(ws, number)
        except mw.Unavailable:  # nobody knows whether it was done
            self.unknown.add(number)
            time.sleep(0.01)
            return
        except BaseException as error:
            self.failed.append(error)
            self._over = True
            raise
        with self._turn:
            self.acknowledged[number] = answer
            self._turn.notify_all()

    def more(self, count: int) -> None:
        """Wait until so many more have been acknowledged."""
        with self._turn:
            wanted = len(self.acknowledged) + count
            done = self._turn.wait_for(lambda: len(self.acknowledged) >= wanted or self.failed, PATIENCE_SECONDS)
            assert done, "nobody is acknowledged any more"
            assert self.failed == []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        self.join()


def labels_of(stream: Stream) -> Callable[[mw.Workspace, int], Any]:
    """Gives a label to the newest prediction that was answered."""

    def act(ws: mw.Workspace, number: int) -> Any:
        stream.more(1)
        one = next(reversed(stream.answered))
        ws.labels.add(ENDPOINT, [one], [float(number % 2)], ["2026-01-01T00:00:00Z"])
        return one, float(number % 2)

    return act


def runs_and_data(ws: mw.Workspace, number: int) -> Any:
    """Starts a run; now and then adds a version of a dataset too."""
    if number % 5:
        return ws.runs.start(f"run-{number}").id
    version = ws.data.add("numbers", {"number": list(range(number, number + 50))})
    return version.version, version.digest


def check_runs_and_data(ws: mw.Workspace, writer: Writer) -> None:
    """Every acknowledged run and version is there, none twice, none half."""
    found, after = {}, None
    names: Counter[str] = Counter()
    while True:
        page = ws.runs.list(limit=1000, after=after)
        names.update(run.name for run in page.items)
        found |= {run.name: run.id for run in page.items}
        if (after := page.next) is None:
            break
    started = {number: answer for number, answer in writer.acknowledged.items() if number % 5}
    assert {f"run-{number}": answer for number, answer in started.items()}.items() <= found.items()
    mine = {name: count for name, count in names.items() if name.startswith("run-")}
    assert set(mine.values()) <= {1}
    assert {int(name.removeprefix("run-")) for name in mine} <= started.keys() | writer.unknown
    versions = {version.version: version.digest for version in ws.data.versions("numbers", limit=1000).items}
    added = dict(answer for number, answer in writer.acknowledged.items() if not number % 5)
    assert added.items() <= versions.items()
    assert len(versions) <= len(added) + sum(not number % 5 for number in writer.unknown)
    assert sorted(versions) == list(range(1, len(versions) + 1))
    assert all(ws.data.verify(f"numbers@{number}").intact for number in versions)


def check_predictions(ws: mw.Workspace, stream: Stream, labels: Writer | None = None) -> None:
    """Every acknowledged prediction is in the log, once, as it was answered, with its label."""
    assert stream.failed == []
    found, after = {}, None
    while True:
        page = ws.predictions.list(ENDPOINT, limit=1000, after=after)
        assert not found.keys() & {prediction.id for prediction in page.items}
        found |= {prediction.id: prediction for prediction in page.items}
        if (after := page.next) is None:
            break
    for one, answered in stream.answered.items():
        assert (found[one].output, f"{found[one].model}@{found[one].version}") == (answered.output, answered.model)
    assert ws.predictions.counts(ENDPOINT).answered == len(found)
    for one, value in labels.acknowledged.values() if labels else ():
        assert found[one].label == value


def check_home(home: Path) -> None:
    """Nothing is half there: the doctor reads every byte, and a row that is there leads to bytes that are."""
    assert [finding for finding in examine(str(home)) if not finding.healthy and finding.what != "disk"] == []
    with closing(mw.connect(home)) as ws:
        assert ws.ledger.verify().intact
        for model in ws.models.list(limit=1000).items:
            for version in ws.models.versions(model.name, limit=1000).items:
                ws.models.load(version.ref)
        for dataset in ws.data.list(limit=1000).items:
            for version in ws.data.versions(dataset.name, limit=1000).items:
                assert ws.data.verify(version.ref).intact
