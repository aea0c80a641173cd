"""Fixture words: a home with questions, a heuristic and a trained model, all judged."""

from __future__ import annotations

import shutil
from contextlib import closing

import pytest

import modelwright as mw
from modelwright import features as f
from modelwright.app.connect import Workspace
from modelwright.app.workspace import LocalCaller
from support.challenge import APRIL, JANUARY
from support.homes import fresh_platform
from support.life import BASELINE, CHARTER, MODEL, heuristic, questions, real

KEPT = {"key": "id", "event_time": "asked_at", "known_at": "known_at"}


class Team:
    """A home, and what happens in it."""

    def __init__(self, folder):
        self.platform = fresh_platform(folder)
        self.ws = Workspace(self.platform.table, LocalCaller(self.platform), "here")
        self.table = questions(1200, since=JANUARY, until=APRIL, seed=1)

    def begin(self):
        """Two models, judged."""
        self.commit()
        self.apply("x")
        for name, fit in ((BASELINE, heuristic), (MODEL, real)):
            self.ws.charters.publish(name, CHARTER)
            self.save(name, fit)
            mw.evaluate(self.ws, f"{name}@1", "questions@1", explain=False)

    def close(self):
        self.platform.close()

    def commit(self, *, drop=(), rows=None):
        """A version of the questions."""
        table = self.table.drop_columns(list(drop)).slice(0, rows)
        return self.ws.data.add("questions", table, contract="infer", **KEPT)

    def apply(self, *columns, **more):
        """A version of a view over the questions."""
        source = f.source("questions", entity="id", event_time="asked_at", known_at="known_at")
        view = f.view("context", [source.latest(column, **more) for column in columns])
        return self.ws.features.apply(view)

    def save(self, name, fit, **more):
        """Register a version that learned from the questions."""
        with mw.run(name, workspace=self.ws, seed=1) as run:
            table = mw.dataset("questions@latest").arrow()
            model, columns = fit(table)
            return run.save_model(model, name, example=table.select(columns), **more)


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """The folder of a home in which it has begun; every test has a copy."""
    folder = tmp_path_factory.mktemp("begun")
    with closing(Team(folder)) as made:
        made.begin()
    return folder


@pytest.fixture
def team(begun, tmp_path):
    shutil.copytree(begun, tmp_path, dirs_exist_ok=True)
    with closing(Team(tmp_path)) as made:
        yield made
