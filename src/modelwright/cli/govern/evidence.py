"""``modelwright evidence``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelwright.cli.build.effects import replayed
from modelwright.cli.build.models import Ref
from modelwright.cli.govern.findings import details
from modelwright.terminal.context import who, workspace
from modelwright.terminal.output import Json, facts, short, show, table, when

if TYPE_CHECKING:
    from modelwright.governance.model import Evidence, Values
    from modelwright.risks.model import RisksCounted
    from modelwright.stats.model import Slice

app = typer.Typer(help="What was found about versions, and never changes.", no_args_is_help=True)


@app.command("list")
def list_(context: typer.Context, ref: Ref, json: Json = False) -> None:
    """List the evidence about a version, newest first."""
    found = workspace(context).evidence.list(ref)
    rows = [(short(e.digest), when(e.made_at), e.summary) for e in found]
    empty = f"Nothing was found about {ref} yet. Evaluate it: modelwright model evaluate {ref} --on DATASET@VERSION"
    show(found, json=json, text=lambda: table(("evidence", "made", "found"), rows, empty=empty))


@app.command("show")
def show_(
    context: typer.Context,
    digest: Annotated[str, typer.Argument(metavar="DIGEST", help="Whole, as --json and the dashboard give it.")],
    json: Json = False,
) -> None:
    """Show one piece of evidence with its values."""
    found = workspace(context).evidence.get(digest)
    show(found, json=json, text=lambda: _described(found))


def _described(found: Evidence) -> str:
    head = facts(
        [
            ("evidence", found.digest),
            ("found", found.summary),
            ("about", f"{found.model}@{found.version} (package {found.package})"),
            ("on", f"{found.dataset.ref} ({found.dataset.digest}), {found.window}"),
            ("charter", found.charter),
            ("code", found.code),
            ("made", f"{when(found.made_at)} by {who(found.made_by.id)}"),
            ("expires", found.expires_at and when(found.expires_at)),
        ]
    )
    return "\n\n".join(part for part in (head, _details(found.values)) if part)


def _details(values: Values) -> str:
    from modelwright.governance.checks.model import More  # weight: the statistics' types
    from modelwright.governance.effects.model import Replay
    from modelwright.governance.model import ContractCheck, Evaluation, Explanation
    from modelwright.risks.model import RisksCounted

    match values:
        case ContractCheck():
            return "\n".join(str(violation) for violation in values.violations)
        case Evaluation():
            rows = [(s.column, s.value, f"{s.n:,}", s.interval or s.reason) for s in values.slices]
            return table(("column", "value", "rows", values.metric), rows, empty="")
        case Explanation():
            drops = [(each.column, each.drop) for each in values.importances]
            return table(("input", "drop"), drops, empty="")
        case Replay():
            return replayed(values)
        case RisksCounted():
            return situations(values)
        case _:
            return details(values) if isinstance(values, More) else ""


def situations(values: RisksCounted) -> str:
    """How often the situations of a risk register were met."""
    rows = [
        (one.risk, "UNKNOWN", "-", "-", one.reason, "-")
        if one.matched is None
        else (one.risk, one.matched, one.unknown, one.share, _part(one.inside), _part(one.rest))
        for one in values.situations
    ]
    return table(("risk", "rows", "unknown", "share", f"{values.metric} inside", "outside"), rows, empty="")


def _part(part: Slice | None) -> str:
    return "-" if part is None else str(part.interval or part.reason)
