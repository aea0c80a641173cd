"""Where something came from and what came of it: the graph that events draw."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelwright.app import projections
from modelwright.app.connect import Workspace
from modelwright.app.projections import links
from modelwright.app.services import operation_table
from modelwright.app.workspace import LocalCaller
from modelwright.core.errors import Invalid, NotFound
from modelwright.core.events import Actor, Event, Recorded
from modelwright.core.guard import Action
from modelwright.core.identity import Identity
from modelwright.core.ids import Pinned
from modelwright.features.model import TrainingSetMade, ViewMaterialized
from modelwright.governance.model import EvidenceRecorded, Kind
from modelwright.lineage.model import Edge, Graph
from modelwright.lineage.repository import LineageRepository
from modelwright.models.model import AliasMoved, Reason, VersionRegistered
from modelwright.serving.model import EndpointMoved
from modelwright.tracking.model import DatasetReadByRun, DatasetWrittenByRun, RunFinished, RunStarted, RunStatus
from support.homes import fresh_platform

NOW = datetime(2026, 3, 1, tzinfo=UTC)
RUN, DIGEST = "1" * 32, "a" * 64
FLIGHTS = Pinned(ref="flights@1", digest="f" * 64)


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    made = fresh_platform(tmp_path_factory.mktemp("lineage"))
    yield made
    made.close()


class Graphs:
    """Draws edges into a project of its own and asks about them."""

    made = 0

    def __init__(self, platform):
        Graphs.made += 1
        self.platform = platform
        self.project = f"project-{Graphs.made}"
        caller = LocalCaller(platform, Identity(actor=Actor(id="anna"), project=self.project, grants=frozenset({"*"})))
        self.ask = Workspace(platform.table, caller, "here").lineage

    def draw(self, *pairs):
        with self.platform.records.writing() as rows:
            for source, target in pairs:
                edge = Edge(source=f"data:{source}", target=f"data:{target}", relation="made", at=NOW)
                LineageRepository().add(rows, self.project, edge)
        return self

    def up(self, node, **more):
        return names(self.ask.up(f"data:{node}", **more))

    def down(self, node, **more):
        return names(self.ask.down(f"data:{node}", **more))


def names(graph: Graph):
    return [node.removeprefix("data:") for node in graph.nodes]


@pytest.fixture
def graphs(platform):
    return Graphs(platform)


CHAIN = [("a", "b"), ("b", "c"), ("c", "d"), ("d", "e")]


def test_up_is_everything_it_came_from_and_down_everything_that_came_of_it(graphs):
    graphs.draw(*CHAIN, ("x", "c"), ("c", "y"))
    assert graphs.up("c") == ["a", "b", "c", "x"]
    assert graphs.down("c") == ["c", "d", "e", "y"]
    assert graphs.up("a") == ["a"]
    assert graphs.down("e") == ["e"]


def test_a_graph_has_the_edges_between_its_nodes_with_how_and_when(graphs):
    graphs.draw(*CHAIN)
    found = graphs.ask.up("data:c")
    assert [(edge.source, edge.target, edge.relation, edge.at) for edge in found.edges] == [
        ("data:a", "data:b", "made", NOW),
        ("data:b", "data:c", "made", NOW),
    ]
    assert (found.root, found.complete) == ("data:c", True)


@pytest.mark.parametrize(
    ("depth", "up", "complete"), [(1, "de", False), (2, "cde", False), (4, "abcde", True), (9, "abcde", True)]
)
def test_depth_is_how_many_steps_are_followed_and_what_lies_beyond_is_said_to_be(graphs, depth, up, complete):
    graphs.draw(*CHAIN)
    assert graphs.up("e", depth=depth) == list(up)
    assert graphs.ask.up("data:e", depth=depth).complete is complete


@pytest.mark.parametrize("depth", [0, -1, 101])
def test_a_depth_is_1_to_100(graphs, depth):
    graphs.draw(*CHAIN)
    with pytest.raises(Invalid, match="not 1 to 100"):
        graphs.up("e", depth=depth)


def test_a_circle_comes_to_an_end(graphs):
    """Data that is made from a model's answers may train the next one."""
    graphs.draw(("a", "b"), ("b", "c"), ("c", "a"), ("d", "d"))
    assert graphs.up("a") == graphs.down("a") == ["a", "b", "c"]
    assert graphs.up("d") == ["d"]
    assert graphs.ask.up("data:a", depth=3).complete


@given(st.sets(st.tuples(st.integers(0, 7), st.integers(0, 7)), min_size=1, max_size=16), st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None)
def test_up_and_down_are_the_same_graph_read_from_both_ends(platform, pairs, data):
    graphs = Graphs(platform).draw(*pairs)
    nodes = sorted({str(node) for pair in pairs for node in pair})
    one, other = data.draw(st.sampled_from(nodes)), data.draw(st.sampled_from(nodes))
    assert (one in graphs.up(other)) == (other in graphs.down(one))


def test_an_edge_that_is_there_stays_as_it_is(graphs):
    graphs.draw(("a", "b"), ("a", "b"))
    assert len(graphs.ask.up("data:b").edges) == 1


@pytest.mark.parametrize("node", ["data:nothing", "model:flight-delay@9", f"run:{RUN}"])
def test_a_node_that_nobody_told_of_is_not_found(graphs, node):
    with pytest.raises(NotFound, match=f"Nothing is known of {node}"):
        graphs.ask.up(node)


@pytest.mark.parametrize("node", ["", "data", "data:", "house:x", "data:a b", "data:../x", "data:x\n"])
def test_what_is_no_node_is_refused(graphs, node):
    with pytest.raises(Invalid, match="kind:id"):
        graphs.ask.up(node)


def test_a_project_sees_its_own_graph(platform, graphs):
    graphs.draw(*CHAIN)
    with pytest.raises(NotFound):
        Graphs(platform).up("c")


def registered(run_id=RUN):
    return VersionRegistered(
        model="delay",
        version=3,
        package=DIGEST,
        flavour="lookup",
        run_id=run_id,
        data=(FLIGHTS,),
        source=None,
        reason=Reason.FIRST,
    )


TOLD = {
    "a run with a snapshot": (
        RunStarted(run_id=RUN, name="train", source=DIGEST, commit=None),
        [(f"source:{DIGEST}", f"run:{RUN}", "executed")],
    ),
    "a run without one": (RunStarted(run_id=RUN, name="train", source=None, commit=None), []),
    "reading": (DatasetReadByRun(run_id=RUN, read=FLIGHTS), [("data:flights@1", f"run:{RUN}", "read")]),
    "writing": (DatasetWrittenByRun(run_id=RUN, written=FLIGHTS), [(f"run:{RUN}", "data:flights@1", "made")]),
    "a version of a run": (registered(), [(f"run:{RUN}", "model:delay@3", "trained")]),
    "a version without a run": (registered(run_id=None), []),
    "an end of a run": (
        RunFinished(run_id=RUN, name="train", status=RunStatus.FINISHED, parameters=DIGEST, artifacts=()),
        [],
    ),
    "an alias": (
        AliasMoved(model="delay", alias="champion", version=3, previous=None, package=DIGEST, policy=DIGEST, reason=""),
        [],
    ),
}


@pytest.mark.parametrize("case", TOLD)
def test_an_event_tells_of_these_edges_and_no_others(case):
    event, expected = TOLD[case]
    assert list(links(event)) == expected


def test_evidence_joins_the_version_that_was_judged_and_the_data_it_was_judged_on():
    event = EvidenceRecorded(
        digest=DIGEST,
        evidence=Kind.EVALUATION,
        model="delay",
        version=3,
        package=DIGEST,
        dataset=FLIGHTS,
        charter=DIGEST,
    )
    assert list(links(event)) == [
        ("model:delay@3", f"evidence:{DIGEST}", "evaluated"),
        ("data:flights@1", f"evidence:{DIGEST}", "measured on"),
    ]


def test_an_endpoint_is_served_by_the_version_it_moved_to():
    event = EndpointMoved(
        endpoint="delays",
        generation=2,
        model="delay",
        version=3,
        previous=2,
        package=DIGEST,
        action=Action.DEPLOY,
        policy=DIGEST,
        reason="",
    )
    assert list(links(event)) == [("model:delay@3", "endpoint:delays", "served")]


def test_a_view_comes_from_what_was_read_and_goes_into_runs_and_models():
    read = Pinned(ref="flights@1", digest=DIGEST)
    made = TrainingSetMade(view="context@1", digest=DIGEST, reads=(read,), rows=1, until=NOW, run_id=RUN)
    assert list(links(made)) == [
        ("data:flights@1", "features:context@1", "read"),
        ("features:context@1", f"run:{RUN}", "trained on"),
    ]
    stored = ViewMaterialized(view="context@1", digest=DIGEST, reads=(read,), until=NOW, written=1)
    assert list(links(stored)) == [("data:flights@1", "features:context@1", "read")]


DRAWN = {
    "features.training_set_made",
    "features.view_materialized",
    "framing.assumption_recorded",
    "governance.evidence_recorded",
    "models.version_registered",
    "tracking.dataset_read",
    "tracking.dataset_written",
    "tracking.run_started",
    "serving.endpoint_moved",
    "rollouts.started",
}
NOT_DRAWN = {
    "approvals.commented": "what somebody thinks of it",
    "approvals.requested": "the decision that follows tells of it",
    "approvals.revoked": "the decision that follows tells of it",
    "approvals.signed": "the decision that follows tells of it",
    "approvals.signing_refused": "nothing came of it",
    "approvals.withdrawn": "nothing came of it",
    "access.delegation_added": "who somebody is",
    "access.delegation_ended": "who somebody is",
    "access.members_changed": "who somebody is",
    "access.project_added": "where things are, not what they are made of",
    "access.role_granted": "who somebody is",
    "access.role_withdrawn": "who somebody is",
    "access.sign_in_refused": "nothing came of it",
    "access.signed_in": "who somebody is",
    "access.signed_out": "who somebody is",
    "access.token_added": "who somebody is",
    "access.token_revoked": "who somebody is",
    "access.user_added": "who somebody is",
    "access.user_changed": "who somebody is",
    "alerts.alert_cleared": "an alert is about what is drawn",
    "alerts.alert_handled": "what somebody thinks of it",
    "alerts.alert_raised": "a finding, not a thing that anything is made of",
    "alerts.alert_repeated": "the same finding again",
    "assurance.alias_failed": "a finding, not a thing that anything is made of",
    "assurance.alias_passed": "a finding, not a thing that anything is made of",
    "assurance.emergency_begun": "the move that follows tells of it",
    "assurance.emergency_ended": "the move that follows tells of it",
    "assurance.failed": "a finding, not a thing that anything is made of",
    "assurance.passed": "a finding, not a thing that anything is made of",
    "data.version_committed": "the run that made it tells of it",
    "documents.conformity_declared": "what somebody says of a version that is there",
    "documents.document_kept": "the record, written out",
    "documents.fact_attested": "what somebody says of a version that is there",
    "framing.assumption_withdrawn": "what was judged stays judged",
    "framing.feasibility_decided": "what is wanted, not what came of what",
    "features.view_applied": "what is made with it tells of it",
    "governance.charter_published": "what is wanted, not what came of what",
    "governance.policy_published": "what is wanted, not what came of what",
    "governance.transition_decided": "the move that follows tells of it",
    "ledger.anchored": "about the record, not about what it records",
    "lifecycle.ages_compared": "the log, read again",
    "models.reinstated": "what it is made of stays as it is",
    "models.retired": "what it is made of stays as it is",
    "serving.endpoint_reopened": "the move that follows tells of it",
    "serving.endpoint_retired": "what it has answered with stays as it is",
    "models.alias_moved": "a name of a version that is there",
    "monitoring.monitor_configured": "how it is watched",
    "pipelines.execution_ended": "the runs of its steps tell what came of it",
    "pipelines.execution_queued": "the runs of its steps name it in their tags",
    "pipelines.execution_resumed": "the same execution goes on",
    "pipelines.pipeline_registered": "code that nothing was made of yet",
    "notifications.channel_added": "nothing is made from telling people",
    "notifications.channel_paused": "as above",
    "notifications.channel_removed": "as above",
    "notifications.channel_resumed": "as above",
    "pipelines.trigger_declined": "nothing came of it",
    "risks.judging_refused": "nothing came of it",
    "risks.register_published": "what may go wrong, not what came of what",
    "risks.risk_judged": "what somebody thinks of it",
    "rollouts.concluded": "a promotion's move tells of it",
    "rollouts.looked": "the rollout goes on",
    "rollouts.unsigned": "the rollout goes on",
    "tracking.run_finished": "the run is there",
}


def test_every_event_of_the_house_is_drawn_or_knowingly_not():
    """Who adds an event decides here whether the graph knows of it."""
    house = {
        event.__struct_config__.tag
        for event in Event.__subclasses__()
        if event.__module__.startswith("modelwright.") and operation_table()
    }
    assert house == DRAWN | set(NOT_DRAWN)


def test_the_projection_draws_as_the_event_is_recorded(platform):
    """In the same transaction: a run whose start was undone is no node."""
    graphs = Graphs(platform)
    project = projections.lineage(LineageRepository())
    event = DatasetReadByRun(run_id=RUN, read=FLIGHTS)
    recorded = Recorded(
        event=event, project=graphs.project, actor=Actor(id="anna"), recorded_at=NOW, request_id="2" * 32
    )
    with platform.records.writing() as rows:
        project(SimpleNamespace(rows=rows), recorded)
    assert [edge.at for edge in graphs.ask.down("data:flights@1").edges] == [NOW]
