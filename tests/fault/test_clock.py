"""A clock that jumps: nothing hangs, nothing is done twice, and who was shut out is not let in by an older hour."""

from contextlib import closing
from datetime import timedelta

import pytest

from modelwright.access.credentials import hashed
from modelwright.app.entrance import Presented
from modelwright.app.home import Home
from modelwright.app.workspace import Platform
from modelwright.core.errors import Denied
from modelwright.core.identity import Identity
from modelwright.testing.rows import Hand
from support.people import begin_login, do


@pytest.fixture
def clock():
    return Hand()


@pytest.fixture
def platform(tmp_path, clock):
    with closing(Platform(Home(tmp_path / ".modelwright").open(create=True), clock=clock)) as opened:
        yield opened


def test_a_session_from_the_future_is_over(platform, clock):
    root = begin_login(platform)
    secret = "s" * 43
    begin = platform.sessions.operations()["begin"]
    request = begin.bind((), {"digest": hashed(secret), "user": root.actor.id, "way": "token", "own": True})
    identity = Identity(actor=root.actor, grants=frozenset({"sessions:write"}))
    platform.units.run(begin, platform.sessions, request, identity=identity)
    assert platform.entrance.identify(Presented("session", secret), None).actor.id == root.actor.id
    clock.forward(-3600)
    with pytest.raises(Denied, match="the clock was put back"):
        platform.entrance.identify(Presented("session", secret), None)


@pytest.mark.parametrize("jump", [-(10**7), -3600, 3600, 10**7])
def test_commands_and_the_ledger_outlive_a_jump(platform, clock, jump):
    before = do(platform, "runs.start", name="before")
    clock.forward(jump)
    after = do(platform, "runs.start", name="after")
    do(platform, "runs.finish", run_id=before.id, status="finished")
    assert [run.name for run in do(platform, "runs.list").items] == ["after", "before"]
    listed = do(platform, "ledger.list", limit=10).items
    assert [one.envelope.seq for one in listed] == [3, 2, 1]
    assert do(platform, "ledger.verify").intact
    assert do(platform, "runs.get", run_id=after.id).started_at - before.started_at == timedelta(seconds=jump)


def test_jobs_go_on_when_the_clock_is_put_back_under_a_dead_worker(platform, clock):
    assert platform.queue.acquire("monitors", "dead", timedelta(seconds=15)) is not None
    clock.forward(-6 * 3600)
    assert platform.queue.acquire("monitors", "living", timedelta(seconds=15)) is not None
    assert platform.queue.acquire("monitors", "third", timedelta(seconds=15)) is None
