"""LAW: a channel's secrets go in and never come out: in no answer, error, entry, row, log or export."""

import logging
from contextlib import closing
from datetime import timedelta

import pytest
from standardwebhooks import Webhook

from modelwright.app.connect import Workspace
from modelwright.app.workspace import LocalCaller
from modelwright.core import wire
from modelwright.core.errors import Conflict, Corrupted, Denied, Invalid, NotFound
from modelwright.core.events import Actor
from modelwright.core.identity import OWNER, Identity
from modelwright.core.settings import EGRESS
from modelwright.jobs.courier import Notifier
from modelwright.jobs.leasing import Leases
from modelwright.notifications.courier import pause_after
from modelwright.notifications.model import MOST_FAILURES, PAUSES
from modelwright.notifications.signing import new_secret, signature
from support.happening import alarm, happens
from support.homes import fresh_platform
from support.receiver import receiving

SECRET = "whsec_aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMg=="


@pytest.fixture
def platform(tmp_path):
    with closing(fresh_platform(tmp_path)) as opened:
        yield opened


@pytest.fixture
def ws(platform):
    return Workspace(platform.table, LocalCaller(platform, OWNER), "here")


@pytest.fixture
def there(monkeypatch):
    with receiving() as receiver:
        monkeypatch.setenv(EGRESS.name, receiver.url)
        yield receiver


def test_a_test_says_what_came_back(ws, there):
    made = ws.notifications.connect("desk", "webhook", there.url)
    sent = ws.notifications.test("desk")
    assert (sent.state, sent.status, sent.attempts, sent.seq, sent.error) == ("delivered", 204, 1, None, "")
    [request] = there.got
    assert Webhook(made.secret).verify(request.body, request.headers)["type"] == "test"
    there.answer = there.says(403)
    refused = ws.notifications.test("desk")
    assert (refused.state, refused.status, refused.error) == ("failed", 403, "It answered 403.")
    assert [each.state for each in ws.notifications.deliveries("desk").items] == ["failed", "delivered"]


def test_a_test_holds_up_no_writer(ws, there):
    """While somebody's server takes its time, others write."""
    ws.notifications.connect("desk", "webhook", there.url)

    def answer(request, handler):
        ws.projects.add("claims")
        there.says(204)(request, handler)

    there.answer = answer
    assert ws.notifications.test("desk").state == "delivered"


def test_no_secret_of_a_channel_is_anywhere_but_sealed(ws, platform, there, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    there.answer = there.says(500, b"hunter2 is not welcome", **{"x-hunter2": "hunter2"})
    added = ws.notifications.add("desk", "webhook", f"{there.url}/hunter2?token=hunter2", secret=SECRET)
    ws.notifications.add("chat", "slack", f"{there.url}/services/hunter2")
    notifier = Notifier(platform, Leases(platform.queue, "worker"))
    happens(platform, alarm())
    while notifier.turn():
        notifier.courier.wait()
    answers = [
        added,
        ws.notifications.list(),
        ws.notifications.test("desk"),
        ws.notifications.pause("desk"),
        ws.notifications.resume("desk"),
        ws.notifications.deliveries().items,
        ws.ledger.list(limit=100).items,
        ws.ledger.read(),
    ]
    exported = tmp_path / "ledger.jsonl"
    ws.ledger.export(exported)
    database = b"".join(path.read_bytes() for path in platform.home.folder.glob("control.db*"))
    told = [wire.encode(answers), exported.read_bytes(), database, caplog.text.encode(), repr(answers).encode()]
    assert len(there.got) == 3
    for each in told:
        assert b"hunter2" not in each
        assert SECRET.removeprefix("whsec_").encode() not in each
    kept = {path.name: path.stat().st_mode & 0o777 for path in platform.home.keys.iterdir()}
    assert kept == {"signing.key": 0o600, "sealing.key": 0o600}


def test_where_to_is_not_in_the_ledger(ws):
    ws.notifications.add("mail", "email", "ada@example.com")
    [entry] = ws.ledger.list().items
    assert entry.envelope.kind == "notifications.channel_added"
    assert b"ada@" not in wire.encode(entry)
    assert b"example.com" not in wire.encode(entry)


def test_a_secret_is_sealed_for_its_own_channel(platform):
    sealed = platform.keys.seal(b"secret", "notifications/a")
    assert platform.keys.unseal(sealed, "notifications/a") == b"secret"
    assert platform.keys.seal(b"secret", "notifications/a") != sealed
    for wrong in (sealed[:-4] + "AAA=", "", "no base64", sealed[4:]):
        with pytest.raises(Corrupted):
            platform.keys.unseal(wrong, "notifications/a")
    with pytest.raises(Corrupted):
        platform.keys.unseal(sealed, "notifications/b")


def test_a_home_restored_without_its_key_says_so_and_sends_nothing(ws, platform, there, tmp_path):
    ws.notifications.connect("desk", "webhook", there.url)
    (platform.home.keys / "sealing.key").unlink()
    del platform.keys.__dict__["_sealing"]
    sent = ws.notifications.test("desk")
    assert (sent.state, sent.status) == ("failed", None)
    assert "enter the secret again" in sent.error
    assert there.got == []


WRONG = [
    {"target": "http://hooks.example.com"},
    {"target": "file:///etc/passwd"},
    {"target": "https://user:hunter2@hooks.example.com"},
    {"target": "hooks.example.com"},
    {"secret": ""},
    {"secret": "whsec_c2hvcnQ="},
    {"secret": "hunter2" * 8},
    {"kind": "slack"},
    {"kind": "email"},
    {"kind": "pigeon"},
    {"kind": "email", "target": "ada@example.com\r\nBcc: eve@example.org", "secret": ""},
    {"kind": "email", "target": "ada@example.com,", "secret": ""},
    {"kind": "email", "target": "ada", "secret": ""},
    {"kind": "email", "target": "Ada <ada@example.com>", "secret": ""},
    {"kind": "email", "target": ",".join(f"a{number}@example.com" for number in range(21)), "secret": ""},
    {"name": "a b"},
    {"name": "../etc"},
    {"topics": ["everything"]},
    {"severity": "loud"},
    {"about": ["<b>"]},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_what_is_no_channel_is_refused_without_repeating_a_secret(wrong, ws):
    given = {"name": "desk", "kind": "webhook", "target": "https://hooks.example.com", "secret": SECRET, **wrong}
    with pytest.raises(Invalid) as raised:
        ws.notifications.add(**given)
    assert "hunter2" not in str(raised.value) + raised.value.remedy
    assert ws.notifications.list() == ()


def test_a_name_is_taken_once_and_a_channel_that_is_not_there_is_not_found(ws):
    ws.notifications.add("desk", "email", "ada@example.com")
    with pytest.raises(Conflict):
        ws.notifications.add("desk", "email", "ada@example.com")
    for verb in ("remove", "test", "pause", "resume"):
        with pytest.raises(NotFound):
            getattr(ws.notifications, verb)("elsewhere")


def test_who_may_not_write_may_not_try_a_channel(platform):
    viewer = Identity(actor=Actor(id="vera"), grants=frozenset({"notifications:read"}))
    seen = Workspace(platform.table, LocalCaller(platform, viewer), "here").notifications
    assert seen.list() == ()
    for call in (lambda: seen.test("desk"), lambda: seen.add("desk", "email", "ada@example.com")):
        with pytest.raises(Denied):
            call()


def test_pauses_grow_and_end_after_three_days():
    for failures in range(1, MOST_FAILURES):
        assert 0.8 * PAUSES[failures - 1] <= pause_after(failures) <= 1.2 * PAUSES[failures - 1]
    assert list(PAUSES) == sorted(PAUSES)
    assert timedelta(days=3) < sum(PAUSES, timedelta()) < timedelta(days=4)


def test_signatures_are_those_of_the_receivers_library():
    for body in (b"{}", '{"a": "é"}'.encode()):
        secret = new_secret()
        ours = signature(secret, "msg_1", 1_700_000_000, body)
        from datetime import UTC, datetime

        assert ours == Webhook(secret).sign("msg_1", datetime.fromtimestamp(1_700_000_000, UTC), body.decode())
