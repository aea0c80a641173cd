"""``modelwright pipeline``."""

from __future__ import annotations

import re
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from modelwright.core.clock import as_utc
from modelwright.terminal.context import who, workspace
from modelwright.terminal.output import After, Json, Limit, facts, plain, progress, short, show, table, when

if TYPE_CHECKING:
    from modelwright.pipelines.model import Cause, Execution, PipelineVersion, Step

app = typer.Typer(help="Pipelines: steps, executions, triggers.", no_args_is_help=True)

Target = Annotated[str, typer.Argument(metavar="FILE:FUNCTION", help="A function under @mw.pipeline.")]
Given = Annotated[list[str] | None, typer.Argument(metavar="NAME=VALUE…", help="Parameters; values as JSON or text.")]
_LOOK_SECONDS = 0.2
ExecutionId = Annotated[str, typer.Argument(metavar="EXECUTION")]


@app.command()
def register(context: typer.Context, target: Target, json: Json = False) -> None:
    """Hand a pipeline with its source to workers.

    They carry it out when it is started, and start it by its triggers.
    """
    from modelwright.app.automation import load  # weight: the rooms' services

    pipeline = load(target)
    with progress(f"registering {pipeline.name}"):
        version = workspace(context).pipelines.register(pipeline)
    show(version, json=json, text=lambda: str(version))


@app.command()
def run(context: typer.Context, target: Target, parameters: Given = None, json: Json = False) -> None:
    """Execute a pipeline here, recorded and cached. Ctrl-C leaves an execution that can be resumed."""
    from modelwright.app.automation import load  # weight: the rooms' services

    execution = load(target).run(workspace=workspace(context), **_parsed(parameters))
    show(execution, json=json, text=lambda: str(execution))


@app.command()
def start(
    context: typer.Context,
    name: str,
    parameters: Given = None,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for its end.")] = 0.0,
    json: Json = False,
) -> None:
    """Have workers execute a registered pipeline."""
    pipelines = workspace(context).pipelines
    execution = pipelines.start(name, _parsed(parameters))
    until = time.monotonic() + wait
    with progress(f"waiting for {execution.id}") if wait else nullcontext():
        while not execution.over and time.monotonic() < until:
            time.sleep(_LOOK_SECONDS)
            execution = pipelines.execution(execution.id)
    show(execution, json=json, text=lambda: str(execution))


@app.command()
def trigger(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help="alarm, data, cron or commit.")],
    subject: Annotated[str, typer.Argument(help="The endpoint, dataset, expression or commit.")],
    at: Annotated[str, typer.Option(help="When it happened, e.g. 2013-04-01 or 2013-04-01T05:00Z.")],
    cause: Annotated[str, typer.Option(help="What tells more.")] = "",
    json: Json = False,
) -> None:
    """Start the pipelines that wait for something.

    Loop protection may say no: cooldown, budget, or one that is under way.
    """
    found = workspace(context).pipelines.trigger(kind, subject, as_utc(at, field="at"), cause=cause)
    lines = [f"started {one}" for one in found.started]
    lines += [f"declined {one.pipeline}: {one.reason}" for one in found.declined]
    show(found, json=json, text=lambda: "\n".join(lines) or f"No pipeline waits for {kind}:{subject}.")


@app.command("list")
def list_(context: typer.Context, limit: Limit = 100, after: After = None, json: Json = False) -> None:
    """List pipelines."""
    page = workspace(context).pipelines.list(limit=limit, after=after or "")
    rows = [
        (
            one.name,
            one.newest and one.newest.version,
            ", ".join(one.newest.definition.triggers) if one.newest else "not registered",
            one.last and one.last.status,
            when(one.last.queued_at) if one.last else None,
        )
        for one in page.items
    ]
    columns = ("pipeline", "version", "starts on", "last execution", "at")
    empty = "No pipelines yet. Register one: modelwright pipeline register FILE:FUNCTION"
    show(page, json=json, text=lambda: table(columns, rows, empty=empty, more=page.next))


@app.command()
def versions(context: typer.Context, name: str, limit: Limit = 100, after: After = None, json: Json = False) -> None:
    """List a pipeline's versions."""
    page = workspace(context).pipelines.versions(name, limit=limit, after=after)
    rows = [
        (v.version, v.definition.entry, ", ".join(v.definition.triggers), when(v.registered_at), short(v.digest))
        for v in page.items
    ]
    columns = ("version", "entry", "starts on", "registered", "digest")
    show(page, json=json, text=lambda: table(columns, rows, empty=f"{name} was never registered.", more=page.next))


@app.command()
def executions(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Only those of this pipeline.")] = None,
    limit: Limit = 50,
    after: After = None,
    json: Json = False,
) -> None:
    """List executions, newest first."""
    page = workspace(context).pipelines.executions(name=name, limit=limit, after=after)
    rows = [(one.id, one.pipeline, one.status, _because(one.cause), when(one.queued_at)) for one in page.items]
    columns = ("execution", "pipeline", "status", "because of", "asked for")
    empty = "No executions yet. Begin one: modelwright pipeline run FILE:FUNCTION"
    show(page, json=json, text=lambda: table(columns, rows, empty=empty, more=page.next))


@app.command("show")
def show_(
    context: typer.Context,
    what: Annotated[str, typer.Argument(metavar="PIPELINE|EXECUTION", help="A name, or an execution's id.")],
    json: Json = False,
) -> None:
    """Show a pipeline, or an execution with its steps."""
    pipelines = workspace(context).pipelines
    if re.fullmatch(r"[0-9a-f]{32}", what):
        execution = pipelines.execution(what)
        show(execution, json=json, text=lambda: _executed(execution, pipelines.steps(what)))
    else:
        version = pipelines.get(what)
        show(version, json=json, text=lambda: _described(version))


@app.command()
def steps(context: typer.Context, execution: ExecutionId, json: Json = False) -> None:
    """List the steps of an execution."""
    found = workspace(context).pipelines.steps(execution)
    show(found, json=json, text=lambda: _steps(found))


@app.command()
def logs(
    context: typer.Context,
    execution: ExecutionId,
    step: Annotated[str | None, typer.Argument(help="One step; by default every step that wrote something.")] = None,
    json: Json = False,
) -> None:
    """Show what steps wrote, also while they run."""
    pipelines = workspace(context).pipelines
    if step is not None:
        found = pipelines.logs(execution, step)
        show(found, json=json, text=lambda: found.text)
        return
    written = [pipelines.logs(execution, one.id) for one in pipelines.steps(execution) if one.log_size]
    pages = [f"== {one.step} ==\n{one.text.rstrip()}" for one in written]
    show(written, json=json, text=lambda: "\n".join(pages) or "No step wrote anything.")


@app.command()
def resume(
    context: typer.Context,
    execution: ExecutionId,
    target: Annotated[str | None, typer.Argument(metavar="FILE:FUNCTION", help="Where its function is now.")] = None,
    json: Json = False,
) -> None:
    """Go on with an execution; what succeeded is kept.

    What workers carried out, workers go on with. What a script ran goes on here, in the project's folder.
    """
    pipelines = workspace(context).pipelines
    asked = pipelines.execution(execution)
    if asked.version is not None:
        again = pipelines.resume(execution)
    else:
        from modelwright.app.automation import load  # weight: the rooms' services

        again = load(target or asked.entry).run(workspace=workspace(context), resume=execution)
    show(again, json=json, text=lambda: str(again))


@app.command()
def cancel(context: typer.Context, execution: ExecutionId, json: Json = False) -> None:
    """End an execution; what is under way is killed."""
    found = workspace(context).pipelines.cancel(execution)
    show(found, json=json, text=lambda: f"{found}{', ends now' if found.cancelling else ''}")


@app.command()
def schedule(context: typer.Context, json: Json = False) -> None:
    """Show what the calendar will start."""
    found = workspace(context).pipelines.schedules()
    rows = [(one.pipeline, one.expression, when(one.next_at), when(one.last_at)) for one in found]
    empty = 'Nothing is scheduled. Write @mw.pipeline(on=["cron:0 3 * * 1"]) and register it.'
    show(found, json=json, text=lambda: table(("pipeline", "expression", "next", "last"), rows, empty=empty))


@app.command()
def declined(context: typer.Context, name: str, limit: Limit = 50, after: After = None, json: Json = False) -> None:
    """List triggers that started nothing, and why."""
    page = workspace(context).pipelines.declined(name, limit=limit, after=after)
    rows = [(when(one.at), _because(one.cause), one.reason) for one in page.items]
    empty = f"Every trigger of {name} started it."
    show(page, json=json, text=lambda: table(("at", "because of", "reason"), rows, empty=empty, more=page.next))


def _parsed(words: list[str] | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for word in words or ():
        name, equals, value = word.partition("=")
        if not equals or not name.isidentifier():
            raise typer.BadParameter(f"{word!r} is not NAME=VALUE", param_hint="NAME=VALUE")
        try:
            found[name] = msgspec.json.decode(value)
        except msgspec.DecodeError:
            found[name] = value
    return found


def _because(cause: Cause) -> str:
    return " ".join(part for part in (cause.kind, cause.subject, cause.detail) if part)


def _described(version: PipelineVersion) -> str:
    it = version.definition
    return facts(
        [
            ("pipeline", f"{version.pipeline}@{version.version}"),
            ("digest", version.digest),
            ("entry", it.entry),
            ("takes", ", ".join(f"{one.name}{': ' + one.kind if one.kind else ''}" for one in it.parameters)),
            ("starts on", ", ".join(it.triggers)),
            ("cooldown", f"{it.cooldown_seconds / 86400:g} days" if it.cooldown_seconds else None),
            ("budget", it.budget and f"{it.budget} starts in 365 days"),
            ("commit", it.commit),
            ("source", it.source),
            ("environment", it.environment),
            ("registered", f"{when(version.registered_at)} by {who(version.registered_by)}"),
        ]
    )


def _executed(execution: Execution, found: tuple[Step, ...]) -> str:
    head = facts(
        [
            ("execution", execution.id),
            ("pipeline", f"{execution.pipeline}{f'@{execution.version}' if execution.version else ''}"),
            ("status", f"{execution.status}{': ' + execution.error if execution.error else ''}"),
            ("because of", _because(execution.cause)),
            *((f"param {name}", value) for name, value in execution.parameters.items()),
            ("at", when(execution.at)),
            ("started", when(execution.started_at)),
            ("ended", when(execution.ended_at)),
            ("answer", execution.result and execution.result.what),
        ]
    )
    return f"{head}\n\n{_steps(found)}"


def _steps(found: tuple[Step, ...]) -> str:
    rows = [
        (
            one.id,
            one.status,
            len(one.failed) + 1 if one.failed else None,
            _took(one),
            f"{one.cpu_seconds:.2f}" if one.cpu_seconds else None,
            (f"{one.reused.execution} {one.reused.step}" if one.reused else one.error)
            or (one.output.what if one.output else None)
            or (one.progress and f"{one.progress.done:g} of {one.progress.total or '?'} {one.progress.note}"),
        )
        for one in found
    ]
    return plain(table(("step", "status", "try", "seconds", "cpu s", "from, error or result"), rows, empty="No steps."))


def _took(step: Step) -> str | None:
    if step.started_at is None or step.ended_at is None:
        return None
    return f"{(step.ended_at - step.started_at).total_seconds():.2f}"
