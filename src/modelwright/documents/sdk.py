"""Verbs on documents for scripts and commands."""

from __future__ import annotations

from modelwright.core.operation import Face


class DocumentsFace(Face):
    """``ws.documents``."""

    def read(self, ref: str, kind: str, **more: object) -> bytes:
        """A document of a version as a file's bytes.

        Args:
            ref: The version.
            kind: ``model_card``, ``technical_file``, ``change_report`` or ``declaration``.
            more: As for ``make``: ``format``, ``against``, ``digest``.
        """
        return self._fetch("make", ref, kind, **more)
