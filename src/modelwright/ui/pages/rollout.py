"""Rollouts: who challenges what an endpoint answers with, how it stands, and how it ended."""

from __future__ import annotations

from modelwright.rollouts.model import Rollout, Standing
from modelwright.ui.page import Ask, View


def load(ask: Ask) -> View:
    """An endpoint's newest rollout."""
    standing: Standing = ask.workspace.rollouts.standing(ask.path["name"])
    return _view(ask, standing.rollout, standing)


def load_one(ask: Ask) -> View:
    """One rollout, running or over."""
    rollout: Rollout = ask.workspace.rollouts.get(ask.path["id"])
    return _view(ask, rollout, None)


def _view(ask: Ask, rollout: Rollout, standing: Standing | None) -> View:
    context = {
        "rollout": rollout,
        "standing": standing,
        "seen": rollout.comparison or (standing.present if standing is not None else None),
        "history": ask.read_all("rollouts.list", rollout.endpoint, limit=20),
    }
    return View("rollout", f"{rollout.endpoint}: {rollout.challenger.ref}", context)
