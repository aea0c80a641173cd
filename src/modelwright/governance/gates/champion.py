"""It is no worse than what it is to take the place of."""

from __future__ import annotations

from collections.abc import Mapping

from modelwright.governance.checks.absence import no_rival
from modelwright.governance.checks.model import Rivals
from modelwright.governance.gates.base import Case, Seen, ends
from modelwright.governance.model import Kind, Scalar


class ChampionGate:
    """The paired difference to what the alias or endpoint relies on now is no loss worth a word; fulfils ``Gate``.

    ``e.delta`` is in the metric's own unit, ``e.relative`` as a share of the other's score; both are positive where the
    version is better. A loss of up to ``p.tolerance`` of that score lets a version with newer data take over; ask for
    ``e.delta.low > 0`` where it must be better.
    """

    reads = (Kind.RIVALS,)
    exposes = ends("delta") | ends("relative") | {"n"}
    passes = "e.relative.low >= -p.tolerance"
    parameters: Mapping[str, Scalar] = {"tolerance": 0.02}

    def exempt(self, case: Case) -> str:
        """Nothing is relied on yet, it is this very version, or it has answered there before."""
        target, relied = case.transition.target, case.relied
        if relied is None:
            return f"{target} relies on nothing yet."
        if (relied.model, relied.package) == (case.transition.model, case.transition.package):
            return f"{case.ref} is what {target} relies on already."
        if relied.returning:
            return f"{target} has answered with {case.ref} before: going back is not asked to be better."
        return ""

    def look(self, case: Case) -> Seen:
        """The difference to it with its interval; nothing where the evidence is about others."""
        found, relied = case.values(Rivals), case.relied
        wanted = (relied.model, relied.package) if relied is not None else None
        rival = next((each for each in found.rivals if (each.model, each.package) == wanted), None)
        if rival is None:
            reason, remedy = no_rival(case.ref, relied, next(iter(case.evidence.values())))
            return Seen(values={}, reason=reason, remedy=remedy)
        delta, unit = rival.delta, abs(rival.score)
        given = {"estimate": delta.estimate, "low": delta.low, "high": delta.high}
        side = "better" if delta.low > 0 else "worse" if delta.high < 0 else "neither shown to be better nor worse"
        return Seen(
            values={
                "delta": given,
                "relative": {end: value / unit if unit else None for end, value in given.items()},
                "n": delta.n,
            },
            reason=f"Its {found.metric} is {side} than that of {rival.ref}, on which {case.transition.target} relies: "
            f"by {delta} on the same {delta.n:,} rows, where {rival.ref} has {rival.score:.4g}.",
            remedy=f"Improve the model, or evaluate both on more rows: {case.evaluate_command()}",
        )


variant = ChampionGate()
