"""Alerts: what deserves attention, the first to look at first."""

from __future__ import annotations

from modelwright.alerts.model import Alert, Severity
from modelwright.ui.page import Ask, View


def load_list(ask: Ask) -> View:
    """The inbox."""
    which = "all" if ask.word("which") == "all" else "open"
    page = ask.workspace.alerts.list(which=which, after=ask.word("after") or None)
    alerts: list[Alert] = page.items
    context = {
        "alerts": alerts,
        "after": page.next,
        "which": which,
        "alarms": sum(alert.severity is Severity.ALARM for alert in alerts if alert.state != "resolved"),
    }
    return View("alerts", "Alerts", context)


def load(ask: Ask) -> View:
    """One alert."""
    alert: Alert = ask.workspace.alerts.get(ask.path["id"])
    return View(
        "alert", f"{alert.rule} of {alert.alias or alert.endpoint}", {"alert": alert, "muted": alert.is_muted(ask.now)}
    )
