"""A challenger's way: started through the guard, judged at its looks on event time, promoted or refused or stopped."""

from contextlib import closing
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from modelwright.app.connect import Workspace
from modelwright.app.home import Home
from modelwright.app.reactions import Call
from modelwright.app.workspace import LocalCaller, Platform
from modelwright.core import wire
from modelwright.core.errors import Conflict, Invalid, NotFound
from modelwright.core.guard import Action, Decision, GateResult, Verdict
from modelwright.jobs.worker import Worker
from modelwright.models.lookup import Lookup
from modelwright.pipelines.model import Definition
from modelwright.predictions.layout import segment_folder
from modelwright.predictions.model import Kind, LabelBatch, PredictionBatch, encode, microseconds
from modelwright.predictions.segments import SegmentWriter
from modelwright.rollouts.model import Outcome
from modelwright.serving import publication

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BEGAN = datetime(2013, 4, 1, tzinfo=UTC)
LOOKS = ("10d", "20d")
DAY = 40
"""Requests a day."""


class Clock:
    now = NOW

    def __call__(self):
        return self.now


class Gatekeeper:
    """A guard that refuses the actions it is told to, for want of signatures alone where it is told so."""

    def __init__(self):
        self.refused = set()
        self.unsigned = False
        self.lacks = "signed-off.approver"
        self.asked = []

    def __call__(self, unit, transition):
        self.asked.append(transition.action)
        return self.decide(unit, transition)

    def decide(self, unit, transition):
        allowed = transition.action not in self.refused
        gate = GateResult(
            gate=self.lacks if self.unsigned else "kpi",
            verdict=Verdict.PASS if allowed else Verdict.UNKNOWN if self.unsigned else Verdict.FAIL,
            reason="as the test says",
            remedy="none",
        )
        return Decision(transition=transition, allowed=allowed, tier="minimal", policy="0" * 64, gates=(gate,))


class Endpoint:
    """An endpoint that answers, with whatever is in its shadow; events on days from ``BEGAN`` on."""

    def __init__(self, folder):
        self.clock, self.guard = Clock(), Gatekeeper()
        self.platform = Platform(Home(folder / ".modelwright").open(create=True), clock=self.clock)
        for noun in ("endpoints", "rollouts", "models"):
            self.platform.services[noun]._guard = self.guard
        self.ws = Workspace(self.platform.table, LocalCaller(self.platform), "here")
        self.first, self.second, self.third = (self.save(rate) for rate in (0.2, 0.4, 0.6))
        self.ws.endpoints.deploy("delays", self.first.ref)
        self.rng = np.random.default_rng(5)
        self.number = 0
        self.answer(days=(-1, 0))

    def save(self, rate):
        return self.ws.models.save(
            Lookup(["carrier"], {("UA",): rate}, otherwise=0.25), "delay", example={"carrier": ["UA"]}
        )

    def start(self, version=None, **given):
        given = {"looks": LOOKS, "maturity": "1d"} | given
        return self.ws.rollouts.start("delays", (version or self.second).ref, **given)

    def answer(self, *, days, of=None, better=0.0, labelled=1.0, mirrored=1.0, failing=0.0, slow_us=900):
        """Requests of some days: what was answered, what the challenger said, and what came a day later."""
        self.clock.now += timedelta(seconds=100)  # nothing is still on its way
        count = DAY * (days[1] - days[0])
        at = [BEGAN + timedelta(days=days[0]) + timedelta(days=1) * row / DAY for row in range(count)]
        ids = [f"{self.number + row:032x}" for row in range(count)]
        self.number += count
        truth = self.rng.normal(size=count)
        labels = (self.rng.uniform(size=count) < 1 / (1 + np.exp(-2 * truth))).astype(float)
        said = 1 / (1 + np.exp(-truth - self.rng.normal(0, 1.5, count)))
        noise = {-1: 4.0, 0: 1.5, 1: 0.1}[int(np.sign(better))]
        shadow = 1 / (1 + np.exp(-truth - self.rng.normal(0, noise, count)))
        shadow[: int(failing * count)] = np.nan
        self._write(Kind.PREDICTIONS, self._batches(self.first, ids, at, said, 500))
        if of is not None:
            kept = int(mirrored * count)
            self._write(Kind.SHADOWS, self._batches(of, ids[:kept], at[:kept], shadow[:kept], slow_us))
        known = int(labelled * count)
        self._write(
            Kind.LABELS,
            [
                LabelBatch(
                    endpoint="delays",
                    ids=ids[:known],
                    values=labels[:known].tolist(),
                    known_at=[microseconds(moment + timedelta(hours=20)) for moment in at[:known]],
                    recorded_at=microseconds(self.clock.now),
                )
            ],
        )
        self.clock.now += timedelta(seconds=100)

    def _batches(self, version, ids, at, outputs, latency_us):
        return [
            PredictionBatch(
                endpoint="delays",
                model="delay",
                version=version.version,
                package=version.package,
                generation=1,
                received_at=microseconds(self.clock.now) + row,
                latency_us=latency_us,
                ids=[ids[row]],
                event_at=[microseconds(at[row])],
                inputs={"carrier": ["UA"]},
                outputs=[float(outputs[row])],
            )
            for row in range(len(ids))
        ]

    def _write(self, kind, batches):
        with SegmentWriter(segment_folder(self.platform.home.log, "delays", kind), "w") as writer:
            writer.append(*map(encode, batches))

    def judge(self):
        return self.ws.rollouts.judge("delays")

    def events(self):
        entries = sorted(self.ws.ledger.list(limit=1000).items, key=lambda entry: entry.envelope.seq)
        return [entry.envelope.kind for entry in entries if "rollout" in entry.envelope.kind]

    def published(self):
        path = publication.routes_path(self.platform.home.folder)
        return publication.read(path, self.platform.keys.public).lookup("delays")


@pytest.fixture
def endpoint(tmp_path):
    one = Endpoint(tmp_path)
    with closing(one.platform):
        yield one


def test_a_challenger_that_passes_the_gates_is_published_with_the_route(endpoint):
    started = endpoint.start(cause="alarm 7")
    assert started.decision.allowed
    assert endpoint.guard.asked[-1] is Action.CHALLENGE
    rollout = started.rollout
    assert (rollout.answering.ref, rollout.challenger.ref, rollout.cause) == ("delay@1", "delay@2", "alarm 7")
    assert BEGAN - timedelta(hours=1) < rollout.began_at < BEGAN
    route = endpoint.published()
    assert (route.ref, route.shadow.ref, route.shadow.package.digest) == ("delay@1", "delay@2", endpoint.second.package)
    assert endpoint.events() == ["rollouts.started"]


def test_a_refused_challenger_gets_reasons_and_no_shadow(endpoint):
    endpoint.guard.refused.add(Action.CHALLENGE)
    started = endpoint.start()
    assert (started.rollout, started.decision.reasons) == (None, ["kpi: as the test says"])
    assert endpoint.published().challenger is None
    with pytest.raises(NotFound, match="no rollout"):
        endpoint.ws.rollouts.standing("delays")


def test_one_rollout_runs_at_a_time_and_the_same_again_is_the_same(endpoint):
    rollout = endpoint.start().rollout
    again = endpoint.start()
    assert (again.decision, again.rollout) == (None, rollout)
    with pytest.raises(Conflict, match=r"delay@2 challenges delay@1"):
        endpoint.start(endpoint.third)


def test_what_answers_cannot_challenge_itself(endpoint):
    with pytest.raises(Conflict, match="answers with delay@1 already"):
        endpoint.start(endpoint.first)


@pytest.mark.parametrize(
    "given",
    [
        {"looks": ()},
        {"looks": ("48h", "1d")},
        {"looks": ("0s",)},
        {"looks": ("soon",)},
        {"maturity": "-1d"},
        {"margin": -0.1},
    ],
)
def test_terms_that_cannot_be_kept_are_refused(endpoint, given):
    with pytest.raises(Invalid):
        endpoint.start(**given)


def test_nothing_is_judged_before_a_look_is_due_and_its_labels_are_there(endpoint):
    rollout = endpoint.start().rollout
    endpoint.answer(days=(0, 10), of=endpoint.second, better=1)
    assert endpoint.judge() == rollout
    standing = endpoint.ws.rollouts.standing("delays")
    assert "Waits for look 1 at the event time 2013-04-1" in standing.waiting
    assert (standing.present.labelled, standing.present.failed, standing.present.missing) == (360, 0, 0)
    endpoint.answer(days=(10, 13), of=endpoint.second, better=1)
    assert endpoint.judge().outcome is Outcome.PROMOTED


def test_a_look_waits_for_its_labels(endpoint):
    rollout = endpoint.start().rollout
    endpoint.answer(days=(0, 13), of=endpoint.second, better=1, labelled=0.5)
    assert endpoint.judge() == rollout
    assert "until 80% of its pairs have a label" in endpoint.ws.rollouts.standing("delays").waiting


def test_a_better_challenger_takes_over_with_its_alias_in_the_same_stroke(endpoint):
    endpoint.start()
    endpoint.answer(days=(0, 13), of=endpoint.second, better=1)
    over = endpoint.judge()
    assert (over.outcome, len(over.looks)) == (Outcome.PROMOTED, 1)
    assert "It is better: roc_auc" in over.reasons[0]
    current = endpoint.ws.endpoints.get("delays").current
    assert (current.version, over.id in current.reason) == (2, True)
    assert endpoint.ws.models.get("delay@champion").version == 2
    assert (endpoint.published().ref, endpoint.published().challenger) == ("delay@2", None)
    assert endpoint.events() == ["rollouts.started", "rollouts.concluded"]
    assert endpoint.judge() == over, "judging again changes nothing"


def test_a_worse_challenger_is_refused_and_the_reasons_have_the_numbers(endpoint):
    endpoint.start()
    endpoint.answer(days=(0, 13), of=endpoint.second, better=-1)
    over = endpoint.judge()
    assert over.outcome is Outcome.REFUSED
    assert over.reasons[0].startswith("It is worse: roc_auc 0.")
    assert endpoint.ws.endpoints.get("delays").current.version == 1
    assert endpoint.published().challenger is None
    kpi = over.comparison.differences[0]
    assert kpi.better.high < 0
    assert kpi.better.level == 0.975


def test_an_undecided_challenger_gets_its_second_look_and_then_the_answering_version_stays(endpoint):
    endpoint.start()
    endpoint.answer(days=(0, 12), of=endpoint.second)
    assert (endpoint.judge().outcome, len(endpoint.judge().looks)) == (None, 1)
    assert endpoint.published().challenger is not None
    endpoint.answer(days=(12, 23), of=endpoint.second)
    over = endpoint.judge()
    assert (over.outcome, len(over.looks)) == (Outcome.REFUSED, 2)
    assert "last look" in over.reasons[-1]
    assert over.comparison.days == 20
    assert endpoint.events() == ["rollouts.started", "rollouts.looked", "rollouts.concluded"]


def test_the_guard_has_the_last_word(endpoint):
    endpoint.start()
    endpoint.guard.refused.add(Action.DEPLOY)
    endpoint.answer(days=(0, 13), of=endpoint.second, better=1)
    over = endpoint.judge()
    assert over.outcome is Outcome.REFUSED
    assert over.reasons == ("It is better, but the gates refuse it. kpi: as the test says",)
    with pytest.raises(NotFound):
        endpoint.ws.models.get("delay@champion")


def unsigned(endpoint, lacks="signed-off.approver"):
    """A challenger that is better, and lacks nothing but signatures."""
    endpoint.start()
    endpoint.guard.unsigned, endpoint.guard.lacks = True, lacks
    endpoint.guard.refused.add(Action.DEPLOY)
    endpoint.answer(days=(0, 13), of=endpoint.second, better=1)
    waiting = endpoint.judge()
    assert (waiting.outcome, waiting.state, len(waiting.looks)) == (None, "unsigned", 1)
    return waiting


def test_a_better_challenger_that_lacks_signatures_waits_for_them_in_the_shadow(endpoint):
    waiting = unsigned(endpoint)
    assert endpoint.judge() == waiting
    assert endpoint.guard.asked.count(Action.DEPLOY) == 2  # to begin with, and at the look: waiting asks nothing
    assert "waited for signatures" in endpoint.ws.rollouts.standing("delays").waiting
    assert endpoint.published().challenger is not None
    endpoint.guard.refused.clear()
    over = endpoint.judge()
    assert (over.outcome, len(over.looks), endpoint.ws.models.get("delay@champion").version) == (
        Outcome.PROMOTED,
        1,
        2,
    )
    assert endpoint.events() == ["rollouts.started", "rollouts.unsigned", "rollouts.concluded"]


@pytest.mark.parametrize(
    ("lacks", "asked"),
    [
        ("signed-off.approver", {"approvals.request": {"ref": "delay@2"}}),
        (
            "phase-application.approver",
            {"approvals.request_phase": {"model": "delay", "phase": "application", "subject": "delays"}},
        ),
        ("phase-charter.approver", {"approvals.request_phase": {"model": "delay", "phase": "charter"}}),
        ("phase-data.validator", {}),
    ],
)
def test_people_are_asked_for_the_very_signatures_that_it_lacks(endpoint, lacks, asked):
    unsigned(endpoint, lacks)
    calls = [wire.decode(message.body, Call) for message in endpoint.platform.outbox.due(100)]
    assert {
        call.operation: {name: value for name, value in call.arguments.items() if name != "reason"}
        for call in calls
        if call.operation.startswith("approvals.")
    } == asked


def test_what_nobody_can_sign_is_not_waited_for(endpoint):
    """It is not on record which data it was made of."""
    endpoint.start()
    endpoint.guard.unsigned, endpoint.guard.lacks = True, "phase-data"
    endpoint.guard.refused.add(Action.DEPLOY)
    endpoint.answer(days=(0, 13), of=endpoint.second, better=1)
    assert endpoint.judge().outcome == "refused"


def test_what_a_signer_refuses_is_refused(endpoint):
    unsigned(endpoint)
    endpoint.guard.unsigned = False
    assert endpoint.judge().outcome is Outcome.REFUSED


def test_signatures_are_not_waited_for_for_ever(endpoint):
    unsigned(endpoint)
    endpoint.clock.now += timedelta(days=31)
    over = endpoint.judge()
    assert over.outcome is Outcome.REFUSED
    assert over.reasons[0].startswith("Nobody signed it within 30 days. signed-off.approver")


def test_a_challenger_that_waits_for_signatures_keeps_to_its_limits(endpoint):
    unsigned(endpoint)
    endpoint.answer(days=(13, 20), of=endpoint.second, failing=0.5)
    assert endpoint.judge().outcome is None
    endpoint.guard.refused.clear()
    over = endpoint.judge()
    assert (over.outcome, endpoint.ws.endpoints.get("delays").current.version) == (Outcome.REFUSED, 1)


def test_an_alias_that_the_guard_keeps_is_told(endpoint):
    endpoint.start()
    endpoint.guard.refused.add(Action.SET_ALIAS)
    endpoint.answer(days=(0, 13), of=endpoint.second, better=1)
    over = endpoint.judge()
    assert over.outcome is Outcome.PROMOTED
    assert over.reasons[-1] == "The alias champion stays where it was. kpi: as the test says"


def test_a_challenger_that_fails_is_refused_at_once(endpoint):
    endpoint.start()
    endpoint.answer(days=(0, 4), of=endpoint.second, failing=0.2)
    over = endpoint.judge()
    assert (over.outcome, over.looks) == (Outcome.REFUSED, ())
    assert over.reasons[0].startswith("It could not score 32 of 160 rows (20.0%, surely more than 1.0%)")


def test_a_challenger_that_is_never_heard_of_is_refused(endpoint):
    endpoint.start()
    endpoint.answer(days=(0, 4))
    assert "never saw 160 of 160 rows" in endpoint.judge().reasons[0]


def test_a_challenger_that_sees_too_little_is_refused(endpoint):
    endpoint.start()
    endpoint.answer(days=(0, 6), of=endpoint.second, mirrored=0.5)
    assert "never saw" in endpoint.judge().reasons[0]


def test_a_challenger_slower_than_the_charter_allows_is_refused(endpoint):
    charter = {
        "question": "Late?",
        "decision": "hold",
        "kpi": {"metric": "roc_auc", "at_least": 0.6},
        "label": {"column": "late", "known_after": "36h"},
        "owners": {"business": "desk", "technical": "science"},
        "limits": {"latency_p99_ms": 20},
    }
    endpoint.ws.charters.publish("delay", charter)
    rollout = endpoint.start(maturity=None).rollout
    assert (rollout.terms.maturity, rollout.terms.latency_p99_ms) == ("36h", 20)
    endpoint.answer(days=(0, 13), of=endpoint.second, slow_us=25_000)
    assert endpoint.judge().reasons == ("The slowest hundredth of its calls takes 25.0 ms; the charter allows 20.",)


def test_moving_the_endpoint_by_hand_stops_its_rollout_in_the_same_stroke(endpoint):
    endpoint.start()
    moved = endpoint.ws.endpoints.deploy("delays", endpoint.third.ref)
    [over] = endpoint.ws.rollouts.list("delays").items
    assert (over.outcome, over.reasons) == (Outcome.STOPPED, ("delays was moved to delay@3 meanwhile.",))
    assert endpoint.platform.publisher.publish() == moved.generation
    endpoint.start()
    endpoint.ws.endpoints.rollback("delays")
    assert endpoint.ws.rollouts.list("delays").items[0].outcome is Outcome.STOPPED


def test_a_move_that_moves_nothing_stops_nothing(endpoint):
    rollout = endpoint.start().rollout
    endpoint.ws.endpoints.deploy("delays", endpoint.first.ref)
    endpoint.guard.refused.add(Action.DEPLOY)
    endpoint.ws.endpoints.deploy("delays", endpoint.third.ref)
    assert endpoint.ws.rollouts.list().items == [rollout]


def test_a_rollout_is_stopped_with_a_reason_and_another_may_begin(endpoint):
    endpoint.start()
    over = endpoint.ws.rollouts.stop("delays", "no need")
    assert (over.outcome, over.reasons, endpoint.published().challenger) == (Outcome.STOPPED, ("no need",), None)
    assert endpoint.ws.rollouts.stop("delays", "again") == over
    second = endpoint.start(endpoint.third).rollout
    assert [each.id for each in endpoint.ws.rollouts.list("delays").items] == [second.id, over.id]
    assert endpoint.ws.rollouts.get(over.id) == over
    page = endpoint.ws.rollouts.list(limit=1)
    assert [each.id for each in endpoint.ws.rollouts.list(limit=1, after=page.next).items] == [over.id]


def test_shadows_are_no_answers(endpoint):
    endpoint.start()
    endpoint.answer(days=(0, 2), of=endpoint.second)
    counts = endpoint.ws.predictions.counts("delays")
    assert (counts.answered, counts.by_version, counts.duplicates) == (3 * DAY, {"delay@1": 3 * DAY}, 0)


def test_shadows_are_shipped_and_still_paired(endpoint):
    from modelwright.predictions.shipper import LEASE, ship

    endpoint.start()
    endpoint.answer(days=(0, 13), of=endpoint.second, better=1)
    before = endpoint.ws.rollouts.standing("delays").present
    lease = endpoint.platform.queue.acquire(LEASE, "test", timedelta(minutes=1))
    shipped = ship(endpoint.platform.log, endpoint.platform.blobs, endpoint.platform.queue, lease)
    assert shipped.rows == 13 * DAY * 3 + 2 * DAY
    assert endpoint.ws.rollouts.standing("delays").present == before
    assert endpoint.judge().outcome is Outcome.PROMOTED


@pytest.mark.parametrize("stroke", ["start", "conclusion"])
def test_routes_that_a_killed_process_did_not_publish_are_published_by_the_job_worker(endpoint, monkeypatch, stroke):
    if stroke == "conclusion":
        endpoint.start()
        endpoint.answer(days=(0, 13), of=endpoint.second, better=1)
    monkeypatch.setattr(endpoint.platform.publisher, "hasten", lambda: None)  # killed between commit and publication
    before = endpoint.published()
    endpoint.start() if stroke == "start" else endpoint.judge()
    assert endpoint.published() == before
    Worker(endpoint.platform, "w").turn()
    assert (endpoint.published().ref, endpoint.published().challenger is None) == (
        ("delay@1", False) if stroke == "start" else ("delay@2", True)
    )


def test_the_job_worker_judges_what_is_due(endpoint):
    endpoint.start()
    endpoint.answer(days=(0, 13), of=endpoint.second, better=1)
    Worker(endpoint.platform, "w").turn()
    [over] = endpoint.ws.rollouts.list().items
    assert (over.outcome, over.concluded_by) == (Outcome.PROMOTED, "rollouts")


def test_a_conclusion_that_fails_half_way_has_not_begun(endpoint, monkeypatch):
    rollout = endpoint.start().rollout
    endpoint.answer(days=(0, 13), of=endpoint.second, better=1)
    with monkeypatch.context() as broken:
        broken.setattr(endpoint.platform.services["models"], "set_alias", fails)
        with pytest.raises(RuntimeError):
            endpoint.judge()
    assert endpoint.ws.rollouts.list().items == [rollout]
    assert endpoint.ws.endpoints.get("delays").current.version == 1
    assert endpoint.judge().outcome is Outcome.PROMOTED


def fails(*_):
    raise RuntimeError("killed here")


def test_whoever_judges_second_finds_it_judged(endpoint, monkeypatch):
    endpoint.start()
    endpoint.answer(days=(0, 13), of=endpoint.second, better=1)
    service = endpoint.platform.services["rollouts"]
    monkeypatch.setattr(service, "_watch", meanwhile(service._watch, lambda: endpoint.ws.rollouts.stop("delays")))
    over = endpoint.judge()
    assert over.outcome is Outcome.STOPPED
    assert endpoint.ws.endpoints.get("delays").current.version == 1


def meanwhile(function, act):
    """The function, after which something else happens."""

    def done(*args):
        answer = function(*args)
        act()
        return answer

    return done


def test_while_a_challenger_is_judged_an_alarm_of_its_endpoint_starts_no_other(endpoint):
    """The next one could not challenge."""
    digest = endpoint.platform.blobs.put(b"source").digest
    given = {"entry": "pipeline:retrain", "source": digest, "environment": digest}
    endpoint.ws.pipelines.define("retrain", Definition(**given, triggers=("alarm:delays",)))
    endpoint.start()
    declined = endpoint.ws.pipelines.trigger("alarm", "delays", BEGAN)
    assert [one.reason for one in declined.declined] == [
        "delays has delay@2 in its shadow, and waits for what comes of it."
    ]
    assert endpoint.ws.pipelines.trigger("alarm", "other", BEGAN).declined == ()
    endpoint.ws.rollouts.stop("delays")
    assert [one.pipeline for one in endpoint.ws.pipelines.trigger("alarm", "delays", BEGAN).started] == ["retrain"]


def test_while_a_challenger_is_judged_new_data_starts_what_waits_for_it(endpoint):
    digest = endpoint.platform.blobs.put(b"source").digest
    given = {"entry": "pipeline:retrain", "source": digest, "environment": digest}
    endpoint.ws.pipelines.define("retrain", Definition(**given, triggers=("data:flights",)))
    endpoint.start()
    assert endpoint.ws.pipelines.trigger("data", "flights", BEGAN).started
