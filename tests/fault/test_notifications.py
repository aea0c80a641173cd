"""LAW: kill -9 of the job worker loses no message, at whatever point it comes; who gets one twice can tell by its id."""

import random
import threading
import time

from standardwebhooks import Webhook

import modelwright as mw
from modelwright.core import wire
from modelwright.core.settings import EGRESS
from support.house import House, awaits
from support.receiver import receiving

MESSAGES, KILLS = 60, 8


def test_a_job_worker_that_is_killed_again_and_again_loses_no_message(tmp_path, monkeypatch):
    """Every second answer is late or lost, so that kills fall between what is sent and what is written down of it."""
    rolls = random.Random(5)
    with receiving() as there:
        monkeypatch.setenv(EGRESS.name, there.url)
        taken = there.says(204)

        def answer(request, handler):
            time.sleep(rolls.choice([0.0, 0.0, 0.02, 0.05]))
            taken(request, handler)

        there.answer = answer
        with House(tmp_path / "home", workers=1) as house, mw.connect(house.api) as ws:
            made = ws.notifications.connect("desk", "webhook", there.url, topics=("channel.paused",))
            ws.notifications.connect("subject", "webhook", there.url, topics=("execution.failed",))
            done = threading.Event()
            killer = threading.Thread(target=_kill, args=[house, done])
            killer.start()
            try:
                for _ in range(MESSAGES):
                    ws.notifications.pause("subject")
                    ws.notifications.resume("subject")
                    time.sleep(0.05)
            finally:
                done.set()
                killer.join()
            entries = _entries(ws)
            awaits(lambda: entries <= _told(there), "every message has arrived")
            awaits(lambda: {each.state for each in _sent(ws)} == {"delivered"}, "every delivery is settled")
            assert ws.ledger.verify().intact
            assert len(_sent(ws)) == len(entries) == MESSAGES
    ids = {}
    for request in there.got:
        body = Webhook(made.secret).verify(request.body, request.headers)
        assert ids.setdefault(request.headers["webhook-id"], body["data"]["entry"]) == body["data"]["entry"]
    assert len(ids) == MESSAGES


def _kill(house, done):
    for _ in range(KILLS):
        if done.wait(random.uniform(0.2, 0.8)):
            return
        dead = house.kill("jobs")
        house.replaced("jobs", dead)


def _entries(ws):
    found = ws.ledger.list(kind="notifications.channel_paused", limit=1000).items
    return {entry.envelope.seq for entry in found}


def _sent(ws):
    return ws.notifications.deliveries("desk", limit=1000).items


def _told(there):
    return {wire.decode(request.body, dict)["data"]["entry"] for request in list(there.got)}
