"""CPU per one-row request of an inference worker, against a bare echo on the same server.

    python bench/serving.py [--rounds 7] [--seconds 2] [--only full-trivial]

Each variant is one process, all are up at the same time; rounds are interleaved, load comes from wrk, 32 connections.
CPU is the server's own, user and system, from /proc/<pid>/stat, so a busy machine spoils it less than wall times.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from modelwright.core.schema import Column, Contract, DType
from modelwright.inference import worker
from modelwright.inference.ports import Predictor
from modelwright.models.model import Manifest, Package, Task
from modelwright.predictions.segments import SegmentWriter
from modelwright.serving import publication
from modelwright.serving.model import Challenger, Route, RouteTable
from modelwright.store.keys import Keys

NUMBERS = tuple(f"number_{index}" for index in range(11))
WORDS = ("carrier", "origin", "dest")
CATEGORIES = tuple(f"W{index:02d}" for index in range(20))
CONTRACT = Contract(
    columns=(
        *(Column(name=name, dtype=DType.FLOAT64, nullable=True, minimum=-1e6) for name in NUMBERS),
        *(Column(name=name, dtype=DType.STRING, categories=CATEGORIES) for name in WORDS),
    )
)
os.environ.setdefault("OMP_NUM_THREADS", "1")  # as workers do, here before scikit-learn is imported
TICKS = os.sysconf("SC_CLK_TCK")


def trivial(columns: Mapping[str, list[Any]]) -> np.ndarray:
    return np.full(len(columns[NUMBERS[0]]), 0.5)


def scikit_learn() -> Predictor:
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    rng = np.random.default_rng(7)
    width = len(NUMBERS)
    table = np.empty((20_000, width + len(WORDS)), dtype=object)
    table[:, :width] = rng.normal(size=(20_000, width))
    table[:, width:] = rng.choice(CATEGORIES, size=(20_000, len(WORDS)))
    label = (table[:, 0].astype(float) + rng.normal(size=20_000) > 0).astype(int)
    encoder = make_column_transformer(
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), list(range(width, width + len(WORDS)))),
        remainder="passthrough",
    )
    model = make_pipeline(encoder, HistGradientBoostingClassifier(max_iter=100, random_state=0)).fit(table, label)

    def predict(columns: Mapping[str, list[Any]]) -> np.ndarray:
        names = (*NUMBERS, *WORDS)
        rows = np.empty((len(columns[names[0]]), len(names)), dtype=object)
        for index, name in enumerate(names):
            rows[:, index] = columns[name]
        return model.predict_proba(rows)[:, 1]

    predict({name: [0.0] for name in NUMBERS} | {name: ["W00"] for name in WORDS})
    return predict


def one_row() -> dict[str, Any]:
    numbers = {name: round(0.37 * index - 1.1, 3) for index, name in enumerate(NUMBERS)}
    return numbers | dict.fromkeys(WORDS, "W07")


def oip_body() -> bytes:
    tensors = [
        {"name": name, "shape": [1], "datatype": "BYTES" if name in WORDS else "FP64", "data": [value]}
        for name, value in one_row().items()
    ]
    return msgspec.json.encode({"inputs": tensors})


def records_body() -> bytes:
    return msgspec.json.encode({"dataframe_records": [one_row()]})


class Variant(msgspec.Struct, kw_only=True):
    name: str
    path: str
    body: bytes
    model: Callable[[], Predictor] | None = None
    log: bool = True
    challenged: bool = False


VARIANTS = [
    Variant(name="echo", path="/echo", body=oip_body()),
    Variant(name="full-trivial", path="/v2/models/bench/infer", body=oip_body(), model=lambda: trivial),
    Variant(name="records-trivial", path="/invocations", body=records_body(), model=lambda: trivial),
    Variant(name="unlogged-trivial", path="/v2/models/bench/infer", body=oip_body(), model=lambda: trivial, log=False),
    Variant(name="full-sklearn", path="/v2/models/bench/infer", body=oip_body(), model=scikit_learn),
    Variant(
        name="full-trivial-challenged",
        path="/v2/models/bench/infer",
        body=oip_body(),
        model=lambda: trivial,
        challenged=True,
    ),
    Variant(
        name="full-sklearn-challenged",
        path="/v2/models/bench/infer",
        body=oip_body(),
        model=scikit_learn,
        challenged=True,
    ),
]


class Nowhere:
    def append(self, *payloads: bytes) -> None:
        pass

    def close(self) -> None:
        pass


async def echo(scope: Any, receive: Any, send: Any) -> None:
    message = await receive()
    body = message["body"]
    while message.get("more_body"):
        message = await receive()
        body += message["body"]
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def be_server(variant: Variant, descriptor: int, home: Path) -> None:
    keys = Keys(home / "keys")
    if variant.model is None:
        worker.Application = lambda *_: echo  # the very same server
    predictor = variant.model() if variant.model else trivial
    equipment = worker.Equipment(
        load=lambda _: predictor,
        open_log=lambda route, kind: (
            SegmentWriter(home / "log" / route.endpoint / kind, variant.name) if variant.log else Nowhere()
        ),
    )
    if os.environ.get("PROFILE") == variant.name:
        profiled(descriptor, publication_place(home, keys, variant.name), equipment)
    else:
        worker.run(
            ["--home", str(home), "--fd", str(descriptor), "--worker", variant.name, "--key", keys.public.hex()],
            equip=lambda *_: equipment,
        )


def publication_place(home: Path, keys: Keys, name: str) -> worker.Place:
    return worker.Place(home, keys.public, name)


def profiled(descriptor: int, place: worker.Place, equipment: worker.Equipment) -> None:
    import cProfile
    import pstats

    profile = cProfile.Profile()
    listener = socket.socket(fileno=descriptor)
    listener.setblocking(False)
    with asyncio.Runner(loop_factory=worker.loop_factory()) as runner:
        profile.runcall(runner.run, worker.serve(listener, place, equipment))
    pstats.Stats(profile, stream=sys.stderr).sort_stats("tottime").print_stats(45)


class Round(NamedTuple):
    """CPU in microseconds per request, requests per second, latency in milliseconds, failures."""

    cpu: float
    rate: float
    p50: float
    p99: float
    failed: int


def _milliseconds(found: re.Match[str] | None) -> float:
    assert found is not None
    return float(found[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[found[2]]


class Server:
    def __init__(self, variant: Variant, folder: Path) -> None:
        self.variant = variant
        home = folder / variant.name
        keys = Keys(home / "keys")
        manifest = Manifest(model="bench", flavour="none", task=Task.BINARY, inputs=CONTRACT, files=())
        packages = [
            Package(ref=f"bench@{version}", digest=f"{version:064x}", manifest=manifest, signed=keys.sign(b"", "none"))
            for version in (1, 2)
        ]
        challenger = Challenger(model="bench", version=2, package=packages[1]) if variant.challenged else None
        route = Route(
            endpoint="bench",
            model="bench",
            version=1,
            package=packages[0],
            since=datetime.now(UTC),
            challenger=challenger,
        )
        publication.write(publication.routes_path(home), RouteTable(generation=1, routes=(route,)), keys=keys)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        descriptor = self._listener.fileno()
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--serve", variant.name, "--fd", str(descriptor), "--home", str(home)],
            pass_fds=[descriptor],
        )
        self.script = folder / f"{variant.name}.lua"
        body = variant.body.decode().replace("'", "\\'")
        self.script.write_text(
            f"wrk.method = 'POST'\nwrk.body = '{body}'\nwrk.headers['Content-Type'] = 'application/json'\n"
        )

    def wait(self) -> None:
        request = urllib.request.Request(
            self.url + self.variant.path, self.variant.body, {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=120) as answer:  # accepted by the listener, answered when ready
            assert answer.status == 200, answer.status

    def cpu(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def load(self, seconds: int, connections: int) -> Round:
        """One round of load."""
        before = self.cpu()
        output = subprocess.run(
            [
                "wrk",
                "--latency",
                "-t1",
                f"-c{connections}",
                f"-d{seconds}s",
                "-s",
                str(self.script),
                self.url + self.variant.path,
            ],
            capture_output=True,
            text=True,
            check=True,
            timeout=seconds + 30,
        ).stdout
        used = self.cpu() - before
        requests = int(re.search(r"(\d+) requests in", output)[1])  # type: ignore[index]
        failed = sum(map(int, re.findall(r"Non-2xx or 3xx responses: (\d+)", output)))
        failed += sum(map(int, re.findall(r"(?:connect|read|write|timeout) (\d+)", output)))
        p50, p99 = (_milliseconds(re.search(rf"{share}%\s+([\d.]+)(us|ms|s)", output)) for share in (50, 99))
        return Round(used / requests * 1e6, requests / seconds, p50, p99, failed)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0, self.process.returncode
        self._listener.close()


def measure(given: argparse.Namespace) -> None:
    variants = [variant for variant in VARIANTS if not given.only or variant.name in {"echo", *given.only}]
    with tempfile.TemporaryDirectory() as folder:
        servers = [Server(variant, Path(folder)) for variant in variants]
        try:
            for server in servers:
                server.wait()
                server.load(1, given.connections)
            found: dict[str, list[Round]] = {variant.name: [] for variant in variants}
            for _ in range(given.rounds):
                for server in servers:
                    found[server.variant.name].append(server.load(given.seconds, given.connections))
        finally:
            for server in servers:
                server.stop()
    report(found, given)


def report(found: dict[str, list[Round]], given: argparse.Namespace) -> None:
    load = os.getloadavg()[0]
    print(f"{given.connections} connections, {given.rounds} rounds of {given.seconds} s; load average {load:.1f}")
    print(
        f"{'variant':<25}{'CPU us':>8}{'min':>7}{'max':>7}{'x echo':>8}{'ratio min..max':>16}{'req/s':>9}"
        f"{'p50 ms':>8}{'p99 ms':>8}{'failed':>8}"
    )
    base = [each.cpu for each in found["echo"]]
    for name, rounds in found.items():
        cpus = [each.cpu for each in rounds]
        ratios = [cpu / echo_cpu for cpu, echo_cpu in zip(cpus, base, strict=True)]
        spread = f"{min(ratios):.2f}..{max(ratios):.2f}"
        rate, p50, p99 = (statistics.median(values) for values in list(zip(*rounds, strict=True))[1:4])
        print(
            f"{name:<25}{statistics.median(cpus):>8.1f}{min(cpus):>7.1f}{max(cpus):>7.1f}"
            f"{statistics.median(ratios):>8.2f}{spread:>16}{rate:>9.0f}{p50:>8.2f}{p99:>8.2f}"
            f"{sum(each.failed for each in rounds):>8}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--serve")
    parser.add_argument("--fd", type=int)
    parser.add_argument("--home", type=Path)
    given = parser.parse_args()
    if given.serve:
        be_server(next(v for v in VARIANTS if v.name == given.serve), given.fd, given.home)
    else:
        measure(given)


if __name__ == "__main__":
    main()
