"""What is looked for is found, best first, by those who may read it and by nobody else."""

from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelwright.access.roles import OWN, PERMISSIONS, Role
from modelwright.app.services import operation_table
from modelwright.core.errors import Denied, Invalid
from modelwright.core.events import Actor, Event
from modelwright.core.identity import OWNER, Identity
from modelwright.models.model import Reason, VersionRegistered
from modelwright.search.model import MATCHES, NEEDS, Hit, Kind, Match, Thing, fit, plain
from modelwright.search.repository import SearchRepository
from modelwright.search.things import _FOUND, things
from support.homes import fresh_platform
from support.people import APPROVALS, PEOPLE, WORKING, a_signer, begin_login, do
from support.story import IDS, told
from support.twins import Alone

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CANARY = "canary"


def of_role(*roles, project="default"):
    grants = OWN.union(*(PERMISSIONS[role] for role in roles))
    return Identity(actor=Actor(id="somebody"), project=project, grants=grants)


class Lived:
    """A home, and what its operations answered."""

    projects = 0

    def __init__(self, platform, seen):
        self.platform, self.seen = platform, seen

    def fresh(self):
        """Somebody in a project in which nothing has happened."""
        Lived.projects += 1
        return OWNER.within(f"fresh-{Lived.projects}")

    def put(self, project, thing, at=NOW):
        with self.platform.records.writing() as rows:
            SearchRepository().put(rows, project, thing, at)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Everything has happened once, and in another project something with names of its own."""
    with closing(fresh_platform(tmp_path_factory.mktemp("found"))) as platform:
        life = told(Alone(platform))
        life |= told(Alone(platform, begin_login(platform, *WORKING)), PEOPLE)
        life |= told(Alone(platform, a_signer(platform)), APPROVALS)
        foreign = OWNER.within("claims")
        do(platform, "runs.start", foreign, name=f"{CANARY}-delay")
        yield Lived(platform, {name: outcomes[0].answer for name, (_, outcomes) in life.items()})


def find(home, text, identity=OWNER, **more) -> list[Hit]:
    return do(home.platform, "search.find", identity, text=text, **more)


def kinds(hits):
    return {hit.kind for hit in hits}


LOOKED_FOR = {
    Kind.MODEL: "delay",
    Kind.VERSION: "delay@1",
    Kind.ALIAS: "delay@champion",
    Kind.CHARTER: "delay",
    Kind.FEASIBILITY: "delay",
    Kind.ASSUMPTION: "a missing carrier",
    Kind.DOCUMENT: "model card of delay@1",
    Kind.APPROVAL: "delay@1 as champion",
    Kind.POLICY: "minimal",
    Kind.DATASET: "flights",
    Kind.DATASET_VERSION: "flights@1",
    Kind.EXPERIMENT: "delay",
    Kind.PIPELINE: "retrain",
    Kind.ENDPOINT: "delays",
    Kind.ROLLOUT: "delay@2 behind",
    Kind.MONITOR: "moved",
    Kind.ALERT: "moved",
    Kind.USER: "ada",
    Kind.ENTRY: "3",
    Kind.PREDICTION: IDS[7],
}


@pytest.mark.parametrize(("kind", "text"), LOOKED_FOR.items(), ids=str)
def test_every_kind_is_found_by_what_it_is_called(home, kind, text):
    assert kind in kinds(find(home, text, limit=100))


def test_whatever_has_an_id_or_a_digest_is_found_by_its_beginning(home):
    seen = home.seen
    wanted = {
        Kind.RUN: seen["runs.start"].id,
        Kind.EXECUTION: seen["pipelines.start"].id,
        Kind.APPROVAL: seen["approvals.request"].request.id,
        Kind.ROLLOUT: seen["rollouts.stop"].id,
        Kind.EVIDENCE: seen["evidence.list"][0].digest,
        Kind.VERSION: seen["models.get"].package,
        Kind.DATASET_VERSION: seen["data.get"].digest,
        Kind.VIEW_VERSION: seen["features.get"].digest,
        Kind.DOCUMENT: seen["documents.keep"][0].digest,
        Kind.CHARTER: seen["charters.get"].digest,
        Kind.FEASIBILITY: seen["feasibility.get"].digest,
        Kind.ASSUMPTION: seen["assumptions.get"].said.assumption.digest,
        Kind.POLICY: seen["policies.publish"].digest,
    }
    for kind, text in wanted.items():
        whole = find(home, text)
        assert [hit.kind for hit in whole if hit.match is Match.EXACT] == [kind], kind
        assert kind in kinds(find(home, text[:20].upper(), limit=100)), kind
    part = seen["data.get"].parts[0].digest
    artifact = seen["runs.get"].artifacts[0].digest
    assert kinds(find(home, part)) == {Kind.DATASET_VERSION}
    assert Kind.RUN in kinds(find(home, artifact))


def test_a_view_is_found_by_its_features(home):
    view = home.seen["features.get"]
    named = view.view.features[0].name
    assert (Kind.VIEW, view.name) in {(hit.kind, hit.key) for hit in find(home, named, limit=100)}


@pytest.mark.parametrize("role", list(Role))
def test_nothing_is_found_that_the_role_may_not_read(home, role):
    caller = of_role(role)
    asked = [*LOOKED_FOR.values(), *(home.seen[name].id for name in ("runs.start", "pipelines.start")), "a", "e", "1"]
    found = {kind for text in asked for kind in kinds(find(home, text, caller, limit=100))}
    assert found == {kind for kind in LOOKED_FOR.keys() | {Kind.RUN, Kind.EXECUTION} if caller.may(NEEDS[kind])} | (
        found & {Kind.VIEW, Kind.VIEW_VERSION, Kind.EVIDENCE}
    )
    assert all(caller.may(NEEDS[kind]) for kind in found)


def test_nothing_of_another_project_is_found_and_nothing_of_this_one_from_there(home):
    with home.platform.records.reading() as rows:
        theirs = SearchRepository().by_words(rows, "claims", CANARY, [kind.value for kind in Kind], 10)
    assert [hit.key for hit in theirs] == [f"{CANARY}-delay"]
    assert find(home, CANARY) == []
    assert kinds(find(home, "delay", OWNER.within("claims"))) == {Kind.EXPERIMENT}
    for text in LOOKED_FOR.values():
        assert all(CANARY in hit.key for hit in find(home, text, OWNER.within("claims")) if hit.kind != Kind.USER)


def test_who_may_not_search_is_refused(home):
    with pytest.raises(Denied, match="search:read"):
        find(home, "delay", Identity(actor=Actor(id="x"), grants=frozenset({"models:read"})))


@pytest.mark.parametrize(
    ("given_", "says"), [({"text": "a" * 201}, "201 characters"), ({"text": "a", "limit": 101}, "1 to 100")]
)
def test_what_cannot_be_asked_is_said(home, given_, says):
    with pytest.raises(Invalid, match=says):
        find(home, **given_)


@pytest.mark.parametrize("text", ["", " ", "@", "%", "_", "\x00", "'; DROP TABLE search; --", "☃" * 200, "9" * 200])
def test_what_means_nothing_finds_nothing(home, text):
    assert find(home, text) == []


def test_a_transaction_that_was_undone_left_nothing_to_be_found(home):
    thing = Thing(kind=Kind.MODEL, key="undone", name="undone", words="undone", ids=("dead" * 8,))

    def fails():
        with home.platform.records.writing() as rows:
            SearchRepository().put(rows, "default", thing, NOW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert find(home, "undone") == find(home, "dead" * 8) == []


def test_what_happens_again_is_newer_and_is_there_once(home):
    there = home.fresh()
    for day, says in ((2, "new"), (1, "old")):
        thing = Thing(kind=Kind.MODEL, key=f"again-{says}", name=says, words=f"again {says}")
        home.put(there.project, thing, NOW + timedelta(days=day))
    assert [hit.name for hit in find(home, "again", there)] == ["new", "old"]
    home.put(there.project, thing, NOW + timedelta(days=3))
    assert [hit.name for hit in find(home, "again", there)] == ["old", "new"]


def test_a_name_that_fits_better_comes_before_a_newer_one(home):
    names = ["lay", "layer", "the-lay", "delay"]
    there = home.fresh()
    for day, name in enumerate(names):
        home.put(there.project, Thing(kind=Kind.MODEL, key=name, name=name, words=name), NOW + timedelta(days=day))
    found = find(home, "lay", there)
    assert [(hit.name, hit.match) for hit in found] == list(zip(names, Match, strict=True))


words = st.text("ab-_. 1é☃%", min_size=1, max_size=8)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(words, max_size=12, unique=True), asked=words, limit=st.integers(1, 5))
def test_the_database_ranks_as_a_plain_program_would(home, names, asked, limit):
    there = home.fresh()
    for place, name in enumerate(names):
        thing = Thing(kind=Kind.MODEL, key=f"{place:02}", name=name, words=name)
        home.put(there.project, thing, NOW + timedelta(hours=place % 3))
    fits = [(fit(plain(asked), plain(name)), -(place % 3), f"{place:02}") for place, name in enumerate(names)]
    wanted = sorted((MATCHES.index(match), age, key) for match, age, key in fits if match)[:limit]
    found = find(home, asked, of_role(Role.VIEWER, project=there.project), limit=limit)
    assert [(MATCHES.index(hit.match), hit.key) for hit in found] == [(rank, key) for rank, _, key in wanted]


NOT_FOUND = {
    "approvals.commented": "the request is there",
    "approvals.revoked": "the request is there",
    "approvals.signed": "the request is there",
    "approvals.signing_refused": "the request is there",
    "approvals.withdrawn": "the request is there",
    "access.delegation_added": "people are looked up where they are kept",
    "access.delegation_ended": "people are looked up where they are kept",
    "access.members_changed": "people are looked up where they are kept",
    "access.project_added": "whoever is in a project sees it",
    "access.role_granted": "people are looked up where they are kept",
    "access.role_withdrawn": "people are looked up where they are kept",
    "access.sign_in_refused": "people are looked up where they are kept",
    "access.signed_in": "people are looked up where they are kept",
    "access.signed_out": "people are looked up where they are kept",
    "access.token_added": "people are looked up where they are kept",
    "access.token_revoked": "people are looked up where they are kept",
    "access.user_added": "people are looked up where they are kept",
    "access.user_changed": "people are looked up where they are kept",
    "alerts.alert_handled": "the alert is there",
    "alerts.alert_cleared": "the alert is there",
    "assurance.alias_failed": "the model is there",
    "assurance.alias_passed": "the model is there",
    "assurance.emergency_begun": "the endpoint is there",
    "assurance.emergency_ended": "the endpoint is there",
    "assurance.failed": "the endpoint is there",
    "assurance.passed": "the endpoint is there",
    "documents.conformity_declared": "the document is kept",
    "documents.fact_attested": "what is said of a version that is there",
    "features.training_set_made": "the view and the run are there",
    "features.view_materialized": "the view is there",
    "governance.transition_decided": "the version is there",
    "ledger.anchored": "about the record",
    "lifecycle.ages_compared": "the endpoint is there",
    "models.reinstated": "the model is there",
    "models.retired": "the model is there",
    "serving.endpoint_reopened": "the endpoint is there",
    "serving.endpoint_retired": "the endpoint is there",
    "notifications.channel_added": "whoever sends sees the channels",
    "notifications.channel_paused": "whoever sends sees the channels",
    "notifications.channel_removed": "whoever sends sees the channels",
    "notifications.channel_resumed": "whoever sends sees the channels",
    "pipelines.execution_ended": "the execution is there",
    "pipelines.execution_resumed": "the execution is there",
    "pipelines.trigger_declined": "nothing came of it",
    "risks.judging_refused": "nothing came of it",
    "risks.register_published": "the model is there",
    "risks.risk_judged": "the model is there",
    "rollouts.concluded": "the rollout is there",
    "rollouts.looked": "the rollout is there",
    "rollouts.unsigned": "the rollout is there",
    "tracking.dataset_read": "the run is there",
    "tracking.dataset_written": "the run is there",
}


def test_every_event_of_the_house_lets_something_be_found_or_knowingly_not():
    """Who adds an event decides here whether anybody will look for what it tells of."""
    house = {
        event.__struct_config__.tag
        for event in Event.__subclasses__()
        if event.__module__.startswith("modelwright.") and operation_table()
    }
    assert house == {kind.__struct_config__.tag for kind in _FOUND} | set(NOT_FOUND)


def test_a_version_is_found_by_its_model_its_number_and_its_package():
    event = VersionRegistered(
        model="m", version=3, package="a" * 64, flavour="lookup", run_id=None, data=(), source=None, reason=Reason.FIRST
    )
    assert [(thing.kind, thing.key, thing.ids) for thing in things(event)] == [
        (Kind.MODEL, "m", ()),
        (Kind.VERSION, "m@3", ("a" * 64,)),
    ]


def test_every_kind_says_who_may_read_it():
    assert set(NEEDS) == set(Kind)
    assert {permission.partition(":")[0] for permission in NEEDS.values()} <= {
        operation.permission.partition(":")[0] for operation in operation_table()
    }
