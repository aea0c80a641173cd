"""``modelwright rollout``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelwright.terminal.context import workspace
from modelwright.terminal.output import After, Json, Limit, facts, show, table, when

if TYPE_CHECKING:
    from modelwright.rollouts.model import Comparison, Pace, Rollout, ShadowWorker, Standing

app = typer.Typer(help="Rollouts: challengers in the shadow of what answers.", no_args_is_help=True)

Endpoint = Annotated[str, typer.Argument(metavar="ENDPOINT")]


@app.command("list")
def list_(
    context: typer.Context,
    endpoint: Annotated[str | None, typer.Argument(metavar="ENDPOINT", help="Only this endpoint's.")] = None,
    limit: Limit = 100,
    after: After = None,
    json: Json = False,
) -> None:
    """List rollouts, newest first."""
    page = workspace(context).rollouts.list(endpoint=endpoint, limit=limit, after=after)
    rows = [
        (r.id, r.endpoint, r.challenger.ref, r.answering.ref, r.state, when(r.started_at), _why(r)) for r in page.items
    ]
    columns = ("rollout", "endpoint", "challenger", "against", "outcome", "started", "why")
    empty = "No rollouts yet. Start one: modelwright endpoint challenge ENDPOINT MODEL@VERSION"
    show(page, json=json, text=lambda: table(columns, rows, empty=empty, more=page.next))


@app.command("show")
def show_(context: typer.Context, endpoint: Endpoint, json: Json = False) -> None:
    """Show how an endpoint's newest rollout stands."""
    found = workspace(context).rollouts.standing(endpoint)
    show(found, json=json, text=lambda: _standing(found))


@app.command()
def record(
    context: typer.Context,
    rollout: Annotated[str, typer.Argument(metavar="ID", help="As rollout list shows it.")],
    json: Json = False,
) -> None:
    """Show one rollout, with what each look saw."""
    found = workspace(context).rollouts.get(rollout)
    show(found, json=json, text=lambda: _recorded(found))


@app.command()
def judge(context: typer.Context, endpoint: Endpoint, json: Json = False) -> None:
    """Promote or refuse an endpoint's challenger, if that is due."""
    found = workspace(context).rollouts.judge(endpoint)
    show(found, json=json, text=lambda: "\n".join([str(found), *found.reasons]))


@app.command()
def stop(
    context: typer.Context,
    endpoint: Endpoint,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the record.")] = "",
    json: Json = False,
) -> None:
    """End an endpoint's rollout without a judgement."""
    found = workspace(context).rollouts.stop(endpoint, reason=reason)
    show(found, json=json, text=lambda: str(found))


def begun(rollout: Rollout) -> str:
    """A rollout that has just begun, in words."""
    looks = ", ".join(rollout.terms.looks)
    return f"{rollout.challenger.ref} is in the shadow of {rollout.answering.ref}; it is judged after {looks}."


def _why(rollout: Rollout) -> str:
    return rollout.reasons[0] if rollout.reasons else rollout.cause


def _standing(found: Standing) -> str:
    parts = [_recorded(found.rollout)]
    if found.rollout.outcome is None:
        parts.append(
            facts(
                [
                    ("waiting", found.waiting),
                    ("event time", when(found.watermark)),
                    *((f"worker {one.worker}", _state(one)) for one in found.workers),
                ]
            )
        )
        if found.present is not None:
            parts.append(f"So far, deciding nothing:\n{_compared(found.present)}")
    return "\n\n".join(parts)


def _recorded(rollout: Rollout) -> str:
    head = facts(
        [
            ("rollout", rollout.id),
            ("endpoint", rollout.endpoint),
            ("challenger", rollout.challenger.ref),
            ("answering", rollout.answering.ref),
            ("outcome", rollout.state),
            ("cause", rollout.cause),
            ("started", when(rollout.started_at)),
            ("concluded", rollout.concluded_at and when(rollout.concluded_at)),
            *(("reason", reason) for reason in rollout.reasons),
        ]
    )
    looks = [
        f"Look {look.number}: {look.finding.verdict}. {' '.join(look.finding.reasons)}\n{_compared(look.comparison)}"
        for look in rollout.looks
    ]
    return "\n\n".join([head, *looks])


def _compared(seen: Comparison) -> str:
    rows = [
        (each.metric, _number(each.answering), _number(each.challenger), each.better or each.reason)
        for each in seen.differences
    ]
    counts = facts(
        [
            ("rows", f"{seen.answered:,} answered, {seen.scored:,} scored by both, {seen.labelled:,} with a label"),
            ("lost", f"{seen.failed:,} could not be scored, {seen.missing:,} were never seen"),
            ("disagreement", None if seen.disagreement is None else f"{seen.disagreement:.2%} of rows"),
            ("answering", seen.answering_pace and _paced(seen.answering_pace)),
            ("challenger", seen.challenger_pace and _paced(seen.challenger_pace)),
        ]
    )
    return f"{table(('metric', 'answering', 'challenger', 'gain'), rows, empty='')}\n{counts}"


def _paced(pace: Pace) -> str:
    return f"p50 {pace.p50_ms:.2f} ms, p99 {pace.p99_ms:.2f} ms"


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.4f}"


def _state(one: ShadowWorker) -> str:
    state = one.state
    if state is None:
        return "has not taken it up yet"
    if state.problem is not None:
        return state.problem
    said = f"{state.scored:,} scored, {state.failed:,} failed, {state.dropped:,} dropped"
    return f"{said}; last: {state.last_failure}" if state.last_failure else said
