"""LAW: what others wrote is only text, in Slack and in mail: no mention, no link, no header comes of it."""

import email
import email.policy
import json
import socket
from contextlib import closing

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelwright.app.connect import Workspace
from modelwright.app.workspace import LocalCaller
from modelwright.core.clock import utc_now
from modelwright.core.errors import Denied, Invalid, Unavailable
from modelwright.core.identity import OWNER
from modelwright.core.settings import EGRESS, MAIL_FROM, PUBLIC_URL, SMTP
from modelwright.egress import dial
from modelwright.egress.mail import configured
from modelwright.egress.rules import Rules
from modelwright.notifications.channels.email import Email, addresses, written
from modelwright.notifications.channels.slack import Slack, escaped
from modelwright.notifications.messages import one_line
from modelwright.notifications.model import Message, Outgoing, Sealed, Topic
from support.homes import fresh_platform
from support.receiver import certified, receiving

HOSTILE = [
    "<!channel> <!here> <@U012345> <#C024BE91L>",
    "<https://evil.example|Sign in again> https://evil.example",
    "@channel @here @everyone",
    "*bold* _italic_ ~struck~ `code` ```block```",
    "&lt;!channel&gt; &amp;",
    "a\r\nBcc: eve@evil.example\r\n\r\nanother body",
    "a\u2028b\u2029c\x00\x1b[31m\u202egnp.exe\ufeff",
    "é" * 300,
]


def outgoing(text: str, link: str | None = "https://ml.example.com/alerts/1") -> Outgoing:
    message = Message(topic=Topic.ALERT_RAISED, said=text, path="/alerts/1")
    return Outgoing(
        id="0" * 32, message=message, text=one_line(text), link=link, project="default", seq=7, at=utc_now()
    )


# Slack


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_text_is_only_text_in_slack(text):
    with receiving() as there:
        there.answer = there.says(200, b"ok")
        reply = Slack().send(outgoing(text), Sealed(target=f"{there.url}/services/T0/B0/x"), Rules.read(there.url))
    assert reply.taken
    body = json.loads(there.got[0].body)
    [block] = body["blocks"]
    shown = block["text"]["text"].removesuffix(" <https://ml.example.com/alerts/1|Open>")
    assert block["text"] == {"type": "mrkdwn", "text": block["text"]["text"], "verbatim": True}
    assert (body["parse"], body["link_names"]) == ("none", False)
    for each in (shown, body["text"]):
        assert not set("<>\r\n") & set(each)
        assert not any(f"{mark}{letter}" in each.replace(f"\u200b{mark}", "") for mark in "*_~`@" for letter in "abch")


@given(st.text(max_size=200))
def test_what_is_escaped_for_slack_reads_as_it_was_written(text):
    shown = escaped(text)
    assert "<" not in shown
    assert ">" not in shown
    back = shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert back.replace("\u200b", "") == text.replace("\u200b", "")


# Mail


class Box:
    """A handler of aiosmtpd that keeps what it is given."""

    def __init__(self):
        self.got = []
        self.encrypted = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802  # as aiosmtpd wants it
        self.got.append((envelope, email.message_from_bytes(envelope.content, policy=email.policy.default)))
        self.encrypted.append(session.ssl is not None)
        return "250 taken"


def _free():
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        return free.getsockname()[1]


@pytest.fixture
def tls(tmp_path, monkeypatch):
    context = certified(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    dial.trust.cache_clear()
    yield context
    dial.trust.cache_clear()


@pytest.fixture
def serving(monkeypatch):
    """Starts a mail server on this machine, and sets the house to it."""
    running = []

    def start(user="", **given):
        box, port = Box(), _free()
        controller = Controller(box, hostname="127.0.0.1", port=port, **given)
        controller.start()
        running.append(controller)
        monkeypatch.setenv(SMTP.name, f"smtp://{user}127.0.0.1:{port}")
        monkeypatch.setenv(MAIL_FROM.name, "modelwright@example.com")
        monkeypatch.setenv(EGRESS.name, "mailto:example.com")
        return box

    yield start
    for controller in running:
        controller.stop()


def _who(server, session, envelope, mechanism, data):
    good = (data.login, data.password) == (b"house", b"p@ss/word")
    return AuthResult(success=good, handled=False)


def test_mail_is_handed_over_encrypted_by_somebody_who_signed_in(serving, tls):
    box = serving(
        "house:p%40ss%2Fword@", tls_context=tls, require_starttls=True, authenticator=_who, auth_required=True
    )
    sealed = Sealed(target="ada@example.com, team@example.com")
    reply = Email().send(outgoing("delays: an alarm."), sealed, Rules.configured())
    assert (reply.taken, reply.status) == (True, 250)
    [(envelope, message)] = box.got
    assert box.encrypted == [True]
    assert envelope.rcpt_tos == ["ada@example.com", "team@example.com"]
    assert envelope.mail_from == "modelwright@example.com"
    assert message["subject"] == "delays: an alarm."
    assert message["to"] == "ada@example.com, team@example.com"
    assert message["from"] == "Modelwright <modelwright@example.com>"
    assert message["message-id"] == f"<{'0' * 32}@example.com>"
    assert message["auto-submitted"] == "auto-generated"
    assert message.get_content_type() == "text/plain"
    assert message.get_content().split() == [
        *("delays:", "an", "alarm.", "https://ml.example.com/alerts/1", "Project", "default,", "alert.raised.")
    ]


def test_a_server_whose_certificate_does_not_count_gets_no_password(serving, tmp_path):
    box = serving("house:p%40ss%2Fword@", tls_context=certified(tmp_path, "127.0.0.1"), authenticator=_who)
    with pytest.raises(Unavailable, match="certificate"):
        Email().send(outgoing("a"), Sealed(target="ada@example.com"), Rules.configured())
    assert box.got == []


def test_a_password_is_never_sent_in_clear(serving):
    box = serving("house:p%40ss%2Fword@", authenticator=_who, auth_require_tls=False)
    with pytest.raises(Unavailable, match="STARTTLS"):
        Email().send(outgoing("a"), Sealed(target="ada@example.com"), Rules.configured())
    assert box.got == []


def test_a_wrong_password_is_an_error_that_does_not_tell_it(serving, tls):
    serving("house:hunter2@", tls_context=tls, authenticator=_who, auth_required=True)
    with pytest.raises(Unavailable) as raised:
        Email().send(outgoing("a"), Sealed(target="ada@example.com"), Rules.configured())
    assert "535" in raised.value.message
    assert "hunter2" not in raised.value.message
    assert "hunter2" not in repr(configured())


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_text_is_only_text_in_mail(text, serving):
    box = serving()
    Email().send(outgoing(text), Sealed(target="ada@example.com"), Rules.configured())
    [(envelope, message)] = box.got
    assert envelope.rcpt_tos == ["ada@example.com"]
    assert {name.lower() for name in message} == {
        *("from", "to", "subject", "date", "message-id", "auto-submitted", "mime-version"),
        *("content-type", "content-transfer-encoding"),
    }
    assert message["subject"].startswith(one_line(text)[:100])
    assert message.get_content().splitlines()[0] == one_line(text)
    assert not message.is_multipart()


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=300))
def test_any_text_makes_a_mail_with_the_same_headers(text):
    message = written(outgoing(text), addresses("ada@example.com"), "modelwright@example.com")
    again = email.message_from_bytes(message.as_bytes(policy=email.policy.SMTP), policy=email.policy.default)
    assert sorted(again.keys()) == sorted(message.keys())
    assert again["to"] == "ada@example.com"


def test_mail_goes_only_where_the_operator_says(serving, monkeypatch):
    box = serving()
    for target in ("eve@evil.example", "ada@example.com, eve@evil.example"):
        with pytest.raises(Denied, match=r"evil\.example"):
            Email().send(outgoing("a"), Sealed(target=target), Rules.configured())
    monkeypatch.delenv(SMTP.name)
    with pytest.raises(Unavailable, match="sends no mail"):
        Email().send(outgoing("a"), Sealed(target="ada@example.com"), Rules.configured())
    assert box.got == []


@pytest.mark.parametrize(
    "address", ["mail.example.com", "http://h", "smtp://", "smtp://h:x", "smtp://u:hunter2@h/path"]
)
def test_a_setting_that_is_no_mail_server_is_an_error_that_does_not_repeat_it(address, monkeypatch):
    monkeypatch.setenv(SMTP.name, address)
    with pytest.raises(Invalid) as raised:
        configured()
    assert "hunter2" not in raised.value.message + raised.value.remedy


def test_a_channel_by_mail_is_tried_from_end_to_end(serving, tmp_path, monkeypatch):
    box = serving()
    monkeypatch.setenv(PUBLIC_URL.name, "https://ml.example.com")
    with closing(fresh_platform(tmp_path)) as platform:
        ws = Workspace(platform.table, LocalCaller(platform, OWNER), "here")
        ws.notifications.connect("mail", "email", "ada@example.com")
        assert ws.notifications.test("mail").state == "delivered"
    assert "https://ml.example.com/notifications" in box.got[0][1].get_content()
