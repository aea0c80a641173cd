"""It answers fast enough."""

from __future__ import annotations

from collections.abc import Mapping

from modelwright.governance.checks.model import Latency
from modelwright.governance.gates.base import Case, Seen, ends
from modelwright.governance.model import Kind, Scalar


class LatencyGate:
    """The slowest hundredth of its one-row answers keeps the charter's ``limits.latency_p99_ms``; fulfils ``Gate``.

    It was measured in the process that loaded the model: its own share of an answer. ``p.limit_ms`` of more than 0
    takes the place of the charter's limit. What an endpoint takes in all, rollouts and monitors judge by that limit.
    """

    reads = (Kind.LATENCY,)
    exposes = ends("p50") | ends("p99") | {"answers", "load_ms", "limit"}
    passes = "e.p99.high <= e.limit"
    parameters: Mapping[str, Scalar] = {"limit_ms": 0.0}

    def exempt(self, case: Case) -> str:
        """Nobody sets a limit."""
        return "" if _limit(case) else "Neither the charter nor the policy sets a limit for latency."

    def look(self, case: Case) -> Seen:
        """The median and the slowest hundredth."""
        found, limit = case.values(Latency), _limit(case)
        return Seen(
            values={
                "p50": {"estimate": found.p50.estimate, "low": found.p50.low, "high": found.p50.high},
                "p99": {"estimate": found.p99.estimate, "low": found.p99.low, "high": found.p99.high},
                "answers": found.answers,
                "load_ms": found.load_ms,
                "limit": limit,
            },
            reason=f"One row takes {found.p50} ms in the median and {found.p99} ms at the 99th percentile, over "
            f"{found.answers:,} answers on {found.machine}; at most {limit or 0:g} ms is asked.",
            remedy="Take a smaller model, or measure on a machine like the one that serves: "
            + case.evaluate_command(more="--latency"),
        )


def _limit(case: Case) -> float | None:
    return float(case.parameters["limit_ms"]) or case.charter.charter.limits.latency_p99_ms


variant = LatencyGate()
