"""What was found about a version, in full, as tables for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from modelwright.terminal.context import who
from modelwright.terminal.output import table

if TYPE_CHECKING:
    from modelwright.governance.checks.model import More


def details(values: More) -> str:
    """What was found beside an evaluation."""
    from modelwright.governance.checks.model import (  # weight: the evidence's types
        Checked,
        Documented,
        Groups,
        Reproduction,
        Rivals,
        Robustness,
    )

    columns: tuple[str, ...]
    rows: Sequence[Sequence[object]]
    match values:
        case Rivals():
            rivals = [(each.ref, f"{each.score:.4g}", each.delta) for each in values.rivals]
            columns, rows = ("version", values.metric, "better by"), rivals
        case Groups():
            groups = [
                (each.column, each.value, f"{each.n:,}", each.metric, each.selected, each.caught)
                for each in values.groups
            ]
            columns, rows = ("column", "value", "rows", values.metric, "selected", "caught"), groups
        case Robustness():
            trials = [(each.perturbation, each.drop, each.flipped, each.perturbation.error) for each in values.trials]
            columns, rows = ("perturbation", f"{values.metric} drops by", "decided otherwise", "error"), trials
        case Reproduction():
            said = {True: "the same", False: "another one", None: "not on record"}
            parts = [(str(what), said[same]) for what, same in values.made_of.items()]
            parts.append(("package", ", ".join(values.differing) or "the same bytes"))
            makers = [("made by", who(values.maker)), ("made again by", who(values.remaker))]
            if values.execution is not None:
                makers.append(("made again in", f"execution {values.execution}"))
            columns, rows = ("of", "compared"), [*parts, *makers]
        case Checked():
            columns, rows = ("name", "value"), list(values.values.items())
        case Documented():
            counts = [
                (each.document, each.computed, each.attested, each.missing, each.later, ", ".join(each.lacking))
                for each in values.documents
            ]
            columns, rows = ("document", "computed", "attested", "missing", "later", "lacks"), counts
        case _:
            return ""
    return table(columns, rows, empty="")
