"""A model's risk register: what can go wrong, how often it was met, what is done about it, and what people judged."""

from __future__ import annotations

from dataclasses import dataclass

from modelwright.governance.model import Evidence, Kind
from modelwright.models.model import ModelVersion
from modelwright.risks.model import Risk, RisksCounted, Situation, Standing, State, Watched
from modelwright.ui.page import Ask, View


@dataclass(frozen=True)
class Row:
    """A risk on the page.

    Attributes:
        name: Its name.
        risk: What it says.
        state: How it stands.
        situation: How often it was met; none where it was not counted under this register.
        overdue: Whether its review is.
    """

    name: str
    risk: Risk
    state: State
    situation: Situation | None
    overdue: bool


def load(ask: Ask) -> View:
    """One model's risks."""
    name = ask.path["name"]
    standing: Standing | None = ask.read("risks.get", name)
    if standing is None:
        ask.workspace.models.versions(name)  # a model that is not there has no page
        return View("risks", f"Risks of {name}", {"name": name, "standing": None})
    counted = _counted(ask, name, standing)
    situations = {one.risk: one for one in counted.values.situations} if counted else {}  # type: ignore[union-attr]  # by its kind
    today = ask.now.date()
    rows = [
        Row(
            name=each,
            risk=risk,
            state=standing.state(each),
            situation=situations.get(each),
            overdue=risk.review_due is None or risk.review_due < today,
        )
        for each, risk in sorted(standing.risks.items(), key=lambda pair: -pair[1].residual.score)
    ]
    context = {
        "name": name,
        "standing": standing,
        "rows": rows,
        "counted": counted,
        "live": _live(ask, name),
        "open": [row for row in rows if row.state is State.OPEN],
        "judgements": ask.read_all("risks.judgements", name),
    }
    return View("risks", f"Risks of {name}", context)


def _live(ask: Ask, model: str) -> list[Watched]:
    """What was seen at the endpoints that answer with the model."""
    names = [one.name for one in ask.read_all("endpoints.list") if (one.current.model, one.retired) == (model, None)]
    found = (ask.read("risks.live", name) for name in names)
    return [one for one in found if one is not None and one.model == model]


def _counted(ask: Ask, model: str, standing: Standing) -> Evidence | None:
    """The newest count under the register in force: of the champion, else of the newest version that has one."""
    for version in (ask.read("models.get", f"{model}@champion"), *ask.read_all("models.versions", model, limit=5)):
        found = _of(ask, version, standing) if version is not None else None
        if found is not None:
            return found
    return None


def _of(ask: Ask, version: ModelVersion, standing: Standing) -> Evidence | None:
    for one in ask.read_all("evidence.list", version.ref):
        values = one.values
        current = isinstance(values, RisksCounted) and values.register == standing.register.digest
        if one.kind is Kind.RISKS and current and one.package == version.package:
            return one  # type: ignore[no-any-return]  # as the operation answers
    return None
