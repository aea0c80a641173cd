"""Its package is small enough."""

from __future__ import annotations

from collections.abc import Mapping

from modelwright.governance.checks.model import Size
from modelwright.governance.gates.base import Case, Seen
from modelwright.governance.model import Kind, Scalar


class SizeGate:
    """The package has no more megabytes than a policy allows; fulfils ``Gate``. A megabyte is a million bytes."""

    reads = (Kind.SIZE,)
    exposes = frozenset({"megabytes", "files"})
    passes = "e.megabytes <= p.max_megabytes"
    parameters: Mapping[str, Scalar] = {"max_megabytes": 100.0}

    def exempt(self, case: Case) -> str:
        """Always applies."""
        return ""

    def look(self, case: Case) -> Seen:
        """Its bytes."""
        found = case.values(Size)
        return Seen(
            values={"megabytes": found.bytes / 1e6, "files": found.files},
            reason=f"Its package has {found.bytes / 1e6:,.3g} MB in {found.files} files, the largest {found.largest} "
            f"with {found.largest_bytes / 1e6:,.3g} MB.",
            remedy=f"Make {found.largest} smaller and save the model again; then run: {case.evaluate_command()}",
        )


variant = SizeGate()
