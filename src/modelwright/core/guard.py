"""The guard: every transition that production relies on asks it, inside its own transaction.

Rooms that move aliases or traffic know only this Protocol; ``app`` installs governance's guard. So every face and
every foreign protocol passes the same gates.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from modelwright.core.errors import Refused
from modelwright.core.ids import Digest, Name, Pinned
from modelwright.core.shown import Shown
from modelwright.core.unit import Unit

SIGNED_OFF = "signed-off"
"""The gate of what people sign; in decisions with the role behind it: ``signed-off.approver``."""

PHASE = "phase"
"""The gates of what people sign in a phase of a model's life; in decisions with both: ``phase-data.validator``."""

BREAK_GLASS = "break-glass"
"""The gate of an emergency: where it stands, a decision allows what the others refuse."""


class Verdict(StrEnum):
    """What a check found. UNKNOWN never passes a gate."""

    PASS = "PASS"
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"
    NOT_APPLICABLE = "NOT_APPLICABLE"
    ATTESTED = "ATTESTED"

    @property
    def passes(self) -> bool:
        """Whether a gate with this verdict lets the transition through."""
        return self in (Verdict.PASS, Verdict.NOT_APPLICABLE, Verdict.ATTESTED)


class Action(StrEnum):
    """The kinds of guarded transition."""

    SET_ALIAS = "set_alias"
    DEPLOY = "deploy"
    ROLLBACK = "rollback"
    CHALLENGE = "challenge"
    REGISTER = "register"
    RETIRE = "retire"
    RETIRE_MODEL = "retire_model"


class Transition(Struct, frozen=True, kw_only=True):
    """What somebody wants to move.

    Attributes:
        action: The kind of transition.
        model: The model's name.
        version: The version that would be relied on.
        package: Digest of that version's package: evidence is about these bytes.
        target: The alias, or the endpoint; the model itself where it is registered or retired.
        replaces: The version relied on until now, if any.
        data: The dataset versions it was made of, where it is not registered yet.
    """

    action: Action
    model: Name
    version: int
    package: Digest
    target: Name
    replaces: int | None = None
    data: tuple[Pinned, ...] = ()

    @property
    def towards(self) -> str:
        """Where it leads, in a word."""
        said = {Action.REGISTER: "registered", Action.RETIRE: f"{self.target} retired", Action.RETIRE_MODEL: "retired"}
        return said.get(self.action, self.target)


class GateResult(Struct, frozen=True, kw_only=True):
    """One gate's answer.

    Attributes:
        gate: Its name on the shelf.
        verdict: What it found.
        reason: One sentence with the values.
        remedy: What would change the verdict; empty when it passes.
        evidence: Digests of the evidence it read, and of the risk register as it stood where it read that.
    """

    gate: Name
    verdict: Verdict
    reason: str
    remedy: str = ""
    evidence: tuple[Digest, ...] = ()


class Decision(Shown, frozen=True, kw_only=True):
    """The guard's answer to one transition.

    Attributes:
        transition: What was asked.
        allowed: Whether every gate passes, or somebody broke the glass.
        tier: The tier of the policy.
        policy: Digest of the policy that decided.
        gates: Each gate's answer.
    """

    transition: Transition
    allowed: bool
    tier: str
    policy: Digest
    gates: tuple[GateResult, ...]

    @property
    def reasons(self) -> list[str]:
        """Why not: one sentence of each gate that does not pass."""
        return [f"{gate.gate}: {gate.reason}" for gate in self.gates if not gate.verdict.passes]

    @property
    def against_the_gates(self) -> bool:
        """Whether it was allowed because somebody broke the glass."""
        return any(gate.gate == BREAK_GLASS for gate in self.gates)

    @property
    def lacks_only_signatures(self) -> bool:
        """Whether nothing speaks against it but that people have not signed yet."""
        lacking = [] if self.allowed else [gate for gate in self.gates if not gate.verdict.passes]
        of_people = (gate for gate in lacking if gate.gate.startswith((f"{SIGNED_OFF}.", f"{PHASE}-")))
        signing = [gate for gate in of_people if "." in gate.gate]  # without a role: what nobody can sign
        return bool(lacking) and lacking == signing and all(gate.verdict is Verdict.UNKNOWN for gate in signing)

    def __str__(self) -> str:
        move = self.transition
        outcome = "allowed" if self.allowed else "refused: " + " ".join(self.reasons)
        return f"{move.model}@{move.version} -> {move.towards}: {outcome}"

    def require(self) -> Decision:
        """This decision if it allows the transition.

        Raises:
            Refused: It does not; the message holds the reasons.
        """
        if self.allowed:
            return self
        raise self._refused(recorded=False)

    def stand(self) -> Decision:
        """As ``require``, for operations that answer with something else than a decision: a refusal stays on record.

        Raises:
            Refused: It does not allow it; what the unit of work has written until then stays.
        """
        if self.allowed:
            return self
        raise self._refused(recorded=True)

    def _refused(self, *, recorded: bool) -> Refused:
        move = self.transition
        what = {
            Action.REGISTER: f"{move.model}@{move.version} may not be registered",
            Action.RETIRE: f"The endpoint {move.target} may not be retired",
            Action.RETIRE_MODEL: f"The model {move.model} may not be retired",
        }.get(move.action, f"{move.model}@{move.version} may not become {move.target}")
        return Refused(
            f"{what}: {' '.join(self.reasons)}",
            remedy=" ".join(gate.remedy for gate in self.gates if gate.remedy and not gate.verdict.passes),
            decision=self,
            recorded=recorded,
        )


class Guard(Protocol):
    """Decides a transition.

    Law: it reads only what is recorded, writes its decision through the unit, and never answers "allowed" because
    something is missing.
    """

    def __call__(self, unit: Unit, transition: Transition) -> Decision:
        """Decide, and record the decision."""
        ...

    def decide(self, unit: Unit, transition: Transition) -> Decision:
        """What it would decide now; nothing is recorded."""
        ...


class NoGuard:
    """Fails closed: what a room asks before a guard is installed."""

    def __call__(self, unit: Unit, transition: Transition) -> Decision:
        """Raises ``Refused``, always."""
        return self.decide(unit, transition)

    def decide(self, unit: Unit, transition: Transition) -> Decision:
        """Raises ``Refused``, always."""
        raise Refused(
            f"{transition.model}@{transition.version} may not become {transition.target}: no guard is installed.",
            remedy="Open the home with modelwright.connect(), which installs governance's guard.",
        )


no_guard = NoGuard()
