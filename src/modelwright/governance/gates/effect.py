"""It brings more than the heuristic that the charter names."""

from __future__ import annotations

from collections.abc import Mapping

from modelwright.core.expressions import Namespace
from modelwright.governance.effects.model import Replay
from modelwright.governance.gates.base import Case, Seen, ends
from modelwright.governance.model import Kind, Scalar
from modelwright.stats.model import Interval

_POLICIES = ("baseline", "champion", "always", "never")


class EffectGate:
    """What the version brings on matured history is surely more than what the baseline brings; fulfils ``Gate``.

    All values are in the currency of the charter's ``kpi.value``, per 1,000 rows, with an interval over days.
    ``e.money`` is what the version brings, ``e.baseline`` how much more that is than what the baseline brings, and
    likewise for ``e.champion``, ``e.always`` (acting whatever the scores say) and ``e.never``.
    """

    reads = (Kind.EFFECT,)
    exposes = frozenset[str]().union(*map(ends, ("money", *_POLICIES))) | {"n", "days", "total", "acted"}
    passes = "e.baseline.low > p.margin"
    parameters: Mapping[str, Scalar] = {"margin": 0.0}

    def exempt(self, case: Case) -> str:
        """Where the charter gives no value, for a number that is no chance, and for the baseline itself."""
        from modelwright.stats.scores import Kind as Task  # weight: numpy
        from modelwright.stats.scores import metric

        charter = case.charter.charter
        if charter.kpi.value is None:
            return "The charter does not say what outcomes are worth (kpi.value)."
        if metric(charter.kpi.metric).kind is Task.REGRESSION:
            return f"{case.ref} predicts a number, and kpi.value is what the outcomes of a yes or no are worth."
        if charter.baseline == case.transition.model:
            return f"{case.transition.model} is the charter's own baseline: there is nothing simpler to beat."
        return ""

    def look(self, case: Case) -> Seen:
        """The money, and how much more that is than others bring."""
        found = case.values(Replay)
        gains = {what: other.gain for what in _POLICIES if (other := found.against_the(what)) is not None}
        values: Namespace = {
            **{what: _ends(gain) for what, gain in gains.items() if gain is not None},
            **({} if found.per_thousand is None else {"money": _ends(found.per_thousand)}),
            **({} if found.outcomes is None else {"total": found.outcomes.total, "acted": found.outcomes.acted}),
            "n": found.n,
            "days": found.days,
        }
        return Seen(values=values, reason=_reason(case, found), remedy=_remedy(case, found))


def _reason(case: Case, found: Replay) -> str:
    currency, baseline = found.terms.value.currency, found.against_the("baseline")
    if found.per_thousand is None:
        return f"What it brings is unknown on {found.n:,} rows: {found.reason}"
    brings = f"It brings {found}, on {found.n:,} rows of {found.days} days"
    if baseline is None or baseline.gain is None:
        named = case.charter.charter.baseline
        lacking = f"{named} was not evaluated on them" if named else "the charter names no baseline"
        return f"{brings}; {lacking}."
    return f"{brings}: {baseline.gain} {currency} more than {baseline.name}."


def _remedy(case: Case, found: Replay) -> str:
    again = case.evaluate_command()
    if found.per_thousand is None:
        return f"Evaluate it on at least seven days of rows with event times: {again}"
    baseline = case.charter.charter.baseline
    if baseline is None:
        return (
            "Register a heuristic, name it as `baseline` in charter.yaml and publish it: modelwright charter publish "
            f"{case.transition.model} charter.yaml"
        )
    if found.against_the("baseline") is None:
        return f"Evaluate {baseline} on the same rows, then run: {again}"
    return f"Improve the model, or look at kpi.value and kpi.rule, then run: {again}"


def _ends(interval: Interval) -> Mapping[str, float]:
    return {"estimate": interval.estimate, "low": interval.low, "high": interval.high}


variant = EffectGate()
