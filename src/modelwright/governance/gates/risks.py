"""What can go wrong is written down, counted, and dealt with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC

from modelwright.governance.gates.base import Case, Seen
from modelwright.governance.model import Kind, Scalar
from modelwright.risks.model import Risk, RisksCounted, Standing, State


class RisksGate:
    """Every risk of the register in force was counted, has an owner, and was reviewed; fulfils ``Gate``.

    A risk whose residual score reaches ``p.limit`` must be accepted by somebody, or be mitigated by a guard or by what
    evidence of this very version shows. Closed risks are not asked about.
    """

    reads = (Kind.RISKS,)
    exposes = frozenset({"risks", "worst", "unhandled", "overdue", "unowned", "counted"})
    passes = "e.unhandled == 0 && e.overdue == 0 && e.unowned == 0 && e.counted"
    parameters: Mapping[str, Scalar] = {"limit": 12.0}

    def exempt(self, case: Case) -> str:
        """Always applies."""
        return ""

    def look(self, case: Case) -> Seen:
        """How the risks stand; whether they were counted is UNKNOWN where one could not be."""
        found, standing = case.values(RisksCounted), case.register
        count = f"Run: modelwright risk count {case.ref}"
        if standing is None or standing.register.digest != found.register:
            number = "none is" if standing is None else f"{standing.register.version} is"
            reason = f"The situations were counted under register {found.version}, and {number} in force."
            return Seen(values={}, reason=reason, remedy=count)
        asked = {name: risk for name, risk in standing.risks.items() if standing.state(name) is not State.CLOSED}
        limit, today = float(case.parameters["limit"]), case.now.astimezone(UTC).date()
        unhandled = [name for name, risk in asked.items() if risk.residual.score >= limit and _open(case, name, risk)]
        overdue = [name for name, risk in asked.items() if risk.review_due is None or risk.review_due < today]
        unowned = [name for name, risk in asked.items() if risk.owner is None]
        uncounted = [one.risk for one in found.situations if one.matched is None and one.risk in asked]
        worst = max((risk.residual.score for risk in asked.values()), default=0)
        told = (
            (unhandled, f"a residual score of {limit:g} or more, and neither accepted nor mitigated"),
            (overdue, "no review that is due later than today"),
            (unowned, "no owner"),
            (uncounted, "not been counted"),
        )
        wrong = "; ".join(f"{', '.join(names)}: has {words}" for names, words in told if names)
        return Seen(
            values={
                "risks": len(asked),
                "worst": worst,
                "unhandled": len(unhandled),
                "overdue": len(overdue),
                "unowned": len(unowned),
                "counted": None if uncounted else True,
            },
            reason=f"Not closed: {len(asked)} of {len(standing.risks)} risks, with residual scores of up to {worst}."
            + (f" {wrong}." if wrong else ""),
            remedy=f"Look at them: modelwright risk show {case.transition.model}; mend risks.yaml and publish it, or "
            "let somebody else accept them: modelwright risk accept MODEL RISK --reason WHY",
        )


def _open(case: Case, name: str, risk: Risk) -> bool:
    """Whether nothing was done about it that counts."""
    standing: Standing | None = case.register
    state = State.OPEN if standing is None else standing.state(name)
    helped = risk.guard is not None or risk.evidence in case.known
    return not (state is State.ACCEPTED or (state is State.MITIGATED and helped))


variant = RisksGate()
