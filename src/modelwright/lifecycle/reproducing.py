"""Reproduce a version: one that was made again is asked here about the same rows, and the server compares the two."""

from __future__ import annotations

from modelwright.core.errors import NotFound
from modelwright.governance.matching import same_rows
from modelwright.governance.model import Evidence, Kind
from modelwright.lifecycle.evaluate import Faces, evaluate
from modelwright.models.model import ModelVersion


def reproduce(workspace: Faces, ref: str, remade: str) -> Evidence:
    """Have a version compared with one that was made again from its record, and keep what comes of it as evidence.

    The one that was made again is evaluated on the rows of the version's newest evaluation, unless it was. The server
    compares bytes, answers, and what both were made of.

    Args:
        workspace: Where both lie.
        ref: The model's version.
        remade: The version that came of running the same script or pipeline again.

    Raises:
        NotFound: There is no such version or charter, or the version was never evaluated.
        Invalid: It is the version itself, came out of the same run, or answers another kind of question.
        Corrupted: A byte of a package or of the dataset is not what was recorded.
    """
    version, other = workspace.models.get(ref), workspace.models.get(remade)
    anchor = _evaluation(workspace, version)
    if anchor is None:
        raise NotFound(
            f"{version.ref} was never evaluated, so that there are no answers to compare.",
            remedy=f"Run: modelwright model evaluate {version.ref} --on DATASET@VERSION",
        )
    if other.ref != version.ref and _evaluation(workspace, other, anchor) is None:
        window = anchor.window
        evaluate(workspace, other.ref, anchor.dataset.ref, since=window.since, until=window.until, explain=False)
    found: Evidence = workspace.checks.reproduce(version.ref, other.ref)
    return found


def _evaluation(workspace: Faces, version: ModelVersion, on: Evidence | None = None) -> Evidence | None:
    """The newest evaluation of these bytes, of any rows or of those of another."""
    mine = (
        each
        for each in workspace.evidence.list(version.ref)
        if each.kind is Kind.EVALUATION and each.package == version.package
    )
    return next((each for each in mine if on is None or same_rows(each, on)), None)
