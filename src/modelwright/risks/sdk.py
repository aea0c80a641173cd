"""Verbs on risk registers for scripts, notebooks and commands."""

from __future__ import annotations

from pathlib import Path

from modelwright.core.operation import Face
from modelwright.risks.model import Checked, Register, RegisterVersion


class RisksFace(Face):
    """``ws.risks``."""

    def publish_file(self, path: str | Path = "risks.yaml") -> RegisterVersion:
        """Put the register in a YAML file in force.

        Raises:
            NotFound: There is no such file.
            Invalid: It is not a register; the message names the line or the field.
        """
        return self.publish(_read(path))  # type: ignore[no-any-return]  # an operation of this face

    def check_file(self, path: str | Path = "risks.yaml") -> Checked:
        """What publishing the register in a YAML file would come to; raises as ``publish_file``."""
        return self.check(_read(path))  # type: ignore[no-any-return]  # an operation of this face


def _read(path: str | Path) -> Register:
    from modelwright.core import written  # weight: for people who write files

    return written.read_as(written.text(path), Register, what="risk register")
