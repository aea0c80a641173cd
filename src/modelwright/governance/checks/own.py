"""Checks of one's own as gates: ``check.<name>`` in a policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from modelwright.core.errors import Invalid
from modelwright.core.expressions import names, parse
from modelwright.governance.checks.model import Checked
from modelwright.governance.gates.base import Case, Seen, check_command
from modelwright.governance.model import Kind, Policy, Scalar

PREFIX = f"{Kind.CHECK}."


class OwnGate:
    """What a check of one's own found; fulfils ``Gate``. Its condition is the policy's: it has none by itself.

    Args:
        name: The check's.
    """

    passes = ""
    exposes: frozenset[str] = frozenset()
    """Which names a check finds, nobody knows before it has run."""
    parameters: Mapping[str, Scalar] = {}

    def __init__(self, name: str) -> None:
        self.name = name
        self.reads = (PREFIX + name,)

    def exempt(self, case: Case) -> str:
        """Always applies."""
        return ""

    def look(self, case: Case) -> Seen:
        """What it found, as it came."""
        found, evidence = case.values(Checked), case.evidence[self.reads[0]]
        return Seen(
            values=dict(found.values),
            reason=f"{found.summary.capitalize()}, on {found.rows:,} rows, by the function with the digest "
            f"{found.source[:12]}….",
            remedy=f"Look at what it checks; then run: {check_command(case.ref, evidence, self.name)}",
        )


def own(name: str) -> OwnGate | None:
    """The gate of a check of one's own, if it is called like one."""
    check = name.removeprefix(PREFIX)
    return OwnGate(check) if check and check != name else None


def require_known(policy: Policy, found: Sequence[Checked]) -> None:
    """Pass silently unless a condition reads what a check that has run did not find.

    Args:
        policy: The policy.
        found: What checks have found so far; of one that never ran, nothing can be said.

    Raises:
        Invalid: It does; the message names what the check finds.
    """
    for gate, rule in policy.gates.items():
        known = {name for each in found if PREFIX + each.name == gate for name in each.values}
        for read in names(parse(rule.passes)) if known else ():
            if read.path[0] == "e" and read.path[1] not in known:
                raise Invalid(
                    f"gates.{gate}: the condition reads {read}, which the check did not find when it ran.",
                    remedy=f"It found: {', '.join(sorted(known))}.",
                    fields={f"gates.{gate}.pass": f"there is no {read}"},
                )
