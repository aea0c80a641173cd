"""Fixture words: a home whose clock stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from modelwright.app.connect import Workspace
from modelwright.app.home import Home
from modelwright.app.workspace import LocalCaller, Platform
from modelwright.tracking.model import Metric

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Clock:
    """The wall clock, which tests move."""

    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now

    def forward(self, **by):
        self.now += timedelta(**by)


def point(key="loss", value=1.0, *, step=0, seq=0, at=NOW):
    return Metric(key=key, value=value, step=step, at=at, seq=seq)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def platform(tmp_path, clock):
    made = Platform(Home(tmp_path / ".modelwright").open(create=True), clock=clock)
    yield made
    made.close()


@pytest.fixture
def runs(platform):
    return Workspace(platform.table, LocalCaller(platform), "here").runs


@pytest.fixture
def ledger(platform):
    return Workspace(platform.table, LocalCaller(platform), "here").ledger
