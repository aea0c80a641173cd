"""What was found about a version, in full, as tables for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelwright.terminal.output import table

if TYPE_CHECKING:
    from modelwright.governance.checks.model import More


def details(values: More) -> str:
    """What was found beside an evaluation."""
    from modelwright.governance.checks.model import (  # weight: the evidence's types
        Checked,
        Documented,
        Groups,
        Rivals,
        Robustness,
    )

    match values:
        case Rivals():
            rivals = [(each.ref, f"{each.score:.4g}", each.delta) for each in values.rivals]
            return table(("version", values.metric, "better by"), rivals, empty="")
        case Groups():
            groups = [
                (each.column, each.value, f"{each.n:,}", each.metric, each.selected, each.caught)
                for each in values.groups
            ]
            return table(("column", "value", "rows", values.metric, "selected", "caught"), groups, empty="")
        case Robustness():
            trials = [(each.perturbation, each.drop, each.flipped, each.perturbation.error) for each in values.trials]
            return table(("perturbation", f"{values.metric} drops by", "decided otherwise", "error"), trials, empty="")
        case Checked():
            return table(("name", "value"), list(values.values.items()), empty="")
        case Documented():
            counts = [
                (each.document, each.computed, each.attested, each.missing, each.later, ", ".join(each.lacking))
                for each in values.documents
            ]
            return table(("document", "computed", "attested", "missing", "later", "lacks"), counts, empty="")
        case _:
            return ""
