"""LAW: one flipped bit of a blob, a part, a model file, a row, the ledger or a segment is named by whatever reads it
next, which refuses; nothing wrong is answered, nothing ends in a traceback, and what stands still is not touched.

The bit flipped back, everything is as before: no step of repair.
"""

import random
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from sqlalchemy import Text, select, type_coerce, update

import modelwright as mw
from modelwright.access.model import Delegation, Token
from modelwright.access.repository import DelegationRepository, TokenRepository
from modelwright.app.doctor import examine
from modelwright.app.home import Home
from modelwright.app.workspace import Platform
from modelwright.approvals.repository import ApprovalRepository
from modelwright.assurance.model import Emergency
from modelwright.assurance.repository import AssuranceRepository
from modelwright.documents.model import Declaration, Kind
from modelwright.documents.packing import built_in
from modelwright.documents.repository import DocumentRepository
from modelwright.governance.signoffs import Signature
from modelwright.ledger.repository import edges
from modelwright.ledger.repository import entries as ledger
from modelwright.models.model import ModelRetirement
from modelwright.models.repository import ModelRepository
from modelwright.notifications.model import Channel, Delivery, Message, Topic
from modelwright.notifications.model import Kind as Way
from modelwright.notifications.repository import ChannelRepository, Kept
from modelwright.predictions.repository import parts
from modelwright.predictions.shipper import LEASE, ship
from modelwright.risks.model import Judgement
from modelwright.risks.repository import RiskRepository
from modelwright.serving import publication
from modelwright.serving.model import Retirement
from modelwright.serving.repository import DeploymentRepository
from modelwright.store.tables import Body, Moment, control
from modelwright.testing.faults import flip
from support.dashboard import COLUMNS, ENDPOINT, MODEL, told, workspace_of
from support.homes import fresh_platform
from support.house import awaits, cli

SEED = 20260105
BODIES = [(table, column) for table in control.sorted_tables for column in table.c if isinstance(column.type, Body)]
FACTS = [(table, column) for table, column in BODIES if table is not edges]


class Story:
    """A home in which everything has happened, opened; made once, copied for each test.

    Args:
        folder: The home's folder.
        prediction: An id that was answered.
    """

    def __init__(self, folder: Path, prediction: str) -> None:
        self.folder = folder
        self.prediction = prediction
        self.platform = Platform(Home(folder).open(create=False))
        self.ws = workspace_of(self.platform)

    def blob(self, digest: str) -> Path:
        return self.folder / "blobs" / digest[:2] / digest[2:]

    def asked(self) -> dict[str, Callable[[], Any]]:
        """What people ask of a prediction log."""
        predictions = self.ws.predictions
        return {
            "counts": lambda: predictions.counts(ENDPOINT),
            "list": lambda: predictions.list(ENDPOINT),
            "performance": lambda: predictions.performance(ENDPOINT),
            "traffic": lambda: predictions.traffic(ENDPOINT),
            "get": lambda: predictions.get(self.prediction),
            "trace": lambda: self.ws.lifecycle.trace(self.prediction),
            "overview": self.ws.lifecycle.overview,
        }


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    with closing(fresh_platform(tmp_path_factory.mktemp("whole"))) as platform:
        prediction = told(platform).prediction
        _and_the_rest(platform)
        assert platform.publisher.publish() > 0
        return platform.home.folder, prediction


def _and_the_rest(platform: Platform) -> None:
    """What a model's life does without: another project, documents, a token of nobody's, so that there is no login."""
    ws, ref = workspace_of(platform), f"{MODEL}@champion"
    ws.policies.publish("extends: minimal\n")
    ws.projects.add("claims")
    kept = ws.documents.keep(ref)
    [item, *_] = [one.id for one in _asked_of_people()]
    ws.documents.attest(ref, item, "As it was agreed.")
    version, now = ws.models.get(ref), platform.clock()
    token = Token(id="0" * 32, user="nobody", shown="mwt_000000", purpose="none", created_at=now, expires_at=now)
    declared = Declaration(
        subject=version.ref,
        package=version.package,
        technical_file=kept[0].digest,
        document=kept[0].digest,
        at=now,
        by="owner",
    )
    basis = ws.approvals.list("all").items[0].request.basis
    signature = Signature(id="0" * 32, basis=basis, role="approver", says="approve", reason="fine", by="nobody", at=now)
    ws.rechecks.run(ENDPOINT)
    ws.rechecks.run_aliases(MODEL)
    emergency = Emergency(
        id="0" * 32,
        endpoint=ENDPOINT,
        model=MODEL,
        version=version.version,
        package=version.package,
        instead_of=version.ref,
        reason="none",
        by="nobody",
        at=now,
        expires_at=now,
    )
    ended = Retirement(
        endpoint="elsewhere", generation=0, model=MODEL, version=1, policy="0" * 64, reason="none", at=now, by="nobody"
    )
    gone = ModelRetirement(model="none", policy="0" * 64, reason="none", at=now, by="nobody")
    told = Message(topic=Topic.ALERT_RAISED, said="none", path="/alerts")
    channel = Channel(id="0" * 32, name="desk", kind=Way.SLACK, target="none", created_by="nobody", created_at=now)
    judged = Judgement(risk="frost", says="accept", reason="none", covers="0" * 64, by="nobody", at=now)
    names = {"giver": "nobody", "giver_id": "0" * 32, "delegate": "none", "delegate_id": "1" * 32}
    stands_in = Delegation(
        id="0" * 32, project="default", role="approver", **names, reason="none", at=now, expires_at=now
    )
    with platform.records.writing() as rows:
        DelegationRepository().add(rows, stands_in)
        ChannelRepository().add(rows, Kept("default", channel, 0, platform.keys.seal(b"none", channel.id)))
        ChannelRepository().put_delivery(
            rows, channel.id, Delivery(id="0" * 32, channel="desk", seq=1, message=told, created_at=now)
        )
        DeploymentRepository().retire(rows, "default", ended)
        ModelRepository().retire(rows, "default", gone)
        RiskRepository().judge(rows, "default", MODEL, judged)
        AssuranceRepository().begin(rows, "default", emergency)
        ApprovalRepository().sign(rows, "default", platform.standings.signed(signature))
        TokenRepository().add(rows, token, user="0" * 32, digest="0" * 64)
        DocumentRepository().declare(rows, "default", declared)


def _asked_of_people() -> list[Any]:
    questions = built_in()[Kind.TECHNICAL_FILE].questions.values()
    return [one for one in questions if one.attest]


@pytest.fixture
def story(whole: tuple[Path, str], tmp_path: Path) -> Iterator[Story]:
    made = Story(shutil.copytree(whole[0], tmp_path / ".modelwright"), whole[1])
    with closing(made.platform):
        yield made


@contextmanager
def another(story: Story) -> Iterator[Story]:
    """Somebody who opens the same home now."""
    made = Story(story.folder, story.prediction)
    with closing(made.platform):
        yield made


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    return random.Random(f"{SEED} {request.node.name}")


@contextmanager
def flipped(path: Path, position: int) -> Iterator[None]:
    """One bit of a file, for a while."""
    flip(path, position)
    yield
    flip(path, position)


@contextmanager
def altered(story: Story, column: Any, chance: random.Random) -> Iterator[tuple[Any, ...]]:
    """One bit of a text in a row, for a while; the row's key. The row is any that has one."""
    table, home = column.table, story.folder / "control.db"
    key = list(table.primary_key)
    with story.platform.records.reading() as rows:
        found = rows.execute(select(*key, type_coerce(column, Text)).where(column.is_not(None))).all()
    *place, text = chance.choice(found)
    bound = [
        (each.type.process_bind_param(value, None) if isinstance(each.type, Moment) else value)
        for each, value in zip(key, place, strict=True)
    ]
    data = bytearray(text.encode())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    where = " AND ".join(f'"{each.name}" = ?' for each in key)
    for content in (bytes(data), text.encode()):
        with closing(sqlite3.connect(home, isolation_level=None)) as database:
            statement = f'UPDATE "{table.name}" SET "{column.name}" = CAST(? AS TEXT) WHERE {where}'
            assert database.execute(statement, [content, *bound]).rowcount == 1
        if content != text.encode():
            yield tuple(place)


def named(what: str, call: Callable[[], Any]) -> None:
    """It is refused, and the message says what is damaged."""
    with pytest.raises(mw.Corrupted) as refused:
        call()
    assert what in refused.value.message


def doctor(story: Story) -> dict[str, str]:
    """What is unhealthy, by look."""
    said = cli("--home", story.folder, "doctor", "--json", code=None)
    unhealthy = {finding["what"]: finding["found"] for finding in said.json if not finding["healthy"]}
    assert said.code == (1 if unhealthy else 0)
    return unhealthy


def test_a_part_of_a_dataset(story, chance):
    version = story.ws.data.get("flights@2")
    before = story.ws.data.table("flights@2")
    for part in version.parts:
        path = story.blob(part.digest)
        for position in chance.sample(range(path.stat().st_size), 5):
            with flipped(path, position):
                verified = story.ws.data.verify("flights@2")
                assert not verified.intact
                assert part.digest in verified.problem
                named(part.digest, lambda: story.ws.data.table("flights@2"))
                named(part.digest, lambda: story.ws.data.query('SELECT count(*) FROM "flights@2"'))
                named(part.digest, lambda: mw.evaluate(story.ws, f"{MODEL}@3", "flights@2"))
    assert story.ws.data.verify("flights@2").intact
    assert story.ws.data.table("flights@2").equals(before)


def test_the_doctor_names_every_damaged_blob(story, chance):
    digests = chance.sample(sorted(story.platform.blobs.digests()), 3)
    for digest in digests:
        flip(story.blob(digest), chance.randrange(story.blob(digest).stat().st_size))
    unhealthy = doctor(story)
    assert unhealthy.keys() == {"blobs"}
    assert all(digest in unhealthy["blobs"] for digest in digests)


def test_a_shipped_part_of_the_prediction_log(story, chance):
    with story.platform.records.reading() as rows:
        (digest,) = rows.execute(select(parts.c.digest).where(parts.c.kind == "predictions")).scalars()
    before = story.ws.predictions.counts(ENDPOINT)
    path = story.blob(digest)
    for position in chance.sample(range(path.stat().st_size), 5):
        with flipped(path, position):
            for what, ask in story.asked().items():
                if what not in ("get", "trace"):  # the part cannot hold that id, so it is not read
                    named(digest, ask)
    assert story.ws.predictions.counts(ENDPOINT) == before


@pytest.mark.parametrize("kind", ["predictions", "labels"])
def test_a_segment_that_has_not_been_shipped(story, chance, kind):
    path, *_ = sorted((story.folder / "log" / ENDPOINT / kind).glob("*.seg"))
    before = story.ws.predictions.counts(ENDPOINT)
    for position in [*range(24), *chance.sample(range(24, path.stat().st_size), 30)]:
        with flipped(path, position), another(story) as reader:  # who has read it keeps what was checked
            named(path.name, reader.asked()["counts"])
    with flipped(path, chance.randrange(path.stat().st_size)):
        with another(story) as reader:
            for what, ask in reader.asked().items():
                if what not in ("get", "trace") or kind == "predictions":
                    named(path.name, ask)
        lease = story.platform.queue.acquire(LEASE, "test", timedelta(minutes=1))
        done = ship(story.platform.log, story.platform.blobs, story.platform.queue, lease)
        assert [path.name in words for words in done.damaged] == [True]
        assert path.name in doctor(story)["prediction log"]
    assert story.ws.predictions.counts(ENDPOINT).answered == before.answered
    assert doctor(story) == {}


def test_a_file_of_a_model(story, chance):
    package = story.ws.models.package(f"{MODEL}@3")
    for file in package.manifest.files:
        path = story.blob(file.digest)
        for position in chance.sample(range(file.size), min(3, file.size)):
            with flipped(path, position):
                named(file.digest, lambda: story.ws.models.load(f"{MODEL}@3"))
    assert story.ws.models.load(f"{MODEL}@3")({name: [1.0] for name in COLUMNS}).shape == (1,)


def test_the_signed_routes(story, chance):
    path, public = publication.routes_path(story.folder), story.platform.keys.public
    before = publication.read(path, public)
    for position in [*range(60), *chance.sample(range(path.stat().st_size), 200), path.stat().st_size - 1]:
        with flipped(path, position):
            named("routes.json is refused", lambda: publication.read(path, public))
    assert publication.read(path, public) == before
    flip(path)
    assert story.platform.publisher.publish() == before.generation  # what the rows say is published again
    assert publication.read(path, public) == before


@pytest.mark.parametrize("column", [ledger.c.envelope, ledger.c.kind, ledger.c.project, ledger.c.leaf, ledger.c.chain])
def test_a_row_of_the_ledger(story, chance, column):
    for _ in range(20):
        with altered(story, column, chance) as (seq,):
            found = story.ws.ledger.verify()
            assert (found.intact, found.first_altered) == (False, seq), found
            if column in (ledger.c.envelope, ledger.c.leaf):
                named("altered", lambda: story.ws.ledger.list(limit=1000))
    assert story.ws.ledger.verify().intact


def test_the_command_and_the_doctor_name_the_entry_of_the_ledger(story, chance):
    with altered(story, ledger.c.envelope, chance) as (seq,):
        said = cli("--home", story.folder, "ledger", "verify", code=1)
        assert f"ALTERED: entry {seq}: " in said.out
        assert f"Entry {seq}: " in doctor(story)["ledger"]


def test_a_row_of_the_ledger_that_is_gone_or_out_of_place(story):
    size = story.ws.ledger.verify().entries
    for statement, first in (
        ("UPDATE ledger SET seq = 4000 WHERE seq = 5", 5),
        (f"DELETE FROM ledger WHERE seq = {size - 1}", 5),
        ("DELETE FROM ledger WHERE seq = 4", 4),
    ):
        _sql(story, statement)
        found = story.ws.ledger.verify()
        assert (found.intact, found.first_altered) == (False, first)


def test_the_last_rows_of_the_ledger_that_are_gone(story):
    size = story.ws.ledger.verify().entries
    _sql(story, f"DELETE FROM ledger WHERE seq > {size - 3}")
    found = story.ws.ledger.verify()
    assert not found.intact
    assert f"signed over {size} entries" in found.problem


def test_the_head_of_the_ledger(story, chance):
    size = story.ws.ledger.verify().entries
    for _ in range(30):
        with altered(story, edges.c.edge, chance):
            found = story.ws.ledger.verify()
            assert not found.intact
            assert "head" in found.problem
            with pytest.raises(mw.Corrupted):
                story.ws.runs.start("more")  # nothing is built on it
    assert story.ws.ledger.verify().intact
    story.ws.runs.start("more")
    assert story.ws.ledger.verify().entries == size + 1


@pytest.mark.parametrize("field", ["size", "chain", "frontier", "signed"])
def test_the_head_of_the_ledger_altered_with_its_checksum(story, field):
    """Not an accident: somebody wrote a row as the house writes it."""
    with story.platform.records.writing() as rows:
        edge = rows.execute(select(edges.c.edge)).scalar_one()
        other = {
            "size": edge.size - 1,
            "chain": edge.chain[::-1],
            "frontier": [*edge.frontier[:-1], edge.frontier[-1][::-1]],
            "signed": story.platform.keys.sign(b"{}", "text/plain"),
        }
        rows.execute(update(edges).values(edge=replace(edge, **{field: other[field]})))
    found = story.ws.ledger.verify()
    assert not found.intact
    assert "head" in found.problem


@pytest.mark.parametrize(("table", "column"), FACTS, ids=lambda value: value.name)
def test_every_stored_fact(story, chance, table, column):
    """The doctor names its row, and whoever reads it is refused."""
    with story.platform.records.reading() as rows:
        assert rows.execute(select(column)).first() is not None, "the story has none"
    for _ in range(20):
        with (
            altered(story, column, chance),
            story.platform.records.reading() as rows,
            pytest.raises(mw.Corrupted, match="has been altered"),
        ):
            rows.execute(select(column)).all()
    with altered(story, column, chance) as place:
        unhealthy = {found.what: found.found for found in examine(str(story.folder)) if not found.healthy}
    assert unhealthy.keys() == {"rows"}
    assert f"{table.name} {'/'.join(map(str, place))}: " in unhealthy["rows"]


READERS: dict[str, Callable[[Story], Any]] = {
    "runs": lambda story: story.ws.runs.list(limit=1000),
    "model_versions": lambda story: [story.ws.models.load(f"{MODEL}@{number}") for number in (1, 2, 3)]
    + [story.ws.models.load("carrier-rates@1")],
    "dataset_versions": lambda story: [story.ws.data.verify(f"flights@{number}") for number in (1, 2)],
    "evidence": lambda story: [
        story.ws.gates.check(f"{MODEL}@{number}") for number in (1, 2, 3)
    ] + [story.ws.evidence.list("carrier-rates@1")],
    "charters": lambda story: [story.ws.charters.get(name) for name in (MODEL, "carrier-rates")],
    "decisions": lambda story: story.ws.gates.decisions(MODEL, limit=1000),
    "rollouts": lambda story: story.ws.rollouts.list(limit=1000),
    "deployments": lambda story: [story.ws.endpoints.history(ENDPOINT), story.platform.publisher.publish()],
}  # fmt: skip


@pytest.mark.parametrize("name", READERS)
def test_a_fact_that_people_ask_for(story, chance, name):
    """Whatever the faces read of it is refused, and not answered without it."""
    before = READERS[name](story)
    for table, column in FACTS:
        if table.name == name and (name, column.name) != ("deployments", "package"):  # which only the newest one's is
            with altered(story, column, chance), pytest.raises(mw.Corrupted, match="has been altered"):
                READERS[name](story)
    assert repr(READERS[name](story))[:500] == repr(before)[:500] or name == "model_versions"


def test_any_bit_of_the_control_database(whole, story, chance):
    """Whatever it is a bit of: no face ends in anything but an answer or a refusal, and the doctor names what differs."""
    story.platform.close()
    control_db = story.folder / "control.db"
    sound = (whole[0] / "control.db").read_bytes()
    with closing(Platform(Home(whole[0]).open(create=False))) as platform:
        before = answers(platform, story.prediction)
    for _ in range(10):
        data = bytearray(sound)
        position, bit = chance.randrange(len(data)), chance.randrange(8)
        data[position] ^= 1 << bit
        control_db.write_bytes(data)
        try:
            with closing(Platform(Home(story.folder).open(create=False))) as platform:
                found = answers(platform, story.prediction)
        except mw.Corrupted:
            found = {}
        differs = {what for what, answer in found.items() if answer not in (before[what], None)}
        healthy = all(finding.healthy for finding in examine(str(story.folder)))
        assert not (differs and healthy), (position, bit, differs)
        for beside in ("control.db-wal", "control.db-shm"):
            (story.folder / beside).unlink(missing_ok=True)


def answers(platform: Platform, prediction: str) -> dict[str, str | None]:
    """What the faces answer; none for a refusal."""
    ws = workspace_of(platform)
    questions: dict[str, Callable[[], Any]] = {
        "runs": lambda: ws.runs.list(limit=1000),
        "models": lambda: (ws.models.list(), ws.models.versions(MODEL)),
        "data": lambda: (ws.data.list(), ws.data.get("flights@latest")),
        "decisions": lambda: ws.gates.decisions(MODEL),
        "endpoints": lambda: (ws.endpoints.list(), ws.endpoints.history(ENDPOINT)),
        "counts": lambda: ws.predictions.counts(ENDPOINT),
        "trace": lambda: ws.lifecycle.trace(prediction),
        "lineage": lambda: ws.lineage.up(f"endpoint:{ENDPOINT}"),
        "ledger": lambda: ws.ledger.list(limit=1000),
    }
    found: dict[str, str | None] = {}
    for what, ask in questions.items():
        try:
            found[what] = repr(ask())
        except mw.Error:
            found[what] = None
    return found


def _sql(story: Story, statement: str) -> None:
    with closing(sqlite3.connect(story.folder / "control.db")) as database:
        assert database.execute(statement).rowcount == 1 or "DELETE" in statement
        database.commit()


class Worker:
    """The inference worker of production, alone: nobody publishes for it or starts it again."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._process: subprocess.Popen[bytes] | None = None
        self._log = home.parent / "worker.log"

    def start(self) -> None:
        descriptor = self._listener.fileno()
        module = "modelwright.inference.worker"
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, "--home", str(self._home), "--fd", str(descriptor), "--worker", "w1"],
                pass_fds=[descriptor],
                stderr=log,
            )

    def end(self) -> None:
        if self._process is not None:
            self._process.terminate()
            assert self._process.wait(60) == 0
            self._process = None

    def close(self) -> None:
        self.end()
        self._listener.close()
        assert "Traceback" not in self._log.read_text()

    def ask(self) -> httpx.Response:
        rows = {name: [20.0] for name in COLUMNS}
        return httpx.post(f"{self.url}/endpoints/{ENDPOINT}/invocations", json={"inputs": rows}, trust_env=False, timeout=60)  # fmt: skip

    def answer(self) -> tuple[str, float]:
        """Which version answers, and what."""
        found = self.ask()
        assert found.status_code == 200, found.text
        return found.json()["model"], found.json()["predictions"][0]

    def health(self) -> tuple[int, str]:
        found = httpx.get(f"{self.url}/health", trust_env=False, timeout=60)
        return found.status_code, found.json()["reason"] or ""

    def complains(self, status: int, of: str) -> None:
        awaits(lambda: self.health()[0] == status and of in self.health()[1], f"the worker names {of}")

    def is_well(self) -> None:
        awaits(lambda: self.health() == (200, ""), "the worker is well")


@pytest.fixture
def worker(story: Story) -> Iterator[Worker]:
    made = Worker(story.folder)
    made.start()
    with closing(made):
        yield made


def test_the_endpoint_goes_on_with_what_it_has_verified_and_begins_with_nothing_else(story, worker, chance):
    second, first = (story.ws.models.package(f"{MODEL}@{number}") for number in (3, 2))
    routes = publication.routes_path(story.folder)
    model = story.blob(second.manifest.file("model.skops").digest)
    before = worker.answer()
    assert before[0] == f"{MODEL}@3"

    flip(model)
    flip(routes)
    worker.complains(200, "routes.json is refused")
    assert worker.answer() == before

    worker.end()
    worker.start()
    worker.complains(503, "routes.json is refused")
    assert worker.ask().status_code == 503
    assert "routes.json is refused" in worker.ask().text

    flip(routes)
    worker.complains(503, second.manifest.file("model.skops").digest)
    assert worker.ask().status_code == 503

    flip(model)
    worker.is_well()
    assert worker.answer() == before

    other = story.blob(first.manifest.file("model.skops").digest)
    flip(other)
    assert story.ws.endpoints.deploy(ENDPOINT, first.ref).decision.allowed
    worker.complains(200, first.manifest.file("model.skops").digest)
    assert worker.answer() == before
    flip(other)
    worker.is_well()
    assert worker.answer()[0] == f"{MODEL}@2"
