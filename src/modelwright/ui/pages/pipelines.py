"""Pipelines, their executions, and when each step of one ran."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from modelwright import charts
from modelwright.charts import Span
from modelwright.charts.words import duration, exact
from modelwright.core.errors import NotFound
from modelwright.pipelines.model import Cause, CauseKind, Execution, Status, Step, StepStatus
from modelwright.ui.page import Ask, View

_PAGE = 50
_MOST_BARS = 120
_MOST_ROWS = 300
_KINDS = {
    StepStatus.WAITING: "waiting",
    StepStatus.RUNNING: "running",
    StepStatus.SUCCEEDED: "done",
    StepStatus.CACHED: "cached",
    StepStatus.FAILED: "failed",
}


def load_list(ask: Ask) -> View:
    """Pipelines by name, and what the calendar will start."""
    page = ask.workspace.pipelines.list(after=ask.word("after"))
    context = {
        "pipelines": page.items,
        "after": page.next,
        "schedules": ask.read_all("pipelines.schedules")[:_PAGE],
        "failing": [one.name for one in page.items if one.last and one.last.status is Status.FAILED],
    }
    return View("pipelines", "Pipelines", context)


def load(ask: Ask) -> View:
    """One pipeline: its versions, executions, and triggers that started nothing."""
    name = ask.path["name"]
    executions = ask.workspace.pipelines.executions(name=name, limit=_PAGE, after=ask.word("after") or None)
    versions = ask.workspace.pipelines.versions(name, limit=10)
    if not executions.items and not versions.items and not ask.word("after"):
        raise NotFound(f"There is no pipeline {name!r}.", remedy="See what there is: modelwright pipeline list")
    context = {
        "name": name,
        "newest": versions.items[0] if versions.items else None,
        "versions": versions.items,
        "executions": executions.items,
        "after": executions.next,
        "causes": {one.id: because(one.cause) for one in executions.items},
        "declined": ask.read_all("pipelines.declined", name, limit=20),
    }
    return View("pipeline", name, context)


def load_execution(ask: Ask) -> View:
    """One execution."""
    execution: Execution = ask.workspace.pipelines.execution(ask.path["execution_id"])
    steps: tuple[Step, ...] = ask.workspace.pipelines.steps(execution.id)
    wanted = ask.word("log")
    context = {
        "execution": execution,
        "steps": steps[:_MOST_ROWS],
        "more": max(len(steps) - _MOST_ROWS, 0),
        "counts": {status: sum(step.status is status for step in steps) for status in StepStatus},
        "cpu": sum(step.cpu_seconds for step in steps),
        "because": because(execution.cause),
        "log": ask.read("pipelines.logs", execution.id, wanted) if wanted else None,
        "timeline": charts.timeline(
            spans(steps[:_MOST_BARS]), now=ask.now, name=f"When each step of {execution.pipeline} ran"
        ),
        "undrawn": max(len(steps) - _MOST_BARS, 0),
    }
    return View("execution", f"{execution.pipeline} {execution.id[-8:]}", context)


def because(cause: Cause) -> tuple[str, str]:
    """Why something was started, and the page that tells more, if there is one."""
    words = " ".join(part for part in (cause.kind, cause.subject) if part)
    rooms = {CauseKind.ALARM: "endpoints", CauseKind.DATA: "data"}
    return words, rooms.get(cause.kind, "") if cause.subject else ""


def spans(steps: Sequence[Step]) -> list[Span]:
    """Steps as bars; one whose result was taken from elsewhere took no time."""
    return [
        Span(
            name=step.id,
            start=step.started_at or step.ended_at,
            end=step.ended_at if step.status is not StepStatus.RUNNING else None,
            said=_said(step),
            kind=_KINDS[step.status],
        )
        for step in steps
    ]


def _said(step: Step) -> str:
    parts = [f"{step.id}: {step.status}", _took(step.started_at, step.ended_at), exact(step.started_at)]
    return ", ".join(part for part in parts if part)


def _took(start: datetime | None, end: datetime | None) -> str:
    return duration((end - start).total_seconds()) if start is not None and end is not None else ""
