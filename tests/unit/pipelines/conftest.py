"""Fixture words: a home whose clock stands still until it is moved, and pipelines in it."""

from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from modelwright.app.connect import Workspace
from modelwright.app.home import Home
from modelwright.app.workspace import LocalCaller, Platform
from modelwright.ledger.repository import entries
from modelwright.pipelines.model import Definition, Parameter

MAY = datetime(2013, 5, 1, tzinfo=UTC)


class Desk:
    """A home, and what is done there."""

    def __init__(self, folder):
        self.now = datetime(2026, 1, 5, tzinfo=UTC)
        self.platform = Platform(Home(folder / ".modelwright").open(create=True), clock=lambda: self.now)
        self.ws = Workspace(self.platform.table, LocalCaller(self.platform), str(self.platform.home.folder))
        self.pipelines, self.executions = self.ws.pipelines, self.ws.executions
        self.digest = self.platform.blobs.put(b"source").digest

    def define(self, name="retrain", **more):
        given = {"entry": "pipeline:retrain", "triggers": ("alarm:delays",), "parameters": (Parameter(name="until"),)}
        definition = Definition(**{"source": self.digest, "environment": self.digest, **given, **more})
        return self.pipelines.define(name, definition)

    def alarm(self, at=MAY, subject="delays"):
        return self.pipelines.trigger("alarm", subject, at, cause="a1")

    def forward(self, **length):
        self.now += timedelta(**length)

    def carry_out(self, status="succeeded"):
        """A worker takes the oldest execution and ends it."""
        claim = self.executions.claim("worker")
        self.executions.finish(claim.execution.id, "worker", claim.token, status)
        return claim.execution

    def kinds(self):
        from sqlalchemy import select

        with self.platform.records.reading() as rows:
            return list(rows.execute(select(entries.c.kind).order_by(entries.c.seq)).scalars())


@pytest.fixture
def desk(tmp_path):
    made = Desk(tmp_path)
    with closing(made.platform):
        yield made
