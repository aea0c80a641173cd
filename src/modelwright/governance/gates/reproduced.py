"""Somebody has made it again from its record, and it answers the same."""

from __future__ import annotations

from collections.abc import Mapping

from modelwright.governance.checks.model import Reproduction
from modelwright.governance.gates.base import Case, Seen
from modelwright.governance.model import Kind, Scalar


class ReproducedGate:
    """Another version was made of the same data, source, parameters and pipeline, and is equal; fulfils ``Gate``.

    ``e.equal`` is that their packages have the same bytes, or that no two answers differ by more than ``p.tolerance``,
    of 1 or of the answer where that is more. ``e.same`` is that both were made of the same; UNKNOWN where that is not
    on record. ``e.second_person`` is that somebody else made it again, ``e.environment`` that the libraries are equal.
    """

    reads = (Kind.REPRODUCTION,)
    exposes = frozenset({"equal", "bytes", "largest", "n", "same", "environment", "seeds", "second_person"})
    passes = "e.equal && e.same"
    parameters: Mapping[str, Scalar] = {"tolerance": 1e-6}

    def exempt(self, case: Case) -> str:
        """Always applies."""
        return ""

    def look(self, case: Case) -> Seen:
        """Whether bytes or answers are equal, and of what both were made."""
        found = case.values(Reproduction)
        who = "somebody else than its maker" if found.second_person else "its maker"
        came = "the same bytes" if found.same_bytes else f"another {', '.join(found.differing[:3])}"
        compared = f"has {came}, and its {found.n:,} answers differ by {found.largest:.2g} at most"
        told = [f"{found.remade}, which {who} made again, {compared}."]
        if found.other_ingredients:
            told.append(f"It was made of other {', '.join(found.other_ingredients)}.")
        if found.unknown_ingredients:
            told.append(f"Not on record for both: {', '.join(found.unknown_ingredients)}.")
        return Seen(
            values={
                "equal": found.same_bytes or found.largest <= float(case.parameters["tolerance"]),
                "bytes": found.same_bytes,
                "largest": found.largest,
                "n": found.n,
                "same": found.same_recipe,
                "environment": found.made_of.get("environment"),
                "seeds": found.made_of.get("seeds"),
                "second_person": found.second_person,
            },
            reason=" ".join(told),
            remedy="Make it again in a run, of the same data, source and parameters, with fixed seeds; then run: "
            f"modelwright model reproduce {case.ref} --with MODEL@VERSION",
        )


variant = ReproducedGate()
