"""LAW: the charter's KPI is the only one. Who changes it changes what gates, monitors, rollouts and pages judge by.

Nothing else is touched in between: no monitor is configured, no policy published, no version registered.
"""

from datetime import timedelta
from itertools import count
from typing import Any, NamedTuple

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

from modelwright.alerts.model import Rule
from modelwright.app.workspace import LocalCaller
from modelwright.core.guard import Verdict
from modelwright.governance.evaluation import written_scores
from modelwright.monitoring.repository import MonitorRepository
from modelwright.ui.page import Ask
from modelwright.ui.pages.standing import standing
from support import watched
from support.watched import DAYS, ENDPOINT, MODEL, NOW

VALUE = {"currency": "EUR", "true_positive": 50, "false_positive": -20}
FIRST = range(50, 80)
NEXT = range(80, 110)


class Judged(NamedTuple):
    """What each of those who judge by the KPI say at one moment."""

    gate: str
    reason: str
    note: Any
    alarms: list[Any]
    page: Any
    terms: Any
    effect: Any


def judged(made: Any, days: range) -> Judged:
    """Let the version be evaluated, answer about some days and be watched; then ask everybody."""
    ws = watched.workspace(made)
    for version in (1, 2):
        scores = np.concatenate([watched.rows(day)["score"] for day in range(DAYS)])
        ws.evidence.evaluate(f"{MODEL}@{version}", "history@1", LocalCaller(made).upload(written_scores(scores)))
    watched.answered(made, days)
    watched.ran(made)
    gates = {gate.gate: gate for gate in ws.gates.check(f"{MODEL}@1").gates}
    ask = Ask(ws, {}, {}, NOW)
    started = ws.rollouts.start(ENDPOINT, f"{MODEL}@2")
    terms = started.rollout and started.rollout.terms
    if started.rollout is not None:
        ws.rollouts.stop(ENDPOINT, reason="enough seen")
    return Judged(
        gate=gates["kpi"].verdict,
        reason=gates["kpi"].reason,
        note=ws.monitors.get(ENDPOINT).references[0],
        alarms=[alert for alert in ws.alerts.list(endpoint=ENDPOINT).items if alert.rule is Rule.KPI],
        page=standing(ask, ws.endpoints.get(ENDPOINT)),
        terms=terms,
        effect=ws.effects.get(f"{MODEL}@1").values,
    )


def charter(**kpi: Any) -> dict[str, Any]:
    return {**watched.CHARTER, "kpi": {"value": VALUE, **kpi}}


@pytest.fixture
def made(tmp_path):
    seconds = count()
    made = watched.platform(tmp_path, evaluated=False, clock=lambda: NOW + timedelta(seconds=next(seconds)))
    ws = watched.workspace(made)
    file = LocalCaller(made).upload(b"other weights")
    columns = [{"name": "x", "dtype": "float64", "nullable": True}, {"name": "group", "dtype": "string"}]
    files = [{"path": "model.skops", "digest": file.digest, "size": file.size}]
    ws.models.register(MODEL, flavour="sklearn", task="binary", inputs={"columns": columns}, files=files)
    ws.policies.publish("extends: minimal\ngates: {baseline: {at: [nowhere]}}\n")
    ws.charters.publish(MODEL, charter(metric="roc_auc", at_least=0.6))
    watched.evaluate(made, [watched.rows(day) for day in range(DAYS)])
    assert ws.endpoints.deploy(ENDPOINT, f"{MODEL}@1").decision.allowed
    yield made
    made.close()


def history(days: range, seed: int) -> tuple[Any, Any]:
    every = [watched.rows(day, seed=seed) for day in days]
    return tuple(np.concatenate([each[name] for each in every]) for name in ("happened", "score"))


def test_another_threshold_is_asked_by_all(made):
    before = judged(made, FIRST)
    assert (before.gate, before.page.verdict, before.alarms) == (Verdict.PASS, Verdict.PASS, [])
    assert (before.note.metric, before.note.kpi, before.terms.metric) == ("roc_auc", 0.6, "roc_auc")
    watched.workspace(made).charters.publish(MODEL, charter(metric="roc_auc", at_least=0.95))
    after = judged(made, NEXT)
    assert (after.gate, after.page.verdict) == (Verdict.FAIL, Verdict.FAIL)
    assert (after.note.metric, after.note.kpi) == ("roc_auc", 0.95)
    assert len(after.alarms) == 1
    assert "the KPI asks for 0.95" in after.alarms[0].finding.summary
    assert after.terms is None  # the guard lets nobody challenge with a version that misses the KPI
    assert "was changed after results had been seen" in after.reason
    assert (before.note.rows, before.note.performance) == (after.note.rows, after.note.performance)


def test_another_metric_is_computed_by_all(made):
    """Golden: scikit-learn's area and Brier score of the reference and of the answers."""
    before = judged(made, FIRST)
    labels, scores = history(range(before.note.days), 0)
    assert before.note.performance.estimate == pytest.approx(roc_auc_score(labels, scores), abs=1e-3)
    watched.workspace(made).charters.publish(MODEL, charter(metric="brier", at_most=0.24))
    after = judged(made, NEXT)
    assert (after.gate, after.page.verdict, after.page.metric) == (Verdict.PASS, Verdict.PASS, "brier")
    assert (after.note.metric, after.note.kpi, after.terms.metric) == ("brier", 0.24, "brier")
    assert after.note.performance.estimate == pytest.approx(brier_score_loss(labels, scores), abs=1e-9)
    trends = watched.workspace(made).monitors.trends(ENDPOINT, limit=1000).items
    newest = next(each for each in trends if each.trailing is not None)
    assert newest.metric == "brier"
    came, said = history(range((newest.start - watched.START).days, (newest.start - watched.START).days + 1), 1)
    assert newest.performance == pytest.approx(brier_score_loss(came, said))
    assert {each.metric for each in trends if each.trailing is not None} == {"roc_auc", "brier"}


@pytest.mark.parametrize(
    ("kpi", "asked"),
    [
        ({"metric": "recall_at_10pct", "at_least": 0.6}, 0.6),
        ({"metric": "accuracy", "at_least": 0.9}, 0.9),
        ({"metric": "log_loss", "at_most": 0.2}, 0.2),
    ],
)
def test_a_missed_kpi_alarms_whatever_its_metric(made, kpi, asked):
    watched.workspace(made).charters.publish(MODEL, charter(**kpi))
    after = judged(made, FIRST)
    assert (after.gate, after.page.verdict) == (Verdict.FAIL, Verdict.FAIL)
    assert [alert.finding.summary.partition(" is ")[0] for alert in after.alarms] == [kpi["metric"]]
    assert after.note.kpi == asked


def test_another_value_of_outcomes_is_another_threshold_of_acting(made):
    before = judged(made, FIRST)
    watched.workspace(made).charters.publish(
        MODEL, charter(metric="roc_auc", at_least=0.6, value={**VALUE, "false_positive": -50})
    )
    after = judged(made, NEXT)
    assert before.effect.terms.rule.act_at == pytest.approx(2 / 7)
    assert after.effect.terms.rule.act_at == pytest.approx(1 / 2)
    assert after.effect.outcomes.acted < before.effect.outcomes.acted
    assert after.terms is not None
    assert after.note.kpi == before.note.kpi


def test_a_lower_threshold_lets_an_alarm_go(made):
    ws = watched.workspace(made)
    ws.charters.publish(MODEL, charter(metric="roc_auc", at_least=0.95))
    assert len(judged(made, FIRST).alarms) == 1
    ws.charters.publish(MODEL, charter(metric="roc_auc", at_least=0.6))
    after = judged(made, NEXT)
    assert (after.gate, after.page.verdict, after.alarms) == (Verdict.PASS, Verdict.PASS, [])


def test_what_was_seen_of_inputs_is_remembered_under_another_metric(made):
    watched.answered(made, FIRST, shift=0.5)
    watched.ran(made)
    watched.workspace(made).charters.publish(MODEL, charter(metric="brier", at_most=0.24))
    watched.evaluate(made, [watched.rows(day) for day in range(DAYS)])
    watched.answered(made, NEXT, shift=0.5)
    watched.ran(made)
    changed = (watched.START + timedelta(days=NEXT[0])).timestamp()
    with made.records.reading() as rows:
        [watching] = MonitorRepository().versions(rows, "default", ENDPOINT).values()
    begun = {name: np.frombuffer(stream.begun, "<i8").min() for name, stream in watching.kept.streams.items()}
    assert watching.note.metric == "brier"
    assert begun["column:x"] < changed
    assert begun["kpi"] >= changed
