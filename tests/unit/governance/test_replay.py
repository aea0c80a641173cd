"""What scores would have brought on history: checked against scikit-learn's confusion matrix and loops over days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from modelwright.core.errors import Invalid
from modelwright.core.guard import Verdict
from modelwright.governance.effects.model import Replay
from modelwright.governance.model import Kind
from modelwright.lifecycle.evaluate import evaluate

from .conftest import CHARTER, RATES, START

VALUE = {"currency": "USD", "true_positive": 120, "false_positive": -30, "false_negative": -10}
AT = 30 / 160
"""Acting in vain costs 30; acting rightly is worth 130 more than missing."""


def asking(desk, *, model="delay", **kpi):
    return desk.ws.charters.publish(model, {**CHARTER, "kpi": {**CHARTER["kpi"], "value": VALUE, **kpi}})


def effect(found) -> Replay:
    return next(each.values for each in found if each.kind is Kind.EFFECT)


def columns(desk):
    """Labels with NaN, the model's scores, the baseline's, and the day of each row."""
    buckets, origins = desk.table["bucket"].to_numpy(), desk.table["origin"].to_numpy(zero_copy_only=False)
    days = np.array([(moment.date() - START.date()).days for moment in desk.table["asked_at"].to_pylist()])
    return desk.table["late"].to_numpy(), RATES[buckets], np.where(origins == "JFK", 0.52, 0.48), days


def in_money(labels, acted):
    (tn, fp), (fn, tp) = confusion_matrix(labels, acted)
    return (tp, fp, tn, fn), 120 * tp - 30 * fp - 10 * fn


def counts(outcomes):
    return (outcomes.true_positive, outcomes.false_positive, outcomes.true_negative, outcomes.false_negative)


def test_without_a_rule_one_acts_where_that_pays(desk):
    """Golden: scikit-learn's confusion matrices at Elkan's threshold, and their money per 1,000 rows."""
    asking(desk)
    desk.evaluate("by-origin@1")
    found = effect(desk.evaluate("delay@1", explain=False))
    late, mine, theirs, days = columns(desk)
    known = ~np.isnan(late)
    outcomes, total = in_money(late[known], mine[known] >= AT)
    of_baseline, theirs_total = in_money(late[known], theirs[known] >= AT)
    assert counts(found.outcomes) == outcomes
    assert found.outcomes.total == pytest.approx(total)
    assert found.per_thousand.estimate == pytest.approx(1000 * total / known.sum())
    assert found.terms.rule.act_at == pytest.approx(AT)
    assert found.terms.derived
    baseline = found.against_the("baseline")
    assert (baseline.ref, counts(baseline.outcomes)) == ("by-origin@1", of_baseline)
    assert baseline.gain.estimate == pytest.approx(1000 * (total - theirs_total) / known.sum())
    assert baseline.gain.low > 0
    always, never = found.against_the("always"), found.against_the("never")
    assert always.outcomes.total == pytest.approx(120 * late[known].sum() - 30 * (1 - late[known]).sum())
    assert never.outcomes.total == pytest.approx(-10 * late[known].sum())
    assert (found.n, found.unjudged, found.days) == (2700, 300, len(np.unique(days[known])))
    assert (found.since, found.until) == (START + timedelta(minutes=20), START + timedelta(minutes=20 * 2999))


def test_a_day_has_room_for_some_and_rows_without_a_label_take_their_places(desk):
    """Golden: for each day a sort and the first ten, ties by lot on average."""
    asking(desk, rule={"per_day": 10})
    found = effect(desk.evaluate("delay@1", explain=False))
    late, mine, _, days = columns(desk)
    rightly = 0.0
    for day in np.unique(days):
        here = np.flatnonzero(days == day)
        edge = np.sort(mine[here])[::-1][min(10, len(here)) - 1]
        above, tied = here[mine[here] > edge], here[mine[here] == edge]
        chance = (min(10, len(here)) - len(above)) / len(tied)
        rightly += np.nansum(late[above]) + chance * np.nansum(late[tied])
    assert found.outcomes.true_positive == pytest.approx(rightly)
    assert found.outcomes.acted < 10 * len(np.unique(days))
    assert not found.terms.derived
    by_lot = found.against_the("always")
    assert by_lot.outcomes.acted == pytest.approx(found.outcomes.acted, rel=0.05)
    assert by_lot.gain.low > 0


def test_a_threshold_of_ones_own_is_used(desk):
    asking(desk, rule={"act_at": 0.7})
    found = effect(desk.evaluate("delay@1", explain=False))
    late, mine, _, _ = columns(desk)
    known = ~np.isnan(late)
    assert counts(found.outcomes) == in_money(late[known], mine[known] >= 0.7)[0]
    assert str(found.terms) == "act from 0.7 on, as the charter says"


def test_the_champion_is_compared_once_it_was_evaluated_on_the_same_rows(desk):
    asking(desk)
    desk.save("delay", desk.by_bucket(RATES[::-1].copy()))
    worse = effect(desk.evaluate("delay@2", explain=False))
    assert worse.against_the("champion") is None
    desk.evaluate("by-origin@1")
    desk.evaluate("delay@1", explain=False)
    assert desk.ws.models.set_alias("delay@1", "champion").allowed
    found = effect(desk.evaluate("delay@2", explain=False)).against_the("champion")
    mine = effect(desk.evaluate("delay@1", explain=False))
    assert found.ref == "delay@1"
    assert found.gain.high < 0
    assert found.outcomes == mine.outcomes
    assert mine.against_the("champion") is None


def test_a_few_days_give_counts_and_no_interval(desk):
    asking(desk)
    found = effect(desk.evaluate("delay@1", since=START, until=START + timedelta(days=5), explain=False))
    assert found.days == 5
    assert found.outcomes.acted > 0
    assert found.per_thousand is None
    assert found.against_the("always").gain is None
    assert "5 blocks" in found.reason
    assert str(found).startswith("UNKNOWN")


def test_rows_without_a_time_give_no_interval_and_no_room_of_a_day(desk):
    desk.ws.data.add("untimed", desk.table.drop_columns(["asked_at"]))

    def found(**kpi):
        label = {**CHARTER["label"], "dataset": "untimed"}
        kpi = {**CHARTER["kpi"], "value": VALUE, **kpi}
        desk.ws.charters.publish("delay", {**CHARTER, "kpi": kpi, "label": label})
        return effect(evaluate(desk.ws, "delay@1", "untimed@1", explain=False))

    acted = found()
    assert acted.outcomes.acted > 0
    assert (acted.per_thousand, acted.since) == (None, None)
    assert "no days" in acted.reason
    limited = found(rule={"share": 0.1})
    assert (limited.outcomes, limited.per_thousand) == (None, None)
    assert "event time" in limited.reason


def test_without_a_value_there_is_no_effect(desk):
    assert Kind.EFFECT not in {each.kind for each in desk.evaluate("delay@1", explain=False)}


def test_a_value_that_leaves_nothing_to_decide_is_refused(desk):
    with pytest.raises(Invalid, match="needs no score"):
        asking(desk, value={"currency": "USD"})


def test_a_rule_without_a_value_is_refused(desk):
    with pytest.raises(Invalid, match="needs the value"):
        asking(desk, value=None, rule={"act_at": 0.3})


def test_a_rule_that_rules_nothing_is_refused(desk):
    with pytest.raises(Invalid, match="has act_at, per_day or share"):
        asking(desk, rule={})


def test_a_policy_may_ask_for_the_effect(desk):
    """The gate reads what the evaluation found: the good model brings more than the heuristic, the other does not."""
    asking(desk)
    desk.ws.policies.publish("extends: minimal\ngates: {effect: {margin: 100}}\n")
    assert desk.verdicts("delay@1")["effect"] is Verdict.UNKNOWN
    desk.evaluate("by-origin@1")
    desk.evaluate("delay@1", explain=False)
    assert desk.verdicts("delay@1")["effect"] is Verdict.PASS
    desk.save("delay", desk.by_bucket(RATES[::-1].copy()))
    desk.evaluate("delay@2", explain=False)
    assert desk.verdicts("delay@2")["effect"] is Verdict.FAIL


def test_another_value_asks_for_another_evaluation(desk):
    asking(desk)
    desk.ws.policies.publish("extends: minimal\ngates: {effect: {}}\n")
    desk.evaluate("by-origin@1")
    desk.evaluate("delay@1", explain=False)
    asking(desk, value={**VALUE, "false_positive": -90})
    assert desk.verdicts("delay@1")["effect"] is Verdict.UNKNOWN
    again = effect(desk.evaluate("delay@1", explain=False))
    assert again.terms.rule.act_at == pytest.approx(90 / 220)
    assert desk.verdicts("delay@1")["effect"] is Verdict.PASS


def test_a_charter_that_judges_alike_keeps_the_effect(desk):
    asking(desk)
    (found,) = [each for each in desk.evaluate("delay@1", explain=False) if each.kind is Kind.EFFECT]
    value = {**CHARTER["kpi"], "value": VALUE}
    desk.ws.charters.publish("delay", {**CHARTER, "kpi": value, "business_case": "Missed connections cost money."})
    assert desk.ws.effects.get("delay@1").digest == found.digest


def test_immature_rows_are_not_judged(desk):
    asking(desk)
    desk.clock.now = datetime(2026, 2, 1, tzinfo=UTC)
    found = effect(desk.evaluate("delay@1", explain=False))
    assert found.until <= desk.clock.now - timedelta(hours=36)
    assert found.n + found.unjudged == 3000
