"""What every kind of channel does."""

from __future__ import annotations

from typing import Protocol

from modelwright.egress.ask import Answer
from modelwright.egress.rules import Rules
from modelwright.notifications.model import Outgoing, Reply, Sealed


class Sender(Protocol):
    """Says messages in one way.

    Law: neither ``shown`` nor what is raised tells a secret of the target. ``send`` goes out through ``egress`` alone,
    and may be called again with the same message: it carries the same id then.
    """

    def shown(self, target: str) -> str:
        """The target without what could be a secret.

        Raises:
            Invalid: It is no target of this kind.
        """
        ...

    def secret(self, given: str) -> str:
        """What messages are signed with.

        Raises:
            Invalid: This kind takes none, or needs one, or one of another form.
        """
        ...

    def send(self, outgoing: Outgoing, sealed: Sealed, rules: Rules) -> Reply:
        """Say it, and tell what came back.

        Raises:
            Error: Nothing came back.
        """
        ...


def reply(answer: Answer) -> Reply:
    """What an HTTP answer means: 2xx is taken, 410 is never again (Standard Webhooks), nothing is followed."""
    if 200 <= answer.status < 300:
        return Reply(taken=True, status=answer.status)
    why = "; redirects are not followed" if 300 <= answer.status < 400 else ""
    gone = answer.status == 410
    return Reply(taken=False, status=answer.status, error=f"It answered {answer.status}{why}.", gone=gone)
