"""Verbs on checks for scripts and commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from modelwright.core.operation import Face
from modelwright.governance.checks.model import Outcome, Perturbation
from modelwright.governance.model import Evidence

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class ChecksFace(Face):
    """``ws.checks``."""

    def time(
        self, ref: str, dataset: str, times: NDArray[np.float64], *, load_ms: float, machine: str, **span: Any
    ) -> Evidence:
        """Send how long one-row answers took, in milliseconds ``(n,)``, and have them judged; raises as ``latency``."""
        from modelwright.governance.evaluation import written_scores  # weight: pyarrow, numpy

        sent = self._caller.upload(written_scores(times))
        return self.latency(ref, dataset, sent, load_ms, machine, **span)  # type: ignore[no-any-return]  # an operation

    def perturb(
        self,
        ref: str,
        dataset: str,
        tried: Sequence[tuple[Perturbation, NDArray[np.float64] | None]],
        rows: NDArray[np.int64],
        **more: Any,
    ) -> Evidence:
        """Send what was answered to perturbed rows, and have it judged; raises as ``robustness``.

        Args:
            ref: The model's version.
            dataset: The dataset's version.
            tried: What was done, and what was answered; none where the model failed.
            rows: The rows' places in the window, in their order.
            more: ``since``, ``until``, ``threshold``.
        """
        from modelwright.governance.checks.computing import written_trials  # weight: pyarrow, numpy

        sent = self._caller.upload(written_trials(rows, [scores for _, scores in tried]))
        perturbations = tuple(each for each, _ in tried)
        return self.robustness(ref, dataset, perturbations, sent, **more)  # type: ignore[no-any-return]  # an operation

    def keep(
        self,
        ref: str,
        dataset: str,
        name: str,
        values: Mapping[str, Outcome],
        source: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Evidence:
        """Send what a check of one's own found, with the function's source; raises as ``record``."""
        sent = self._caller.upload(source.encode())
        return self.record(  # type: ignore[no-any-return]  # an operation of this face
            ref, dataset, name, dict(values), sent, since=since, until=until
        )
