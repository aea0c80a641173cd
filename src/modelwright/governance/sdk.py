"""Verbs on charters, policies and evidence for scripts, notebooks and commands."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from modelwright.core.operation import Face
from modelwright.governance.charter import Charter, CharterVersion
from modelwright.governance.model import Evidence, Policy, PolicyVersion, Simulated

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class ChartersFace(Face):
    """``ws.charters``."""

    def publish_file(self, model: str, path: str | Path = "charter.yaml") -> CharterVersion:
        """Put the charter in a YAML file in force.

        Raises:
            NotFound: There is no such file.
            Invalid: It is not a charter; the message names the line or the field.
        """
        from modelwright.core import written  # weight: for people who write files

        charter = written.read_as(written.text(path), Charter, what="charter")
        return self.publish(model, charter)  # type: ignore[no-any-return]  # an operation of this face


class PoliciesFace(Face):
    """``ws.policies``."""

    def publish_file(self, path: str | Path = "policy.yaml") -> PolicyVersion:
        """Put the policy in a YAML file in force; raises as ``publish``, and NotFound."""
        from modelwright.core import written  # weight: for people who write files

        return self.publish(written.text(path))  # type: ignore[no-any-return]  # an operation of this face

    def check_file(self, path: str | Path = "policy.yaml") -> Policy:
        """What the policy in a YAML file comes to; raises as ``check``, and NotFound."""
        from modelwright.core import written  # weight: for people who write files

        return self.check(written.text(path))  # type: ignore[no-any-return]  # an operation of this face

    def simulate_file(self, path: str | Path = "policy.yaml") -> tuple[Simulated, ...]:
        """What the policy in a YAML file would make of what was asked last; raises as ``simulate``, and NotFound."""
        from modelwright.core import written  # weight: for people who write files

        return self.simulate(written.text(path))  # type: ignore[no-any-return]  # an operation of this face


class EvidenceFace(Face):
    """``ws.evidence``."""

    def record(
        self,
        ref: str,
        dataset: str,
        scores: ArrayLike,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        slices: tuple[str, ...] = (),
        threshold: float | None = None,
    ) -> tuple[Evidence, ...]:
        """Send a version's scores of a window's rows ``(n_rows,)`` and have them judged; raises as ``evaluate``."""
        from modelwright.governance.evaluation import written_scores  # weight: pyarrow, numpy

        sent = self._caller.upload(written_scores(scores))
        return self.evaluate(  # type: ignore[no-any-return]  # an operation of this face
            ref, dataset, sent, since=since, until=until, slices=slices, threshold=threshold
        )
