"""kill -9 of the api in the middle of a stream of commands: what was acknowledged is there, once."""

import os
import signal
import sqlite3
import threading
from collections import Counter
from contextlib import closing

import pytest

from modelwright.app.home import Home
from modelwright.app.services import operation_table
from modelwright.app.workspace import LocalCaller, Platform
from modelwright.client.http import HttpCaller
from modelwright.core.errors import Unavailable
from modelwright.processes.listening import address, bind
from modelwright.processes.supervisor import Spec, Supervisor
from modelwright.processes.up import API

TABLE = operation_table()
WRITERS, KILLS, COMMANDS_A_KILL = 4, 6, 15


class Stream:
    """Writers that start runs, each name once, and remember which were acknowledged."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._turn = threading.Condition()
        self._over = False
        self.acknowledged: list[tuple[str, str]] = []
        self.unknown: list[str] = []

    def write(self, writer: int) -> None:
        start = TABLE.get("runs.start")
        number = 0
        with closing(HttpCaller(self._url)) as caller:
            while not self._over:
                name = f"w{writer}-{number}"
                number += 1
                try:
                    run = caller.call(start, start.bind((), {"name": name}))
                except Unavailable:
                    self.unknown.append(name)
                    continue
                with self._turn:
                    self.acknowledged.append((name, run.id))
                    self._turn.notify_all()

    def more(self, count: int) -> None:
        """Wait until so many more have been acknowledged."""
        with self._turn:
            wanted = len(self.acknowledged) + count
            assert self._turn.wait_for(lambda: len(self.acknowledged) >= wanted, 60), "nobody is acknowledged any more"

    def end(self) -> None:
        self._over = True


@pytest.mark.slow
def test_kill_9_of_the_api_loses_nothing_acknowledged_and_does_nothing_twice(tmp_path):
    home = Home(tmp_path / "home").open(create=True)
    with closing(bind("127.0.0.1", 0, option="--port")) as listening:
        descriptor = listening.fileno()
        spec = Spec("api", API, ("--home", str(home.folder), "--fd", str(descriptor)), (descriptor,))
        said: list[str] = []
        supervisor = Supervisor([spec], say=said.append)
        over = threading.Event()
        stream = Stream(address(listening))
        threads = [threading.Thread(target=stream.write, args=(writer,)) for writer in range(WRITERS)]
        keeper = threading.Thread(target=_keep, args=(supervisor, over))
        for thread in (keeper, *threads):
            thread.start()
        try:
            for _ in range(KILLS):
                stream.more(COMMANDS_A_KILL)
                os.kill(supervisor.processes["api"], signal.SIGKILL)
            stream.more(COMMANDS_A_KILL)
        finally:
            stream.end()
            for thread in threads:
                thread.join()
            over.set()
            keeper.join()
            supervisor.end()
    assert len(said) == KILLS
    assert stream.unknown == []
    _check(home, stream)


def _keep(supervisor: Supervisor, over: threading.Event) -> None:
    while not over.is_set():
        over.wait(min(supervisor.tend(), 0.02))


def _check(home: Home, stream: Stream) -> None:
    with closing(sqlite3.connect(home.control)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with closing(Platform(home)) as platform:
        caller = LocalCaller(platform)
        found, after = [], None
        while True:
            operation = TABLE.get("runs.list")
            page = caller.call(operation, operation.bind((), {"limit": 1000, "after": after}))
            found += [(run.name, run.id) for run in page.items]
            if (after := page.next) is None:
                break
        verify = TABLE.get("ledger.verify")
        verification = caller.call(verify, verify.bind((), {}))
    assert sorted(found) == sorted(stream.acknowledged)
    assert Counter(name for name, _ in found).most_common(1)[0][1] == 1
    assert verification.intact, verification.problem
    assert verification.entries == len(found)
