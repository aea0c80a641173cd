"""Gates at every phase: what a model is for, what it learns from, that it is trained, where it answers, that it ends."""

from datetime import timedelta

import pyarrow as pa
import pytest
from msgspec.structs import replace

import modelwright as mw
from modelwright.approvals.model import State
from modelwright.approvals.repository import ApprovalRepository, signatures
from modelwright.core.errors import Conflict, Corrupted, Denied, Invalid, NotFound, Refused
from modelwright.core.guard import Verdict
from modelwright.core.ids import new_id
from support.challenge import APRIL
from support.life import BASELINE, CHARTER, questions, real
from support.people import do
from support.phases import DATA, MODEL, POLICY, Team


@pytest.fixture
def team(tmp_path):
    made = Team(tmp_path)
    yield made
    made.platform.close()


def test_nothing_is_registered_until_charter_data_and_training_are_signed(team):
    with pytest.raises(Refused, match="may not be registered") as refused:
        team.register()
    assert set(team.reasons(refused.value.decision)) == {
        "phase-charter.approver",
        "phase-data.validator",
        "phase-training.approver",
    }
    assert "modelwright approval request late --phase data --dataset questions --reason WHY" in refused.value.remedy
    assert [model.name for model in team.ada.models.list().items] == [BASELINE]
    for phase, subject in (("charter", None), ("data", DATA)):
        team.signed(phase, subject)
        with pytest.raises(Refused):
            team.register()
    team.signed("training")
    assert team.register().version == 1


def test_only_an_approver_lets_a_charter_ask_fewer_people(team):
    with pytest.raises(Denied, match="The tier of late is careful, and minimal asks fewer people to sign"):
        team.carl.charters.publish(MODEL, {**CHARTER, "tier": "minimal"})
    assert team.carl.charters.get(MODEL).charter.tier == "careful"
    assert team.abel.charters.publish(MODEL, {**CHARTER, "tier": "minimal"}).charter.tier == "minimal"
    assert team.carl.charters.publish(MODEL, {**CHARTER, "tier": "careful"}).charter.tier == "careful"


def test_a_tier_that_asks_as_many_people_but_nowhere_that_matters_asks_fewer(team):
    team.abel.policies.publish(POLICY.replace("careful", "nowhere").replace("}]", ", at: [elsewhere]}]"))
    with pytest.raises(Denied, match="nowhere asks fewer people to sign"):
        team.carl.charters.publish(MODEL, {**CHARTER, "tier": "nowhere"})
    narrow = POLICY.replace("careful", "narrow").replace("application: [{role: approver}]", "application: []")
    team.abel.policies.publish(narrow + "signoffs: [{role: approver, at: [champion, lateness]}]\n")
    team.abel.policies.publish(narrow.replace("narrow", "less") + "signoffs: [{role: approver, at: [champion]}]\n")
    team.abel.charters.publish(MODEL, {**CHARTER, "tier": "less"})
    assert team.carl.charters.publish(MODEL, {**CHARTER, "tier": "narrow"}).charter.tier == "narrow"
    with pytest.raises(Denied, match="less asks fewer people to sign"):
        team.carl.charters.publish(MODEL, {**CHARTER, "tier": "less"})


def test_a_refusal_to_register_is_on_record_though_it_is_an_error(team):
    with pytest.raises(Refused):
        team.register()
    [decided] = team.ada.gates.decisions(MODEL)
    assert (decided.decision.transition.action, decided.decision.allowed) == ("register", False)
    assert [pin.ref for pin in decided.decision.transition.data] == [f"{DATA}@1"]
    [entry] = do(team.platform, "ledger.list", kind="governance.transition_decided").items
    assert entry.envelope.body["decision"]["transition"]["action"] == "register"
    assert do(team.platform, "ledger.verify").intact
    [run] = team.ada.runs.list().items
    assert run.status == "failed"


def test_what_was_refused_may_be_tried_again_under_its_key(team):
    sent = team.ada.models._caller.upload(b"{}")
    with mw.run(MODEL, workspace=team.ada) as run:
        mw.dataset(f"{DATA}@1").arrow()
    file = {"path": "lookup.json", "digest": sent.digest, "size": sent.size}

    def register():
        inputs = {"columns": [{"name": "x", "dtype": "float64"}]}
        return team.ada.models.register(
            MODEL, "lookup", "regression", inputs, [file], run_id=run.id, idempotency_key="the same"
        )

    for _ in range(2):
        with pytest.raises(Refused):
            register()
    assert len(team.ada.gates.decisions(MODEL)) == 2
    for phase, subject in (("charter", None), ("data", DATA), ("training", None)):
        team.signed(phase, subject)
    assert register() == register()
    assert len(team.ada.gates.decisions(MODEL)) == 3


def test_where_no_phase_asks_nothing_is_decided_and_nothing_recorded(team):
    table = team.table.select(["x", "z"])
    team.ada.models.save(real(team.table)[0], "free", example=table)
    assert team.ada.gates.decisions("free") == ()


@pytest.mark.parametrize(
    ("phase", "subject", "did"),
    [
        ("charter", None, "published the charter of"),
        ("data", DATA, "published the charter of"),
        ("training", None, "published the charter of"),
        ("retirement", None, "published the charter of"),
    ],
)
def test_who_wrote_the_charter_signs_no_phase_of_it(team, phase, subject, did):
    request = team.nina.approvals.request_phase(MODEL, phase, "it is time", subject).request.id
    came = team.ada.approvals.sign(request, "validator" if phase == "data" else "approver", "good, believe me")
    assert came.refused == f"You {did} late, and nobody signs their own work."
    [entry] = do(team.platform, "ledger.list", kind="approvals.signing_refused").items
    assert (entry.envelope.actor_id, entry.envelope.body["why"]) == (team.ids["ada"], "author")


def test_who_committed_the_data_does_not_say_that_it_may_be_used(team):
    more = questions(100, since=APRIL, until=APRIL + timedelta(days=3), seed=2)
    do(team.platform, "grants.add", role="contributor", project="default", user="vera")
    team.space("vera").data.add(DATA, pa.concat_tables([team.table, more]), key="id", event_time="asked_at")
    came = team.vera.approvals.sign(team.asked("data", DATA), "validator", "mine is good")
    assert came.refused == "You committed the data of late, and nobody signs their own work."


def test_who_asks_does_not_answer(team):
    request = team.nina.approvals.request_phase(MODEL, "charter", "please").request.id
    came = team.nina.approvals.sign(request, "approver", "as I said")
    assert came.refused == "You asked about late, and nobody signs their own work."
    assert team.abel.approvals.sign(request, "approver", "it is clear").signature


def test_who_asks_does_not_answer_however_much_else_they_ask(team):
    request = team.nina.approvals.request_phase(MODEL, "application", "please", "champion")
    with team.platform.records.writing() as rows:
        for number in range(1000):
            basis = replace(request.request.basis, subject=f"elsewhere-{number}")
            ApprovalRepository().add(rows, "default", replace(request.request, id=new_id(), basis=basis))
    came = team.nina.approvals.sign(request.request.id, "approver", "as I said")
    assert came.refused == "You asked about late, and nobody signs their own work."


def test_neither_a_service_account_nor_an_admin_signs_a_phase(team):
    request = team.asked("charter")
    assert "do not sign as approver" in team.bot.approvals.sign(request, "approver", "beep").refused
    with pytest.raises(Denied):
        team.space("root").approvals.sign(request, "approver", "I am root")
    with pytest.raises(Invalid, match="cannot be an admin and sign"):
        do(team.platform, "grants.add", role="approver", project="*", user="root")


def test_a_change_of_columns_ends_the_use_of_a_dataset_and_newer_rows_do_not(team):
    version = team.made()
    more = questions(100, since=APRIL, until=APRIL + timedelta(days=3), seed=2)
    daily = pa.concat_tables([team.table, more])
    names = {"key": "id", "event_time": "asked_at", "known_at": "known_at"}
    team.ada.data.add(DATA, daily, **names)
    assert team.register(f"{DATA}@2").version == 2
    team.ada.data.add(DATA, daily.append_column("postcode", pa.array(["x"] * daily.num_rows)), **names)
    with pytest.raises(Refused) as refused:
        team.register(f"{DATA}@3")
    assert "covers another schema" in team.reasons(refused.value.decision)["phase-data.validator"]
    team.signed("data", DATA)
    assert team.register(f"{DATA}@3").version == 3
    team.signed("application", "champion")
    assert team.ada.models.set_alias(version.ref, "champion").allowed  # it learnt from what was signed for


def test_another_charter_or_policy_ends_what_was_signed(team):
    team.signed("charter")
    request = team.asked("training")
    team.charter(decision="warn nobody")
    assert team.ada.approvals.get(request).state is State.OUTDATED
    with pytest.raises(Conflict, match="is outdated") as over:
        team.abel.approvals.sign(request, "approver", "too late")
    assert over.value.remedy == "Ask anew: modelwright approval request late --phase training --reason WHY"
    with pytest.raises(Refused) as refused:
        team.register()
    assert "covers another charter" in team.reasons(refused.value.decision)["phase-charter.approver"]
    team.signed("charter")
    team.abel.policies.publish(POLICY + "after: {recheck: 7d}\n")
    with pytest.raises(Refused, match="covers another policy"):
        team.register()


def test_a_new_application_waits_for_somebody_and_an_old_one_does_not(team):
    version = team.made()
    refused = team.otto.endpoints.deploy("lateness", version.ref).decision
    assert set(team.reasons(refused)) == {"phase-application.approver"}
    assert "--phase application --target lateness" in refused.gates[-1].remedy
    team.signed("application", "lateness")
    assert team.otto.endpoints.deploy("lateness", version.ref).decision.allowed
    team.abel.approvals.revoke(team.ada.approvals.list("all").items[0].signatures[-1].id)
    again = team.register()
    mw.evaluate(team.ada, again.ref, f"{DATA}@1", explain=False)
    assert team.otto.endpoints.deploy("lateness", again.ref).decision.allowed
    assert not team.otto.endpoints.deploy("elsewhere", again.ref).decision.allowed
    assert not team.ada.models.set_alias(again.ref, "champion").allowed


def test_what_was_registered_before_the_policy_asked_does_not_slip_by(team):
    team.charter(tier="minimal")
    version = team.register()
    mw.evaluate(team.ada, version.ref, f"{DATA}@1", explain=False)
    assert team.otto.endpoints.deploy("lateness", version.ref).decision.allowed
    team.charter()
    mw.evaluate(team.ada, version.ref, f"{DATA}@1", explain=False)
    refused = team.otto.endpoints.deploy("elsewhere", version.ref).decision
    assert {"phase-charter.approver", "phase-data.validator", "phase-application.approver"} == set(
        team.reasons(refused)
    )


def test_going_back_to_what_answered_needs_no_phase(team):
    first = team.made()
    team.signed("application", "lateness")
    assert team.otto.endpoints.deploy("lateness", first.ref).decision.allowed
    second = team.register()
    mw.evaluate(team.ada, second.ref, f"{DATA}@1", explain=False)
    assert team.otto.endpoints.deploy("lateness", second.ref).decision.allowed
    team.charter(decision="warn nobody")
    back = team.otto.endpoints.rollback("lateness")
    assert [gate.gate for gate in back.decision.gates] == ["served-before"]
    assert back.decision.allowed


def test_a_shadow_is_no_application_but_learns_from_data_all_the_same(team):
    version = team.made()
    team.signed("application", "lateness")
    assert team.otto.endpoints.deploy("lateness", version.ref).decision.allowed
    challenger = team.register()
    mw.evaluate(team.ada, challenger.ref, f"{DATA}@1", explain=False)
    data = team.vera.approvals.list("all").items
    [use] = [one for one in data if one.request.basis.phase == "data"]
    team.vera.approvals.revoke(use.signatures[0].id)
    assert set(team.reasons(team.otto.rollouts.start("lateness", challenger.ref).decision)) == {"phase-data.validator"}
    team.signed("data", DATA)
    assert team.otto.rollouts.start("lateness", challenger.ref).decision.allowed


def test_what_is_not_said_to_be_made_of_anything_is_not_registered(team):
    for phase, subject in (("charter", None), ("data", DATA), ("training", None)):
        team.signed(phase, subject)

    def save():
        return team.ada.models.save(real(team.table)[0], MODEL, example=team.table.select(["x", "z"]))

    with pytest.raises(Refused, match="not on record which data"):
        save()
    team.abel.policies.publish("extends: minimal\ntier: careful\nphases: {data: []}\n")
    assert save().version == 1


def test_a_simulation_knows_the_phases(team):
    version = team.made()
    team.signed("application", "lateness")
    assert team.otto.endpoints.deploy("lateness", version.ref).decision.allowed
    found = team.ada.policies.simulate(POLICY.replace("application: [{role: approver}]", "application: []"))
    assert [(one.transition.towards, one.allowed, one.would) for one in found] == [
        ("registered", True, False),
        ("lateness", True, False),
    ]
    assert all(any(reason.startswith("phase-charter.approver") for reason in one.reasons) for one in found)
    assert [one.would for one in team.ada.policies.simulate(POLICY)] == [True, True]
    assert len(team.ada.gates.decisions(MODEL)) == 2


def test_what_cannot_be_asked_is_said(team):
    with pytest.raises(NotFound, match="no dataset"):
        team.ada.approvals.request_phase(MODEL, "data", "please", "nothing")
    with pytest.raises(NotFound, match="no charter"):
        team.ada.approvals.request_phase("unknown", "training", "please")
    for phase, subject in (("data", None), ("application", None), ("charter", "questions")):
        with pytest.raises(Invalid):
            team.ada.approvals.request_phase(MODEL, phase, "please", subject)
    team.charter(tier="minimal")
    with pytest.raises(Invalid, match="asks for no signature in the phase training"):
        team.ada.approvals.request_phase(MODEL, "training", "please")


def test_the_same_is_asked_once_and_a_refusal_stops_it(team):
    request = team.asked("charter")
    assert team.asked("charter") == request
    assert [one.request.id for one in team.abel.approvals.list().items] == [request]
    refusal = team.abel.approvals.refuse(request, "approver", "nobody needs it").signature
    assert team.ada.approvals.get(request).state is State.REFUSED
    with pytest.raises(Refused, match="Somebody refused as approver"):
        team.register()
    team.abel.approvals.revoke(refusal.id)
    assert team.ada.approvals.get(request).state is State.OPEN


def test_a_signature_of_a_phase_that_was_altered_is_found(team):
    team.signed("charter")
    from msgspec.structs import replace

    with team.platform.records.writing() as rows:
        for row in rows.execute(signatures.select()).all():
            forged = replace(row.body, signature=replace(row.body.signature, by=team.ids["otto"]))
            rows.execute(signatures.update().where(signatures.c.id == row.id).values(body=forged))
    with pytest.raises(Corrupted, match="not what was signed"):
        team.register()


def test_it_is_seen_how_each_phase_stands(team):
    def stands():
        return {(one.phase.value, one.subject): one.state for one in team.otto.gates.phases(MODEL)}

    team.signed("charter")
    assert stands() == {
        ("charter", None): "passed",
        ("data", None): "waiting",
        ("training", None): "waiting",
        ("application", None): "waiting",
        ("retirement", None): "waiting",
    }
    for phase, subject in (("data", DATA), ("training", None)):
        team.signed(phase, subject)
    version = team.register()
    mw.evaluate(team.ada, version.ref, f"{DATA}@1", explain=False)
    assert not team.otto.endpoints.deploy("lateness", version.ref).decision.allowed
    team.abel.approvals.refuse(team.asked("application", "lateness"), "approver", "not there")
    found = {(one.phase.value, one.subject): one for one in team.otto.gates.phases(MODEL)}
    assert found["data", DATA].state == "passed"
    assert [signed.by for signed in found["data", DATA].signatures] == [team.ids["vera"]]
    assert found["application", "lateness"].state == "refused"
    assert {one.state for one in team.otto.gates.phases(BASELINE)} == {"not asked"}
    with pytest.raises(NotFound, match="no charter"):
        team.otto.gates.phases("unknown")


def test_each_gate_of_a_phase_is_attested_by_who_signed(team):
    version = team.made()
    decision = team.ada.gates.check(version.ref)
    said = {gate.gate: gate for gate in decision.gates if gate.gate.startswith("phase-")}
    assert said["phase-charter.approver"].verdict is Verdict.ATTESTED
    assert said["phase-data.validator"].reason.startswith("The use of questions for late: 1 validator signed")
    assert said["phase-application.approver"].verdict is Verdict.UNKNOWN


def test_a_phase_does_not_show_as_counting_what_was_signed_for_its_author(team):
    do(team.platform, "users.add", name="dora", kind="simulated")
    team.nina.delegations.add("dora", "approver", 1, "at sea")
    request, dora = team.asked("charter"), team.space("dora")
    assert dora.approvals.sign(request, "approver", "hers", on_behalf_of="nina").signature
    [charter] = [one for one in team.ada.gates.phases(MODEL) if one.phase == "charter"]
    assert (charter.state, len(charter.signatures)) == ("passed", 1)
    team.nina.charters.publish(MODEL, {**CHARTER, "tier": "careful", "business_case": "it pays"})
    [charter] = [one for one in team.ada.gates.phases(MODEL) if one.phase == "charter"]
    assert (charter.state, charter.signatures) == ("waiting", ())
