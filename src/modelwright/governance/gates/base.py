"""What a gate is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol, TypeVar

from msgspec import Struct

from modelwright.core.expressions import Namespace
from modelwright.core.guard import Transition
from modelwright.core.ids import Digest
from modelwright.governance.charter import CharterVersion
from modelwright.governance.checks.relying import Relied
from modelwright.governance.model import Evidence, Scalar
from modelwright.risks.model import Standing

V = TypeVar("V")


class Case(Struct, frozen=True, kw_only=True):
    """What a gate judges.

    Attributes:
        transition: What somebody wants to move.
        charter: The charter in force.
        now: The wall clock.
        evidence: The newest of each kind that counts: about these bytes, under this charter, not too old.
        parameters: The policy's, over the gate's own.
        earlier: The newest charter with another KPI under which this model's results were already seen, if any.
        register: The model's risk register as it stands now, if it has one.
        relied: What the target relies on now, if anything.
        known: Digests of all evidence about this version's bytes.
    """

    transition: Transition
    charter: CharterVersion
    now: datetime
    evidence: Mapping[str, Evidence]
    parameters: Mapping[str, Scalar]
    earlier: CharterVersion | None = None
    register: Standing | None = None
    relied: Relied | None = None
    known: frozenset[Digest] = frozenset()

    @property
    def ref(self) -> str:
        """``model@version``."""
        return f"{self.transition.model}@{self.transition.version}"

    def values(self, kind: type[V]) -> V:
        """The evidence of one kind; only of kinds that the gate ``reads``."""
        for evidence in self.evidence.values():
            if isinstance(evidence.values, kind):
                return evidence.values
        raise LookupError(f"{kind.__name__} is not among what the gate reads")

    def evaluate_command(self, *, more: str = "") -> str:
        """The command that renews the evidence on the same rows."""
        found = next(iter(self.evidence.values()), None)
        return evaluate_command(self.ref, found, more=more)


class Seen(Struct, frozen=True, kw_only=True):
    """What a gate sees in its evidence.

    Attributes:
        values: What the condition may read as ``e``; None where a value does not exist.
        reason: One sentence with the values.
        remedy: One sentence: what would change the verdict, with the command.
    """

    values: Namespace
    reason: str
    remedy: str


class Gate(Protocol):
    """One check before a transition.

    Law: it is a pure function of its case. It is asked ``look`` only when every kind it ``reads`` is there, and
    whether it passes is not its own decision: the policy's condition is, on what it saw. It exempts only where the
    question makes no sense, never because something is missing.

    Attributes:
        reads: The kinds of evidence it needs, all of them.
        exposes: Every name below ``e`` that its condition may read.
        passes: The condition where a policy gives none.
        parameters: Its parameters with their defaults; a policy may give values of the same type.
    """

    @property
    def reads(self) -> tuple[str, ...]:
        """The kinds of evidence it needs."""
        ...

    @property
    def exposes(self) -> frozenset[str]:
        """Names such as ``delta.low``."""
        ...

    @property
    def passes(self) -> str:
        """The default condition."""
        ...

    @property
    def parameters(self) -> Mapping[str, Scalar]:
        """Defaults of its parameters."""
        ...

    def exempt(self, case: Case) -> str:
        """Why it does not apply; empty when it does. The case may lack evidence."""
        ...

    def look(self, case: Case) -> Seen:
        """What is there."""
        ...


def evaluate_command(ref: str, on: Evidence | None, *, more: str = "") -> str:
    """The command line that evaluates a version on the rows of a piece of evidence."""
    words = ["modelwright model evaluate", ref, "--on", on.dataset.ref if on else "DATASET@VERSION"]
    if on and on.window.since:
        words += ["--since", f"{on.window.since:%Y-%m-%dT%H:%M:%SZ}"]
    if on and on.window.until:
        words += ["--until", f"{on.window.until:%Y-%m-%dT%H:%M:%SZ}"]
    return " ".join([*words, *([more] if more else [])])


def check_command(ref: str, on: Evidence | None, name: str) -> str:
    """The command line that runs a check of one's own on the rows of a piece of evidence."""
    return f"{evaluate_command(ref, on, more=f'--only {name}')}".replace("model evaluate", "model check", 1)


def document_command(ref: str) -> str:
    """The command line that counts what a version's documents lack."""
    return f"modelwright doc check {ref}"


def ends(name: str) -> frozenset[str]:
    """The names of an interval: ``score.estimate``, ``score.low``, ``score.high``."""
    return frozenset(f"{name}.{end}" for end in ("estimate", "low", "high"))
