"""Slack's incoming webhooks.

Source:
    https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks and formatting-message-text
"""

from __future__ import annotations

from typing import Any

from modelwright.core import wire
from modelwright.core.errors import Invalid
from modelwright.egress.ask import ask
from modelwright.egress.rules import Rules, place_of
from modelwright.notifications.channels.base import reply
from modelwright.notifications.model import Outgoing, Reply, Sealed

_ANSWER_BYTES = 1000


def escaped(text: str) -> str:
    """Text in Slack's mrkdwn: what it could take for a mention, a link or a format is only text.

    Example:
        >>> escaped("<!channel> a & <https://evil.example|b>")
        '&lt;!channel&gt; a &amp; &lt;https://evil.example|b&gt;'
    """
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return plain.translate({ord(c): f"\u200b{c}" for c in "*_~`@"})  # a character of no width: no format begins here


class Slack:
    """A message in a channel of Slack; fulfils ``Sender``."""

    def shown(self, target: str) -> str:
        """The host: whoever knows the path can write there."""
        return f"{place_of(target)}/…"

    def secret(self, given: str) -> str:
        """None: the address is the secret."""
        if given:
            raise Invalid("A Slack channel takes no secret.", remedy="Leave it out.", fields={"secret": "not taken"})
        return ""

    def send(self, outgoing: Outgoing, sealed: Sealed, rules: Rules) -> Reply:
        """Post it. ``verbatim`` keeps Slack from finding links and mentions in the text."""
        text = escaped(outgoing.text)
        shown = f"{text} <{outgoing.link}|Open>" if outgoing.link else text
        body: dict[str, Any] = {
            "text": text,
            "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": shown, "verbatim": True}}],
            "parse": "none",
            "link_names": False,
            "unfurl_links": False,
            "unfurl_media": False,
        }
        headers = {"content-type": "application/json"}
        content = wire.encode(body)
        return reply(ask("POST", sealed.target, rules=rules, headers=headers, body=content, largest=_ANSWER_BYTES))
