"""The evidence about a version so far: what the next period goes on from, in whatever process."""

from __future__ import annotations

from msgspec import Struct

from modelwright.monitoring.evidence import Stream


class Kept(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A version's streams.

    Attributes:
        streams: Stream -> its evidence.
        slow: Periods in a row over the latency limit.
    """

    streams: dict[str, Stream] = {}
    slow: int = 0
