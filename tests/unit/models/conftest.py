"""Fixture words: a registry in a home, with a guard that says what the test wants, and packages to register."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from modelwright.app.connect import Workspace
from modelwright.app.workspace import LocalCaller
from modelwright.core.guard import Action, Decision, GateResult, Verdict
from modelwright.core.schema import Column, Contract, DType
from modelwright.ledger.repository import entries
from modelwright.models.lookup import Lookup
from modelwright.models.model import PackageFile
from modelwright.models.repository import ModelRepository, aliases, versions
from modelwright.models.service import ModelService
from support.homes import fresh_platform

INPUTS = Contract(columns=(Column(name="carrier", dtype=DType.STRING),))
ROWS = {"carrier": ["UA", "B6", "AA"]}


class Guard:
    """Decides as it is told what moves, and remembers what it was asked; anybody may register."""

    def __init__(self):
        self.verdict = Verdict.PASS
        self.asked = []

    def __call__(self, unit, transition):
        if transition.action is Action.REGISTER:
            return Decision(transition=transition, allowed=True, tier="minimal", policy="0" * 64, gates=())
        self.asked.append(transition)
        gate = GateResult(gate="kpi", verdict=self.verdict, reason="as the test says", remedy="ask the test")
        return Decision(
            transition=transition, allowed=self.verdict.passes, tier="minimal", policy="0" * 64, gates=(gate,)
        )


class Registry:
    """A home's registry."""

    def __init__(self, platform, guard):
        self.platform = platform
        self.guard = guard
        self.ws = Workspace(platform.table, LocalCaller(platform), "here")
        self.models = self.ws.models
        self.use(guard=guard)

    def use(self, **guard):
        """Make the service anew, with this guard or without."""
        platform = self.platform
        platform.services["models"] = ModelService(
            ModelRepository(), blobs=platform.blobs, keys=platform.keys, runs=platform.services["runs"], **guard
        )

    def file(self, path="lookup.json", data=b"{}"):
        stored = self.platform.blobs.put(data)
        return PackageFile(path=path, digest=stored.digest, size=stored.size)

    def register(self, name="delay", *files, data=b"{}", **more):
        given = files or (self.file(data=data),)
        return self.models.register(name, "lookup", "regression", INPUTS, given, **more)

    def save(self, name="delay", rate=0.2, **more):
        return self.models.save(Lookup(["carrier"], {("UA",): rate}, otherwise=0.25), name, example=ROWS, **more)

    @property
    def state(self):
        """How many versions, aliases and ledger entries there are."""
        with self.platform.records.reading() as rows:
            return tuple(
                rows.execute(select(func.count()).select_from(table)).scalar() for table in (versions, aliases, entries)
            )


@pytest.fixture
def guard():
    return Guard()


@pytest.fixture
def registry(tmp_path, guard):
    platform = fresh_platform(tmp_path)
    yield Registry(platform, guard)
    platform.close()
