"""Is everything all right, what happened lately, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass

from modelwright.ui.page import Ask, View
from modelwright.ui.pages.standing import standings

_DECIDED = "governance.transition_decided"


@dataclass(frozen=True)
class Step:
    """One step of setting up.

    Attributes:
        name: What it gives.
        command: How to take it.
        done: Whether it has been taken.
    """

    name: str
    command: str
    done: bool


def load(ask: Ask) -> View:
    """The overview."""
    runs = ask.read_all("runs.list", limit=8)
    models = ask.read_all("models.list")
    datasets = ask.read_all("data.list")
    endpoints = standings(ask, ask.read_all("endpoints.list"))
    context = {
        "runs": runs,
        "models": models,
        "datasets": datasets,
        "endpoints": endpoints,
        "decisions": ask.read_all("ledger.list", kind=_DECIDED, limit=6),
        "steps": _steps(ask, data=bool(datasets), runs=bool(runs), models=bool(models), served=bool(endpoints)),
        "where": ask.workspace.where,
    }
    return View("overview", "Overview", context)


def _steps(ask: Ask, *, data: bool, runs: bool, models: bool, served: bool) -> list[Step]:
    steps = []
    if ask.offers("data.list"):
        steps.append(Step("Add a table", "modelwright data add flights flights.parquet --key flight_id", data))
    steps.append(Step("Record a run: run your script inside one", _RUN, runs))
    steps.append(Step("Keep its model", _SAVE, models))
    if ask.offers("endpoints.list"):
        steps.append(Step("Serve it", "modelwright endpoint deploy delays flight-delay@1", served))
    return steps


_RUN = 'import modelwright as mw\n\nwith mw.run("flight-delay", lr=0.1) as run:\n    run.log(auc=0.74)'
_SAVE = 'version = run.save_model(model, "flight-delay", example=rows)'
