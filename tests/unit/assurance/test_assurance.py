"""What answers is judged again by the policy in force, and what goes against the gates is undone in time."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

import modelwright as mw
from modelwright.alerts.model import AlertState, Rule
from modelwright.app.connect import Workspace
from modelwright.app.home import Home
from modelwright.app.reactions import start_pipelines_on_alarm
from modelwright.app.workspace import LocalCaller, Platform
from modelwright.assurance.model import Ending
from modelwright.core.clock import utc_now
from modelwright.core.errors import Conflict, Denied, NotFound
from modelwright.core.events import Actor, ActorKind
from modelwright.core.identity import Identity
from modelwright.core.operation import Table
from modelwright.governance.repository import decisions, evidence
from modelwright.jobs.assurance import EVERY_SECONDS, Assurer
from modelwright.jobs.leasing import Leases
from support.life import APRIL, BASELINE, CHARTER, ENDPOINT, JANUARY, MODEL, heuristic, questions, real, weak


class Clock:
    now = utc_now()

    def __call__(self):
        return self.now


class House:
    """An endpoint that answers with a version that passed; a second version nobody has evaluated."""

    def __init__(self, folder):
        self.clock = Clock()
        self.platform = Platform(Home(folder / ".modelwright").open(create=True), clock=self.clock)
        self.ws = Workspace(self.platform.table, LocalCaller(self.platform), "here")
        table = questions(1500, since=JANUARY, until=APRIL, seed=1)
        self.ws.data.add("questions", table, key="id", event_time="asked_at", known_at="known_at")
        for name, fit in ((BASELINE, heuristic), (MODEL, real), (MODEL, weak)):
            self.ws.charters.publish(name, CHARTER)
            model, columns = fit(table)
            self.ws.models.save(model, name, example=table.select(columns))
        self.evaluate(f"{BASELINE}@1")
        self.evaluate(f"{MODEL}@1")
        assert self.ws.endpoints.deploy(ENDPOINT, f"{MODEL}@1").decision.allowed

    def evaluate(self, ref):
        mw.evaluate(self.ws, ref, "questions@1", explain=False)

    def policy(self, on_fail="alert", kpi="e.score.low >= kpi.threshold", **more):
        text = f"extends: minimal\ngates:\n  kpi: {{pass: '{kpi}'}}\nafter: {{recheck: 1d, on_fail: {on_fail}}}\n"
        self.ws.policies.publish(text + "".join(f"{name}: {value}\n" for name, value in more.items()))

    def later(self, **span):
        self.clock.now += timedelta(**span)

    def answers(self):
        current = self.ws.endpoints.get(ENDPOINT).current
        return current.model, current.version

    def alarms(self, rule, which="open"):
        return [one for one in self.ws.alerts.list(which=which).items if one.rule is rule]

    def entries(self, *prefixes):
        found = [entry.envelope.kind for entry in self.ws.ledger.list(limit=1000).items]
        return [kind for kind in reversed(found) if kind.startswith(prefixes)]

    def by_itself(self, operation, **arguments):
        """The same, by a service."""
        table: Table = self.platform.table
        what = table.get(operation)
        identity = Identity(actor=Actor(id="robot", kind=ActorKind.SERVICE), grants=frozenset({what.permission}))
        return self.platform.run(what, what.bind((), arguments), identity=identity)


@pytest.fixture
def house(tmp_path):
    made = House(tmp_path)
    yield made
    made.platform.close()


IMPOSSIBLE = "e.score.low >= 0.999"


def test_what_is_due_is_judged_once_in_its_time(house):
    house.policy()
    assert house.ws.rechecks.run() == ()
    house.later(days=1)
    [found] = house.ws.rechecks.run()
    assert (found.endpoint, found.passes, found.reasons, found.frozen) == (ENDPOINT, True, (), False)
    assert house.ws.rechecks.run() == ()
    assert house.ws.rechecks.list() == (found,)


def test_what_passes_no_more_raises_one_alarm_that_ends_when_it_passes_again(house):
    house.policy(kpi=IMPOSSIBLE)
    [failed] = house.ws.rechecks.run(ENDPOINT)
    assert not failed.passes
    assert failed.reasons[0].startswith("kpi: ")
    assert (failed.did, house.answers()) == ("An alarm was raised.", (MODEL, 1))
    house.later(days=1)
    [again] = house.ws.rechecks.run()
    assert again.failing_since == failed.at
    [alarm] = house.alarms(Rule.GATES)
    assert alarm.finding.details == failed.reasons
    house.policy()
    assert house.ws.rechecks.run(ENDPOINT)[0].passes
    assert house.alarms(Rule.GATES) == []
    assert [one.state for one in house.alarms(Rule.GATES, "all")] == [AlertState.RESOLVED]
    assert house.entries("assurance.") == ["assurance.failed", "assurance.passed"]


def test_evidence_that_grew_old_is_found(house):
    house.policy()
    house.later(days=91)
    [found] = house.ws.rechecks.run()
    assert not found.passes
    assert any("90d" in reason for reason in found.reasons)


def test_an_alarm_that_people_have_to_see_to_starts_no_training(house):
    house.policy(kpi=IMPOSSIBLE)
    house.ws.rechecks.run(ENDPOINT)
    [alarm] = house.alarms(Rule.GATES)
    assert list(start_pipelines_on_alarm(alarm.telling, house.clock.now)) == []


def test_a_frozen_endpoint_is_moved_by_people_alone(house):
    house.policy(on_fail="freeze", kpi=IMPOSSIBLE)
    assert house.ws.rechecks.run(ENDPOINT)[0].frozen
    house.policy(on_fail="freeze")
    house.evaluate(f"{BASELINE}@1")
    refused = house.by_itself("endpoints.deploy", endpoint=ENDPOINT, ref=f"{BASELINE}@1").decision
    assert "frozen" in [gate.gate for gate in refused.gates if not gate.verdict.passes]
    with_people = house.ws.endpoints.deploy(ENDPOINT, f"{BASELINE}@1").decision
    assert "frozen" not in [gate.gate for gate in with_people.gates]


def test_a_recheck_that_passes_thaws(house):
    house.policy(on_fail="freeze", kpi=IMPOSSIBLE)
    house.ws.rechecks.run(ENDPOINT)
    house.policy(on_fail="freeze")
    assert not house.ws.rechecks.run(ENDPOINT)[0].frozen
    assert house.by_itself("endpoints.deploy", endpoint=ENDPOINT, ref=f"{MODEL}@1").decision.allowed


def test_where_the_policy_says_so_the_endpoint_goes_back_to_the_newest_version_that_passes(house):
    table = questions(1500, since=JANUARY, until=APRIL, seed=1)
    model, columns = real(table)
    house.ws.models.save(model, MODEL, example=table.select(columns))
    house.evaluate(f"{MODEL}@3")
    assert house.ws.endpoints.deploy(ENDPOINT, f"{MODEL}@3").decision.allowed
    house.policy(on_fail="rollback", kpi="e.score.low >= kpi.threshold")
    house.later(days=60)
    house.evaluate(f"{MODEL}@1")  # what is old is known anew, what answers is not
    house.later(days=31)
    [found] = house.ws.rechecks.run()
    assert (found.did, house.answers()) == (f"It went back to {MODEL}@1.", (MODEL, 1))
    house.later(days=1)
    [present] = house.ws.rechecks.run()
    assert (present.version, present.passes) == (1, True)


def test_where_nothing_earlier_passes_it_stays_and_is_frozen(house):
    house.policy(on_fail="rollback", kpi=IMPOSSIBLE)
    [found] = house.ws.rechecks.run(ENDPOINT)
    assert (found.did, found.frozen) == ("No earlier version passes, so it was frozen.", True)
    assert house.answers() == (MODEL, 1)


def test_a_policy_without_it_is_never_checked_by_itself(house):
    house.ws.policies.publish("extends: minimal\nafter: null\n")
    house.later(days=400)
    assert house.ws.rechecks.run() == ()
    assert len(house.ws.rechecks.run(ENDPOINT)) == 1


def test_somebody_who_breaks_the_glass_is_on_record_and_it_is_undone_by_itself(house):
    assert not house.ws.endpoints.deploy(ENDPOINT, f"{MODEL}@2").decision.allowed
    emergency = house.ws.emergencies.deploy(ENDPOINT, f"{MODEL}@2", "the first answers nonsense")
    assert (house.answers(), emergency.instead_of) == ((MODEL, 2), f"{MODEL}@1")
    assert any(reason.startswith("kpi: ") for reason in emergency.refused)
    [decided] = house.ws.gates.decisions(MODEL, limit=1)
    assert (decided.decision.allowed, decided.decision.against_the_gates) == (True, True)
    [alarm] = house.alarms(Rule.EMERGENCY)
    assert "the first answers nonsense" in alarm.finding.details
    assert house.ws.emergencies.settle() == ()
    house.later(hours=72)
    [over] = house.ws.emergencies.settle()
    assert (over.ending, house.answers(), house.alarms(Rule.EMERGENCY)) == (Ending.EXPIRED, (MODEL, 1), [])
    assert house.entries("assurance.", "serving.") == [
        "serving.endpoint_moved",
        "assurance.emergency_begun",
        "serving.endpoint_moved",
        "serving.endpoint_moved",
        "assurance.emergency_ended",
    ]
    assert "nonsense" not in str([entry.envelope for entry in house.ws.ledger.list(limit=1000).items])


def test_what_answered_in_an_emergency_has_not_served_before(house):
    house.ws.emergencies.deploy(ENDPOINT, f"{MODEL}@2", "for an hour")
    assert house.ws.emergencies.end(ENDPOINT).ending is Ending.ENDED
    assert house.answers() == (MODEL, 1)
    assert not house.ws.endpoints.rollback(ENDPOINT, 2).decision.allowed
    with pytest.raises(NotFound):
        house.ws.emergencies.end(ENDPOINT)


def test_what_passes_by_the_time_stays(house):
    house.ws.emergencies.deploy(ENDPOINT, f"{MODEL}@2", "for now")
    house.evaluate(f"{MODEL}@2")
    lenient = "kpi: {pass: 'e.score.low >= 0'}\n  baseline: {pass: 'e.delta.low >= -1'}"
    house.ws.policies.publish(f"extends: minimal\ngates:\n  {lenient}\n")
    house.later(hours=72)
    [over] = house.ws.emergencies.settle()
    assert (over.ending, house.answers(), house.alarms(Rule.EMERGENCY)) == (Ending.PASSED, (MODEL, 2), [])


def test_who_moves_the_endpoint_ends_the_emergency(house):
    house.ws.emergencies.deploy(ENDPOINT, f"{MODEL}@2", "for now")
    assert house.ws.endpoints.deploy(ENDPOINT, f"{MODEL}@1").decision.allowed
    [over] = house.ws.emergencies.settle()
    assert (over.ending, house.answers()) == (Ending.MOVED, (MODEL, 1))


def test_the_glass_is_broken_for_what_the_gates_refuse_alone_and_where_the_policy_knows_it(house):
    with pytest.raises(Conflict, match="answers with"):
        house.ws.emergencies.deploy(ENDPOINT, f"{MODEL}@1", "why not")
    with pytest.raises(NotFound):
        house.ws.emergencies.deploy("nothing-yet", f"{MODEL}@2", "to begin with")
    house.ws.emergencies.deploy(ENDPOINT, f"{MODEL}@2", "once")
    with pytest.raises(Conflict, match="lasts at"):
        house.ws.emergencies.deploy(ENDPOINT, f"{BASELINE}@1", "twice")
    house.ws.emergencies.end(ENDPOINT)
    house.policy(emergency="null")
    with pytest.raises(Denied, match="knows no emergency"):
        house.ws.emergencies.deploy(ENDPOINT, f"{MODEL}@2", "thrice")


def test_the_job_worker_sees_to_both(house, monkeypatch):
    house.policy(kpi=IMPOSSIBLE)
    house.later(days=1)
    job = Assurer(house.platform, Leases(house.platform.queue, "worker"))
    assert job.turn()
    assert len(house.alarms(Rule.GATES)) == 1
    assert not job.turn(), f"it looks each {EVERY_SECONDS:g} s"
    [recorded] = [e.envelope for e in house.ws.ledger.list(kind="assurance.failed").items]
    assert (recorded.actor_id, recorded.actor_kind) == ("assurance", "service")


def test_a_policy_is_tried_on_what_was_asked_last_before_it_is_in_force(house):
    found = house.ws.policies.simulate(f"extends: minimal\ngates:\n  kpi: {{pass: '{IMPOSSIBLE}'}}\n")
    [one] = [each for each in found if each.transition.target == ENDPOINT]
    assert (one.allowed, one.would) == (True, False)
    assert one.reasons[0].startswith("kpi: ")
    assert house.ws.policies.simulate("extends: high\n") == ()  # no model is of that tier
    assert house.ws.policies.list()[0].version == 0


def test_a_gate_is_asked_where_the_policy_says(house):
    house.ws.policies.publish(f"extends: minimal\ngates:\n  kpi: {{pass: '{IMPOSSIBLE}', at: [champion, prod-*]}}\n")
    assert house.ws.gates.check(f"{MODEL}@1", "candidate").allowed
    assert not house.ws.gates.check(f"{MODEL}@1", "champion").allowed
    assert house.ws.endpoints.deploy("staging", f"{MODEL}@1").decision.allowed
    assert not house.ws.endpoints.deploy("prod-eu", f"{MODEL}@1").decision.allowed
    house.ws.policies.publish(
        "extends: minimal\ngates:\n"
        + "".join(f"  {gate}: {{at: [champion]}}\n" for gate in ("contract", "baseline", "kpi"))
    )
    nowhere = house.ws.gates.check(f"{MODEL}@1", "candidate")
    assert not nowhere.allowed
    assert nowhere.reasons == ["policy: No gate of the tier minimal is asked at candidate."]


def turn(house):
    """What the job worker does."""
    return Assurer(house.platform, Leases(house.platform.queue, "worker")).turn()


def another(house, version=3):
    """A further version that passes."""
    table = questions(1500, since=JANUARY, until=APRIL, seed=1)
    model, columns = real(table)
    house.ws.models.save(model, MODEL, example=table.select(columns))
    house.evaluate(f"{MODEL}@{version}")


def test_the_worker_thaws_what_passes_again(house):
    house.policy(on_fail="freeze", kpi=IMPOSSIBLE)
    house.later(days=1)
    assert turn(house)
    house.policy(on_fail="freeze")
    house.later(days=1)
    turn(house)
    [found] = house.ws.rechecks.list()
    assert (found.passes, found.frozen, found.reasons) == (True, False, ())


def test_the_worker_goes_back_later_when_something_earlier_passes_by_then(house):
    another(house)
    assert house.ws.endpoints.deploy(ENDPOINT, f"{MODEL}@3").decision.allowed
    house.policy(on_fail="rollback")
    house.later(days=91)
    turn(house)
    assert house.ws.rechecks.list()[0].frozen
    house.evaluate(f"{BASELINE}@1")
    house.evaluate(f"{MODEL}@1")
    house.later(days=1)
    turn(house)
    assert (house.ws.rechecks.list()[0].did, house.answers()) == (f"It went back to {MODEL}@1.", (MODEL, 1))


def test_only_a_person_with_a_credential_of_their_own_breaks_the_glass(house):
    with pytest.raises(Denied, match="Only a person"):
        house.by_itself("emergencies.deploy", endpoint=ENDPOINT, ref=f"{MODEL}@2", reason="cron says so")
    given = Identity(actor=Actor(id="ada"), grants=frozenset({"*"}), own=False)
    space = Workspace(house.platform.table, LocalCaller(house.platform, given), "here")
    with pytest.raises(Denied, match="Only a person"):
        space.emergencies.deploy(ENDPOINT, f"{MODEL}@2", "in her name")


def test_what_the_house_runs_by_itself_is_a_service(house, monkeypatch):
    monkeypatch.setenv("MODELWRIGHT_ACTING", "pipelines")
    acting = house.platform.identity(None, None).actor
    assert (acting.id, acting.kind) == ("pipelines", ActorKind.SERVICE)


def test_the_glass_is_whole_again_for_whoever_comes_after(house):
    house.ws.emergencies.deploy(ENDPOINT, f"{MODEL}@2", "now")
    assert house.ws.endpoints.deploy(ENDPOINT, f"{MODEL}@1").decision.allowed
    house.later(seconds=1)
    assert not house.ws.endpoints.deploy(ENDPOINT, f"{MODEL}@2").decision.allowed


def test_where_what_answered_before_may_not_answer_again_it_goes_further_back(house):
    house.ws.emergencies.deploy(ENDPOINT, f"{MODEL}@2", "one")
    house.evaluate(f"{MODEL}@2")
    lenient = "kpi: {pass: 'e.score.low >= 0'}\n  baseline: {pass: 'e.delta.low >= -1'}"
    house.ws.policies.publish(f"extends: minimal\ngates:\n  {lenient}\n")
    house.later(hours=72)
    assert house.ws.emergencies.settle()[0].ending is Ending.PASSED
    house.ws.policies.publish("extends: minimal\n")
    table = questions(1500, since=JANUARY, until=APRIL, seed=2)
    model, columns = weak(table)
    house.ws.models.save(model, MODEL, example=table.select(columns))
    house.ws.emergencies.deploy(ENDPOINT, f"{MODEL}@3", "two")
    house.later(hours=72)
    [over] = house.ws.emergencies.settle()
    assert (over.ending, house.answers()) == (Ending.EXPIRED, (MODEL, 1))
    house.ws.emergencies.deploy(ENDPOINT, f"{MODEL}@3", "three")
    house.later(days=100)  # all evidence is too old by now
    with house.platform.records.writing() as rows:
        rows.execute(decisions.delete())
    [stuck] = house.ws.emergencies.settle()
    assert (stuck.ending, house.answers()) == (Ending.STUCK, (MODEL, 3))
    assert len(house.alarms(Rule.GATES)) == 1


def test_what_cannot_be_judged_does_not_pass_and_keeps_no_other_waiting(house):
    another(house)
    for name, version in (("other", 1), (ENDPOINT, 3)):
        assert house.ws.endpoints.deploy(name, f"{MODEL}@{version}").decision.allowed
    with house.platform.records.writing() as rows:
        for row in rows.execute(evidence.select().where(evidence.c.version == 3)).all():
            altered = replace(row.body, made_by=replace(row.body.made_by, id="x"))
            rows.execute(evidence.update().where(evidence.c.digest == row.digest).values(body=altered))
    house.later(days=1)
    assert turn(house)
    found = {one.endpoint: one for one in house.ws.rechecks.list()}
    assert found["other"].passes
    assert found[ENDPOINT].reasons[0].startswith("It cannot be judged: ")


def test_an_alarm_of_what_people_have_to_see_to_is_not_waved_away(house):
    house.ws.emergencies.deploy(ENDPOINT, f"{MODEL}@2", "one")
    [alarm] = house.alarms(Rule.EMERGENCY)
    with pytest.raises(Conflict, match="ends when its reason does"):
        house.ws.alerts.resolve(alarm.id)


def test_what_was_said_of_what_answered_before_is_over_when_somebody_moves_the_endpoint(house):
    house.policy(kpi=IMPOSSIBLE)
    house.ws.rechecks.run(ENDPOINT)
    house.policy()
    another(house)
    assert house.ws.endpoints.deploy(ENDPOINT, f"{MODEL}@3").decision.allowed
    assert house.alarms(Rule.GATES) == []


def test_a_simulation_is_not_misled_by_what_served_before(house):
    another(house)
    house.ws.endpoints.deploy(ENDPOINT, f"{MODEL}@3")
    house.ws.endpoints.rollback(ENDPOINT)
    text = f"extends: minimal\ngates:\n  kpi: {{pass: '{IMPOSSIBLE}'}}\n"
    assert [one.would for one in house.ws.policies.simulate(text)] == [False]


class Pointing:
    """The same house, in which ``champion`` points at the second version that passes."""

    def __init__(self, house):
        self.house, self.ws, self.version = house, house.ws, 3
        another(house)
        for ref in (f"{MODEL}@1", f"{MODEL}@3"):
            assert self.ws.models.set_alias(ref, "champion").allowed

    def champion(self):
        return self.ws.models.get(f"{MODEL}@champion").version

    def run(self, name=MODEL):
        return {one.alias: one for one in self.ws.rechecks.run_aliases(name)}["champion"]


@pytest.fixture
def pointing(house):
    return Pointing(house)


def test_what_an_alias_points_at_is_judged_as_often_as_the_policy_says(pointing):
    house = pointing.house
    house.ws.policies.publish("extends: minimal\nafter: null\n")
    assert house.ws.rechecks.run_aliases() == ()
    assert len(house.ws.rechecks.run_aliases(MODEL)) == 1
    house.later(days=1)
    house.policy()
    [found] = house.ws.rechecks.run_aliases()
    assert (found.model, found.alias, found.ref, found.passes) == (
        MODEL,
        "champion",
        f"{MODEL}@{pointing.version}",
        True,
    )
    assert house.ws.rechecks.run_aliases() == ()
    assert house.ws.rechecks.aliases() == (found,)
    house.later(days=1)
    assert [one.alias for one in house.ws.rechecks.run_aliases()] == ["champion"]
    with pytest.raises(NotFound):
        house.ws.rechecks.run_aliases("nothing-such")


def test_an_alias_that_passes_no_more_raises_one_alarm_that_ends_when_it_passes_or_is_moved(pointing):
    house = pointing.house
    house.policy(kpi=IMPOSSIBLE)
    failed = pointing.run()
    assert (failed.passes, failed.did, pointing.champion()) == (False, "An alarm was raised.", pointing.version)
    house.later(days=1)
    assert pointing.run().failing_since == failed.at
    [alarm] = house.alarms(Rule.GATES)
    assert (alarm.alias, alarm.version, alarm.finding.details) == ("champion", pointing.version, failed.reasons)
    assert "which is champion" in alarm.finding.summary
    house.policy()
    assert pointing.run().passes
    assert house.alarms(Rule.GATES) == []
    house.policy(kpi=IMPOSSIBLE)
    pointing.run()
    house.policy()
    assert house.ws.models.set_alias(f"{MODEL}@1", "champion").allowed
    assert pointing.run().version == 1
    assert house.alarms(Rule.GATES) == []
    assert house.entries("assurance.alias") == [
        "assurance.alias_failed",
        "assurance.alias_passed",
        "assurance.alias_failed",
    ]


def test_alarms_of_an_endpoint_and_of_an_alias_of_the_same_name_are_two(pointing):
    house = pointing.house
    assert house.ws.endpoints.deploy(MODEL, f"{MODEL}@{pointing.version}").decision.allowed
    house.policy(kpi=IMPOSSIBLE)
    house.ws.rechecks.run(MODEL)
    pointing.run()
    assert sorted(str(one.alias) for one in house.alarms(Rule.GATES)) == ["None", "champion"]
    house.policy()
    house.ws.rechecks.run(MODEL)
    assert [one.alias for one in house.alarms(Rule.GATES)] == ["champion"]


def test_the_alarm_of_an_alias_is_not_shown_at_an_endpoint_of_its_models_name(pointing):
    house = pointing.house
    assert house.ws.endpoints.deploy(MODEL, f"{MODEL}@{pointing.version}").decision.allowed
    house.policy(kpi=IMPOSSIBLE)
    pointing.run()
    assert [one.alias for one in house.alarms(Rule.GATES)] == ["champion"]
    assert house.ws.alerts.list(endpoint=MODEL, which="all").items == []
    house.ws.rechecks.run(MODEL)
    assert [one.alias for one in house.ws.alerts.list(endpoint=MODEL).items] == [None]


def test_nothing_that_runs_by_itself_moves_a_frozen_alias_and_people_do(pointing):
    house = pointing.house
    house.policy("freeze", kpi=IMPOSSIBLE)
    assert pointing.run().frozen
    house.policy()
    refused = house.by_itself("models.set_alias", ref=f"{MODEL}@1", alias="champion")
    assert [gate.gate for gate in refused.gates if not gate.verdict.passes] == ["frozen"]
    assert house.by_itself("models.set_alias", ref=f"{MODEL}@1", alias="another").allowed
    assert pointing.champion() == pointing.version
    assert house.ws.models.set_alias(f"{MODEL}@1", "champion").allowed
    assert house.by_itself("models.set_alias", ref=f"{MODEL}@{pointing.version}", alias="champion").allowed


def test_an_alias_goes_back_to_the_newest_earlier_version_that_passes(pointing):
    house = pointing.house
    house.policy("rollback")
    house.later(days=60)
    house.evaluate(f"{MODEL}@1")  # what is old is known anew, what is champion is not
    house.later(days=31)
    found = pointing.run()
    assert (found.did, pointing.champion()) == (f"It went back to {MODEL}@1.", 1)  # version 2 has no evidence
    assert house.alarms(Rule.GATES) == []
    assert pointing.run().passes


def test_where_no_earlier_version_passes_the_alias_stays_and_is_frozen(pointing):
    house = pointing.house
    house.policy("rollback", kpi=IMPOSSIBLE)
    for _ in range(2):
        found = pointing.run()
        assert (found.frozen, found.did) == (True, "No earlier version passes, so it was frozen.")
    assert pointing.champion() == pointing.version
    assert len(house.alarms(Rule.GATES)) == 1


def test_of_a_retired_model_no_alias_is_judged_and_its_alarms_end(pointing):
    house = pointing.house
    house.policy("rollback", kpi=IMPOSSIBLE)
    pointing.run()
    [alarm] = house.alarms(Rule.GATES)
    house.ws.endpoints.retire(ENDPOINT, "nobody asks any more")
    assert house.ws.models.retire(MODEL, "nobody asks any more").retirement
    house.later(days=2)
    assert house.ws.rechecks.run_aliases() == ()
    assert house.ws.rechecks.run_aliases(MODEL) == ()
    assert (alarm.alias, house.alarms(Rule.GATES), pointing.champion()) == ("champion", [], pointing.version)
    house.ws.models.reinstate(MODEL)
    assert not pointing.run().passes
    assert len(house.alarms(Rule.GATES)) == 1


def test_the_job_worker_judges_aliases(pointing):
    house = pointing.house
    house.policy("freeze", kpi=IMPOSSIBLE)
    assurer = Assurer(house.platform, Leases(house.platform.queue, "worker"))
    assert assurer.turn()
    [found] = house.ws.rechecks.aliases()
    assert found.frozen
