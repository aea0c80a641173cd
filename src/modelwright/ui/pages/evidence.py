"""The evidence about a version, the newest of each kind."""

from __future__ import annotations

from dataclasses import dataclass

from modelwright.governance.model import Evidence, Kind
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
        rivals: Against what is relied on.
        groups: How groups fare.
        latency: How long it takes for one row.
        robustness: What it loses when inputs are off.
        documents: What the documents have and lack.
        reproduction: Beside one that was made again.
        own: The newest of each check of somebody's own.
        every: All of it, newest first.
    """

    evaluation: Evidence | None = None
    comparison: Evidence | None = None
    explanation: Evidence | None = None
    contract: Evidence | None = None
    effect: Evidence | None = None
    rivals: Evidence | None = None
    groups: Evidence | None = None
    latency: Evidence | None = None
    robustness: Evidence | None = None
    documents: Evidence | None = None
    reproduction: Evidence | None = None
    own: tuple[Evidence, ...] = ()
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
        newest.setdefault(one.slot, one)
    own = tuple(one for _, one in sorted(newest.items()) if one.kind is Kind.CHECK)
    return Findings(every=tuple(every), own=own, **{name: newest.get(name) for name in _KINDS})


_KINDS = (
    "evaluation",
    "comparison",
    "explanation",
    "contract",
    "effect",
    "rivals",
    "groups",
    "latency",
    "robustness",
    "documents",
    "reproduction",
)
