"""PostgreSQL ends, is killed or is cut off in the middle of a stream of commands: what was acknowledged is there, once."""

import signal
import threading
import time
from collections import Counter
from contextlib import ExitStack, closing, contextmanager

import httpx
import pyarrow.parquet as pq
import pytest

import modelwright as mw
from modelwright.app.home import Home
from modelwright.app.services import operation_table
from modelwright.app.workspace import Platform
from modelwright.core.errors import Unavailable
from modelwright.core.ids import new_id
from modelwright.core.settings import RECORDS
from modelwright.processes.listening import address, bind
from modelwright.processes.supervisor import Spec, Supervisor
from modelwright.processes.up import API
from support import life
from support.house import House, awaits
from support.postgres import PASSWORD, USER, Wire
from support.postgres import cluster as started

TABLE = operation_table()
START = TABLE.get("runs.start")
WRITERS, COMMANDS = 4, 15
PATIENCE_SECONDS = 90


class Stream:
    """Writers that start runs over HTTP, each name under one key, and repeat it until it is acknowledged."""

    def __init__(self, url):
        self._url = url
        self._turn = threading.Condition()
        self._over = False
        self.acknowledged = []
        self.statuses = Counter()
        self.strange = []

    def write(self, writer):
        number = 0
        with httpx.Client(base_url=self._url, timeout=60, trust_env=False) as http:
            while not self._over:
                self._start(http, f"w{writer}-{number}")
                number += 1

    def _start(self, http, name):
        key, deadline = new_id(), time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                answer = http.post("/api/v1/runs.start", json={"name": name}, headers={"idempotency-key": key})
            except httpx.TransportError as error:
                self.strange.append(repr(error))
                return
            with self._turn:
                self.statuses[answer.status_code] += 1
                if answer.status_code == 200:
                    self.acknowledged.append((name, answer.json()["id"]))
                    self._turn.notify_all()
                    return
                if answer.status_code != 503 or "retry-after" not in answer.headers or "Pa55" in answer.text:
                    self.strange.append((answer.status_code, answer.text, dict(answer.headers)))
                    return
            time.sleep(0.02)
        self.strange.append(f"{name} was never acknowledged")

    def more(self, count):
        """Wait until so many more have been acknowledged."""
        with self._turn:
            wanted = len(self.acknowledged) + count
            assert self._turn.wait_for(lambda: len(self.acknowledged) >= wanted, PATIENCE_SECONDS), self.strange[:3]

    def refused(self):
        """Wait until somebody has been told to come again."""
        before, deadline = self.statuses[503], time.monotonic() + PATIENCE_SECONDS
        while self.statuses[503] == before:
            assert time.monotonic() < deadline, "nobody heard that the database is gone"
            time.sleep(0.01)

    def end(self):
        self._over = True


@contextmanager
def streaming(home):
    """An api over the home and writers at work; what the supervisor had to say is nothing: it lives through it all."""
    said, over = [], threading.Event()
    with ExitStack() as stack:
        listening = stack.enter_context(closing(bind("127.0.0.1", 0, option="--port")))
        descriptor = listening.fileno()
        where = ("--home", str(home.folder), "--fd", str(descriptor))
        supervisor = Supervisor([Spec("api", API, where, (descriptor,), home.environment)], say=said.append)
        stream = Stream(address(listening))
        threads = [threading.Thread(target=stream.write, args=(writer,)) for writer in range(WRITERS)]
        keeper = threading.Thread(target=_keep, args=(supervisor, over))
        for thread in (keeper, *threads):
            thread.start()
        try:
            yield stream
        finally:
            stream.end()
            for thread in threads:
                thread.join()
            over.set()
            keeper.join()
            supervisor.end()
    assert said == []


def _keep(supervisor, over):
    while not over.is_set():
        over.wait(min(supervisor.tend(), 0.02))


@pytest.fixture
def home(tmp_path, database, monkeypatch):
    monkeypatch.setenv(RECORDS.name, database)
    return Home(tmp_path / "home").open(create=True)


@pytest.mark.slow
def test_a_server_that_is_killed_and_restarted_loses_nothing_and_does_nothing_twice(cluster, home):
    with streaming(home) as stream:
        stream.more(COMMANDS)
        for number in (signal.SIGKILL, signal.SIGINT, signal.SIGKILL):
            cluster.end(number)
            stream.refused()
            cluster.start()
            stream.more(COMMANDS)
    assert stream.strange == []
    assert set(stream.statuses) == {200, 503}
    check(home, stream.acknowledged)


@pytest.mark.parametrize("cut", ["before", "after"])
def test_a_command_whose_commit_was_cut_off_is_done_once_under_its_key(cluster, home, database, cut, monkeypatch):
    wire = Wire(cluster)
    monkeypatch.setenv(RECORDS.name, wire.url(database))
    with closing(wire), closing(Platform(home.open(create=False))) as platform:
        wire.cut = cut
        request = START.bind((), {"name": "once"})
        with pytest.raises(Unavailable, match="whether it did is not known"):
            platform.run(START, request, idempotency_key="key")
        run = platform.run(START, request, idempotency_key="key")
    assert wire.cuts == 1
    monkeypatch.setenv(RECORDS.name, database)
    check(home.open(create=False), [("once", run.id)])


@pytest.mark.slow
def test_a_standby_that_takes_over_has_everything_that_was_acknowledged(cluster, tmp_path, monkeypatch):
    """Both hosts stand in the address; commits wait for the standby. The first server never comes back."""
    with started() as primary, started(primary) as standby:
        primary.execute("CREATE DATABASE models")
        hosts = f"127.0.0.1:{primary.port},127.0.0.1:{standby.port}"
        monkeypatch.setenv(RECORDS.name, f"postgresql://{USER}:{PASSWORD}@{hosts}/models")
        home = Home(tmp_path / "home").open(create=True)
        with streaming(home) as stream:
            stream.more(COMMANDS)
            primary.end(signal.SIGKILL)
            stream.refused()
            standby.promote()
            stream.more(COMMANDS)
        assert stream.strange == []
        assert set(stream.statuses) == {200, 503}
        check(home, stream.acknowledged)


@pytest.mark.slow
def test_endpoints_answer_while_the_server_is_away_and_nothing_has_to_be_restarted(cluster, home, tmp_path):
    table = life.questions(2000, since=life.JANUARY, until=life.APRIL, seed=1)
    pq.write_table(table, tmp_path / "questions.parquet")
    with closing(mw.connect(home.folder)) as ws:
        ws.data.add(life.DATA, tmp_path / "questions.parquet", **life.COLUMNS)
        for name, fit in ((life.BASELINE, life.heuristic), (life.MODEL, life.real)):
            ws.charters.publish(name, life.CHARTER)
            life.release(ws, name, fit, cut=life.MARCH, end=life.APRIL)
        ws.models.set_alias(f"{life.MODEL}@1", "champion").require()
        ws.endpoints.deploy(life.ENDPOINT, f"{life.MODEL}@champion")
    house = House(home.folder)
    with house, closing(mw.connect(house.api)) as ws, life.Stream(lambda: house.serving, table) as stream:
        stream.more(100)
        before = house.processes
        cluster.end(signal.SIGKILL)
        stream.more(300)
        cluster.start()
        with mw.run("afterwards", workspace=ws) as run:
            run.log(auc=0.7)
        assert ws.runs.get(run.id).metrics == {"auc": 0.7}
        awaits(lambda: ws.lifecycle.overview().predictions >= 400, "what was predicted is counted")
        assert house.processes == before
    assert (stream.failed, stream.broken) == ([], 0)
    assert "Traceback" not in house.said()
    assert PASSWORD not in house.said()


def check(home, acknowledged):
    with closing(Platform(home)) as platform:
        found, after = [], None
        while True:
            operation = TABLE.get("runs.list")
            page = platform.run(operation, operation.bind((), {"limit": 1000, "after": after}))
            found += [(run.name, run.id) for run in page.items]
            if (after := page.next) is None:
                break
        verify = TABLE.get("ledger.verify")
        verification = platform.run(verify, verify.bind((), {}))
    assert sorted(found) == sorted(acknowledged)
    assert Counter(name for name, _ in found).most_common(1)[0][1] == 1
    assert verification.intact, verification.problem
    assert verification.entries == len(found)
