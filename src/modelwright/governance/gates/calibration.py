"""Its scores can be read as probabilities."""

from __future__ import annotations

from collections.abc import Mapping

from modelwright.governance.gates.base import Case, Seen, ends
from modelwright.governance.model import Evaluation, Kind, Scalar


class CalibrationGate:
    """The expected calibration error is small; fulfils ``Gate``."""

    reads = (Kind.EVALUATION,)
    exposes = ends("ece") | ends("bias") | {"n"}
    passes = "e.ece.estimate <= p.max_error"
    parameters: Mapping[str, Scalar] = {"max_error": 0.05}

    def exempt(self, case: Case) -> str:
        """A regression's scores are no probabilities."""
        found = case.evidence.get(Kind.EVALUATION)
        if found and isinstance(found.values, Evaluation) and found.values.positives is None:
            return f"{case.ref} predicts a number, not a probability."
        return ""

    def look(self, case: Case) -> Seen:
        """The error and the bias; nothing where the evaluation has none."""
        found = case.values(Evaluation).calibration
        remedy = "Calibrate the scores on rows the model has not seen, save it again, then run: "
        if found is None:
            return Seen(values={}, reason="No calibration was computed.", remedy=remedy + case.evaluate_command())
        return Seen(
            values={
                "ece": {"estimate": found.error.estimate, "low": found.error.low, "high": found.error.high},
                "bias": {"estimate": found.bias.estimate, "low": found.bias.low, "high": found.bias.high},
                "n": found.error.n,
            },
            reason=f"The calibration error is {found.error}, the bias {found.bias}, on {found.error.n:,} rows.",
            remedy=remedy + case.evaluate_command(),
        )


variant = CalibrationGate()
