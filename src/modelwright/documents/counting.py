"""What a document has and lacks, for the evidence that a gate asks for."""

from __future__ import annotations

from modelwright.documents.model import Document
from modelwright.facts.record import Record
from modelwright.facts.table import FACTS
from modelwright.governance.checks.model import Written

AFTERWARDS = ("alerts", "decisions", "deployments", "monitors", "rollouts", "signatures")
"""Facts that a version's release or use gives: what they miss, nobody can say while a gate before it asks."""


def counted(document: Document, record: Record) -> Written:
    """How many statements of a document rest on what, and which items lack one that could be there now.

    Args:
        document: The document.
        record: What it was made from.
    """
    afterwards = {said.text for name in AFTERWARDS for said in FACTS[name](record)}
    lacking = [(item.id, said.text in afterwards) for item, said in document.missing]
    return Written(
        document=document.kind,
        digest=document.digest,
        computed=document.counts.computed,
        attested=document.counts.attested,
        missing=sum(not later for _, later in lacking),
        later=sum(later for _, later in lacking),
        lacking=tuple(dict.fromkeys(item for item, later in lacking if not later)),
    )
