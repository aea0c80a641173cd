"""Inference workers as processes: killed, stopped and swapped under load."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from modelwright.core.ids import new_ids
from modelwright.core.schema import Column, Contract, DType
from modelwright.models.model import Manifest, Package, Task
from modelwright.predictions.layout import segment_folder
from modelwright.predictions.model import Kind, decode_predictions
from modelwright.predictions.segments import frames
from modelwright.serving import publication
from modelwright.serving.model import Challenger, Route, RouteTable
from modelwright.store.keys import Keys

CONTRACT = Contract(columns=(Column(name="x", dtype=DType.FLOAT64),))
WORKER = """
import sys
import numpy as np
from modelwright.predictions.layout import segment_folder
from modelwright.predictions.model import Kind
from modelwright.predictions.segments import SegmentWriter
from modelwright.inference import worker

def equip(place):
    return worker.Equipment(
        load=lambda route: lambda columns: np.array(columns["x"], dtype=float) * route.version,
        open_log=lambda route, kind: SegmentWriter(
            segment_folder(place.home / "log", route.endpoint, kind), place.worker
        ),
    )

sys.exit(worker.run(sys.argv[1:], equip=equip))
"""


class Fleet:
    """Workers on one listening socket."""

    def __init__(self, home: Path):
        self.home = home
        self.keys = Keys(home / "keys")
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.workers: dict[str, subprocess.Popen] = {}

    def package(self, version):
        manifest = Manifest(model="m", flavour="none", task=Task.REGRESSION, inputs=CONTRACT, files=())
        signed = self.keys.sign(b"", "none")
        return Package(ref=f"m@{version}", digest=f"{version:064x}", manifest=manifest, signed=signed)

    def deploy(self, generation, *, version=None, challenger=None):
        version = version or generation
        route = Route(
            endpoint="e",
            model="m",
            version=version,
            package=self.package(version),
            since=datetime.now(UTC),
            challenger=challenger and Challenger(model="m", version=challenger, package=self.package(challenger)),
        )
        table = RouteTable(generation=generation, routes=(route,))
        publication.write(publication.routes_path(self.home), table, keys=self.keys)

    def start(self, name):
        descriptor = self.listener.fileno()
        arguments = ["--home", str(self.home), "--fd", str(descriptor), "--worker", name]
        self.workers[name] = subprocess.Popen(
            [sys.executable, "-c", WORKER, *arguments, "--key", self.keys.public.hex()],
            pass_fds=[descriptor],
            stderr=subprocess.PIPE,
            text=True,
        )

    def acknowledged(self):
        said = publication.acknowledgements(publication.workers_folder(self.home))
        return {one.worker: one.generation for one in said if one.pid == self.workers[one.worker].pid}

    def wait_for(self, generation, *names):
        deadline = time.monotonic() + 30
        while any(self.acknowledged().get(name) != generation for name in names):
            assert time.monotonic() < deadline, self.acknowledged()
            time.sleep(0.02)

    def stop(self):
        for process in self.workers.values():
            with suppress(ProcessLookupError):
                process.kill()
            process.communicate()
        self.listener.close()

    def batches(self, kind):
        folder = segment_folder(self.home / "log", "e", kind)
        return [decode_predictions(payload) for path in folder.glob("*.seg") for _, payload in frames(path)]

    def logged(self, kind=Kind.PREDICTIONS):
        return [prediction for batch in self.batches(kind) for prediction in batch.ids]


class Client(threading.Thread):
    """Sends one row after another over a kept connection; connects anew where a connection broke."""

    def __init__(self, port, done):
        super().__init__()
        self.port = port
        self.done = done
        self.acknowledged = []
        self.refused = []
        self.broken = 0

    def run(self):
        connection = None
        while not self.done.is_set():
            (one,) = new_ids(1)
            request = {
                "inputs": [{"name": "x", "shape": [1], "datatype": "FP64", "data": [2.0]}],
                "parameters": {"prediction_ids": [one]},
            }
            while True:  # as a client should: the same id again
                connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
                try:
                    connection.request("POST", "/v2/models/e/infer", msgspec.json.encode(request))
                    response = connection.getresponse()
                    body = response.read()
                except (ConnectionError, http.client.HTTPException):
                    self.broken += 1
                    connection.close()
                    connection = None
                    continue
                if response.status != 200:
                    self.refused.append((response.status, body))
                else:
                    self.acknowledged.append(one)
                break
        if connection:
            connection.close()


@pytest.fixture
def fleet(tmp_path):
    one = Fleet(tmp_path)
    one.deploy(1)
    yield one
    one.stop()


@contextmanager
def load(fleet, clients=8):
    done = threading.Event()
    threads = [Client(fleet.port, done) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield threads
    finally:
        done.set()
        for thread in threads:
            thread.join(60)


def awaits_progress(clients):
    """Until every client has got twenty more answers."""
    before = [len(client.acknowledged) for client in clients]
    deadline = time.monotonic() + 30
    while any(len(client.acknowledged) < count + 20 for client, count in zip(clients, before, strict=True)):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_killed_worker_loses_nothing_that_was_answered_and_its_sibling_goes_on(fleet):
    fleet.start("w1")
    fleet.start("w2")
    fleet.wait_for(1, "w1", "w2")
    with load(fleet) as clients:
        awaits_progress(clients)
        os.kill(fleet.workers["w1"].pid, signal.SIGKILL)
        awaits_progress(clients)
    assert [client.refused for client in clients] == [[]] * 8
    answered = [one for client in clients for one in client.acknowledged]
    assert set(answered) <= set(fleet.logged())
    assert fleet.workers["w2"].poll() is None


def test_a_stopped_worker_finishes_what_is_in_flight_and_exits_with_zero(fleet):
    fleet.start("w1")
    fleet.start("w2")
    fleet.wait_for(1, "w1", "w2")
    with load(fleet) as clients:
        awaits_progress(clients)
        fleet.workers["w1"].send_signal(signal.SIGTERM)
        assert fleet.workers["w1"].wait(30) == 0
        awaits_progress(clients)
    assert [(client.refused, client.broken) for client in clients] == [([], 0)] * 8
    assert set(fleet.acknowledged()) == {"w2"}
    assert "Traceback" not in fleet.workers["w1"].stderr.read()


def test_workers_that_are_replaced_one_after_another_refuse_nobody(fleet):
    fleet.start("a1")
    fleet.wait_for(1, "a1")
    with load(fleet) as clients:
        for number in (2, 3):
            fleet.start(f"a{number}")
            fleet.wait_for(1, f"a{number}")
            fleet.workers[f"a{number - 1}"].send_signal(signal.SIGTERM)
            assert fleet.workers[f"a{number - 1}"].wait(30) == 0
            awaits_progress(clients)
    assert [(client.refused, client.broken) for client in clients] == [([], 0)] * 8


def test_no_request_fails_while_versions_are_swapped_in(fleet):
    fleet.start("w1")
    fleet.wait_for(1, "w1")
    with load(fleet) as clients:
        for generation in range(2, 12):
            fleet.deploy(generation)
            fleet.wait_for(generation, "w1")
    assert [(client.refused, client.broken) for client in clients] == [([], 0)] * 8
    assert len(fleet.logged()) == len(set(fleet.logged()))


def test_a_worker_killed_while_a_challenger_is_in_its_shadow_loses_nothing_that_was_answered(fleet):
    fleet.deploy(2, version=1, challenger=3)
    for name in ("w1", "w2"):
        fleet.start(name)
    fleet.wait_for(2, "w1", "w2")
    with load(fleet) as clients:
        awaits_progress(clients)
        os.kill(fleet.workers["w1"].pid, signal.SIGKILL)
        awaits_progress(clients)
        fleet.start("w3")
        fleet.wait_for(2, "w3")
        awaits_progress(clients)
    assert [client.refused for client in clients] == [[]] * 8
    answered = {one for client in clients for one in client.acknowledged}
    assert answered <= set(fleet.logged())
    mirrored = fleet.logged(Kind.SHADOWS)
    assert set(mirrored) <= set(fleet.logged())
    assert len(mirrored) > len(answered) / 2
    assert {output for batch in fleet.batches(Kind.SHADOWS) for output in batch.outputs} == {6.0}


def test_no_request_fails_while_challengers_come_and_go_and_take_over(fleet):
    fleet.start("w1")
    fleet.wait_for(1, "w1")
    with load(fleet) as clients:
        for generation in range(2, 20, 3):
            fleet.deploy(generation, version=generation - 1, challenger=generation)
            fleet.wait_for(generation, "w1")
            awaits_progress(clients)
            fleet.deploy(generation + 1, version=generation)
            fleet.wait_for(generation + 1, "w1")
            fleet.deploy(generation + 2, version=generation + 2)
            fleet.wait_for(generation + 2, "w1")
    assert [(client.refused, client.broken) for client in clients] == [([], 0)] * 8
    assert {batch.version for batch in fleet.batches(Kind.SHADOWS)} == set(range(2, 20, 3))
    fleet.workers["w1"].send_signal(signal.SIGTERM)
    assert fleet.workers["w1"].wait(30) == 0
    assert "Traceback" not in fleet.workers["w1"].stderr.read()


def raw(fleet, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", fleet.port), timeout=20) as connection:
        connection.sendall(request)
        with suppress(ConnectionError):
            answer = b""
            while chunk := connection.recv(65_536):
                answer += chunk
        return answer


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /health HTTP/1.1\r\nHost: evil.example\r\n",
        b"GET /health HTTP/1.0\r\n",
        b"POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n",
        b"POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
        b"GET /%ff%00/..%2f..%2fetc/passwd HTTP/1.1\r\nHost: localhost\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\n",
        b"BREW /health HTTP/1.1\r\nHost: localhost\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n",
    ],
)
def test_no_bytes_on_the_wire_get_a_server_error(fleet, request_):
    fleet.start("w1")
    fleet.wait_for(1, "w1")
    host = b"localhost:%d" % fleet.port
    answer = raw(fleet, request_.replace(b"localhost", host) + b"Connection: close\r\n\r\n")
    status = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
    assert answer == b"" or 400 <= int(status[1]) < 500, answer
    fleet.workers["w1"].send_signal(signal.SIGTERM)
    assert fleet.workers["w1"].wait(30) == 0
    assert "Traceback" not in fleet.workers["w1"].stderr.read()
