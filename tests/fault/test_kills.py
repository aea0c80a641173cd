"""LAW: kill -9 of any process at any moment: every acknowledged write is there once, nothing is half there, and what
is started again needs no step of repair.

Moments are chosen at random within bounds; a failure prints their seed, and ``MODELWRIGHT_SEED`` chooses it.
"""

import os
import random
import signal
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import modelwright as mw
from modelwright.app.home import Home
from modelwright.app.workspace import Platform
from modelwright.core.clock import utc_now
from support.dashboard import workspace_of
from support.house import House, awaits, cli, python
from support.life import APRIL, BASELINE, CHARTER, ENDPOINT, JANUARY, JULY, MODEL, Stream, heuristic, questions, real
from support.load import Writer, check_home, check_predictions, check_runs_and_data, labels_of, runs_and_data

pytestmark = pytest.mark.slow

ASKED = questions(500, since=APRIL, until=JULY, seed=3)


@pytest.fixture
def chance() -> random.Random:
    seed = os.environ.get("MODELWRIGHT_SEED") or str(random.SystemRandom().randrange(2**32))
    print(f"MODELWRIGHT_SEED={seed}")  # noqa: T201  # shown when a test fails
    return random.Random(seed)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with two versions of a model behind an endpoint."""
    folder = Home(tmp_path / ".modelwright").open(create=True).folder
    with closing(mw.connect(folder)) as ws:
        table = questions(400, since=JANUARY, until=APRIL, seed=1)
        ws.data.add("questions", table, key="id", event_time="asked_at", known_at="known_at")
        for name, fit, rows in ((BASELINE, heuristic, 400), (MODEL, real, 200), (MODEL, real, 400)):
            ws.charters.publish(name, CHARTER)
            model, columns = fit(table.slice(0, rows))
            version = ws.models.save(model, name, example=table.select(columns))
            mw.evaluate(ws, version.ref, "questions@1", explain=False)
        assert ws.endpoints.deploy(ENDPOINT, f"{MODEL}@1").decision.allowed
    return folder


def soon(chance: random.Random) -> None:
    """Any moment of the next 50 ms."""
    time.sleep(chance.uniform(0, 0.05))


def test_kill_9_of_every_process_of_a_house_in_turn(home, chance):
    house = House(home)
    with house:
        stream = Stream(lambda: house.serving, ASKED)
        labels = Writer(lambda: house.api, labels_of(stream))
        writer = Writer(lambda: house.api, runs_and_data)
        with stream, labels, writer:
            for name in chance.sample(["api", "api", "inference-1", "inference-2", "jobs", "jobs"], 6):
                writer.more(chance.randrange(1, 10))
                labels.more(chance.randrange(1, 5))
                stream.more(chance.randrange(1, 50))
                soon(chance)
                house.replaced(name, house.kill(name))
            for each in (writer, labels, stream):
                each.more(5)
        assert writer.unknown == labels.unknown == set()  # the client asks again until it is answered
        with closing(mw.connect(house.api)) as ws:
            check_runs_and_data(ws, writer)
            check_predictions(ws, stream, labels)
    assert "Traceback" not in house.said()
    check_home(home)


def test_kill_9_of_the_whole_house_while_it_deploys(home, chance):
    house = House(home)
    with house:
        stream = Stream(lambda: house.serving, ASKED)
        labels = Writer(lambda: house.api, labels_of(stream))
        writer = Writer(lambda: house.api, runs_and_data)
        moves = Writer(lambda: house.api, _moved)
        with stream, labels, writer, moves:
            for _ in range(2):
                stream.more(20)
                for each in (moves, labels, writer):
                    each.more(chance.randrange(1, 5))
                soon(chance)
                assert house.end(signal.SIGKILL) == -signal.SIGKILL
                house.start()
            for each in (moves, labels, writer, stream):
                each.more(3)
        with closing(mw.connect(house.api)) as ws:
            awaits(lambda: ws.endpoints.get(ENDPOINT).ready, "both workers answer with what was deployed last")
            history = ws.endpoints.history(ENDPOINT, limit=1000).items
            check_runs_and_data(ws, writer)
            check_predictions(ws, stream, labels)
            current = ws.endpoints.get(ENDPOINT).current
            table = ASKED.select(["x", "z"]).slice(0, 1)
            assert mw.predict(ENDPOINT, table, url=house.serving).version == current.version
    made = {moved.generation: moved.version for moved in history}
    assert len(made) == len(history)
    assert sorted(made) == list(range(1, len(made) + 1))
    assert dict(moves.acknowledged.values()).items() <= made.items()
    assert len(made) <= 1 + len(moves.acknowledged) + len(moves.unknown)
    check_home(home)


def _moved(ws: mw.Workspace, number: int) -> tuple[int, int]:
    """The endpoint answers with the other version; generation and version."""
    version = 1 + ws.endpoints.get(ENDPOINT).current.version % 2
    return ws.endpoints.deploy(ENDPOINT, f"{MODEL}@{version}").generation, version


TRAINING = """
import sys
import modelwright as mw
from support.life import APRIL, JANUARY, questions, real
def say(*words):
    print(*words, flush=True)
with mw.run("training", workspace=mw.connect(sys.argv[1]), seed=1) as run:
    say("run", run.id)
    for number in range(1000):
        table = questions(200, since=JANUARY, until=APRIL, seed=number)
        version = run.add_data("made", table)
        say("data", f"{version.name}@{version.version}", version.digest)
        run.log(loss=1 / (number + 1), step=number)
        model, columns = real(table)
        version = run.save_model(model, "trained", example=table.select(columns))
        say("model", version.ref, version.package)
"""


def test_kill_9_of_a_training_client_leaves_a_lost_run_and_nothing_half(home, chance):
    runs = []
    for _ in range(2):
        acknowledged = _trained(home, lines=chance.randrange(2, 12), chance=chance)
        runs.append(acknowledged.pop(0)[1])
        with closing(mw.connect(home)) as ws:
            for kind, ref, digest in acknowledged:
                assert (ws.data.get(ref).digest if kind == "data" else ws.models.get(ref).package) == digest
            most = sum(kind == "data" for kind, *_ in acknowledged) + 1
            assert len(ws.runs.get(runs[-1]).writes) <= most
    check_home(home)
    later = Platform(Home(home).open(create=False), clock=lambda: utc_now() + timedelta(minutes=3))
    with closing(later):
        assert [workspace_of(later).runs.get(run).status for run in runs] == ["lost", "lost"]


def _trained(home: Path, *, lines: int, chance: random.Random) -> list[list[str]]:
    """What a training client said before it was killed."""
    with python(TRAINING, home) as process:
        assert process.stdout is not None
        said = [process.stdout.readline().split() for _ in range(lines)]
        soon(chance)
        process.kill()
        rest = process.stdout.read()
    return [*said, *(line.split() for line in rest.split("\n")[:-1])]


ADDING = """
import sys, time
import modelwright as mw
ws = mw.connect(sys.argv[1])
ws.data.list()
began = time.monotonic()
print("adding", flush=True)
version = ws.data.add(sys.argv[3], sys.argv[2], key="id")
print(time.monotonic() - began, version.version, version.digest, flush=True)
"""


def test_kill_9_of_a_client_in_the_middle_of_data_add(home, tmp_path, chance):
    file = tmp_path / "many.parquet"
    pq.write_table(questions(60_000, since=JANUARY, until=JULY, seed=9), file)
    with python(ADDING, home, file, "whole") as process:
        seconds, _, digest = process.communicate(timeout=120)[0].split()[1:]
    for _ in range(3):
        with python(ADDING, home, file, "many") as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "adding\n"
            time.sleep(chance.uniform(0, float(seconds)))
            process.kill()
            acknowledged = process.stdout.read().split()
        with closing(mw.connect(home)) as ws:
            found = [version.digest for name in ws.data.list().items if name.name == "many"
                     for version in ws.data.versions("many").items]  # fmt: skip
            assert found == [digest] or (found == [] and not acknowledged)
            assert ws.ledger.verify().intact
    added = cli("--home", home, "data", "add", "many", file, "--key", "id", "--json").json
    assert (added["version"], added["digest"]) == (1, digest)
    check_home(home)
