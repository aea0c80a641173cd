"""What holds where a transition leads, beside the evidence: an endpoint is frozen, or somebody broke the glass."""

from __future__ import annotations

from collections.abc import Callable

from modelwright.core.guard import GateResult, Transition
from modelwright.core.unit import Unit

Circumstances = Callable[[Unit, Transition], list[GateResult]]
"""Gates of their own: ``core.guard.BREAK_GLASS`` lets a transition through whatever the others say."""


def ordinary(_unit: Unit, _transition: Transition) -> list[GateResult]:
    """Where nothing out of the ordinary can be."""
    return []
