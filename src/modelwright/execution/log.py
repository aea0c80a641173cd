"""What a step writes, within bounds: its beginning and its end are kept, and how much there was."""

from __future__ import annotations

HALF_BYTES = 128 << 10
TAIL_BYTES = 4 << 10


class Log:
    """Grows to twice ``HALF_BYTES`` at most, whatever is written.

    Example:
        >>> log = Log()
        >>> log.add(b"one line")
        >>> log.tail, log.size, log.longer
        ('one line', 8, False)
    """

    def __init__(self) -> None:
        self.size = 0
        self._head = bytearray()
        self._end = bytearray()

    def add(self, data: bytes) -> None:
        """Take more."""
        self.size += len(data)
        room = HALF_BYTES - len(self._head)
        self._head += data[:room]
        self._end += data[max(room, 0) :]
        if len(self._end) > 2 * HALF_BYTES:
            del self._end[:-HALF_BYTES]

    @property
    def longer(self) -> bool:
        """Whether it is more than its tail."""
        return self.size > TAIL_BYTES

    @property
    def tail(self) -> str:
        """Its last few kilobytes."""
        last = bytes(self._head[-TAIL_BYTES:]) + bytes(self._end[-TAIL_BYTES:])
        return last[-TAIL_BYTES:].decode(errors="replace")

    @property
    def whole(self) -> bytes:
        """All of it, or its beginning and its end."""
        end = bytes(self._end[-HALF_BYTES:])
        left_out = self.size - len(self._head) - len(end)
        gap = f"\n[{left_out:,} bytes are left out here]\n".encode() if left_out > 0 else b""
        return bytes(self._head) + gap + end
