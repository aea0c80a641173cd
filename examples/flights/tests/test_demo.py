"""What the demo tells while the platform acts by itself: of the real events, as the ledger has them."""

from datetime import UTC, datetime
from typing import Any

import demo
import msgspec
import pytest

from modelwright.alerts.model import AlertRaised, AlertRepeated, Severity
from modelwright.core.events import Event
from modelwright.core.guard import Action, Decision, GateResult, Transition, Verdict
from modelwright.governance.model import Policy, Rule, TransitionDecided
from modelwright.models.model import Task, VersionRegistered
from modelwright.pipelines.model import Cause, CauseKind, ExecutionEnded, ExecutionQueued, Status, TriggerDeclined
from modelwright.rollouts.model import (
    Comparison,
    Contender,
    Finding,
    Look,
    Outcome,
    RolloutConcluded,
    RolloutStarted,
    RolloutUnsigned,
    Terms,
)
from modelwright.rollouts.model import Verdict as Judgement

MAY = datetime(2013, 5, 2, tzinfo=UTC)
ID, DIGEST = "0" * 32, "0" * 64
ALARM = Cause(kind=CauseKind.ALARM, subject="delays", detail=ID)
SECOND: dict[str, Any] = {"model": "flight-delay", "version": 3, "package": DIGEST}
TERMS = Terms(metric="roc_auc", task=Task.BINARY, looks=("14d",), maturity="36h", margin=0.005)


def told(event: Event) -> str:
    """The line about an event."""
    return demo.told(str(type(event).__struct_config__.tag), msgspec.to_builtins(event))


def raised(severity: Severity) -> AlertRaised:
    """A model does worse, or something moved."""
    return AlertRaised(
        alert_id=ID, endpoint="delays", rule="performance", severity=severity, at=MAY, model="flight-delay", version=2,
        summary="AUC fell by 0.05.",
    )  # fmt: skip


def repeated() -> AlertRepeated:
    """It still does."""
    return AlertRepeated(
        alert_id=ID, endpoint="delays", rule="performance", severity=Severity.ALARM, at=MAY, model="flight-delay",
        version=2, summary="AUC fell by 0.05.",
    )  # fmt: skip


def decided(*verdicts: Verdict) -> TransitionDecided:
    """Gates have spoken."""
    gates = tuple(GateResult(gate="kpi", verdict=verdict, reason=f"kpi: {verdict}") for verdict in verdicts)
    return TransitionDecided(
        decision=Decision(
            transition=Transition(action=Action.CHALLENGE, target="delays", **SECOND),
            allowed=all(verdict.passes for verdict in verdicts), tier="minimal", policy=DIGEST, gates=gates,
        ),
        policy=Policy(tier="minimal", gates={"kpi": Rule(passes="true")}), charter=None,
    )  # fmt: skip


def look() -> Look:
    """A look that says promote."""
    seen = Comparison(
        since=None, until=MAY, as_of=MAY, answered=9, scored=9, failed=0, missing=0, labelled=9, days=1, differences=(),
    )  # fmt: skip
    return Look(
        number=1, finding=Finding(verdict=Judgement.PROMOTE, reasons=("It is better.",)), comparison=seen, at=MAY
    )


def ended(status: Status) -> ExecutionEnded:
    """A pipeline has run."""
    return ExecutionEnded(execution_id=ID, pipeline="retrain", status=status, result=None)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (raised(Severity.ALARM), "ALARM performance: AUC fell by 0.05."),
        (
            ExecutionQueued(execution_id=ID, pipeline="retrain", version=1, cause=ALARM, at=MAY, parameters=DIGEST),
            "retrain starts, on what was known at 2013-05-02, because of alarm",
        ),
        (
            TriggerDeclined(pipeline="retrain", cause=ALARM, at=MAY, reason="It started 3 days ago."),
            "retrain does not start: It started 3 days ago.",
        ),
        (ended(Status.FAILED), f"retrain failed; why: modelwright pipeline show {ID}"),
        (
            VersionRegistered(flavour="sklearn", run_id=None, data=(), source=None, reason="", **SECOND),
            "flight-delay@3 was trained",
        ),
        (decided(Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN), "refused by the gates: kpi: FAIL; kpi: UNKNOWN"),
        (
            RolloutStarted(
                rollout_id=ID, endpoint="delays", generation=1, terms=TERMS, policy=DIGEST, cause="",
                answering=Contender(model="flight-delay", version=2, package=DIGEST), **SECOND,
            ),
            "flight-delay@3 runs in the shadow of version 2",
        ),
        (
            RolloutUnsigned(
                rollout_id=ID, endpoint="delays", look=look(),
                model="flight-delay", version=3,
            ),
            "flight-delay@3 is to be promoted, and waits for signatures",
        ),
        (
            RolloutConcluded(
                rollout_id=ID, endpoint="delays", generation=1, outcome=Outcome.PROMOTED, reasons=("It is better.",),
                comparison=None, **SECOND,
            ),
            "flight-delay@3 PROMOTED: It is better.",
        ),
    ],
    ids=lambda case: type(case).__name__ if isinstance(case, Event) else "",
)  # fmt: skip
def test_what_happens_by_itself_is_told_on_one_line(event: Event, line: str) -> None:
    """Alarm, retraining, shadow, promotion, and what stops any of them."""
    assert told(event) == line


@pytest.mark.parametrize(
    "event",
    [raised(Severity.INFORM), repeated(), ended(Status.SUCCEEDED), decided(Verdict.PASS, Verdict.ATTESTED)],
    ids=lambda case: type(case).__name__,
)
def test_what_went_as_it_should_or_only_moved_is_not(event: Event) -> None:
    """The report has it."""
    assert not told(event)


def test_what_an_earlier_demo_made_is_removed_and_nothing_else(tmp_path: Any) -> None:
    """A folder of somebody's own stays as it is."""
    own, made = tmp_path / "own", tmp_path / "made"
    own.mkdir()
    (own / "thesis.txt").write_text("mine")
    with pytest.raises(SystemExit, match="no demo made it"):
        demo.fresh(own)
    assert (own / "thesis.txt").read_text() == "mine"
    demo.fresh(made)
    (made / "project").mkdir()
    demo.fresh(made)
    assert [path.name for path in made.iterdir()] == [demo.MARKER]
