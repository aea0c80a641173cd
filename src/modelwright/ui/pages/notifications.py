"""Notifications: who is told what, where, and whether it arrives."""

from __future__ import annotations

from modelwright.alerts.model import Severity
from modelwright.notifications.model import ChannelState, Kind, Topic
from modelwright.notifications.signing import new_secret
from modelwright.ui.page import Ask, View

_PAGE = 50


def load(ask: Ask) -> View:
    """The channels, what was sent through them, and the forms that change them."""
    channels = ask.workspace.notifications.list()
    page = ask.workspace.notifications.deliveries(limit=_PAGE, after=ask.word("after") or None)
    context = {
        "channels": channels,
        "paused": [each for each in channels if each.state is ChannelState.PAUSED],
        "failing": [each for each in channels if each.failures],
        "sent": page.items,
        "after": page.next,
        "kinds": list(Kind),
        "topics": [topic for topic in Topic if topic is not Topic.TEST],
        "severities": list(Severity),
        "secret": new_secret() if ask.offers("notifications.add") else "",
    }
    return View("notifications", "Notifications", context)
