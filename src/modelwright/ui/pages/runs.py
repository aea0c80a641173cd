"""Runs: the table of what differs, and one run with its curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from modelwright.tracking.model import Run, RunStatus
from modelwright.ui.curves import Curve, curve
from modelwright.ui.page import Ask, View

_PAGE = 100
_MOST_COLUMNS = 12
_MOST_CURVES = 8


@dataclass(frozen=True)
class Column:
    """A column of the table: a metric or a parameter."""

    kind: str
    name: str

    @property
    def id(self) -> str:
        """How the address names it."""
        return f"{self.kind}.{self.name}"

    def of(self, run: Run) -> Any:
        """The run's value."""
        return (run.metrics if self.kind == "m" else run.parameters).get(self.name)


def load_list(ask: Ask) -> View:
    """Runs, newest first, a hundred a page."""
    name = ask.word("name") or None
    after = ask.word("after") or None
    page = ask.workspace.runs.list(name=name, limit=_PAGE, after=after)
    every = columns(page.items)
    chosen = chosen_columns(every, page.items, ask.word("columns"), everything=ask.word("show") == "all")
    context = {
        "runs": page.items,
        "after": page.next,
        "first": after is None,
        "name": name,
        "names": sorted({run.name for run in page.items}),
        "columns": chosen,
        "every": every,
        "everything": ask.word("show") == "all",
        "running": sum(run.status == RunStatus.RUNNING for run in page.items),
    }
    return View("runs", f"Runs of {name}" if name else "Runs", context)


def columns(runs: Sequence[Run]) -> list[Column]:
    """Every metric, then every parameter, each in the order it first appears."""
    metrics = dict.fromkeys(key for run in runs for key in run.metrics)
    parameters = dict.fromkeys(key for run in runs for key in run.parameters)
    return [Column("m", key) for key in metrics] + [Column("p", key) for key in parameters]


def chosen_columns(every: Sequence[Column], runs: Sequence[Run], wanted: str, *, everything: bool) -> list[Column]:
    """The columns to show: those asked for; else the metrics and the parameters that differ, at most twelve.

    Args:
        every: All there are.
        runs: The rows.
        wanted: Their ids with commas between, as the address has them.
        everything: Show also what is the same in every row.
    """
    if wanted:
        ids = set(wanted.split(","))
        return [column for column in every if column.id in ids]
    if everything:
        return list(every)[: 4 * _MOST_COLUMNS]
    if len(runs) < 2:
        return list(every)[:_MOST_COLUMNS]
    differing = [column for column in every if column.kind == "m" or len({str(column.of(run)) for run in runs}) > 1]
    return differing[:_MOST_COLUMNS]


def load(ask: Ask) -> View:
    """One run."""
    run: Run = ask.workspace.runs.get(ask.path["run_id"])
    curves, scalars, more = _curves(ask, run)
    context = {
        "run": run,
        "headline": next(iter(run.metrics.items()), None),
        "curves": curves,
        "scalars": scalars,
        "more": more,
        "made": _made(ask, run),
    }
    return View("run", f"{run.name} {run.id[-8:]}", context)


def _curves(ask: Ask, run: Run) -> tuple[list[Curve], list[str], list[str]]:
    """Metrics with a history, metrics that are one number, and metrics whose history was not read."""
    drawn: list[Curve] = []
    scalars: list[str] = []
    more: list[str] = []
    wanted = ask.word("curves")
    for key in run.metrics:
        if (wanted and key != wanted) or (not wanted and len(drawn) >= _MOST_CURVES):
            more.append(key)
            continue
        found = curve(ask, run.id, key)
        if found is None:
            scalars.append(key)
        else:
            drawn.append(found)
    return drawn, scalars, more


def _made(ask: Ask, run: Run) -> list[str]:
    """The model versions that came of the run."""
    graph = ask.read("lineage.down", f"run:{run.id}", depth=1)
    if graph is None:
        return []
    return [name.removeprefix("model:") for name in graph.nodes if name.startswith("model:")]
