"""The evidence about a version so far: what the next period goes on from, in whatever process."""

from __future__ import annotations

from msgspec import Struct


class Stream(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The evidence on one thing so far: what a restart goes on from.

    Attributes:
        sums: The log of each Shiryaev-Roberts sum, as little-endian float64.
        peaks: The log of each greatest evidence since a beginning, likewise.
        begun: The period in which each of those begins, as little-endian int64.
    """

    sums: bytes = b""
    peaks: bytes = b""
    begun: bytes = b""


class Kept(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A version's streams.

    Attributes:
        streams: Stream -> its evidence.
        slow: Periods in a row over the latency limit.
    """

    streams: dict[str, Stream] = {}
    slow: int = 0
