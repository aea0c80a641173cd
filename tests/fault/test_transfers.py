"""LAW: bytes that go to a server or come from it arrive whole or not at all, whatever happens to the wire and the server
in between, and what has come through does not come twice."""

import os
import signal
import threading
from contextlib import closing
from hashlib import sha256

import pytest

from modelwright.app.connect import connect
from modelwright.app.home import Home
from modelwright.app.workspace import Platform
from modelwright.core.errors import Unavailable
from modelwright.processes.listening import address, bind
from modelwright.processes.supervisor import Spec, Supervisor
from modelwright.processes.up import API
from support.dashboard import workspace_of
from support.homes import fresh_platform, live
from support.wire import wire

MB = 1_000_000
SIZE = 24 * MB
SLACK = 4 * (1 << 20)
"""What of an attempt may be lost when it is cut: what stood in buffers, the systems' included."""


@pytest.fixture
def content() -> bytes:
    return os.urandom(SIZE)


@pytest.fixture
def file(tmp_path, content):
    path = tmp_path / "big.bin"
    path.write_bytes(content)
    return path


@pytest.fixture
def served(tmp_path):
    with closing(fresh_platform(tmp_path)) as platform, live(platform) as url:
        yield platform, url


def kept(ws, file, name="r"):
    """A run that keeps the file."""
    run = ws.runs.start(name)
    ws.runs.keep(run.id, "big.bin", ws.runs.send(file))
    return run.id


def test_an_upload_over_a_wire_that_is_cut_goes_on_where_it_stopped(served, file, content):
    platform, _ = served
    cuts = [7 * MB] * 8
    with wire(platform, *cuts) as cut, closing(connect(cut.url)) as ws:
        handle = ws.runs.send(file)
    assert (handle.digest, handle.size) == (sha256(content).hexdigest(), SIZE)
    assert platform.blobs.read(handle.digest) == content
    assert cut.cuts >= 2
    assert cut.up < SIZE + cut.cuts * SLACK


def test_a_download_over_a_wire_that_is_cut_goes_on_where_it_stopped(served, file, content, tmp_path):
    platform, url = served
    with closing(connect(url)) as ws:
        run = kept(ws, file)
    cuts = [7 * MB] * 8
    with wire(platform, *cuts) as cut, closing(connect(cut.url)) as ws:
        ws.runs.export(run, tmp_path / "out")
    assert (tmp_path / "out" / "artifacts" / "big.bin").read_bytes() == content
    assert cut.cuts >= 2
    assert cut.down < SIZE + cut.cuts * SLACK


def test_a_wire_that_lets_nothing_through_is_given_up_in_bounded_time(served, file):
    platform, _ = served
    with wire(platform, *[100] * 100) as cut, closing(connect(cut.url)) as ws:
        with pytest.raises(Unavailable, match="does not answer"):
            ws.runs.send(file)
        assert cut.cuts <= 14


class Shop:
    """A home's api as a process of its own, which is started again when it dies."""

    def __init__(self, folder):
        self.home = Home(folder / "home").open(create=True)
        self.listening = bind("127.0.0.1", 0, option="--port")
        self.url = address(self.listening)
        descriptor = self.listening.fileno()
        spec = Spec("api", API, ("--home", str(self.home.folder), "--fd", str(descriptor)), (descriptor,))
        self.deaths: list[str] = []
        self._supervisor = Supervisor([spec], say=self.deaths.append)
        self._over = threading.Event()
        self._keeper = threading.Thread(target=self._keep)
        self._keeper.start()

    def _keep(self):
        while not self._over.is_set():
            self._over.wait(min(self._supervisor.tend(), 0.02))

    def kills_at(self, *places):
        """A progress that kills the api with signal 9 when so many bytes have come."""
        left, killed = list(places), [0]

        def tell(transfer):
            living = self._supervisor.processes.get("api")  # none until the next is there
            if (
                left and living is not None and transfer.done >= left[0] and living != killed[-1]
            ):  # what is read may have come before it died
                left.pop(0)
                killed.append(living)
                os.kill(living, signal.SIGKILL)

        return tell

    def close(self):
        self._over.set()
        self._keeper.join()
        self._supervisor.end()
        self.listening.close()


@pytest.mark.slow
def test_kill_9_of_the_server_in_the_middle_of_an_upload_and_of_a_download(tmp_path, file, content):
    with closing(Shop(tmp_path)) as shop:
        with closing(connect(shop.url)) as ws:
            ws.runs.list()  # it answers
        with closing(connect(shop.url, progress=shop.kills_at(8 * MB, 16 * MB))) as ws:
            run = kept(ws, file)
        with closing(connect(shop.url, progress=shop.kills_at(4 * MB, 14 * MB))) as ws:
            ws.runs.export(run, tmp_path / "there")
        assert len(shop.deaths) == 4
    with closing(Platform(shop.home)) as platform:
        assert platform.blobs.read(sha256(content).hexdigest()) == content
    with closing(connect(shop.home.folder)) as ws:
        ws.runs.export(run, tmp_path / "here")
        assert ws.ledger.verify().intact
    for name in ("run.json", "metrics.jsonl", "artifacts/big.bin"):
        assert (tmp_path / "there" / name).read_bytes() == (tmp_path / "here" / name).read_bytes()


def interrupts_at(place, told):
    """A progress that is interrupted as by ctrl-C when so many bytes have come."""

    def tell(transfer):
        told.append(transfer)
        if transfer.done >= place:
            raise KeyboardInterrupt

    return tell


def test_an_upload_that_is_interrupted_stores_nothing_and_goes_on_the_next_time(served, file, content):
    platform, url = served
    digest = sha256(content).hexdigest()
    with closing(connect(url, progress=interrupts_at(12 * MB, []))) as ws, pytest.raises(KeyboardInterrupt):
        ws.runs.send(file)
    assert platform.blobs.missing([digest]) == [digest]
    told = []
    with closing(connect(url, progress=told.append)) as ws:
        assert ws.runs.send(file).digest == digest
    assert told[0].done > 12 * MB - SLACK
    assert (told[-1].done, told[-1].size) == (SIZE, SIZE)
    assert platform.blobs.read(digest) == content


def test_a_download_that_is_interrupted_leaves_no_file(served, file, tmp_path):
    _, url = served
    with closing(connect(url)) as ws:
        run = kept(ws, file)
    before = sorted(path.name for path in tmp_path.iterdir())
    with closing(connect(url, progress=interrupts_at(9 * MB, []))) as ws, pytest.raises(KeyboardInterrupt):
        ws.runs.export(run, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_two_who_send_the_same_file_at_once_both_succeed(served, file, content):
    platform, url = served
    handles = []

    def send():
        with closing(connect(url)) as ws:
            handles.append(ws.runs.send(file))

    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {handle.digest for handle in handles} == {sha256(content).hexdigest()}
    assert len(handles) == 3
    assert platform.blobs.read(handles[0].digest) == content


def test_data_over_a_wire_that_is_cut_is_the_version_that_it_is_in_process(served, tmp_path):
    platform, _ = served
    rows = {"id": list(range(200_000)), "noise": [os.urandom(12).hex() for _ in range(200_000)]}
    with closing(fresh_platform(tmp_path / "here")) as here:
        local = workspace_of(here).data.add("table", rows, key="id")
    with wire(platform, 300_000, 2 * MB, 1 * MB) as cut, closing(connect(cut.url)) as ws:
        remote = ws.data.add("table", rows, key="id")
        assert (remote.digest, remote.parts) == (local.digest, local.parts)
        assert ws.data.table("table@1").to_pydict() == rows
