"""Risk registers: published, counted on held-out rows, judged by others, asked by a gate, told in documents."""

from datetime import timedelta

import numpy as np
import pytest

import modelwright as mw
from modelwright.access.credentials import SHOWN, hashed, new_token
from modelwright.app.connect import Workspace
from modelwright.app.entrance import Presented
from modelwright.app.workspace import LocalCaller
from modelwright.core.errors import Denied, Invalid, NotFound
from modelwright.core.guard import Verdict
from modelwright.risks.model import State
from modelwright.stats.intervals import auc_interval
from support.challenge import APRIL, JANUARY
from support.homes import fresh_platform
from support.life import BASELINE, CHARTER, MODEL, heuristic, questions, real
from support.people import do

ROLES = {"ada": "contributor", "vera": "validator", "abel": "approver", "otto": "operator"}
REF = f"{MODEL}@1"


def risk(**more):
    return {
        "what": "It is sure of itself where it has seen little.",
        "harms": "Customers who are not warned.",
        "when": "x > 1",
        "inherent": {"severity": 4, "likelihood": 4},
        "residual": {"severity": 4, "likelihood": 3},
        "owner": "otto",
        "review_due": "2100-01-01",
        **more,
    }


def register(**risks):
    return {"model": MODEL, "risks": {"rare": risk(), **risks}}


class Team:
    """A home with login and a model of a tier that asks for the gate ``risks``."""

    def __init__(self, folder):
        self.platform = fresh_platform(folder)
        do(self.platform, "users.add", name="root")
        self.ids, self.spaces = {}, {}
        for name, role in ROLES.items():
            self.ids[name] = do(self.platform, "users.add", name=name, kind="simulated").id
            do(self.platform, "grants.add", role=role, project="default", user=name)
            secret = new_token()
            do(self.platform, "tokens.give", user=name, digest=hashed(secret), shown=secret[:SHOWN], purpose="work")
            identity = self.platform.entrance.identify(Presented("token", secret), None)
            self.spaces[name] = Workspace(self.platform.table, LocalCaller(self.platform, identity), "here")
        self.ada, self.vera, self.abel, self.otto = (self.spaces[name] for name in ROLES)
        self.abel.policies.publish("extends: minimal\ntier: careful\ngates: {risks: {}}\n")
        self.table = questions(1500, since=JANUARY, until=APRIL, seed=1)
        self.ada.data.add("questions", self.table, key="id", event_time="asked_at", known_at="known_at")
        for name, fit in ((BASELINE, heuristic), (MODEL, real)):
            self.ada.charters.publish(name, {**CHARTER, "tier": "careful" if name == MODEL else "minimal"})
            model, columns = fit(self.table)
            version = self.ada.models.save(model, name, example=self.table.select(columns))
            self.evaluate(version.ref)

    def evaluate(self, ref=REF):
        return mw.evaluate(self.ada, ref, "questions@1", explain=False)

    def gate(self):
        return next(one for one in self.ada.gates.check(REF).gates if one.gate == "risks")

    def kinds(self):
        return [entry.envelope.kind for entry in self.abel.ledger.list(limit=1000).items]


@pytest.fixture
def team(tmp_path):
    made = Team(tmp_path)
    yield made
    made.platform.close()


def counted(evidence):
    return {one.risk: one for one in evidence.values.situations}


def test_a_published_register_is_a_version_that_never_changes(team):
    first = team.ada.risks.publish(register())
    assert (first.version, first.by) == (1, team.ids["ada"])
    assert team.ada.risks.publish(register()) == first
    second = team.vera.risks.publish(register(more=risk(when="z > 2")))
    assert second.version == 2
    assert second.authors == {"rare": team.ids["ada"], "more": team.ids["vera"]}
    assert [one.version for one in team.ada.risks.versions(MODEL)] == [2, 1]
    assert team.ada.risks.versions(MODEL)[1] == first
    assert team.kinds().count("risks.register_published") == 2


def test_checking_says_what_would_change_and_keeps_nothing(team):
    team.ada.risks.publish(register(gone=risk()))
    found = team.ada.risks.check(register(more=risk(), rare=risk(what="Something else.")))
    assert (found.version, found.against) == (2, REF)
    assert (found.added, found.changed, found.removed) == (("more",), ("rare",), ("gone",))
    assert len(team.ada.risks.versions(MODEL)) == 1


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"when": "speed > 3"}, "names speed, which late@1 does not take"),
        ({"when": "late == 1"}, "names late, which late@1 does not take"),
        ({"when": "x >"}, "position 4"),
        ({"when": "a.b > 1"}, "a.b is no column"),
        ({"residual": {"severity": 5, "likelihood": 5}}, "above the inherent"),
        ({"status": "mitigated"}, "names its guard"),
        ({"status": "accepted"}, "accepted"),
        ({"residual": {"severity": 6, "likelihood": 1}}, "5"),
        ({"guard": "shrug"}, "shrug"),
        ({"review_due": "someday"}, "date"),
    ],
)
def test_a_register_that_cannot_be_meant_is_refused_with_its_place(team, more, says):
    with pytest.raises(Invalid, match=says):
        team.ada.risks.publish(register(rare=risk(**more)))


def test_situations_are_counted_by_the_server_on_the_rows_of_the_evaluation(team):
    team.ada.risks.publish(register())
    evidence = team.ada.evidence.count_risks(REF)
    found = counted(evidence)["rare"]
    x, late = team.table["x"].to_numpy(), team.table["late"].to_numpy()
    inside = x > 1
    assert (found.matched, found.unknown) == (int(inside.sum()), 0)
    assert found.share.estimate == pytest.approx(inside.mean())
    scores = team.ada.models.load(REF)({name: team.table[name].to_numpy() for name in ("x", "z")})
    assert found.inside.n == inside.sum()
    assert found.inside.interval == auc_interval(late[inside], np.asarray(scores)[inside])
    assert found.rest.interval == auc_interval(late[~inside], np.asarray(scores)[~inside])
    assert evidence.package == team.ada.models.get(REF).package
    assert evidence.intact
    assert evidence in team.ada.evidence.list(REF)


def test_an_evaluation_counts_by_itself_and_few_rows_are_said_to_be_few(team):
    team.ada.risks.publish(register(few=risk(when="x > 2.5")))
    evidence = team.evaluate()[-1]
    found = counted(evidence)["few"]
    assert 0 < found.matched < 200
    assert found.inside.interval is None
    assert "fewer than the 200 asked for" in found.inside.reason
    assert team.ada.evidence.count_risks(REF) == evidence  # the same finding again is the one that is there


def test_a_column_that_no_version_takes_is_unknown_and_never_counted_as_none(team):
    other = {**register(odd=risk(when="speed > 3")), "model": "unborn"}
    team.ada.risks.publish(other)  # nobody can say yet what it will take
    model, columns = real(team.table)
    team.ada.charters.publish("unborn", {**CHARTER, "tier": "careful"})
    version = team.ada.models.save(model, "unborn", example=team.table.select(columns))
    found = counted(team.evaluate(version.ref)[-1])
    assert found["odd"].matched is None
    assert "no speed" in found["odd"].reason
    assert found["rare"].matched is not None
    team.otto  # noqa: B018  # owns it
    gate = next(one for one in team.ada.gates.check(version.ref).gates if one.gate == "risks")
    assert gate.verdict is Verdict.FAIL  # its residual score is too high, counted or not
    team.abel.risks.accept("unborn", "rare", "seen")
    team.abel.risks.accept("unborn", "odd", "seen")
    gate = next(one for one in team.ada.gates.check(version.ref).gates if one.gate == "risks")
    assert gate.verdict is Verdict.UNKNOWN
    assert "odd: has not been counted" in gate.reason


def test_the_gate_is_unknown_without_a_register_without_a_count_and_under_another_register(team):
    assert (team.gate().verdict, "no risk register" in team.gate().reason) == (Verdict.UNKNOWN, True)
    team.ada.risks.publish(register())
    assert (team.gate().verdict, "not counted" in team.gate().reason) == (Verdict.UNKNOWN, True)
    team.ada.evidence.count_risks(REF)
    assert team.gate().verdict is Verdict.FAIL
    team.ada.risks.publish(register(more=risk(when="z > 2")))
    assert (team.gate().verdict, "under register 1" in team.gate().reason) == (Verdict.UNKNOWN, True)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({}, "neither accepted nor mitigated"),
        ({"residual": {"severity": 1, "likelihood": 1}, "owner": None}, "no owner"),
        ({"residual": {"severity": 1, "likelihood": 1}, "review_due": "2020-01-01"}, "no review"),
        ({"residual": {"severity": 1, "likelihood": 1}, "review_due": None}, "no review"),
        ({"status": "mitigated", "evidence": "0" * 64}, "neither accepted nor mitigated"),
        ({"guard": "flag"}, "neither accepted nor mitigated"),
    ],
)
def test_a_risk_that_nobody_dealt_with_fails_the_gate(team, more, says):
    team.ada.risks.publish({"model": MODEL, "risks": {"rare": risk(**more)}})
    team.ada.evidence.count_risks(REF)
    assert team.gate().verdict is Verdict.FAIL
    assert says in team.gate().reason


def test_a_guard_or_evidence_of_this_very_version_mitigates(team):
    evaluation = next(one for one in team.ada.evidence.list(REF) if one.kind == "evaluation")
    for more in ({"guard": "flag"}, {"evidence": evaluation.digest}):
        team.ada.risks.publish(register(rare=risk(status="mitigated", **more)))
        team.ada.evidence.count_risks(REF)
        assert team.gate().verdict is Verdict.PASS, team.gate().reason


def test_a_risk_is_accepted_by_somebody_else_and_passes_until_it_reads_otherwise(team):
    team.ada.risks.publish(register())
    team.ada.evidence.count_risks(REF)
    judged = team.abel.risks.accept(MODEL, "rare", "we can bear it").judgement
    assert (judged.says, judged.by) == ("accept", team.ids["abel"])
    assert team.ada.risks.get(MODEL).state("rare") is State.ACCEPTED
    assert team.gate().verdict is Verdict.PASS
    team.vera.risks.reopen(MODEL, "rare", "we cannot")
    assert team.ada.risks.get(MODEL).state("rare") is State.OPEN
    assert team.gate().verdict is Verdict.FAIL
    team.abel.risks.close(MODEL, "rare", "those rows are gone")
    assert team.gate().verdict is Verdict.PASS
    assert [one.says for one in team.ada.risks.judgements(MODEL)] == ["close", "reopen", "accept"]
    team.ada.risks.publish(register(rare=risk(harms="Everybody.")))
    team.ada.evidence.count_risks(REF)
    assert team.ada.risks.get(MODEL).state("rare") is State.OPEN
    assert team.gate().verdict is Verdict.FAIL
    assert team.kinds().count("risks.risk_judged") == 3


def test_nobody_judges_a_risk_of_their_own_and_the_attempt_is_on_record(team):
    team.vera.risks.publish(register(mine=risk(owner="abel")))
    by_author = team.vera.risks.accept(MODEL, "rare", "it is fine")
    assert (by_author.judgement, "You wrote rare" in by_author.refused) == (None, True)
    by_owner = team.abel.risks.close(MODEL, "mine", "it is fine")
    assert (by_owner.judgement, "is abel's" in by_owner.refused) == (None, True)
    assert team.ada.risks.judgements(MODEL) == ()
    assert team.kinds().count("risks.judging_refused") == 2


def test_the_owner_may_be_a_group_and_its_members_do_not_judge(team):
    team.ada.risks.publish(register(rare=risk(owner="desk")))
    do(team.platform, "users.join", name="abel", groups=["desk"])
    assert "is desk's" in team.abel.risks.accept(MODEL, "rare", "it is fine").refused


def test_republishing_beside_a_risk_does_not_take_its_authorship(team):
    team.vera.risks.publish(register())
    team.ada.risks.publish(register(more=risk(when="z > 2")))
    assert team.vera.risks.accept(MODEL, "rare", "it is fine").judgement is None
    assert team.vera.risks.accept(MODEL, "more", "it is fine").judgement is not None


def test_who_may_not_judge_is_denied_and_what_is_not_there_is_not_found(team):
    with pytest.raises(NotFound, match="no risk register"):
        team.abel.risks.accept(MODEL, "rare", "it is fine")
    team.ada.risks.publish(register())
    with pytest.raises(Denied):
        team.ada.risks.accept(MODEL, "rare", "it is fine")
    with pytest.raises(Denied):
        team.otto.risks.publish(register())
    with pytest.raises(NotFound, match="has no risk"):
        team.abel.risks.accept(MODEL, "other", "it is fine")


def test_a_signature_dies_when_somebody_judges_a_risk_anew(team):
    team.abel.policies.publish("extends: minimal\ntier: careful\ngates: {risks: {}}\nsignoffs: [{role: approver}]\n")
    team.ada.risks.publish(register(rare=risk(residual={"severity": 1, "likelihood": 1})))
    team.ada.evidence.count_risks(REF)
    request = team.ada.approvals.request(REF, "better").request.id
    assert team.abel.approvals.sign(request, "approver", "looked at it").signature
    assert team.ada.gates.check(REF).allowed
    team.vera.risks.reopen(MODEL, "rare", "it is worse than that")
    assert not team.ada.gates.check(REF).allowed
    assert team.ada.approvals.get(request).state.value == "outdated"


def test_documents_say_the_words_as_attested_and_the_counts_as_computed(team):
    def fact():
        document = team.ada.documents.get(REF, "model_card")
        items = [item for section in document.sections for item in section.items if item.id == "risks"]
        return items[0].statements

    assert [one.state for one in fact()] == ["MISSING"]
    team.ada.risks.publish(register())
    assert [one.state for one in fact()] == ["ATTESTED", "MISSING"]
    team.ada.evidence.count_risks(REF)
    team.abel.risks.accept(MODEL, "rare", "we can bear it")
    said = fact()
    assert [one.state for one in said] == ["ATTESTED", "ATTESTED", "COMPUTED"]
    assert "x > 1" in said[0].text
    assert "we can bear it" in said[1].text
    assert "held-out rows of questions@1" in said[2].text


def test_without_login_nobody_accepts(tmp_path):
    platform = fresh_platform(tmp_path)
    alone = Workspace(platform.table, LocalCaller(platform), "here")
    alone.risks.publish({"model": "unborn", "risks": {"rare": risk()}})
    found = alone.risks.accept("unborn", "rare", "it is fine")
    assert (found.judgement, "Without login" in found.refused) == (None, True)
    platform.close()


def test_old_counts_do_not_count(team):
    team.abel.policies.publish("extends: minimal\ntier: careful\ngates: {risks: {evidence_max_age: 1d}}\n")
    team.ada.risks.publish(register(rare=risk(status="mitigated", guard="flag")))
    team.ada.evidence.count_risks(REF)
    assert team.gate().verdict is Verdict.PASS
    before = team.platform.units._clock  # the seam
    team.platform.units._clock = lambda: before() + timedelta(days=2)
    assert team.gate().verdict is Verdict.UNKNOWN
