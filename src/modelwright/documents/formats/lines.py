"""What every format says in the same words."""

from __future__ import annotations

from collections.abc import Mapping

from modelwright.documents.model import Document, described
from modelwright.facts.model import Attested, Missing, Source, Statement

LEGEND = (
    "COMPUTED is made from values on record, each with its source; ATTESTED is somebody's own words; MISSING is what "
    "nothing on record says."
)


def provenance(document: Document) -> list[str]:
    """What the document is about and made by, a line each."""
    pack = document.template
    compared = f", compared with {document.against}" if document.against else ""
    return [
        f"Version {document.subject}{compared}, package {document.package}.",
        f"State of the record at {document.as_of:%Y-%m-%d %H:%M:%S}Z: {described(document.counts)}.",
        f"Pack {pack.name} {pack.version} ({pack.cites}), {pack.digest}.",
        LEGEND,
    ]


def where(clause: str, title: str) -> str:
    """A heading with the clause that asks for it."""
    return f"{clause}: {title}" if clause else title


def numbered(document: Document) -> dict[Source, int]:
    """Every source with the number under which it stands at the document's end, in order of appearance."""
    sources = (source for said in document.statements for source in said.sources)
    return {source: place for place, source in enumerate(dict.fromkeys(sources), start=1)}


def below(said: Statement, numbers: Mapping[Source, int]) -> str:
    """What stands below a statement: who said it, the sources of its values by number, or what to do."""
    match said:
        case Missing():
            return f"Remedy: {said.advice}"
        case Attested():
            return f"Said by {said.by} at {said.at:%Y-%m-%d %H:%M}Z, source {_listed(said, numbers)}."
        case _:
            return f"Source {_listed(said, numbers)}."


def origin(source: Source) -> str:
    """One source: what it is, what people call it, its digest."""
    return f"{source.kind} {source.name}" + (f", {source.digest}" if source.digest else "")


def _listed(said: Statement, numbers: Mapping[Source, int]) -> str:
    return ", ".join(f"({numbers[source]})" for source in said.sources)
