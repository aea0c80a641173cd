"""Is everything all right, what happened lately, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass

from modelwright.data.model import Dataset
from modelwright.models.model import Model
from modelwright.tracking.model import Run
from modelwright.ui.page import Ask, View
from modelwright.ui.pages.standing import Standing, standings

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
    endpoints = standings(ask, [one for one in ask.read_all("endpoints.list") if one.retired is None])
    context = {
        "runs": runs,
        "models": models,
        "datasets": datasets,
        "endpoints": endpoints,
        "decisions": ask.read_all("ledger.list", kind=_DECIDED, limit=6),
        "steps": _steps(ask, datasets, runs, models, endpoints),
        "where": ask.workspace.where,
    }
    return View("overview", "Overview", context)


def _steps(
    ask: Ask, datasets: list[Dataset], runs: list[Run], models: list[Model], endpoints: list[Standing]
) -> list[Step]:
    chartered = any(ask.read("charters.get", model.name) is not None for model in models[:_LOOKED_AT])
    judged = any(ask.read_all("evidence.list", f"{model.name}@{model.latest}") for model in models[:_LOOKED_AT])
    return [
        Step("Add a table", "modelwright data add flights flights.parquet --key flight_id", bool(datasets)),
        Step("Run your script inside a run", _RUN, bool(runs)),
        Step("Keep the model that it fits", _SAVE, bool(models)),
        Step("Say what the model is for", "modelwright charter publish flight-delay charter.yaml", chartered),
        Step("Have it judged by that", "modelwright model evaluate flight-delay@1 --on flights@1", judged),
        Step("Serve it", "modelwright endpoint deploy delays flight-delay@1", bool(endpoints)),
    ]


_LOOKED_AT = 5
_RUN = 'import modelwright as mw\n\nwith mw.run("flight-delay", lr=0.1) as run:\n    run.log(auc=0.74)'
_SAVE = 'version = run.save_model(model, "flight-delay", example=rows)'
