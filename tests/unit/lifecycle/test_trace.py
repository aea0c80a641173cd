"""From one answer back to the bytes: every link of the chain, on a real small home."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from modelwright.app.connect import Workspace
from modelwright.app.home import Home
from modelwright.app.workspace import LocalCaller, Platform
from modelwright.core.errors import Invalid, NotFound
from modelwright.core.guard import Decision, GateResult, Verdict
from modelwright.core.ids import Pinned, new_id
from modelwright.models.lookup import Lookup
from modelwright.pipelines.model import CauseKind
from modelwright.predictions.layout import segment_folder
from modelwright.predictions.model import Kind, PredictionBatch, encode, microseconds
from modelwright.predictions.segments import SegmentWriter

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Clock:
    """The wall clock, which tests move."""

    now = NOW

    def __call__(self):
        return self.now


def willing(unit, transition):
    """A guard that lets everything through: gates have tests of their own."""
    gate = GateResult(gate="kpi", verdict=Verdict.PASS, reason="as the test says")
    return Decision(transition=transition, allowed=True, tier="minimal", policy="0" * 64, gates=(gate,))


class Chain:
    """A home in which raw data became features, a run trained on them, and its model answers."""

    def __init__(self, folder):
        self.clock = Clock()
        self.platform = Platform(Home(folder / ".modelwright").open(create=True), clock=self.clock)
        self.platform.services["endpoints"]._guard = willing
        self.ws = Workspace(self.platform.table, LocalCaller(self.platform), "here")
        self.raw = self.pinned("raw", {"carrier": ["UA", "B6"]})
        self.features = self.pinned("features", {"carrier": ["UA", "B6"], "late": [0.2, 0.3]})
        self.beside = self.pinned("beside", {"x": [1]})
        self.source = self.platform.blobs.put(b"snapshot").digest
        prepare, self.run = self.ws.runs.start("prepare"), self.ws.runs.start("train", capture={"source": self.source})
        self.ws.runs.read_dataset(prepare.id, self.raw)
        self.ws.runs.write_dataset(prepare.id, self.features)
        self.ws.runs.read_dataset(self.run.id, self.features)
        self.first = self.save(0.2, run_id=self.run.id)
        self.second = self.save(0.4)

    def pinned(self, name, columns):
        made = self.ws.data.add(name, pa.table(columns))
        return Pinned(ref=made.ref, digest=made.digest)

    def save(self, rate, **more):
        lookup = Lookup(["carrier"], {("UA",): rate}, otherwise=0.25)
        return self.ws.models.save(lookup, "delay", example={"carrier": ["UA"]}, **more)

    def deploy(self, version):
        moved = self.ws.endpoints.deploy("delays", version.ref)
        assert moved.decision.allowed
        self.clock.now += timedelta(minutes=1)
        return moved.generation

    def answer(self, version):
        """One question, answered by this version now."""
        one = new_id()
        batch = PredictionBatch(
            endpoint="delays",
            model="delay",
            version=version.version,
            package=version.package,
            generation=1,
            received_at=microseconds(self.clock.now),
            latency_us=900,
            ids=[one],
            event_at=[microseconds(NOW)],
            inputs={"carrier": ["UA"]},
            outputs=[0.2],
        )
        folder = segment_folder(self.platform.home.log, "delays", Kind.PREDICTIONS, project="default")
        with SegmentWriter(folder, f"w-{one}") as writer:
            writer.append(encode(batch))
        self.clock.now += timedelta(minutes=1)
        return one


@pytest.fixture
def chain(tmp_path):
    made = Chain(tmp_path)
    yield made
    made.platform.close()


def test_an_answer_is_followed_to_its_version_run_source_and_data(chain):
    chain.deploy(chain.first)
    found = chain.ws.lifecycle.trace(chain.answer(chain.first))
    assert (found.prediction.output, found.prediction.inputs) == (0.2, {"carrier": "UA"})
    assert (found.version.ref, found.version.package) == ("delay@1", chain.first.package)
    assert found.prediction.package == found.version.package
    assert (found.run.id, found.source) == (chain.run.id, chain.source)
    assert (found.deployment.generation, found.deployment.version) == (1, 1)


def test_the_data_is_what_the_run_read_and_what_that_was_made_from_and_no_other(chain):
    chain.deploy(chain.first)
    found = chain.ws.lifecycle.trace(chain.answer(chain.first))
    assert set(found.data) == {chain.features, chain.raw}
    assert {(edge.source, edge.relation) for edge in found.lineage} >= {
        (f"data:{chain.raw.ref}", "read"),
        (f"data:{chain.features.ref}", "read"),
        (f"source:{chain.source}", "executed"),
        (f"run:{chain.run.id}", "trained"),
    }


def test_a_version_without_a_run_is_traced_as_far_as_it_goes(chain):
    chain.deploy(chain.second)
    found = chain.ws.lifecycle.trace(chain.answer(chain.second))
    assert (found.version.ref, found.run, found.source, found.data, found.lineage) == ("delay@2", None, None, (), ())
    assert "none: the version was registered without one" in str(found)


def test_a_run_that_was_a_step_names_its_execution_and_why_it_was_started(chain):
    claim = chain.ws.executions.open("retrain", "pipeline:retrain", {}, "here")
    run = chain.ws.runs.start("fit", tags={"execution": claim.execution.id, "step": "fit"})
    version = chain.save(0.6, run_id=run.id)
    chain.deploy(version)
    found = chain.ws.lifecycle.trace(chain.answer(version))
    assert (found.execution.id, found.execution.cause.kind) == (claim.execution.id, CauseKind.MANUAL)
    assert f"execution   {claim.execution.id} of retrain (manual)" in str(found)


def test_a_tag_that_names_no_execution_is_only_a_tag(chain):
    run = chain.ws.runs.start("fit", tags={"execution": "by hand"})
    version = chain.save(0.6, run_id=run.id)
    chain.deploy(version)
    found = chain.ws.lifecycle.trace(chain.answer(version))
    assert (found.run.id, found.execution) == (run.id, None)


def test_the_deployment_is_the_one_in_force_when_the_question_came(chain):
    """Also after the endpoint has moved on, and after it came back to the same version."""
    moves = [
        (version, chain.deploy(version), chain.answer(version)) for version in (chain.first, chain.second, chain.first)
    ]
    for version, generation, one in moves:
        found = chain.ws.lifecycle.trace(one)
        assert (found.deployment.generation, found.version.ref) == (generation, version.ref)


def test_a_trace_reads_as_a_page(chain):
    chain.deploy(chain.first)
    one = chain.answer(chain.first)
    lines = str(chain.ws.lifecycle.trace(one)).splitlines()
    assert lines[0] == f"prediction  {one}"
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == [
        "prediction",
        "endpoint",
        "version",
        "run",
        "source",
        "data",
        "data",
    ]
    assert "label not known yet" in lines[2]


def test_an_id_that_nobody_answered_is_not_found(chain):
    chain.deploy(chain.first)
    with pytest.raises(NotFound):
        chain.ws.lifecycle.trace("0" * 32)
    with pytest.raises(Invalid, match="an id"):
        chain.ws.lifecycle.trace("zz")


def test_the_overview_counts_what_is_there(chain):
    chain.deploy(chain.first)
    chain.answer(chain.first)
    found = chain.ws.lifecycle.overview()
    assert (found.datasets, found.models, found.runs, found.endpoints, found.predictions) == (3, 1, 2, 1, 1)
    assert found.ledger_entries == chain.ws.ledger.verify().entries
    assert found.at == chain.clock.now
