"""LAW: what somebody wants to hear of is told at least once, in order, and a channel that is dead holds up nobody."""

import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from modelwright.alerts.model import Severity
from modelwright.app.connect import Workspace
from modelwright.app.home import Home
from modelwright.app.workspace import LocalCaller, Platform
from modelwright.core import wire
from modelwright.core.identity import OWNER
from modelwright.core.settings import EGRESS, PUBLIC_URL
from modelwright.jobs.courier import Notifier
from modelwright.jobs.leasing import Leases
from modelwright.notifications.model import MOST_FAILURES, PAUSES, ChannelState
from support.happening import alarm, happens
from support.receiver import receiving


class Clock:
    """The wall clock of a test. It begins now: receivers refuse old messages."""

    def __init__(self):
        self.now = datetime.now(UTC)

    def __call__(self):
        return self.now

    def goes_on(self, by):
        self.now += by


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def platform(tmp_path, clock):
    with closing(Platform(Home(tmp_path / ".modelwright").open(create=True), clock=clock)) as opened:
        yield opened


@pytest.fixture
def there(monkeypatch):
    with receiving() as receiver:
        monkeypatch.setenv(EGRESS.name, receiver.url)
        yield receiver


def workspace(platform, project="default"):
    return Workspace(platform.table, LocalCaller(platform, OWNER.within(project)), "here")


@pytest.fixture
def ws(platform):
    return workspace(platform)


@pytest.fixture
def notifier(platform):
    made = Notifier(platform, Leases(platform.queue, "worker"))
    yield made
    made.courier.close()


def works(notifier):
    """The job, until there is nothing to do at this moment."""
    while notifier.turn():
        notifier.courier.wait()


def texts(receiver):
    return [wire.decode(request.body, dict)["data"]["text"] for request in receiver.got]


def test_an_alarm_is_posted_and_verified_by_the_receivers_own_library(ws, platform, notifier, there, monkeypatch):
    monkeypatch.setenv(PUBLIC_URL.name, "https://ml.example.com/")
    made = ws.notifications.connect("desk", "webhook", f"{there.url}/hook")
    event = alarm()
    happens(platform, event)
    works(notifier)
    [request] = there.got
    payload = Webhook(made.secret).verify(request.body, request.headers)
    assert (request.method, request.path, request.headers["content-type"]) == ("POST", "/hook", "application/json")
    assert payload["type"] == "alert.raised"
    assert payload["data"] == {
        "project": "default",
        "text": "delays, flight-delay@4: performance alarm raised. It is worse by 0.05.",
        "link": f"https://ml.example.com/alerts/{event.alert_id}",
        "subjects": ["delays", "flight-delay"],
        "severity": "alarm",
        "entry": 2,
    }
    with pytest.raises(WebhookVerificationError):
        Webhook(made.secret).verify(request.body.replace(b"alarm", b"alert"), request.headers)


def test_a_channel_begins_with_what_happens_after_it_was_added(ws, platform, notifier, there):
    happens(platform, alarm())
    ws.notifications.connect("desk", "webhook", there.url)
    works(notifier)
    assert there.got == []


def test_each_project_hears_of_its_own(ws, platform, notifier, there):
    ws.projects.add("claims")
    workspace(platform, "claims").notifications.connect("desk", "webhook", there.url)
    happens(platform, alarm(summary="Ours."))
    happens(platform, alarm(summary="Theirs."), project="claims")
    works(notifier)
    assert [text[-7:] for text in texts(there)] == ["Theirs."]


@pytest.mark.parametrize(
    ("wanted", "heard"),
    [
        ({}, ["alarm", "other"]),
        ({"severity": "inform"}, ["alarm", "inform", "other"]),
        ({"about": ("delays",)}, ["alarm"]),
        ({"about": ("delays",), "severity": "inform"}, ["alarm", "inform"]),
        ({"about": ("another-model",)}, ["other"]),
        ({"topics": ("alert.cleared",)}, []),
        ({"topics": ("alert.cleared", "alert.raised"), "about": ("nothing",)}, []),
    ],
)
def test_a_channel_tells_what_was_asked_of_it(wanted, heard, ws, platform, notifier, there):
    ws.notifications.connect("desk", "webhook", there.url, **wanted)
    happens(
        platform,
        alarm(summary="alarm"),
        alarm(summary="inform", severity=Severity.INFORM),
        alarm(summary="other", endpoint="elsewhere", model="another-model"),
    )
    works(notifier)
    assert [text.rpartition(" ")[2] for text in texts(there)] == heard


def test_messages_of_a_channel_come_in_order_and_each_once(ws, platform, notifier, there):
    ws.notifications.connect("desk", "webhook", there.url)
    for number in range(40):
        happens(platform, alarm(summary=f"{number}."))
        if number % 7 == 0:
            works(notifier)
    works(notifier)
    assert [text.rpartition(" ")[2] for text in texts(there)] == [f"{number}." for number in range(40)]
    assert len({request.headers["webhook-id"] for request in there.got}) == 40
    assert {each.state for each in ws.notifications.deliveries().items} == {"delivered"}


def test_more_than_one_round_of_entries_is_told_to_the_last(ws, platform, notifier, there):
    """Entries of a kind that may be told, but not to this channel, lie before one that is."""
    ws.notifications.connect("desk", "webhook", there.url, about=("delays",))
    happens(platform, *(alarm(endpoint="elsewhere", model="other") for _ in range(1100)), alarm(summary="Last."))
    works(notifier)
    assert [text[-5:] for text in texts(there)] == ["Last."]


def test_what_failed_is_sent_again_under_the_same_id(ws, platform, notifier, there, clock):
    made = ws.notifications.connect("desk", "webhook", there.url)
    there.answer = there.says(500)
    happens(platform, alarm())
    works(notifier)
    [waiting] = ws.notifications.deliveries().items
    assert (waiting.state, waiting.attempts, waiting.status, waiting.error) == ("waiting", 1, 500, "It answered 500.")
    [channel] = ws.notifications.list()
    assert (channel.failures, channel.problem) == (1, "It answered 500.")
    works(notifier)
    assert len(there.got) == 1, "it was tried again before its pause was over"
    there.answer = there.says(204)
    clock.goes_on(PAUSES[0] * 1.3)
    works(notifier)
    first, second = there.got
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-timestamp"] < second.headers["webhook-timestamp"]
    for request in there.got:
        Webhook(made.secret).verify(request.body, request.headers)
    [delivered] = ws.notifications.deliveries().items
    assert (delivered.state, delivered.attempts, delivered.error) == ("delivered", 2, "")
    assert ws.notifications.list()[0].failures == 0


@pytest.mark.parametrize("answer", [301, 302, 400, 404, 429, 500])
def test_everything_but_2xx_is_a_failure_and_no_redirect_is_followed(answer, ws, platform, notifier, there):
    ws.notifications.connect("desk", "webhook", f"{there.url}/first")
    there.answer = there.says(answer, location=f"{there.url}/second")
    happens(platform, alarm())
    works(notifier)
    assert [request.path for request in there.got] == ["/first"]
    assert ws.notifications.list()[0].failures == 1


def test_a_dead_channel_is_paused_the_others_are_told_and_resuming_loses_nothing(
    ws, platform, notifier, there, clock, monkeypatch
):
    with receiving() as dead:
        monkeypatch.setenv(EGRESS.name, f"{there.url},{dead.url}")
        dead.answer = dead.says(503)
        ws.notifications.connect("dead", "webhook", dead.url)
        ws.notifications.connect("alive", "webhook", there.url)
        happens(platform, alarm(summary="First."))
        for pause in (*PAUSES, timedelta()):
            works(notifier)
            clock.goes_on(pause * 1.3)
        works(notifier)
        states = {each.name: (each.state, each.failures) for each in ws.notifications.list()}
        assert states == {"dead": (ChannelState.PAUSED, MOST_FAILURES), "alive": (ChannelState.ACTIVE, 0)}
        assert texts(there)[-1] == f"The channel dead is paused, after {MOST_FAILURES} failures on end."
        happens(platform, alarm(summary="Second."))
        works(notifier)
        assert len(dead.got) == MOST_FAILURES
        dead.answer = dead.says(204)
        ws.notifications.resume("dead")
        works(notifier)
        told = [text.rpartition(" ")[2] for text in texts(dead)[MOST_FAILURES:]]
    assert told == ["First.", "end.", "Second."]
    assert [each.envelope.kind for each in ws.ledger.list(limit=3).items] == [
        "notifications.channel_resumed",
        "alerts.alert_raised",
        "notifications.channel_paused",
    ]


def test_who_says_never_again_is_not_asked_again(ws, platform, notifier, there):
    ws.notifications.connect("desk", "webhook", there.url)
    there.answer = there.says(410)
    happens(platform, alarm())
    works(notifier)
    assert ws.notifications.list()[0].state is ChannelState.PAUSED


def test_a_channel_that_does_not_answer_holds_up_no_other(ws, platform, notifier, there, monkeypatch):
    go_on = threading.Event()
    with receiving() as slow:
        monkeypatch.setenv(EGRESS.name, f"{there.url},{slow.url}")
        slow.answer = lambda request, handler: go_on.wait(30) and slow.says(204)(request, handler)
        ws.notifications.connect("a-slow-one", "webhook", slow.url)
        ws.notifications.connect("desk", "webhook", there.url)
        happens(platform, alarm())
        notifier.turn()
        deadline = datetime.now(UTC) + timedelta(seconds=20)
        while not there.got:
            assert datetime.now(UTC) < deadline
            notifier.turn()
        assert [each.state for each in ws.notifications.deliveries("a-slow-one").items] == ["waiting"]
        go_on.set()
        works(notifier)
    assert len(slow.got) == 1


def test_what_the_operator_does_not_allow_is_said_and_not_sent(ws, platform, notifier, there, monkeypatch):
    monkeypatch.delenv(EGRESS.name)
    ws.notifications.connect("desk", "webhook", f"{there.url}/hunter2")
    happens(platform, alarm())
    works(notifier)
    [channel] = ws.notifications.list()
    assert "may not send to http://127.0.0.1" in channel.problem
    assert EGRESS.name in channel.problem
    assert "hunter2" not in channel.problem
    assert there.got == []


def test_a_removed_channel_is_told_nothing_of_what_waited(ws, platform, notifier, there):
    ws.notifications.connect("desk", "webhook", there.url)
    happens(platform, alarm())
    notifier.courier.gather()
    ws.notifications.remove("desk")
    works(notifier)
    assert there.got == []
    assert ws.notifications.deliveries().items == []


def test_a_worker_without_channels_or_news_writes_nothing(ws, platform, notifier, there):
    happens(platform, alarm())
    assert not notifier.turn()
    ws.notifications.connect("desk", "webhook", there.url, topics=("channel.paused",))
    works(notifier)
    before = _changes(platform)
    happens(platform, alarm())
    after = _changes(platform)
    for _ in range(5):
        notifier.turn()
    assert _changes(platform) == after > before


def _changes(platform):
    """SQLite's count of commits by others, as a connection of our own sees it."""
    if not hasattr(platform, "_watching"):
        import sqlite3

        platform._watching = sqlite3.connect(platform.home.folder / "control.db")
    return platform._watching.execute("PRAGMA data_version").fetchone()[0]


def test_people_are_named_only_in_what_is_sent(ws, platform, notifier, there):
    from modelwright.core.ids import new_id
    from modelwright.models.model import AliasMoved

    user = ws.users.add("ada", display="Ada\r\nLovelace <!channel>")
    move = AliasMoved(
        model="m", alias="champion", version=2, previous=1, package="a" * 64, policy="b" * 64, reason=new_id()
    )
    ws.notifications.connect("desk", "webhook", there.url)
    happens(platform, move, actor=user.id)
    works(notifier)
    assert texts(there) == ["Ada Lovelace <!channel> moved m@champion to version 2 from 1."]
    [delivery] = ws.notifications.deliveries().items
    assert delivery.message.by == user.id
    assert "Ada" not in delivery.message.said


def test_two_couriers_at_once_lose_nothing_and_keep_one_row_each(ws, platform, there):
    ws.notifications.connect("desk", "webhook", there.url)
    couriers = [Notifier(platform, Leases(platform.queue, "worker")) for _ in range(2)]  # one lease, two of its holders
    happens(platform, *(alarm(summary=f"{number}.") for number in range(20)))
    threads = [threading.Thread(target=works, args=[each]) for each in couriers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = {text.rpartition(" ")[2] for text in texts(there)}
    assert told == {f"{number}." for number in range(20)}
    assert len(ws.notifications.deliveries().items) == 20
