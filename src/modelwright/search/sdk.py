"""Verbs on search for scripts and notebooks."""

from __future__ import annotations

from modelwright.core.operation import Face
from modelwright.search.model import Hit


class SearchFace(Face):
    """``ws.search``."""

    def __call__(self, text: str, limit: int = 20) -> list[Hit]:
        """What the words could mean; the same as ``ws.search.find``.

        Args:
            text: Words, ``name@3``, or the beginning of an id or of a digest.
            limit: At most so many, 1 to 100.
        """
        found: list[Hit] = self.find(text, limit)
        return found
