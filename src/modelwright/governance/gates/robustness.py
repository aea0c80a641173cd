"""It does not break when its inputs are a little off."""

from __future__ import annotations

from collections.abc import Mapping

from modelwright.governance.checks.model import Robustness
from modelwright.governance.gates.base import Case, Seen, ends
from modelwright.governance.model import Kind, Scalar


class RobustnessGate:
    """The worst perturbation costs it no more than a share of its metric; fulfils ``Gate``.

    Under each of them it must answer. ``e.drop`` is in the metric's own unit, ``e.share`` as a share of the metric on
    the same rows as they are; ``e.flipped`` is the largest share of rows that a perturbation decides otherwise;
    ``e.weak`` counts the perturbations by less noise than ``p.min_noise``, in units of each column's spread.
    """

    reads = (Kind.ROBUSTNESS,)
    exposes = ends("drop") | ends("share") | {"flipped", "failed", "trials", "n", "weak"}
    passes = "e.share.high <= p.max_share && e.failed == 0 && e.n >= p.min_rows && e.weak == 0"
    parameters: Mapping[str, Scalar] = {"max_share": 0.1, "min_rows": 200.0, "min_noise": 0.1}

    def exempt(self, case: Case) -> str:
        """Always applies."""
        return ""

    def look(self, case: Case) -> Seen:
        """The worst drop, and where it did not answer."""
        found, worst = case.values(Robustness), case.values(Robustness).worst
        least = float(case.parameters["min_noise"])
        weak = [each for each in found.trials if (each.perturbation.amount or least) < least]
        values = {"failed": len(found.failed), "trials": len(found.trials), "n": found.n, "weak": len(weak)}
        told = [
            f"With {each.perturbation} it did not answer: {each.perturbation.error.rstrip('.')}."
            for each in found.failed[:2]
        ]
        remedy = "Train it on such rows, or tighten its contract so that they are not asked; then run: "
        if worst is None or worst.drop is None:
            reason = " ".join(told) or "0 perturbations were tried: its inputs leave nothing to perturb."
            return Seen(values=values, reason=reason, remedy=remedy + case.evaluate_command(more="--robustness"))
        drop = {"estimate": worst.drop.estimate, "low": worst.drop.low, "high": worst.drop.high}
        unit = abs(found.score)
        flips = [each.flipped.estimate for each in found.trials if each.flipped is not None]
        told.insert(
            0,
            f"The worst of {len(found.trials)} perturbations, {worst.perturbation}, costs {worst.drop} of its "
            f"{found.metric} of {found.score:.4g} on {found.n:,} rows.",
        )
        return Seen(
            values={
                **values,
                "drop": drop,
                "share": {end: value / unit if unit else None for end, value in drop.items()},
                "flipped": max(flips, default=None),
            },
            reason=" ".join(told),
            remedy=remedy + case.evaluate_command(more="--robustness"),
        )


variant = RobustnessGate()
