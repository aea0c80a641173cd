"""What an endpoint has brought, beside what was promised: by loops over the same rows, and as labels come in."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from modelwright.core.errors import Invalid, NotFound
from support import watched

VALUE = {"currency": "EUR", "true_positive": 50, "false_positive": -20}
AT = 2 / 7
POLICY = "extends: minimal\ngates: {baseline: {at: [nowhere]}}\n"


def charter(**kpi):
    return {**watched.CHARTER, "kpi": {"metric": "roc_auc", "at_least": 0.6, "value": VALUE, **kpi}}


@pytest.fixture
def place(tmp_path):
    """An endpoint that answers with a version whose effect was foreseen on forty days."""
    made = watched.platform(tmp_path, evaluated=False)
    ws = watched.workspace(made)
    ws.charters.publish(watched.MODEL, charter())
    ws.policies.publish(POLICY)
    watched.evaluate(made, [watched.rows(day) for day in range(watched.DAYS)])
    assert ws.endpoints.deploy(watched.ENDPOINT, f"{watched.MODEL}@1").decision.allowed
    yield made, ws
    made.close()


def by_hand(days, **given):
    every = [watched.rows(day, seed=1, **given) for day in days]
    labels, scores = (np.concatenate([each[name] for each in every]) for name in ("happened", "score"))
    (_, fp), (_, tp) = confusion_matrix(labels, scores >= AT)
    return 50 * tp - 20 * fp, len(labels)


def test_what_was_brought_is_the_money_of_the_matured_answers(place):
    """Golden: scikit-learn's confusion matrix on the days that have matured by the newest event."""
    made, ws = place
    watched.answered(made, range(50, 70))
    found = ws.effects.realised(watched.ENDPOINT)
    newest = watched.rows(69, seed=1)["at"][-1]
    matured = [at for day in range(50, 70) for at in watched.rows(day, seed=1)["at"] if at <= newest - watched.MATURES]
    whole, part = divmod(len(matured), watched.ROWS)
    total, n = by_hand(range(50, 50 + whole))
    last = watched.rows(50 + whole, seed=1)
    acted = last["score"][:part] >= AT
    total += float(np.where(last["happened"][:part] == 1, 50, -20)[acted].sum())
    assert (found.answered, found.matured, found.labelled) == (20 * watched.ROWS, n + part, n + part)
    assert found.outcomes.total == pytest.approx(total)
    assert found.per_thousand.estimate == pytest.approx(1000 * total / (n + part))
    assert (found.terms.value.currency, found.days) == ("EUR", 19)


def test_it_stands_beside_the_promise_that_the_decision_was_made_on(place):
    made, ws = place
    promise = ws.effects.get(f"{watched.MODEL}@1")
    watched.answered(made, range(50, 70))
    found = ws.effects.realised(watched.ENDPOINT)
    assert (found.promise, found.promised) == (promise.digest, promise.values.per_thousand)
    assert found.gap.estimate == pytest.approx(found.per_thousand.estimate - found.promised.estimate)
    assert found.gap.low < 0 < found.gap.high
    assert "no different" in found.verdict
    assert found.note == ""


def test_a_world_that_has_turned_brings_less_than_promised(place):
    made, ws = place
    watched.answered(made, range(50, 70), bias=-0.3)
    found = ws.effects.realised(watched.ENDPOINT)
    assert found.gap.high < 0
    assert found.verdict == "less than promised"


@pytest.mark.parametrize(
    ("days", "labels", "why"),
    [
        (None, False, "has not answered anything"),
        (range(50, 51), False, "is 36h older than the newest event"),
        (range(50, 70), False, "matured predictions is known yet"),
        (range(50, 55), True, "4 blocks"),
    ],
)
def test_it_is_unknown_until_enough_has_matured(place, days, labels, why):
    made, ws = place
    if days is not None:
        watched.answered(made, days, labels=labels)
    found = ws.effects.realised(watched.ENDPOINT)
    assert found.per_thousand is None
    assert found.gap is None
    assert found.verdict == "UNKNOWN"
    assert why in found.reason


def test_it_is_unknown_while_many_outcomes_are_missing(place):
    made, ws = place
    watched.answered(made, range(50, 70), labels=False)
    watched.labelled(made, range(50, 60))
    found = ws.effects.realised(watched.ENDPOINT)
    assert found.outcomes.acted > 0
    assert found.per_thousand is None
    assert "(54%)" in found.reason


def test_a_changed_charter_leaves_the_promise_and_is_said(place):
    made, ws = place
    before = ws.effects.get(f"{watched.MODEL}@1")
    watched.answered(made, range(50, 70))
    ws.charters.publish(watched.MODEL, charter(rule={"act_at": 0.9}))
    found = ws.effects.realised(watched.ENDPOINT)
    assert found.terms == before.values.terms
    assert "another value or rule" in found.note
    with pytest.raises(NotFound, match="not computed under charter 3"):
        ws.effects.get(f"{watched.MODEL}@1")


def test_an_evaluation_after_the_deployment_is_no_promise(tmp_path):
    """The rows by which it was let through said nothing of money: then the charter in force says by what."""
    made = watched.platform(tmp_path)
    ws = watched.workspace(made)
    ws.policies.publish(POLICY)
    assert ws.endpoints.deploy(watched.ENDPOINT, f"{watched.MODEL}@1").decision.allowed
    watched.answered(made, range(50, 70))
    assert "does not say what outcomes are worth" in ws.effects.realised(watched.ENDPOINT).reason
    ws.charters.publish(watched.MODEL, charter())
    watched.evaluate(made, [watched.rows(day) for day in range(watched.DAYS)])
    found = ws.effects.realised(watched.ENDPOINT)
    assert (found.promise, found.promised, found.gap) == (None, None, None)
    assert found.per_thousand is not None
    assert "Nothing was promised" in found.note
    assert found.verdict == "nothing was promised"
    made.close()


def test_without_a_value_there_is_nothing_to_foresee(tmp_path):
    made = watched.platform(tmp_path)
    with pytest.raises(Invalid, match="does not say what outcomes are worth"):
        watched.workspace(made).effects.get(f"{watched.MODEL}@1")
    made.close()


def test_what_is_said_to_happen_later_matures_nothing(place):
    """A client with a wrong clock does not make younger predictions old."""
    made, ws = place
    watched.answered(made, range(50, 70))
    before = ws.effects.realised(watched.ENDPOINT)
    watched.answered(made, range(365 * 20, 365 * 20 + 1))
    assert ws.effects.realised(watched.ENDPOINT) == before


def test_predictions_of_another_version_take_their_places_in_a_days_room(tmp_path):
    """With room for ten a day, and a version that shares its days with another, it acts on fewer than ten."""
    import pyarrow as pa

    from modelwright.governance.effects.model import DecisionRule, Money, Realised, Terms
    from modelwright.governance.effects.realising import realised

    hours = [watched.START + timedelta(hours=hour) for hour in range(24 * 10)]
    versions = [1 + hour % 2 for hour in range(24 * 10)]
    table = pa.table(
        {
            "model": ["risk"] * 240,
            "version": versions,
            "event_at": pa.array(hours, pa.timestamp("us", "UTC")),
            "output": np.linspace(0, 1, 240),
            "label": np.ones(240),
        }
    )
    by = Terms(value=Money(currency="EUR", true_positive=1, false_positive=-1), rule=DecisionRule(per_day=10))
    answer = Realised(endpoint="e", model="risk", version=2, terms=by)
    found = realised(answer, table, now=watched.NOW, matures_after=timedelta(0))
    assert found.outcomes.acted == 10 * 5
