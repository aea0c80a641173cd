"""Endpoints and models end: people are asked first, whoever relied on them is told, and nothing of the record goes."""

from datetime import timedelta

import pytest

import modelwright as mw
from modelwright.alerts.inbox import begun
from modelwright.alerts.model import AlertState, Finding, Rule
from modelwright.alerts.repository import AlertRepository
from modelwright.core.errors import Conflict, NotFound, Refused
from modelwright.rollouts.model import Outcome
from modelwright.serving import publication
from support.life import CHARTER, real
from support.people import do
from support.phases import DATA, MODEL, Team

WHY = "nobody asks any more"


@pytest.fixture
def team(tmp_path):
    made = Team(tmp_path)
    made.version = made.answering()
    yield made
    made.platform.close()


def routes(team):
    """What the workers are told."""
    home = team.platform.home.folder
    return publication.read(publication.routes_path(home), team.platform.keys.public)


def test_an_endpoint_is_retired_when_somebody_has_signed_and_not_before(team):
    refused = team.otto.endpoints.retire("lateness", WHY)
    assert refused.retirement is None
    assert set(team.reasons(refused.decision)) == {"phase-retirement.approver"}
    assert "--phase retirement --target lateness" in refused.decision.gates[0].remedy
    assert [route.endpoint for route in routes(team).routes] == ["lateness"]
    team.signed("retirement", "lateness")
    came = team.otto.endpoints.retire("lateness", WHY)
    assert (came.retirement.reason, came.retirement.by) == (WHY, team.ids["otto"])
    published = routes(team)
    assert published.routes == ()
    assert [one.endpoint for one in published.retired] == ["lateness"]
    assert published.generation == came.retirement.generation
    found = team.otto.endpoints.get("lateness")
    assert (found.ended, found.ready, found.retired) == ("retired", False, came.retirement)
    assert [one.ended for one in team.otto.endpoints.list().items] == ["retired"]


def test_who_signed_for_one_endpoint_did_not_sign_for_the_model(team):
    team.signed("retirement", "lateness")
    assert team.otto.endpoints.retire("lateness", WHY).retirement
    refused = team.ada.models.retire(MODEL, WHY)
    assert "The retirement of late: 1 approver must sign" in str(refused.decision)
    team.signed("retirement")
    assert team.ada.models.retire(MODEL, WHY).retirement


def test_the_name_of_a_retired_endpoint_is_not_deployed_until_it_is_reopened(team):
    team.signed("retirement", "lateness")
    team.otto.endpoints.retire("lateness", WHY)
    for act in (
        lambda: team.otto.endpoints.deploy("lateness", team.version.ref),
        lambda: team.otto.endpoints.rollback("lateness"),
        lambda: team.otto.endpoints.retire("lateness", WHY),
        lambda: team.otto.rollouts.start("lateness", team.version.ref),
        lambda: team.otto.rechecks.run("lateness"),
        lambda: team.otto.emergencies.deploy("lateness", team.version.ref, "fire"),
    ):
        with pytest.raises(Conflict, match="lateness was retired on") as conflict:
            act()
        assert "endpoint reopen lateness" in conflict.value.remedy
    reopened = team.otto.endpoints.reopen("lateness")
    assert reopened.reopened_by == team.ids["otto"]
    assert (routes(team).routes, routes(team).retired) == ((), ())  # it answers from its next deployment on
    assert team.otto.endpoints.get("lateness").ended == "reopened"
    with pytest.raises(Conflict, match="is not retired"):
        team.otto.endpoints.reopen("lateness")
    with pytest.raises(Conflict, match="answers nobody yet"):
        team.otto.endpoints.rollback("lateness")  # past the gates
    moved = team.otto.endpoints.deploy("lateness", team.version.ref)
    assert moved.generation > reopened.generation
    assert [route.ref for route in routes(team).routes] == [team.version.ref]
    assert team.otto.endpoints.get("lateness").ended == ""
    kinds = [entry.envelope.kind for entry in do(team.platform, "ledger.list", limit=1000).items]
    assert {"serving.endpoint_retired", "serving.endpoint_reopened"} <= set(kinds)
    assert do(team.platform, "ledger.verify").intact


def test_nothing_goes_back_past_the_retirement_of_an_endpoint(team):
    second = team.register()
    mw.evaluate(team.ada, second.ref, f"{DATA}@1", explain=False)
    team.signed("retirement", "lateness")
    team.otto.endpoints.retire("lateness", WHY)
    team.otto.endpoints.reopen("lateness")
    assert team.otto.endpoints.deploy("lateness", second.ref).decision.allowed
    with pytest.raises(NotFound, match="never answered with another version"):
        team.otto.endpoints.rollback("lateness")  # to what was retired, past the gates
    with pytest.raises(NotFound, match="never answered with version 1"):
        team.otto.endpoints.rollback("lateness", 1)
    assert team.otto.endpoints.deploy("lateness", team.version.ref).decision.allowed
    assert team.otto.endpoints.rollback("lateness").decision.allowed


def test_what_it_answered_with_and_its_decisions_stay_readable(team):
    team.signed("retirement", "lateness")
    team.otto.endpoints.retire("lateness", WHY)
    assert [one.model for one in team.otto.endpoints.history("lateness").items] == [MODEL]
    assert len(team.ada.gates.decisions(MODEL)) == 3
    with pytest.raises(NotFound):
        team.otto.endpoints.retire("elsewhere", WHY)


def test_its_rollout_its_alerts_and_its_rechecks_end(team):
    challenger = team.register()
    mw.evaluate(team.ada, challenger.ref, f"{DATA}@1", explain=False)
    assert team.otto.rollouts.start("lateness", challenger.ref).rollout
    current = team.otto.endpoints.get("lateness").current
    _alarm(team, current)
    team.signed("retirement", "lateness")
    team.otto.endpoints.retire("lateness", WHY)
    [rollout] = team.otto.rollouts.list("lateness").items
    assert (rollout.outcome, rollout.reasons) == (Outcome.STOPPED, ("lateness was retired meanwhile.",))
    assert {alert.state for alert in team.otto.alerts.list(which="all").items} == {AlertState.RESOLVED}
    assert team.otto.rechecks.run() == ()


def _another(team):
    """A model that nobody is asked about, and that answers elsewhere."""
    model, columns = real(team.table)
    team.ada.charters.publish("other", {**CHARTER, "tier": "minimal"})
    version = team.ada.models.save(model, "other", example=team.table.select(columns))
    mw.evaluate(team.ada, version.ref, f"{DATA}@1", explain=False)
    assert team.otto.endpoints.deploy("elsewhere", version.ref).decision.allowed


def _alarm(team, current):
    """An alarm of a monitor, as one that stands."""
    now = team.platform.clock() - timedelta(hours=1)
    finding = Finding(rule=Rule.GATES, summary="it drifts", details=(), since=now)
    alert = begun(current.endpoint, current.model, current.version, finding, at=now, now=now)
    with team.platform.records.writing() as rows:
        AlertRepository().put(rows, "default", alert)


def test_a_model_is_not_retired_while_an_endpoint_answers_with_it(team):
    team.signed("retirement")
    with pytest.raises(Conflict, match="lateness answers with late") as conflict:
        team.ada.models.retire(MODEL, WHY)
    assert "endpoint retire lateness" in conflict.value.remedy


def test_a_retired_model_goes_nowhere_and_is_reinstated_on_record(team):
    second = team.register()
    mw.evaluate(team.ada, second.ref, f"{DATA}@1", explain=False)
    _another(team)
    for subject in ("lateness", None):
        team.signed("retirement", subject)
    team.otto.endpoints.retire("lateness", WHY)
    retirement = team.ada.models.retire(MODEL, WHY).retirement
    assert team.otto.models.retirement(MODEL) == retirement
    assert [(one.name, one.retired is not None) for one in team.otto.models.list().items] == [
        ("by-group", False),
        (MODEL, True),
        ("other", False),
    ]
    with pytest.raises(Refused, match="late was retired on"):
        team.register()
    team.otto.endpoints.reopen("lateness")
    for decision in (
        team.ada.models.set_alias(second.ref, "champion"),
        team.otto.endpoints.deploy("lateness", second.ref).decision,
        team.ada.gates.check(second.ref),
    ):
        assert "retired: late was retired on" in " ".join(decision.reasons)
    with pytest.raises(Refused, match="late was retired on"):  # glass or no glass
        team.otto.emergencies.deploy("elsewhere", second.ref, "fire")
    with pytest.raises(Conflict, match="retired already"):
        team.ada.models.retire(MODEL, WHY)
    assert team.ada.models.reinstate(MODEL).ref == second.ref
    assert team.otto.models.retirement(MODEL) is None
    assert team.otto.endpoints.deploy("lateness", second.ref).decision.allowed
    kinds = [entry.envelope.kind for entry in do(team.platform, "ledger.list", limit=1000).items]
    assert {"models.retired", "models.reinstated"} <= set(kinds)
    with pytest.raises(Conflict, match="is not retired"):
        team.ada.models.reinstate(MODEL)


def test_where_no_policy_asks_anybody_retiring_needs_no_signature(team):
    team.charter(tier="minimal")
    came = team.otto.endpoints.retire("lateness", WHY)
    assert came.retirement
    assert came.decision.gates == ()
    assert team.ada.models.retire(MODEL, WHY).retirement


def test_an_emergency_that_lasts_at_a_retired_endpoint_is_over_and_moves_nothing(team):
    team.charter(tier="minimal")
    worse = team.register()  # not evaluated, so that the gates refuse it
    team.otto.emergencies.deploy("lateness", worse.ref, "the other one answers nonsense")
    team.otto.endpoints.retire("lateness", WHY)
    [over] = do(team.platform, "emergencies.settle")
    assert over.ending == "moved"
    assert team.otto.endpoints.get("lateness").ended == "retired"


def test_nothing_is_compared_with_what_an_endpoint_that_has_ended_answered(team):
    def compared():
        """With what a fresh version is compared."""
        version = team.register()
        mw.evaluate(team.ada, version.ref, f"{DATA}@1", explain=False)
        found = [one.values for one in team.ada.evidence.list(version.ref) if one.kind == "rivals"]
        return [rival.ref for values in found for rival in values.rivals]

    assert compared() == [team.version.ref]
    team.signed("retirement", "lateness")
    assert team.otto.endpoints.retire("lateness", "nobody asks").retirement
    assert compared() == []
