"""The evidence about a version, the newest of each kind."""

from __future__ import annotations

from dataclasses import dataclass

from modelwright.governance.model import Evidence
from modelwright.models.model import ModelVersion
from modelwright.ui.page import Ask


@dataclass(frozen=True)
class Findings:
    """The newest evidence of each kind; none where there is none.

    Attributes:
        evaluation: How good the scores are.
        comparison: Against the baseline.
        explanation: What the model relies on.
        contract: Whether rows are what it takes.
        effect: What it would have brought in money.
        every: All of it, newest first.
    """

    evaluation: Evidence | None = None
    comparison: Evidence | None = None
    explanation: Evidence | None = None
    contract: Evidence | None = None
    effect: Evidence | None = None
    every: tuple[Evidence, ...] = ()


def findings(ask: Ask, version: ModelVersion) -> Findings:
    """The evidence about these bytes."""
    every = sorted(
        (one for one in ask.read_all("evidence.list", version.ref) if one.package == version.package),
        key=lambda one: one.made_at,
        reverse=True,
    )
    newest: dict[str, Evidence] = {}
    for one in every:
        newest.setdefault(str(one.kind), one)
    return Findings(every=tuple(every), **{name: newest.get(name) for name in _KINDS})


_KINDS = ("evaluation", "comparison", "explanation", "contract", "effect")
