"""The rows it was evaluated on are what the model's input contract says."""

from __future__ import annotations

from collections.abc import Mapping

from modelwright.governance.gates.base import Case, Seen
from modelwright.governance.model import ContractCheck, Kind, Scalar


class ContractGate:
    """The input contract covers the model's columns and held on the evaluation's rows; fulfils ``Gate``."""

    reads = (Kind.CONTRACT,)
    exposes = frozenset({"rows", "columns", "violations"})
    passes = "e.columns > 0 && e.rows > 0 && e.violations == 0"
    parameters: Mapping[str, Scalar] = {}

    def exempt(self, case: Case) -> str:
        """Always applies."""
        return ""

    def look(self, case: Case) -> Seen:
        """Rows, columns and what is out of order."""
        found = case.values(ContractCheck)
        wrong = "; ".join(map(str, found.violations[:3]))
        more = f" and {len(found.violations) - 3} more" if len(found.violations) > 3 else ""
        return Seen(
            values={"rows": found.rows, "columns": len(found.columns), "violations": len(found.violations)},
            reason=f"{found.rows:,} rows keep the contract of {len(found.columns)} columns."
            if not wrong
            else f"Of {len(found.columns)} columns {len(found.violations)} break the contract: {wrong}{more}.",
            remedy="Mend the data, or save the model again with a contract that its rows keep; then run: "
            + case.evaluate_command(),
        )


variant = ContractGate()
