"""How a phase of a model's life stands."""

from __future__ import annotations

from modelwright.core.guard import GateResult, Verdict
from modelwright.core.ids import Name
from modelwright.core.shown import Shown
from modelwright.governance.model import Phase
from modelwright.governance.signoffs import Signature


class PhaseStanding(Shown, frozen=True, kw_only=True):
    """How a phase of a model's life stands now.

    Attributes:
        phase: The phase.
        subject: The dataset, alias or endpoint that it is about; none where it is about the model, or nothing yet.
        asked: Whether the policy asks anybody.
        gates: What people say, role by role.
        signatures: Those that count now, oldest first.
    """

    phase: Phase
    subject: Name | None = None
    asked: bool
    gates: tuple[GateResult, ...] = ()
    signatures: tuple[Signature, ...] = ()

    @property
    def state(self) -> str:
        """In a word or two: ``not asked``, ``waiting``, ``refused`` or ``passed``."""
        if not self.asked:
            return "not asked"
        if any(gate.verdict is Verdict.FAIL for gate in self.gates):
            return "refused"
        return "passed" if self.gates and all(gate.verdict.passes for gate in self.gates) else "waiting"

    def __str__(self) -> str:
        return f"{self.phase}{f' of {self.subject}' if self.subject else ''}: {self.state}"
