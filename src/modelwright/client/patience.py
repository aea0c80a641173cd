"""How long a caller tries: again after growing pauses, as long as there is hope, and no longer."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING

from modelwright.core.errors import Unavailable

if TYPE_CHECKING:  # weight: a home opened in process does without
    import httpx

_DELAYS = (0.1, 0.2, 0.4, 0.8, 1.6, 2.0)  # 5 s together: a supervisor has a dead server back within one
_LONGEST_WAIT = 5.0  # a server's Retry-After is heeded up to here
_REFUSED_ATTEMPTS = 4  # nobody listens there at all: 0.7 s of patience are enough
_BUSY = frozenset({502, 503, 504})  # of the server itself, or of what stands before it


class Patience:
    """The pauses of one exchange.

    Args:
        sleep: How to pause.
    """

    def __init__(self, sleep: Callable[[float], None]) -> None:
        self._sleep = sleep
        self._failed = 0

    def refuses(self, response: httpx.Response) -> bool:
        """Whether to ask again, after a pause: the server is busy, and there is patience left."""
        if response.status_code not in _BUSY or self._failed >= len(_DELAYS):
            return False
        self._pause(_retry_after(response), shortest=0.75)
        return True

    def lost(self, failure: Exception, url: str, *, progress: bool = False) -> None:
        """Pause after a connection that broke.

        Args:
            failure: How.
            url: Whose.
            progress: Whether bytes came through before it did: then patience begins anew.

        Raises:
            Unavailable: It has broken too often.
        """
        import httpx  # loaded by now

        if progress:
            self._failed = 0
        refused = isinstance(failure, httpx.ConnectError) and self._failed + 1 >= _REFUSED_ATTEMPTS
        if refused or self._failed >= len(_DELAYS):
            raise Unavailable(
                f"{url} does not answer: {failure or 'no reason given'}.",
                remedy="Start it with `modelwright up`, or check the address in MODELWRIGHT_URL.",
            ) from failure
        self._pause(0.0, shortest=0.75)

    def _pause(self, wished: float, *, shortest: float) -> None:
        delay = max(_DELAYS[self._failed], wished)
        self._failed += 1
        self._sleep(delay * random.uniform(shortest, 1.0))  # noqa: S311  # callers shall not come back all at once


def _retry_after(response: httpx.Response) -> float:
    said = response.headers.get("retry-after", "")
    return min(float(said), _LONGEST_WAIT) if said.isascii() and said.isdigit() else 0.0
